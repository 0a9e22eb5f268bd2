//! How values are written into an expression: as Grafana's Prometheus data source escapes them.

/// Within a quoted text of `PromQL`.
pub(super) fn literal(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\'', r"\\'")
}

/// A pattern that matches the value, within a quoted text of `PromQL`: the backslashes of the pattern are escaped for
/// the quotes.
pub(super) fn pattern(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => escaped.push_str(r"\\\\"),
            '"' => escaped.push_str("\\\\\\\""),
            '$' | '^' | '*' | '{' | '}' | '[' | ']' | '\'' | '+' | '?' | '.' | '(' | ')' | '|' => {
                escaped.push_str(r"\\");
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A regular expression that matches the value, not within quotes.
pub(super) fn regex(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(
            c,
            '\\' | '^' | '$' | '*' | '+' | '?' | '.' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '/'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
