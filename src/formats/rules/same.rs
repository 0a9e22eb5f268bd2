//! Whether two texts of a rule file have the same rules.

use crate::{
    diagnostic::{Diagnostic, Severity},
    promql::syntax::{Expr, ExprKind, Options},
    text::Source,
};

use super::{Rule, RuleFile, read};
use crate::formats::reader::first_line;

/// Refuses a text that does not have the rules that it was made from.
pub(super) fn verified(
    source: &Source,
    text: &str,
    file: &RuleFile,
    options: Options,
) -> Result<(), Vec<Diagnostic>> {
    let again = Source::new(source.name(), text);
    let fault = |rule: &Rule| {
        let message =
            format!("the expression of `{}` would not stay the same when formatted", rule.name.node);
        Diagnostic::error(message)
            .at(source, first_line(source, rule.expr.text.span()), "")
            .because("this is a fault of llmobs; the file is left as it is")
    };
    let (formatted, _) = read(&again, &options).map_err(|mut mistakes| {
        mistakes.retain(|mistake| mistake.severity == Severity::Error);
        for mistake in &mut mistakes {
            mistake.why =
                Some("this is what formatting would make of the file; it is a fault of llmobs".to_owned());
        }
        mistakes
    })?;
    let rules = |file: &RuleFile| -> Vec<(usize, String)> {
        let groups = file.groups.iter().enumerate();
        groups.flat_map(|(at, group)| group.rules.iter().map(move |rule| (at, meaning(rule)))).collect()
    };
    let (before, after) = (rules(file), rules(&formatted));
    let all = file.groups.iter().flat_map(|group| &group.rules);
    let changed: Vec<Diagnostic> = all
        .enumerate()
        .filter(|(at, _)| before.get(*at) != after.get(*at) || before.len() != after.len())
        .map(|(_, rule)| fault(rule))
        .collect();
    if changed.is_empty() { Ok(()) } else { Err(changed) }
}

/// All that a rule says, places left out.
fn meaning(rule: &Rule) -> String {
    let pairs = |pairs: &[crate::formats::Pair]| -> Vec<(String, String)> {
        pairs.iter().map(|pair| (pair.name.node.clone(), pair.text.as_str().to_owned())).collect()
    };
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {}",
        rule.kind,
        rule.name.node,
        rule.hold.as_ref().map(|hold| hold.node),
        rule.keep_firing_for.as_ref().map(|keep| keep.node),
        pairs(&rule.labels),
        pairs(&rule.annotations),
        shape(&rule.expr.tree),
    )
}

/// The tree as text, without the places of its parts and the order of matchers.
fn shape(tree: &Expr) -> String {
    let mut tree = tree.clone();
    sort_matchers(&mut tree);
    let whole = format!("{tree:?}");
    let mut parts = whole.split("Span { start: ");
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shape.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    // `[5]` and `[5s]` say the same.
    shape.replace("is_duration: true", "").replace("is_duration: false", "")
}

fn sort_matchers(expr: &mut Expr) {
    let matchers = match &mut expr.kind {
        ExprKind::Selector(selector) => Some(&mut selector.matchers),
        ExprKind::Range(range) => Some(&mut range.selector.matchers),
        _ => None,
    };
    if let Some(matchers) = matchers {
        matchers.sort_by_key(|m| (m.name.node.clone(), m.op.node, m.value.node.clone()));
    }
    for child in expr.children_mut() {
        sort_matchers(child);
    }
}
