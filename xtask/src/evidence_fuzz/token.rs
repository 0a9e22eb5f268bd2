//! Text in pieces that are worth moving about. Any text has them, valid or not, and the pieces together are the text.

use std::{borrow::Cow, ops::Range};

/// What a piece is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// White space and comments.
    Space,
    /// Digits and what hangs on them: numbers and durations.
    Number,
    /// Names of metrics, labels, functions, and keywords.
    Word,
    /// `$name`, `${name}`.
    Variable,
    String,
    Open,
    Close,
    Comma,
    Operator,
    Other,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) class: Class,
    pub(super) text: Cow<'a, str>,
}

impl<'a> Token<'a> {
    pub(super) fn new(class: Class, text: impl Into<Cow<'a, str>>) -> Self {
        Self { class, text: text.into() }
    }
}

/// The pieces of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (class, len) = piece(first, rest);
        let (token, after) = rest.split_at(len);
        all.push(Token::new(class, token));
        rest = after;
    }
    all
}

/// The class and the bytes of the piece that a text begins with.
fn piece(first: char, text: &str) -> (Class, usize) {
    let until = |end: &dyn Fn(char) -> bool| text.find(end).unwrap_or(text.len());
    match first {
        '#' => (Class::Space, until(&|c| c == '\n')),
        c if c.is_whitespace() => (Class::Space, until(&|c| !c.is_whitespace())),
        c if c.is_ascii_digit() || (c == '.' && text[1..].starts_with(|c: char| c.is_ascii_digit())) => {
            (Class::Number, number(text))
        }
        c if c.is_alphabetic() || c == '_' || c == ':' && text[1..].starts_with(is_word) => {
            (Class::Word, until(&|c| !is_word(c) && c != ':'))
        }
        '$' if text[1..].starts_with('{') => {
            (Class::Variable, text.find('}').map_or(text.len(), |at| at + 1))
        }
        '$' => (Class::Variable, 1 + text[1..].find(|c| !is_word(c)).unwrap_or(text.len() - 1)),
        '"' | '\'' | '`' => (Class::String, string(first, text)),
        '(' | '[' | '{' => (Class::Open, 1),
        ')' | ']' | '}' => (Class::Close, 1),
        ',' => (Class::Comma, 1),
        _ => {
            let two = ["=~", "!~", "!=", "==", "<=", ">=", "</", ">/"];
            match two.iter().find(|operator| text.starts_with(**operator)) {
                Some(_) => (Class::Operator, 2),
                None if "+-*/%^=<>@:".contains(first) => (Class::Operator, 1),
                None => (Class::Other, first.len_utf8()),
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Digits, letters and dots, and a sign behind an `e`.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let sign = matches!(bytes[end], b'+' | b'-')
            && end > 0
            && matches!(bytes[end - 1], b'e' | b'E')
            && !text.starts_with("0x");
        if !bytes[end].is_ascii_alphanumeric() && !matches!(bytes[end], b'.' | b'_') && !sign {
            break;
        }
        end += 1;
    }
    end
}

/// To the closing quote, or to the end.
fn string(quote: char, text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The text of pieces.
pub(super) fn text(tokens: &[Token<'_>]) -> String {
    let mut text = String::with_capacity(tokens.iter().map(|token| token.text.len()).sum());
    for token in tokens {
        text.push_str(&token.text);
    }
    text
}

/// What is likely a whole part of the expression, from this piece on: a word with its braces, brackets and
/// parentheses, a bracketed group, or the piece alone.
pub(super) fn part(tokens: &[Token<'_>], start: usize) -> Range<usize> {
    let mut end = start;
    match tokens[start].class {
        Class::Open => end = close(tokens, start),
        Class::Word | Class::Close => end += 1,
        _ => return start..start + 1,
    }
    while tokens.get(end).is_some_and(|token| token.class == Class::Open) {
        end = close(tokens, end);
    }
    start..end
}

/// Behind the bracket that closes this one, or the end.
fn close(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.class {
            Class::Open => depth += 1,
            Class::Close if depth <= 1 => return index + 1,
            Class::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expect: &[&str]) {
        let found = tokens(input);
        assert_eq!(text(&found), input);
        let shown: Vec<&str> =
            found.iter().filter(|token| token.class != Class::Space).map(|token| &*token.text).collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn pieces_together_are_the_text() {
        check("", &[]);
        check("sum by (a)(x[5m:])", &["sum", "by", "(", "a", ")", "(", "x", "[", "5m", ":", "]", ")"]);
        check("1e-3 +.5-0x1e-2", &["1e-3", "+", ".5", "-", "0x1e", "-", "2"]);
        check(r#"a{b=~"c\"}"} # x"#, &["a", "{", "b", "=~", r#""c\"}""#, "}"]);
        check("a:b >= `\\` </ é", &["a:b", ">=", "`\\`", "</", "é"]);
        check("$a ${b} ${c", &["$a", "${b}", "${c"]);
        check("\"open \u{0}", &["\"open \u{0}"]);
    }

    #[test]
    fn parts_are_whole() {
        let of = |input: &str, start| {
            let found = tokens(input);
            text(&found[part(&found, start)])
        };
        assert_eq!(of("1 + rate(x{a=\"b\"}[5m]) * 2", 4), "rate(x{a=\"b\"}[5m])");
        assert_eq!(of("(a)(b", 0), "(a)(b");
        assert_eq!(of("a + b", 2), "+");
        assert_eq!(of(") x", 0), ")");
    }
}
