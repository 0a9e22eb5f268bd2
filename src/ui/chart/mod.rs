//! Values over time, drawn in characters.

mod canvas;
mod clock;
mod scale;

use unicode_width::UnicodeWidthStr as _;

use self::{
    canvas::{Canvas, DOTS_ACROSS, DOTS_DOWN, Dot, Glyph, braille},
    scale::Scale,
};
use super::{Palette, Tone};
use crate::time::{PromDuration, Timestamp};

pub use scale::short_number;

/// Lines over a span of time, told apart by letters and colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    from: Timestamp,
    to: Timestamp,
    /// Points that are farther apart are not joined.
    step: PromDuration,
    lines: Vec<Vec<(Timestamp, f64)>>,
}

/// Rows of characters between top and bottom.
const ROWS: usize = 12;
/// Columns of the plot; a wider one says nothing more.
const COLUMNS: (usize, usize) = (20, 160);
/// Columns for each text on the axis of time.
const TIME_TEXT: usize = 14;

impl Chart {
    /// More lines than these nobody tells apart.
    pub const MOST_LINES: usize = 12;

    /// A chart of what was asked at every `step` between two instants.
    pub fn new(from: Timestamp, to: Timestamp, step: PromDuration) -> Self {
        Self { from, to, step, lines: Vec::new() }
    }

    /// Adds a line; times ascend. Values that are not finite leave a gap.
    pub fn line(&mut self, points: impl IntoIterator<Item = (Timestamp, f64)>) {
        self.lines.push(points.into_iter().collect());
    }

    /// The letter by which a line is found in the chart, in its tone.
    pub fn mark(line: usize) -> (char, Tone) {
        let letter = u8::try_from(line % 26).map_or('?', |index| char::from(b'a' + index));
        (letter, Tone::Line(line))
    }

    /// The chart as lines of text; empty where there is nothing to draw.
    pub(super) fn draw(&self, palette: Palette, width: usize) -> String {
        let finite =
            || self.lines.iter().flatten().map(|(_, value)| *value).filter(|value| value.is_finite());
        let (Some(min), Some(max)) = (finite().reduce(f64::min), finite().reduce(f64::max)) else {
            return String::new();
        };
        let scale = Scale::new(min, max);
        let labels = labels(&scale);
        let margin = labels.iter().map(|label| label.width()).max().unwrap_or(0);
        let columns = width.saturating_sub(margin + 3).clamp(COLUMNS.0, COLUMNS.1);
        let canvas = self.canvas(&scale, columns);
        let mut text = String::new();
        for (row, label) in labels.iter().enumerate() {
            let edge = if label.is_empty() { '│' } else { '┤' };
            let padding = " ".repeat(margin - label.width());
            text.push_str(&palette.paint(Tone::Dim, &format!("{padding}{label} {edge}")));
            text.push_str(&cells(canvas.row(row), palette));
            text.push('\n');
        }
        for line in self.time_axis(columns) {
            let line = format!("{}{line}", " ".repeat(margin + 1));
            text.push_str(&palette.paint(Tone::Dim, line.trim_end()));
            text.push('\n');
        }
        text
    }

    fn canvas(&self, scale: &Scale, columns: usize) -> Canvas {
        let mut canvas = Canvas::new(columns, ROWS, self.lines.len());
        // Half a step of grace: instants may be a little off.
        let joined = self.step.as_millis().saturating_mul(3) / 2;
        for (index, line) in self.lines.iter().enumerate() {
            let mut before: Option<(Timestamp, Dot)> = None;
            for (at, value) in line {
                if !value.is_finite() {
                    before = None;
                    continue;
                }
                let x = dot(self.across(*at), columns * DOTS_ACROSS);
                let y = dot(1.0 - scale.place(*value), ROWS * DOTS_DOWN);
                let start = before
                    .filter(|(last, _)| at.0.abs_diff(last.0) <= joined)
                    .map_or((x, y), |(_, place)| place);
                canvas.stroke(index, start, (x, y));
                before = Some((*at, (x, y)));
            }
        }
        if self.lines.len() > 1 {
            canvas.letter();
        }
        canvas
    }

    /// 0 at the start, 1 at the end.
    fn across(&self, at: Timestamp) -> f64 {
        let span = self.to.0.abs_diff(self.from.0);
        if span == 0 { 0.0 } else { at.0.abs_diff(self.from.0) as f64 / span as f64 }
    }

