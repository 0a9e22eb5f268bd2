//! The holes of a primitive and what fills them.
//!
//! A primitive is `PromQL` with three holes: `$selector` (label matchers), `$window` (a duration) and `$by`
//! (grouping labels). It is read once; the holes are filled on its tree.

use std::fmt;

use crate::{
    promql::syntax::{
        Binary, BinaryOp, DurationKind, Expr, ExprKind, LabelMatcher, Number, Options, ParseErrors, Spanned,
        VectorSelector, parse,
    },
    series::{METRIC_NAME, MatchOp, Matcher, quoted},
    text::Span,
    time::PromDuration,
};

/// A place in a primitive that is filled for each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    Selector,
    Window,
    By,
}

impl Hole {
    const ALL: [Self; 3] = [Self::Selector, Self::Window, Self::By];

    pub fn text(self) -> &'static str {
        match self {
            Self::Selector => "$selector",
            Self::Window => "$window",
            Self::By => "$by",
        }
    }
}

/// A condition on a label, for a `$selector`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub label: String,
    pub op: MatchOp,
    pub value: String,
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.label, self.op.text(), quoted(&self.value))
    }
}

/// What a `$window` becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    Fixed(PromDuration),
    /// A Grafana variable that stands for a duration, with its `$`.
    Variable(String),
}

/// What fills the holes of a primitive.
#[derive(Debug, Clone, Copy)]
pub struct Fill<'a> {
    /// At least one.
    pub selector: &'a [Match],
    /// Gauges need none; where it is missing, the hole stays.
    pub window: Option<&'a Window>,
    /// Labels as the source names them; none for one grand total.
    pub by: &'a [String],
}

/// A sum that a source gives, as a tree with holes.
#[derive(Debug, Clone, PartialEq)]
pub struct Primitive {
    expr: Expr,
}

impl Primitive {
    /// Reads `PromQL` with holes.
    pub fn parse(text: &str) -> Result<Self, ParseErrors> {
        parse(text, &Options { experimental: false, variables: true }).map(|expr| Self { expr })
    }

    /// This many times it.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let span = self.expr.span;
        let op = Spanned { node: BinaryOp::Mul, span };
        let rhs = Expr { kind: ExprKind::Number(Number { value: factor, is_duration: false }), span };
        let binary = Binary { op, lhs: self.expr.clone(), rhs, return_bool: None, matching: None };
        Self { expr: Expr { kind: ExprKind::Binary(Box::new(binary)), span } }
    }

    /// Whether it has a hole.
    pub fn has(&self, hole: Hole) -> bool {
        self.variables().iter().any(|name| name == hole.text())
    }

    /// What looks like a hole and is none.
    pub fn unknown_holes(&self) -> Vec<String> {
        let is_known = |name: &String| Hole::ALL.iter().any(|hole| hole.text() == name);
        self.variables().into_iter().filter(|name| !is_known(name)).collect()
    }

    /// All variables, as they are written.
    fn variables(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut expr = self.expr.clone();
        expr.selectors_mut(&mut |selector| found.extend(selector.holes.drain(..).map(|hole| hole.node)));
        expr.durations_mut(&mut |duration| {
            duration.walk_mut(&mut |part| {
                if let DurationKind::Variable(name) = &part.kind {
                    found.push(name.clone());
                }
            });
        });
        labels_mut(&mut expr, &mut |labels| {
            found.extend(labels.iter().filter(|label| label.is_variable()).map(|label| label.node.clone()));
        });
        found
    }

    /// The family names that it selects, by name or by alternatives in `__name__=~"…"`; a pattern that is no such
    /// list is given as it is.
    pub fn families(&self) -> Vec<String> {
        self.expr.selectors().into_iter().flat_map(|found| families(found.selector)).collect()
    }

    /// The expression with its holes filled, in its canonical form. An empty grouping leaves no `by ()` behind.
    pub fn fill(&self, fill: &Fill<'_>) -> String {
        let mut expr = self.expr.clone();
        expr.selectors_mut(&mut |selector| {
            let holes = selector.holes.extract_if(.., |hole| hole.node == Hole::Selector.text());
            let matchers = holes
                .flat_map(|hole| fill.selector.iter().map(move |wanted| label_matcher(wanted, hole.span)));
            selector.matchers.extend(matchers);
        });
        if let Some(window) = fill.window {
            let kind = match window {
                Window::Variable(name) => DurationKind::Variable(name.clone()),
                Window::Fixed(span) => {
                    DurationKind::Literal(Number { value: span.as_secs_f64(), is_duration: true })
                }
            };
            expr.durations_mut(&mut |duration| {
                duration.walk_mut(&mut |part| {
                    if matches!(&part.kind, DurationKind::Variable(name) if name == Hole::Window.text()) {
                        part.kind = kind.clone();
                    }
                });
            });
        }
        labels_mut(&mut expr, &mut |labels| {
            if let Some(at) =
                labels.iter().position(|label| label.is_variable() && label.node == Hole::By.text())
            {
                let span = labels[at].span;
                labels.splice(at..=at, fill.by.iter().map(|label| Spanned { node: label.clone(), span }));
            }
        });
        expr.to_string()
    }
}

