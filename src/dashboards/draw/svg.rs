//! Paths of a drawing 2000 wide and 1000 high, whatever its shape on the screen; y grows downwards.

use std::fmt::Write as _;

use crate::dashboards::{
    model::DrawStyle,
    scene::{Plotted, Point},
};

pub(super) const WIDTH: f64 = 2000.0;
pub(super) const HEIGHT: f64 = 1000.0;

/// Whole units from the left and from the top.
type Place = (i64, i64);

#[expect(clippy::cast_possible_truncation, reason = "places are shares of at most 8, or put to the margin")]
fn unit(share: f64, length: f64) -> i64 {
    if share.is_finite() { (share.clamp(-10.0, 10.0) * length).round() as i64 } else { 0 }
}

pub(super) fn across(share: f64) -> i64 {
    unit(share, WIDTH)
}

pub(super) fn down(share: f64) -> i64 {
    unit(1.0 - share, HEIGHT)
}

fn top(point: &Point) -> Place {
    (across(point.x), down(point.top))
}

fn base(point: &Point) -> Place {
    (across(point.x), down(point.base))
}

/// The line through the tops; a point by itself is a dot. Where a stacked one adds nothing to those below it, it would
/// only paint over them.
pub(super) fn line(plotted: &Plotted, style: DrawStyle, stacked: bool) -> String {
    let mut path = String::new();
    let adds_nothing = |point: &Point| stacked && down(point.top) == down(point.base);
    let is_above = |point: &Point| point.base > 0.0;
    for run in &plotted.runs {
        let is_hidden =
            |a: &Point, b: &Point| adds_nothing(a) && adds_nothing(b) && (is_above(a) || is_above(b));
        for piece in run.chunk_by(|a, b| !is_hidden(a, b)) {
            if style == DrawStyle::Points || piece.len() == 1 {
                for (x, y) in piece.iter().filter(|point| !is_hidden(point, point)).map(top) {
                    put(&mut path, format_args!("M{x} {y}h0"));
                }
            } else {
                move_to(&mut path, piece.first().map(top));
                steps(&mut path, piece.iter().map(top));
            }
        }
    }
    path
}

/// What lies between the tops and the ground.
pub(super) fn area(plotted: &Plotted) -> String {
    let mut path = String::new();
    for run in plotted.runs.iter().filter(|run| run.len() > 1) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        move_to(&mut path, Some(top(first)));
        steps(&mut path, run.iter().map(top));
        let ground = down(first.base);
        if run.iter().all(|point| down(point.base) == ground) {
            put(&mut path, format_args!("V{ground}H{}z", across(first.x)));
        } else {
            let (x, y) = base(last);
            put(&mut path, format_args!("L{x} {y}"));
            steps(&mut path, run.iter().rev().map(base));
            path.push('z');
        }
    }
    path
}

/// A bar for each point, so wide.
pub(super) fn bars(plotted: &Plotted, width: f64) -> String {
    let mut path = String::new();
    let width = across(width.min(1.0)).max(1);
    for point in plotted.runs.iter().flatten() {
        let ((x, y), (_, ground)) = (top(point), base(point));
        put(&mut path, format_args!("M{} {ground}V{y}h{width}V{ground}z", x - width / 2));
    }
    path
}

fn move_to(path: &mut String, place: Option<Place>) {
    if let Some((x, y)) = place {
        put(path, format_args!("M{x} {y}"));
    }
}

/// From the first place, where the pen is, to each of the others.
fn steps(path: &mut String, places: impl Iterator<Item = Place>) {
    let mut last: Option<Place> = None;
    let mut is_first = true;
    for (x, y) in places {
        let Some((from_x, from_y)) = last.replace((x, y)) else { continue };
        let (dx, dy) = (x - from_x, y - from_y);
        if (dx, dy) == (0, 0) {
            continue;
        }
        path.push(if is_first { 'l' } else { ' ' });
        is_first = false;
        put(path, format_args!("{dx}"));
        // A minus sign parts numbers as well.
        if dy >= 0 {
            path.push(' ');
        }
        put(path, format_args!("{dy}"));
    }
}

fn put(path: &mut String, arguments: std::fmt::Arguments<'_>) {
    path.write_fmt(arguments).expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plotted(points: &[(f64, f64, f64)]) -> Plotted {
        Plotted {
            runs: vec![points.iter().map(|(x, top, base)| Point { x: *x, top: *top, base: *base }).collect()],
        }
    }

    #[test]
    fn paths_are_short() {
        let flat = plotted(&[(0.0, 0.5, 0.0), (0.1, 0.6, 0.0), (0.2, 0.4, 0.0)]);
        assert_eq!(line(&flat, DrawStyle::Line, false), "M0 500l200-100 200 200");
        assert_eq!(line(&flat, DrawStyle::Points, false), "M0 500h0M200 400h0M400 600h0");
        assert_eq!(area(&flat), "M0 500l200-100 200 200V1000H0z");
        let stacked = plotted(&[(0.0, 0.5, 0.1), (0.1, 0.6, 0.2)]);
        assert_eq!(area(&stacked), "M0 500l200-100L200 800l-200 100z");
        assert_eq!(bars(&plotted(&[(0.5, 0.5, 0.0)]), 0.1), "M900 1000V500h200V1000z");
        assert_eq!(line(&plotted(&[(0.5, 0.5, 0.0)]), DrawStyle::Line, false), "M1000 500h0");
        let zero =
            plotted(&[(0.0, 0.4, 0.2), (0.1, 0.3, 0.3), (0.2, 0.5, 0.5), (0.3, 0.5, 0.5), (0.4, 0.6, 0.5)]);
        assert_eq!(line(&zero, DrawStyle::Line, true), "M0 600l200 100M600 500l200-100");
        assert_eq!(line(&zero, DrawStyle::Line, false), "M0 600l200 100 200-200 200 0 200-100");
        assert_eq!(line(&zero, DrawStyle::Points, true), "M0 600h0M800 400h0");
        let ground = plotted(&[(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)]);
        assert_eq!(line(&ground, DrawStyle::Line, true), "M0 1000l200 0");
        let peak = plotted(&[(0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.2, 0.5, 0.5), (0.3, 0.0, 0.0)]);
        assert_eq!(line(&peak, DrawStyle::Line, true), "M0 1000l200 0M600 1000h0");
        assert_eq!(line(&plotted(&[(f64::NAN, f64::INFINITY, 0.0)]), DrawStyle::Line, false), "M0 0h0");
    }
}