    /// The line below the plot and the times below it.
    fn time_axis(&self, columns: usize) -> [String; 2] {
        let mut edge: Vec<char> = std::iter::once('└').chain(std::iter::repeat_n('─', columns)).collect();
        let mut texts = String::new();
        for (at, text) in clock::ticks(self.from, self.to, columns / TIME_TEXT) {
            let column = dot(self.across(at), columns * DOTS_ACROSS) / DOTS_ACROSS + 1;
            edge[column] = '┬';
            // Centred below its mark, within the width, apart from the one before.
            let start = column.saturating_sub(text.len() / 2).min((columns + 1).saturating_sub(text.len()));
            let room = start.saturating_sub(texts.len());
            if texts.is_empty() || room > 0 {
                texts.push_str(&" ".repeat(room));
                texts.push_str(&text);
            }
        }
        [edge.into_iter().collect(), texts]
    }
}

/// For each row the text of its mark.
fn labels(scale: &Scale) -> Vec<String> {
    let mut labels = vec![String::new(); ROWS];
    for (value, text) in &scale.ticks {
        let row = dot(1.0 - scale.place(*value), ROWS * DOTS_DOWN) / DOTS_DOWN;
        labels[row].clone_from(text);
    }
    labels
}

/// The dot for a place between 0 and 1.
fn dot(place: f64, dots: usize) -> usize {
    let last = dots.saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the dots")]
    let dot = (place.clamp(0.0, 1.0) * last as f64).round() as usize;
    dot.min(last)
}

