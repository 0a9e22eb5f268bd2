//! The largest and the smallest sample of each window, and when it was.

use std::collections::VecDeque;

use super::{RangeSeries, Window};

/// `better(new, have)` says whether a later sample takes the place of an earlier one. NaN never does, but gives way
/// to any.
///
/// Candidates are kept over overlapping windows, so that each sample is looked at once: a sample is one until a later
/// one is better.
pub(super) fn extremes(
    better: impl Fn(f64, f64) -> bool,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    when: bool,
) {
    let RangeSeries { times, values, .. } = *series;
    let mut candidates: VecDeque<u32> = VecDeque::new();
    let (mut from, mut next) = (0, 0);
    for (window, out) in windows.iter().zip(out) {
        if window.lo >= window.hi {
            continue;
        }
        if window.lo < from || window.lo >= next || window.hi < next {
            candidates.clear();
            next = window.lo;
        }
        from = window.lo;
        while candidates.front().is_some_and(|index| *index < from) {
            candidates.pop_front();
        }
        for index in next..window.hi {
            let value = values[index as usize];
            if value.is_nan() {
                continue;
            }
            while candidates.back().is_some_and(|have| better(value, values[*have as usize])) {
                candidates.pop_back();
            }
            candidates.push_back(index);
        }
        next = window.hi;
        // Nothing but NaN: the last of them.
        let index = candidates.front().map_or(window.hi - 1, |index| *index) as usize;
        *out = if when { times[index].as_secs_f64() } else { values[index] };
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::eval::functions::fixture::{STALE, check, check_instants};

    const NAN: f64 = f64::NAN;

    #[test]
    fn extremes_pass_over_nan() {
        let samples = [(1, 3.0), (2, NAN), (3, 1.0), (4, 3.0), (5, 2.0), (6, NAN), (7, NAN)];
        check("max_over_time", &samples, 3, &[3, 4, 5, 6, 7, 8, 9], &[3.0, 3.0, 3.0, 3.0, 2.0, NAN, NAN]);
        check("min_over_time", &samples, 3, &[3, 4, 5, 6, 7, 8, 10], &[1.0, 1.0, 1.0, 2.0, 2.0, NAN, STALE]);
        check("ts_of_max_over_time", &samples, 9, &[2, 5, 9], &[1.0, 4.0, 4.0]);
        check("ts_of_min_over_time", &samples, 2, &[2, 5, 7, 8], &[1.0, 5.0, 7.0, 7.0]);
        check("max_over_time", &samples, 1, &[1, 2, 4], &[3.0, NAN, 3.0]);
    }

    #[test]
    fn of_equal_zeros_the_first_stays() {
        let samples = [(1, -0.0), (2, 0.0)];
        check("max_over_time", &samples, 2, &[2, 3], &[-0.0, 0.0]);
        check("min_over_time", &samples, 2, &[2, 3], &[-0.0, 0.0]);
    }

    #[test]
    fn a_step_alone_gives_the_same_bits() {
        for name in ["max_over_time", "min_over_time", "ts_of_max_over_time", "ts_of_min_over_time"] {
            check_instants(name, &[]);
        }
    }
}
