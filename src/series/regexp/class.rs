//! Classes of characters: `[a-z]`, `\d`, `\pL`, `[[:alpha:]]`; and escapes, which they share with the rest.

use std::fmt::Write;

use regex::Regex;

use super::PatternError;

/// Unicode's general categories that Go knows, one or two letters.
const CATEGORIES: [&str; 36] = [
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Names of POSIX and what they stand for, within brackets.
const POSIX: [(&str, &str); 14] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x{0}-\x{7F}"),
    ("blank", r"\x{9}\x{20}"),
    ("cntrl", r"\x{0}-\x{1F}\x{7F}"),
    ("digit", "0-9"),
    ("graph", r"\x{21}-\x{7E}"),
    ("lower", "a-z"),
    ("print", r"\x{20}-\x{7E}"),
    ("punct", r"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}"),
    ("space", r"\x{9}-\x{D}\x{20}"),
    ("upper", "A-Z"),
    ("word", "0-9A-Z_a-z"),
    ("xdigit", "0-9A-Fa-f"),
];

/// A class in brackets, with which the text begins, as it is to be written; and what follows.
pub(super) fn bracketed(text: &str) -> Result<(String, &str), PatternError> {
    let unclosed = || PatternError::new("missing closing ]", text);
    let mut rest = &text[1..];
    let mut out = String::from("[");
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut is_first = true;
    while is_first || !rest.starts_with(']') {
        is_first = false;
        if let Some((class, after)) = posix(rest)? {
            out.push_str(&class);
            rest = after;
            continue;
        }
        if let Some((class, after)) = escaped(rest)? {
            out.push_str(&class);
            rest = after;
            continue;
        }
        let range = rest;
        let low;
        (low, rest) = class_char(rest)?.ok_or_else(unclosed)?;
        let mut high = low;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            (high, rest) = class_char(&rest[1..])?.ok_or_else(unclosed)?;
        }
        if high < low {
            let range = &range[..range.len() - rest.len()];
            return Err(PatternError::new("invalid character class range", range));
        }
        push_range(&mut out, low, high);
    }
    out.push(']');
    Ok((out, &rest[1..]))
}

fn push_range(out: &mut String, low: char, high: char) {
    write!(out, r"\x{{{:X}}}", u32::from(low)).expect("writing to a String cannot fail");
    if high != low {
        write!(out, r"-\x{{{:X}}}", u32::from(high)).expect("writing to a String cannot fail");
    }
}

fn class_char(text: &str) -> Result<Option<(char, &str)>, PatternError> {
    if text.starts_with('\\') {
        return escaped_char(text).map(Some);
    }
    Ok(text.chars().next().map(|c| (c, &text[c.len_utf8()..])))
}

/// `[:alpha:]`, `[:^alpha:]`, within brackets.
fn posix(text: &str) -> Result<Option<(String, &str)>, PatternError> {
    let Some(within) = text.strip_prefix("[:") else { return Ok(None) };
    let Some((name, rest)) = within.split_once(":]") else { return Ok(None) };
    let (is_negated, plain) = match name.strip_prefix('^') {
        Some(plain) => (true, plain),
        None => (false, name),
    };
    let Some((_, ranges)) = POSIX.iter().find(|(known, _)| *known == plain) else {
        let whole = &text[..text.len() - rest.len()];
        return Err(PatternError::new("invalid character class range", whole));
    };
    Ok(Some((written(is_negated, ranges), rest)))
}

fn written(is_negated: bool, ranges: &str) -> String {
    format!("[{}{ranges}]", if is_negated { "^" } else { "" })
}

/// `\d`, `\pL`, `\p{Greek}` with which the text begins; anything else is `None`.
pub(super) fn escaped(text: &str) -> Result<Option<(String, &str)>, PatternError> {
    let mut chars = text.chars();
    if chars.next() != Some('\\') {
        return Ok(None);
    }
    let Some(letter) = chars.next() else { return Ok(None) };
    let rest = chars.as_str();
    let ranges = match letter {
        'd' | 'D' => "0-9",
        's' | 'S' => r"\x{9}\x{A}\x{C}\x{D}\x{20}",
        'w' | 'W' => "0-9A-Za-z_",
        'p' | 'P' => return unicode(text, letter == 'P', rest).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((written(letter.is_ascii_uppercase(), ranges), rest)))
}

