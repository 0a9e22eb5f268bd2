//! Trees to text: the canonical form, in one line.
//!
//! It is what Prometheus prints, save where that would not be read back as the same: see COMPATIBILITY.md.

mod selector;

use std::fmt::{self, Display, Formatter, Write};

use crate::series::quoted;

use selector::{Whole, extension, modifiers, print_selector, selected};

use super::{
    ast::{
        Aggregate, Binary, BinaryOp, Call, Expr, ExprKind, Group, Matching, Spanned, Subquery, Unary,
        VectorSelector,
    },
    token::{Kind, word},
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(number) => number.fmt(f),
            ExprKind::String(text) => f.write_str(&quoted(text)),
            ExprKind::Selector(selector) => selector.fmt(f),
            ExprKind::Range(range) => {
                selected(&range.selector, false, f)?;
                write!(f, "[{}]", Whole(&range.range))?;
                extension(&range.selector, f)?;
                modifiers(&range.selector.modifiers, f)
            }
            ExprKind::Subquery(subquery) => {
                write!(f, "{}{}", Operand(&subquery.expr, subquery.expr.is_open()), SubqueryTime(subquery))
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (index, arg) in call.args.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    Argument::new(call, index, arg).fmt(f)?;
                }
                f.write_char(')')
            }
            ExprKind::Aggregate(aggregate) => {
                write!(f, "{}(", Head(aggregate))?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Binary(binary) => {
                let lhs = Operand(&binary.lhs, binary.wraps_left());
                let rhs = Operand(&binary.rhs, binary.wraps_right());
                write!(f, "{}{} {rhs}", LeftOperand(&lhs, binary.op.node), Operator(binary))
            }
            ExprKind::Unary(unary) => {
                let sign = if unary.negative { '-' } else { '+' };
                write!(f, "{sign}{}", Operand(&unary.expr, unary.wraps_operand()))
            }
            ExprKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// How tightly a unary operator binds, on the scale of [`Expr::level`].
const UNARY: u8 = 6;

/// How tightly what stands alone binds.
const ATOM: u8 = 8;

impl Expr {
    /// How tightly the outermost operator binds.
    fn level(&self) -> u8 {
        match &self.kind {
            ExprKind::Binary(binary) => level(binary.op.node),
            ExprKind::Unary(_) => UNARY,
            _ => ATOM,
        }
    }

    /// Whether a bracket behind it would take hold of its end only.
    pub(super) fn is_open(&self) -> bool {
        match &self.kind {
            ExprKind::Number(number) => number.value.is_sign_negative(),
            _ => self.level() < ATOM,
        }
    }
}

/// How tightly a binary operator binds; `^` binds tighter than a sign.
fn level(op: BinaryOp) -> u8 {
    use BinaryOp as B;
    match op {
        B::Or => 1,
        B::And | B::Unless => 2,
        B::Add | B::Sub => 4,
        B::Mul | B::Div | B::Mod | B::Atan2 => 5,
        B::Pow => 7,
        _ => 3,
    }
}

impl Binary {
    /// Whether the left operand needs parentheses; in a tree that was read from text it has those that it needs.
    pub(super) fn wraps_left(&self) -> bool {
        let own = level(self.op.node);
        if self.op.node != BinaryOp::Pow {
            return self.lhs.level() < own;
        }
        self.lhs.level() <= own
            || matches!(&self.lhs.kind, ExprKind::Number(number) if number.value.is_sign_negative())
    }

    /// Whether the right operand does.
    pub(super) fn wraps_right(&self) -> bool {
        let own = level(self.op.node);
        let is_sign = matches!(self.rhs.kind, ExprKind::Unary(_));
        let groups_right = self.op.node == BinaryOp::Pow;
        !is_sign && (self.rhs.level() < own || (self.rhs.level() == own && !groups_right))
    }
}

impl Unary {
    /// Whether the operand needs parentheses.
    pub(super) fn wraps_operand(&self) -> bool {
        self.expr.level() < UNARY
    }
}

/// An expression, in parentheses if need be.
struct Operand<'a>(&'a Expr, bool);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.1 { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

/// The left operand of an operator, and a space.
struct LeftOperand<'a>(&'a Operand<'a>, BinaryOp);

impl Display for LeftOperand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_infinite_base(self.0.0, self.1) { f.write_str("Inf ") } else { write!(f, "{} ", self.0) }
    }
}

