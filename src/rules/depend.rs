//! What rules read and write: which of them can be evaluated for a whole span before the next one.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    promql::syntax::{DurationExpr, DurationKind, Expr, ExprKind, Extension, Modifiers, VectorSelector},
    series::{METRIC_NAME, Matcher},
};

/// The names of the series that alerts write.
pub(super) const ALERT_NAMES: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// What a rule reads.
#[derive(Debug)]
pub(super) struct Reading {
    /// Of each selector; `None` where it cannot be told, so that it reads everything.
    selectors: Option<Vec<Vec<Matcher>>>,
    /// It has to be asked at each instant by itself, of a store that ends there: it looks ahead, or at the bounds of
    /// the query.
    pub(super) instant: bool,
}

/// What a rule writes.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) names: Vec<String>,
    /// Labels whose value is known; an empty value is no label.
    pub(super) known: BTreeMap<String, String>,
}

impl Reading {
    pub(super) fn everything() -> Self {
        Self { selectors: None, instant: true }
    }

    pub(super) fn of(expr: &Expr) -> Self {
        let mut instant = false;
        expr.walk(&mut |expr, _| {
            instant |= match &expr.kind {
                ExprKind::Selector(selector) => looks_ahead(selector),
                ExprKind::Range(range) => looks_ahead(&range.selector) || depends_on_query(&range.range),
                ExprKind::Subquery(subquery) => {
                    shifts_ahead(&subquery.modifiers)
                        || depends_on_query(&subquery.range)
                        || subquery.step.as_ref().is_some_and(depends_on_query)
                }
                ExprKind::Call(call) => matches!(call.function.name, "start" | "end" | "range" | "step"),
                _ => false,
            };
        });
        let selectors = expr.selectors();
        let selectors = selectors.iter().map(|found| matchers(found.selector)).collect::<Option<Vec<_>>>();
        Self { selectors, instant }
    }

    pub(super) fn reads(&self, writing: &Writing) -> bool {
        let Some(selectors) = &self.selectors else { return true };
        selectors.iter().any(|matchers| {
            writing.names.iter().any(|name| {
                matchers.iter().all(|matcher| match matcher.name() {
                    METRIC_NAME => matcher.accepts(name),
                    label => writing.known.get(label).is_none_or(|value| matcher.accepts(value)),
                })
            })
        })
    }
}

impl Writing {
    /// Whether two rules may write the same series.
    pub(super) fn may_meet(&self, other: &Self) -> bool {
        let differs =
            |(label, value): (&String, &String)| other.known.get(label).is_some_and(|have| have != value);
        self.names.iter().any(|name| other.names.contains(name)) && !self.known.iter().any(differs)
    }
}

/// All conditions of a selector; `None` where one cannot be told.
fn matchers(selector: &VectorSelector) -> Option<Vec<Matcher>> {
    if !selector.holes.is_empty() {
        return None;
    }
    let name = selector.name.iter().map(|name| Some(Matcher::equal(METRIC_NAME, name.node.as_str())));
    let others = selector.matchers.iter().map(|matcher| {
        Matcher::new(matcher.name.node.as_str(), matcher.op.node, matcher.value.node.as_str()).ok()
    });
    name.chain(others).collect()
}

fn looks_ahead(selector: &VectorSelector) -> bool {
    let smoothed = selector.extension.as_ref().is_some_and(|extension| extension.node == Extension::Smoothed);
    smoothed || shifts_ahead(&selector.modifiers)
}

/// Whether a time is moved by anything but a fixed step back. `@` may point anywhere.
fn shifts_ahead(modifiers: &Modifiers) -> bool {
    let back = |offset: &DurationExpr| match &offset.kind {
        DurationKind::Literal(number) => number.value >= 0.0,
        _ => false,
    };
    modifiers.at.is_some() || modifiers.offset.as_ref().is_some_and(|offset| !back(&offset.node))
}

fn depends_on_query(duration: &DurationExpr) -> bool {
    match &duration.kind {
        DurationKind::Literal(_) => false,
        DurationKind::Step | DurationKind::Range | DurationKind::Variable(_) => true,
        DurationKind::Negated(inner) | DurationKind::Plus(inner) | DurationKind::Paren(inner) => {
            depends_on_query(inner)
        }
        DurationKind::Binary { lhs, rhs, .. }
        | DurationKind::MinOf(lhs, rhs)
        | DurationKind::MaxOf(lhs, rhs) => depends_on_query(lhs) || depends_on_query(rhs),
    }
}

/// Rules that follow each other, and how they are evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) rules: Range<usize>,
    /// Instant by instant, all of them at one before the next; else the one rule for a whole span.
    pub(super) stepwise: bool,
}

/// A rule in the order of all groups.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) reading: &'a Reading,
    pub(super) writing: &'a Writing,
    /// Its group's `query_offset`, in milliseconds.
    pub(super) offset: i64,
}

