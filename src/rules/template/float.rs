//! Floats as Go's `strconv` writes and reads them.

use std::fmt::Write as _;

/// Precision beyond which the digits of any float are zeros.
const EXACT: usize = 1100;

/// A finite float's decimal digits: `0.d1d2d3… × 10^point`; no digits where it is zero.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    /// From the text of `{:e}`.
    fn of(scientific: &str) -> Self {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let negative = mantissa.starts_with('-');
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        let exponent: i32 = exponent.parse().expect("`{:e}` writes a whole exponent");
        let zero = digits.iter().all(|digit| *digit == b'0');
        Self { negative, digits, point: if zero { 1 } else { exponent + 1 } }
    }

    fn shortest(value: f64) -> Self {
        Self::of(&format!("{value:e}"))
    }

    /// Rounded to so many significant digits, half to even on the exact value.
    fn significant(value: f64, count: usize) -> Self {
        Self::of(&format!("{value:.*e}", count.clamp(1, EXACT) - 1))
    }

    fn trimmed(mut self) -> Self {
        while self.digits.len() > 1 && self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        self
    }

    fn digit(&self, index: i32) -> char {
        let digit = usize::try_from(index).ok().and_then(|index| self.digits.get(index));
        char::from(digit.copied().unwrap_or(b'0'))
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// `d.ddde±dd` with so many decimals.
    fn scientific(&self, decimals: usize, e: char) -> String {
        let mut out = format!("{}{}", self.sign(), self.digit(0));
        if decimals > 0 {
            out.push('.');
            out.extend((1..=decimals).map(|index| self.digit(i32::try_from(index).unwrap_or(i32::MAX))));
        }
        let exponent = self.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{e}{sign}{:02}", exponent.abs()).expect("a string takes any text");
        out
    }

    /// `ddd.ddd` with so many decimals.
    fn plain(&self, decimals: usize) -> String {
        let mut out = self.sign().to_owned();
        if self.point > 0 {
            out.extend((0..self.point).map(|index| self.digit(index)));
        } else {
            out.push('0');
        }
        if decimals > 0 {
            out.push('.');
            let decimals = i32::try_from(decimals).unwrap_or(i32::MAX);
            out.extend((0..decimals).map(|index| self.digit(self.point + index)));
        }
        out
    }
}

/// A float in Go's format `e`, `E`, `f`, `g`, `G`, `x`, `X` or `b`; without a precision the shortest that reads back.
pub(super) fn format(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    match verb {
        'e' | 'E' => {
            if let Some(decimals) = precision {
                return Decimal::significant(value, decimals.saturating_add(1)).scientific(decimals, verb);
            }
            let decimal = Decimal::shortest(value);
            decimal.scientific(decimal.digits.len() - 1, verb)
        }
        'f' => {
            if let Some(decimals) = precision {
                let mut out = format!("{value:.*}", decimals.min(EXACT));
                out.extend(std::iter::repeat_n('0', decimals.saturating_sub(EXACT)));
                return out;
            }
            let decimal = Decimal::shortest(value);
            let decimals = i32::try_from(decimal.digits.len()).unwrap_or(i32::MAX) - decimal.point;
            decimal.plain(usize::try_from(decimals).unwrap_or(0))
        }
        'x' | 'X' => hexadecimal(value, verb, precision),
        'b' => {
            let (mantissa, exponent) = parts(value);
            let sign = if value.is_sign_negative() { "-" } else { "" };
            format!("{sign}{mantissa}p{exponent:+}")
        }
        _ => general(value, verb, precision),
    }
}

/// The format `g`: with an exponent where it is below -4, or reaches the precision.
fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let decimal = match precision {
        Some(count) => Decimal::significant(value, count.max(1)).trimmed(),
        None => Decimal::shortest(value),
    };
    let count = i32::try_from(decimal.digits.len()).unwrap_or(i32::MAX);
    let limit = match precision {
        None => 6,
        Some(wanted) => {
            let wanted = i32::try_from(wanted.max(1)).unwrap_or(i32::MAX);
            if wanted > count && count >= decimal.point { count } else { wanted }
        }
    };
    // Go takes a whole number's own length for the limit, but where that is what was asked for anyway.
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        let e = if verb == 'G' { 'E' } else { 'e' };
        return decimal.scientific(decimal.digits.len() - 1, e);
    }
    decimal.plain(usize::try_from(count - decimal.point).unwrap_or(0))
}

