//! The file as it may be shown: without its secrets.

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

/// The text with `<secret>` in the place of each secret; empty where it is no YAML.
pub fn redacted(source: &Source) -> String {
    let mut reader = Reader::new(source);
    let Some(root) = reader.root() else { return String::new() };
    let mut spans = Vec::new();
    collect(&root, "", Shown::Yes, &mut spans);
    spans.sort_unstable();
    let mut text = String::new();
    let mut at = 0;
    for span in spans.into_iter().filter(|span| span.start < span.end) {
        // A value that an alias repeats is there once.
        if span.start >= at {
            text.push_str(source.slice(Span::new(at, span.start)));
            text.push_str("<secret>");
            at = span.end;
        }
    }
    text + source.slice(Span::new(at, source.text().len()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
}

/// The reader bounds how deep a file nests.
fn collect(node: &Node, within: &str, shown: Shown, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Scalar(_) if shown == Shown::No => spans.push(node.origin.span),
        Value::Null | Value::Scalar(_) => {}
        Value::List(items) => {
            for item in items {
                collect(item, within, shown, spans);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let key = entry.key.as_str();
                let is_secret = SECRET.contains(&key) || key == "key" && within == "tls_config";
                let shown = if is_secret { Shown::No } else { shown };
                collect(&entry.value, key, shown, spans);
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
        check("global: {scrape_interval: 5s} # x\n", "global: {scrape_interval: 5s} # x\n");
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
}
