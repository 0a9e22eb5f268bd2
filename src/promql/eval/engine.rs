//! The evaluation of a tree, node by node, each over all steps.

use crate::{
    promql::syntax::{Call, Expr, ExprKind, Subquery, ValueType},
    series::{Labels, Matcher, Select},
};

use super::{
    Annotations, EvalError, Options,
    block::{Block, Grid, Value},
    duration::{self, Sign},
    functions::{self, InstantCall, RangeCall, RangeSeries, Window},
    guard::Guard,
    invariant,
    selector::{Ranges, Reach, Reference, Samples, Take, WindowCache, matchers, samples_of},
};

/// The instants of the whole query, which `start()`, `end()`, `range()` and `step()` speak of.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryTimes {
    /// Milliseconds since the epoch.
    pub(super) start: i64,
    pub(super) end: i64,
    /// Milliseconds; 0 in an instant query.
    pub(super) step: i64,
}

impl QueryTimes {
    pub(super) fn range_seconds(&self) -> f64 {
        self.end.saturating_sub(self.start) as f64 / 1000.0
    }
}

/// One query in evaluation.
pub(super) struct Engine<'a> {
    pub(super) data: &'a dyn Select,
    pub(super) options: &'a Options<'a>,
    pub(super) times: QueryTimes,
    pub(super) annotations: Annotations,
    /// Samples that are held now.
    held: usize,
}

impl<'a> Engine<'a> {
    pub(super) fn new(data: &'a dyn Select, options: &'a Options<'a>, times: QueryTimes) -> Self {
        Self { data, options, times, annotations: Annotations::default(), held: 0 }
    }

    /// What an expression gives at each instant of a grid.
    pub(super) fn eval(&mut self, expr: &Expr, grid: Grid) -> Result<Value, EvalError> {
        let guard = self.guard();
        guard.go_on()?;
        guard.room_for(grid.count)?;
        let before = self.held;
        let value = if grid.count > 1 && invariant::is_worth_once(expr) {
            let once = self.eval_node(expr, Grid { count: 1, ..grid })?;
            self.repeated(once, grid.count)?
        } else {
            self.eval_node(expr, grid)?
        };
        self.held = before.saturating_add(match &value {
            Value::Vector(block) => block.values.len(),
            Value::Scalar(values) => values.len(),
            Value::String(_) => 0,
        });
        self.guard().room_for(0)?;
        Ok(value)
    }

