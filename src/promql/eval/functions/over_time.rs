//! Sums, means, deviations and quantiles of each window.

use super::{Mean, RangeSeries, Sum, Window};

pub(super) fn evaluate(name: &str, series: &RangeSeries<'_>, windows: &[Window], out: &mut [f64]) {
    let RangeSeries { times, values, .. } = *series;
    let mut value = |of: fn(&[f64]) -> f64| each(windows, out, |_, lo, hi| of(&values[lo..hi]));
    match name {
        "sum_over_time" => value(sum),
        "avg_over_time" => value(mean),
        "count_over_time" => value(|values| values.len() as f64),
        "first_over_time" => value(|values| values[0]),
        "last_over_time" => value(|values| values[values.len() - 1]),
        "present_over_time" | "absent_over_time" => value(|_| 1.0),
        "stdvar_over_time" => value(variance),
        "stddev_over_time" => value(|values| variance(values).sqrt()),
        "ts_of_first_over_time" => each(windows, out, |_, lo, _| times[lo].as_secs_f64()),
        "ts_of_last_over_time" => each(windows, out, |_, _, hi| times[hi - 1].as_secs_f64()),
        "mad_over_time" => {
            let mut room = Vec::new();
            each(windows, out, |_, lo, hi| deviation(&values[lo..hi], &mut room));
        }
        _ => {}
    }
}

pub(super) fn quantiles(quantiles: &[f64], series: &RangeSeries<'_>, windows: &[Window], out: &mut [f64]) {
    let mut room = Vec::new();
    for ((window, out), of) in windows.iter().zip(out).zip(quantiles) {
        let (lo, hi) = (window.lo as usize, window.hi as usize);
        if lo < hi {
            room.clear();
            room.extend_from_slice(&series.values[lo..hi]);
            *out = quantile(*of, &mut room);
        }
    }
}

/// Asks of each window with samples, once where it is the window before.
pub(super) fn each(windows: &[Window], out: &mut [f64], mut of: impl FnMut(usize, usize, usize) -> f64) {
    let mut last = (0, 0);
    let mut answer = 0.0;
    for (step, (window, out)) in windows.iter().zip(out).enumerate() {
        if window.lo >= window.hi {
            continue;
        }
        if last != (window.lo, window.hi) {
            last = (window.lo, window.hi);
            answer = of(step, window.lo as usize, window.hi as usize);
        }
        *out = answer;
    }
}

fn sum(values: &[f64]) -> f64 {
    let sum = Sum::default().extend(values);
    if sum.sum.is_infinite() { sum.sum } else { sum.total() }
}

/// The sum by the count, where the sum is finite.
fn mean(values: &[f64]) -> f64 {
    let sum = Sum::from(values[0]).extend(&values[1..]);
    if sum.is_finite() {
        let count = values.len() as f64;
        return sum.sum / count + sum.lost / count;
    }
    let mut mean = Mean::from(values[0]);
    for value in &values[1..] {
        mean.add(*value);
    }
    mean.mean()
}

/// Welford's variance of the whole population, compensated.
fn variance(values: &[f64]) -> f64 {
    let mut count = 0.0;
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / count
}

/// The median distance from the median; NaN where a sample is.
fn deviation(values: &[f64], room: &mut Vec<f64>) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    room.clear();
    room.extend_from_slice(values);
    let median = quantile(0.5, room);
    for value in room.iter_mut() {
        *value = (*value - median).abs();
    }
    quantile(0.5, room)
}

/// Go sorts up to this many by insertion.
const SHORT: usize = 12;

/// The quantile of some values, between the two nearest ranks; NaN counts as less than any number. The order of the
/// values is lost.
pub(in crate::promql::eval) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let order = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()));
    let last = values.len() - 1;
    let rank = quantile * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is between 0 and the last index"
    )]
    let below = (rank.floor() as usize).min(last);
    let weight = rank - rank.floor();
    if last < SHORT {
        // Stable, as Go's sort is for so few: a zero keeps its sign.
        values.sort_by(order);
        let (low, high) = (values[below], values[last.min(below + 1)]);
        return if weight == 0.0 { low } else { low * (1.0 - weight) + high * weight };
    }
    let (_, low, above) = values.select_nth_unstable_by(below, order);
    let low = *low;
    if weight == 0.0 {
        return low;
    }
    let high = above.iter().copied().min_by(order).unwrap_or(low);
    low * (1.0 - weight) + high * weight
}

