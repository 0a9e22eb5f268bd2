//! What numbers, durations and strings mean.

use std::fmt::Write;

use crate::series::quoted;

/// The value of a number as Go reads it: `0x1f`, `0755`, `1e3`, `1_000`, `Inf`, `NaN`.
pub(super) fn number(text: &str) -> Result<f64, String> {
    if let Some(integer) = integer(text) {
        return Ok(integer as f64);
    }
    let refused =
        |why: &str| format!("error parsing number: strconv.ParseFloat: parsing {}: {why}", quoted(text));
    let plain = if text.contains('_') && underscores_separate_digits(text) {
        text.replace('_', "")
    } else {
        text.to_owned()
    };
    // A hexadecimal number that is no 64-bit integer would have to have an exponent, which the lexer does not read.
    let value = if is_hexadecimal(&plain) { None } else { plain.parse().ok() };
    match value {
        None => Err(refused("invalid syntax")),
        Some(value) if f64::is_infinite(value) && plain.contains(|c: char| c.is_ascii_digit()) => {
            Err(refused("value out of range"))
        }
        Some(value) => Ok(value),
    }
}

/// A whole number with the base that its prefix says, where it fits 64 bits.
fn integer(text: &str) -> Option<i64> {
    if !underscores_separate_digits(text) {
        return None;
    }
    let digits = text.replace('_', "");
    match digits.strip_prefix('0') {
        Some(_) if is_hexadecimal(text) => i64::from_str_radix(&digits[2..], 16).ok(),
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => digits.parse().ok(),
    }
}

fn is_hexadecimal(text: &str) -> bool {
    matches!(text.as_bytes().get(..2), Some(b"0x" | b"0X"))
}

/// Whether every `_` stands between two digits, or between the prefix and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hexadecimal = is_hexadecimal(text);
    let is_digit = |index: usize| {
        bytes
            .get(index)
            .is_some_and(|byte| byte.is_ascii_digit() || (is_hexadecimal && byte.is_ascii_hexdigit()))
    };
    (0..bytes.len()).filter(|index| bytes[*index] == b'_').all(|index| {
        let after_prefix = is_hexadecimal && index == 2;
        index > 0 && (after_prefix || is_digit(index - 1)) && is_digit(index + 1)
    })
}

/// Units from the largest, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration in milliseconds: Prometheus counts nanoseconds in 64 bits.
const LONGEST: u64 = i64::MAX as u64 / 1_000_000;

/// The milliseconds of a duration: `1h30m`.
pub(super) fn duration(text: &str) -> Result<u64, String> {
    let malformed = || format!("not a valid duration string: {}", quoted(text));
    let too_long = || "duration out of range".to_owned();
    let (mut total, mut next_unit, mut rest) = (0_u64, 0_usize, text);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(|byte| !byte.is_ascii_digit()).count();
        let (count, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        if digits == 0 || letters == 0 {
            return Err(malformed());
        }
        let count: u64 = count.parse().map_err(|_| malformed())?;
        let index = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| format!("unknown unit {} in duration {}", quoted(unit), quoted(text)))?;
        if index < next_unit {
            return Err(malformed());
        }
        next_unit = index + 1;
        let millis = count.checked_mul(UNITS[index].1).ok_or_else(too_long)?;
        total = total.checked_add(millis).filter(|total| *total <= LONGEST).ok_or_else(too_long)?;
        rest = &rest[digits + letters..];
    }
    Ok(total)
}

/// Milliseconds as a duration is printed: years and weeks only where nothing is left over.
pub(super) fn duration_text(millis: u64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let (mut text, mut rest) = (String::new(), millis);
    for (unit, length) in UNITS {
        let whole_only = matches!(unit, "y" | "w");
        if rest < length || (whole_only && !rest.is_multiple_of(length)) {
            continue;
        }
        write!(text, "{}{unit}", rest / length).expect("writing to a String cannot fail");
        rest %= length;
    }
    text
}

