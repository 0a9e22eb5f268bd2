//! Formats the expressions of a rule file. Everything else in the file stays byte for byte.

use crate::{
    diagnostic::{Diagnostic, Severity},
    promql::syntax::{self, Expr, Options},
    text::{Source, Span},
    yaml::{self, Style},
};

use super::{Expression, Rule, RuleFile, read};

/// A rule file with its expressions formatted.
#[derive(Debug, Clone, PartialEq)]
pub struct Formatted {
    pub text: String,
    /// How many expressions came out otherwise than they were written.
    pub changed: usize,
    /// Notes on expressions that are left as they are, though they may not be formatted.
    pub left_alone: Vec<Diagnostic>,
}

/// Formats every expression: a short one stays on its line, or in its block; a long one becomes a block with a line
/// for each part. `file` is what [`read`](super::read) read of the source.
///
/// What comes out is read again and has the same rules; `Err` says where it would not.
pub fn format(source: &Source, file: &RuleFile, options: &Options) -> Result<Formatted, Vec<Diagnostic>> {
    let (mut edits, mut left_alone, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    let mut changed = 0;
    for rule in file.groups.iter().flat_map(|group| &group.rules) {
        let expr = &rule.expr;
        // An alias is the same expression again.
        if seen.contains(&expr.text.span()) {
            continue;
        }
        seen.push(expr.text.span());
        match edits_of(source, expr) {
            Ok(more) => {
                changed += usize::from(!more.is_empty());
                edits.extend(more);
            }
            Err(Left { why, help }) => left_alone.push(
                Diagnostic::note(format!("the expression of `{}` is left as it is: {why}", rule.name.node))
                    .at(source, first_line(source, expr.text.span()), "")
                    .help(help),
            ),
        }
    }
    let text = applied(source.text(), edits);
    verified(source, &text, file, options)?;
    Ok(Formatted { text, changed, left_alone })
}

/// Some bytes of the file and what takes their place.
struct Edit {
    span: Span,
    text: String,
}

/// Why an expression is not touched.
struct Left {
    why: &'static str,
    help: &'static str,
}

const COMMENT: Left = Left {
    why: "it holds a comment, for which the formatted text has no place",
    help: "move the comment in front of the rule",
};
const SHARED: Left =
    Left { why: "it is marked with an anchor or is an alias", help: "write it out to have it formatted" };

fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.span.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn edits_of(source: &Source, expr: &Expression) -> Result<Vec<Edit>, Left> {
    let scalar = expr.text.scalar();
    if has_comment(&scalar.text) {
        return Err(COMMENT);
    }
    let file = source.text();
    let lead = lead(file, expr)?;
    let pretty = syntax::pretty(&expr.tree);
    if matches!(scalar.style, Style::Literal | Style::Folded) {
        return block(file, expr, &pretty, lead.header.ok_or(SHARED)?);
    }
    let span = expr.text.span();
    if !pretty.contains('\n') || scalar.in_flow {
        let line = if pretty.contains('\n') { expr.tree.to_string() } else { pretty };
        if line == scalar.text && !source.slice(span).contains('\n') {
            return Ok(Vec::new());
        }
        let written = on_a_line(&line, source.slice(span), scalar.in_flow);
        return Ok(vec![Edit { span, text: written }]);
    }
    Ok(new_block(file, expr, &pretty, lead))
}

/// What stands between the key and the scalar.
struct Lead {
    /// Nothing but blanks and line ends behind the colon.
    is_blank: bool,
    /// Behind the colon.
    start: usize,
    /// `|` or `>` with what belongs to it.
    header: Option<Span>,
}

fn lead(file: &str, expr: &Expression) -> Result<Lead, Left> {
    let end = expr.text.span().start;
    let between = file.get(expr.key.end..end).ok_or(SHARED)?;
    let colon = between.find(|c: char| !c.is_whitespace()).filter(|at| between[*at..].starts_with(':')).ok_or(SHARED)?;
    let start = expr.key.end + colon + 1;
    let (mut at, mut is_blank) = (start, true);
    while at < end {
        let rest = &file[at..end];
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let width = match rest.chars().next() {
            Some(c) if c.is_whitespace() => c.len_utf8(),
            Some('#') => rest.find('\n').unwrap_or(rest.len()),
            Some('!') => word,
            Some('|' | '>') => return Ok(Lead { is_blank: false, start, header: Some(Span::new(at, at + word)) }),
            _ => return Err(SHARED),
        };
        is_blank &= rest.starts_with(char::is_whitespace);
        at += width;
    }
    Ok(Lead { is_blank, start, header: None })
}

/// New content for a block.
fn block(file: &str, expr: &Expression, pretty: &str, header: Span) -> Result<Vec<Edit>, Left> {
    let span = expr.text.span();
    let line = file[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &file[line..span.start];
    if !indent.bytes().all(|byte| byte == b' ') {
        return Err(SHARED);
    }
    let old = file[span.start..span.end].trim_end();
    let content = indented(file, pretty, indent);
    let mut edits = Vec::new();
    if old != content {
        edits.push(Edit { span: Span::new(span.start, span.start + old.len()), text: content });
    }
    // Folding would be told by indentation alone; a literal block says what is meant. A number in the header counts
    // the blanks before the old content.
    let kept: String = file[header.start..header.end].chars().filter(|c| !c.is_ascii_digit()).collect();
    let kept = if pretty.contains('\n') { kept.replace('>', "|") } else { kept };
    if kept != file[header.start..header.end] {
        edits.push(Edit { span: header, text: kept });
    }
    Ok(edits)
}

/// A block in the place of a plain or quoted scalar; a comment behind it stays on the line of the key.
fn new_block(file: &str, expr: &Expression, pretty: &str, lead: Lead) -> Vec<Edit> {
    let span = expr.text.span();
    let line = file[..expr.key.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = " ".repeat(expr.key.start - line + 2);
    let rest = &file[span.end..];
    let line_end = rest.find('\n').unwrap_or(rest.len());
    let line_end = span.end + rest[..line_end].trim_end_matches('\r').len();
    let from = if lead.is_blank { lead.start } else { span.start };
    let header = if lead.is_blank { " |-" } else { "|-" };
    let content = format!("{}{indent}{}", line_break(file), indented(file, pretty, &indent));
    vec![
        Edit { span: Span::new(from, span.end), text: header.to_owned() },
        Edit { span: Span::new(line_end, line_end), text: content },
    ]
}

fn line_break(file: &str) -> &'static str {
    if file.contains("\r\n") { "\r\n" } else { "\n" }
}

fn indented(file: &str, pretty: &str, indent: &str) -> String {
    pretty.lines().collect::<Vec<_>>().join(&format!("{}{indent}", line_break(file)))
}

/// The text as a scalar on one line, in the quotes that it had, or with quotes where it needs them now.
fn on_a_line(text: &str, old: &str, in_flow: bool) -> String {
    if old.starts_with('"') {
        return format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
    }
    if !old.starts_with('\'') && is_plain(text, in_flow) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a text without quotes is read as itself.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let around = if in_flow { ("{a: ", ", b: c}") } else { ("a: ", " # c\nb: c") };
    let source = Source::new("scalar", format!("{}{text}{}", around.0, around.1));
    let options =
        yaml::Options { max_bytes: usize::MAX, too_long: "", max_depth: 8, dialect: yaml::Dialect::Foreign };
    let mut mistakes = Vec::new();
    let root = yaml::read(&source, &options, &mut mistakes);
    let value = root.as_ref().and_then(|root| root.entry("b").and(root.entry("a"))).map(|entry| &entry.value.value);
    mistakes.is_empty()
        && matches!(value, Some(yaml::Value::Scalar(scalar)) if scalar.style == Style::Plain && scalar.text == text)
}

/// Whether there is a `#` outside of quotes.
fn has_comment(expr: &str) -> bool {
    let (mut quote, mut escaped) = (None, false);
    for c in expr.chars() {
        match quote {
            Some(open) => {
                if c == open && !escaped {
                    quote = None;
                }
                escaped = c == '\\' && !escaped && open != '`';
            }
            None if c == '#' => return true,
            None => {
                quote = matches!(c, '"' | '\'' | '`').then_some(c);
                escaped = false;
            }
        }
    }
    false
}

fn first_line(source: &Source, span: Span) -> Span {
    crate::formats::reader::first_line(source, span)
}

/// Refuses a text that does not have the rules that it was made from.
fn verified(source: &Source, text: &str, file: &RuleFile, options: &Options) -> Result<(), Vec<Diagnostic>> {
    let again = Source::new(source.name(), text);
    let fault = |rule: &Rule| {
        let message = format!("the expression of `{}` would not stay the same when formatted", rule.name.node);
        Diagnostic::error(message)
            .at(source, first_line(source, rule.expr.text.span()), "")
            .because("this is a fault of llmobs; the file is left as it is")
    };
    let (formatted, _) = read(&again, options).map_err(|mut mistakes| {
        mistakes.retain(|mistake| mistake.severity == Severity::Error);
        for mistake in &mut mistakes {
            mistake.why = Some("this is what formatting would make of the file; it is a fault of llmobs".to_owned());
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

/// The tree as text, without the places of its parts.
fn shape(tree: &Expr) -> String {
    let whole = format!("{tree:?}");
    let mut parts = whole.split("Span { start: ");
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shape.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    shape
}
