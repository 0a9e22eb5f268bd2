//! Trees to text in several lines, laid out as Prometheus' formatter does it.

use super::{
    ast::{Expr, ExprKind},
    print::{Argument, Head, Operator, SubqueryTime, is_infinite_base},
};

/// The longest line that Prometheus leaves whole, in bytes, without what it is indented by.
pub const WIDTH: usize = 100;

/// The canonical form, split where it is wider than `width` bytes: two spaces for each level, operators on lines of
/// their own.
pub fn pretty(expr: &Expr, width: usize) -> String {
    Layout { width }.lines(expr, 0)
}

/// As [`pretty`], for a text whose first line says how far it is indented: the operators at the top and their left
/// operands begin without blanks, right operands too unless they are split at operators of their own; a number stands
/// behind its operator.
pub fn block(expr: &Expr, width: usize) -> String {
    Layout { width }.flush(expr)
}

struct Layout {
    width: usize,
}

impl Layout {
    /// An expression that begins a line.
    fn lines(&self, expr: &Expr, level: usize) -> String {
        format!("{}{}", indent(level), self.rest(expr, level))
    }

    /// An expression without blanks in front, split at its topmost operators.
    fn flush(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Binary(binary) if expr.to_string().len() > self.width => {
                let lhs = if binary.wraps_left() {
                    self.operand(&binary.lhs, 0, true)
                } else {
                    self.flush(&binary.lhs)
                };
                let rhs = self.operand(&binary.rhs, 0, binary.wraps_right());
                // What begins indented is shown as a whole of its own.
                let rhs = if rhs.starts_with(' ') { self.lines(&binary.rhs, 1) } else { rhs };
                // A number is no line of its own.
                let gap = if matches!(binary.rhs.kind, ExprKind::Number(_)) { ' ' } else { '\n' };
                format!("{lhs}\n{}{gap}{rhs}", Operator(binary))
            }
            _ => self.rest(expr, 0),
        }
    }

    /// An expression whose indentation is written already.
    fn rest(&self, expr: &Expr, level: usize) -> String {
        let whole = expr.to_string();
        if whole.len() <= self.width {
            return whole;
        }
        let below = level + 1;
        let end = indent(level);
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => whole,
            ExprKind::Subquery(subquery) => {
                let inner = self.operand(&subquery.expr, level, subquery.expr.is_open());
                format!("{inner}{}", SubqueryTime(subquery))
            }
            ExprKind::Call(call) => {
                let args: Vec<String> = (call.args.iter().enumerate())
                    .map(|(index, arg)| match Argument::new(call, index, arg) {
                        Argument::Plain(expr) => self.lines(expr, below),
                        labels @ Argument::Labels(_) => format!("{}{labels}", indent(below)),
                    })
                    .collect();
                format!("{}(\n{}\n{end})", call.function.name, args.join(",\n"))
            }
            ExprKind::Aggregate(aggregate) => {
                let param = aggregate.param.as_ref().map(|param| format!("{},\n", self.lines(param, below)));
                let inner = self.lines(&aggregate.expr, below);
                format!("{}(\n{}{inner}\n{end})", Head(aggregate), param.unwrap_or_default())
            }
            ExprKind::Binary(binary) => {
                let lhs = if is_infinite_base(&binary.lhs, binary.op.node) {
                    "Inf".to_owned()
                } else {
                    self.operand(&binary.lhs, below, binary.wraps_left())
                };
                let rhs = self.operand(&binary.rhs, below, binary.wraps_right());
                let inner = indent(below);
                // The line of the left operand is the one that is begun.
                let first = &inner[end.len()..];
                format!("{first}{lhs}\n{end}{}\n{inner}{rhs}", Operator(binary))
            }
            ExprKind::Unary(unary) => {
                let sign = if unary.negative { '-' } else { '+' };
                format!("{sign}{}", self.operand(&unary.expr, level, unary.wraps_operand()).trim_start())
            }
            ExprKind::Paren(inner) => format!("(\n{}\n{end})", self.lines(inner, below)),
        }
    }

    fn operand(&self, expr: &Expr, level: usize, wraps: bool) -> String {
        if wraps {
            format!("(\n{}\n{})", self.lines(expr, level + 1), indent(level))
        } else {
            self.rest(expr, level)
        }
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::syntax::{Options, parse};

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let expr = parse(text, &Options { experimental: true, variables: false }).unwrap();
        let lines = pretty(&expr, 24);
        assert_eq!(lines.lines().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn what_is_too_wide_is_split_by_its_levels() {
        check("sum by (model) (x)", &["sum by (model) (x)"]);
        check(
            "sum by (model) (rate(requests_total[5m]))",
            &["sum by (model) (", "  rate(requests_total[5m])", ")"],
        );
        check(
            "errors_total / on (a) group_left () (requests_total + 1)",
            &["  errors_total", "/ on (a) group_left ()", "  (requests_total + 1)"],
        );
        check(
            "topk(3, requests_total) - -(errors_total + failures_total)",
            &[
                "  topk(3, requests_total)",
                "-",
                "  -(",
                "      errors_total",
                "    +",
                "      failures_total",
                "  )",
            ],
        );
        check(
            "max_over_time(rate(requests_total[5m])[1h:5m] offset 1d)",
            &["max_over_time(", "  rate(requests_total[5m])[1h:5m] offset 1d", ")"],
        );
        check(
            "info(requests_total, {\"name\", job=\"a\"})",
            &["info(", "  requests_total,", "  {__name__=\"name\",job=\"a\"}", ")"],
        );
    }
}
