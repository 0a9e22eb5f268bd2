//! Series at the instants of a grid: the last sample of each, or the samples of a range.

use std::{borrow::Cow, collections::HashMap, rc::Rc};

use crate::{
    promql::syntax::{At, Expr, ExprKind, Extension, Modifiers, Spanned, VectorSelector},
    series::{Labels, METRIC_NAME, Matcher, STALE, Selected, Selection, TimeSpan, is_stale},
    time::Timestamp,
};

use super::{
    EvalError,
    block::{Block, Grid, Value},
    duration::{self, Sign},
    engine::Engine,
    functions::Window,
};

/// Which instants a selector or subquery looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    /// Milliseconds that are taken off.
    pub(super) offset: i64,
    /// Instead of the step's instant; milliseconds.
    pub(super) at: Option<i64>,
}

impl Reference {
    /// The instant that is looked at from a step.
    #[inline]
    pub(super) fn of(self, instant: i64) -> i64 {
        self.at.unwrap_or(instant).saturating_sub(self.offset)
    }

    /// The first and the last instant that are looked at.
    pub(super) fn bounds(self, grid: Grid) -> (i64, i64) {
        (self.of(grid.start), self.of(grid.end()))
    }
}

/// A range vector before it is cut into windows.
pub(super) struct Ranges<'a> {
    /// One after the other: a range over a long time need not be in memory as a whole.
    pub(super) series: Box<dyn Iterator<Item = Samples<'a>> + 'a>,
    pub(super) reach: Reach,
}

/// What of a series a range vector takes at a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) reference: Reference,
    /// Milliseconds.
    pub(super) range: i64,
    pub(super) extension: Option<Extension>,
}

/// A series without staleness markers.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    pub(super) labels: Labels,
    pub(super) times: Cow<'a, [Timestamp]>,
    pub(super) values: Cow<'a, [f64]>,
}

impl<'a> Engine<'a> {
    pub(super) fn reference(&self, modifiers: &Modifiers) -> Result<Reference, EvalError> {
        let offset = match &modifiers.offset {
            Some(offset) => duration::millis(&offset.node, Sign::Any, &self.times)?,
            None => 0,
        };
        let at = modifiers.at.as_ref().map(|at| match at.node {
            At::Timestamp(millis) => millis,
            At::Start => self.times.start,
            At::End => self.times.end,
        });
        Ok(Reference { offset, at })
    }