/// How rules are evaluated over a span, so that each sees what it would see if all were evaluated at one instant after
/// the other. `bound` are pairs that have to be stepwise for another reason.
pub(super) fn segments(nodes: &[Node<'_>], bound: &[(usize, usize)]) -> Vec<Segment> {
    // For each rule the last one that it has to be stepwise with, itself included.
    let mut until: Vec<Option<usize>> =
        nodes.iter().enumerate().map(|(index, node)| node.reading.instant.then_some(index)).collect();
    let mut bind = |from: usize, to: usize| until[from] = until[from].max(Some(to));
    for (reader, node) in nodes.iter().enumerate() {
        // What it looks at ends at its own offset, or at the instant itself where it looks ahead.
        let seen = if node.reading.instant { 0 } else { node.offset };
        for (writer, other) in nodes.iter().enumerate() {
            let is_before = writer < reader && other.offset <= seen;
            if !is_before && node.reading.reads(other.writing) {
                bind(reader.min(writer), reader.max(writer));
            }
        }
    }
    for (from, to) in bound {
        bind(*from.min(to), *from.max(to));
    }
    let mut segments: Vec<Segment> = Vec::new();
    let mut index = 0;
    while index < nodes.len() {
        let start = index;
        let mut end = until[index];
        while let Some(last) = end.filter(|last| index < *last) {
            index += 1;
            end = Some(last.max(until[index].unwrap_or(last)));
        }
        index += 1;
        segments.push(Segment { rules: start..index, stepwise: end.is_some() });
    }
    segments
}

#[cfg(test)]
mod tests {
    use crate::promql::syntax::{Options, parse};

    use super::*;

    /// Rules as `name{known labels} = expression`, with an offset in seconds behind a `@@`; the segments as `0 1-2s`.
    #[track_caller]
    fn check(rules: &[&str], expect: &str) {
        let options = Options { experimental: true, variables: false };
        let parsed: Vec<(Reading, Writing, i64)> = rules
            .iter()
            .map(|rule| {
                let (rule, offset) = rule.split_once("@@").unwrap_or((rule, "0"));
                let (name, expr) = rule.split_once(" = ").unwrap();
                let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
                let known = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once(':'));
                let known = known.map(|(label, value)| (label.to_owned(), value.to_owned())).collect();
                let names = if name == "ALERT" {
                    ALERT_NAMES.map(str::to_owned).to_vec()
                } else {
                    vec![name.to_owned()]
                };
                let reading = Reading::of(&parse(expr.trim(), &options).unwrap());
                (reading, Writing { names, known }, offset.trim().parse::<i64>().unwrap() * 1000)
            })
            .collect();
        let nodes: Vec<Node<'_>> = parsed
            .iter()
            .map(|(reading, writing, offset)| Node { reading, writing, offset: *offset })
            .collect();
        let shown: Vec<String> = segments(&nodes, &[])
            .iter()
            .map(|segment| {
                let rules = match segment.rules.len() {
                    1 => segment.rules.start.to_string(),
                    _ => format!("{}-{}", segment.rules.start, segment.rules.end - 1),
                };
                format!("{rules}{}", if segment.stepwise { "s" } else { "" })
            })
            .collect();
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn what_reads_earlier_rules_only_is_evaluated_at_once() {
        check(&["a = up", "b = a", "c = rate(b[5m])"], "0 1 2");
        check(&["a = up + a"], "0s");
        check(&["a = up", "b = c", "c = a", "d = b"], "0 1-2s 3");
        check(&["a = c", "b = up", "c = up", "d = e", "e = up", "f = d"], "0-2s 3-4s 5");
        check(&["a = b", "b = c", "c = up"], "0-2s");
        check(&["a = up", r#"b = {job="x"}"#, "c = up"], "0 1-2s");
        check(&["a = up", r#"b = {__name__=~"a|d"}"#, "c = up"], "0 1 2");
        check(&[r#"a = {__name__=~"c.*"}"#, "b = up", "c1 = up"], "0-2s");
    }

    #[test]
    fn known_labels_tell_series_apart() {
        check(&[r#"a{x:1} = a{x="2"}"#], "0");
        check(&[r#"a{x:1} = a{x=~"1|2"}"#], "0s");
        check(&["ALERT{alertname:A} = up", r#"b = ALERTS{alertname="A"}"#], "0 1");
        check(&[r#"ALERT{alertname:A} = ALERTS{alertname="B"}"#, "ALERT{alertname:B} = up"], "0-1s");
        check(&[r#"ALERT{alertname:A} = ALERTS{alertname="B"}"#, "ALERT{alertname:C} = up"], "0 1");
    }

    #[test]
    fn what_looks_ahead_is_asked_at_each_instant() {
        check(&["a = up", "b = a offset -1m", "c = a offset 1m"], "0 1s 2");
        check(
            &["a = up @ 5", "b = up @ end()", "c = rate(up[step() + 1m])", "d = up offset (5m)"],
            "0s 1s 2s 3s",
        );
        check(&["a = max_over_time(up[5m:1m] offset -1m)", "b = max_over_time(up[5m:1m])"], "0s 1");
    }

    #[test]
    fn a_writer_with_a_larger_offset_is_behind_its_readers() {
        check(&["a = up @@ 60", "b = a @@ 60"], "0 1");
        check(&["a = up @@ 60", "b = a @@ 0"], "0-1s");
        check(&["a = up @@ 0", "b = a @@ 60"], "0 1");
        check(&["a = up @@ 60", "b = a offset -1m @@ 60"], "0-1s");
    }
}
