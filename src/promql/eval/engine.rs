//! The evaluation of a tree, node by node, each over all steps.

use crate::{
    promql::syntax::{Call, Expr, ExprKind, Subquery, ValueType},
    series::{Labels, Matcher, Select},
};

use super::{
    Annotations, EvalError, Options,
    block::{Block, Grid, Value},
    duration::{self, Sign},
    error::ErrorClass,
    functions::{self, InstantCall, RangeCall, RangeSeries},
    invariant,
    selector::{Ranges, Reference, Samples, Take, WindowCache, matchers, samples_of},
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
        self.check_interrupt()?;
        if grid.count > self.options.max_samples {
            return Err(too_many_samples());
        }
        let before = self.held;
        let value = if grid.count > 1 && invariant::is_worth_once(expr) {
            let once = self.eval_node(expr, Grid { count: 1, ..grid })?;
            self.repeated(once, grid.count)?
        } else {
            self.eval_node(expr, grid)?
        };
        self.held = before.saturating_add(match &value {
            Value::Vector(block) => block.values.len(),
            Value::Scalar(_) | Value::String(_) => 0,
        });
        if self.held > self.options.max_samples {
            return Err(too_many_samples());
        }
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
                if block.len().saturating_mul(count) > self.options.max_samples {
                    return Err(too_many_samples());
                }
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
        functions::check_extension(call.function, ranges.extension)?;
        let value = if call.function.name == "absent_over_time" {
            self.absent_over_time(&call.args[index], &ranges, grid)?
        } else {
            self.over_ranges(call, &ranges, &scalars, grid)?
        };
        self.held = held;
        Ok(value)
    }

    fn over_ranges(
        &mut self,
        call: &Call,
        ranges: &Ranges<'_>,
        scalars: &[Vec<f64>],
        grid: Grid,
    ) -> Result<Value, EvalError> {
        let lookback = self.options.lookback_millis;
        let request = RangeCall { call, grid, range: ranges.range, extension: ranges.extension, scalars };
        let keeps_name = functions::range_keeps_name(call.function);
        let mut cache = WindowCache::default();
        let mut block = Block::new(grid.count);
        block.values.reserve(ranges.series.len().saturating_mul(grid.count).min(self.options.max_samples));
        for series in &ranges.series {
            self.check_interrupt()?;
            self.reserve(&block)?;
            let windows = cache.get(series, grid, ranges, lookback);
            let labels =
                if keeps_name { series.labels.clone() } else { functions::without_metadata(&series.labels) };
            let row = block.push(labels);
            let samples =
                RangeSeries { labels: &series.labels, times: &series.times, values: &series.values };
            functions::range_function(&request, &samples, &windows, row, &mut self.annotations)?;
            if row.iter().all(|value| crate::series::is_stale(*value)) {
                block.pop();
            }
        }
        Ok(Value::Vector(block.unique()?))
    }

    fn absent_over_time(&self, arg: &Expr, ranges: &Ranges<'_>, grid: Grid) -> Result<Value, EvalError> {
        let lookback = self.options.lookback_millis;
        let mut present = vec![false; grid.count];
        let mut cache = WindowCache::default();
        for series in &ranges.series {
            self.check_interrupt()?;
            let windows = cache.get(series, grid, ranges, lookback);
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
        Ok(Ranges { series, reference, range, extension: None })
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
        let mut times_of =
            |matchers: &[Matcher]| self.last_samples(matchers, Reference { offset, at }, grid, Take::Time);
        functions::info(&block, &wanted, &mut times_of).map(Value::Vector)
    }

    pub(super) fn check_interrupt(&self) -> Result<(), EvalError> {
        match (self.options.interrupt)() {
            None => Ok(()),
            Some(class) => {
                let what = if class == ErrorClass::Timeout { "timed out" } else { "was canceled" };
                let message = format!("query {what} in expression evaluation");
                Err(EvalError { class, message, span: None })
            }
        }
    }

    /// An error where another series would be too much to hold.
    pub(super) fn reserve(&self, block: &Block) -> Result<(), EvalError> {
        let wanted = self.held.saturating_add(block.values.len()).saturating_add(block.steps);
        if wanted > self.options.max_samples { Err(too_many_samples()) } else { Ok(()) }
    }
}

/// The series of a range vector at one instant, as the answer of an instant query.
pub(super) fn raw_samples<'a>(
    engine: &mut Engine<'a>,
    expr: &Expr,
    grid: Grid,
) -> Result<Vec<Samples<'a>>, EvalError> {
    let ranges = engine.ranges(expr, grid)?;
    let lookback = engine.options.lookback_millis;
    let mut cut = Vec::new();
    for series in &ranges.series {
        let windows = super::selector::windows(&series.times, grid, &ranges, lookback);
        let Some(window) = windows.first() else { continue };
        let span = window.lo as usize..window.hi as usize;
        let (times, values) = (&series.times[span.clone()], &series.values[span]);
        let (times, values) = match ranges.extension {
            None => (times.to_vec(), values.to_vec()),
            Some(extension) => functions::with_edges(
                times,
                values,
                (window.end.saturating_sub(ranges.range), window.end),
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

pub(super) fn too_many_samples() -> EvalError {
    EvalError::execution("query processing would load too many samples into memory in expression evaluation")
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
