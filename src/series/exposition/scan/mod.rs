//! Reads a page as a scrape does: line by line, lending texts, taking series apart only when asked.
//!
//! Owns: [`Scan`], its entries, [`series_labels`].
//! Must not know: HTTP, which series were there before.
//! Invariants: what is taken and what is refused is what Prometheus 3.16 takes and refuses, with two exceptions: the
//! page is UTF-8 throughout, and a NUL does not end it.
//! Start reading at: [`Scan::next`].

mod number;
mod pairs;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::{series::exposition::Format, time::Timestamp};

use number::{float, seconds};
pub use pairs::{Pairs, series_labels};

/// A page in the making of its entries.
#[derive(Debug)]
pub struct Scan<'a> {
    page: &'a str,
    at: usize,
    format: Format,
    kind: Option<FamilyKind>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<'a> {
    Type(&'a str, FamilyKind),
    Help(&'a str, Cow<'a, str>),
    Unit(&'a str, &'a str),
    Sample(Scanned<'a>),
}

/// A line with a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Scanned<'a> {
    /// Name and braces as written, see [`series_labels`].
    pub series: &'a str,
    /// A NaN is the one that Prometheus stores.
    pub value: f64,
    pub timestamp: Option<Timestamp>,
    /// Of `OpenMetrics` only.
    pub exemplar: Option<ScannedExemplar<'a>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScannedExemplar<'a> {
    pub labels: Pairs<'a>,
    pub value: f64,
    pub timestamp: Option<Timestamp>,
}

/// What a family measures, by the names of `OpenMetrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl FamilyKind {
    const ALL: [Self; 8] = [
        Self::Counter,
        Self::Gauge,
        Self::Histogram,
        Self::GaugeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
        Self::Unknown,
    ];

    /// As Prometheus' API and `OpenMetrics` spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    fn read(word: &str, format: Format) -> Option<Self> {
        match format {
            Format::Text => match word {
                "untyped" => Some(Self::Unknown),
                "counter" => Some(Self::Counter),
                "gauge" => Some(Self::Gauge),
                "histogram" => Some(Self::Histogram),
                "summary" => Some(Self::Summary),
                _ => None,
            },
            Format::OpenMetrics => Self::ALL.into_iter().find(|kind| kind.name() == word),
        }
    }
}

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct ScanError {
    /// Counted from 1.
    pub line: usize,
    pub wrong: Wrong,
}