fn label_matcher(wanted: &Match, span: Span) -> LabelMatcher {
    LabelMatcher {
        name: Spanned { node: wanted.label.clone(), span },
        op: Spanned { node: wanted.op, span },
        value: Spanned { node: wanted.value.clone(), span },
        span,
    }
}

/// Visits the labels of every grouping and matching to change them.
fn labels_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Vec<Spanned<String>>)) {
    expr.walk_mut(&mut |expr| match &mut expr.kind {
        ExprKind::Aggregate(aggregate) => {
            if let Some(grouping) = &mut aggregate.grouping {
                visit(&mut grouping.labels);
            }
        }
        ExprKind::Binary(binary) => {
            if let Some(matching) = &mut binary.matching {
                visit(&mut matching.labels);
                visit(&mut matching.include);
            }
        }
        _ => {}
    });
}

fn families(selector: &VectorSelector) -> Vec<String> {
    let by_pattern = selector.matchers.iter().filter(|matcher| {
        matcher.name.node == METRIC_NAME && matches!(matcher.op.node, MatchOp::Equal | MatchOp::Matches)
    });
    let mut found: Vec<String> = selector.name.iter().map(|name| name.node.clone()).collect();
    for LabelMatcher { op, value, .. } in by_pattern {
        let matcher = Matcher::new(METRIC_NAME, op.node, &*value.node);
        match matcher.as_ref().ok().and_then(Matcher::values) {
            Some(names) => found.extend(names.iter().cloned()),
            None => found.push(value.node.clone()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expr: &str, by: &[&str], expect: &str) {
        let by: Vec<String> = by.iter().map(|label| (*label).to_owned()).collect();
        let selector = [Match { label: "job".to_owned(), op: MatchOp::Equal, value: "a\"".to_owned() }];
        let window = Window::Fixed(PromDuration::from_secs(300));
        let primitive = Primitive::parse(expr).unwrap();
        let got = primitive.fill(&Fill { selector: &selector, window: Some(&window), by: &by });
        assert_eq!(got, expect);
    }

    #[test]
    fn holes_are_filled() {
        let rate = "sum by ($by) (rate(x_total{s=\"e\",$selector}[$window]))";
        check(rate, &[], "sum(rate(x_total{job=\"a\\\"\",s=\"e\"}[5m]))");
        check(rate, &["model"], "sum by (model) (rate(x_total{job=\"a\\\"\",s=\"e\"}[5m]))");
        check(rate, &["job", "le"], "sum by (job, le) (rate(x_total{job=\"a\\\"\",s=\"e\"}[5m]))");
        check(
            "max by ($by, x) (g{$selector} offset ($window * 2))",
            &["a"],
            "max by (a, x) (g{job=\"a\\\"\"} offset (5m * 2))",
        );
        check("a{$selector} / on ($by) b{$selector}", &[], "a{job=\"a\\\"\"} / on () b{job=\"a\\\"\"}");
        let text = Primitive::parse("sum(rate(x{$selector}[$window]))").unwrap().times(60.0);
        let window = Window::Variable("$__range".to_owned());
        let filled = text.fill(&Fill { selector: &[], window: Some(&window), by: &[] });
        assert_eq!(filled, "sum(rate(x[$__range])) * 60");
    }

    #[test]
    fn a_strings_dollar_is_no_hole() {
        let primitive = Primitive::parse("x{a=\"$selector\"}").unwrap();
        assert!(!primitive.has(Hole::Selector));
        let other = Primitive::parse("sum by ($bye) (rate(x{$selector}[$window:$step]))").unwrap();
        assert_eq!(other.unknown_holes(), ["$step", "$bye"]);
        assert!(other.has(Hole::Window) && !other.has(Hole::By));
    }

    #[test]
    fn families_are_found() {
        let families = |text: &str| Primitive::parse(text).unwrap().families();
        assert_eq!(families("sum by ($by) (rate(vllm:x_total{$selector}[$window]))"), ["vllm:x_total"]);
        assert_eq!(
            families(r#"rate({__name__=~"v:(a|b)_total",$selector}[1m])"#),
            ["v:a_total", "v:b_total"]
        );
        assert_eq!(families("a{x=\"1\",$selector} - {\"b\",$selector}"), ["a", "b"]);
        assert_eq!(families(r#"{__name__=~"a.*",$selector}"#), ["a.*"]);
        assert_eq!(families(r#"a{x="{b}"}"#), ["a"]);
    }
}
