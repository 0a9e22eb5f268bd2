//! Reads exposition text into samples.

use std::borrow::Cow;

use super::{Format, number::canonical_bound_text};
use crate::{
    series::{
        AppendError, Labels, LabelsError,
        labels::{is_metric_name, tidy},
    },
    text::Span,
    time::Timestamp,
};

/// One line of an exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
    /// Absent on nearly every page: the time of the scrape holds.
    pub timestamp: Option<Timestamp>,
}

/// Why a text is no exposition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// The part of the page that is wrong.
    pub span: Span,
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseErrorKind {
    #[error("`{0}` is no metric name")]
    Name(String),
    #[error("the braces are not closed")]
    Braces,
    #[error("`{0}` is no `name=\"value\"`")]
    Pair(String),
    #[error("`\\{0}` is no escape in a label value")]
    Escape(char),
    #[error(transparent)]
    Labels(#[from] LabelsError),
    #[error("there is no value")]
    NoValue,
    #[error("`{0}` is no number")]
    Number(String),
    #[error("`{0}` follows the sample")]
    Rest(String),
    #[error("there is text after `# EOF`")]
    AfterEof,
    /// Only where a page is read as a history.
    #[error("`{series}`: {cause}")]
    Order { series: String, cause: AppendError },
}

/// The samples of a page, in its order; Prometheus text 0.0.4 and `OpenMetrics` 1.0.0 alike.
///
/// `HELP`, `TYPE`, `UNIT` and exemplars are passed over. `# EOF` at the end tells `OpenMetrics`, whose timestamps are
/// seconds; those of text 0.0.4 are milliseconds.
pub fn parse(text: &str) -> Result<Vec<Sample>, ParseError> {
    let mut lines = Lines::new(text);
    let mut samples = Vec::new();
    while let Some(line) = lines.next_sample()? {
        let (name, pairs) = read_series(line.series).map_err(|wrong| lines.error(wrong))?;
        let labels = Labels::from_tidy(pairs.iter().map(|(name, value)| ((*name).into(), (&**value).into())));
        let Line { value, timestamp, .. } = line;
        samples.push(Sample { name: name.to_owned(), labels, value, timestamp });
    }
    Ok(samples)
}

/// What is wrong, and with which part of the page.
pub(super) struct Wrong<'a> {
    part: &'a str,
    kind: ParseErrorKind,
}

impl<'a> Wrong<'a> {
    pub(super) fn new(part: &'a str, kind: ParseErrorKind) -> Self {
        Self { part, kind }
    }
}

/// A page, line by line.
pub(super) struct Lines<'a> {
    page: &'a str,
    format: Format,
    /// Where the next line begins, and the number of the one before it.
    at: usize,
    number: usize,
    ended: bool,
    bounds: Bounds,
}

/// The label that holds numbers in the family whose `TYPE` came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    None,
    Le,
    Quantile,
}

/// A line with a sample; the series is not taken apart yet.
pub(super) struct Line<'a> {
    /// Name and braces, as written.
    pub(super) series: &'a str,
    pub(super) value: f64,
    pub(super) timestamp: Option<Timestamp>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(page: &'a str) -> Self {
        let format = if page.trim_end().ends_with("\n# EOF") { Format::OpenMetrics } else { Format::Text };
        Self { page, format, at: 0, number: 0, ended: false, bounds: Bounds::None }
    }

    /// The error with its place.
    pub(super) fn error(&self, wrong: Wrong<'_>) -> ParseError {
        let start = (wrong.part.as_ptr() as usize).saturating_sub(self.page.as_ptr() as usize);
        let span = Span::new(start, start + wrong.part.len());
        ParseError { line: self.number, span, kind: wrong.kind }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(super) fn next_sample(&mut self) -> Result<Option<Line<'a>>, ParseError> {
        while self.at < self.page.len() {
            let rest = &self.page[self.at..];
            let end = rest.find('\n').unwrap_or(rest.len());
            self.at += end + 1;
            self.number += 1;
            let line = rest[..end].trim_matches([' ', '\t', '\r']);
            if line.is_empty() {
                continue;
            }
            if self.ended {
                return Err(self.error(Wrong::new(line, ParseErrorKind::AfterEof)));
            }
            if line.starts_with('#') {
                self.comment(line);
                continue;
            }
            return sample(line, self.format).map(Some).map_err(|wrong| self.error(wrong));
        }
        Ok(None)
    }

    fn comment(&mut self, line: &str) {
        self.ended = line == "# EOF";
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            self.bounds = match kind.split_ascii_whitespace().nth(1) {
                Some("histogram") => Bounds::Le,
                Some("summary") => Bounds::Quantile,
                _ => Bounds::None,
            };
        }
    }
}