/// A row as text; what has one tone is painted at once.
fn cells(row: &[Glyph], palette: Palette) -> String {
    let end = row.iter().rposition(|glyph| *glyph != Glyph::Blank).map_or(0, |last| last + 1);
    let line = |glyph: &Glyph| match glyph {
        Glyph::Blank => None,
        Glyph::Dots { line, .. } | Glyph::Letter { line } => Some(*line),
    };
    let mut text = String::new();
    for run in row[..end].chunk_by(|a, b| line(a) == line(b)) {
        let shown: String = run
            .iter()
            .map(|glyph| match glyph {
                Glyph::Blank => ' ',
                Glyph::Dots { pattern, .. } => braille(*pattern),
                Glyph::Letter { line } => Chart::mark(*line).0,
            })
            .collect();
        let tone = run.first().and_then(line).map_or(Tone::Plain, Tone::Line);
        text.push_str(&palette.paint(tone, &shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws lines whose points are a minute apart; NaN leaves a gap.
    fn drawn(lines: &[&[f64]], width: usize) -> String {
        let minute = |index: usize| Timestamp(i64::try_from(index).unwrap() * 60_000);
        let last = lines.iter().map(|line| line.len()).max().unwrap_or(1) - 1;
        let mut chart = Chart::new(minute(0), minute(last), PromDuration::from_secs(60));
        for line in lines {
            chart.line(line.iter().enumerate().map(|(index, value)| (minute(index), *value)));
        }
        chart.draw(Palette::None, width)
    }

    fn wave(points: u32, shift: f64) -> Vec<f64> {
        (0..points).map(|point| (f64::from(point) / 9.0 + shift).sin() * 40.0 + 50.0).collect()
    }

    #[track_caller]
    fn check(lines: &[&[f64]], width: usize, expect: &str) {
        assert_eq!(format!("\n{}", drawn(lines, width)), expect);
    }

    #[test]
    fn a_line_alone_has_no_letter() {
        check(
            &[&wave(61, 0.0)],
            60,
            r"
100 ┤
    │         ⣀⠔⠒⠒⠒⠒⠤⠤⡀
 80 ┤     ⢀⠤⠒⠉        ⠈⠢⢄
    │   ⢀⡠⠊              ⠑⢄
 60 ┤  ⡔⠁                  ⠱⡀                            ⡠⠊
    │⢠⠊                     ⠈⠢⡀                         ⡜
    │⠁                        ⠈⠢⡀                     ⡠⠊
 40 ┤                           ⠑⢄                  ⢠⠊
    │                             ⠑⢄              ⡠⠔⠁
 20 ┤                               ⠑⠤⣀         ⡔⠊
    │                                  ⠉⠢⠤⠤⠤⠤⠤⠒⠉
  0 ┤
    └┬──────────────────────────┬─────────────────────────┬
    Jan 1                     00:30                   01:00
",
        );
    }

    #[test]
    fn several_lines_have_letters() {
        check(
            &[&wave(61, 0.0), &wave(61, 1.5), &wave(61, 3.0)],
            70,
            r"
100 ┤
    │⠒⠒⠒⠒⠤⣀⡀   ⢀⡠⠔⠒⠒⠒⠒⠒⠤⠤⡀                    ⣀⡠⠤c⠒⠒⠒⠒⠢⢄⣀    ⣀⠤⠒⠒b⠒⠒⠢
 80 ┤      ⠈⡱⢔⡊⠁         ⠈⠒⠤⣀              ⣀⠔⠉           ⢉⠦⣒⠉
    │    a⠤⠊  ⠈⠢⡀            ⠑⢄          ⡠⠊            ⣀⠔⠁  ⠑⢄
 60 ┤  ⡠⠊       ⠈b⣀            ⠑⢄     ⢀⠔⠉           ⢀⠔⠊       ⠑⢄⡀  ⡠⠊
    │⢢⡊            ⠑⢄            a⢄  ⡰⠁            ⡠⠃           ⠈⢢⡎
    │⠁⠈⠢⡀            ⠑⢄           ⢀⠕⠭⡀           ⡠⠊            ⡠⠔⠁⠈⠢⡀
 40 ┤   ⠈⠢⢄            ⠑⢄       ⢀⠔⠁  ⠈⠢⡀       ⡠⠊            ⡠⠊     ⠈
    │      ⠑⢄⡀           ⠑⠤⡀  ⡠⠔⠁      ⠈⠢⣀  ⣀⠔⠊           ⢀⠤⠊
 20 ┤        ⠈⠢⢄⡀          ⡨⠕⠪⡀          b⠵⠮⣀          ⢀⡠a⠁
    │           ⠈⠑⠢⠤⠤⠤⠤⠤⠤c⠉   ⠈⠑⠒⠢⠤⠤⠤⠤⠤⠒⠉    ⠉⠒⠢⠤⠤⠤⠤⠤⠔⠊⠁
  0 ┤
    └┬───────────────────────────────┬──────────────────────────────┬
    Jan 1                          00:30                        01:00
",
        );
    }

    #[test]
    fn equal_values_are_a_level_line() {
        check(
            &[&[5.0; 30]],
            40,
            r"
  │
  │
  │
  │
  │
  │
5 ┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
  │
  │
  │
  │
  │
  └┬─────────────────┬─────────────────
  Jan 1            00:15
",
        );
    }

    #[test]
    fn what_is_not_finite_leaves_a_gap() {
        let line = [1.0, 2.0, 3.0, f64::NAN, 2.0, f64::NAN, 3.0, 4.0, f64::INFINITY, 1.0, 0.0];
        check(
            &[&line],
            40,
            r"
4 ┤                        ⡰⠁
  │                       ⡔⠁
  │                      ⡜
3 ┤      ⡰⠁             ⠈
  │     ⡔⠁
  │    ⡜
2 ┤  ⢀⠎          ⠁
  │ ⢠⠃
1 ┤⡰⠁                              ⡀
  │                                ⠘⡄
  │                                 ⠘⢄
0 ┤                                  ⠈⢆
  └┬──────────────────────────────────┬
  Jan 1                           00:10
",
        );
        check(&[&[f64::NAN, f64::INFINITY]], 40, "\n");
        check(&[], 40, "\n");
    }

    #[test]
    fn any_range_and_any_width_can_be_drawn() {
        for width in [0, 1, 5, 30, 80, 10_000] {
            for line in [
                &[-f64::MAX, f64::MAX, 0.0][..],
                &[1e-9, 3e-9],
                &[5e-324, 0.0],
                &[1.0],
                &[1e16, 1e16 + 2.0],
                &[-0.0, 0.0],
            ] {
                assert_eq!(drawn(&[line, line], width).lines().count(), ROWS + 2, "{line:?} at {width}");
            }
        }
        let ends = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let mut chart = Chart::new(ends.0, ends.1, PromDuration::from_secs(1));
        chart.line([(ends.0, 1.0), (Timestamp(0), 2.0), (ends.1, 3.0)]);
        assert_eq!(chart.draw(Palette::None, 80).lines().count(), ROWS + 2);
    }

    #[test]
    fn each_of_many_lines_has_its_letter() {
        let level = [1.0; 200];
        let lines = [&level[..]; Chart::MOST_LINES];
        let text = drawn(&lines, 100);
        for index in 0..Chart::MOST_LINES {
            assert!(text.contains(Chart::mark(index).0), "{text}");
        }
    }

    #[test]
    fn lines_are_painted() {
        let mut chart = Chart::new(Timestamp(0), Timestamp(1), PromDuration::from_millis(1));
        chart.line([(Timestamp(0), 1.0), (Timestamp(1), 1.0)]);
        assert!(chart.draw(Palette::Colors, 30).contains("\u{1b}[36m⠉⠉"));
    }
}
