//! Durations of an expression as milliseconds, once the query's instants are known.

use crate::promql::syntax::{DurationExpr, DurationKind, DurationOp};

use super::{EvalError, engine::QueryTimes, functions};

/// Whether a duration may be zero or negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Positive,
    Any,
}

/// The length of a duration in milliseconds; parts of one are cut off, as Prometheus cuts them.
pub(super) fn millis(duration: &DurationExpr, sign: Sign, times: &QueryTimes) -> Result<i64, EvalError> {
    let fail = |message: &str| {
        let (start, end) = (duration.span.start, duration.span.end);
        EvalError::bad_data(format!("{start}:{end}: {message}")).at(duration.span)
    };
    if let DurationKind::Literal(literal) = &duration.kind {
        // Nanoseconds first: they are what Prometheus rounds to.
        return Ok(truncated((literal.value * 1e9).round() / 1e6));
    }
    let seconds = seconds(duration, times)?;
    if !seconds.is_finite() {
        return Err(fail("duration is NaN or infinite"));
    }
    if seconds <= 0.0 && sign == Sign::Positive {
        return Err(fail("duration must be greater than 0"));
    }
    // What 64 bits of nanoseconds hold.
    if seconds.abs() > 9_223_372_036.854_776 {
        return Err(fail("duration is out of range"));
    }
    Ok(truncated(seconds * 1000.0))
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and NaN becomes 0")]
fn truncated(value: f64) -> i64 {
    value.trunc() as i64
}

fn seconds(duration: &DurationExpr, times: &QueryTimes) -> Result<f64, EvalError> {
    let fail = |message: &str| {
        let (start, end) = (duration.span.start, duration.span.end);
        EvalError::bad_data(format!("{start}:{end}: {message}")).at(duration.span)
    };
    Ok(match &duration.kind {
        DurationKind::Literal(literal) => literal.value,
        DurationKind::Step => times.step as f64 / 1000.0,
        DurationKind::Range => times.range_seconds(),
        DurationKind::Variable(name) => return Err(fail(&format!("variable {name} has no value"))),
        DurationKind::Negated(inner) => -seconds(inner, times)?,
        DurationKind::Plus(inner) | DurationKind::Paren(inner) => seconds(inner, times)?,
        DurationKind::MinOf(a, b) => functions::min(seconds(a, times)?, seconds(b, times)?),
        DurationKind::MaxOf(a, b) => functions::max(seconds(a, times)?, seconds(b, times)?),
        DurationKind::Binary { op, lhs, rhs } => {
            let (lhs, rhs) = (seconds(lhs, times)?, seconds(rhs, times)?);
            match op {
                DurationOp::Add => lhs + rhs,
                DurationOp::Sub => lhs - rhs,
                DurationOp::Mul => lhs * rhs,
                DurationOp::Div if rhs == 0.0 => return Err(fail("division by zero")),
                DurationOp::Div => lhs / rhs,
                DurationOp::Mod if rhs == 0.0 => return Err(fail("modulo by zero")),
                DurationOp::Mod => lhs % rhs,
                DurationOp::Pow => lhs.powf(rhs),
            }
        }
    })
}
