//! Smoothing and integrals of each window.

use super::{EvalError, RangeSeries, Sum, Window, over_time::each, range::each_odd};

/// A weighted mean that follows the level and the trend of the samples.
///
/// The factors have to be between 0 and 1, at each step whose window has samples.
pub(super) fn double_exponential(
    smoothing: &[f64],
    trends: &[f64],
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
) -> Result<(), EvalError> {
    for (((window, out), level), trend) in windows.iter().zip(out).zip(smoothing).zip(trends) {
        if window.lo >= window.hi {
            continue;
        }
        factor("smoothing", "sf", *level)?;
        factor("trend", "tf", *trend)?;
        let values = &series.values[window.lo as usize..window.hi as usize];
        if let [first, second, ..] = *values {
            let (mut before, mut smooth, mut slope) = (0.0, first, second - first);
            for (index, value) in values.iter().enumerate().skip(1) {
                if index > 1 {
                    slope = trend * (smooth - before) + (1.0 - trend) * slope;
                }
                let next = level * value + (1.0 - level) * (smooth + slope);
                (before, smooth) = (smooth, next);
            }
            *out = smooth;
        }
    }
    Ok(())
}

fn factor(name: &str, short: &str, factor: f64) -> Result<(), EvalError> {
    if factor <= 0.0 || factor >= 1.0 {
        let shown = if factor.is_infinite() {
            if factor > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
        } else {
            format!("{factor:.6}")
        };
        return Err(EvalError::execution(format!(
            "invalid {name} factor. Expected: 0 < {short} < 1, got: {shown}"
        )));
    }
    Ok(())
}

/// Which height a strip between two samples has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strip {
    Left,
    Right,
    Trapezoid,
}

/// The area under the samples, in value × seconds; NaN is no height. `refuse` hears of a strategy that is none.
pub(super) fn integral(
    strategies: Option<&[f64]>,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    refuse: &mut dyn FnMut(f64),
) {
    let strip = |strategy: f64| match strategy {
        0.0 => Some(Strip::Left),
        1.0 => Some(Strip::Right),
        2.0 => Some(Strip::Trapezoid),
        _ => None,
    };
    let strategies = strategies.unwrap_or_default();
    let constant = strategies.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
    let mut area = |step: usize, lo: usize, hi: usize| {
        let strip = strategies.get(step).map_or(Some(Strip::Trapezoid), |strategy| strip(*strategy));
        area(strip.unwrap_or(Strip::Trapezoid), series, lo, hi)
    };
    if constant {
        each(windows, out, &mut area);
    } else {
        for (step, (window, out)) in windows.iter().zip(out).enumerate() {
            if window.lo < window.hi {
                *out = area(step, window.lo as usize, window.hi as usize);
            }
        }
    }
    each_odd(windows, strategies, |strategy| strip(strategy).is_some(), refuse);
}

fn area(strip: Strip, series: &RangeSeries<'_>, lo: usize, hi: usize) -> f64 {
    let mut sum = Sum::default();
    let height = |value: f64| if value.is_nan() { 0.0 } else { value };
    for index in lo + 1..hi {
        let (before, value) = (height(series.values[index - 1]), height(series.values[index]));
        let mut strip = match strip {
            Strip::Left => Sum::from(before),
            Strip::Right => Sum::from(value),
            Strip::Trapezoid => middle(before, value),
        };
        if strip.sum != 0.0 || strip.lost != 0.0 {
            let width = series.times[index].0.wrapping_sub(series.times[index - 1].0) as f64 / 1000.0;
            strip.sum *= width;
            sum.lost += strip.lost * width;
            sum.add(strip.sum);
        }
    }
    if sum.sum.is_infinite() { sum.sum } else { sum.total() }
}

/// The mean of two heights, without overflow.
fn middle(before: f64, value: f64) -> Sum {
    let mut sum = Sum::from(before);
    sum.add(value);
    if sum.sum.is_infinite() && value.is_finite() && before.is_finite() {
        let mut halves = Sum::from(before / 2.0);
        halves.add(value / 2.0);
        return halves;
    }
    Sum { sum: sum.sum / 2.0, lost: sum.lost / 2.0 }
}

#[cfg(test)]
mod tests {
    use crate::promql::eval::functions::fixture::{STALE, check, check_instants, check_scalars, outcome};

    const NAN: f64 = f64::NAN;

    #[test]
    fn smoothing_follows_level_and_trend() {
        let samples = [(1, 1.0), (2, 2.0), (3, 4.0)];
        let half = || vec![0.5];
        // 2; then the trend 0.5 * (2 - 1) + 0.5 * 1 = 1, and 0.5 * 4 + 0.5 * (2 + 1).
        check_scalars("double_exponential_smoothing", &[half(), half()], &samples, 5, &[3], &[3.5]);
        check_scalars("double_exponential_smoothing", &[half(), half()], &samples, 5, &[1], &[STALE]);
        check_scalars("double_exponential_smoothing", &[vec![NAN], half()], &samples, 5, &[3], &[NAN]);
    }

    #[test]
    fn factors_are_within_bounds() {
        let samples = [(1, 1.0)];
        let refused = |level, trend, end| {
            let scalars = [vec![level], vec![trend]];
            outcome("double_exponential_smoothing", &scalars, &samples, 5, &[end]).err()
        };
        let say = |text: &str| Some(text.to_owned());
        assert_eq!(
            refused(0.0, 0.5, 1),
            say("invalid smoothing factor. Expected: 0 < sf < 1, got: 0.000000")
        );
        assert_eq!(
            refused(0.5, f64::INFINITY, 1),
            say("invalid trend factor. Expected: 0 < tf < 1, got: +Inf")
        );
        assert_eq!(refused(7.0, 7.0, 9), None);
    }

    #[test]
    fn areas_are_made_of_strips() {
        let samples = [(0, 1.0), (10, 3.0), (20, NAN), (40, 5.0)];
        check("integral", &samples, 60, &[40, 10, 0], &[20.0 + 15.0 + 50.0, 20.0, 0.0]);
        check_scalars("integral", &[vec![0.0]], &samples, 60, &[40], &[10.0 + 30.0]);
        check_scalars("integral", &[vec![1.0]], &samples, 60, &[40], &[30.0 + 100.0]);
        check_scalars("integral", &[vec![0.0, 1.0]], &samples, 60, &[40, 40], &[40.0, 130.0]);
        check_scalars("integral", &[vec![0.5]], &samples, 60, &[40], &[85.0]);
        check("integral", &[(0, f64::MAX), (1, f64::MAX)], 60, &[1], &[f64::MAX]);
    }

    #[test]
    fn a_step_alone_gives_the_same_bits() {
        check_instants("integral", &[]);
        check_instants("integral", &[1.0]);
        check_instants("double_exponential_smoothing", &[0.3, 0.7]);
    }
}
