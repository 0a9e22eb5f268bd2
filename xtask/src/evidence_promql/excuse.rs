//! The differences that count for nothing, each by a rule with a name.

use llmobs::promql::syntax::{Expr, ExprKind, ParseErrors};

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

/// Whether every selector has an `@`.
fn is_fixed(expr: &Expr) -> bool {
    let mut fixed = true;
    expr.walk(&mut |expr, around| {
        let below_fixed = around.iter().any(
            |outer| matches!(&outer.kind, ExprKind::Subquery(subquery) if subquery.modifiers.at.is_some()),
        );
        match &expr.kind {
            ExprKind::Selector(selector) => fixed &= below_fixed || selector.modifiers.at.is_some(),
            ExprKind::Range(range) => fixed &= below_fixed || range.selector.modifiers.at.is_some(),
            _ => {}
        }
    });
    fixed
}

fn displaces_an_instant(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr, around| {
        let at = match &expr.kind {
            ExprKind::Selector(selector) => &selector.modifiers.at,
            ExprKind::Range(range) => &range.selector.modifiers.at,
            ExprKind::Subquery(subquery) => &subquery.modifiers.at,
            _ => &None,
        };
        let displaced = |outer: &&Expr| {
            matches!(&outer.kind, ExprKind::Subquery(subquery) if subquery.modifiers.offset.is_some())
        };
        found |= at.is_some() && around.iter().any(displaced);
    });
    found
}
