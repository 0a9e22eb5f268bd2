//! The file as it may be shown: without its secrets.

use std::ops::Range;

use crate::{
    formats::reader::Reader,
    text::{Source, Span},
    yaml::{Node, Value},
};

/// Keys whose values Prometheus hides, wherever they stand.
const SECRET: &[&str] = &[
    "password",
    "bearer_token",
    "credentials",
    "secrets",
    "client_secret",
    "client_certificate_key",
    "secret_key",
    "proxy_connect_header",
];

const HIDDEN: &str = "<secret>";

/// The text with `<secret>` in the place of each secret, users within URLs among them, and without comments, where
/// secrets may stand as well; empty where it is no YAML.
pub fn redacted(source: &Source) -> String {
    let mut reader = Reader::new(source);
    let Some(root) = reader.root() else { return String::new() };
    let mut parts = Vec::new();
    collect(&root, "", Shown::Yes, &mut parts);
    parts.sort_unstable_by_key(|(span, _)| *span);
    let mut text = String::new();
    let mut at = 0;
    for (span, shown) in parts.into_iter().filter(|(span, _)| span.start < span.end) {
        // A value that an alias repeats is there once.
        if span.start >= at {
            without_comments(source, Span::new(at, span.start), &mut text);
            match shown {
                Shown::Yes => with_hidden_users(source.slice(span), &mut text),
                Shown::No => text.push_str(HIDDEN),
            }
            at = span.end;
        }
    }
    without_comments(source, Span::new(at, source.text().len()), &mut text);
    text
}

/// A URL as it may be shown: without user and password.
pub fn without_user(url: &str) -> String {
    match user(url) {
        Some(user) => format!("{}{}", &url[..user.start], &url[user.end + 1..]),
        None => url.to_owned(),
    }
}

/// Where user and password stand in the first URL of a text; an `@` follows.
fn user(text: &str) -> Option<Range<usize>> {
    let start = text.find("://")? + "://".len();
    let rest = &text[start..];
    let end = rest.find(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace()).unwrap_or(rest.len());
    let length = rest[..end].rfind('@')?;
    Some(start..start + length)
}

fn with_hidden_users(scalar: &str, text: &mut String) {
    let mut rest = scalar;
    while let Some(user) = user(rest) {
        text.push_str(&rest[..user.start]);
        text.push_str(HIDDEN);
        rest = &rest[user.end..];
    }
    text.push_str(rest);
}

/// What stands between two scalars.
fn without_comments(source: &Source, between: Span, text: &mut String) {
    let mut rest = source.slice(between);
    let mut is_after_blank = source.slice(Span::new(0, between.start)).ends_with(char::is_whitespace);
    is_after_blank |= between.start == 0;
    while let Some((before, after)) = rest.split_once('#') {
        text.push_str(before);
        if before.ends_with(char::is_whitespace) || before.is_empty() && is_after_blank {
            text.truncate(text.trim_end_matches([' ', '\t']).len());
            rest = after.find('\n').map_or("", |end| &after[end..]);
        } else {
            text.push('#');
            rest = after;
        }
        is_after_blank = false;
    }
    text.push_str(rest);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
}

/// All scalars, keys too. The reader bounds how deep a file nests.
fn collect(node: &Node, within: &str, shown: Shown, parts: &mut Vec<(Span, Shown)>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(_) => parts.push((node.origin.span, shown)),
        Value::List(items) => {
            for item in items {
                collect(item, within, shown, parts);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let key = entry.key.as_str();
                let is_secret = SECRET.contains(&key) || key == "key" && within == "tls_config";
                let shown = if is_secret { Shown::No } else { shown };
                parts.push((entry.key_origin.span, Shown::Yes));
                collect(&entry.value, key, shown, parts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(redacted(&Source::new("t", text)), expect);
    }

    #[test]
    fn secrets_are_not_shown() {
        check("# y\nglobal: {scrape_interval: 5s} # x\n", "\nglobal: {scrape_interval: 5s}\n");
        check(
            "basic_auth: {username: u, password: 'p q'}\n",
            "basic_auth: {username: u, password: <secret>}\n",
        );
        check(
            "a:\n  - bearer_token: x\n  - credentials: y\n",
            "a:\n  - bearer_token: <secret>\n  - credentials: <secret>\n",
        );
        check(
            "h: {X: {secrets: [a, b], values: [c]}}",
            "h: {X: {secrets: [<secret>, <secret>], values: [c]}}",
        );
        check(
            "tls_config: {key: k, key_file: f}\nkey: k\n",
            "tls_config: {key: <secret>, key_file: f}\nkey: k\n",
        );
        check("password_file: p\n", "password_file: p\n");
    }

    #[test]
    fn comments_are_left_out() {
        check("a: b # password: x\nc: d#e\n", "a: b\nc: d#e\n");
        check("a: 'b # c' # d", "a: 'b # c'");
        check("#x\na: # y\n  - 1 #\n  # z\n  - {b: 2} #w", "\na:\n  - 1\n\n  - {b: 2}");
        check("a: &x#y b\nc: *x#y\n", "a: &x#y b\nc: *x#y\n");
        check("a: | # p\n  b # c\nd: 1", "a: |\n  b # c\nd: 1");
    }

    #[test]
    fn users_in_urls_are_not_shown() {
        check("- url: http://u:hunter2@h/x?y=z@w\n", "- url: http://<secret>@h/x?y=z@w\n");
        check("url: 'https://t@h'", "url: 'https://<secret>@h'");
        check("url: http://h/@x", "url: http://h/@x");
        check("r: 'http://a@b, http://c:d@e'", "r: 'http://<secret>@b, http://<secret>@e'");
        for (url, expect) in [("http://u:p@h/x", "http://h/x"), ("http://h", "http://h"), ("u@h", "u@h")] {
            assert_eq!(without_user(url), expect);
        }
    }
}
