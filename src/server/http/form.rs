//! Fields of a URL or a form (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>), with the refusals of
//! Go's `net/url`.

use crate::series::quoted;

/// Go's own bound.
const MOST_FIELDS: usize = 10_000;

/// Appends the fields of a text to `fields`. What is wrong with a field is told, and the others are read.
pub(super) fn parse(text: &[u8], fields: &mut Vec<(String, String)>) -> Result<(), String> {
    let mut wrong = Ok(());
    for field in text.split(|byte| *byte == b'&') {
        if field.contains(&b';') {
            wrong = Err("invalid semicolon separator in query".to_owned());
            continue;
        }
        if field.is_empty() {
            continue;
        }
        if fields.len() >= MOST_FIELDS {
            return Err("number of URL query parameters exceeded limit".to_owned());
        }
        let (name, value) = match field.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&field[..equals], &field[equals + 1..]),
            None => (field, &[][..]),
        };
        match (unescape(name, Plus::Space), unescape(value, Plus::Space)) {
            (Ok(name), Ok(value)) => fields.push((name, value)),
            (Err(error), _) | (_, Err(error)) => wrong = wrong.and(Err(error)),
        }
    }
    wrong
}

/// What a `+` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// In fields.
    Space,
    /// In paths.
    Itself,
}

/// Without percent escapes. What is no UTF-8 then is replaced.
pub(super) fn unescape(text: &[u8], plus: Plus) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let code = after.first_chunk().and_then(|[high, low]| Some(hex(*high)? << 4 | hex(*low)?));
                let Some(code) = code else {
                    let shown = &text[text.len() - after.len() - 1..];
                    let shown = String::from_utf8_lossy(&shown[..shown.len().min(3)]).into_owned();
                    return Err(format!("invalid URL escape {}", quoted(&shown)));
                };
                out.push(code);
                rest = &after[2..];
            }
            b'+' if plus == Plus::Space => out.push(b' '),
            byte => out.push(*byte),
        }
    }
    Ok(String::from_utf8(out).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)], error: Option<&str>) {
        let mut fields = Vec::new();
        let wrong = parse(text.as_bytes(), &mut fields).err();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((fields.as_slice(), wrong.as_deref()), (expect, error));
    }

    #[test]
    fn fields_are_read_as_go_does() {
        check("", &[], None);
        check("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")], None);
        check("&&a&=&b==c", &[("a", ""), ("", ""), ("b", "=c")], None);
        check("match%5B%5D=up%7Ba%3D%22x+y%22%7d", &[("match[]", "up{a=\"x y\"}")], None);
        check("a=%ff", &[("a", "\u{fffd}")], None);
        check("a=%&b=1", &[("b", "1")], Some("invalid URL escape \"%\""));
        check("a=%zz1&b=%4", &[], Some("invalid URL escape \"%zz\""));
        check("%4=1&b=%", &[], Some("invalid URL escape \"%4\""));
        check("a=1;b=2&c=3", &[("c", "3")], Some("invalid semicolon separator in query"));
    }

    #[test]
    fn fields_are_bounded() {
        let mut fields = Vec::new();
        assert!(parse("a&".repeat(MOST_FIELDS + 1).as_bytes(), &mut fields).is_err());
        assert_eq!(fields.len(), MOST_FIELDS);
    }

    #[test]
    fn a_plus_in_a_path_is_one() {
        assert_eq!(unescape(b"/a+b%2Bc", Plus::Itself).as_deref(), Ok("/a+b+c"));
    }
}