impl Bounds {
    /// Writes a bound as Prometheus stores it, `1.0` for `1`, so that both text formats give the same series.
    pub(super) fn normalise(self, pairs: &mut [Pair<'_>]) {
        let name = match self {
            Self::None => return,
            Self::Le => "le",
            Self::Quantile => "quantile",
        };
        let Some((_, text)) = pairs.iter_mut().find(|(label, _)| *label == name) else { return };
        let Ok(bound) = text.parse::<f64>() else { return };
        let canonical = if bound.is_nan() {
            "NaN".to_owned()
        } else if bound == f64::NEG_INFINITY {
            "-Inf".to_owned()
        } else {
            canonical_bound_text(bound)
        };
        if canonical != *text {
            *text = canonical.into();
        }
    }
}

fn sample(line: &str, format: Format) -> Result<Line<'_>, Wrong<'_>> {
    let (series, rest) = line.split_at(series_end(line)?);
    // An exemplar begins with a lone `#`.
    let mut words = rest.split_ascii_whitespace().take_while(|word| *word != "#");
    let value = number(words.next().ok_or_else(|| Wrong::new(line, ParseErrorKind::NoValue))?)?;
    let timestamp = words.next().map(|word| timestamp(word, format)).transpose()?;
    match words.next() {
        Some(word) => Err(Wrong::new(word, ParseErrorKind::Rest(word.to_owned()))),
        None => Ok(Line { series, value, timestamp }),
    }
}

/// Where name and braces of a sample end.
fn series_end(line: &str) -> Result<usize, Wrong<'_>> {
    let bytes = line.as_bytes();
    let name_end = bytes.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t')).unwrap_or(bytes.len());
    let blank = bytes[name_end..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let open = name_end + blank;
    if bytes.get(open) != Some(&b'{') {
        return Ok(name_end);
    }
    let (mut quoted, mut at) = (false, open + 1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'}' if !quoted => return Ok(at + 1),
            _ => {}
        }
        at += 1;
    }
    // What is wrong inside says more than the missing brace.
    read_series(line).and(Err(Wrong::new(&line[open..], ParseErrorKind::Braces)))
}

/// A label of a series; the value is unescaped.
pub(super) type Pair<'a> = (&'a str, Cow<'a, str>);

/// Takes name and braces apart; labels are sorted, differ and are not empty.
pub(super) fn read_series(series: &str) -> Result<(&str, Vec<Pair<'_>>), Wrong<'_>> {
    let name_end = series.find(['{', ' ', '\t']).unwrap_or(series.len());
    let (name, rest) = series.split_at(name_end);
    if !is_metric_name(name) {
        return Err(Wrong::new(name, ParseErrorKind::Name(name.to_owned())));
    }
    let braces = rest.trim_start();
    let Some(inside) = braces.strip_prefix('{') else { return Ok((name, Vec::new())) };
    let unclosed = |part| Wrong::new(part, ParseErrorKind::Braces);
    let mut pairs = Vec::new();
    let mut rest = inside.trim_start();
    loop {
        if rest.starts_with('}') {
            tidy(&mut pairs).map_err(|error| Wrong::new(braces, error.into()))?;
            return Ok((name, pairs));
        }
        let (label, after) = rest.split_once('=').ok_or_else(|| unclosed(braces))?;
        let label = label.trim();
        let quoted = after
            .trim_start()
            .strip_prefix('"')
            .ok_or_else(|| Wrong::new(label, ParseErrorKind::Pair(label.to_owned())))?;
        let (value, after) = label_value(quoted)?;
        pairs.push((label, value));
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err(unclosed(braces)),
        }
    }
}

/// A value up to its closing quote, unescaped, and the text after it.
fn label_value(quoted: &str) -> Result<(Cow<'_, str>, &str), Wrong<'_>> {
    let unclosed = || Wrong::new(quoted, ParseErrorKind::Braces);
    let mut value = String::new();
    let mut rest = quoted;
    loop {
        let at = rest.find(['"', '\\']).ok_or_else(unclosed)?;
        let escape = &rest[at..];
        let Some(after) = escape.strip_prefix('\\') else {
            let last = &rest[..at];
            let whole = if value.is_empty() { last.into() } else { (value + last).into() };
            return Ok((whole, &escape[1..]));
        };
        value.push_str(&rest[..at]);
        match after.chars().next().ok_or_else(unclosed)? {
            'n' => value.push('\n'),
            escaped @ ('\\' | '"') => value.push(escaped),
            other => {
                let part = &escape[..=other.len_utf8()];
                return Err(Wrong::new(part, ParseErrorKind::Escape(other)));
            }
        }
        rest = &after[1..];
    }
}

fn number(word: &str) -> Result<f64, Wrong<'_>> {
    word.parse().map_err(|_| Wrong::new(word, ParseErrorKind::Number(word.to_owned())))
}

