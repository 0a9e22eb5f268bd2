//! Rates, increases and differences; resets and changes.

use std::ops::Range;

use crate::promql::syntax::Extension;

use super::{RangeCall, RangeSeries, Window};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rate {
    /// Of a counter.
    PerSecond,
    /// Of a counter.
    Increase,
    /// Of a gauge.
    Delta,
}

impl Rate {
    pub(super) fn of_counter(self) -> bool {
        self != Self::Delta
    }
}

/// Seconds of a duration in milliseconds, as Go makes them of a `time.Duration`.
pub(super) fn seconds(millis: i64) -> f64 {
    (millis / 1000) as f64 + (millis % 1000) as f64 / 1000.0
}

/// All samples that any window has.
pub(super) fn hull(windows: &[Window]) -> Range<usize> {
    let filled = || windows.iter().filter(|window| window.lo < window.hi);
    let lo = filled().map(|window| window.lo).min().unwrap_or(0);
    let hi = filled().map(|window| window.hi).max().unwrap_or(0);
    lo as usize..hi as usize
}

/// `rate`, `increase` and `delta`: from the first to the last sample of the window, drawn out to its edges where
/// the samples come near them.
pub(super) fn extrapolated(
    kind: Rate,
    range: i64,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
) {
    let RangeSeries { times, values, .. } = *series;
    let counter = kind.of_counter();
    let range_seconds = seconds(range);
    let mut resets = Resets::new(if counter { resets(values, hull(windows)) } else { Vec::new() });
    for (window, out) in windows.iter().zip(out) {
        let (lo, hi) = (window.lo as usize, window.hi as usize);
        if hi < lo + 2 {
            continue;
        }
        let (first, last) = (values[lo], values[hi - 1]);
        let (first_at, last_at) = (times[lo].0, times[hi - 1].0);
        let mut result = last - first;
        for reset in resets.within(lo, hi) {
            result += values[*reset as usize - 1];
        }

        let mut to_start = first_at.wrapping_sub(window.end.saturating_sub(range)) as f64 / 1000.0;
        let mut to_end = window.end.wrapping_sub(last_at) as f64 / 1000.0;
        let sampled = last_at.wrapping_sub(first_at) as f64 / 1000.0;
        let gap = sampled / (hi - lo - 1) as f64;
        // A series whose next sample would be due is taken to begin or end within the window, half a gap beyond.
        let threshold = gap * 1.1;
        if to_start >= threshold {
            to_start = gap / 2.0;
        }
        if counter && result > 0.0 && first >= 0.0 {
            // A counter was never below zero.
            let to_zero = sampled * (first / result);
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        if to_end >= threshold {
            to_end = gap / 2.0;
        }
        let mut factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        if kind == Rate::PerSecond {
            factor /= range_seconds;
        }
        *out = result * factor;
    }
}

/// The samples that are less than the one before them, which is in the span too.
fn resets(values: &[f64], span: Range<usize>) -> Vec<u32> {
    let mut found = Vec::new();
    for index in span.start + 1..span.end.max(span.start + 1) {
        if values[index] < values[index - 1] {
            found.push(u32::try_from(index).unwrap_or(u32::MAX));
        }
    }
    found
}

/// Resets in their order, with a place that follows the windows.
struct Resets {
    found: Vec<u32>,
    next: usize,
}

impl Resets {
    fn new(found: Vec<u32>) -> Self {
        Self { found, next: 0 }
    }

    /// The resets after the first sample of a window.
    fn within(&mut self, lo: usize, hi: usize) -> &[u32] {
        while self.next > 0 && self.found[self.next - 1] as usize > lo {
            self.next -= 1;
        }
        while self.found.get(self.next).is_some_and(|reset| *reset as usize <= lo) {
            self.next += 1;
        }
        let rest = &self.found[self.next..];
        let count = rest.iter().take_while(|reset| (**reset as usize) < hi).count();
        &rest[..count]
    }
}

/// `irate` and `idelta`: between the last two samples.
pub(super) fn last_two(kind: Rate, series: &RangeSeries<'_>, windows: &[Window], out: &mut [f64]) {
    let RangeSeries { times, values, .. } = *series;
    for (window, out) in windows.iter().zip(out) {
        let hi = window.hi as usize;
        if hi < window.lo as usize + 2 {
            continue;
        }
        let (before, last) = (values[hi - 2], values[hi - 1]);
        let interval = times[hi - 1].0.wrapping_sub(times[hi - 2].0);
        if interval == 0 {
            continue;
        }
        let reset = kind.of_counter() && last < before;
        let difference = if reset { last } else { last - before };
        *out = if kind == Rate::PerSecond { difference / (interval as f64 / 1000.0) } else { difference };
    }
}

/// `changes` and `resets`: how many neighbours in a window are so.
pub(super) fn count_between(
    call: &RangeCall<'_>,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    so: impl Fn(f64, f64) -> bool,
) {
    let RangeSeries { times, values, .. } = *series;
    let span = hull(windows);
    // How many up to each sample of the hull; differences of whole numbers are exact.
    let mut counts = Vec::with_capacity(span.len());
    let mut count = 0_u32;
    for index in span.clone() {
        if index > span.start && so(values[index - 1], values[index]) {
            count += 1;
        }
        counts.push(count);
    }
    for (window, out) in windows.iter().zip(out) {
        let (mut lo, hi) = (window.lo as usize, window.hi as usize);
        if lo >= hi {
            continue;
        }
        if call.extension == Some(Extension::Anchored) {
            // The last sample at or before the range's start is what the first within is compared with.
            let start = window.end.saturating_sub(call.range);
            let inside = lo + times[lo..hi].partition_point(|time| time.0 <= start);
            if inside >= hi {
                continue;
            }
            lo = inside.saturating_sub(1).max(lo);
        }
        *out = f64::from(counts[hi - 1 - span.start] - counts[lo - span.start]);
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::eval::functions::fixture::{STALE, check, check_instants};

    #[test]
    fn rates_reach_to_the_edges_of_the_window() {
        // Two samples a minute apart, the edges half a minute away: near enough. The first counter was zero there.
        check("rate", &[(30, 0.0), (90, 60.0)], 120, &[120], &[60.0 * (60.0 + 0.0 + 30.0) / 60.0 / 120.0]);
        check("increase", &[(30, 10.0), (90, 70.0)], 120, &[120], &[60.0 * (60.0 + 10.0 + 30.0) / 60.0]);
        check("increase", &[(30, 1000.0), (90, 1060.0)], 120, &[120], &[120.0]);
        check("delta", &[(30, 10.0), (90, 70.0)], 120, &[120], &[120.0]);
        check("delta", &[(30, 70.0), (90, 10.0)], 120, &[120], &[-120.0]);
        // Far edges: half a gap only. Sampled 10 s, gaps of 10 s.
        check("increase", &[(50, 100.0), (60, 110.0)], 100, &[100], &[10.0 * (10.0 + 5.0 + 5.0) / 10.0]);
        // One sample, or none.
        check("rate", &[(30, 1.0)], 60, &[60, 200], &[STALE, STALE]);
        // The window's start is not in it.
        check("increase", &[(0, 0.0), (60, 60.0)], 60, &[60], &[STALE]);
    }

    #[test]
    fn resets_are_added_where_they_are_in_the_window() {
        let samples = [(10, 5.0), (20, 8.0), (30, 2.0), (40, 4.0), (50, 1.0), (60, 3.0)];
        // 3 - 5 + 8 + 4 = 10, sampled 50 s of 60.
        check("increase", &samples, 60, &[60], &[10.0 * (50.0 + 10.0 + 0.0) / 50.0]);
        check("resets", &samples, 60, &[60, 30, 20], &[2.0, 1.0, 0.0]);
        check("resets", &samples, 20, &[30, 40, 50, 60, 70], &[1.0, 0.0, 1.0, 0.0, 0.0]);
        check("changes", &samples, 60, &[60, 10], &[5.0, 0.0]);
        check("changes", &[(1, 0.0), (2, -0.0), (3, f64::NAN), (4, f64::NAN), (5, 1.0)], 9, &[5], &[2.0]);
    }

    #[test]
    fn the_last_two_samples_count() {
        check("irate", &[(10, 1.0), (20, 5.0), (25, 15.0)], 60, &[25], &[2.0]);
        check("irate", &[(10, 1.0), (20, 5.0), (25, 2.0)], 60, &[25], &[0.4]);
        check("idelta", &[(10, 1.0), (20, 5.0), (25, 2.0)], 60, &[25, 20, 10], &[-3.0, 4.0, STALE]);
    }

    #[test]
    fn odd_values_go_through() {
        let nan = f64::NAN;
        check("rate", &[(10, nan), (20, 5.0)], 60, &[60], &[nan]);
        check("increase", &[(10, 1.0), (20, nan), (30, 3.0)], 30, &[30], &[3.0]);
        check("increase", &[(10, 0.0), (20, f64::INFINITY)], 20, &[20], &[f64::INFINITY]);
        check("delta", &[(10, 0.0), (20, 0.0)], 20, &[20], &[0.0]);
    }

    #[test]
    fn a_step_alone_gives_the_same_bits() {
        for name in ["rate", "increase", "delta", "irate", "idelta", "changes", "resets"] {
            check_instants(name, &[]);
        }
    }
}
