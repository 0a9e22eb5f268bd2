//! Pages of metrics as columns.

use std::path::Path;

use crate::{
    diagnostic::Diagnostic,
    files,
    series::{AppendError, Columns, ParseError, ParseErrorKind, read_history},
    text::Source,
    time::Timestamp,
};

use crate::commands::{exit::Refused, process::standard_input};

/// Pages, read but not taken apart.
pub(super) struct Pages(Vec<(String, String)>);

/// What the pages hold.
pub(super) struct History {
    pub(super) columns: Columns,
    /// The first and the last instant of the samples that carry one.
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

impl Pages {
    pub(super) fn read(paths: &[impl AsRef<Path>]) -> anyhow::Result<Self> {
        let mut pages = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let (name, text) = if path == Path::new("-") {
                ("stdin".to_owned(), standard_input()?)
            } else {
                (path.display().to_string(), files::read_text(path)?)
            };
            pages.push((name, text));
        }
        Ok(Self(pages))
    }

    /// Samples without a timestamp are of the instant `scrape`.
    pub(super) fn history(&self, scrape: Timestamp) -> Result<History, Refused> {
        let mut history = History { columns: Columns::new(), span: None };
        for (name, text) in &self.0 {
            let read = read_history(text, scrape, &mut history.columns)
                .map_err(|error| Refused(vec![mistake(name, text, &error)]))?;
            history.span = match (history.span, read.span) {
                (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
                (one, other) => one.or(other),
            };
        }
        Ok(history)
    }
}

fn mistake(name: &str, text: &str, error: &ParseError) -> Diagnostic {
    let (message, help) = match &error.kind {
        ParseErrorKind::Order { series, cause: AppendError::Duplicate { at } } => (
            format!("`{series}` has two samples at {at}"),
            "give each sample a timestamp of its own; a page without timestamps is one scrape",
        ),
        ParseErrorKind::Order { series, cause: AppendError::OutOfOrder { at, last } } => (
            format!("`{series}` goes back in time, from {last} to {at}"),
            "sort the samples of each series by time; files are read in the order of their flags",
        ),
        other @ ParseErrorKind::Number(word) if is_cut_off(text, word) => (
            other.to_string(),
            "timestamps in seconds are OpenMetrics, whose last line is `# EOF`; the page may be cut off",
        ),
        other => (other.to_string(), ""),
    };
    let mistake = Diagnostic::error(message).at(&Source::new(name, text), error.span, "");
    if help.is_empty() { mistake } else { mistake.help(help) }
}

/// Whether a number is only wrong because the page does not end as `OpenMetrics` does.
fn is_cut_off(page: &str, word: &str) -> bool {
    word.parse::<f64>().is_ok_and(f64::is_finite) && !page.trim_end().ends_with("# EOF")
}