fn timestamp(word: &str, format: Format) -> Result<Timestamp, Wrong<'_>> {
    let wrong = || Wrong::new(word, ParseErrorKind::Number(word.to_owned()));
    if format == Format::Text {
        return word.parse().map(Timestamp).map_err(|_| wrong());
    }
    let millis = (number(word)? * 1000.0).round();
    if millis.is_nan() || millis.abs() > 9e15 {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    Ok(Timestamp(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares name, labels, value and timestamp of the samples as text.
    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let got = parse(text).map(|samples| {
            let line = |s: &Sample| match s.timestamp {
                Some(at) => format!("{}{} {} @{}", s.name, s.labels, s.value, at.0),
                None => format!("{}{} {}", s.name, s.labels, s.value),
            };
            samples.iter().map(line).collect::<Vec<_>>().join("; ")
        });
        assert_eq!(got.as_deref().map_err(ToString::to_string), expect.map_err(str::to_owned));
    }

    #[test]
    fn pages_are_read() {
        check("", Ok(""));
        check("a 1\nb 2\n", Ok("a{} 1; b{} 2"));
        check("a 1\r\n\r\nb 2\r\n", Ok("a{} 1; b{} 2"));
        check("# HELP a x\n# TYPE a gauge\na 1\n# EOF\n", Ok("a{} 1"));
        check("a{} 1", Ok("a{} 1"));
        check(r#"a{y="2",x="1",} 1.5e3"#, Ok(r#"a{x="1",y="2"} 1500"#));
        check(r#"a { x = "1" , y="2" } 1"#, Ok(r#"a{x="1",y="2"} 1"#));
        check(r#"a{x="} \" \\ \n,="} 1"#, Ok(r#"a{x="} \" \\ \n,="} 1"#));
        check(r#"a{x="1"}2"#, Ok(r#"a{x="1"} 2"#));
        check(r#"a{x="é中"} 1"#, Ok("a{x=\"é中\"} 1"));
        check(r#"a{x=""} 1"#, Ok("a{} 1"));
        check(r#"a_bucket{le="+Inf"} +Inf"#, Ok(r#"a_bucket{le="+Inf"} inf"#));
        check("vllm:x NaN", Ok("vllm:x{} NaN"));
        check("a 1 1795477826500", Ok("a{} 1 @1795477826500"));
        check("a 1 1795477826.5\n# EOF\n", Ok("a{} 1 @1795477826500"));
        check("a 1 1795477826\n# EOF\n", Ok("a{} 1 @1795477826000"));
        check("a_total 1 # {trace_id=\"x\"} 0.5 1795477826.5", Ok("a_total{} 1"));
    }

    #[test]
    fn mistakes_name_their_line() {
        check("a 1\n9a 1", Err("line 2: `9a` is no metric name"));
        check("a", Err("line 1: there is no value"));
        check("a one", Err("line 1: `one` is no number"));
        check("a 1 2 3", Err("line 1: `3` follows the sample"));
        check("a 1 x.5", Err("line 1: `x.5` is no number"));
        check("a 1 NaN\n# EOF", Err("line 1: `NaN` is no number"));
        check("a{x=\"1\" 1", Err("line 1: the braces are not closed"));
        check("a{x=\"1", Err("line 1: the braces are not closed"));
        check("a{x=\"1\\", Err("line 1: the braces are not closed"));
        check("a{x", Err("line 1: the braces are not closed"));
        check("a{x=1} 1", Err("line 1: `x` is no `name=\"value\"`"));
        check("a{x=1\"} 1", Err("line 1: `x` is no `name=\"value\"`"));
        check(r#"a{x="\t"} 1"#, Err("line 1: `\\t` is no escape in a label value"));
        check(r#"a{x="\é"} 1"#, Err("line 1: `\\é` is no escape in a label value"));
        check(r#"a{x="1",x="2"} 1"#, Err("line 1: the label `x` is given twice"));
        check("# EOF\na 1", Err("line 2: there is text after `# EOF`"));
    }

    /// The part of the page that an error points at.
    #[track_caller]
    fn check_place(page: &str, expect: &str) {
        let span = parse(page).unwrap_err().span;
        assert_eq!(&page[span.start..span.end], expect);
    }

    #[test]
    fn mistakes_have_their_place() {
        check_place("a 1\n9a 1", "9a");
        check_place("a 1\n  a  ", "a");
        check_place("é", "é");
        check_place("a 1\na{x=\"1\"} one 5", "one");
        check_place("a 1 2 3 4", "3");
        check_place("a{x=\"1\" 1", "{x=\"1\" 1");
        check_place("a{x=\"1\",yy=1} 1", "yy");
        check_place(r#"a{x="\t"} 1"#, "\\t");
        check_place("a{x=\"1\",x=\"2\"} 1", "{x=\"1\",x=\"2\"}");
        check_place("# EOF\na 1", "a 1");
    }
}