/// Whether a left operand has to go without its `+`: `+Inf ^ 2` would be read as `+(Inf ^ 2)`.
pub(super) fn is_infinite_base(lhs: &Expr, op: BinaryOp) -> bool {
    op == BinaryOp::Pow && matches!(lhs.kind, ExprKind::Number(number) if number.value == f64::INFINITY)
}

/// The operator of a binary expression with its modifiers.
pub(super) struct Operator<'a>(pub(super) &'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.node.text())?;
        if self.0.return_bool.is_some() {
            f.write_str(" bool")?;
        }
        self.0.matching.as_ref().map_or(Ok(()), |matching| print_matching(matching, f))
    }
}

fn print_matching(matching: &Matching, f: &mut Formatter<'_>) -> fmt::Result {
    if matching.on || !matching.labels.is_empty() || matching.group.is_some() {
        let word = if matching.on { "on" } else { "ignoring" };
        write!(f, " {word} ({})", Names(&matching.labels))?;
    }
    if let Some(group) = &matching.group {
        let side = if group.node == Group::Left { "left" } else { "right" };
        write!(f, " group_{side} ({})", Names(&matching.include))?;
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left.total_cmp(&right).is_eq() || left.is_nan() && right.is_nan() => {
            write!(f, " fill ({})", Float(left))
        }
        (left, right) => {
            if let Some(left) = left {
                write!(f, " fill_left ({})", Float(left))?;
            }
            if let Some(right) = right {
                write!(f, " fill_right ({})", Float(right))?;
            }
            Ok(())
        }
    }
}

/// What stands before the parenthesis of an aggregation.
pub(super) struct Head<'a>(pub(super) &'a Aggregate);

impl Display for Head<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.node.name())?;
        match &self.0.grouping {
            Some(grouping) if grouping.without => write!(f, " without ({}) ", Names(&grouping.labels)),
            Some(grouping) if !grouping.labels.is_empty() => write!(f, " by ({}) ", Names(&grouping.labels)),
            _ => Ok(()),
        }
    }
}

/// Names of labels with commas between them.
struct Names<'a>(&'a [Spanned<String>]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            if is_label_name(&name.node) || name.is_variable() {
                f.write_str(&name.node)?;
            } else {
                f.write_str(&quoted(&name.node))?;
            }
        }
        Ok(())
    }
}

/// An argument of a call. The second one of `info` is a selector of labels: its name has to stand in braces.
pub(super) enum Argument<'a> {
    Plain(&'a Expr),
    Labels(&'a VectorSelector),
}

impl<'a> Argument<'a> {
    pub(super) fn new(call: &'a Call, index: usize, arg: &'a Expr) -> Self {
        match &arg.kind {
            ExprKind::Selector(selector) if call.function.name == "info" && index == 1 => {
                Self::Labels(selector)
            }
            _ => Self::Plain(arg),
        }
    }
}

impl Display for Argument<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(expr) => expr.fmt(f),
            Self::Labels(selector) => print_selector(selector, true, f),
        }
    }
}

/// What stands behind the expression of a subquery.
pub(super) struct SubqueryTime<'a>(pub(super) &'a Subquery);

impl Display for SubqueryTime<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:", Whole(&self.0.range))?;
        if let Some(step) = &self.0.step {
            Whole(step).fmt(f)?;
        }
        f.write_char(']')?;
        modifiers(&self.0.modifiers, f)
    }
}

/// A number in shortest digits, without exponent.
struct Float(f64);

impl Display for Float {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => f.write_str("NaN"),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}

fn is_label_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// Whether a metric name can stand without braces.
fn is_bare_metric_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    if !name.starts_with(start) || !name.chars().all(|c| start(c) || c.is_ascii_digit()) {
        return false;
    }
    match word(name) {
        None | Some(Kind::Aggregate(_)) => true,
        Some(Kind::Keyword(keyword)) => keyword.is_metric_name(),
        Some(Kind::Operator(op)) => op != BinaryOp::Atan2,
        Some(_) => false,
    }
}
