//! Quoted text as Go writes and reads it.

use std::fmt::Write as _;

/// Whether Go prints a character as it is.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        // Among the spaces of Unicode only the ASCII one is printed.
        c if c.is_control() || c.is_whitespace() => false,
        // Format characters, private use, and what is no character.
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}' => false,
        _ => true,
    }
}

/// `"text"` with Go's escapes.
pub(super) fn quoted(text: &str) -> String {
    with_quotes(text, '"', is_printable)
}

/// As [`quoted`], with all that is not ASCII escaped.
pub(super) fn quoted_ascii(text: &str) -> String {
    with_quotes(text, '"', |c| matches!(c, ' '..='~'))
}

/// `'c'` with Go's escapes.
pub(super) fn quoted_char(c: char, ascii: bool) -> String {
    let keep = |c: char| if ascii { matches!(c, ' '..='~') } else { is_printable(c) };
    with_quotes(c.encode_utf8(&mut [0; 4]), '\'', keep)
}

fn with_quotes(text: &str, quote: char, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if keep(c) => out.push(c),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c => {
                let code = u32::from(c);
                let written = match code {
                    0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                    0..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
                written.expect("a string takes any text");
            }
        }
    }
    out.push(quote);
    out
}

/// `U+007D '}'`.
pub(super) fn code_point(c: char) -> String {
    let code = u32::from(c);
    if is_printable(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}

/// What a string in double or back quotes stands for.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next()?;
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if text.len() < 2 || !text.ends_with(quote) {
        return None;
    }
    if quote == '`' {
        return (!inner.contains('`')).then(|| inner.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (unit, tail) = unescaped(rest, quote)?;
        match unit {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(byte) => bytes.push(byte),
        }
        rest = tail;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number that a character constant in single quotes stands for.
pub(super) fn unquoted_char(text: &str) -> Result<i64, String> {
    let invalid = || "invalid syntax".to_owned();
    let inner = text.strip_prefix('\'').ok_or_else(invalid)?;
    let (unit, tail) = unescaped(inner, '\'').ok_or_else(invalid)?;
    if tail != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(match unit {
        Unit::Char(c) => i64::from(u32::from(c)),
        Unit::Byte(byte) => i64::from(byte),
    })
}

enum Unit {
    Char(char),
    Byte(u8),
}

/// The first character of a quoted text, and what follows it.
fn unescaped(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == quote || (first == '\n' && quote == '"') {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let digits = |count: usize, radix: u32| {
        let digits = rest.get(..count)?;
        let valid = digits.chars().all(|c| c.is_digit(radix));
        valid.then(|| u32::from_str_radix(digits, radix).ok()).flatten().map(|code| (code, &rest[count..]))
    };
    let simple = |c| Some((Unit::Char(c), rest));
    match escape {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        c @ ('\'' | '"') => (c == quote).then_some((Unit::Char(c), rest)),
        'x' => digits(2, 16).and_then(|(code, tail)| Some((Unit::Byte(u8::try_from(code).ok()?), tail))),
        'u' => digits(4, 16).and_then(|(code, tail)| Some((Unit::Char(char::from_u32(code)?), tail))),
        'U' => digits(8, 16).and_then(|(code, tail)| Some((Unit::Char(char::from_u32(code)?), tail))),
        '0'..='7' => {
            let digits = text.get(1..4)?;
            let valid = digits.chars().all(|c| c.is_digit(8));
            let code = valid.then(|| u32::from_str_radix(digits, 8).ok()).flatten()?;
            Some((Unit::Byte(u8::try_from(code).ok()?), &text[4..]))
        }
        _ => None,
    }
}
