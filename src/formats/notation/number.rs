//! Numbers as Prometheus' expression language writes them, hexadecimal ones aside.

/// Reads digits with an optional point, exponent and underscores between digits; a leading 0 makes a whole number
/// octal, where its digits allow that. `None` when it is none, or too large for a float.
pub(super) fn number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    for (at, byte) in bytes.iter().enumerate() {
        let fits = match byte {
            b'0'..=b'9' | b'.' | b'e' | b'E' => true,
            b'_' => digit(at.checked_sub(1)) && digit(Some(at + 1)),
            b'+' | b'-' => at > 0 && matches!(bytes[at - 1], b'e' | b'E'),
            _ => false,
        };
        if !fits {
            return None;
        }
    }
    let plain = text.replace('_', "");
    if plain.starts_with('0') && plain.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        if let Ok(octal) = i64::from_str_radix(&plain, 8) {
            return Some(octal as f64);
        }
    }
    plain.parse::<f64>().ok().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<f64>) {
        assert_eq!(number(text), expect, "{text}");
    }

    #[test]
    fn numbers_are_read_as_prometheus_reads_them() {
        check("0", Some(0.0));
        check("12.5", Some(12.5));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("1e3", Some(1000.0));
        check("1E-3", Some(0.001));
        check("0755", Some(493.0));
        check("0_7", Some(7.0));
        check("089", Some(89.0));
        check("010.5", Some(10.5));
        check("1_000.5_0", Some(1000.5));
        check("9223372036854775807", Some(9_223_372_036_854_775_807.0));
        check("1e999", None);
        for text in
            ["", ".", "e3", "1e", "1e+", "1.2.3", "1_", "_1", "1__0", "1_.5", "inf", "0x1", "1-2", "5m"]
        {
            check(text, None);
        }
    }
}
