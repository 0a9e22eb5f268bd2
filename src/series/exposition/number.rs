//! Numbers in exposition text.

use super::page::Value;

/// Room for the text of a number.
#[derive(Default)]
pub(super) struct Digits {
    integer: itoa::Buffer,
    float: zmij::Buffer,
}

impl Digits {
    /// The shortest text that reads back as the same number.
    pub(super) fn of(&mut self, value: Value) -> &str {
        match value {
            Value::Integer(value) => self.integer.format(value),
            Value::Float(f64::INFINITY) => "+Inf",
            Value::Float(f64::NEG_INFINITY) => "-Inf",
            Value::Float(value) if value.is_nan() => "NaN",
            Value::Float(value) => {
                let text = self.float.format_finite(value);
                text.strip_suffix(".0").unwrap_or(text)
            }
        }
    }
}

/// Writes a number over the one that stands there, from the last digit to the first that differs. `false`, and no
/// number stands there any more, when its length is another.
pub(super) fn overwrite_integer(digits: &mut [u8], before: u64, now: u64) -> bool {
    let (mut before, mut now) = (before, now);
    for digit in digits.iter_mut().rev() {
        if before == now {
            return true;
        }
        *digit = b'0' + (now % 10) as u8;
        before /= 10;
        now /= 10;
    }
    before == now && (digits.len() == 1 || digits.first() != Some(&b'0'))
}

/// A bucket bound as Prometheus' own client library prints it in text: `1`, `0.005`, `1e+06`.
///
/// That is Go's `%g`: an exponent below 1e-4 and from 1e6 on.
pub(super) fn bound_text(bound: f64) -> String {
    if bound.is_infinite() {
        return "+Inf".to_owned();
    }
    let scientific = format!("{bound:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a whole exponent");
    if bound != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    bound.to_string()
}

/// A bucket bound as `OpenMetrics` wants it, a float even where it is whole: `1.0`, `0.005`, `1e+06`.
pub(super) fn canonical_bound_text(bound: f64) -> String {
    let mut text = bound_text(bound);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expect: &str) {
        let mut digits = Digits::default();
        let text = digits.of(Value::Float(value));
        assert_eq!(text, expect);
        let back: f64 = text.parse().unwrap();
        assert_eq!(back.to_bits(), value.to_bits(), "{text} reads back as {back}");
    }

    #[test]
    fn values_are_short_and_read_back() {
        check(0.0, "0");
        check(-0.0, "-0");
        check(1.0, "1");
        check(-2.5, "-2.5");
        check(0.1, "0.1");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1.0 / 3.0, "0.3333333333333333");
        check(123_456.789_012, "123456.789012");
        check(0.000_01, "0.00001");
        check(1e-10, "1e-10");
        check(0.000_001, "1e-6");
        check(999_999.999_999_999, "999999.999999999");
        check(1_795_477_826.5, "1795477826.5");
        check(1e15, "1000000000000000");
        check(1e21, "1e+21");
        check(f64::MAX, "1.7976931348623157e+308");
        check(5e-324, "5e-324");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
        check(f64::NAN, "NaN");
    }

    #[track_caller]
    fn check_overwrite(before: u64, now: u64, expect: Option<&str>) {
        let mut digits = before.to_string().into_bytes();
        let fits = overwrite_integer(&mut digits, before, now);
        let text = fits.then(|| String::from_utf8(digits).unwrap());
        assert_eq!(text.as_deref(), expect);
    }

    #[test]
    fn integers_of_the_same_length_are_overwritten() {
        check_overwrite(0, 9, Some("9"));
        check_overwrite(9, 0, Some("0"));
        check_overwrite(9, 10, None);
        check_overwrite(10, 9, None);
        check_overwrite(12_345, 12_345, Some("12345"));
        check_overwrite(12_399, 12_400, Some("12400"));
        check_overwrite(10_000, 99_999, Some("99999"));
        check_overwrite(u64::MAX - 1, u64::MAX, Some("18446744073709551615"));
        check_overwrite(u64::MAX, 9_999_999_999_999_999_999, None);
        check_overwrite(9_999_999_999_999_999_999, 1_000_000_000_000_000_000, Some("1000000000000000000"));
    }

    #[track_caller]
    fn check_bound(bound: f64, text: &str, canonical: &str) {
        assert_eq!((bound_text(bound).as_str(), canonical_bound_text(bound).as_str()), (text, canonical));
    }

    #[test]
    fn bounds_are_floats_in_open_metrics() {
        check_bound(1.0, "1", "1.0");
        check_bound(0.005, "0.005", "0.005");
        check_bound(7.5, "7.5", "7.5");
        check_bound(120.0, "120", "120.0");
        check_bound(0.0, "0", "0.0");
        check_bound(-1.0, "-1", "-1.0");
        check_bound(0.00001, "1e-05", "1e-05");
        check_bound(0.0001, "0.0001", "0.0001");
        check_bound(1_000_000.0, "1e+06", "1e+06");
        check_bound(f64::INFINITY, "+Inf", "+Inf");
    }
}
