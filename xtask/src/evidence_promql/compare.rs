//! When two answers are the same.

use std::{cmp::Ordering, collections::BTreeMap};

use llmobs::series::Labels;

use crate::judge::{Outcome, Point, Row, Value};

/// The most that two numbers may differ, against the larger.
const TOLERANCE: f64 = 1e-9;

/// What differs, by the first thing that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// One parser takes what the other refuses.
    Parse,
    /// The printed form is another expression.
    Print,
    /// One side fails, or both in different classes.
    Class,
    Type,
    /// The label sets.
    Series,
    /// The instants at which a series has a value.
    Instants,
    Values,
    Order,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parse => "parsing",
            Self::Print => "printed form",
            Self::Class => "error class",
            Self::Type => "type",
            Self::Series => "series",
            Self::Instants => "instants",
            Self::Values => "values",
            Self::Order => "order",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    /// Where, and what was expected and got.
    pub(crate) note: String,
    /// The two numbers, where it is those.
    pub(crate) values: Option<(f64, f64)>,
}

impl Difference {
    pub(crate) fn new(kind: Kind, note: String) -> Self {
        Self { kind, note, values: None }
    }
}

/// How the order of an instant vector is defined by the expression's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Not at all.
    Any,
    /// By value: series of equal values may come in any order.
    ByValue,
    /// Wholly.
    Exact,
}

impl Order {
    /// What an expression promises (<https://prometheus.io/docs/prometheus/latest/querying/functions/>).
    pub(crate) fn of(expr: &str) -> Self {
        let root = expr.trim_start_matches('(');
        let begins = |name: &str| root.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', ' ']));
        if !is_one_call(root) {
            return Self::Any;
        }
        if ["sort_by_label", "sort_by_label_desc"].into_iter().any(begins) {
            Self::Exact
        } else if ["sort", "sort_desc"].into_iter().any(begins)
            || ["topk(", "bottomk("].into_iter().any(|name| root.starts_with(name)) && !has_grouping(root)
        {
            Self::ByValue
        } else {
            Self::Any
        }
    }
}

/// Whether a text is `name(…)`, perhaps with parentheses that close around it.
fn is_one_call(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut quote = None;
    let mut escaped = false;
    let mut closed = false;
    for c in text.chars() {
        if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && open != '`' {
                escaped = true;
            } else if c == open {
                quote = None;
            }
            continue;
        }
        if closed && c != ')' && c != ' ' {
            return false;
        }
        match c {
            '"' | '\'' | '`' => quote = Some(c),
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                closed |= depth <= 0;
            }
            _ => {}
        }
    }
    closed
}

fn has_grouping(text: &str) -> bool {
    let head = text.split('(').next().unwrap_or_default();
    head.contains(" by") || head.contains(" without")
}

/// The first thing in which our answer differs from the judge's.
pub(crate) fn difference(theirs: &Outcome, ours: &Outcome, order: Order) -> Option<Difference> {
    let found = |kind, note: String| Some(Difference::new(kind, note));
    let (theirs, ours) = match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => (&theirs.value, &ours.value),
        (Err(theirs), Err(ours)) if theirs.class == ours.class => return None,
        (theirs, ours) => {
            return found(Kind::Class, format!("expected {}, got {}", brief(theirs), brief(ours)));
        }
    };
    match (theirs, ours) {
        (Value::Scalar(theirs), Value::Scalar(ours)) => points(&[*theirs], &[*ours], "the scalar"),
        (Value::String(theirs), Value::String(ours)) if theirs == ours => None,
        (Value::String(theirs), Value::String(ours)) => {
            found(Kind::Values, format!("expected {theirs:?}, got {ours:?}"))
        }
        (Value::Vector(theirs), Value::Vector(ours)) => {
            rows(theirs, ours).or_else(|| in_order(theirs, ours, order))
        }
        // A range query's answer is sorted by labels.
        (Value::Matrix(theirs), Value::Matrix(ours)) => {
            rows(theirs, ours).or_else(|| in_order(theirs, ours, Order::Exact))
        }
        (theirs, ours) => {
            found(Kind::Type, format!("expected a {}, got a {}", theirs.type_name(), ours.type_name()))
        }
    }
}

fn brief(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => format!("a {} of {}", answer.value.type_name(), answer.value.rows()),
        Err(failure) => format!("{}: {}", failure.class.name(), failure.text),
    }
}

fn rows(theirs: &[Row], ours: &[Row]) -> Option<Difference> {
    let found = |note: String| Some(Difference::new(Kind::Series, note));
    let by_labels = |rows: &[Row]| -> BTreeMap<Labels, Vec<Point>> {
        rows.iter().map(|row| (row.labels.clone(), row.points.clone())).collect()
    };
    let (expected, got) = (by_labels(theirs), by_labels(ours));
    if let Some(labels) = expected.keys().find(|labels| !got.contains_key(labels)) {
        return found(format!("{labels} is missing ({} expected, {} got)", theirs.len(), ours.len()));
    }
    if let Some(labels) = got.keys().find(|labels| !expected.contains_key(labels)) {
        return found(format!("{labels} is too many ({} expected, {} got)", theirs.len(), ours.len()));
    }
    if theirs.len() != ours.len() {
        return found("a label set comes twice".to_owned());
    }
    expected.iter().find_map(|(labels, expected)| points(expected, &got[labels], &labels.to_string()))
}

