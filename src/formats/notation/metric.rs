//! The labels of one series: `name{label="value"}`.

use std::fmt;

use crate::{
    promql::syntax::{self, ExprKind, Options},
    series::{Labels, METRIC_NAME},
    text::Span,
};

use super::{Mistake, is_blank};

/// The labels of a series as they are written, sorted by name; a value may be empty.
///
/// An expected sample with an empty label is another than one without, as promtool compares them; see
/// [`Metric::labels`] for what a series carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Metric(Vec<(String, String)>);

impl Metric {
    /// Names and values, sorted; the metric's name is `__name__`.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The labels without those that are empty.
    pub fn labels(&self) -> Labels {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl fmt::Display for Metric {
    /// As Prometheus prints labels: `{__name__="up", job="a"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// Words of the query language that cannot name a metric outside of braces.
const KEYWORDS: [&str; 8] = ["on", "ignoring", "group_left", "group_right", "bool", "atan2", "inf", "nan"];

/// Reads the labels at the start of a text, and says where they end.
pub(super) fn metric(text: &str) -> Result<(Metric, usize), Mistake> {
    let mut scan = Scan { text, at: 0 };
    scan.blanks();
    let from = scan.at;
    let name = scan.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        if name.starts_with(|c: char| c.is_ascii_digit())
            || KEYWORDS.contains(&name.to_ascii_lowercase().as_str())
        {
            return Err(mistake(Span::new(from, scan.at), format!("`{name}` is no name of a metric"), NAME));
        }
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    if scan.take('{') {
        scan.labels(&mut pairs)?;
        if !name.is_empty() {
            // As in Prometheus, the name in front wins.
            pairs.retain(|(label, value)| label != METRIC_NAME || value == name);
            pairs.dedup_by(|a, b| a.0 == METRIC_NAME && b.0 == METRIC_NAME);
        }
    } else if name.is_empty() {
        return Err(mistake(scan.here(), "a series begins with its name or with `{`", FORM));
    }
    pairs.sort();
    if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let what = if twice[0].0 == METRIC_NAME { "the name" } else { "a label" };
        let message = format!("{what} is given twice: `{}`", twice[0].0);
        return Err(mistake(Span::new(from, scan.at), message, "keep one of them"));
    }
    Ok((Metric(pairs), scan.at))
}

const FORM: &str = "write `name{label=\"value\"}`";
const NAME: &str = "put it in quotes, within the braces: `{\"name\", label=\"value\"}`";

fn mistake(span: Span, message: impl Into<String>, help: &'static str) -> Mistake {
    Mistake { message: message.into(), help: Some(help), span }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The character that stands here.
    fn here(&self) -> Span {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        Span::new(self.at, self.at + width)
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_blank).len();
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn word(&mut self, within: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let word = &rest[..rest.find(|c| !within(c)).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// What follows `{`, the `}` included.
    fn labels(&mut self, pairs: &mut Vec<(String, String)>) -> Result<(), Mistake> {
        loop {
            self.blanks();
            if self.take('}') {
                return Ok(());
            }
            let from = self.at;
            let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_');
            let (name, quoted) = if name.is_empty() && self.rest().starts_with(['"', '\'', '`']) {
                (self.string()?, true)
            } else {
                (name.to_owned(), false)
            };
            if !quoted && (name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit())) {
                let span = if name.is_empty() { self.here() } else { Span::new(from, self.at) };
                let message = if self.rest().is_empty() {
                    "the labels have no `}`"
                } else {
                    "a label's name is expected here"
                };
                return Err(mistake(span, message, FORM));
            }
            self.blanks();
            if self.take('=') {
                self.blanks();
                if !self.rest().starts_with(['"', '\'', '`']) {
                    return Err(mistake(self.here(), "a label's value is in quotes", FORM));
                }
                let value = self.string()?;
                pairs.push((name, value));
            } else if quoted {
                pairs.push((METRIC_NAME.to_owned(), name));
            } else {
                return Err(mistake(self.here(), format!("`=` is missing after `{name}`"), FORM));
            }
            self.blanks();
            if !self.take(',') && !self.rest().starts_with('}') {
                let message = if self.rest().is_empty() {
                    "the labels have no `}`"
                } else {
                    "`,` or `}` is expected here"
                };
                return Err(mistake(self.here(), message, FORM));
            }
        }
    }

    /// A string in quotes, as the query language reads it.
    fn string(&mut self) -> Result<String, Mistake> {
        let (from, rest) = (self.at, self.rest());
        let quote = rest.chars().next().unwrap_or('"');
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped && quote != '`';
            closes
        });
        let Some((end, _)) = end else {
            return Err(mistake(Span::new(from, self.text.len()), "the quotes are not closed", FORM));
        };
        let literal = &rest[..=end];
        self.at += literal.len();
        let options = Options { experimental: false, variables: false };
        match syntax::parse(literal, &options).map(|expr| expr.kind) {
            Ok(ExprKind::String(text)) => Ok(text),
            Ok(_) => Err(mistake(Span::new(from, self.at), "a text in quotes is expected here", FORM)),
            Err(errors) => {
                let message = errors.iter().next().map(|error| error.message.clone()).unwrap_or_default();
                Err(Mistake { message, help: None, span: Span::new(from, self.at) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match metric(text) {
            Ok((metric, end)) => format!("{metric} {:?}", &text[end..]),
            Err(mistake) => format!("{}..{} {}", mistake.span.start, mistake.span.end, mistake.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn labels_are_read_as_prometheus_reads_them() {
        check("up", r#"{__name__="up"} """#);
        check(" job:up:sum 1 2", r#"{__name__="job:up:sum"} " 1 2""#);
        check("up{} 1", r#"{__name__="up"} " 1""#);
        check("{}", r#"{} """#);
        check(r#"up{b="2", a='1',} 5"#, r#"{__name__="up", a="1", b="2"} " 5""#);
        check(r#"{"up now", "a.b"="x"}"#, r#"{__name__="up now", a.b="x"} """#);
        check(r#"{__name__="up"}"#, r#"{__name__="up"} """#);
        check("up{a=`\\d`,b=\"\\\"\\\\\"}", r#"{__name__="up", a="\\d", b="\"\\"} """#);
        check(r#"up{a=""}"#, r#"{__name__="up", a=""} """#);
        check("up{ a = \"1\" , b\n=\"2\" }", r#"{__name__="up", a="1", b="2"} """#);
        check(r#"up{__name__="x"}"#, r#"{__name__="up"} """#);
        check("sum{by=\"x\"} 1", r#"{__name__="sum", by="x"} " 1""#);
        assert_eq!(metric(r#"up{a="",b="x"}"#).unwrap().0.labels().to_string(), r#"{__name__="up",b="x"}"#);
    }

    #[test]
    fn mistakes_have_their_places() {
        check("", "0..0 a series begins with its name or with `{`");
        check("é", "0..2 a series begins with its name or with `{`");
        check("5x", "0..2 `5x` is no name of a metric");
        check("NaN 1", "0..3 `NaN` is no name of a metric");
        check("up{a}", "4..5 `=` is missing after `a`");
        check("up{a=1}", "5..6 a label's value is in quotes");
        check("up{a=~\"1\"}", "5..6 a label's value is in quotes");
        check("up{a=\"1\" b=\"2\"}", "9..10 `,` or `}` is expected here");
        check("up{,}", "3..4 a label's name is expected here");
        check("up{9a=\"1\"}", "3..5 a label's name is expected here");
        check("up{a=\"1\"", "8..8 the labels have no `}`");
        check("up{", "3..3 the labels have no `}`");
        check("up{a=\"1}", "5..8 the quotes are not closed");
        check("up{a=\"1\",a=\"2\"}", "0..15 a label is given twice: `a`");
        check("{\"up\",__name__=\"x\"}", "0..19 the name is given twice: `__name__`");
    }
}
