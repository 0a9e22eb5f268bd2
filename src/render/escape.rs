//! Text made safe for the language it lands in.

use std::fmt::Write as _;

use crate::{series::MatchOp, sources::primitive::Match};

/// A `PromQL` string literal with its quotes
/// (<https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals>).
pub fn promql_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => push_hex_bytes(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn push_hex_bytes(out: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// A regular expression (RE2) that matches exactly `text`, not yet quoted.
pub fn regex_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A `PromQL` string literal that, after `=~`, matches exactly `text`.
pub fn promql_regex(text: &str) -> String {
    promql_string(&regex_literal(text))
}

/// A matcher for one of `values`: `label="a"`, or `label=~"a|b"` with each value escaped.
pub fn one_of(label: &str, values: &[&str]) -> Match {
    let (op, value) = match values {
        [one] => (MatchOp::Equal, (*one).to_owned()),
        many => {
            let alternatives: Vec<_> = many.iter().map(|value| regex_literal(value)).collect();
            (MatchOp::Matches, alternatives.join("|"))
        }
    };
    Match { label: label.to_owned(), op, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_for_promql() {
        assert_eq!(promql_string("gpt-4o"), r#""gpt-4o""#);
        assert_eq!(promql_string(r#"a"b"#), r#""a\"b""#);
        assert_eq!(promql_string(r"c\d"), r#""c\\d""#);
        assert_eq!(promql_string("é中"), r#""é中""#);
        assert_eq!(promql_string("a\nb\u{7}"), r#""a\nb\x07""#);
    }

    #[test]
    fn regexes_match_the_text_alone() {
        assert_eq!(promql_regex("j|k.*"), r#""j\\|k\\.\\*""#);
        assert_eq!(promql_regex("{{ x }}"), r#""\\{\\{ x \\}\\}""#);
        assert_eq!(promql_regex(r"c\d"), r#""c\\\\d""#);
    }

    #[test]
    fn matchers_name_one_or_several_values() {
        assert_eq!(one_of("job", &["a.b"]).to_string(), r#"job="a.b""#);
        assert_eq!(one_of("job", &["a", "b.c"]).to_string(), r#"job=~"a|b\\.c""#);
    }
}