fn points(theirs: &[Point], ours: &[Point], of: &str) -> Option<Difference> {
    let instants = |points: &[Point]| points.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    let (expected, got) = (instants(theirs), instants(ours));
    if expected != got {
        let missing = expected.iter().find(|at| !got.contains(at));
        let extra = got.iter().find(|at| !expected.contains(at));
        let note = format!("{of}: missing at {missing:?}, too many at {extra:?}");
        return Some(Difference::new(Kind::Instants, note));
    }
    let differs = theirs.iter().zip(ours).find(|((_, theirs), (_, ours))| !same(*theirs, *ours));
    differs.map(|((at, theirs), (_, ours))| Difference {
        kind: Kind::Values,
        note: format!("{of} at {at}: expected {theirs:?}, got {ours:?}"),
        values: Some((*theirs, *ours)),
    })
}

/// NaN is NaN, an infinity is itself, a zero keeps its sign, and all else may differ by [`TOLERANCE`].
fn same(theirs: f64, ours: f64) -> bool {
    if theirs.is_nan() || ours.is_nan() {
        return theirs.is_nan() && ours.is_nan();
    }
    if theirs.to_bits() == ours.to_bits() {
        return true;
    }
    let both = theirs.is_finite() && ours.is_finite() && theirs != 0.0 && ours != 0.0;
    both && (theirs - ours).abs() <= TOLERANCE * theirs.abs().max(ours.abs())
}

fn in_order(theirs: &[Row], ours: &[Row], order: Order) -> Option<Difference> {
    let value = |row: &Row| row.points.first().map_or(f64::NAN, |(_, value)| *value);
    let agrees = |(theirs, ours): (&Row, &Row)| match order {
        Order::Any => true,
        Order::Exact => theirs.labels == ours.labels,
        Order::ByValue => {
            theirs.labels == ours.labels || same(value(theirs), value(ours)) || equal(theirs, ours)
        }
    };
    let wrong = theirs.iter().zip(ours).position(|pair| !agrees(pair))?;
    let note = format!("place {wrong}: expected {}, got {}", theirs[wrong].labels, ours[wrong].labels);
    Some(Difference::new(Kind::Order, note))
}

/// Whether two values have no order between them, as zeros of either sign.
fn equal(theirs: &Row, ours: &Row) -> bool {
    let value = |row: &Row| row.points.first().map(|(_, value)| *value);
    value(theirs).partial_cmp(&value(ours)) == Some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Answer, Class, Failure};

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside failures, which are outcomes too")]
    fn vector(rows: &[(&str, f64)]) -> Outcome {
        let row = |(name, value): &(&str, f64)| Row {
            labels: [("n", *name)].into_iter().collect(),
            points: vec![(0, *value)],
        };
        let value = Value::Vector(rows.iter().map(row).collect());
        Ok(Answer { value, warnings: Vec::new(), infos: Vec::new() })
    }

    fn failure(class: Class) -> Failure {
        Failure { class, text: String::new() }
    }

    #[track_caller]
    fn check(theirs: &Outcome, ours: &Outcome, order: Order, expect: Option<Kind>) {
        assert_eq!(difference(theirs, ours, order).map(|difference| difference.kind), expect);
    }

    #[test]
    fn what_differs_is_found() {
        let ab = vector(&[("a", 1.0), ("b", 2.0)]);
        let ba = vector(&[("b", 2.0), ("a", 1.0)]);
        check(&ab, &ab, Order::Exact, None);
        check(&ab, &ba, Order::Any, None);
        check(&ab, &ba, Order::ByValue, Some(Kind::Order));
        check(&vector(&[("a", 1.0), ("b", 1.0)]), &vector(&[("b", 1.0), ("a", 1.0)]), Order::ByValue, None);
        check(&ab, &vector(&[("a", 1.0)]), Order::Any, Some(Kind::Series));
        check(&ab, &vector(&[("a", 1.0), ("b", 2.1)]), Order::Any, Some(Kind::Values));
        check(&ab, &Err(failure(Class::Execution)), Order::Any, Some(Kind::Class));
        check(&Err(failure(Class::BadData)), &Err(failure(Class::Execution)), Order::Any, Some(Kind::Class));
        check(&Err(failure(Class::BadData)), &Err(failure(Class::BadData)), Order::Any, None);
    }

    #[test]
    fn numbers_are_the_same_or_not() {
        assert!(same(f64::NAN, -f64::NAN));
        assert!(same(1.0, 1.0 + 1e-10));
        assert!(!same(1.0, 1.0 + 1e-8));
        assert!(!same(0.0, -0.0));
        assert!(!same(0.0, 1e-300));
        assert!(!same(f64::INFINITY, f64::MAX));
        assert!(!same(f64::INFINITY, f64::NEG_INFINITY));
    }

    #[test]
    fn order_is_that_of_the_root() {
        assert_eq!(Order::of("sort(a)"), Order::ByValue);
        assert_eq!(Order::of("(sort_desc (a))"), Order::ByValue);
        assert_eq!(Order::of("sort(a) + 1"), Order::Any);
        assert_eq!(Order::of("sort_by_label(a{b=\")\"}, \"x\")"), Order::Exact);
        assert_eq!(Order::of("topk(2, a)"), Order::ByValue);
        assert_eq!(Order::of("topk by (g) (2, a)"), Order::Any);
        assert_eq!(Order::of("topk(2, a) by (g)"), Order::Any);
        assert_eq!(Order::of("-sort(a)"), Order::Any);
    }
}
