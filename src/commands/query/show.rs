//! An answer as text.

use crate::{
    cli::{ChartWhen, Query as Args},
    formats::answer::{Data, Series, number_text},
    remote::query::When,
    series::{Labels, METRIC_NAME},
    ui::{Align, Cell, Chart, Table, Tone, Ui, short_number},
};

use super::Found;

pub(super) fn show(args: &Args, found: &Found, ui: &Ui) {
    let shown = if args.limit == 0 { usize::MAX } else { args.limit };
    match (&found.answer.data, found.when) {
        (Data::Scalar(_, value), _) => ui.answer(&number_text(*value)),
        (Data::String(_, text), _) => ui.answer(&printable(text)),
        (Data::Vector(series) | Data::Matrix(series), _) if series.is_empty() => {
            ui.say("no series");
            found.hints.iter().for_each(|hint| ui.hint(hint));
        }
        (Data::Vector(series), _) => vector(&series[..series.len().min(shown)], ui),
        (Data::Matrix(series), When::Instant(_)) => samples(&series[..series.len().min(shown)], ui),
        (Data::Matrix(series), When::Range { from, to, step }) => {
            let charted = match args.chart {
                ChartWhen::Always => true,
                ChartWhen::Never => false,
                ChartWhen::Auto => ui.answers_to_terminal(),
            };
            let lines = if charted { series.len().min(shown).min(Chart::MOST_LINES) } else { 0 };
            if lines > 0 {
                let mut chart = Chart::new(from, to, step);
                series[..lines].iter().for_each(|series| chart.line(series.samples.iter().copied()));
                ui.answer_chart(&chart);
                ui.answer("");
            }
            range(&series[..series.len().min(shown)], lines, ui);
        }
    }
    notes(args, found, ui);
}

/// What the answer does not say by itself.
fn notes(args: &Args, found: &Found, ui: &Ui) {
    let series = found.answer.data.series();
    if args.limit > 0 && series.len() > args.limit {
        let rest = series.len() - args.limit;
        ui.say(&format!("and {rest} more series; `--limit 0` shows all"));
    }
    match found.when {
        When::Instant(at) => ui.say(&format!("at {at}")),
        When::Range { from, to, step } => ui.say(&format!("from {from} to {to}, every {step}")),
    }
}

/// A row for each series: its labels in columns where all have the same ones and there is room, else as one text.
fn vector(series: &[Series], ui: &Ui) {
    let value = |series: &Series| {
        Cell::from(
            series.samples.last().map_or_else(|| "histogram".to_owned(), |(_, value)| number_text(*value)),
        )
    };
    if let [one] = series
        && one.labels.is_empty()
    {
        return ui.answer(&value(one).text);
    }
    let names = |series: &Series| series.labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let columns = series.first().map(names).unwrap_or_default();
    if !columns.is_empty() && series.iter().all(|one| names(one) == columns) {
        let head = columns
            .iter()
            .map(|name| (if name == METRIC_NAME { "Name".to_owned() } else { printable(name) }, Align::Left));
        let mut table = Table::new(head.chain([("Value".to_owned(), Align::Right)]));
        for one in series {
            let labels = one.labels.iter().map(|(_, value)| Cell::from(printable(value)));
            table.row(labels.chain([value(one)]));
        }
        if table.width() <= ui.width() {
            return ui.answer_table(&table);
        }
    }
    let mut table = Table::new([("Series", Align::Left), ("Value", Align::Right)]);
    for one in series {
        table.row([Cell::from(series_text(&one.labels)), value(one)]);
    }
    ui.answer_table(&table);
}

/// The samples of a range selector, series by series.
fn samples(series: &[Series], ui: &Ui) {
    for (index, one) in series.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        ui.answer(&format!("{gap}{}", ui.palette().paint(Tone::Strong, &series_text(&one.labels))));
        let mut table = Table::new([("Time", Align::Left), ("Value", Align::Right)]);
        for (at, value) in &one.samples {
            table.row([Cell::new(Tone::Dim, at.to_string()), number_text(*value).into()]);
        }
        ui.answer_table(&table);
    }
}

/// Least, mean, greatest and last value of each series; the first `lines` of them are in the chart.
fn range(series: &[Series], lines: usize, ui: &Ui) {
    let marked = lines > 1;
    let columns = [
        ("Series", Align::Left),
        ("Points", Align::Right),
        ("Min", Align::Right),
        ("Avg", Align::Right),
        ("Max", Align::Right),
        ("Last", Align::Right),
    ];
    let mark = marked.then_some(("", Align::Left));
    let mut table = Table::new(mark.into_iter().chain(columns));
    for (index, one) in series.iter().enumerate() {
        let mark = marked.then(|| {
            let (letter, tone) = Chart::mark(index);
            if index < lines { Cell::new(tone, letter) } else { Cell::from("") }
        });
        let values = || one.samples.iter().map(|(_, value)| *value).filter(|value| !value.is_nan());
        let number = |value: Option<f64>| Cell::from(value.map_or_else(|| "-".to_owned(), short_number));
        let count = values().count();
        // Divided first, since the sum of great values may be none.
        let mean = (count > 0).then(|| values().map(|value| value / count as f64).sum());
        table.row(mark.into_iter().chain([
            Cell::from(series_text(&one.labels)),
            Cell::from(one.samples.len().to_string()),
            number(values().reduce(f64::min)),
            number(mean),
            number(values().reduce(f64::max)),
            number(one.samples.last().map(|(_, value)| *value)),
        ]));
    }
    ui.answer_table(&table);
}

/// A series as it is selected: `name{label="value"}`.
pub(super) fn series_text(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME);
    let rest = labels.without(&[METRIC_NAME]);
    let text = match name {
        Some(name) if is_plain(name) && rest.is_empty() => name.to_owned(),
        Some(name) if is_plain(name) => format!("{name}{rest}"),
        _ => labels.to_string(),
    };
    printable(&text)
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Without characters that would move the cursor or change colours.
fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}
