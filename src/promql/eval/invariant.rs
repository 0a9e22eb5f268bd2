//! Parts of an expression that answer the same at every step: they look at a fixed instant.

use crate::promql::syntax::{Expr, ExprKind};

/// Functions that speak of the step's own instant, or of that of their argument.
const OF_THE_STEP: [&str; 11] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "info",
    "minute",
    "month",
    "predict_linear",
    "time",
    "year",
];

/// Whether one evaluation serves all steps, and saves work.
pub(super) fn is_worth_once(expr: &Expr) -> bool {
    !matches!(expr.kind, ExprKind::Number(_) | ExprKind::String(_)) && reads(expr) && is_invariant(expr)
}

/// Whether anything is selected at all.
fn reads(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => false,
        ExprKind::Selector(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => true,
        ExprKind::Paren(inner) => reads(inner),
        ExprKind::Unary(unary) => reads(&unary.expr),
        ExprKind::Binary(binary) => reads(&binary.lhs) || reads(&binary.rhs),
        ExprKind::Aggregate(aggregate) => reads(&aggregate.expr),
        ExprKind::Call(call) => call.args.iter().any(reads),
    }
}

fn is_invariant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::Selector(selector) => selector.modifiers.at.is_some(),
        ExprKind::Range(range) => range.selector.modifiers.at.is_some(),
        ExprKind::Subquery(subquery) => subquery.modifiers.at.is_some(),
        ExprKind::Paren(inner) => is_invariant(inner),
        ExprKind::Unary(unary) => is_invariant(&unary.expr),
        ExprKind::Binary(binary) => is_invariant(&binary.lhs) && is_invariant(&binary.rhs),
        ExprKind::Aggregate(aggregate) => {
            is_invariant(&aggregate.expr) && aggregate.param.as_ref().is_none_or(is_invariant)
        }
        ExprKind::Call(call) => {
            let of_a_selector =
                || call.args.iter().all(|arg| matches!(arg.unparenthesised().kind, ExprKind::Selector(_)));
            let safe = match call.function.name {
                "timestamp" => of_a_selector(),
                name => !OF_THE_STEP.contains(&name),
            };
            safe && call.args.iter().all(is_invariant)
        }
    }
}
