//! Trees to text: the canonical form, in one line.
//!
//! It is what Prometheus prints, save where that would not be read back as the same: see COMPATIBILITY.md.

use std::fmt::{self, Display, Formatter, Write};

use crate::series::{METRIC_NAME, quoted};

use super::{
    ast::{
        Aggregate, At, Binary, BinaryOp, DurationExpr, DurationKind, Expr, ExprKind, Group, Matching,
        Modifiers, Number, Spanned, Subquery, Unary, VectorSelector,
    },
    literal::duration_text,
    token::{Kind, word},
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(number) => number.fmt(f),
            ExprKind::String(text) => f.write_str(&quoted(text)),
            ExprKind::Selector(selector) => selector.fmt(f),
            ExprKind::Range(range) => {
                selected(&range.selector, f)?;
                write!(f, "[{}]", Whole(&range.range))?;
                extension(&range.selector, f)?;
                modifiers(&range.selector.modifiers, f)
            }
            ExprKind::Subquery(subquery) => {
                write!(f, "{}{}", Operand(&subquery.expr, subquery.expr.is_open()), SubqueryTime(subquery))
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                list(&call.args, f)?;
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
        match self.0.0.kind {
            // `+Inf ^ 2` would be read as `+(Inf ^ 2)`.
            ExprKind::Number(number) if self.1 == BinaryOp::Pow && number.value == f64::INFINITY => {
                f.write_str("Inf ")
            }
            _ => write!(f, "{} ", self.0),
        }
    }
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
        (Some(left), Some(right)) if left == right => write!(f, " fill ({})", Float(left)),
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
            if is_label_name(&name.node) || is_variable(&name.node) {
                f.write_str(&name.node)?;
            } else {
                f.write_str(&quoted(&name.node))?;
            }
        }
        Ok(())
    }
}

fn list(exprs: &[Expr], f: &mut Formatter<'_>) -> fmt::Result {
    for (index, expr) in exprs.iter().enumerate() {
        write!(f, "{}{expr}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        selected(self, f)?;
        let Modifiers { at, offset } = &self.modifiers;
        print_at(at.as_ref(), f)?;
        extension(self, f)?;
        print_offset(offset.as_ref(), f)
    }
}

/// Name and matchers, sorted by their text; what was left open stands last, as it was written.
fn selected(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    let (mut bare, mut items) = (None, Vec::new());
    let names_again = selector.matchers.iter().any(|matcher| matcher.name.node == METRIC_NAME);
    match &selector.name {
        // Beside another matcher of the name, one outside the braces is refused.
        Some(name) if is_bare_metric_name(&name.node) && !names_again => bare = Some(&name.node),
        Some(name) => items.push(format!("{METRIC_NAME}={}", quoted(&name.node))),
        None => {}
    }
    for matcher in &selector.matchers {
        let (name, op, value) = (&matcher.name.node, matcher.op.node.text(), quoted(&matcher.value.node));
        items.push(if is_label_name(name) {
            format!("{name}{op}{value}")
        } else {
            format!("{}{op}{value}", quoted(name))
        });
    }
    items.sort();
    items.extend(selector.holes.iter().map(|hole| hole.node.clone()));
    f.write_str(bare.map_or("", String::as_str))?;
    if items.is_empty() && bare.is_some() { Ok(()) } else { write!(f, "{{{}}}", items.join(",")) }
}

fn extension(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    selector.extension.as_ref().map_or(Ok(()), |extension| write!(f, " {}", extension.node.text()))
}

fn modifiers(modifiers: &Modifiers, f: &mut Formatter<'_>) -> fmt::Result {
    print_at(modifiers.at.as_ref(), f)?;
    print_offset(modifiers.offset.as_ref(), f)
}

fn print_at(at: Option<&Spanned<At>>, f: &mut Formatter<'_>) -> fmt::Result {
    match at.map(|at| at.node) {
        None => Ok(()),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        Some(At::Timestamp(millis)) => {
            let sign = if millis < 0 { "-" } else { "" };
            let millis = millis.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", millis / 1000, millis % 1000)
        }
    }
}

/// An offset of nothing is none.
fn print_offset(offset: Option<&Spanned<DurationExpr>>, f: &mut Formatter<'_>) -> fmt::Result {
    let Some(offset) = offset.map(|offset| &offset.node) else { return Ok(()) };
    match &offset.kind {
        DurationKind::Literal(number) if number.value == 0.0 => Ok(()),
        // Without parentheses around all of it or its beginning, the offset would end before the operator.
        DurationKind::Binary { .. } if !begins_with_parenthesis(offset) => write!(f, " offset ({offset})"),
        // And without the sign it would not.
        DurationKind::Plus(inner) if matches!(inner.kind, DurationKind::Paren(_)) => {
            write!(f, " offset +{inner}")
        }
        _ => write!(f, " offset {}", Whole(offset)),
    }
}

fn begins_with_parenthesis(duration: &DurationExpr) -> bool {
    match &duration.kind {
        DurationKind::Paren(_) => true,
        DurationKind::Binary { lhs, .. } => begins_with_parenthesis(lhs),
        _ => false,
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

/// A whole duration: a number alone is printed with its units.
struct Whole<'a>(&'a DurationExpr);

impl Display for Whole<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            DurationKind::Literal(Number { value, .. }) => Number { value, is_duration: true }.fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Literal(number) => number.fmt(f),
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::Variable(name) => f.write_str(name),
            DurationKind::Negated(inner) => write!(f, "-{inner}"),
            DurationKind::Plus(inner) => inner.fmt(f),
            DurationKind::Binary { op, lhs, rhs } => write!(f, "{lhs} {} {rhs}", op.text()),
            DurationKind::MinOf(first, second) => write!(f, "min_of({first}, {second})"),
            DurationKind::MaxOf(first, second) => write!(f, "max_of({first}, {second})"),
            // Two pairs say no more than one.
            DurationKind::Paren(inner) if matches!(inner.kind, DurationKind::Paren(_)) => inner.fmt(f),
            DurationKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl Display for Number {
    /// A duration that is no whole number of milliseconds is printed in seconds, since its units end there.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match whole_millis(self.value.abs()) {
            Some(millis) if self.is_duration => {
                let sign = if self.value < 0.0 { "-" } else { "" };
                write!(f, "{sign}{}", duration_text(millis))
            }
            _ => Float(self.value).fmt(f),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn whole_millis(seconds: f64) -> Option<u64> {
    let millis = (seconds * 1000.0).round();
    let fits = millis >= 0.0 && millis <= i64::MAX as f64 / 1e6;
    (fits && millis / 1000.0 == seconds).then_some(millis as u64)
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

/// `$name`, `${name}`.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with('$') && name.len() > 1
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
