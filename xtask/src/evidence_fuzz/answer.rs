//! Evaluation of an input over the store, at some instants and over their range.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use llmobs::{
    promql::{
        eval::{Answer, Block, ErrorClass, EvalError, Evaluated, Options, instant, range},
        syntax::{AggregateOp, At, DurationExpr, DurationKind, Expr, ExprKind, Modifiers, ValueType},
    },
    series::{Columns, Labels, is_stale},
    time::Timestamp,
};

use crate::random::Random;

use super::{
    check::Fault,
    store::{START, store},
    tree::{lies_in, same_number},
};

/// How long the evaluations of an input may take by the clock, at most; what is slower is stopped and told.
pub(super) const LIMIT: Duration = Duration::from_secs(1);

/// How many samples an evaluation may hold.
pub(super) const MAX_SAMPLES: usize = 20_000;

/// What an evaluation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answered {
    /// Something.
    Values,
    /// An empty vector at every instant.
    Nothing,
    Error(Failure),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    Execution,
    BadData,
    /// Above [`MAX_SAMPLES`].
    Samples,
    /// Above [`LIMIT`].
    Time,
}

/// Asks the store.
pub(super) struct Asker {
    store: Columns,
}

impl Asker {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { store: store()? })
    }

    /// Evaluates at some instants and over their range, and holds one against the other.
    pub(super) fn ask(&self, expr: &Expr, text: &str, random: &mut Random) -> Result<Answered, Fault> {
        let start = match random.below(16) {
            0 => *random.pick(&[
                0,
                -1,
                i64::MIN,
                i64::MAX,
                i64::MAX / 2,
                -62_135_596_800_000,
                253_402_300_800_000,
            ]),
            _ => START + random.between(-2, 32) * 30_000 + *random.pick(&[0, 0, 0, 1, -1, 15_000]),
        };
        let step = *random.pick(&[1, 15_000, 30_000, 60_000, 300_000]);
        let count = random.below(4);
        let span = step * i64::try_from(count).unwrap_or(0);
        let end = start.saturating_add(span);
        let clock = Instant::now();
        let late = AtomicBool::new(false);
        let interrupt = || {
            let ended = clock.elapsed() > LIMIT;
            late.fetch_or(ended, Ordering::Relaxed);
            ended.then_some(ErrorClass::Timeout)
        };
        let options = Options {
            lookback_millis: *random.pick(&[300_000, 300_000, 60_000, 1]),
            subquery_step_millis: 60_000,
            max_samples: MAX_SAMPLES,
            interrupt: &interrupt,
        };
        let instants: Vec<i64> =
            (0..=count).filter_map(|index| start.checked_add(step * i64::try_from(index).ok()?)).collect();
        let singly: Vec<Result<Evaluated, EvalError>> =
            instants.iter().map(|at| instant(expr, &self.store, Timestamp(*at), &options)).collect();
        for result in &singly {
            sound(result, text)?;
        }
        if matches!(expr.value_type(), ValueType::RangeVector | ValueType::String) {
            return Ok(summary(&singly));
        }
        let together = range(expr, &self.store, Timestamp(start), Timestamp(end), step, &options);
        sound(&together, text)?;
        if late.load(Ordering::Relaxed) {
            return Ok(Answered::Error(Failure::Time));
        }
        if together.as_ref().is_err_and(is_limit)
            || singly.iter().any(|result| result.as_ref().is_err_and(is_limit))
        {
            return Ok(Answered::Error(Failure::Samples));
        }
        if !speaks_of_the_query(expr) && !leans_on_order(expr) && instants.len() == count + 1 {
            agree(&singly, &together).map_err(|detail| {
                let when = format!("from {start} every {step} ms: {detail}");
                Fault::new("an instant query answers as the range query does", when)
            })?;
        }
        Ok(summary(&singly))
    }
}

fn is_limit(error: &EvalError) -> bool {
    error.message.contains("too many samples")
}

fn summary(results: &[Result<Evaluated, EvalError>]) -> Answered {
    let failure = results.iter().find_map(|result| result.as_ref().err());
    if let Some(error) = failure {
        return Answered::Error(match error.class {
            _ if is_limit(error) => Failure::Samples,
            ErrorClass::Timeout | ErrorClass::Canceled => Failure::Time,
            ErrorClass::BadData => Failure::BadData,
            ErrorClass::Execution => Failure::Execution,
        });
    }
    let is_empty = |result: &Result<Evaluated, EvalError>| match result.as_ref().map(|found| &found.answer) {
        Ok(Answer::Vector(block)) => block.is_empty(),
        Ok(Answer::Range(series)) => series.is_empty(),
        _ => false,
    };
    if results.iter().all(is_empty) { Answered::Nothing } else { Answered::Values }
}

/// What must hold of an answer by itself.
fn sound(result: &Result<Evaluated, EvalError>, text: &str) -> Result<(), Fault> {
    let evaluated = match result {
        Ok(evaluated) => evaluated,
        Err(error) => {
            let placed = error.span.is_none_or(|span| lies_in(span, text));
            if error.message.is_empty() || !placed {
                return Err(Fault::new(
                    "an error of an evaluation has words and lies in the text",
                    format!("{error:?}"),
                ));
            }
            return Ok(());
        }
    };
    if let Some(annotation) = evaluated.annotations.iter().find(|annotation| !lies_in(annotation.span, text))
    {
        return Err(Fault::new("an annotation lies in the text", format!("{annotation:?}")));
    }
    let steps = evaluated.grid.count;
    let whole = match &evaluated.answer {
        Answer::Scalar(values) => values.len() == steps,
        Answer::String(_) => true,
        Answer::Vector(block) => {
            block.steps == steps
                && block.values.len() == block.labels.len() * steps
                && distinct(&block.labels)
        }
        Answer::Range(series) => series.iter().all(|series| {
            series.times.len() == series.values.len() && series.times.windows(2).all(|pair| pair[0] < pair[1])
        }),
    };
    if whole { Ok(()) } else { Err(Fault::new("an answer is whole", format!("{:?}", evaluated.answer))) }
}

