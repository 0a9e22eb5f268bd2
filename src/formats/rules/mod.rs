//! Prometheus rule files
//! (<https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>), every part with its place.

mod layout;
mod plain;
mod read;

use crate::{
    diagnostic::Severity,
    promql::syntax::{Expr, Options, Spanned},
    text::{Source, Span},
    time::PromDuration,
};

pub use layout::{Formatted, format, has_comment};
pub use read::read;

use super::{FormatError, Pair, Text};

/// A rule file that Prometheus would load.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleFile {
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Unique within the file.
    pub name: Spanned<String>,
    pub interval: Option<Spanned<PromDuration>>,
    /// 0 is no limit.
    pub limit: usize,
    pub query_offset: Option<Spanned<PromDuration>>,
    pub labels: Vec<Pair>,
    pub rules: Vec<Rule>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub kind: RuleKind,
    /// What `record` or `alert` says.
    pub name: Spanned<String>,
    pub expr: Expression,
    /// Of alerts; a recording rule has none, or 0.
    pub hold: Option<Spanned<PromDuration>>,
    /// Of alerts; a recording rule has none, or 0.
    pub keep_firing_for: Option<Spanned<PromDuration>>,
    pub labels: Vec<Pair>,
    /// Of alerts.
    pub annotations: Vec<Pair>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Recording,
    Alerting,
}

/// An expression: its text as it was written, and its tree, whose spans are of that text.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub text: Text,
    /// The word `expr` in front of it.
    pub key: Span,
    pub tree: Expr,
}

