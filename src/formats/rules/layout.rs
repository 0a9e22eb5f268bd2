//! Formats the expressions of a rule file. Everything else in the file stays byte for byte.

use crate::{
    diagnostic::{Diagnostic, Severity},
    promql::syntax::{self, Expr, ExprKind, Options},
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
/// What comes out is read again and has the same rules, the order of matchers aside; `Err` says where it would not.
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
    verified(source, &text, file, *options)?;
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
    let pretty = syntax::block(&expr.tree, syntax::WIDTH);
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
    Ok(new_block(file, expr, &pretty, &lead))
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
    let colon = between
        .find(|c: char| !c.is_whitespace())
        .filter(|at| between[*at..].starts_with(':'))
        .ok_or(SHARED)?;
    let start = expr.key.end + colon + 1;
    let (mut at, mut is_blank) = (start, true);
    while at < end {
        let rest = &file[at..end];
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let width = match rest.chars().next() {
            Some(c) if c.is_whitespace() => c.len_utf8(),
            Some('#') => rest.find('\n').unwrap_or(rest.len()),
            Some('!') => word,
            Some('|' | '>') => {
                return Ok(Lead { is_blank: false, start, header: Some(Span::new(at, at + word)) });
            }
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
fn new_block(file: &str, expr: &Expression, pretty: &str, lead: &Lead) -> Vec<Edit> {
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
    let value =
        root.as_ref().and_then(|root| root.entry("b").and(root.entry("a"))).map(|entry| &entry.value.value);
    mistakes.is_empty()
        && matches!(value, Some(yaml::Value::Scalar(scalar)) if scalar.style == Style::Plain && scalar.text == text)
}

/// Whether there is a `#` outside of quotes: a comment goes to the end of its line.
pub fn has_comment(expr: &str) -> bool {
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
fn verified(source: &Source, text: &str, file: &RuleFile, options: Options) -> Result<(), Vec<Diagnostic>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options = Options { experimental: false, variables: false };
    const LONG: &str = "sum by (model) (rate(llm_requests_total{code=~\"5..\"}[5m])) / sum by (model) (rate(llm_requests_total[5m])) > 0.05";

    /// The file with the rule's lines in it, formatted; formatting what came out changes nothing.
    #[track_caller]
    fn check(lines: &str, expect: &str) {
        let around = |lines: &str| format!("# top\ngroups:\n- name: a # a\n  rules:\n{lines}# end\n");
        let format_once = |text: &str| {
            let source = Source::new("t", text);
            let (file, _) = read(&source, &OPTIONS).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
            format(&source, &file, &OPTIONS).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
        };
        let once = format_once(&around(lines));
        assert_eq!(once.text, around(expect));
        assert_eq!(once.changed > 0, lines != expect);
        let twice = format_once(&once.text);
        assert_eq!((twice.text, twice.changed), (once.text, 0));
    }

    #[test]
    fn a_short_expression_stays_where_it_is() {
        check(
            "  - record: x\n    expr: sum(up)by(job)  # why\n",
            "  - record: x\n    expr: sum by (job) (up)  # why\n",
        );
        check("  - {record: x, expr: 'sum(up)'}\n", "  - {record: x, expr: 'sum(up)'}\n");
        check("  - {record: x, expr: 'rate( up[5m])'}\n", "  - {record: x, expr: 'rate(up[5m])'}\n");
        check("  - {record: x, expr: a+b}\n", "  - {record: x, expr: a + b}\n");
        check("  - record: x\n    expr: 'up{a=''1''}'\n", "  - record: x\n    expr: 'up{a=\"1\"}'\n");
        check("  - record: x\n    expr: \"up{a='1'}\"\n", "  - record: x\n    expr: \"up{a=\\\"1\\\"}\"\n");
        check(
            "  - record: x
    expr: up{a=\"x\"}==1
",
            "  - record: x
    expr: up{a=\"x\"} == 1
",
        );
        check(
            "  - record: x\n    expr:\n      a\n      +b\n    labels: {}\n",
            "  - record: x\n    expr:\n      a + b\n    labels: {}\n",
        );
        check(
            "  - record: x\n    expr: |  # why\n      up\n\n        ==0\n\n    labels: {}\n",
            "  - record: x\n    expr: |  # why\n      up == 0\n\n    labels: {}\n",
        );
        check(
            "  - record: x\n    expr: >-\n      up\n      == 0\n",
            "  - record: x\n    expr: >-\n      up == 0\n",
        );
        check(
            "  - record: x\n    expr: |4-\n            up==0\n",
            "  - record: x\n    expr: |-\n        up == 0\n",
        );
    }

    #[test]
    fn quotes_come_where_a_plain_scalar_would_be_read_otherwise() {
        check("  - {record: x, expr: a-b}\n", "  - {record: x, expr: a - b}\n");
        check("  - record: x\n    expr: topk(1,up)\n", "  - record: x\n    expr: topk(1, up)\n");
        check("  - {record: x, expr: \"topk(1,up)\"}\n", "  - {record: x, expr: \"topk(1, up)\"}\n");
        check(
            "  - record: x\n    expr: label_join(up,'a',':','b')\n",
            "  - record: x\n    expr: label_join(up, \"a\", \":\", \"b\")\n",
        );
        check("  - record: x\n    expr: (  'a:\\x20b' )\n", "  - record: x\n    expr: '(\"a: b\")'\n");
    }

    #[test]
    fn a_long_expression_becomes_a_block() {
        let block = "        sum by (model) (rate(llm_requests_total{code=~\"5..\"}[5m]))\n        /\n        sum by (model) (rate(llm_requests_total[5m]))\n        > 0.05\n";
        let shown = |indent: usize| {
            block
                .lines()
                .fold(String::new(), |shown, line| shown + &" ".repeat(indent) + line.trim_start() + "\n")
        };
        let long = LONG;
        check(
            &format!("  - record: x\n    expr: {long}  # why\n    labels: {{a: b}}\n"),
            &format!("  - record: x\n    expr: |-  # why\n{}    labels: {{a: b}}\n", shown(6)),
        );
        check(
            &format!("  -   expr:   '{long}'\n      record: x\n"),
            &format!("  -   expr: |-\n{}      record: x\n", shown(8)),
        );
        check(
            &format!("  - record: x\n    expr:\n      {long}\n"),
            &format!("  - record: x\n    expr: |-\n{}", shown(6)),
        );
        check(
            &format!("  - record: x\n    expr: |\n          {long}\n\n"),
            &format!("  - record: x\n    expr: |\n{}\n", shown(10)),
        );
        check(
            &format!("  - record: x\n    expr: >2\n      {long}\n"),
            &format!("  - record: x\n    expr: |\n{}", shown(6)),
        );
        check(
            &format!("  - record: x\n    expr: !!str {long}\n"),
            &format!("  - record: x\n    expr: !!str |-\n{}", shown(6)),
        );
        check(
            &format!("  - {{record: x, expr: '{long}'}}\n"),
            &format!("  - {{record: x, expr: '{long}'}}\n"),
        );
    }

    #[test]
    fn matchers_come_in_the_order_of_their_names() {
        check(
            "  - record: x\n    expr: up{b='1',a='2'} offset 1m\n",
            "  - record: x\n    expr: up{a=\"2\",b=\"1\"} offset 1m\n",
        );
    }

    #[test]
    fn line_ends_of_windows_stay() {
        let text = format!(
            "groups:\r\n- name: a\r\n  rules:\r\n  - record: x\r\n    expr: {LONG}\r\n  - record: y\r\n    expr: |\r\n      a\r\n      +b\r\n"
        );
        let source = Source::new("t", text);
        let (file, _) = read(&source, &OPTIONS).unwrap();
        let formatted = format(&source, &file, &OPTIONS).unwrap();
        assert!(formatted.text.replace("\r\n", "").find(['\r', '\n']).is_none(), "{:?}", formatted.text);
        assert!(formatted.text.ends_with("    expr: |\r\n      a + b\r\n"));
        assert_eq!(formatted.changed, 2);
    }

    #[track_caller]
    fn check_left(lines: &str, expect: &str) {
        let source = Source::new("t", format!("groups:\n- name: a\n  rules:\n{lines}"));
        let (file, _) = read(&source, &OPTIONS).unwrap();
        let formatted = format(&source, &file, &OPTIONS).unwrap();
        assert_eq!(formatted.text, source.text());
        assert_eq!(
            formatted.left_alone.iter().map(|note| note.message.as_str()).collect::<Vec<_>>(),
            [expect]
        );
    }

    #[test]
    fn comments_and_anchors_are_left_alone() {
        let comment = "the expression of `x` is left as it is: it holds a comment, for which the formatted text has no place";
        check_left("  - record: x\n    expr: |\n      a  # why\n      +b\n", comment);
        let anchor = "the expression of `x` is left as it is: it is marked with an anchor or is an alias";
        check_left("  - record: x\n    expr: &e a+b\n  - record: y\n    expr: *e\n", anchor);
        check_left("  - {alert: x, annotations: {a: &e a+b}, expr: *e}\n", anchor);
        assert!(!has_comment("up{a=\"#\", b='\\'#', c=`\\`} + \"\\\\\""));
        assert!(has_comment("up{a=\"\\\\\"} # x"));
    }

    #[test]
    fn any_file_that_can_be_read_can_be_formatted_and_stays_so() {
        let whole = format!(
            "groups:\n- name: a\n  rules:\n  - record: x\n    expr: '{LONG}'  # why\n  - &r {{alert: y, expr: \"a + b\"}}\n\
             \x20 - alert: z\n    expr: |2-\n\n        up{{a='é'}}\n          == 0\n\n  - {{<<: *r, alert: w}}\n  - record: v\n\
             \x20   expr: >\n      sum(up)\n      by (job)\n    labels: {{q: \"x\"}}\n"
        );
        let pieces = [
            "\n", " ", "  ", "'", "\"", "#", " # ", "|", ">", "&r ", "*r", ":", "- ", "{", "}", "!!str ",
            "é", "\r\n", "\t",
        ];
        let mut state = 11_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut read_ones = 0;
        for _ in 0..3000 {
            let mut text = whole.clone();
            for _ in 0..=random(3) {
                let mut at = random(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                if random(3) == 0 {
                    text.remove(at);
                } else {
                    text.insert_str(at, pieces[random(pieces.len())]);
                }
            }
            let source = Source::new("t", text);
            let Ok((file, _)) = read(&source, &OPTIONS) else { continue };
            read_ones += 1;
            let once =
                format(&source, &file, &OPTIONS).unwrap_or_else(|mistakes| panic!("{source:?} {mistakes:?}"));
            let again = Source::new("t", once.text.as_str());
            let (file, _) = read(&again, &OPTIONS).unwrap();
            let twice = format(&again, &file, &OPTIONS).unwrap();
            assert_eq!(twice.text, once.text, "{source:?}");
        }
        assert!(read_ones > 300, "only {read_ones} can be read");
    }
}
