//! The differences that count for nothing, each by a rule with a name.

use llmobs::promql::syntax::{AggregateOp, Expr, ExprKind, ParseErrors};

use super::compare::{Difference, Kind};
use crate::judge::{Outcome, Query, Value, When};

/// Zeros of both signs are equal when values are sorted, and Go's sort keeps no order among equals.
const EITHER_ZERO: &str = "a quantile is the other one of two zeros";
/// `src/promql/COMPATIBILITY.md` lists it.
const BYTES: &str = "an escape that gives no UTF-8 is refused, as documented";
/// Prometheus says of an absent label both that it comes after every value and that every value comes after it, so
/// that its sort gives some order.
const NO_ORDER: &str = "`sort_by_label` by a label that some series lack, for which Prometheus has no order";

/// `src/promql/COMPATIBILITY.md` lists it.
const PARAMETER: &str = "in a range query the parameter of an aggregation of what `@` fixes, as documented";
/// Where the first step of a subquery is the query's own instant, Prometheus takes the subquery's `offset` for a part of
/// what lies between an `@` within it and that step, and so looks at another instant.
const DISPLACED: &str = "`@` within a subquery with an `offset`, which Prometheus displaces";

/// Prometheus prepares only the aggregated expression for `@`, so in the parameter `start()` and `end()` are nothing, and
/// an instant moves on with the steps.
const UNBOUND: &str = "`@` in the parameter of an aggregation, which Prometheus does not bind";
/// Prometheus takes the instant of the `@` alone, and looks there among the samples that it read for the right one.
const FORGOTTEN: &str = "`timestamp` of a selector with `@` and `offset`, which Prometheus forgets";
/// Go's sort keeps no order among equals, and of equals the first is taken.
const SORTED: &str = "`topk`, `bottomk` or `limitk` of sorted series, among which some are equal";
/// Prometheus merges the buckets of equal bounds in place, and calculates all quantiles but the first from what is left.
const REUSED: &str =
    "`histogram_quantiles` of buckets with equal bounds, of which Prometheus calculates the first right";

/// What sorts values, to take one of them.
const SORTING: [&str; 2] = ["quantile", "mad_over_time"];

/// The rule that excuses a difference.
pub(super) fn excuse(
    query: &Query,
    parsed: Option<&Result<Expr, ParseErrors>>,
    theirs: &Outcome,
    found: &Difference,
) -> Option<&'static str> {
    let zeros = found.values.is_some_and(|(expected, got)| expected == 0.0 && got == 0.0);
    if zeros && SORTING.iter().any(|name| query.expr.contains(name)) {
        return Some(EITHER_ZERO);
    }
    match parsed? {
        Err(errors) => {
            let bytes = errors
                .iter()
                .all(|error| error.message.ends_with("do not give UTF-8, which is not supported"));
            (found.kind == Kind::Parse && bytes).then_some(BYTES)
        }
        Ok(expr) if found.kind == Kind::Order && lacks_its_label(expr, theirs) => Some(NO_ORDER),
        Ok(expr) if asks_a_parameter_once(query, expr) => Some(PARAMETER),
        Ok(expr) if has_an_instant_in_a_parameter(expr) => Some(UNBOUND),
        Ok(expr) if forgets_an_offset(expr) => Some(FORGOTTEN),
        Ok(expr) if reuses_buckets(query, expr) => Some(REUSED),
        Ok(expr) if takes_of_sorted(expr) => Some(SORTED),
        Ok(expr) if displaces_an_instant(expr) => Some(DISPLACED),
        Ok(_) => None,
    }
}

/// Whether `sort_by_label` sorts by a label that a series does not have.
fn lacks_its_label(expr: &Expr, theirs: &Outcome) -> bool {
    let ExprKind::Call(call) = &expr.unparenthesised().kind else { return false };
    let Ok(Value::Vector(rows)) = theirs.as_ref().map(|answer| &answer.value) else { return false };
    let labels = call.args.iter().filter_map(|arg| match &arg.unparenthesised().kind {
        ExprKind::String(text) => Some(text.as_str()),
        _ => None,
    });
    call.function.name.starts_with("sort_by_label")
        && labels.into_iter().any(|label| rows.iter().any(|row| row.labels.get(label).is_none()))
}

/// Whether an aggregation has a parameter that may change from step to step, over series that do not.
fn asks_a_parameter_once(query: &Query, expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, _| {
        if let ExprKind::Aggregate(aggregate) = &expr.kind
            && let Some(param) = &aggregate.param
        {
            let constant = matches!(param.unparenthesised().kind, ExprKind::Number(_) | ExprKind::String(_));
            found |= !constant && is_fixed(&aggregate.expr);
        }
    });
    found && matches!(query.when, When::Range { .. })
}

/// Whether every selector has an `@`, or stands in a subquery that has one.
fn is_fixed(expr: &Expr) -> bool {
    let mut fixed = true;
    expr.walk(&mut |expr, around| {
        if matches!(&expr.kind, ExprKind::Selector(_) | ExprKind::Range(_)) {
            fixed &= is_at(expr) || around.iter().any(|outer| is_at(outer));
        }
    });
    fixed
}

fn has_an_instant_in_a_parameter(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, _| {
        if let ExprKind::Aggregate(aggregate) = &expr.kind
            && let Some(param) = &aggregate.param
        {
            param.walk(&mut |expr, _| found |= is_at(expr));
        }
    });
    found
}

/// Whether it has an `@` of its own.
fn is_at(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Selector(selector) => selector.modifiers.at.is_some(),
        ExprKind::Range(range) => range.selector.modifiers.at.is_some(),
        ExprKind::Subquery(subquery) => subquery.modifiers.at.is_some(),
        _ => false,
    }
}

fn displaces_an_instant(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, around| {
        let displaced = |outer: &&Expr| {
            matches!(&outer.kind, ExprKind::Subquery(subquery) if subquery.modifiers.offset.is_some())
        };
        found |= is_at(expr) && around.iter().any(displaced);
    });
    found
}

fn forgets_an_offset(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, _| {
        if let ExprKind::Call(call) = &expr.kind
            && call.function.name == "timestamp"
            && let Some(ExprKind::Selector(selector)) =
                call.args.first().map(|arg| &arg.unparenthesised().kind)
        {
            found |= selector.modifiers.at.is_some() && selector.modifiers.offset.is_some();
        }
    });
    found
}

/// Whether `histogram_quantiles` is asked of the one family of which two bounds are equal.
fn reuses_buckets(query: &Query, expr: &Expr) -> bool {
    let mut called = false;
    expr.walk(&mut |expr, _| {
        if let ExprKind::Call(call) = &expr.kind {
            called |= call.function.name == "histogram_quantiles";
        }
    });
    called && query.expr.contains("odd_buck")
}

/// Whether some are taken of what was sorted by value before.
fn takes_of_sorted(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, around| {
        let takes = |outer: &&Expr| {
            let ExprKind::Aggregate(aggregate) = &outer.kind else { return false };
            matches!(aggregate.op.node, AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::TopK)
        };
        if let ExprKind::Call(call) = &expr.kind {
            found |= ["sort", "sort_desc"].contains(&call.function.name) && around.iter().any(takes);
        }
    });
    found
}