fn distinct(labels: &[Labels]) -> bool {
    let mut sorted: Vec<&Labels> = labels.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether each instant has, bit by bit, what the range has at that step.
fn agree(
    singly: &[Result<Evaluated, EvalError>],
    together: &Result<Evaluated, EvalError>,
) -> Result<(), String> {
    let together = match together {
        Ok(together) => together,
        Err(error) if singly.iter().any(Result::is_err) => {
            let same = singly
                .iter()
                .filter_map(|result| result.as_ref().err())
                .any(|single| single.class == error.class);
            return if same { Ok(()) } else { Err(format!("the range fails otherwise: {error:?}")) };
        }
        Err(error) => return Err(format!("only the range fails: {error:?}")),
    };
    for (step, alone) in singly.iter().enumerate() {
        let alone = match alone {
            Ok(alone) => alone,
            Err(error) => return Err(format!("only step {step} fails: {error:?}")),
        };
        match (&alone.answer, &together.answer) {
            (Answer::Scalar(one), Answer::Scalar(all)) => {
                if !same_number(one[0], all[step]) {
                    return Err(format!("step {step}: {:?} and {:?}", one[0], all[step]));
                }
            }
            (Answer::Vector(one), Answer::Vector(all)) => {
                let (one, all) = (column(one, 0), column(all, step));
                let equal = one.len() == all.len()
                    && one.iter().zip(&all).all(|(a, b)| a.0 == b.0 && same_number(a.1, b.1));
                if !equal {
                    return Err(format!("step {step}: {one:?} and {all:?}"));
                }
            }
            (one, all) => return Err(format!("step {step}: {one:?} and {all:?}")),
        }
    }
    Ok(())
}

/// The samples of a step, in the order of their labels.
fn column(block: &Block, step: usize) -> Vec<(&Labels, f64)> {
    let samples = block.rows().map(|(labels, row)| (labels, row[step]));
    let mut column: Vec<_> = samples.filter(|(_, value)| !is_stale(*value)).collect();
    column.sort_by(|a, b| a.0.cmp(b.0));
    column
}

/// Whether an expression names the start, the end, the range or the step of its query.
fn speaks_of_the_query(expr: &Expr) -> bool {
    fn modifiers(modifiers: &Modifiers) -> bool {
        modifiers.at.as_ref().is_some_and(|at| matches!(at.node, At::Start | At::End))
            || modifiers.offset.as_ref().is_some_and(|offset| duration(&offset.node))
    }
    fn duration(of: &DurationExpr) -> bool {
        match &of.kind {
            DurationKind::Step | DurationKind::Range => true,
            DurationKind::Literal(_) | DurationKind::Variable(_) => false,
            DurationKind::Negated(inner) | DurationKind::Plus(inner) | DurationKind::Paren(inner) => {
                duration(inner)
            }
            DurationKind::Binary { lhs, rhs, .. }
            | DurationKind::MinOf(lhs, rhs)
            | DurationKind::MaxOf(lhs, rhs) => duration(lhs) || duration(rhs),
        }
    }
    let own = match &expr.kind {
        ExprKind::Selector(selector) => modifiers(&selector.modifiers),
        ExprKind::Range(range) => modifiers(&range.selector.modifiers) || duration(&range.range),
        ExprKind::Subquery(subquery) => {
            modifiers(&subquery.modifiers)
                || duration(&subquery.range)
                || subquery.step.as_ref().is_some_and(duration)
        }
        ExprKind::Call(call) => matches!(call.function.name, "start" | "end" | "range" | "step"),
        _ => false,
    };
    own || parts(expr).into_iter().any(speaks_of_the_query)
}

/// Whether an aggregation is over something that instant queries sort and range queries do not, as in Prometheus: which
/// series come first, and how sums are rounded, then differs.
fn leans_on_order(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Aggregate(aggregate) => {
            let within = |expr: &Expr| gives_order(expr) || leans_on_order(expr);
            within(&aggregate.expr) || aggregate.param.as_ref().is_some_and(leans_on_order)
        }
        _ => parts(expr).into_iter().any(leans_on_order),
    }
}

/// Whether an expression sorts, or has a part that does.
fn gives_order(expr: &Expr) -> bool {
    let sorts = match &expr.kind {
        ExprKind::Call(call) => call.function.name.starts_with("sort"),
        ExprKind::Aggregate(aggregate) => {
            use AggregateOp::{BottomK, LimitK, LimitRatio, TopK};
            matches!(aggregate.op.node, TopK | BottomK | LimitK | LimitRatio)
        }
        _ => false,
    };
    sorts || parts(expr).into_iter().any(gives_order)
}

/// The expressions that stand directly in one.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => Vec::new(),
        ExprKind::Subquery(subquery) => vec![&subquery.expr],
        ExprKind::Call(call) => call.args.iter().collect(),
        ExprKind::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
        ExprKind::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        ExprKind::Unary(unary) => vec![&unary.expr],
        ExprKind::Paren(inner) => vec![inner],
    }
}
