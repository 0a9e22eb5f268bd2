//! Tables.

use crate::{
    dashboards::{
        display::{Display, Shown},
        frame::{Field, Frame, Values},
        model::{Align, Cell, TableOptions},
        palette::Colour,
        variables::{Context, Scope},
    },
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub show_header: bool,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<TableCell>>,
    /// Rows that are left out.
    pub left_out: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub title: String,
    pub align: Align,
    /// Pixels.
    pub width: Option<u16>,
    /// Whether rows are sorted by it, and then whether the greatest is first.
    pub sorted: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TableCell {
    pub text: String,
    pub colour: Colour,
    pub style: CellStyle,
    pub link: Option<Link>,
    /// What rows are sorted by; `None` for texts.
    pub number: Option<f64>,
    /// An instant, in milliseconds since the epoch.
    pub time: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellStyle {
    Plain,
    ColouredText,
    ColouredGround,
    /// A bar behind the text, so full.
    Gauge(f64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub title: String,
    /// Relative to the server, or of http or https.
    pub url: String,
    pub new_tab: bool,
}

/// The most rows that are drawn.
const MOST_ROWS: usize = 300;

pub(super) fn table(frame: &Frame, options: &TableOptions, context: &Context<'_>) -> Table {
    let fields: Vec<&Field> = frame.fields.iter().filter(|field| !field.settings.custom.hidden).collect();
    let displays: Vec<Display<'_>> = fields.iter().map(|field| Display::new(field)).collect();
    let column = |field: &&Field| {
        let numeric = field.values.numbers().is_some();
        let usual = if numeric { Align::Right } else { Align::Left };
        Column {
            title: field.title.clone(),
            align: field.settings.custom.align.unwrap_or(usual),
            width: field.settings.custom.width.filter(|width| *width > 0),
            sorted: options.sort_by.iter().find(|by| by.field == field.title).map(|by| by.descending),
        }
    };
    let rows = frame.len();
    let row = |row: usize| {
        let shown: Vec<Shown> =
            fields.iter().zip(&displays).map(|(field, display)| shown(field, display, row)).collect();
        let texts: Vec<(String, String)> = fields
            .iter()
            .zip(&shown)
            .map(|(field, shown)| {
                (field.title.clone(), raw(field, row).unwrap_or_else(|| shown.text.to_string()))
            })
            .collect();
        let cells = fields.iter().zip(shown).enumerate();
        let cell = |(index, (field, shown)): (usize, (&&Field, Shown))| {
            let scope = Scope { fields: &texts, name: &field.title, value: &texts[index].1 };
            let link = field.settings.links.first().and_then(|link| {
                let url = safe_url(&context.with_row(scope).address(&link.url))?;
                Some(Link { title: context.title(&link.title), url, new_tab: link.new_tab })
            });
            let style = match field.settings.custom.cell {
                Some(Cell::ColorText) => CellStyle::ColouredText,
                Some(Cell::ColorBackground) => CellStyle::ColouredGround,
                Some(Cell::Gauge) => CellStyle::Gauge(shown.share),
                Some(Cell::Auto) | None => CellStyle::Plain,
            };
            let (number, time) = match &field.values {
                Values::Numbers(numbers) => (numbers.get(row).copied(), None),
                Values::Times(times) => (times.get(row).map(|time| *time as f64), times.get(row).copied()),
                Values::Texts(_) => (None, None),
            };
            TableCell { text: shown.text.to_string(), colour: shown.colour, style, link, number, time }
        };
        let mut cells: Vec<TableCell> = cells.map(cell).collect();
        name_links(&mut cells);
        cells
    };
    Table {
        show_header: options.show_header,
        columns: fields.iter().map(column).collect(),
        rows: (0..rows.min(MOST_ROWS)).map(row).collect(),
        left_out: rows.saturating_sub(MOST_ROWS),
    }
}

/// Where a row's name leads somewhere, its numbers need not lead there as well.
fn name_links(cells: &mut [TableCell]) {
    let name = cells.iter().find(|cell| cell.number.is_none()).and_then(|cell| cell.link.clone());
    for cell in cells.iter_mut().filter(|cell| cell.number.is_some() && cell.link == name) {
        cell.link = None;
    }
}

fn shown(field: &Field, display: &Display<'_>, row: usize) -> Shown {
    match &field.values {
        Values::Numbers(numbers) => display.number(numbers.get(row).copied().unwrap_or(crate::series::STALE)),
        Values::Times(times) => display.number(times.get(row).copied().unwrap_or(0) as f64),
        Values::Texts(texts) => display.text(texts.get(row).and_then(Option::as_deref)),
    }
}

/// What a link says of a cell: the value without its unit.
fn raw(field: &Field, row: usize) -> Option<String> {
    match &field.values {
        Values::Numbers(numbers) => {
            numbers.get(row).map(|number| crate::dashboards::format::js_number(*number))
        }
        Values::Times(times) => times.get(row).map(|time| Timestamp(*time).0.to_string()),
        Values::Texts(texts) => texts.get(row).cloned().flatten(),
    }
}

/// Only links that lead to a page: no scripts, no data, no other host by a trick.
pub(crate) fn safe_url(url: &str) -> Option<String> {
    let url = url.trim();
    let is_relative = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
    let lower = url.to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    let is_query = url.starts_with('?') || url.starts_with('#');
    ((is_relative || is_web || is_query) && !url.chars().any(char::is_control)).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_row_is_linked() {
        let cell = |number: Option<f64>, url: &str| TableCell {
            text: String::new(),
            colour: Colour::TRANSPARENT,
            style: CellStyle::Plain,
            link: (!url.is_empty()).then(|| Link {
                title: String::new(),
                url: url.to_owned(),
                new_tab: false,
            }),
            number,
            time: None,
        };
        let mut row = [cell(None, "/a"), cell(Some(1.0), "/a"), cell(Some(2.0), "/b"), cell(Some(3.0), "")];
        name_links(&mut row);
        let links = row.map(|cell| cell.link.map_or(String::new(), |link| link.url));
        assert_eq!(links, ["/a", "", "/b", ""]);
        let mut nameless = [cell(Some(1.0), "/a"), cell(Some(2.0), "/a")];
        name_links(&mut nameless);
        assert!(nameless.iter().all(|cell| cell.link.is_some()));
    }

    #[track_caller]
    fn check(url: &str, is_safe: bool) {
        assert_eq!(safe_url(url).is_some(), is_safe, "{url}");
    }

    #[test]
    fn only_pages_are_linked() {
        check("/d/uid?var-a=b", true);
        check("?from=now-1h", true);
        check("https://example.org/x", true);
        check("HTTP://example.org", true);
        check("javascript:alert(1)", false);
        check(" JavaScript:alert(1)", false);
        check("data:text/html,x", false);
        check("//example.org", false);
        check("/\\example.org", false);
        check("/a\nb", false);
        check("", false);
    }
}
