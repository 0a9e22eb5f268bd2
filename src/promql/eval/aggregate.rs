//! Aggregations: series of a group become one.

use std::collections::HashMap;

use crate::{
    promql::syntax::{Aggregate, AggregateOp, ExprKind, Grouping},
    series::{Labels, is_stale},
    text::Span,
};

use super::{
    EvalError,
    block::{Block, Grid, Value},
    engine::Engine,
    functions::{self, Mean, Sum},
    limit,
    selector::HOLE,
};

/// The series of a vector by the groups that they fall into.
#[derive(Debug)]
pub(super) struct Groups {
    /// The group of each series.
    pub(super) of: Vec<usize>,
    /// The labels of each group, in the order of their first series.
    pub(super) labels: Vec<Labels>,
}

impl Groups {
    pub(super) fn new(block: &Block, grouping: Option<&Grouping>) -> Self {
        let mut numbers: HashMap<Labels, usize> = HashMap::new();
        let mut groups = Self { of: Vec::with_capacity(block.len()), labels: Vec::new() };
        for labels in &block.labels {
            let key = group_labels(labels, grouping);
            let number = *numbers.entry(key.clone()).or_insert_with(|| {
                groups.labels.push(key);
                groups.labels.len() - 1
            });
            groups.of.push(number);
        }
        groups
    }

    /// The series of each group.
    pub(super) fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.labels.len()];
        for (series, group) in self.of.iter().enumerate() {
            members[*group].push(series);
        }
        members
    }
}

fn group_labels(labels: &Labels, grouping: Option<&Grouping>) -> Labels {
    let Some(grouping) = grouping else { return Labels::default() };
    let named = |name: &str| grouping.labels.iter().any(|label| label.node == name);
    if grouping.without {
        labels.retain(|name| !functions::is_metadata(name) && !named(name))
    } else {
        labels.retain(named)
    }
}

