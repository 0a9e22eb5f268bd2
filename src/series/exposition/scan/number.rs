//! Values and times of a page, as Go reads them.

use crate::time::Timestamp;

use super::{Wrong, glimpse};

/// The NaN that Prometheus stores for any that a page shows
/// (<https://github.com/prometheus/prometheus/blob/main/model/value/value.go>).
const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Powers of ten that are exact.
const POWERS: [f64; 16] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of a page.
pub(super) fn float(text: &str) -> Result<f64, Wrong> {
    if let Some(value) = short(text.as_bytes()) {
        return Ok(value);
    }
    let value: f64 = text.parse().map_err(|_| Wrong::Number(glimpse(text)))?;
    let first = text.trim_start_matches(['+', '-']).as_bytes().first();
    if value.is_nan() {
        // Go has no signed NaN.
        return if text.len() == 3 { Ok(NORMAL_NAN) } else { Err(Wrong::Number(glimpse(text))) };
    }
    if value.is_infinite() && !matches!(first, Some(b'i' | b'I')) {
        return Err(Wrong::Range(glimpse(text)));
    }
    Ok(value)
}

/// Up to 15 digits with at most one point among them: number and power of ten are both exact, so their quotient is
/// what any correct reader gives (the fast path of Clinger, 1990).
fn short(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut number, mut point, mut count) = (0_u64, None, 0_usize);
    for (index, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(index),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = point.map_or(0, |point| digits.len() - 1 - point);
    let value = number as f64 / POWERS[decimals];
    Some(if negative { -value } else { value })
}

/// A time of `OpenMetrics`: seconds with fractions; what is below a millisecond is cut off.
pub(super) fn seconds(text: &str) -> Result<Timestamp, Wrong> {
    let millis = float(text)? * 1000.0;
    if !millis.is_finite() || millis.abs() >= 9.2e18 {
        return Err(Wrong::Timestamp(glimpse(text)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 2^63")]
    Ok(Timestamp(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<f64>) {
        assert_eq!(float(text).ok().map(f64::to_bits), expect.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_those_of_go() {
        check("0", Some(0.0));
        check("-0", Some(-0.0));
        check("12", Some(12.0));
        check("+12", Some(12.0));
        check("1.", Some(1.0));
        check(".5", Some(0.5));
        check("0.1", Some(0.1));
        check("123456789.012345", Some(123_456_789.012_345));
        check("999999999999999", Some(999_999_999_999_999.0));
        check("9007199254740993", Some(9_007_199_254_740_992.0));
        check("1e-3", Some(0.001));
        check("1.5E+10", Some(1.5e10));
        check("Inf", Some(f64::INFINITY));
        check("+Inf", Some(f64::INFINITY));
        check("-infinity", Some(f64::NEG_INFINITY));
        check("NaN", Some(NORMAL_NAN));
        check("nan", Some(NORMAL_NAN));
        for text in
            ["", ".", "-", "+NaN", "-nan", "1e999", "-1e999", "0x1p3", "1_0", "1e", "one", "1.2.3", "١"]
        {
            check(text, None);
        }
    }

    #[test]
    fn short_numbers_are_read_exactly() {
        let mut state = 7_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = (state >> 20) % 1_000_000_000_000_000;
            let text = format!("{digits}");
            let (whole, fraction) = text.split_at(usize::try_from(state % text.len() as u64).unwrap());
            let text = format!("{whole}.{fraction}");
            check(&text, Some(text.parse().unwrap()));
        }
    }
}
