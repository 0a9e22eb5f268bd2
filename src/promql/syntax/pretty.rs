//! Trees to text in several lines, laid out as Prometheus' formatter does it.

use super::{
    ast::{Expr, ExprKind},
    print::{Head, Operator, SubqueryTime},
};

/// The longest line that Prometheus leaves whole, in bytes, without what it is indented by.
pub const WIDTH: usize = 100;

/// The canonical form, split where it is wider than `width` bytes: two spaces for each level, operators on lines of
/// their own.
pub fn pretty(expr: &Expr, width: usize) -> String {
    Layout { width }.lines(expr, 0)
}

struct Layout {
    width: usize,
}

impl Layout {
    /// An expression that begins a line.
    fn lines(&self, expr: &Expr, level: usize) -> String {
        format!("{}{}", indent(level), self.rest(expr, level))
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
                let args: Vec<String> = call.args.iter().map(|arg| self.lines(arg, below)).collect();
                format!("{}(\n{}\n{end})", call.function.name, args.join(",\n"))
            }
            ExprKind::Aggregate(aggregate) => {
                let param = aggregate.param.as_ref().map(|param| format!("{},\n", self.lines(param, below)));
                let inner = self.lines(&aggregate.expr, below);
                format!("{}(\n{}{inner}\n{end})", Head(aggregate), param.unwrap_or_default())
            }
            ExprKind::Binary(binary) => {
                let lhs = self.operand(&binary.lhs, below, binary.wraps_left());
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
