//! Rates over `anchored` and `smoothed` ranges: values at the very edges instead of extrapolation.

use crate::{promql::syntax::Extension, time::Timestamp};

use super::{
    RangeSeries, Window,
    rate::{Rate, seconds},
};

/// `rate`, `increase` and `delta`; the windows reach out to the samples that the edges need.
pub(super) fn rates(
    kind: Rate,
    extension: Extension,
    range: i64,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
) {
    for (window, out) in windows.iter().zip(out) {
        let inside = window.lo as usize..window.hi as usize;
        if inside.is_empty() {
            continue;
        }
        let extended = Extended {
            times: &series.times[inside.clone()],
            values: &series.values[inside],
            start: window.end.saturating_sub(range),
            end: window.end,
            smoothed: extension == Extension::Smoothed,
            counter: kind.of_counter(),
        };
        let Some(increase) = extended.increase() else { continue };
        *out = if kind == Rate::PerSecond { increase / seconds(range) } else { increase };
    }
}

/// The samples of a range, and the values at its very edges.
pub(in crate::promql::eval) fn with_edges(
    times: &[Timestamp],
    values: &[f64],
    (start, end): (i64, i64),
    extension: Extension,
) -> (Vec<Timestamp>, Vec<f64>) {
    if times.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let smoothed = extension == Extension::Smoothed;
    let extended = Extended { times, values, start, end, smoothed, counter: false };
    let (first, last) = extended.bounds();
    if times[last].0 <= start {
        return (Vec::new(), Vec::new());
    }
    let from = first + usize::from(times[first].0 <= start);
    let to = if times[last].0 >= end { last } else { last + 1 };
    let inside = from..to.max(from);
    let edge = |at: i64, value: f64| (Timestamp(at), value);
    let between = times[inside.clone()].iter().copied().zip(values[inside].iter().copied());
    std::iter::once(edge(start, extended.left(first)))
        .chain(between)
        .chain([edge(end, extended.right(last))])
        .unzip()
}

/// The samples of a window and around it.
struct Extended<'a> {
    times: &'a [Timestamp],
    values: &'a [f64],
    start: i64,
    end: i64,
    smoothed: bool,
    counter: bool,
}

impl Extended<'_> {
    /// The samples that the edges are taken from: the last at or before the start, or the first; the last, where
    /// smoothed the first at or after the end.
    fn bounds(&self) -> (usize, usize) {
        let last = self.times.len() - 1;
        let first = self.times[..last].partition_point(|time| time.0 <= self.start).saturating_sub(1);
        if self.smoothed {
            return (first, self.times[..last].partition_point(|time| time.0 < self.end));
        }
        (first, last)
    }

    fn increase(&self) -> Option<f64> {
        let (mut first, last) = self.bounds();
        if self.times[last].0 <= self.start || self.smoothed && self.times[first].0 > self.end {
            return None;
        }
        let (left, right) = (self.left(first), self.right(last));
        let mut increase = right - left;
        if self.counter {
            // Resets at the edges are dealt with there.
            if self.times[first].0 <= self.start {
                first += 1;
            }
            let after = if self.times[last].0 >= self.end { last } else { last + 1 };
            let mut correction = 0.0;
            let mut before = left;
            for value in self.values.get(first..after).unwrap_or_default() {
                if *value < before {
                    correction += before;
                }
                before = *value;
            }
            if right < before {
                correction += before;
            }
            increase += correction;
        }
        Some(increase)
    }

    /// The value at the start: of the last sample at or before it, else of the first after it.
    fn left(&self, first: usize) -> f64 {
        if self.smoothed && self.times[first].0 < self.start {
            return self.between(first, first + 1, self.start);
        }
        self.values[first]
    }

    /// The value at the end: of the last sample at or before it; between its neighbours, where smoothed.
    fn right(&self, last: usize) -> f64 {
        if self.times[last].0 <= self.end || last == 0 {
            return self.values[last];
        }
        if self.smoothed { self.between(last - 1, last, self.end) } else { self.values[last - 1] }
    }

    /// On the line between two samples; a counter that was reset between them came from zero.
    fn between(&self, before: usize, after: usize, at: i64) -> f64 {
        let (mut from, to) = (self.values[before], self.values[after]);
        if self.counter && to < from {
            from = 0.0;
        }
        let (from_at, to_at) = (self.times[before].0, self.times[after].0);
        from + (to - from) * at.wrapping_sub(from_at) as f64 / to_at.wrapping_sub(from_at) as f64
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::eval::functions::fixture::{STALE, check_extended};
    use crate::promql::syntax::Extension::{Anchored, Smoothed};

    #[test]
    fn anchored_ranges_begin_with_the_sample_before() {
        let samples = [(10, 10.0), (40, 40.0), (70, 5.0), (100, 35.0)];
        // From 10 (before the start at 30) to 35 with a reset from 40.
        check_extended("increase", Anchored, &samples, 70, &[100], &[35.0 - 10.0 + 40.0]);
        check_extended("rate", Anchored, &samples, 70, &[100], &[65.0 / 70.0]);
        check_extended("delta", Anchored, &samples, 70, &[100], &[25.0]);
        // None before the start: the first within.
        check_extended("increase", Anchored, &samples, 100, &[100], &[65.0]);
        // One sample within, one before.
        check_extended("increase", Anchored, &samples, 20, &[45], &[30.0]);
        check_extended("increase", Anchored, &samples, 20, &[10, 31], &[0.0, STALE]);
        check_extended("resets", Anchored, &samples, 20, &[75, 60, 45], &[1.0, STALE, 0.0]);
        check_extended("changes", Anchored, &samples, 20, &[75, 110], &[1.0, 1.0]);
    }

    #[test]
    fn smoothed_ranges_end_between_samples() {
        let samples = [(10, 10.0), (40, 40.0), (70, 5.0), (100, 35.0)];
        check_extended("delta", Smoothed, &samples, 40, &[60], &[40.0 - 35.0 * 20.0 / 30.0 - 20.0]);
        // At 60 the counter has come from zero at 40: 10/3; in between 40 was lost.
        check_extended("increase", Smoothed, &samples, 40, &[60], &[5.0 * 20.0 / 30.0 - 20.0 + 40.0]);
        check_extended("increase", Smoothed, &samples, 60, &[100], &[35.0 - 40.0 + 40.0]);
        // Past the last sample, and before the first.
        check_extended("increase", Smoothed, &samples, 30, &[120], &[10.0]);
        check_extended("increase", Smoothed, &samples, 30, &[5], &[STALE]);
    }
}