/// What is wrong with a line; texts of the page are cut to a few words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("expected a metric, got {0:?}")]
    Start(String),
    #[error("expected a metric name after {0}")]
    MetadataName(&'static str),
    #[error("expected text in {0}")]
    MetadataText(&'static str),
    #[error("invalid metric type {0:?}")]
    Type(String),
    #[error("unit {unit:?} not a suffix of metric {family:?}")]
    Unit { unit: String, family: String },
    #[error("expected a label name, got {0:?}")]
    LabelName(String),
    #[error("expected `=` after a label name, got {0:?}")]
    Equal(String),
    #[error("expected a label value in quotes, got {0:?}")]
    LabelValue(String),
    #[error("expected a comma or a closing brace, got {0:?}")]
    Comma(String),
    #[error("the braces are not closed: {0:?}")]
    Open(String),
    #[error("metric name already set: {0:?}")]
    NameTwice(String),
    #[error("metric name not set: {0:?}")]
    NoName(String),
    #[error("expected a value, got {0:?}")]
    NoValue(String),
    #[error("{0:?} is no number")]
    Number(String),
    #[error("{0:?} is out of range")]
    Range(String),
    #[error("{0:?} is no timestamp")]
    Timestamp(String),
    #[error("expected the end of the line, got {0:?}")]
    Rest(String),
    #[error("data does not end with # EOF")]
    NoEof,
    #[error("unexpected data after # EOF")]
    AfterEof,
}

/// The beginning of what stands somewhere, to be shown.
pub(super) fn glimpse(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(40).collect()
}

impl<'a> Scan<'a> {
    pub fn new(page: &'a str, format: Format) -> Self {
        Self { page, at: 0, format, kind: None }
    }

    /// What the last `TYPE` said, whatever family it was of: it decides how [`series_labels`] writes bounds.
    pub fn kind(&self) -> Option<FamilyKind> {
        self.kind
    }

    /// The next entry; comments and, in the text format, blank lines are passed over. `guess` is the series that the
    /// next sample may be of: where it is, the text is not looked through.
    pub fn next(&mut self, guess: &str) -> Result<Option<Entry<'a>>, ScanError> {
        let start = self.at;
        let entry = match self.format {
            Format::Text => self.next_text(guess),
            Format::OpenMetrics => self.next_open_metrics(guess),
        };
        entry.map_err(|wrong| {
            // A mistake lies on the line where reading began, or on a later one that was begun since.
            let before = &self.page[..self.at.max(start).min(self.page.len())];
            ScanError { line: 1 + before.bytes().filter(|byte| *byte == b'\n').count(), wrong }
        })
    }

    fn rest(&self) -> &'a str {
        &self.page[self.at..]
    }

    fn next_text(&mut self, guess: &str) -> Result<Option<Entry<'a>>, Wrong> {
        loop {
            let rest = self.rest();
            let line = rest.trim_start_matches([' ', '\t']);
            self.at += rest.len() - line.len();
            let Some(first) = line.as_bytes().first() else { return Ok(None) };
            match first {
                b'\n' => self.at += 1,
                b'#' => {
                    let end = line.find('\n').unwrap_or(line.len());
                    let entry = self.text_comment(&line[..end])?;
                    self.at = (self.at + end + 1).min(self.page.len());
                    if entry.is_some() {
                        return Ok(entry);
                    }
                }
                _ => return self.text_sample(line, guess).map(Some),
            }
        }
    }

    fn text_comment(&mut self, line: &'a str) -> Result<Option<Entry<'a>>, Wrong> {
        let blanks = [' ', '\t'];
        let Some(word) = line[1..].strip_prefix(blanks).map(|word| word.trim_start_matches(blanks)) else {
            return Ok(None);
        };
        let (what, rest) = match (word.strip_prefix("HELP"), word.strip_prefix("TYPE")) {
            (Some(rest), _) => ("HELP", rest),
            (_, Some(rest)) => ("TYPE", rest),
            _ => return Ok(None),
        };
        let Some(rest) = rest.strip_prefix(blanks) else { return Ok(None) };
        let (family, rest) = family(rest.trim_start_matches(blanks), what)?;
        // One character stands between name and text.
        let text = rest.chars().next().map_or("", |first| &rest[first.len_utf8()..]);
        if what == "TYPE" {
            return self.typed(family, text).map(Some);
        }
        Ok(Some(Entry::Help(family, unescaped(text, Escapes::Help))))
    }

    fn typed(&mut self, family: &'a str, word: &str) -> Result<Entry<'a>, Wrong> {
        let kind = FamilyKind::read(word, self.format).ok_or_else(|| Wrong::Type(glimpse(word)))?;
        self.kind = Some(kind);
        Ok(Entry::Type(family, kind))
    }

    fn text_sample(&mut self, line: &'a str, guess: &str) -> Result<Entry<'a>, Wrong> {
        let length = match guessed(line, guess) {
            Some(length) => length,
            None => pairs::series_end(line, self.format)?,
        };
        let (series, rest) = line.split_at(length);
        let bytes = rest.as_bytes();
        let from = blanks(bytes, 0);
        let to = from + word(&bytes[from..]);
        if to == from {
            return Err(Wrong::NoValue(glimpse(rest)));
        }
        let value = float(&rest[from..to])?;
        let from = blanks(bytes, to);
        let to = from + word(&bytes[from..]);
        let mut timestamp = None;
        let mut end = to;
        if to > from {
            let text = &rest[from..to];
            let millis = text.parse::<i64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            timestamp = Some(Timestamp(millis.ok_or_else(|| Wrong::Timestamp(glimpse(text)))?));
            end = blanks(bytes, to);
        }
        match bytes.get(end) {
            None => {}
            Some(b'\n') => end += 1,
            Some(_) => return Err(Wrong::Rest(glimpse(&rest[end..]))),
        }
        self.at += length + end;
        Ok(Entry::Sample(Scanned { series, value, timestamp, exemplar: None }))
    }

    fn next_open_metrics(&mut self, guess: &str) -> Result<Option<Entry<'a>>, Wrong> {
        let line = self.rest();
        if line.is_empty() {
            return Err(Wrong::NoEof);
        }
        if let Some(comment) = line.strip_prefix("# ") {
            if let Some(rest) = comment.strip_prefix("EOF") {
                return if matches!(rest, "" | "\n") { Ok(None) } else { Err(Wrong::AfterEof) };
            }
            return self.open_metrics_comment(comment).map(Some);
        }
        if line.starts_with(['\n', ' ', '#']) {
            return Err(Wrong::Start(glimpse(line)));
        }
        self.open_metrics_sample(line, guess).map(Some)
    }

    fn open_metrics_comment(&mut self, comment: &'a str) -> Result<Entry<'a>, Wrong> {
        let what = ["HELP", "TYPE", "UNIT"]
            .into_iter()
            .find(|what| comment.strip_prefix(what).is_some_and(|rest| rest.starts_with(' ')));
        let Some(what) = what else { return Err(Wrong::Start(glimpse(comment))) };
        let end = comment.find('\n').ok_or(Wrong::NoEof)?;
        let (family, rest) = family(&comment[what.len() + 1..end], what)?;
        let text = rest.strip_prefix(' ').ok_or(Wrong::MetadataText(what))?;
        let entry = match what {
            "TYPE" => self.typed(family, text)?,
            "HELP" => Entry::Help(family, unescaped(text, Escapes::Label)),
            _ => {
                let stem = family.strip_suffix(text);
                if !text.is_empty() && !stem.is_some_and(|stem| stem.ends_with('_')) {
                    return Err(Wrong::Unit { unit: glimpse(text), family: glimpse(family) });
                }
                Entry::Unit(family, text)
            }
        };
        self.at += "# ".len() + end + 1;
        Ok(entry)
    }

    fn open_metrics_sample(&mut self, line: &'a str, guess: &str) -> Result<Entry<'a>, Wrong> {
        let length = match guessed(line, guess) {
            Some(length) => length,
            None => pairs::series_end(line, self.format)?,
        };
        let (series, rest) = line.split_at(length);
        let mut cursor = Cursor { rest };
        let value = cursor.word().ok_or_else(|| Wrong::NoValue(glimpse(rest)))?;
        let value = float(value)?;
        let mut timestamp = None;
        if !cursor.rest.starts_with(" # {") {
            timestamp = cursor.word().map(seconds).transpose()?;
        }
        let mut exemplar = None;
        if let Some(inside) = cursor.rest.strip_prefix(" # {") {
            let (labels, after) = pairs::exemplar_labels(inside)?;
            cursor.rest = after;
            let value = cursor.word().ok_or_else(|| Wrong::NoValue(glimpse(after)))?;
            let value = float(value)?;
            let timestamp = cursor.word().map(seconds).transpose()?;
            exemplar = Some(ScannedExemplar { labels, value, timestamp });
        }
        let after = match cursor.rest.strip_prefix('\n') {
            Some(after) => after,
            None if cursor.rest.is_empty() => return Err(Wrong::NoEof),
            None => return Err(Wrong::Rest(glimpse(cursor.rest))),
        };
        self.at = self.page.len() - after.len();
        Ok(Entry::Sample(Scanned { series, value, timestamp, exemplar }))
    }
}

/// What follows a series in `OpenMetrics`: words, each after one space.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn word(&mut self) -> Option<&'a str> {
        let word = self.rest.strip_prefix(' ')?;
        let end = word.bytes().position(|byte| matches!(byte, b' ' | b'\n')).unwrap_or(word.len());
        if end == 0 {
            return None;
        }
        self.rest = &word[end..];
        Some(&word[..end])
    }
}

/// The length of the series at the beginning of a line, if it is the guessed one. A name without braces could go on, or
/// have braces after a blank.
fn guessed(line: &str, guess: &str) -> Option<usize> {
    let after = line.strip_prefix(guess)?;
    if guess.ends_with('}') {
        return Some(guess.len());
    }
    let is_whole = after.starts_with(' ')
        && after.as_bytes().get(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    (is_whole && !guess.is_empty()).then_some(guess.len())
}

/// The first index from `at` on that is no blank.
fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The length of a word of the text format.
fn word(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'{')).count()
}

/// The name after `HELP` and its kin, without its quotes, and what follows it.
fn family<'a>(text: &'a str, what: &'static str) -> Result<(&'a str, &'a str), Wrong> {
    let missing = Wrong::MetadataName(what);
    if let Some(quoted) = text.strip_prefix('"') {
        let end = pairs::quote_end(quoted).ok_or(missing)?;
        return Ok((&quoted[..end], &quoted[end + 1..]));
    }
    match pairs::metric_name(text.as_bytes()) {
        0 => Err(missing),
        end => Ok(text.split_at(end)),
    }
}

/// Which escapes a text knows; any other backslash is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `\\` and `\n`.
    Help,
    /// Those and `\"`.
    Label,
}

pub(super) fn unescaped(text: &str, escapes: Escapes) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (c, length) = match after.as_bytes().first() {
            Some(b'\\') => ('\\', 1),
            Some(b'n') => ('\n', 1),
            Some(b'"') if escapes == Escapes::Label => ('"', 1),
            _ => ('\\', 0),
        };
        out.push(c);
        rest = &after[length..];
    }
    out.push_str(rest);
    out.into()
}