    fn eval_node(&mut self, expr: &Expr, grid: Grid) -> Result<Value, EvalError> {
        match &expr.kind {
            ExprKind::Number(number) => Ok(Value::Scalar(vec![number.value; grid.count])),
            ExprKind::String(text) => Ok(Value::String(text.clone())),
            ExprKind::Paren(inner) => self.eval(inner, grid),
            ExprKind::Selector(selector) => self.instant_vector(selector, grid, Take::Value),
            ExprKind::Unary(unary) => {
                let value = self.eval(&unary.expr, grid)?;
                if unary.negative { negated(value) } else { Ok(value) }
            }
            ExprKind::Binary(binary) => self.binary(binary, expr.span, grid),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, grid),
            ExprKind::Call(call) => self.call(call, expr, grid),
            ExprKind::Range(_) | ExprKind::Subquery(_) => {
                Err(EvalError::execution("a range vector has no value at a step").at(expr.span))
            }
        }
    }

    fn repeated(&self, once: Value, count: usize) -> Result<Value, EvalError> {
        Ok(match once {
            Value::Scalar(values) => Value::Scalar(vec![values.first().copied().unwrap_or(f64::NAN); count]),
            Value::String(text) => Value::String(text),
            Value::Vector(block) => {
                self.guard().room_for(block.len().saturating_mul(count))?;
                let values = block.values.iter().flat_map(|value| std::iter::repeat_n(*value, count));
                Value::Vector(Block { values: values.collect(), labels: block.labels, steps: count })
            }
        })
    }

    fn call(&mut self, call: &Call, expr: &Expr, grid: Grid) -> Result<Value, EvalError> {
        let constant = |value: f64| Ok(Value::Scalar(vec![value; grid.count]));
        match call.function.name {
            "start" => return constant(self.times.start as f64 / 1000.0),
            "end" => return constant(self.times.end as f64 / 1000.0),
            "range" => return constant(self.times.range_seconds()),
            // A range of one instant has no step, though `step()` in a duration is what was asked for.
            "step" if self.times.start == self.times.end => return constant(0.0),
            "step" => return constant(self.times.step as f64 / 1000.0),
            "info" => return self.info(call, grid),
            "timestamp" => {
                if let Some(ExprKind::Selector(selector)) =
                    call.args.first().map(|arg| &arg.unparenthesised().kind)
                {
                    let block = self.instant_vector(selector, grid, Take::Time)?;
                    return without_metadata(block);
                }
            }
            _ => {}
        }
        if let Some(index) = call.args.iter().position(|arg| arg.value_type() == ValueType::RangeVector) {
            return self.range_call(call, index, grid);
        }
        let args = call.args.iter().map(|arg| self.eval(arg, grid)).collect::<Result<Vec<_>, _>>()?;
        let value = functions::instant_function(InstantCall { call, grid, args }, &mut self.annotations)
            .map_err(|error| error.at(expr.span))?;
        match value {
            Value::Vector(block) => Ok(Value::Vector(block.unique()?)),
            other => Ok(other),
        }
    }

    /// A function of a range vector: one series after the other.
    fn range_call(&mut self, call: &Call, index: usize, grid: Grid) -> Result<Value, EvalError> {
        let mut scalars = Vec::with_capacity(call.args.len() - 1);
        for (place, arg) in call.args.iter().enumerate() {
            if place == index {
                continue;
            }
            match self.eval(arg, grid)? {
                Value::Scalar(values) => scalars.push(values),
                Value::String(_) | Value::Vector(_) => {
                    return Err(EvalError::execution("expected a scalar").at(arg.span));
                }
            }
        }
        let held = self.held;
        let ranges = self.ranges(&call.args[index], grid)?;
        functions::check_extension(call.function, ranges.reach.extension)?;
        let value = if call.function.name == "absent_over_time" {
            self.absent_over_time(&call.args[index], ranges, grid)?
        } else {
            self.over_ranges(call, ranges, &scalars, grid)?
        };
        self.held = held;
        Ok(value)
    }

    fn over_ranges(
        &mut self,
        call: &Call,
        ranges: Ranges<'_>,
        scalars: &[Vec<f64>],
        grid: Grid,
    ) -> Result<Value, EvalError> {
        let lookback = self.options.lookback_millis;
        let Ranges { series, reach } = ranges;
        let request = RangeCall { call, grid, range: reach.range, extension: reach.extension, scalars };
        let keeps_name = functions::range_keeps_name(call.function);
        let guard = self.guard();
        let mut cache = WindowCache::default();
        let mut block = Block::new(grid.count);
        let expected = series.size_hint().1.unwrap_or(0);
        block.values.reserve(expected.saturating_mul(grid.count).min(self.options.max_samples));
        for series in series {
            self.guard().go_on()?;
            self.guard().room(&block)?;
            let windows = cache.get(&series, grid, reach, lookback);
            let labels =
                if keeps_name { series.labels.clone() } else { functions::without_metadata(&series.labels) };
            let row = block.push(labels);
            let samples =
                RangeSeries { labels: &series.labels, times: &series.times, values: &series.values };
            let work: usize = windows.iter().map(|window| (window.hi - window.lo) as usize).sum();
            if work < LONG_WORK {
                functions::range_function(&request, &samples, &windows, row, &mut self.annotations)?;
            } else {
                range_in_parts(&request, &samples, &windows, row, &mut self.annotations, guard)?;
            }
            if row.iter().all(|value| crate::series::is_stale(*value)) {
                block.pop();
            }
        }
        Ok(Value::Vector(block.unique()?))
    }

    fn absent_over_time(&self, arg: &Expr, ranges: Ranges<'_>, grid: Grid) -> Result<Value, EvalError> {
        let lookback = self.options.lookback_millis;
        let mut present = vec![false; grid.count];
        let mut cache = WindowCache::default();
        for series in ranges.series {
            self.guard().go_on()?;
            let windows = cache.get(&series, grid, ranges.reach, lookback);
            for (present, window) in present.iter_mut().zip(windows.iter()) {
                *present |= window.lo < window.hi;
            }
        }
        let mut block = Block::new(grid.count);
        if present.iter().any(|present| !present) {
            let row = block.push(functions::absent_labels(arg));
            for (place, _) in row.iter_mut().zip(&present).filter(|(_, present)| !**present) {
                *place = 1.0;
            }
        }
        Ok(Value::Vector(block))
    }

    /// The instants of a subquery are multiples of its step, whatever the outer instants are.
    pub(super) fn subquery(&mut self, subquery: &Subquery, grid: Grid) -> Result<Ranges<'a>, EvalError> {
        let reference = self.reference(&subquery.modifiers)?;
        let range = duration::millis(&subquery.range, Sign::Positive, &self.times)?;
        let step = match &subquery.step {
            Some(step) => duration::millis(step, Sign::Positive, &self.times)?,
            None => 0,
        };
        let step = if step == 0 { self.options.subquery_step_millis.max(1) } else { step };
        let (first, last) = reference.bounds(grid);
        let before = first.saturating_sub(range);
        let mut start = step.saturating_mul(before / step);
        if start <= before {
            start = start.saturating_add(step);
        }
        let mut series = Vec::new();
        if grid.count > 0 && start <= last {
            let inner = Grid::range(crate::time::Timestamp(start), crate::time::Timestamp(last), step);
            match self.eval(&subquery.expr, inner)? {
                Value::Vector(block) => {
                    series.reserve(block.len());
                    for (labels, row) in block.rows() {
                        series.push(samples_of(labels.clone(), row, inner));
                    }
                }
                Value::Scalar(values) => series.push(samples_of(Labels::default(), &values, inner)),
                Value::String(_) => {
                    return Err(EvalError::execution("a string has no samples").at(subquery.expr.span));
                }
            }
        }
        let reach = Reach { reference, range, extension: None };
        Ok(Ranges { series: Box::new(series.into_iter()), reach })
    }

    /// `info()`: its second argument selects labels and is no vector.
    fn info(&mut self, call: &Call, grid: Grid) -> Result<Value, EvalError> {
        let Some(base) = call.args.first() else {
            return Err(EvalError::execution("info() has no argument").at(call.name_span));
        };
        let (at, offset) = functions::info_reference(base, &|modifiers| {
            self.reference(modifiers).map(|reference| (reference.at, reference.offset))
        })?;
        let wanted = match call.args.get(1).map(|arg| &arg.unparenthesised().kind) {
            Some(ExprKind::Selector(selector)) => matchers(selector)?,
            _ => Vec::new(),
        };
        let Value::Vector(block) = self.eval(base, grid)? else {
            return Err(EvalError::execution("expected an instant vector").at(base.span));
        };
        let guard = self.guard();
        let mut times_of =
            |matchers: &[Matcher]| self.last_samples(matchers, Reference { offset, at }, grid, Take::Time);
        functions::info(&block, &wanted, &mut times_of, guard).map(Value::Vector)
    }

    pub(super) fn guard(&self) -> Guard<'a> {
        Guard { options: self.options, held: self.held }
    }
}