/// Whether Prometheus would load the text, be it with experimental functions; else the first mistake and its place.
pub fn check(text: &str) -> Result<(), FormatError> {
    let options = Options { experimental: true, variables: false };
    let source = Source::new("rules", text);
    read(&source, &options).map(drop).map_err(|mistakes| {
        let first = mistakes.iter().find(|mistake| mistake.severity == Severity::Error);
        let shown = first.map(|mistake| match mistake.labels.first() {
            Some(label) => {
                let at = source.position(label.span.start);
                format!("line {}, column {}: {}", at.line, at.column, mistake.message)
            }
            None => mistake.message.clone(),
        });
        FormatError::Shape(shown.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options = Options { experimental: false, variables: false };

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let source = Source::new("t", text);
        let (mut got, mistakes) = match read(&source, &OPTIONS) {
            Ok((file, warnings)) => (vec![shown(&file)], warnings),
            Err(mistakes) => (Vec::new(), mistakes),
        };
        for mistake in mistakes {
            let place = source.position(mistake.labels[0].span.start);
            let under = source.slice(mistake.labels[0].span);
            got.push(format!("{}:{} {} <{under}>", place.line, place.column, mistake.message));
        }
        assert_eq!(got.join("\n"), expect);
    }

    fn shown(file: &RuleFile) -> String {
        let pairs = |pairs: &[Pair]| {
            let pairs = pairs.iter().map(|pair| format!("{}={}", pair.name.node, pair.text.as_str()));
            pairs.collect::<Vec<_>>().join(",")
        };
        let duration = |duration: &Option<Spanned<PromDuration>>| {
            duration.as_ref().map_or("-".to_owned(), |duration| duration.node.to_string())
        };
        let rule = |rule: &Rule| {
            format!(
                "{:?} {} = {} for {} keep {} [{}] [{}]",
                rule.kind,
                rule.name.node,
                rule.expr.tree,
                duration(&rule.hold),
                duration(&rule.keep_firing_for),
                pairs(&rule.labels),
                pairs(&rule.annotations)
            )
        };
        let group = |group: &Group| {
            let rules = group.rules.iter().map(rule).collect::<Vec<_>>().join("; ");
            let (interval, offset) = (duration(&group.interval), duration(&group.query_offset));
            format!(
                "{} {interval} {offset} {} [{}]: {rules}",
                group.name.node,
                group.limit,
                pairs(&group.labels)
            )
        };
        file.groups.iter().map(group).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_whole_file_is_read() {
        check(
            "\
groups:
  - name: one
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: {team: a}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {a: 1, b: ~}
      - alert: Down
        expr: |
          up
            == 0
        for: 5m
        keep_firing_for: 1h30m
        annotations:
          summary: 'Down: {{ $labels.job }}'
  - name: two
",
            "one 30s 1m 10 [team=a]: Recording job:up:sum = sum by (job) (up) for - keep - [a=1,b=] []; \
             Alerting Down = up == 0 for 5m keep 1h30m [] [summary=Down: {{ $labels.job }}]\n\
             two - - 0 []: ",
        );
        check("", "");
        check("groups:\n", "");
        check(
            "groups: [{name: a, limit: -1, rules: [{record: x, expr: 1, for: 0s}]}]",
            "a - - 0 []: Recording x = 1 for 0s keep - [] []",
        );
        check(
            "groups:\n- name: a\n  rules:\n  - &up {alert: A, expr: up}\n  - {<<: *up, alert: B}\n",
            "a - - 0 []: Alerting A = up for - keep - [] []; Alerting B = up for - keep - [] []",
        );
    }

    #[test]
    fn a_mistake_in_an_expression_points_into_the_file() {
        let rule = |expr: &str| format!("groups:\n- name: a\n  rules:\n  - record: x\n    expr: {expr}\n");
        check(&rule("sum(up"), "5:17 unclosed left parenthesis <>");
        check(
            &rule("'up{a=''b''} + rate(up)'"),
            "5:31 expected type range vector in call to function \"rate\", got instant vector <up>",
        );
        check(&rule("\"up{a=\\\"b\\\"} + nope(up)\""), "5:26 unknown function with name \"nope\" <nope>");
        check(&rule("|\n      up\n        + nope(up)\n"), "7:11 unknown function with name \"nope\" <nope>");
        check(&rule(">-\n      up +\n      nope(up)\n"), "7:7 unknown function with name \"nope\" <nope>");
    }

    #[test]
    fn what_prometheus_refuses_is_refused_all_at_once() {
        check(
            "\
group: []
groups:
  - interval: 5
    rules:
      - expr: up
      - record: a
        alert: b
        expr: up
      - record: a
      - record: a{b=\"c\"}
        exprr: up
        expr: ''
      - record: a
        expr: up
        for: 1m
        keep_firing_for: 1m
        annotations: {a: b}
        labels: {'': x, __name__: y}
      - alert: [a]
        expr: {a: b}
        labels: [x]
        for: -5m
        annotations: {'': x}
      - up
  - {name: a, limit: x, rules: up}
  - {name: a, labels: {__name__: x}, name: b}
",
            "\
1:1 unknown key `group` in a rule file <group>
3:5 the group has no name <interval: 5>
3:15 `5` has no unit <5>
5:9 the rule has neither `record` nor `alert` <expr: up>
7:16 a rule has either `record` or `alert`, not both <b>
9:9 the rule has no `expr` <record: a>
10:17 the name `a{b=\"c\"}` has braces <a{b=\"c\"}>
11:9 unknown key `exprr` in a rule <exprr>
15:9 a recording rule has no `for` <for>
16:9 a recording rule has no `keep_firing_for` <keep_firing_for>
17:9 a recording rule has no `annotations` <annotations>
18:18 a label has no name <''>
18:25 the label `__name__` cannot be set <__name__>
19:16 `alert` takes a text, not a list <[a]>
20:15 `expr` takes a text, not keys <{a: b}>
21:17 `labels` takes names and values, not a list <[x]>
22:14 `-5m` is no duration <-5m>
23:23 an annotation has no name <''>
24:9 a rule has keys; this is a single value <up>
25:22 `x` is no whole number <x>
25:32 `rules` takes a list, not a single value <up>
26:12 the group `a` is there twice <a>
26:24 the label `__name__` cannot be set <__name__>
26:38 the key `name` is written twice <name>",
        );
        check("groups: 5", "1:9 `groups` takes a list, not a single value <5>");
        check("- a", "1:1 a rule file has keys; this is a list <- a>");
        check("a: [", "1:4 this is no YAML: unclosed bracket '[' <[>");
        check("groups: []\n---\nx: y", "\n2:1 a second document starts here, and is not read <--->");
    }
}
