//! What stands in braces: labels, and quoted names of metrics.

use std::borrow::Cow;

use crate::series::{
    METRIC_NAME,
    exposition::{Format, number::canonical_bound_text},
};

use super::{Escapes, FamilyKind, Wrong, glimpse, unescaped};

/// Names and values, unescaped, in the order of the page; the name of the metric is among them.
pub type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The length of `[a-zA-Z_:][a-zA-Z0-9_:]*` at the beginning.
pub(super) fn metric_name(bytes: &[u8]) -> usize {
    let start = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':');
    if !bytes.first().is_some_and(start) {
        return 0;
    }
    bytes.iter().take_while(|byte| start(byte) || byte.is_ascii_digit()).count()
}

/// The length of `[a-zA-Z_][a-zA-Z0-9_]*` at the beginning.
fn label_name(bytes: &[u8]) -> usize {
    let end = metric_name(bytes);
    bytes[..end].iter().position(|byte| *byte == b':').unwrap_or(end)
}

/// Where the quote that ends a text stands; the one that begins it has been taken.
pub(super) fn quote_end(quoted: &str) -> Option<usize> {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Where name and braces end. What is wrong within them is seen by [`series_labels`].
pub(super) fn series_end(line: &str, format: Format) -> Result<usize, Wrong> {
    let bytes = line.as_bytes();
    let name = metric_name(bytes);
    let mut open = name;
    if format == Format::Text {
        open += bytes[name..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    }
    if bytes.get(open) != Some(&b'{') {
        return if name == 0 { Err(Wrong::Start(glimpse(line))) } else { Ok(name) };
    }
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'}' => return Ok(at + 1),
            b'"' => {
                let end = quote_end(&line[at + 1..]).ok_or_else(|| Wrong::Open(glimpse(line)))?;
                at += end + 2;
            }
            // Outside of quotes no line ends within braces.
            b'\n' => break,
            _ => at += 1,
        }
    }
    Err(Wrong::Open(glimpse(line)))
}

/// Takes name and braces of a sample apart. Bounds of the family's kind are written as Prometheus stores them: `1.0`
/// for `1`, so that both formats give the same series.
pub fn series_labels(series: &str, format: Format, kind: Option<FamilyKind>) -> Result<Pairs<'_>, Wrong> {
    let name = metric_name(series.as_bytes());
    let mut pairs = Vec::with_capacity(8);
    if name > 0 {
        pairs.push((METRIC_NAME.into(), series[..name].into()));
    }
    let braces = series[name..].trim_start_matches([' ', '\t']);
    if let Some(inside) = braces.strip_prefix('{') {
        let mut braces = Braces { rest: inside, format, may_name: true };
        braces.read(&mut pairs)?;
    }
    if !pairs.iter().any(|(name, _)| name == METRIC_NAME) {
        return Err(Wrong::NoName(glimpse(series)));
    }
    let bound = match kind {
        Some(FamilyKind::Histogram) => "le",
        Some(FamilyKind::Summary) => "quantile",
        _ => return Ok(pairs),
    };
    for (_, text) in pairs.iter_mut().filter(|(name, _)| name == bound) {
        if let Some(canonical) = canonical(text) {
            *text = canonical.into();
        }
    }
    Ok(pairs)
}

/// A bound in the one way in which it is stored; `None` where it is no number or is so already.
fn canonical(text: &str) -> Option<String> {
    let bound = super::float(text).ok()?;
    let canonical = if bound.is_nan() {
        "NaN".to_owned()
    } else if bound == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        canonical_bound_text(bound)
    };
    (canonical != text).then_some(canonical)
}

/// The labels of an exemplar up to their closing brace, and what follows it.
pub(super) fn exemplar_labels(inside: &str) -> Result<(Pairs<'_>, &str), Wrong> {
    let mut pairs = Vec::new();
    let mut braces = Braces { rest: inside, format: Format::OpenMetrics, may_name: false };
    braces.read(&mut pairs)?;
    Ok((pairs, braces.rest))
}

struct Braces<'a> {
    rest: &'a str,
    format: Format,
    /// Whether a quoted text alone is the name of the metric.
    may_name: bool,
}

impl<'a> Braces<'a> {
    /// Up to the closing brace.
    fn read(&mut self, pairs: &mut Pairs<'a>) -> Result<(), Wrong> {
        loop {
            self.skip_blanks();
            if self.take('}') {
                return Ok(());
            }
            let is_quoted = self.rest.starts_with('"');
            let name = self.name()?;
            self.skip_blanks();
            if is_quoted && self.may_name && self.rest.starts_with([',', '}']) {
                if pairs.iter().any(|(name, _)| name == METRIC_NAME) {
                    return Err(Wrong::NameTwice(glimpse(&name)));
                }
                pairs.push((METRIC_NAME.into(), name));
                if self.take('}') {
                    return Ok(());
                }
                self.take(',');
                continue;
            }
            if !self.take('=') {
                return Err(Wrong::Equal(glimpse(self.rest)));
            }
            self.skip_blanks();
            let value = self.value()?;
            pairs.push((name, value));
            self.skip_blanks();
            // The text format asks for no comma.
            if !self.take(',') && self.format == Format::OpenMetrics && !self.rest.starts_with('}') {
                return Err(Wrong::Comma(glimpse(self.rest)));
            }
        }
    }

    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn skip_blanks(&mut self) {
        if self.format == Format::Text {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
        }
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Wrong> {
        if self.rest.starts_with('"') {
            return self.quoted().ok_or_else(|| Wrong::LabelName(glimpse(self.rest)));
        }
        match label_name(self.rest.as_bytes()) {
            0 => Err(Wrong::LabelName(glimpse(self.rest))),
            end => {
                let (name, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(name.into())
            }
        }
    }

    fn value(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let before = self.rest;
        let wrong = || Wrong::LabelValue(glimpse(before));
        let value = self.quoted().ok_or_else(wrong)?;
        let written = &before[..before.len() - self.rest.len()];
        if self.format == Format::OpenMetrics && written.contains('\n') {
            return Err(wrong());
        }
        Ok(value)
    }

    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let quoted = self.rest.strip_prefix('"')?;
        let end = quote_end(quoted)?;
        self.rest = &quoted[end + 1..];
        Some(unescaped(&quoted[..end], Escapes::Label))
    }
}