    fn select(&self, matchers: &[Matcher], from: i64, to: i64) -> Result<Selection<'a>, EvalError> {
        let span = TimeSpan { from: Timestamp(from), to: Timestamp(to) };
        self.data
            .select(matchers, span)
            .map_err(|error| EvalError::execution(format!("expanding series: {error}")))
    }

    /// The last sample of each series within the lookback, unless it is a staleness marker.
    pub(super) fn instant_vector(
        &mut self,
        selector: &VectorSelector,
        grid: Grid,
        what: Take,
    ) -> Result<Value, EvalError> {
        let is_smoothed = |extension: &Spanned<Extension>| extension.node == Extension::Smoothed;
        // `timestamp()` speaks of the last sample, smoothed or not.
        if what == Take::Value && selector.extension.as_ref().is_some_and(is_smoothed) {
            return self.smoothed_vector(selector, grid);
        }
        let reference = self.reference(&selector.modifiers)?;
        self.last_samples(&matchers(selector)?, reference, grid, what).map(Value::Vector)
    }

    /// The last sample within the lookback of each series that the matchers accept.
    pub(super) fn last_samples(
        &mut self,
        matchers: &[Matcher],
        reference: Reference,
        grid: Grid,
        what: Take,
    ) -> Result<Block, EvalError> {
        let (first, last) = reference.bounds(grid);
        let lookback = self.options.lookback_millis;
        let selected = self.select(matchers, first.saturating_sub(lookback).saturating_add(1), last)?;
        let mut block = Block::new(grid.count);
        let mut cache: HashMap<(*const Timestamp, usize), Rc<Vec<u32>>> = HashMap::new();
        for series in selected {
            self.guard().go_on()?;
            self.guard().room(&block)?;
            let times: &[Timestamp] = &series.times;
            let indices = match cache.get(&(times.as_ptr(), times.len())) {
                Some(indices) if matches!(series.times, Cow::Borrowed(_)) => indices.clone(),
                _ => {
                    let indices = Rc::new(last_indices(times, grid, reference, lookback));
                    cache.insert((times.as_ptr(), times.len()), indices.clone());
                    indices
                }
            };
            let values: &[f64] = &series.values;
            let row = block.push(series.labels);
            let mut any = false;
            for (place, index) in row.iter_mut().zip(indices.iter()) {
                // The marker of "no sample" is past the end.
                if let Some(value) = values.get(*index as usize).filter(|value| !is_stale(**value)) {
                    any = true;
                    *place = match what {
                        Take::Value => *value,
                        Take::Time => times[*index as usize].0 as f64 / 1000.0,
                    };
                }
            }
            if !any {
                block.pop();
            }
        }
        Ok(block)
    }

    /// Values between samples by linear interpolation, the last one where none follows within the lookback.
    fn smoothed_vector(&mut self, selector: &VectorSelector, grid: Grid) -> Result<Value, EvalError> {
        let reference = self.reference(&selector.modifiers)?;
        let lookback = self.options.lookback_millis;
        let (first, last) = reference.bounds(grid);
        let from = first.saturating_sub(lookback).saturating_add(1);
        let selected = self.select(&matchers(selector)?, from, last.saturating_add(lookback))?;
        let mut block = Block::new(grid.count);
        for series in selected {
            self.guard().go_on()?;
            self.guard().room(&block)?;
            let samples = fresh(series);
            let (times, values) = (&samples.times, &samples.values);
            let row = block.push(samples.labels.clone());
            for (place, instant) in row.iter_mut().zip(grid.instants()) {
                let at = reference.of(instant);
                let lo = times.partition_point(|time| time.0 <= at.saturating_sub(lookback));
                let hi = times.partition_point(|time| time.0 <= at.saturating_add(lookback));
                let next = lo + times[lo..hi].partition_point(|time| time.0 < at);
                if next < hi && times[next].0 == at {
                    *place = values[next];
                } else if next > lo && next < hi {
                    let (t0, t1) = (times[next - 1].0 as f64, times[next].0 as f64);
                    let (v0, v1) = (values[next - 1], values[next]);
                    *place = v0 + (v1 - v0) * (at as f64 - t0) / (t1 - t0);
                } else if next > lo {
                    *place = values[next - 1];
                }
            }
            if row.iter().all(|value| is_stale(*value)) {
                block.pop();
            }
        }
        Ok(Value::Vector(block))
    }

    /// The series of a range vector, as long as all steps together need them.
    pub(super) fn ranges(&mut self, expr: &Expr, grid: Grid) -> Result<Ranges<'a>, EvalError> {
        match &expr.unparenthesised().kind {
            ExprKind::Range(range) => {
                let selector = &range.selector;
                let reference = self.reference(&selector.modifiers)?;
                let millis = duration::millis(&range.range, Sign::Positive, &self.times)?;
                let extension = selector.extension.as_ref().map(|extension| extension.node);
                let (before, after) = reach(extension, self.options.lookback_millis);
                let (first, last) = reference.bounds(grid);
                let from = first.saturating_sub(millis).saturating_sub(before).saturating_add(1);
                let series = self.select(&matchers(selector)?, from, last.saturating_add(after))?;
                let reach = Reach { reference, range: millis, extension };
                Ok(Ranges { series: Box::new(series.map(fresh)), reach })
            }
            ExprKind::Subquery(subquery) => self.subquery(subquery, grid),
            _ => Err(EvalError::execution("expected a range vector").at(expr.span)),
        }
    }
}

/// What is taken of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// Seconds since the epoch.
    Time,
}

/// Milliseconds by which an extension looks beyond a range, before and after it.
pub(super) fn reach(extension: Option<Extension>, lookback: i64) -> (i64, i64) {
    match extension {
        None => (0, 0),
        Some(Extension::Anchored) => (lookback, 0),
        Some(Extension::Smoothed) => (lookback, lookback),
    }
}

