//! Numbers and texts as Go prints them in messages.

use std::fmt::Write as _;

/// The shortest text, as Go's `%g`: an exponent below 1e-4 and from 1e6 on.
pub(in crate::promql::eval) fn shortest(value: f64) -> String {
    general(value, &format!("{value:e}"), None)
}

/// At most this many digits, as Go's `%.2g`.
pub(super) fn rounded(value: f64, digits: usize) -> String {
    general(value, &format!("{value:.*e}", digits.saturating_sub(1)), Some(digits))
}

fn general(value: f64, scientific: &str, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let mut digits = mantissa.replace('.', "");
    while digits.len() > 1 && digits.ends_with('0') {
        digits.pop();
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let limit = match precision.map(|digits| i32::try_from(digits).unwrap_or(i32::MAX)) {
        None => 6,
        Some(precision) if precision > count && count > exponent => count,
        Some(precision) => precision,
    };
    if value != 0.0 && (exponent < -4 || exponent >= limit) {
        let mut text = format!("{sign}{}", &digits[..1]);
        if digits.len() > 1 {
            text.push('.');
            text.push_str(&digits[1..]);
        }
        let _ = write!(text, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        return text;
    }
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    if digits.len() <= point {
        return format!("{sign}{digits}{}", "0".repeat(point - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..point], &digits[point..])
}

/// A bound of a bucket or a quantile as a label has it: as [`shortest`], and a float even where it is whole.
pub(super) fn open_metrics(value: f64) -> String {
    // A zero has no sign there.
    let mut text = shortest(if value == 0.0 { 0.0 } else { value });
    if value.is_finite() && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

/// A text in double quotes, escaped as Go does it.
pub(in crate::promql::eval) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\'' => quoted.push(c),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\0'..=' ' | '\u{7f}' if c != ' ' => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            // What Rust escapes is what cannot be seen, and marks that lean on the character before them.
            _ if c.escape_debug().len() > 1 && !is_mark(c) => {
                let _ = match u32::from(c) {
                    code @ ..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                    code => write!(quoted, "\\U{code:08x}"),
                };
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character is escaped only where it begins a text.
fn is_mark(c: char) -> bool {
    format!("a{c}").escape_debug().any(|shown| shown == c)
}

/// A number as Go's `strconv.ParseFloat` reads it; `None` where it fails, out of range included.
pub(super) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let sign = |value: f64| if negative { -value } else { value };
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(sign(f64::INFINITY));
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let digits = without_underscores(hexadecimal.unwrap_or(unsigned), hexadecimal.is_some())?;
    let value = match hexadecimal {
        Some(_) => parse_hexadecimal(&digits)?,
        None if digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) => {
            digits.parse().ok()?
        }
        None => return None,
    };
    value.is_finite().then(|| sign(value))
}

/// Underscores stand between digits; after a prefix they may come first.
fn without_underscores(digits: &str, hexadecimal: bool) -> Option<String> {
    let is_digit = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit())
    };
    let bytes = digits.as_bytes();
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let before = index.checked_sub(1).map(|before| bytes[before]);
        let fits = is_digit(before) || before.is_none() && hexadecimal;
        if !fits || !is_digit(bytes.get(index + 1).copied()) {
            return None;
        }
    }
    Some(digits.replace('_', ""))
}

/// `h.hp±d`, rounded to the nearest float.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let magnitude = unsigned.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    let mut scale = if exponent.starts_with('-') { -magnitude } else { magnitude };
    let (mut bits, mut sticky) = (0_u64, false);
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        let in_fraction = index >= whole.len();
        if bits < 1 << 59 {
            bits = bits << 4 | digit;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if in_fraction { 0 } else { 4 };
        }
    }
    Some(scaled(bits, sticky, scale))
}

