//! Binary operators between numbers and vectors.

use crate::{
    promql::syntax::{Binary, BinaryOp, Group, Matching, Spanned},
    series::is_stale,
    text::Span,
};

use super::{
    EvalError,
    block::{Block, Grid, Value},
    engine::Engine,
    functions, matching,
    selector::HOLE,
};

impl Engine<'_> {
    pub(super) fn binary(&mut self, binary: &Binary, span: Span, grid: Grid) -> Result<Value, EvalError> {
        let lhs = self.eval(&binary.lhs, grid)?;
        let rhs = self.eval(&binary.rhs, grid)?;
        let op = binary.op.node;
        if matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower) {
            return self.trimmed(binary, lhs, &rhs, span, grid);
        }
        match (lhs, rhs) {
            (Value::Scalar(mut lhs), Value::Scalar(rhs)) => {
                for (left, right) in lhs.iter_mut().zip(rhs) {
                    *left = between_numbers(op, *left, right);
                }
                Ok(Value::Scalar(lhs))
            }
            (Value::Vector(block), Value::Scalar(scalar)) => {
                with_scalar(op, block, &scalar, Side::Right, binary.return_bool.is_some())
            }
            (Value::Scalar(scalar), Value::Vector(block)) => {
                with_scalar(op, block, &scalar, Side::Left, binary.return_bool.is_some())
            }
            (Value::Vector(lhs), Value::Vector(rhs)) => {
                let block = if op.is_set() {
                    matching::set(op, lhs, &rhs, binary.matching.as_ref())
                } else {
                    matching::arithmetic(&lhs, &rhs, binary, self.guard())?
                };
                Ok(Value::Vector(block.unique()?))
            }
            (Value::String(_), _) | (_, Value::String(_)) => {
                Err(EvalError::execution("a string is no operand").at(span))
            }
        }
    }

    /// The operators of native histograms give nothing for floats, and say so where two of them meet. What cannot be
    /// matched is refused all the same.
    fn trimmed(
        &mut self,
        binary: &Binary,
        lhs: Value,
        rhs: &Value,
        span: Span,
        grid: Grid,
    ) -> Result<Value, EvalError> {
        let text = if binary.op.node == BinaryOp::TrimUpper { "</" } else { ">/" };
        let some = |value: &Value| match value {
            Value::Vector(block) => block.samples() > 0,
            Value::Scalar(_) | Value::String(_) => true,
        };
        let meet = match (lhs, rhs) {
            (Value::Vector(mut lhs), Value::Vector(rhs)) => {
                lhs.values.iter_mut().filter(|value| !is_stale(**value)).for_each(|value| *value = f64::NAN);
                // A filter that holds for every NaN, and for which no two results can be the same: what it refuses is
                // what stands twice on the one side.
                let mut filter = binary.clone();
                filter.op.node = BinaryOp::NotEqual;
                filter.return_bool = None;
                let matching = filter.matching.get_or_insert_with(|| Matching {
                    on: false,
                    labels: Vec::new(),
                    group: None,
                    include: Vec::new(),
                    fill_left: None,
                    fill_right: None,
                    span,
                });
                matching.include.clear();
                matching.group.get_or_insert(Spanned { node: Group::Left, span });
                matching::arithmetic(&lhs, rhs, &filter, self.guard())?.samples() > 0
            }
            (lhs, rhs) => some(&lhs) && some(rhs),
        };
        if meet {
            let message = format!(
                "incompatible sample types encountered for binary operator \"{text}\": float {text} float"
            );
            self.annotations.info(message, span);
        }
        Ok(Value::Vector(Block::new(grid.count)))
    }
}

/// Where the number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn with_scalar(
    op: BinaryOp,
    mut block: Block,
    scalar: &[f64],
    side: Side,
    as_bool: bool,
) -> Result<Value, EvalError> {
    let steps = block.steps;
    if steps > 0 {
        for row in block.values.chunks_exact_mut(steps) {
            let pairs = row.iter_mut().zip(scalar).filter(|(value, _)| !is_stale(**value));
            for (value, scalar) in pairs {
                let (left, right) = match side {
                    Side::Right => (*value, *scalar),
                    Side::Left => (*scalar, *value),
                };
                *value = if op.is_comparison() {
                    match (holds(op, left, right), as_bool) {
                        (true, false) => *value,
                        (false, false) => HOLE,
                        (true, true) => 1.0,
                        (false, true) => 0.0,
                    }
                } else {
                    calculated(op, left, right)
                };
            }
        }
    }
    if !op.is_comparison() || as_bool {
        for labels in &mut block.labels {
            *labels = functions::without_metadata(labels);
        }
        block = block.unique()?;
    }
    block.drop_empty();
    Ok(Value::Vector(block))
}

/// Between two numbers a comparison is 0 or 1.
fn between_numbers(op: BinaryOp, left: f64, right: f64) -> f64 {
    if op.is_comparison() { f64::from(u8::from(holds(op, left, right))) } else { calculated(op, left, right) }
}

/// Whether a comparison is true; no comparison with NaN is, but `!=`.
#[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
pub(super) fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterEqual => left >= right,
        _ => false,
    }
}

/// What an arithmetic operator gives.
#[inline]
pub(super) fn calculated(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::NAN,
    }
}
