//! What llmobs answers, in the judge's shape.

use std::panic::{self, AssertUnwindSafe};

use llmobs::{
    promql::{
        eval::{self, Answer as Evaluation, ErrorClass, EvalError, Evaluated, Grid, Level},
        syntax::{Expr, ParseErrors, parse},
    },
    series::{Columns, is_stale},
    time::Timestamp,
};

use super::syntax;
use crate::judge::{Answer, Class, Failure, Outcome, Query, Row, Value, When};

/// The answer over some columns; a panic is a failure too.
pub(crate) fn answer(columns: &Columns, query: &Query) -> Outcome {
    answer_parsed(columns, query, &parsed(&query.expr)?)
}

/// What the parser says; a panic is a failure.
pub(crate) fn parsed(expr: &str) -> Result<Result<Expr, ParseErrors>, Failure> {
    panic::catch_unwind(|| parse(expr, &syntax::OPTIONS)).map_err(|_| panicked())
}

/// As [`answer`], of an expression that is parsed already.
pub(crate) fn answer_parsed(columns: &Columns, query: &Query, parsed: &Result<Expr, ParseErrors>) -> Outcome {
    let expr = parsed.as_ref().map_err(|errors| failure(Class::BadData, errors.first()))?;
    let options = eval::Options::default();
    let evaluate = || match query.when {
        When::At(at) => eval::instant(expr, columns, Timestamp(at), &options),
        When::Range { start, end, step } => {
            eval::range(expr, columns, Timestamp(start), Timestamp(end), step, &options)
        }
    };
    let evaluated = panic::catch_unwind(AssertUnwindSafe(evaluate)).map_err(|_| panicked())?;
    evaluated.map(|evaluated| shaped(query, evaluated)).map_err(|error| refused(&error))
}

fn failure(class: Class, text: String) -> Failure {
    // As the judge's API words it.
    let bad_data = class == Class::BadData;
    let text = if bad_data { format!("invalid parameter \"query\": {text}") } else { text };
    Failure { class, text }
}

fn refused(error: &EvalError) -> Failure {
    let class = match error.class {
        ErrorClass::Execution => Class::Execution,
        ErrorClass::BadData => Class::BadData,
        ErrorClass::Timeout => Class::Timeout,
        ErrorClass::Canceled => Class::Cancelled,
    };
    failure(class, error.message.clone())
}

fn panicked() -> Failure {
    Failure { class: Class::Panic, text: "it did not return".to_owned() }
}

fn shaped(query: &Query, evaluated: Evaluated) -> Answer {
    let Evaluated { answer, grid, annotations } = evaluated;
    let instant = matches!(query.when, When::At(_));
    let value = match answer {
        Evaluation::Scalar(values) if instant => {
            Value::Scalar((grid.start, values.first().copied().unwrap_or(f64::NAN)))
        }
        // A range query gives a series without labels.
        Evaluation::Scalar(values) => Value::Matrix(vec![Row {
            labels: [("", ""); 0].into_iter().collect(),
            points: points(grid, &values),
        }]),
        Evaluation::String(text) => Value::String(text),
        Evaluation::Vector(block) => {
            let row = |(labels, values): (&llmobs::series::Labels, &[f64])| Row {
                labels: labels.clone(),
                points: points(grid, values),
            };
            let rows = block.rows().map(row).filter(|row| !row.points.is_empty()).collect();
            if instant { Value::Vector(rows) } else { Value::Matrix(rows) }
        }
        Evaluation::Range(series) => {
            let row = |series: eval::RangeSamples| {
                let times = series.times.iter().map(|time| time.0);
                Row { labels: series.labels, points: times.zip(series.values).collect() }
            };
            Value::Matrix(series.into_iter().map(row).collect())
        }
    };
    let remarks = |level: Level| {
        let of_level = annotations.iter().filter(|annotation| annotation.level == level);
        of_level.map(|remark| remark.text(&query.expr)).collect()
    };
    Answer { value, warnings: remarks(Level::Warning), infos: remarks(Level::Info) }
}

fn points(grid: Grid, values: &[f64]) -> Vec<(i64, f64)> {
    grid.instants().zip(values.iter().copied()).filter(|(_, value)| !is_stale(*value)).collect()
}
