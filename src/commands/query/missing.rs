//! Why nothing may have been found: metrics that an expression names and the data does not have.

use std::collections::BTreeSet;

use crate::{
    promql::syntax::{Expr, ExprKind, VectorSelector},
    text::nearest,
};

/// A hint for each metric of the expression that is not among these names.
pub(super) fn metrics<'a>(expr: &Expr, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut hints = Vec::new();
    for selector in selectors(expr) {
        let Some(name) = selector.name.as_ref().map(|name| name.node.as_str()) else { continue };
        if names.contains(name) {
            continue;
        }
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("there is no metric `{name}`; did you mean `{near}`?"),
            None => format!("there is no metric `{name}`"),
        };
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

/// The selectors of an expression, from left to right.
fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    let mut found = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Selector(selector) => found.push(&**selector),
            ExprKind::Range(range) => found.push(&range.selector),
            ExprKind::Subquery(subquery) => open.push(&subquery.expr),
            ExprKind::Call(call) => open.extend(call.args.iter().rev()),
            ExprKind::Aggregate(aggregate) => {
                open.push(&aggregate.expr);
                open.extend(&aggregate.param);
            }
            ExprKind::Binary(binary) => open.extend([&binary.rhs, &binary.lhs]),
            ExprKind::Unary(unary) => open.push(&unary.expr),
            ExprKind::Paren(inner) => open.push(inner),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::syntax::{Options, parse};

    #[track_caller]
    fn check(expr: &str, expect: &[&str]) {
        let expr = parse(expr, &Options { experimental: false, variables: false }).unwrap();
        assert_eq!(metrics(&expr, ["llm_requests_total", "up"]), expect);
    }

    #[test]
    fn metrics_that_are_not_there_are_named_once() {
        check("up", &[]);
        check("1 + 2", &[]);
        check("{job=\"x\"}", &[]);
        check(
            "llm_request_total",
            &["there is no metric `llm_request_total`; did you mean `llm_requests_total`?"],
        );
        check(
            "topk(scalar(ups), -(rate(q_seconds[5m])) + max_over_time((ups)[1h:5m]))",
            &["there is no metric `ups`; did you mean `up`?", "there is no metric `q_seconds`"],
        );
    }
}
