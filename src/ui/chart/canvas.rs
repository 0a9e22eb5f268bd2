//! Lines drawn in dots, eight to a character (Braille patterns, U+2800).

/// What a character cell shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    Blank,
    Dots { pattern: u8, line: usize },
    Letter { line: usize },
}

/// Column and row of a dot, counted from the top left.
pub(super) type Dot = (usize, usize);

/// Cells in rows from the top.
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Glyph>,
    /// For each line, the row in which it passes a column.
    passed: Vec<Vec<Option<usize>>>,
}

pub(super) const DOTS_ACROSS: usize = 2;
pub(super) const DOTS_DOWN: usize = 4;

/// Columns from one letter of a line to its next, at least.
const LETTER_GAP: usize = 8;

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize, lines: usize) -> Self {
        Self {
            columns,
            rows,
            cells: vec![Glyph::Blank; columns * rows],
            passed: vec![vec![None; columns]; lines],
        }
    }

    pub(super) fn row(&self, row: usize) -> &[Glyph] {
        &self.cells[row * self.columns..(row + 1) * self.columns]
    }

    fn dot(&mut self, line: usize, (x, y): Dot) {
        /// Bits of the pattern, by row and column of the dot.
        const BITS: [[u8; DOTS_ACROSS]; DOTS_DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (column, row) = (x / DOTS_ACROSS, y / DOTS_DOWN);
        if column >= self.columns || row >= self.rows {
            return;
        }
        let bit = BITS[y % DOTS_DOWN][x % DOTS_ACROSS];
        let cell = &mut self.cells[row * self.columns + column];
        let before = if let Glyph::Dots { pattern, .. } = cell { *pattern } else { 0 };
        *cell = Glyph::Dots { pattern: before | bit, line };
        self.passed[line][column] = Some(row);
    }

    /// A straight stroke between two dots (Bresenham's algorithm).
    pub(super) fn stroke(&mut self, line: usize, from: Dot, to: Dot) {
        let step = |from: usize, to: usize| if from < to { 1 } else { -1 };
        let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let (dx, dy) = (signed(from.0.abs_diff(to.0)), signed(from.1.abs_diff(to.1)));
        let (sx, sy) = (step(from.0, to.0), step(from.1, to.1));
        let (mut at, mut error) = (from, dx - dy);
        loop {
            self.dot(line, at);
            if at == to {
                return;
            }
            let twice = 2 * error;
            if twice > -dy {
                error -= dy;
                at.0 = at.0.saturating_add_signed(sx);
            }
            if twice < dx {
                error += dx;
                at.1 = at.1.saturating_add_signed(sy);
            }
        }
    }

    /// Puts each line's letter on it, several times where there is room, so that lines are told apart without colour.
    pub(super) fn letter(&mut self) {
        let lines = self.passed.len();
        let gap = LETTER_GAP.max(self.columns / (lines * 3).max(1));
        for line in 0..lines {
            let mut placed = 0;
            let mut column = gap / 2 + line * gap;
            while column < self.columns {
                placed += usize::from(self.put(line, column, gap / 2));
                column += gap * lines;
            }
            if placed == 0 {
                self.put(line, self.columns / 2, self.columns);
            }
        }
    }

    /// Puts a letter at the free place of its line that is nearest to a column, no farther away than `reach`.
    fn put(&mut self, line: usize, column: usize, reach: usize) -> bool {
        let candidates = (0..=reach).flat_map(|away| [column.checked_sub(away), column.checked_add(away)]);
        for column in candidates.flatten().filter(|column| *column < self.columns) {
            let Some(row) = self.passed[line][column] else { continue };
            let cell = &mut self.cells[row * self.columns + column];
            if !matches!(cell, Glyph::Letter { .. }) {
                *cell = Glyph::Letter { line };
                return true;
            }
        }
        false
    }
}

/// The character of a pattern.
pub(super) fn braille(pattern: u8) -> char {
    char::from_u32(0x2800 + u32::from(pattern)).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(strokes: &[(Dot, Dot)], expect: &[&str]) {
        let mut canvas = Canvas::new(3, 2, 1);
        for (from, to) in strokes {
            canvas.stroke(0, *from, *to);
        }
        let shown = |glyph: &Glyph| match glyph {
            Glyph::Blank => ' ',
            Glyph::Dots { pattern, .. } => braille(*pattern),
            Glyph::Letter { .. } => 'a',
        };
        let rows: Vec<String> = (0..2).map(|row| canvas.row(row).iter().map(shown).collect()).collect();
        assert_eq!(rows, expect);
    }

    #[test]
    fn strokes_set_dots() {
        check(&[], &["   ", "   "]);
        check(&[((0, 0), (0, 0))], &["⠁  ", "   "]);
        check(&[((0, 0), (5, 0))], &["⠉⠉⠉", "   "]);
        check(&[((0, 7), (5, 7))], &["   ", "⣀⣀⣀"]);
        check(&[((5, 7), (0, 7))], &["   ", "⣀⣀⣀"]);
        check(&[((2, 0), (2, 7))], &[" ⡇ ", " ⡇ "]);
        check(&[((0, 0), (5, 5))], &["⠑⢄ ", "  ⠑"]);
        check(&[((90, 90), (90, 90))], &["   ", "   "]);
    }
}
