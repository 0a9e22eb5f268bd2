//! JSON strings as Prometheus' API writes them.

use std::fmt::Write as _;

/// Whether `<`, `>` and `&` are escaped: Prometheus does so everywhere but in labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Html {
    Escaped,
    AsItIs,
}

/// Appends the text in quotes.
pub(super) fn escape(text: &str, html: Html, out: &mut String) {
    out.push('"');
    let is_plain = |byte: u8| match byte {
        b'"' | b'\\' | 0..b' ' => false,
        // U+2028 and U+2029 begin with 0xE2.
        b'<' | b'>' | b'&' | 0xe2 => html == Html::AsItIs,
        _ => true,
    };
    if text.bytes().all(is_plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(c, html, out));
    }
    out.push('"');
}

fn push_escaped(c: char, html: Html, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..' ' => push_code(c, out),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if html == Html::Escaped => push_code(c, out),
        _ => out.push(c),
    }
}

fn push_code(c: char, out: &mut String) {
    // A `String` takes everything.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}