/// The matchers of a selector, its name among them.
pub(super) fn matchers(selector: &VectorSelector) -> Result<Vec<Matcher>, EvalError> {
    if let Some(hole) = selector.holes.first() {
        return Err(EvalError::bad_data(format!("variable {} has no value", hole.node)).at(hole.span));
    }
    let name = selector.name.iter().map(|name| Ok(Matcher::equal(METRIC_NAME, name.node.as_str())));
    let written = selector.matchers.iter().map(|matcher| {
        Matcher::new(matcher.name.node.as_str(), matcher.op.node, matcher.value.node.as_str())
            .map_err(|error| EvalError::bad_data(error.to_string()).at(matcher.value.span))
    });
    name.chain(written).collect()
}

/// A series without its staleness markers.
pub(super) fn fresh(series: Selected<'_>) -> Samples<'_> {
    let Selected { labels, times, values } = series;
    if !values.iter().any(|value| is_stale(*value)) {
        return Samples { labels, times, values };
    }
    let kept = times.iter().zip(values.iter()).filter(|(_, value)| !is_stale(**value));
    let (times, values): (Vec<_>, Vec<_>) = kept.unzip();
    Samples { labels, times: Cow::Owned(times), values: Cow::Owned(values) }
}

/// For each step the index of the last sample within the lookback; past the end where there is none.
fn last_indices(times: &[Timestamp], grid: Grid, reference: Reference, lookback: i64) -> Vec<u32> {
    let mut next = 0;
    grid.instants()
        .map(|instant| {
            let at = reference.of(instant);
            if next == 0 {
                next = times.partition_point(|time| time.0 <= at);
            }
            while next < times.len() && times[next].0 <= at {
                next += 1;
            }
            match next.checked_sub(1) {
                Some(index) if times[index].0 > at.saturating_sub(lookback) => {
                    u32::try_from(index).unwrap_or(u32::MAX)
                }
                _ => u32::MAX,
            }
        })
        .collect()
}

/// The samples of each step's range. Windows only move forward, but for `@`, where they stay.
pub(super) fn windows(times: &[Timestamp], grid: Grid, taken: Reach, lookback: i64) -> Vec<Window> {
    let (before, after) = reach(taken.extension, lookback);
    let (mut lo, mut hi) = (0, 0);
    let mut windows = Vec::with_capacity(grid.count);
    for instant in grid.instants() {
        let end = taken.reference.of(instant);
        let from = end.saturating_sub(taken.range).saturating_sub(before);
        let to = end.saturating_add(after);
        if windows.is_empty() {
            lo = times.partition_point(|time| time.0 <= from);
            hi = lo + times[lo..].partition_point(|time| time.0 <= to);
        }
        while lo < times.len() && times[lo].0 <= from {
            lo += 1;
        }
        hi = hi.max(lo);
        while hi < times.len() && times[hi].0 <= to {
            hi += 1;
        }
        let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        windows.push(Window { lo: index(lo), hi: index(hi), end });
    }
    windows
}

/// Windows of series that share their times are the same.
#[derive(Debug, Default)]
pub(super) struct WindowCache(HashMap<(*const Timestamp, usize), Rc<Vec<Window>>>);

impl WindowCache {
    pub(super) fn get(
        &mut self,
        series: &Samples<'_>,
        grid: Grid,
        taken: Reach,
        lookback: i64,
    ) -> Rc<Vec<Window>> {
        // A column of its own is shared with no other series.
        if matches!(series.times, Cow::Owned(_)) {
            return Rc::new(windows(&series.times, grid, taken, lookback));
        }
        let key = (series.times.as_ptr(), series.times.len());
        self.0.entry(key).or_insert_with(|| Rc::new(windows(&series.times, grid, taken, lookback))).clone()
    }
}

/// A row of a block as samples, holes left out.
pub(super) fn samples_of(labels: Labels, row: &[f64], grid: Grid) -> Samples<'static> {
    let kept = grid.instants().zip(row).filter(|(_, value)| !is_stale(**value));
    let (times, values): (Vec<_>, Vec<f64>) = kept.map(|(time, value)| (Timestamp(time), *value)).unzip();
    Samples { labels, times: Cow::Owned(times), values: Cow::Owned(values) }
}

/// A hole: no sample at a step.
pub(super) const HOLE: f64 = STALE;