/// What a string between its quotes says. The lexer has seen that its escapes are well-formed.
pub(super) fn unquoted(text: &str) -> Result<String, String> {
    let within = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if text.starts_with('`') || !within.contains('\\') {
        return Ok(within.to_owned());
    }
    let mut bytes = Vec::with_capacity(within.len());
    let mut chars = within.chars();
    while let Some(c) = chars.next() {
        let code = if c == '\\' { escaped(&mut chars) } else { Some(Escaped::Char(c)) };
        match code {
            Some(Escaped::Byte(byte)) => bytes.push(byte),
            Some(Escaped::Char(c)) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return Err(format!("error unquoting string {}: invalid syntax", quoted(text))),
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        format!("the escapes of string {} do not give UTF-8, which is not supported", quoted(text))
    })
}

enum Escaped {
    Byte(u8),
    Char(char),
}

/// What follows a backslash.
fn escaped(chars: &mut std::str::Chars<'_>) -> Option<Escaped> {
    let (length, base) = match chars.clone().next()? {
        'x' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='7' => (3, 8),
        _ => (0, 0),
    };
    if length == 0 {
        let c = match chars.next()? {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            other => other,
        };
        return Some(Escaped::Char(c));
    }
    let is_byte = length < 4;
    if base == 16 {
        chars.next();
    }
    let mut code = 0_u32;
    for _ in 0..length {
        code = code.checked_mul(base)?.checked_add(chars.next()?.to_digit(base)?)?;
    }
    if is_byte {
        Some(Escaped::Byte(u8::try_from(code).ok()?))
    } else {
        Some(Escaped::Char(char::from_u32(code)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug>(got: Result<T, String>, expect: Result<&str, &str>) {
        let got = got.map(|value| format!("{value:?}"));
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        check(number("42"), Ok("42.0"));
        check(number("0x1F"), Ok("31.0"));
        check(number("0X_1f"), Ok("31.0"));
        check(number("0755"), Ok("493.0"));
        check(number("089"), Ok("89.0"));
        check(number("1_000"), Ok("1000.0"));
        check(number(".5"), Ok("0.5"));
        check(number("5."), Ok("5.0"));
        check(number("1E-3"), Ok("0.001"));
        check(number("inf"), Ok("inf"));
        check(number("NaN"), Ok("NaN"));
        check(number("9223372036854775807"), Ok("9.223372036854776e18"));
        check(number("9223372036854775808"), Ok("9.223372036854776e18"));
        check(number("0x"), Err("error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"));
        let out_of_range = "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range";
        check(number("1e999"), Err(out_of_range));
    }

    #[test]
    fn durations_are_read_and_printed() {
        check(duration("1h30m"), Ok("5400000"));
        check(duration("1y2w3d4h5m6s7ms"), Ok("33019506007"));
        check(duration("5m1h"), Err("not a valid duration string: \"5m1h\""));
        check(duration("1s1s"), Err("not a valid duration string: \"1s1s\""));
        check(duration("1.5h"), Err("unknown unit \".\" in duration \"1.5h\""));
        check(duration("5hs"), Err("unknown unit \"hs\" in duration \"5hs\""));
        check(duration("300y"), Err("duration out of range"));
        check(
            duration("99999999999999999999s"),
            Err("not a valid duration string: \"99999999999999999999s\""),
        );
        let texts = [0, 1, 90_000, 129_600_000, 1_209_600_000, 31_536_000_000].map(duration_text);
        assert_eq!(texts, ["0s", "1ms", "1m30s", "1d12h", "2w", "1y"]);
    }

    #[test]
    fn strings_are_unescaped() {
        check(unquoted(r#""a\n\t\\\"""#), Ok(r#""a\n\t\\\"""#));
        check(unquoted(r"'\x41\101\u00e9\U0001F600\''"), Ok("\"AAé😀'\""));
        check(unquoted(r#""\xc3\xa9""#), Ok("\"é\""));
        check(unquoted(r"`\n`"), Ok(r#""\\n""#));
        let refused = r#"the escapes of string "\"\\xff\"" do not give UTF-8, which is not supported"#;
        check(unquoted(r#""\xff""#), Err(refused));
    }
}
