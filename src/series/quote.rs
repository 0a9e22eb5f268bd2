//! Text in double quotes, as the query language and the text formats of Prometheus print it.

use std::fmt::Write;

/// The text in double quotes; what is not printable is escaped, as Go's `strconv.Quote` does it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        push_escaped(&mut out, c, '"');
    }
    out.push('"');
    out
}

/// One character in single quotes, as messages name it.
pub fn quoted_char(c: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'');
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, c: char, quote: char) {
    let code = u32::from(c);
    match c {
        '\\' => out.push_str(r"\\"),
        _ if c == quote => out.extend(['\\', quote]),
        _ if is_printable(c) => out.push(c),
        '\x07' => out.push_str(r"\a"),
        '\x08' => out.push_str(r"\b"),
        '\x0c' => out.push_str(r"\f"),
        '\n' => out.push_str(r"\n"),
        '\r' => out.push_str(r"\r"),
        '\t' => out.push_str(r"\t"),
        '\x0b' => out.push_str(r"\v"),
        _ => {
            let written = match code {
                0..0x80 => write!(out, r"\x{code:02x}"),
                0x80..0x1_0000 => write!(out, r"\u{code:04x}"),
                _ => write!(out, r"\U{code:08x}"),
            };
            written.expect("writing to a String cannot fail");
        }
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // The standard library holds this table for its own escapes; behind another character, marks are left alone too.
    let behind_a_letter: String = ['a', c].iter().collect();
    behind_a_letter.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(quoted(text), expect);
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        check("", r#""""#);
        check("gpt-4o 'x'", r#""gpt-4o 'x'""#);
        check("a\"b\\c", r#""a\"b\\c""#);
        check("\n\t\r\x07\x08\x0b\x0c\0\x7f", r#""\n\t\r\a\b\v\f\x00\x7f""#);
        check("é中😀", "\"é中😀\"");
        check("e\u{301}", "\"e\u{301}\"");
        check("\u{301}", "\"\u{301}\"");
        check("\u{a0}\u{200b}\u{feff}\u{e000}\u{2028}", r#""\u00a0\u200b\ufeff\ue000\u2028""#);
        check("\u{10ffff}", r#""\U0010ffff""#);
        assert_eq!((quoted_char('\''), quoted_char('"')), (r"'\''".to_owned(), "'\"'".to_owned()));
    }
}