/// How many samples of windows are looked at without a look at the limits: some hundredths of a second.
const LONG_WORK: usize = 1 << 22;

/// A range function over many long windows, with a look at the limits after each few steps. A step does not depend on
/// the others, so that this is the same as all at once.
fn range_in_parts(
    call: &RangeCall<'_>,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    annotations: &mut Annotations,
    guard: Guard<'_>,
) -> Result<(), EvalError> {
    const STEPS: usize = 64;
    for (part, out) in out.chunks_mut(STEPS).enumerate() {
        guard.go_on()?;
        let span = part * STEPS..part * STEPS + out.len();
        let scalars: Vec<Vec<f64>> =
            call.scalars.iter().map(|values| values[span.clone()].to_vec()).collect();
        let grid = Grid { start: call.grid.at(span.start), count: out.len(), ..call.grid };
        let call = RangeCall { grid, scalars: &scalars, ..*call };
        functions::range_function(&call, series, &windows[span], out, annotations)?;
    }
    Ok(())
}

/// The series of a range vector at one instant, as the answer of an instant query.
pub(super) fn raw_samples<'a>(
    engine: &mut Engine<'a>,
    expr: &Expr,
    grid: Grid,
) -> Result<Vec<Samples<'a>>, EvalError> {
    let Ranges { series, reach } = engine.ranges(expr, grid)?;
    let lookback = engine.options.lookback_millis;
    let mut cut = Vec::new();
    for series in series {
        let windows = super::selector::windows(&series.times, grid, reach, lookback);
        let Some(window) = windows.first() else { continue };
        let span = window.lo as usize..window.hi as usize;
        let (times, values) = (&series.times[span.clone()], &series.values[span]);
        let (times, values) = match reach.extension {
            None => (times.to_vec(), values.to_vec()),
            Some(extension) => functions::with_edges(
                times,
                values,
                (window.end.saturating_sub(reach.range), window.end),
                extension,
            ),
        };
        if !times.is_empty() {
            cut.push(Samples { labels: series.labels.clone(), times: times.into(), values: values.into() });
        }
    }
    cut.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(cut)
}

fn negated(value: Value) -> Result<Value, EvalError> {
    match value {
        Value::Scalar(mut values) => {
            for value in &mut values {
                *value = -*value;
            }
            Ok(Value::Scalar(values))
        }
        Value::Vector(mut block) => {
            for value in block.values.iter_mut().filter(|value| !crate::series::is_stale(**value)) {
                *value = -*value;
            }
            without_metadata(Value::Vector(block))
        }
        Value::String(text) => Ok(Value::String(text)),
    }
}

/// The same values of series that have lost their names.
pub(super) fn without_metadata(value: Value) -> Result<Value, EvalError> {
    let Value::Vector(mut block) = value else { return Ok(value) };
    for labels in &mut block.labels {
        *labels = functions::without_metadata(labels);
    }
    Ok(Value::Vector(block.unique()?))
}
