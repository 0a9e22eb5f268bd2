//! Numbers as Prometheus' API writes them.

use std::fmt::Write as _;

/// The shortest digits that read back as the same number, as the API writes a sample: with an exponent of at least
/// two digits below 1e-6 and from 1e21 on; `+Inf`, `-Inf`, `NaN`.
pub fn number_text(value: f64) -> String {
    let mut text = String::new();
    push_number(value, &mut text);
    text
}

pub(super) fn push_number(value: f64, out: &mut String) {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').expect("`{:e}` writes an exponent");
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        // A `String` takes everything.
        let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
    } else {
        push_plain_number(value, out);
    }
}

/// The same without ever an exponent, as the API writes a scalar.
pub(super) fn push_plain_number(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let mut digits = zmij::Buffer::new();
        let text = digits.format_finite(value);
        if text.contains('e') {
            out.push_str(&value.to_string());
        } else {
            out.push_str(text.strip_suffix(".0").unwrap_or(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, sample: &str, scalar: &str) {
        let mut plain = String::new();
        push_plain_number(value, &mut plain);
        assert_eq!((number_text(value).as_str(), plain.as_str()), (sample, scalar));
        let back: f64 = sample.parse().unwrap();
        assert!(back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan(), "{sample}");
    }

    #[test]
    fn numbers_are_short_and_read_back() {
        check(0.0, "0", "0");
        check(-0.0, "-0", "-0");
        check(1.0, "1", "1");
        check(-2.5, "-2.5", "-2.5");
        check(0.1 + 0.2, "0.30000000000000004", "0.30000000000000004");
        check(1e6, "1000000", "1000000");
        check(1e20, "100000000000000000000", "100000000000000000000");
        check(123_456_789_012_345_680_000.0, "123456789012345680000", "123456789012345680000");
        check(1e21, "1e+21", "1000000000000000000000");
        check(-1.5e300, "-1.5e+300", &format!("-15{}", "0".repeat(299)));
        check(1e-6, "0.000001", "0.000001");
        check(1.5e-7, "1.5e-07", "0.00000015");
        check(5e-324, "5e-324", &format!("0.{}5", "0".repeat(323)));
        check(f64::INFINITY, "+Inf", "+Inf");
        check(f64::NEG_INFINITY, "-Inf", "-Inf");
        check(f64::NAN, "NaN", "NaN");
    }
}
