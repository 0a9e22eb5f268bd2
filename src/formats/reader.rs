//! Keys and values of another program's YAML file, with every mistake on the way.

use crate::{
    diagnostic::Diagnostic,
    promql::syntax::{self, Options, Spanned},
    text::{Source, Span, nearest},
    time::PromDuration,
    yaml::{self, Decoded, Entry, Node, Origin, Scalar, Style, Value},
};

use super::rules::Expression;

/// Rule files and their tests may be generated, so they may be large.
const YAML: yaml::Options = yaml::Options {
    max_bytes: 64 << 20,
    too_long: "split the file",
    max_depth: 64,
    dialect: yaml::Dialect::Foreign,
};

/// A text in a file: what it says, and where each of its characters was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    scalar: Scalar,
    origin: Origin,
}

impl Text {
    pub fn as_str(&self) -> &str {
        &self.scalar.text
    }

    /// The scalar in the file, quotes included. A block begins at its first character.
    pub fn span(&self) -> Span {
        self.origin.span
    }

    pub(super) fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// Where a part of the text lies in the file.
    pub fn place(&self, part: Span) -> Span {
        Decoded::new(&self.scalar, &self.origin).place(part)
    }

    /// As [`Text::place`], for many parts.
    pub fn places(&self) -> impl Fn(Span) -> Span {
        let decoded = Decoded::new(&self.scalar, &self.origin);
        move |part| decoded.place(part)
    }
}

/// A name and its text, as in `labels` and `annotations`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub name: Spanned<String>,
    pub text: Text,
}

/// A map's entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'n> {
    node: &'n Node,
    known: &'n [&'n str],
}

impl<'n> Keys<'n> {
    /// The entry of a key; one without a value counts as not written.
    pub(super) fn get(self, key: &str) -> Option<&'n Entry> {
        self.node.entry(key).filter(|entry| !entry.value.is_null())
    }

    /// Whether a key that is missing has been told of: its value has the wrong shape, or its name is misspelt.
    pub(super) fn is_told(self, key: &str) -> bool {
        let Value::Map(entries) = &self.node.value else { return false };
        entries.iter().any(|entry| {
            let is_known = self.known.contains(&entry.key.as_str());
            let meant =
                if is_known { Some(&*entry.key) } else { nearest(&entry.key, self.known.iter().copied()) };
            meant == Some(key) && (!is_known || entry.value.is_collection())
        })
    }
}

pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    pub(super) mistakes: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, mistakes: Vec::new() }
    }

    /// All mistakes, in the order of the file.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut mistakes = self.mistakes;
        mistakes.sort_by_key(|mistake| mistake.labels.first().map(|label| label.span.start));
        mistakes
    }

    /// The root of the file; `None` where it is no YAML.
    pub(super) fn root(&mut self) -> Option<Node> {
        yaml::read(self.source, &YAML, &mut self.mistakes)
    }

    pub(super) fn mistake(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(Diagnostic::error(message).at(self.source, span, "").help(help));
    }

    /// The entries of `what`, unknown keys told; `None` where there are no keys.
    pub(super) fn keys<'n>(&mut self, node: &'n Node, what: &str, known: &'n [&'n str]) -> Option<Keys<'n>> {
        match &node.value {
            Value::Null => return Some(Keys { node, known }),
            Value::Map(entries) => {
                for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
                    let message = format!("unknown key `{}` in {what}", entry.key.escape_debug());
                    let help = match nearest(&entry.key, known.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("{what} has {}", listed(known)),
                    };
                    self.mistake(entry.key_origin.span, message, help);
                }
                return Some(Keys { node, known });
            }
            Value::Scalar(_) | Value::List(_) => {}
        }
        let message = format!("{what} has keys; this is {}", node.kind());
        self.mistake(first_line(self.source, node.origin.span), message, format!("write {}", listed(known)));
        None
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, entry: Option<&'n Entry>) -> &'n [Node] {
        let Some(entry) = entry else { return &[] };
        if let Value::List(items) = &entry.value.value {
            return items;
        }
        self.misfit(entry, "a list", "begin each item with `- `");
        &[]
    }

    /// Any single value, as the text that it is.
    pub(super) fn text(&mut self, entry: Option<&Entry>) -> Option<Text> {
        let entry = entry?;
        let text = text_of(&entry.value);
        if text.is_none() {
            self.misfit(entry, "a text", "write a single value");
        }
        text
    }

    /// Texts in a list.
    pub(super) fn texts(&mut self, entry: Option<&Entry>) -> Vec<Text> {
        let name = entry.map(|entry| entry.key.clone()).unwrap_or_default();
        let mut texts = Vec::new();
        for item in self.list(entry) {
            match text_of(item) {
                Some(text) => texts.push(text),
                None => self.mistake(
                    first_line(self.source, item.origin.span),
                    format!("an item of `{name}` is {}", item.kind()),
                    "write a single value",
                ),
            }
        }
        texts
    }

    /// Names and texts; a name without a value has the empty one, as in Prometheus.
    pub(super) fn pairs(&mut self, entry: Option<&Entry>) -> Vec<Pair> {
        let Some(entry) = entry else { return Vec::new() };
        let Value::Map(entries) = &entry.value.value else {
            self.misfit(entry, "names and values", "write `name: value` on a line each");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for pair in entries {
            let name = Spanned { node: pair.key.clone(), span: pair.key_origin.span };
            match text_of(&pair.value) {
                Some(text) => pairs.push(Pair { name, text }),
                None if pair.value.is_null() => {
                    let scalar = Scalar { text: String::new(), style: Style::Plain, in_flow: false };
                    pairs.push(Pair { name, text: Text { scalar, origin: pair.value.origin.clone() } });
                }
                None => self.misfit(pair, "a text", "write a single value"),
            }
        }
        pairs
    }

    pub(super) fn duration(&mut self, entry: Option<&Entry>) -> Option<Spanned<PromDuration>> {
        let text = self.text(entry)?;
        match text.as_str().parse() {
            Ok(node) => Some(Spanned { node, span: text.span() }),
            Err(error) => {
                let error: crate::time::ParseDurationError = error;
                self.mistake(
                    text.span(),
                    error.to_string(),
                    "write a duration such as `30s`, `5m` or `1h30m`",
                );
                None
            }
        }
    }

    /// A whole number; a negative one is read as 0.
    pub(super) fn limit(&mut self, entry: Option<&Entry>) -> Option<usize> {
        let text = self.text(entry)?;
        let digits = text.as_str().replace('_', "");
        match digits.parse::<i64>() {
            Ok(number) if text.scalar.style == Style::Plain => Some(usize::try_from(number).unwrap_or(0)),
            _ => {
                self.mistake(
                    text.span(),
                    format!("`{}` is no whole number", text.as_str()),
                    "write digits, without quotes",
                );
                None
            }
        }
    }

    pub(super) fn switch(&mut self, entry: Option<&Entry>) -> Option<bool> {
        let text = self.text(entry)?;
        // The words of YAML 1.1, which Prometheus' reader of tests takes.
        let word = if text.scalar.style == Style::Plain { text.as_str() } else { "" };
        match word.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => {
                self.mistake(
                    text.span(),
                    format!("`{}` is neither `true` nor `false`", text.as_str()),
                    "write `true` or `false`",
                );
                None
            }
        }
    }

    /// A number as YAML writes it: `.nan` and `.inf` have a dot.
    pub(super) fn number(&mut self, entry: Option<&Entry>) -> Option<f64> {
        let text = self.text(entry)?;
        let number = if text.scalar.style == Style::Plain { yaml_number(text.as_str()) } else { None };
        if number.is_none() {
            let word = text.as_str().trim_start_matches(['+', '-']).to_ascii_lowercase();
            let help = match word.as_str() {
                "nan" => "YAML writes it `.nan`",
                "inf" | "infinity" => "YAML writes it `.inf` or `-.inf`",
                _ => "write a number, without quotes",
            };
            self.mistake(text.span(), format!("`{}` is no number", text.as_str()), help);
        }
        number
    }

    /// What `expr` says; `start` is the first line of what it belongs to.
    pub(super) fn expression(
        &mut self,
        keys: Keys<'_>,
        what: &str,
        start: Span,
        options: Options,
    ) -> Option<Expression> {
        let entry = keys.get("expr");
        let text = self.text(entry);
        let Some(text) = text.filter(|text| !text.as_str().is_empty()) else {
            if !keys.is_told("expr") {
                let span = entry.map_or(start, |entry| entry.key_origin.span);
                self.mistake(span, format!("{what} has no `expr`"), "add `expr:` with an expression");
            }
            return None;
        };
        match syntax::parse(text.as_str(), &options) {
            Ok(tree) => Some(Expression { key: entry?.key_origin.span, text, tree }),
            Err(errors) => {
                self.mistakes.extend(errors.diagnostics(self.source, text.places()));
                None
            }
        }
    }

    fn misfit(&mut self, entry: &Entry, expected: &str, help: &str) {
        let message = format!("`{}` takes {expected}, not {}", entry.key, entry.value.kind());
        self.mistake(first_line(self.source, entry.value.origin.span), message, help);
    }
}

fn text_of(node: &Node) -> Option<Text> {
    match &node.value {
        Value::Scalar(scalar) => Some(Text { scalar: scalar.clone(), origin: node.origin.clone() }),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Numbers of YAML 1.1, base 60 aside.
fn yaml_number(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = unsigned.replace('_', "");
    let integer = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(|whole| whole as f64);
    let value = match unsigned {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if unsigned == text => f64::NAN,
        _ if plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') => match plain.split_at_checked(2) {
            Some(("0x", digits)) => integer(digits, 16)?,
            Some(("0o", digits)) => integer(digits, 8)?,
            Some(("0b", digits)) => integer(digits, 2)?,
            _ if plain.starts_with('0') && plain.bytes().all(|byte| matches!(byte, b'0'..=b'7')) => {
                integer(&plain, 8)?
            }
            _ => plain.parse().ok()?,
        },
        _ => return None,
    };
    Some(sign * value)
}

/// The part of a span that lies on its first line.
pub(super) fn first_line(source: &Source, span: Span) -> Span {
    let line = source.slice(span).lines().next().unwrap_or_default();
    Span::new(span.start, span.start + line.trim_end().len())
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<f64>) {
        let got = yaml_number(text);
        assert_eq!(got.map(f64::to_bits), expect.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_read_as_yaml_writes_them() {
        check("5", Some(5.0));
        check("-1.5e3", Some(-1500.0));
        check("+.5", Some(0.5));
        check("-0", Some(-0.0));
        check("1_000", Some(1000.0));
        check("0x1F", Some(31.0));
        check("0o17", Some(15.0));
        check("017", Some(15.0));
        check("019", Some(19.0));
        check("0b11", Some(3.0));
        check("-.inf", Some(f64::NEG_INFINITY));
        check(".nan", Some(f64::NAN));
        for text in ["NaN", "inf", "-.nan", "", "x", "1h", "0x", "--1", "1,5", "infinity"] {
            check(text, None);
        }
    }
}
