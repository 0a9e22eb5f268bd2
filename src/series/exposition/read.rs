//! Reads exposition text into samples.

use super::Format;
use crate::{
    series::{Labels, LabelsError, labels::is_metric_name},
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
}

/// The samples of a page, in its order; Prometheus text 0.0.4 and `OpenMetrics` 1.0.0 alike.
///
/// `HELP`, `TYPE`, `UNIT` and exemplars are passed over. `# EOF` at the end tells `OpenMetrics`, whose timestamps are
/// seconds; those of text 0.0.4 are milliseconds.
pub fn parse(text: &str) -> Result<Vec<Sample>, ParseError> {
    let format = if text.trim_end().ends_with("\n# EOF") { Format::OpenMetrics } else { Format::Text };
    let mut samples = Vec::new();
    let mut ended = false;
    for (index, line) in text.lines().enumerate() {
        let fail = |kind| ParseError { line: index + 1, kind };
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() {
            continue;
        }
        if ended {
            return Err(fail(ParseErrorKind::AfterEof));
        }
        if line.starts_with('#') {
            ended = line == "# EOF";
            continue;
        }
        samples.push(sample(line, format).map_err(fail)?);
    }
    Ok(samples)
}

fn sample(line: &str, format: Format) -> Result<Sample, ParseErrorKind> {
    let name_end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    if !is_metric_name(name) {
        return Err(ParseErrorKind::Name(name.to_owned()));
    }
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Labels::default(), rest),
    };
    // An exemplar begins with a lone `#`.
    let mut words = rest.split_ascii_whitespace().take_while(|word| *word != "#");
    let value = number(words.next().ok_or(ParseErrorKind::NoValue)?)?;
    let timestamp = words.next().map(|word| timestamp(word, format)).transpose()?;
    match words.next() {
        Some(word) => Err(ParseErrorKind::Rest(word.to_owned())),
        None => Ok(Sample { name: name.to_owned(), labels, value, timestamp }),
    }
}

/// What stands in the braces, and the text after them.
fn labels(inside: &str) -> Result<(Labels, &str), ParseErrorKind> {
    let mut pairs = Vec::new();
    let mut rest = inside.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((Labels::new(pairs)?, after));
        }
        let (name, after) = rest.split_once('=').ok_or(ParseErrorKind::Braces)?;
        let name = name.trim();
        let quoted =
            after.trim_start().strip_prefix('"').ok_or_else(|| ParseErrorKind::Pair(name.to_owned()))?;
        let (value, after) = label_value(quoted)?;
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err(ParseErrorKind::Braces),
        }
    }
}

/// A value up to its closing quote, unescaped, and the text after it.
fn label_value(quoted: &str) -> Result<(String, &str), ParseErrorKind> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &quoted[index + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                Some((_, other)) => return Err(ParseErrorKind::Escape(other)),
                None => return Err(ParseErrorKind::Braces),
            },
            _ => value.push(c),
        }
    }
    Err(ParseErrorKind::Braces)
}

fn number(word: &str) -> Result<f64, ParseErrorKind> {
    word.parse().map_err(|_| ParseErrorKind::Number(word.to_owned()))
}

fn timestamp(word: &str, format: Format) -> Result<Timestamp, ParseErrorKind> {
    let wrong = || ParseErrorKind::Number(word.to_owned());
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

    /// Compares name, labels, value and timestamp of the first sample as text.
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
        check("# HELP a x\n# TYPE a gauge\na 1\n# EOF\n", Ok("a{} 1"));
        check("a{} 1", Ok("a{} 1"));
        check(r#"a{y="2",x="1",} 1.5e3"#, Ok(r#"a{x="1",y="2"} 1500"#));
        check(r#"a { x = "1" , y="2" } 1"#, Ok(r#"a{x="1",y="2"} 1"#));
        check(r#"a{x="} \" \\ \n,="} 1"#, Ok(r#"a{x="} \" \\ \n,="} 1"#));
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
        check("a{x", Err("line 1: the braces are not closed"));
        check("a{x=1} 1", Err("line 1: `x` is no `name=\"value\"`"));
        check(r#"a{x="\t"} 1"#, Err("line 1: `\\t` is no escape in a label value"));
        check(r#"a{x="1",x="2"} 1"#, Err("line 1: the label `x` is given twice"));
        check("# EOF\na 1", Err("line 2: there is text after `# EOF`"));
    }
}
