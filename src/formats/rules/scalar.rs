//! Expressions as YAML scalars on one line.

use crate::{
    text::Source,
    yaml::{self, Style},
};

/// The text as a scalar on one line, in the quotes that it had, or with quotes where it needs them now.
pub(super) fn on_a_line(text: &str, old: &str, in_flow: bool) -> String {
    if old.starts_with('"') {
        return format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
    }
    if !old.starts_with('\'') && is_plain(text, in_flow) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a text without quotes is read as itself.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let around = if in_flow { ("{a: ", ", b: c}") } else { ("a: ", " # c\nb: c") };
    let source = Source::new("scalar", format!("{}{text}{}", around.0, around.1));
    let options =
        yaml::Options { max_bytes: usize::MAX, too_long: "", max_depth: 8, dialect: yaml::Dialect::Foreign };
    let mut mistakes = Vec::new();
    let root = yaml::read(&source, &options, &mut mistakes);
    let value =
        root.as_ref().and_then(|root| root.entry("b").and(root.entry("a"))).map(|entry| &entry.value.value);
    mistakes.is_empty()
        && matches!(value, Some(yaml::Value::Scalar(scalar)) if scalar.style == Style::Plain && scalar.text == text)
}
