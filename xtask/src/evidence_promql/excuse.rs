//! The differences that count for nothing, each by a rule with a name.

use llmobs::promql::syntax::{Expr, ExprKind, ParseErrors};

use super::compare::{Difference, Kind};
use crate::judge::{Outcome, Query, Value};

/// Zeros of both signs are equal when values are sorted, and Go's sort keeps no order among equals.
const EITHER_ZERO: &str = "a quantile is the other one of two zeros";
/// `src/promql/COMPATIBILITY.md` lists it.
const BYTES: &str = "an escape that gives no UTF-8 is refused, as documented";
/// Prometheus says of an absent label both that it comes after every value and that every value comes after it, so
/// that its sort gives some order.
const NO_ORDER: &str = "`sort_by_label` by a label that some series lack, for which Prometheus has no order";

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
        Ok(expr) => (found.kind == Kind::Order && lacks_its_label(expr, theirs)).then_some(NO_ORDER),
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