/// The mantissa as a whole number, and the power of two that it is multiplied by.
fn parts(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = i64::from((bits >> 52) as u16 & 0x7ff);
    if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) }
}

/// `0x1.8p+00`.
fn hexadecimal(value: f64, verb: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        exponent += 52 - i64::from(shift);
    }
    // From here on the mantissa has 52 bits, 13 digits, after its point.
    if let Some(digits @ 0..13) = precision {
        let dropped = u32::try_from(52 - digits * 4).unwrap_or(0);
        let half = 1_u64 << (dropped - 1);
        let rest = mantissa & ((1 << dropped) - 1);
        mantissa >>= dropped;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        Some(wanted) => {
            digits.truncate(wanted);
            digits.extend(std::iter::repeat_n('0', wanted.saturating_sub(13)));
        }
        None => digits.truncate(digits.trim_end_matches('0').len()),
    }
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let power = if exponent < 0 { '-' } else { '+' };
    let text = format!("{sign}0x{}{point}{digits}p{power}{:02}", mantissa >> 52, exponent.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}

/// Towards zero; what does not fit is the least number, as Go converts on amd64.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn whole(value: f64) -> i64 {
    if value >= i64::MIN as f64 && value < i64::MAX as f64 { value as i64 } else { i64::MIN }
}

/// Why a text is no float, as Go words it.
pub(super) fn parse(text: &str) -> Result<f64, String> {
    let failed =
        |why: &str| Err(format!("strconv.ParseFloat: parsing {}: {why}", super::quote::quoted(text)));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Ok(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let Some(value) = parse_hexadecimal(digits) else { return failed("invalid syntax") };
        return Ok(if negative { -value } else { value });
    }
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    match text.parse::<f64>() {
        Ok(value) if text.chars().all(numeric) => {
            if value.is_infinite() {
                failed("value out of range")
            } else {
                Ok(value)
            }
        }
        _ => failed("invalid syntax"),
    }
}

/// What follows the `0x` of a float: digits, perhaps a point, and an exponent of two.
fn parse_hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for c in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
    }
    let places = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(value * 2.0_f64.powi(exponent.checked_sub(places)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, verb: char, precision: Option<usize>, expect: &str) {
        assert_eq!(format(value, verb, precision), expect);
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        check(0.0, 'g', None, "0");
        check(-0.0, 'g', None, "-0");
        check(1.0, 'g', None, "1");
        check(100_000.0, 'g', None, "100000");
        check(1_000_000.0, 'g', None, "1e+06");
        check(123_456_789.0, 'g', None, "1.23456789e+08");
        check(0.000_1, 'g', None, "0.0001");
        check(0.000_01, 'g', None, "1e-05");
        check(1e21, 'g', None, "1e+21");
        check(f64::INFINITY, 'g', None, "+Inf");
        check(f64::NEG_INFINITY, 'f', Some(2), "-Inf");
        check(f64::NAN, 'g', Some(4), "NaN");
        check(1.234_5, 'g', Some(4), "1.234");
        check(12_345.0, 'g', Some(4), "1.234e+04");
        check(999.95, 'g', Some(4), "1000");
        check(1000.0, 'g', Some(4), "1000");
        check(100.0, 'g', Some(4), "100");
        check(12.0, 'g', Some(1), "1e+01");
        check(0.0, 'g', Some(4), "0");
        check(2.5, 'f', Some(0), "2");
        check(1.005, 'f', Some(2), "1.00");
        check(1e6, 'f', None, "1000000");
        check(0.001_5, 'f', None, "0.0015");
        check(0.0, 'e', Some(6), "0.000000e+00");
        check(1_234.5, 'e', Some(2), "1.23e+03");
        check(1e-7, 'e', None, "1e-07");
        check(1.5, 'x', None, "0x1.8p+00");
        check(1.5, 'X', Some(0), "0X1P+01");
        check(0.0, 'x', None, "0x0p+00");
        check(1.0, 'b', None, "4503599627370496p-52");
    }
}