#[cfg(test)]
mod tests {
    use super::quantile;
    use crate::promql::eval::functions::fixture::{STALE, check, check_instants, check_scalars};

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    #[test]
    fn sums_and_means() {
        let samples = [(1, 1e100), (2, 1.0), (3, -1e100), (4, 5.0)];
        check("sum_over_time", &samples, 4, &[4, 3, 2, 1, 5, 9], &[6.0, 1.0, 1e100, 1e100, -1e100, STALE]);
        check("avg_over_time", &samples, 4, &[4, 1], &[1.5, 1e100]);
        check("count_over_time", &samples, 2, &[1, 2, 3, 5, 6], &[1.0, 2.0, 2.0, 1.0, STALE]);
        check("sum_over_time", &[(1, INF), (2, 1.0)], 2, &[2], &[INF]);
        check("sum_over_time", &[(1, INF), (2, -INF)], 2, &[2], &[NAN]);
        check("sum_over_time", &[(1, -0.0)], 2, &[2], &[0.0]);
    }

    #[test]
    fn means_do_not_overflow() {
        check("avg_over_time", &[(1, f64::MAX), (2, f64::MAX)], 2, &[2], &[f64::MAX]);
        check(
            "avg_over_time",
            &[(1, f64::MAX), (2, f64::MAX), (3, 0.0), (4, 0.0)],
            4,
            &[4],
            &[f64::MAX / 2.0],
        );
        check("avg_over_time", &[(1, INF), (2, 1.0)], 2, &[2], &[INF]);
        check("avg_over_time", &[(1, INF), (2, -INF)], 2, &[2], &[NAN]);
        check("avg_over_time", &[(1, 1.0), (2, NAN), (3, 1.0)], 3, &[3], &[NAN]);
    }

    #[test]
    fn the_first_and_the_last_sample() {
        let samples = [(1, 7.0), (2, NAN), (4, -3.0)];
        check("first_over_time", &samples, 2, &[2, 3, 4, 9], &[7.0, NAN, -3.0, STALE]);
        check("last_over_time", &samples, 2, &[1, 2, 4, 6], &[7.0, NAN, -3.0, STALE]);
        check("ts_of_first_over_time", &samples, 2, &[2, 3, 4], &[1.0, 2.0, 4.0]);
        check("ts_of_last_over_time", &samples, 2, &[2, 3, 5], &[2.0, 2.0, 4.0]);
        check("present_over_time", &samples, 1, &[1, 3, 4], &[1.0, STALE, 1.0]);
    }

    #[test]
    fn deviations() {
        let samples = [(1, 2.0), (2, 4.0), (3, 4.0), (4, 4.0), (5, 5.0), (6, 5.0), (7, 7.0), (8, 9.0)];
        check("stdvar_over_time", &samples, 8, &[8, 1], &[4.0, 0.0]);
        check("stddev_over_time", &samples, 8, &[8], &[2.0]);
        check("stdvar_over_time", &[(1, 1e9), (2, 1e9 + 1.0)], 2, &[2], &[0.25]);
        check("stdvar_over_time", &[(1, INF)], 2, &[2], &[NAN]);
        check("mad_over_time", &[(1, 4.0), (2, 6.0), (3, 2.0), (4, 1.0), (5, 999.0)], 5, &[5], &[2.0]);
        check("mad_over_time", &[(1, 4.0), (2, NAN)], 2, &[2, 1], &[NAN, 0.0]);
    }

    #[test]
    fn quantiles_lie_between_ranks() {
        let samples = [(1, 8.0), (2, NAN), (3, 2.0), (4, 4.0)];
        let q = |of: f64| vec![of; 1];
        check_scalars("quantile_over_time", &[q(0.5)], &samples, 2, &[4], &[3.0]);
        check_scalars("quantile_over_time", &[q(0.0)], &samples, 4, &[4], &[NAN]);
        check_scalars("quantile_over_time", &[q(1.0)], &samples, 4, &[4], &[8.0]);
        check_scalars("quantile_over_time", &[q(2.0 / 3.0)], &samples, 4, &[4], &[4.0]);
        check_scalars("quantile_over_time", &[q(-0.1)], &samples, 4, &[4], &[-INF]);
        check_scalars("quantile_over_time", &[q(1.1)], &samples, 4, &[4], &[INF]);
        check_scalars("quantile_over_time", &[q(NAN)], &samples, 4, &[4], &[NAN]);
        check_scalars("quantile_over_time", &[vec![0.0, 1.0]], &samples, 2, &[4, 4], &[2.0, 4.0]);
        assert!((quantile(0.25, &mut [1.0, 2.0, 3.0, 4.0]) - 1.75).abs() < 1e-15);
    }

    #[test]
    fn a_step_alone_gives_the_same_bits() {
        for name in
            ["sum", "avg", "count", "first", "last", "stddev", "stdvar", "mad", "ts_of_first", "ts_of_last"]
        {
            check_instants(&format!("{name}_over_time"), &[]);
        }
        check_instants("quantile_over_time", &[0.9]);
    }
}