fn unicode<'a>(text: &'a str, is_negated: bool, rest: &'a str) -> Result<(String, &'a str), PatternError> {
    let invalid = |text| PatternError::new("invalid character class range", text);
    let (name, rest) = if let Some(within) = rest.strip_prefix('{') {
        within.split_once('}').ok_or_else(|| invalid(text))?
    } else {
        let first = rest.chars().next().ok_or_else(|| invalid(text))?;
        rest.split_at(first.len_utf8())
    };
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (!is_negated, name),
        None => (is_negated, name),
    };
    let ranges = match name {
        "Any" => r"\x{0}-\x{10FFFF}".to_owned(),
        // Go's table has no unassigned characters in it.
        "C" => r"\p{Cc}\p{Cf}\p{Co}".to_owned(),
        // No character of a text is a surrogate.
        "Cs" => r"^\x{0}-\x{10FFFF}".to_owned(),
        _ if CATEGORIES.contains(&name) => format!(r"\p{{{name}}}"),
        _ if is_script(name) => format!(r"\p{{sc={name}}}"),
        _ => return Err(invalid(&text[..text.len() - rest.len()])),
    };
    let nested = format!("[{ranges}]");
    Ok((written(is_negated, &nested), rest))
}

fn is_script(name: &str) -> bool {
    let looks_so = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    looks_so && Regex::new(&format!(r"\p{{sc={name}}}")).is_ok()
}

/// The character of an escape with which the text begins, and what follows.
pub(super) fn escaped_char(text: &str) -> Result<(char, &str), PatternError> {
    let mut chars = text.chars();
    chars.next();
    let Some(c) = chars.next() else {
        return Err(PatternError::new("trailing backslash at end of expression", ""));
    };
    let rest = chars.as_str();
    let invalid = |rest: &str| PatternError::new("invalid escape sequence", &text[..text.len() - rest.len()]);
    let is_octal = |text: &str| text.starts_with(|c: char| matches!(c, '0'..='7'));
    let simple = match c {
        'a' => '\x07',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => return hexadecimal(text, rest),
        '0' => return Ok(octal(c, rest)),
        // One digit alone would be a back reference.
        '1'..='7' if is_octal(rest) => return Ok(octal(c, rest)),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return Err(invalid(rest)),
    };
    Ok((simple, rest))
}

/// Up to three octal digits, of which one is read.
fn octal(first: char, rest: &str) -> (char, &str) {
    let mut code = first.to_digit(8).unwrap_or_default();
    let digits = rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    for digit in rest[..digits].bytes() {
        code = code * 8 + u32::from(digit - b'0');
    }
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &rest[digits..])
}

/// `\x41`, `\x{1F600}`.
fn hexadecimal<'a>(text: &'a str, rest: &'a str) -> Result<(char, &'a str), PatternError> {
    let invalid = |rest: &str| PatternError::new("invalid escape sequence", &text[..text.len() - rest.len()]);
    let mut chars = rest.chars();
    let mut code = 0;
    if let Some(within) = rest.strip_prefix('{') {
        chars = within.chars();
        let mut digits = 0;
        loop {
            match chars.next() {
                Some('}') if digits > 0 => break,
                Some(c) => {
                    let digit = c.to_digit(16).ok_or_else(|| invalid(chars.as_str()))?;
                    code = code * 16 + digit;
                    digits += 1;
                    if code > u32::from(char::MAX) {
                        return Err(invalid(chars.as_str()));
                    }
                }
                None => return Err(invalid("")),
            }
        }
    } else {
        let first = chars.next().and_then(|c| c.to_digit(16));
        let second = chars.next().and_then(|c| c.to_digit(16));
        let (Some(first), Some(second)) = (first, second) else { return Err(invalid(chars.as_str())) };
        code = first * 16 + second;
    }
    // A surrogate is no character of any text.
    let c = char::from_u32(code).ok_or_else(|| invalid(chars.as_str()))?;
    Ok((c, chars.as_str()))
}