impl Engine<'_> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, grid: Grid) -> Result<Value, EvalError> {
        let op = aggregate.op.node;
        let grouping = aggregate.grouping.as_ref();
        if op == AggregateOp::CountValues {
            return self.count_values(aggregate, grid);
        }
        let param = match &aggregate.param {
            Some(param) => match self.eval(param, grid)? {
                Value::Scalar(values) => values,
                Value::String(_) | Value::Vector(_) => {
                    return Err(EvalError::execution("expected a scalar parameter").at(param.span));
                }
            },
            None => Vec::new(),
        };
        let span = aggregate.param.as_ref().map_or(aggregate.op.span, |param| param.span);
        let Value::Vector(block) = self.eval(&aggregate.expr, grid)? else {
            return Err(EvalError::execution("expected an instant vector").at(aggregate.expr.span));
        };
        let groups = Groups::new(&block, grouping);
        let result = match op {
            AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK | AggregateOp::LimitRatio => {
                let bounds = Bounds::of(&param);
                if self.check_limit(op, bounds, span)? {
                    Some(limit::limited(op, &block, &groups, &param, self.guard())?)
                } else {
                    None
                }
            }
            AggregateOp::Quantile => {
                self.check_quantile(Bounds::of(&param), span);
                Some(quantiles(&block, &groups, &param))
            }
            _ => Some(combined(op, &block, groups)),
        };
        let mut result = result.unwrap_or_else(|| Block::new(grid.count));
        result.drop_empty();
        Ok(Value::Vector(result))
    }

    /// Whether anything can come of a limiting aggregation with such parameters.
    fn check_limit(&mut self, op: AggregateOp, bounds: Bounds, span: Span) -> Result<bool, EvalError> {
        // What 64 bits hold.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        let fail = |message: String| Err(EvalError::execution(message).at(span));
        if op == AggregateOp::LimitRatio {
            if bounds.max == 0.0 && bounds.min == 0.0 {
                return Ok(false);
            }
            if bounds.any_nan {
                return fail("Ratio value is NaN".to_owned());
            }
            for (wrong, value, cap) in
                [(bounds.max > 1.0, bounds.max, 1), (bounds.min < -1.0, bounds.min, -1)]
            {
                if wrong {
                    let message = format!(
                        "ratio value should be between -1 and 1, got {}, capping to {cap}",
                        functions::shortest(value)
                    );
                    self.annotations.warn(message, span);
                }
            }
            return Ok(true);
        }
        if bounds.max < 1.0 {
            return Ok(false);
        }
        if bounds.any_nan {
            return fail("Parameter value is NaN".to_owned());
        }
        if bounds.min <= -LIMIT {
            return fail(format!("Scalar value {} underflows int64", functions::shortest(bounds.min)));
        }
        if bounds.max >= LIMIT {
            return fail(format!("Scalar value {} overflows int64", functions::shortest(bounds.max)));
        }
        Ok(true)
    }

    fn check_quantile(&mut self, bounds: Bounds, span: Span) {
        let cases =
            [(bounds.any_nan, f64::NAN), (bounds.max > 1.0, bounds.max), (bounds.min < 0.0, bounds.min)];
        for (wrong, value) in cases {
            if wrong {
                let value = functions::shortest(value);
                self.annotations.warn(format!("quantile value should be between 0 and 1, got {value}"), span);
            }
        }
    }

    /// `count_values`: a series for each value that occurs.
    fn count_values(&mut self, aggregate: &Aggregate, grid: Grid) -> Result<Value, EvalError> {
        let label = match aggregate.param.as_ref().map(|param| &param.unparenthesised().kind) {
            Some(ExprKind::String(label)) => label.clone(),
            _ => return Err(EvalError::execution("expected a label name").at(aggregate.op.span)),
        };
        if label.is_empty() {
            return Err(EvalError::execution("invalid label name \"\"").at(aggregate.op.span));
        }
        let Value::Vector(block) = self.eval(&aggregate.expr, grid)? else {
            return Err(EvalError::execution("expected an instant vector").at(aggregate.expr.span));
        };
        let mut rows: HashMap<Labels, usize> = HashMap::new();
        let guard = self.guard();
        let mut result = Block::new(grid.count);
        let without = aggregate.grouping.as_ref().is_some_and(|grouping| grouping.without);
        for (labels, row) in block.rows() {
            guard.go_on()?;
            let mut last: Option<(u64, usize)> = None;
            for (step, value) in row.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
                let target = match last {
                    Some((bits, target)) if bits == value.to_bits() => target,
                    _ => {
                        let mut edit = labels.edit();
                        edit.set(label.as_str(), value_text(*value));
                        let with_value = edit.finish();
                        // The label of the value counts as grouped by.
                        let kept = group_labels(&with_value, aggregate.grouping.as_ref());
                        let key = match (without, with_value.get(&label)) {
                            (false, Some(value)) => {
                                let mut edit = kept.edit();
                                edit.set(label.as_str(), value);
                                edit.finish()
                            }
                            _ => kept,
                        };
                        if let Some(target) = rows.get(&key) {
                            *target
                        } else {
                            guard.room(&result)?;
                            result.push(key.clone());
                            rows.insert(key, result.len() - 1);
                            result.len() - 1
                        }
                    }
                };
                last = Some((value.to_bits(), target));
                let place = &mut result.row_mut(target)[step];
                *place = if is_stale(*place) { 1.0 } else { *place + 1.0 };
            }
        }
        // Prometheus leaves their order open; this one is the same at an instant and over a range, where ties hang on it.
        let mut order: Vec<usize> = (0..result.len()).collect();
        order.sort_by(|a, b| result.labels[*a].cmp(&result.labels[*b]));
        Ok(Value::Vector(result.ordered(&order)))
    }
}

/// The least and the greatest parameter of all steps.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    min: f64,
    max: f64,
    any_nan: bool,
}

impl Bounds {
    fn of(values: &[f64]) -> Self {
        let mut bounds = Self { min: f64::MAX, max: -f64::MAX, any_nan: false };
        for value in values {
            bounds.max = functions::max(bounds.max, *value);
            bounds.min = functions::min(bounds.min, *value);
            bounds.any_nan |= value.is_nan();
        }
        bounds
    }
}

