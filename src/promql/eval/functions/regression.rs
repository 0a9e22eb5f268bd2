//! Lines of least squares through each window: `deriv` and `predict_linear`.

use std::ops::Range;

use crate::time::Timestamp;

use super::{Grid, RangeSeries, Sum, Window, rate::hull};

/// The slope, per second.
pub(super) fn deriv(series: &RangeSeries<'_>, windows: &[Window], out: &mut [f64]) {
    let times = series.times;
    lines(series, windows, out, |_, lo| times[lo].0, |_, slope, _| slope);
}

/// The line's value so many seconds after the step.
pub(super) fn predict_linear(
    grid: Grid,
    ahead: &[f64],
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
) {
    lines(
        series,
        windows,
        out,
        |step, _| grid.at(step),
        |step, slope, intercept| {
            let ahead = ahead.get(step).copied().unwrap_or(f64::NAN);
            slope * ahead + intercept
        },
    );
}

/// Fits a line in each window of two samples and more. `origin` is where the line's intercept is taken, in
/// milliseconds; both closures get the step.
fn lines(
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    origin: impl Fn(usize, usize) -> i64,
    answer: impl Fn(usize, f64, f64) -> f64,
) {
    let RangeSeries { times, values, .. } = *series;
    let span = hull(windows);
    let level = starts(span.clone(), |index| values[index] == values[index - 1]);
    let mut abscissae = Abscissae::new(times, span.clone());
    for (step, (window, out)) in windows.iter().zip(out).enumerate() {
        let (lo, hi) = (window.lo as usize, window.hi as usize);
        if hi < lo + 2 {
            continue;
        }
        if level[hi - 1 - span.start] <= window.lo {
            // All samples are equal, and the line is level whatever the sums would say.
            let value = values[lo];
            *out = if value.is_infinite() { f64::NAN } else { answer(step, 0.0, value) };
            continue;
        }
        abscissae.take(lo..hi, origin(step, lo));
        let (slope, intercept) = abscissae.line(&values[lo..hi]);
        *out = answer(step, slope, intercept);
    }
}

/// For each index of the span, where the run that it belongs to begins; `joined` says whether an index belongs to the
/// run of the one before it.
fn starts(span: Range<usize>, joined: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut starts = Vec::with_capacity(span.len());
    let mut start = 0;
    for index in span.clone() {
        if index == span.start || !joined(index) {
            start = u32::try_from(index).unwrap_or(u32::MAX);
        }
        starts.push(start);
    }
    starts
}

/// The times of a window in seconds from the origin, and their sums.
///
/// Windows over samples of an even pace have the same times again and again: they are made once.
struct Abscissae<'a> {
    times: &'a [Timestamp],
    first: usize,
    /// Where the run of even gaps begins that ends with a sample.
    even: Vec<u32>,
    /// Offset of the first, gap, count; of an even window.
    shape: Option<(i64, i64, usize)>,
    seconds: Vec<f64>,
    sum: f64,
    squares: f64,
}

impl<'a> Abscissae<'a> {
    fn new(times: &'a [Timestamp], span: Range<usize>) -> Self {
        let gap = |index: usize| times[index].0.wrapping_sub(times[index - 1].0);
        let first = span.start;
        let mut even = Vec::with_capacity(span.len());
        let mut start = u32::try_from(first).unwrap_or(u32::MAX);
        for index in span {
            if index >= first + 2 && gap(index) != gap(index - 1) {
                start = u32::try_from(index - 1).unwrap_or(u32::MAX);
            }
            even.push(start);
        }
        Self { times, first, even, shape: None, seconds: Vec::new(), sum: 0.0, squares: 0.0 }
    }

    fn take(&mut self, window: Range<usize>, origin: i64) {
        let times = &self.times[window.clone()];
        let offset = times[0].0.wrapping_sub(origin);
        let is_even = self.even[window.end - 1 - self.first] as usize <= window.start;
        let shape = is_even.then(|| (offset, times[1].0.wrapping_sub(times[0].0), times.len()));
        if shape.is_some() && shape == self.shape {
            return;
        }
        self.shape = shape;
        self.seconds.clear();
        self.seconds.extend(times.iter().map(|time| time.0.wrapping_sub(origin) as f64 / 1e3));
        let (mut sum, mut squares) = (Sum::default(), Sum::default());
        for seconds in &self.seconds {
            sum.add(*seconds);
            squares.add(seconds * seconds);
        }
        (self.sum, self.squares) = (sum.total(), squares.total());
    }

    /// Slope and intercept through the values at these times.
    fn line(&self, values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let (mut sum, mut products) = (Sum::default(), Sum::default());
        for (seconds, value) in self.seconds.iter().zip(values) {
            sum.add_finite(*value);
            products.add_finite(seconds * value);
        }
        if !sum.is_finite() || !products.is_finite() {
            (sum, products) = (Sum::default(), Sum::default());
            for (seconds, value) in self.seconds.iter().zip(values) {
                sum.add(*value);
                products.add(seconds * value);
            }
        }
        let (sum, products) = (sum.total(), products.total());
        let covariance = products - self.sum * sum / count;
        let variance = self.squares - self.sum * self.sum / count;
        let slope = covariance / variance;
        (slope, sum / count - slope * self.sum / count)
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::eval::functions::fixture::{STALE, check, check_instants, check_scalars};

    const NAN: f64 = f64::NAN;

    #[test]
    fn slopes_are_per_second() {
        check("deriv", &[(10, 0.0), (20, 5.0), (30, 10.0)], 60, &[30, 20, 10], &[0.5, 0.5, STALE]);
        // Uneven: means 20 and 4; covariance (-10)(-4) + (-5)(-1) + 15*5 = 120, variance 100 + 25 + 225.
        check("deriv", &[(10, 0.0), (15, 3.0), (35, 9.0)], 60, &[60], &[120.0 / 350.0]);
        check("deriv", &[(10, 4.0), (20, 4.0), (30, 4.0)], 60, &[30], &[0.0]);
        check("deriv", &[(10, f64::INFINITY), (20, f64::INFINITY)], 60, &[30], &[NAN]);
        check("deriv", &[(10, NAN), (20, NAN)], 60, &[30], &[NAN]);
        check("deriv", &[(10, 1.0), (20, f64::INFINITY)], 60, &[30], &[NAN]);
        check("deriv", &[(10, -0.0), (20, 0.0)], 60, &[30], &[0.0]);
    }

    #[test]
    fn lines_go_on() {
        let samples = [(10, 0.0), (20, 5.0), (30, 10.0)];
        check_scalars("predict_linear", &[vec![60.0]], &samples, 60, &[40], &[45.0]);
        check_scalars("predict_linear", &[vec![0.0, -10.0]], &samples, 60, &[40, 41], &[15.0, 10.5]);
        check_scalars("predict_linear", &[vec![1e9]], &[(1, 7.0), (2, 7.0)], 60, &[40], &[7.0]);
        check_scalars("predict_linear", &[vec![NAN]], &[(1, 7.0), (2, 7.0)], 60, &[40], &[NAN]);
        let infinite = [(1, f64::INFINITY), (2, f64::INFINITY)];
        check_scalars("predict_linear", &[vec![1.0]], &infinite, 60, &[40], &[NAN]);
    }

    #[test]
    fn a_step_alone_gives_the_same_bits() {
        check_instants("deriv", &[]);
        check_instants("predict_linear", &[3600.0]);
    }
}
