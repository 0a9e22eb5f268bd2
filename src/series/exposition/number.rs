//! Numbers in exposition text.

/// Appends the shortest text that reads back as the same number.
pub(super) fn write_value(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        out.extend_from_slice(match value {
            f64::INFINITY => b"+Inf",
            f64::NEG_INFINITY => b"-Inf",
            _ => b"NaN",
        });
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

pub(super) fn write_integer(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
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
        let mut out = Vec::new();
        write_value(value, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, expect);
        let back: f64 = text.parse().unwrap();
        assert!(back == value || back.is_nan() && value.is_nan(), "{text} reads back as {back}");
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
