//! Selectors, what modifies their time, and durations.

use std::fmt::{self, Display, Formatter};

use crate::{
    promql::syntax::{
        ast::{At, DurationExpr, DurationKind, Modifiers, Number, Spanned, VectorSelector},
        literal::duration_text,
    },
    series::{METRIC_NAME, quoted},
};

use super::{Float, is_bare_metric_name, is_label_name};

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print_selector(self, false, f)
    }
}

pub(super) fn print_selector(
    selector: &VectorSelector,
    in_braces: bool,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    selected(selector, in_braces, f)?;
    let Modifiers { at, offset } = &selector.modifiers;
    let open = is_open(offset.as_ref());
    if open {
        print_offset(offset.as_ref(), f)?;
    }
    print_at(at.as_ref(), f)?;
    extension(selector, f)?;
    if open { Ok(()) } else { print_offset(offset.as_ref(), f) }
}

/// Name and matchers, sorted by their text; what was left open stands last, as it was written.
pub(super) fn selected(selector: &VectorSelector, in_braces: bool, f: &mut Formatter<'_>) -> fmt::Result {
    let (mut bare, mut items) = (None, Vec::new());
    let names_again = selector.matchers.iter().any(|matcher| matcher.name.node == METRIC_NAME);
    match &selector.name {
        // Beside another matcher of the name, one outside the braces is refused.
        Some(name) if is_bare_metric_name(&name.node) && !names_again && !in_braces => {
            bare = Some(&name.node);
        }
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

pub(super) fn extension(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    selector.extension.as_ref().map_or(Ok(()), |extension| write!(f, " {}", extension.node.text()))
}

pub(super) fn modifiers(modifiers: &Modifiers, f: &mut Formatter<'_>) -> fmt::Result {
    let Modifiers { at, offset } = modifiers;
    if is_open(offset.as_ref()) {
        print_offset(offset.as_ref(), f)?;
        return print_at(at.as_ref(), f);
    }
    print_at(at.as_ref(), f)?;
    print_offset(offset.as_ref(), f)
}

/// Whether an operator that follows would go on with the offset's duration; then what may stands after it.
fn is_open(offset: Option<&Spanned<DurationExpr>>) -> bool {
    offset.is_some_and(|offset| {
        !matches!(offset.node.kind, DurationKind::Literal(_) | DurationKind::Variable(_))
    })
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

/// A whole duration: a number alone is printed with its units.
pub(super) struct Whole<'a>(pub(super) &'a DurationExpr);

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
                let sign = if self.value.is_sign_negative() { "-" } else { "" };
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
    (fits && (millis / 1000.0).total_cmp(&seconds).is_eq()).then_some(millis as u64)
}
