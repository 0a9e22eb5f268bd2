//! Questions to the evaluator.

use crate::{
    promql::{
        eval::{self, Answer, Block, Grid, Options},
        syntax::{self, Expr, ValueType},
    },
    series::{Labels, Select},
    time::Timestamp,
};

/// What the result of a rule has to be.
pub(super) const NO_VECTOR: &str = "rule result is not a vector or scalar";

/// The vector that an expression gives at each instant; a scalar is a vector of one series without labels.
pub(super) fn ask(
    expr: &Expr,
    store: &dyn Select,
    grid: Grid,
    options: &Options<'_>,
) -> Result<Block, String> {
    let end = Timestamp(grid.end());
    let answer = match grid.count {
        1 => eval::instant(expr, store, end, options),
        _ => eval::range(expr, store, Timestamp(grid.start), end, grid.step, options),
    };
    match answer.map_err(|error| error.to_string())?.answer {
        Answer::Vector(block) => Ok(block),
        Answer::Scalar(values) => {
            let mut block = Block::new(grid.count);
            block.push(Labels::default()).copy_from_slice(&values);
            Ok(block)
        }
        Answer::String(_) | Answer::Range(_) => Err(NO_VECTOR.to_owned()),
    }
}

/// What a query in a template answers.
pub(super) fn query(
    text: &str,
    store: &dyn Select,
    at: Timestamp,
    syntax: syntax::Options,
    options: &Options<'_>,
) -> Result<Vec<(Labels, f64)>, String> {
    let expr = syntax::parse(text, &syntax).map_err(|mistakes| mistakes.to_string())?;
    if !matches!(expr.value_type(), ValueType::Scalar | ValueType::InstantVector) {
        return Err(NO_VECTOR.to_owned());
    }
    let block = ask(&expr, store, Grid::instant(at), options)?;
    Ok(block.rows().map(|(labels, row)| (labels.clone(), row[0])).collect())
}