fn quantiles(block: &Block, groups: &Groups, param: &[f64]) -> Block {
    let mut result = Block::new(block.steps);
    let mut values = Vec::new();
    for (labels, members) in groups.labels.iter().zip(groups.members()) {
        let row = result.push(labels.clone());
        for (step, place) in row.iter_mut().enumerate() {
            values.clear();
            values.extend(members.iter().map(|series| block.row(*series)[step]).filter(|v| !is_stale(*v)));
            if !values.is_empty() {
                *place = functions::quantile(param.get(step).copied().unwrap_or_default(), &mut values);
            }
        }
    }
    result
}

/// Aggregations that look at one value after the other.
fn combined(op: AggregateOp, block: &Block, groups: Groups) -> Block {
    let members = groups.members();
    let mut result = Block::new(block.steps);
    result.values.reserve_exact(groups.labels.len() * block.steps);
    for (labels, members) in groups.labels.into_iter().zip(&members) {
        let rows = &members.iter().map(|series| block.row(*series));
        let out = result.push(labels);
        match op {
            AggregateOp::Sum => fold(rows, out, Sum::from, Sum::add, Sum::total),
            AggregateOp::Avg => fold(rows, out, Mean::from, Mean::add, Mean::mean),
            AggregateOp::Count => fold(rows, out, |_| 1.0, |count, _| *count += 1.0, |count| count),
            AggregateOp::Group => fold(rows, out, |_| 1.0, |_, _| {}, |one| one),
            AggregateOp::Min => {
                fold(
                    rows,
                    out,
                    |value| value,
                    |least, value| {
                        if *least > value || least.is_nan() {
                            *least = value;
                        }
                    },
                    |least| least,
                );
            }
            AggregateOp::Max => {
                fold(
                    rows,
                    out,
                    |value| value,
                    |most, value| {
                        if *most < value || most.is_nan() {
                            *most = value;
                        }
                    },
                    |most| most,
                );
            }
            AggregateOp::Stddev => fold(rows, out, Spread::from, Spread::add, |s| s.variance().sqrt()),
            AggregateOp::Stdvar => fold(rows, out, Spread::from, Spread::add, Spread::variance),
            AggregateOp::TopK
            | AggregateOp::BottomK
            | AggregateOp::CountValues
            | AggregateOp::Quantile
            | AggregateOp::LimitK
            | AggregateOp::LimitRatio => {}
        }
    }
    result
}

/// Folds rows step by step, in blocks of steps whose states stay in the cache.
fn fold<'a, S: Copy>(
    rows: &(impl Iterator<Item = &'a [f64]> + Clone),
    out: &mut [f64],
    first: impl Fn(f64) -> S,
    next: impl Fn(&mut S, f64),
    end: impl Fn(S) -> f64,
) {
    const STEPS: usize = 256;
    let mut states: [Option<S>; STEPS] = [None; STEPS];
    for (index, out) in out.chunks_mut(STEPS).enumerate() {
        let start = index * STEPS;
        states.fill(None);
        for row in rows.clone() {
            for (state, value) in states.iter_mut().zip(&row[start..start + out.len()]) {
                if is_stale(*value) {
                    continue;
                }
                match state {
                    Some(state) => next(state, *value),
                    None => *state = Some(first(*value)),
                }
            }
        }
        for (place, state) in out.iter_mut().zip(&states) {
            *place = state.map_or(HOLE, &end);
        }
    }
}

/// Mean and squared distances by Welford's method (<https://doi.org/10.1080/00401706.1962.10490022>).
#[derive(Debug, Clone, Copy)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn from(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: if value.is_finite() { 0.0 } else { f64::NAN } }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance(self) -> f64 {
        self.squares / self.count
    }
}

/// A value as the text of a label: the shortest digits that read back, never an exponent.
fn value_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}
