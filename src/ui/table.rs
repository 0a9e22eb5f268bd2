//! Tables of aligned columns.

use unicode_width::UnicodeWidthStr;

use super::{Palette, Tone};

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// For numbers.
    Right,
}

/// A text in its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

impl Cell {
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Columns with a head, and rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new<H: Into<String>>(columns: impl IntoIterator<Item = (H, Align)>) -> Self {
        let columns = columns.into_iter().map(|(head, align)| (head.into(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.columns.len()).collect());
    }

    /// Columns of a terminal that it takes.
    pub fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        let cell = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widest = |column: usize| cell(column).map(|cell| cell.text.width()).max().unwrap_or(0);
        self.columns.iter().enumerate().map(|(column, (head, _))| widest(column).max(head.width())).collect()
    }

    pub(super) fn draw(&self, palette: Palette) -> String {
        let head = self.columns.iter().map(|(head, _)| Cell::new(Tone::Strong, head.as_str())).collect();
        let rows = std::iter::once(&head).chain(&self.rows).collect::<Vec<_>>();
        let widths = self.widths();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            // Spaces are held back until something follows them, so that no line ends in one.
            let mut owed = 0;
            for (column, (_, align)) in self.columns.iter().enumerate() {
                let empty = Cell::from("");
                let cell = row.get(column).unwrap_or(&empty);
                let room = widths[column] - cell.text.width();
                let (before, after) = if *align == Align::Right { (room, 0) } else { (0, room) };
                owed += before;
                if !cell.text.is_empty() {
                    line.push_str(&" ".repeat(owed));
                    line.push_str(&palette.paint(cell.tone, &cell.text));
                    owed = 0;
                }
                owed += after + 2;
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_what_is_seen() {
        let mut table =
            Table::new([("SERVICE", Align::Left), ("TARGETS", Align::Right), ("URL", Align::Left)]);
        table.row(["prometheus".into(), "12".into(), "http://127.0.0.1:9090".into()]);
        table.row(["中文".into(), "3".into(), "".into()]);
        table.row([Cell::new(Tone::Bad, "grafana")]);
        assert_eq!(
            table.draw(Palette::None),
            "\
SERVICE     TARGETS  URL
prometheus       12  http://127.0.0.1:9090
中文              3
grafana
"
        );
        assert_eq!(table.width(), 42);
        assert!(table.draw(Palette::Colors).contains("\u{1b}[1m\u{1b}[31mgrafana\u{1b}[0m\n"));
    }
}
