//! What an expression answers: all steps of a query at once, each node a block of series × steps.

mod aggregate;
mod annotations;
mod binary;
mod block;
mod duration;
mod engine;
mod error;
mod functions;
mod guard;
mod invariant;
mod limit;
mod matching;
mod selector;

use crate::{
    series::{Labels, Select},
    time::Timestamp,
};

use super::syntax::{Expr, ValueType};
use engine::{Engine, QueryTimes};

pub use annotations::{Annotation, Annotations, Level};
pub use block::{Block, Grid, Value};
pub use error::{ErrorClass, EvalError};

/// What a query may use, and how it is read.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How far back an instant vector looks for a sample; Prometheus' `--query.lookback-delta`.
    pub lookback_millis: i64,
    /// The step of subqueries that name none; Prometheus' global `evaluation_interval`.
    pub subquery_step_millis: i64,
    /// How many samples an evaluation may hold at a time; Prometheus' `--query.max-samples`.
    pub max_samples: usize,
    /// Asked now and then; an evaluation that is to end is told why.
    pub interrupt: &'a (dyn Fn() -> Option<ErrorClass> + Sync),
}

impl Default for Options<'_> {
    /// As Prometheus has them; never interrupted.
    fn default() -> Self {
        Self {
            lookback_millis: 300_000,
            subquery_step_millis: 60_000,
            max_samples: 50_000_000,
            interrupt: &|| None,
        }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("lookback_millis", &self.lookback_millis)
            .field("subquery_step_millis", &self.subquery_step_millis)
            .field("max_samples", &self.max_samples)
            .finish_non_exhaustive()
    }
}

/// The answer of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub answer: Answer,
    /// The instants that it was asked at.
    pub grid: Grid,
    pub annotations: Annotations,
}

/// What a query gives; see Prometheus' `resultType`.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number for each instant.
    Scalar(Vec<f64>),
    String(String),
    /// Instant vectors, one for each instant. In the vector's order for a single instant, else sorted by labels.
    Vector(Block),
    /// The samples of a range, sorted by labels; of instant queries only.
    Range(Vec<RangeSamples>),
}

/// A series of a range vector.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeSamples {
    pub labels: Labels,
    pub times: Vec<Timestamp>,
    pub values: Vec<f64>,
}

/// What an expression answers at one instant.
pub fn instant(
    expr: &Expr,
    data: &dyn Select,
    at: Timestamp,
    options: &Options<'_>,
) -> Result<Evaluated, EvalError> {
    let times = QueryTimes { start: at.0, end: at.0, step: 0 };
    let grid = Grid::instant(at);
    let mut engine = Engine::new(data, options, times);
    let answer = if expr.value_type() == ValueType::RangeVector {
        let series = engine::raw_samples(&mut engine, expr, grid)?;
        let owned = series.into_iter().map(|series| RangeSamples {
            labels: series.labels,
            times: series.times.into_owned(),
            values: series.values.into_owned(),
        });
        Answer::Range(owned.collect())
    } else {
        answer(engine.eval(expr, grid)?)
    };
    Ok(Evaluated { answer, grid, annotations: engine.annotations })
}

/// What an expression answers from `start` to `end`, every `step_millis`.
///
/// At each instant it is, bit for bit, what [`instant`] answers there; `start()`, `end()`, `range()` and `step()`
/// apart, which speak of the query.
pub fn range(
    expr: &Expr,
    data: &dyn Select,
    start: Timestamp,
    end: Timestamp,
    step_millis: i64,
    options: &Options<'_>,
) -> Result<Evaluated, EvalError> {
    let kind = match expr.value_type() {
        ValueType::RangeVector => Some("range vector"),
        ValueType::String => Some("string"),
        ValueType::Scalar | ValueType::InstantVector => None,
    };
    if let Some(kind) = kind {
        return Err(EvalError::bad_data(format!(
            "invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
        )));
    }
    let times = QueryTimes { start: start.0, end: end.0, step: step_millis };
    let grid = Grid::range(start, end, step_millis);
    let mut engine = Engine::new(data, options, times);
    let mut answer = answer(engine.eval(expr, grid)?);
    if let Answer::Vector(block) = &mut answer {
        let mut order: Vec<usize> = (0..block.len()).collect();
        order.sort_by(|a, b| block.labels[*a].cmp(&block.labels[*b]));
        if order.windows(2).any(|pair| pair[0] > pair[1]) {
            *block = block.ordered(&order);
        }
    }
    Ok(Evaluated { answer, grid, annotations: engine.annotations })
}

fn answer(value: Value) -> Answer {
    match value {
        Value::Scalar(values) => Answer::Scalar(values),
        Value::String(text) => Answer::String(text),
        Value::Vector(mut block) => {
            block.drop_empty();
            Answer::Vector(block)
        }
    }
}