/// `bits × 2^scale`, a little more where sticky, to the nearest even float.
fn scaled(bits: u64, sticky: bool, scale: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let length = i64::from(64 - bits.leading_zeros());
    let top = length + scale;
    if top > 1024 {
        return f64::INFINITY;
    }
    // The lowest place that the result has: 53 digits below the top, not below 2^-1074.
    let place = (top - 53).max(-1074);
    let drop = place - scale;
    let (kept, up) = match drop {
        ..=0 => (u128::from(bits) << (-drop).min(64), false),
        1..=64 => {
            let (bits, half) = (u128::from(bits), 1_u128 << (drop - 1));
            let (kept, rest) = (bits >> drop, bits & ((half << 1) - 1));
            (kept, rest > half || rest == half && (sticky || kept & 1 == 1))
        }
        _ => (0, false),
    };
    let mantissa = (kept + u128::from(up)) as f64;
    // Two steps, since a power of two below the normal ones is no float.
    let half = i32::try_from(place / 2).unwrap_or(0);
    let rest = i32::try_from(place).unwrap_or(0) - half;
    mantissa * f64::powi(2.0, half) * f64::powi(2.0, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expect: &str, two: &str, label: &str) {
        let got = (shortest(value), rounded(value, 2), open_metrics(value));
        assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_str()), (expect, two, label));
    }

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        check(0.0, "0", "0", "0.0");
        check(-0.0, "-0", "-0", "0.0");
        check(1.0, "1", "1", "1.0");
        check(-2.5, "-2.5", "-2.5", "-2.5");
        check(100.0, "100", "1e+02", "100.0");
        check(10.0, "10", "10", "10.0");
        check(100_000.0, "100000", "1e+05", "100000.0");
        check(1e6, "1e+06", "1e+06", "1e+06");
        check(1_234_567.0, "1.234567e+06", "1.2e+06", "1.234567e+06");
        check(0.000_1, "0.0001", "0.0001", "0.0001");
        check(0.000_01, "1e-05", "1e-05", "1e-05");
        check(0.000_123_45, "0.00012345", "0.00012", "0.00012345");
        check(99.9, "99.9", "1e+02", "99.9");
        check(1.55, "1.55", "1.6", "1.55");
        check(1e-320, "1e-320", "1e-320", "1e-320");
        check(f64::INFINITY, "+Inf", "+Inf", "+Inf");
        check(f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf");
        check(f64::NAN, "NaN", "NaN", "NaN");
    }

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        assert_eq!(
            quoted("a\u{1}é\u{ad}\u{200b}'\"\\\n\u{7f}😀\u{2028} e\u{301}"),
            "\"a\\x01é\\u00ad\\u200b'\\\"\\\\\\n\\x7f😀\\u2028 e\u{301}\""
        );
    }

    #[track_caller]
    fn check_parse(text: &str, expect: Option<f64>) {
        assert_eq!(parse(text).map(f64::to_bits), expect.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        check_parse("1.5", Some(1.5));
        check_parse("+.5e1", Some(5.0));
        check_parse("1.", Some(1.0));
        check_parse("-0", Some(-0.0));
        check_parse("+Inf", Some(f64::INFINITY));
        check_parse("-infinity", Some(f64::NEG_INFINITY));
        check_parse("infinit", None);
        check_parse("nan", Some(f64::NAN));
        check_parse("+nan", None);
        check_parse("1e999", None);
        check_parse("1e-400", Some(0.0));
        check_parse("", None);
        check_parse(" 1", None);
        check_parse(".", None);
        check_parse("1_000", Some(1000.0));
        check_parse("1_23.5e+1", Some(1235.0));
        check_parse("._5", None);
        check_parse("1__0", None);
        check_parse("1_", None);
        check_parse("0x1p-2", Some(0.25));
        check_parse("-0X_1.8P+1", Some(-3.0));
        check_parse("0x.8p0", Some(0.5));
        check_parse("0x1.p1", Some(2.0));
        check_parse("0x1", None);
        check_parse("0xp1", None);
        check_parse("0x1p2000", None);
        check_parse("0x1p-2000", Some(0.0));
        check_parse("0x1p-1074", Some(5e-324));
        check_parse("0x1.fffffffffffffp1023", Some(f64::MAX));
        check_parse("0x1.fffffffffffff8p1023", None);
        check_parse("0x1.00000000000008p0", Some(1.0));
        check_parse("0x1.000000000000080001p0", Some(1.0 + f64::EPSILON));
        check_parse("0x1.00000000000018p0", Some(1.0 + 2.0 * f64::EPSILON));
    }
}
