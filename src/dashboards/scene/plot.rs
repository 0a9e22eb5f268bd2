//! Series as runs of points.

use super::axis::Scale;
use crate::dashboards::{model::Interpolation, time_range::TimeRange};

/// A point: its place from the left, its value's and its ground's from the bottom, as shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub top: f64,
    pub base: f64,
}

/// Runs of points without a gap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plotted {
    pub runs: Vec<Vec<Point>>,
}

/// Values with the ground that they stand on.
pub(super) struct Columns<'a> {
    pub(super) times: &'a [i64],
    pub(super) tops: &'a [f64],
    pub(super) bases: &'a [f64],
}

/// Gaps in values are gaps in the line, unless they are to be spanned.
pub(super) fn plotted(
    columns: &Columns<'_>,
    range: TimeRange,
    scale: Scale,
    spans_gaps: bool,
    interpolation: Interpolation,
) -> Plotted {
    let width = range.millis() as f64;
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut open = false;
    for ((time, top), base) in columns.times.iter().zip(columns.tops).zip(columns.bases) {
        if top.is_nan() {
            open &= spans_gaps;
            continue;
        }
        let x = (time.saturating_sub(range.from.0)) as f64 / width;
        let point = Point { x, top: scale.place(*top), base: scale.place(*base) };
        if !open {
            runs.push(Vec::new());
            open = true;
        }
        let run = runs.last_mut().expect("there is an open run");
        match (interpolation, run.last().copied()) {
            (Interpolation::StepAfter, Some(last)) => run.push(Point { x, ..last }),
            (Interpolation::StepBefore, Some(last)) => run.push(Point { x: last.x, ..point }),
            _ => {}
        }
        run.push(point);
    }
    runs.iter_mut().for_each(simplify);
    Plotted { runs }
}

/// Leaves out points on the straight line between their neighbours.
fn simplify(run: &mut Vec<Point>) {
    /// Shares of the height that nobody sees: a tenth of a pixel.
    const INVISIBLE: f64 = 0.000_5;
    if run.len() < 3 {
        return;
    }
    let mut kept: Vec<Point> = Vec::with_capacity(run.len());
    for index in 0..run.len() {
        let point = run[index];
        if let (Some(before), Some(after)) = (kept.last(), run.get(index + 1)) {
            let part = (point.x - before.x) / (after.x - before.x);
            let between = |from: f64, to: f64| from + (to - from) * part;
            let straight = part.is_finite()
                && (between(before.top, after.top) - point.top).abs() < INVISIBLE
                && (between(before.base, after.base) - point.base).abs() < INVISIBLE;
            // Small errors must not add up over a long run.
            let is_short = after.x - before.x < 0.1;
            if straight && is_short {
                continue;
            }
        }
        kept.push(point);
    }
    *run = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dashboards::scene::axis::{Reach, scale},
        time::Timestamp,
    };

    #[track_caller]
    fn check(values: &[f64], spans: bool, how: Interpolation, expect: &str) {
        let times: Vec<i64> = (0..).take(values.len()).map(|index| index * 1000).collect();
        let bases = vec![0.0; values.len()];
        let reach = Reach {
            min: Some(0.0),
            max: Some(10.0),
            least: 0.0,
            greatest: 10.0,
            logarithmic: false,
            binary: false,
        };
        let range = TimeRange { from: Timestamp(0), to: Timestamp(10_000) };
        let columns = Columns { times: &times, tops: values, bases: &bases };
        let plotted = plotted(&columns, range, scale(reach, 5).0, spans, how);
        let point = |point: &Point| format!("{},{}", point.x, point.top);
        let run = |run: &Vec<Point>| run.iter().map(point).collect::<Vec<_>>().join(" ");
        assert_eq!(plotted.runs.iter().map(run).collect::<Vec<_>>().join(" | "), expect);
    }

    #[test]
    fn gaps_are_gaps_unless_they_are_spanned() {
        let nan = f64::NAN;
        check(&[0.0, 5.0, 2.0], false, Interpolation::Linear, "0,0 0.1,0.5 0.2,0.2");
        check(&[1.0, nan, 2.0], false, Interpolation::Linear, "0,0.1 | 0.2,0.2");
        check(&[1.0, nan, 2.0], true, Interpolation::Linear, "0,0.1 0.2,0.2");
        check(&[nan, nan], true, Interpolation::Linear, "");
        check(&[1.0, 5.0], false, Interpolation::StepAfter, "0,0.1 0.1,0.1 0.1,0.5");
        check(&[1.0, 5.0], false, Interpolation::StepBefore, "0,0.1 0,0.5 0.1,0.5");
        check(&[1.0, 1e300, 5.0], false, Interpolation::Linear, "0,0.1 0.1,8 0.2,0.5");
    }
}
