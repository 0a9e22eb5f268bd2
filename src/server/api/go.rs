//! Numbers, times and durations as Go reads them and speaks of them: what clients send was made for its readers.

use std::fmt::Write as _;

use crate::{
    series::quoted,
    time::{PromDuration, Timestamp},
};

const NANOS: f64 = 1e9;

/// An instant as Go's `time.Unix` holds it; seconds may be any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant {
    secs: i64,
    /// Below 10⁹.
    nanos: i64,
}

/// From the year 1, where Go counts from, to 1970.
const EPOCH: i64 = 62_135_596_800;

impl Instant {
    /// Before all samples: what Prometheus takes where no start is given.
    pub(super) const MIN: Self = Self { secs: i64::MIN / 1000 + 62_135_596_801, nanos: 0 };
    /// After all samples.
    pub(super) const MAX: Self = Self { secs: i64::MAX / 1000 - 62_135_596_801, nanos: 999_999_999 };

    pub(super) fn of(at: Timestamp) -> Self {
        Self { secs: at.0.div_euclid(1000), nanos: at.0.rem_euclid(1000) * 1_000_000 }
    }

    /// For searches among series.
    pub(super) fn timestamp(self) -> Timestamp {
        Timestamp(self.secs.wrapping_mul(1000).wrapping_add(self.nanos / 1_000_000))
    }

    /// For queries: Prometheus goes by nanoseconds there, which wrap around in the years 1678 and 2262.
    pub(super) fn query_timestamp(self) -> Timestamp {
        Timestamp(self.secs.wrapping_mul(1_000_000_000).wrapping_add(self.nanos) / 1_000_000)
    }

    /// Seconds since the year 1, which wrap around for what no calendar has.
    fn counted(self) -> i64 {
        self.secs.wrapping_add(EPOCH)
    }

    pub(super) fn is_before(self, other: Self) -> bool {
        (self.counted(), self.nanos) < (other.counted(), other.nanos)
    }

    /// Nanoseconds from another instant to this one, as far as 64 bits hold them.
    pub(super) fn since(self, earlier: Self) -> i64 {
        let nanos = (i128::from(self.counted()) - i128::from(earlier.counted())) * 1_000_000_000
            + i128::from(self.nanos - earlier.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Seconds with a fraction, or RFC 3339.
pub(super) fn instant(text: &str) -> Result<Instant, String> {
    if let Some(seconds) = float(text) {
        let nanos = ((seconds - seconds.trunc()) * 1000.0).round() / 1000.0 * NANOS;
        let (secs, nanos) = (whole(seconds), whole(nanos));
        let (carry, nanos) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
        return Ok(Instant { secs: secs.wrapping_add(carry), nanos });
    }
    match text {
        "-292273086-05-16T16:47:06Z" => return Ok(Instant::MIN),
        "292277025-08-18T07:12:54.999999999Z" => return Ok(Instant::MAX),
        _ => {}
    }
    if is_strict(text)
        && let Ok(at) = text.parse::<Timestamp>()
    {
        return Ok(Instant::of(at));
    }
    Err(format!("cannot parse {} to a valid timestamp", quoted(text)))
}

/// What Go's layout of RFC 3339 asks for, and our reader does not.
fn is_strict(text: &str) -> bool {
    let bytes = text.as_bytes();
    let zoned = matches!(bytes, [.., b'Z']) || matches!(bytes, [.., b'+' | b'-', _, _, b':', _, _]);
    bytes.len() >= 20 && bytes[10] == b'T' && zoned && &bytes[17..19] != b"60"
}

/// Nanoseconds of a duration: seconds with a fraction, or with units.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let refused = |why: &str| format!("cannot parse {} to a valid duration{why}", quoted(text));
    if let Some(seconds) = float(text) {
        let nanos = seconds * NANOS;
        // 2⁶³ itself does not fit.
        if nanos.is_nan() || !(-(2_f64.powi(63))..2_f64.powi(63)).contains(&nanos) {
            return Err(refused(". It overflows int64"));
        }
        return Ok(whole(nanos));
    }
    let duration = text.parse::<PromDuration>().ok();
    let nanos =
        duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()?.checked_mul(1_000_000));
    nanos.ok_or_else(|| refused(""))
}

/// As Go converts: what does not fit, NaN too, is the least number.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(value: f64) -> i64 {
    if (-(2_f64.powi(63))..2_f64.powi(63)).contains(&value) { value as i64 } else { i64::MIN }
}

/// What Go's `strconv.ParseFloat` takes, without hexadecimal numbers.
fn float(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_word = digits.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_word && digits.len() != text.len() && digits.eq_ignore_ascii_case("nan") {
        return None;
    }
    let plain = if text.contains('_') { without_underscores(text)? } else { text.to_owned() };
    let value: f64 = plain.parse().ok()?;
    (is_word || value.is_finite()).then_some(value)
}

/// Underscores may stand between digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit =
        |index: Option<usize>| index.and_then(|index| bytes.get(index)).is_some_and(u8::is_ascii_digit);
    let fits = |(index, byte): (usize, &u8)| {
        *byte != b'_' || (is_digit(index.checked_sub(1)) && is_digit(Some(index + 1)))
    };
    bytes.iter().enumerate().all(fits).then(|| text.replace('_', ""))
}

/// `strconv.Atoi`.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let why = if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "invalid syntax"
    } else {
        match text.parse() {
            Ok(value) => return Ok(value),
            Err(_) => "value out of range",
        }
    };
    Err(format!("parsing {}: {why}", quoted(text)))
}

/// `strconv.ParseBool`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(text))),
    }
}

/// Nanoseconds as Go prints a duration: `1m0s`, `-1.5s`, `100µs`.
pub(super) fn duration_text(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let mut text = String::from(if nanos < 0 { "-" } else { "" });
    let written = match size {
        0 => return "0s".to_owned(),
        1..1_000 => write!(text, "{size}ns"),
        1_000..1_000_000 => write!(text, "{}µs", fraction(size, 1_000)),
        1_000_000..1_000_000_000 => write!(text, "{}ms", fraction(size, 1_000_000)),
        _ => {
            let (minutes, rest) = (size / 60_000_000_000, size % 60_000_000_000);
            let seconds = fraction(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => write!(text, "{seconds}s"),
                (0, minutes) => write!(text, "{minutes}m{seconds}s"),
                (hours, minutes) => write!(text, "{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    // A `String` takes everything.
    let _ = written;
    text
}

/// A quotient without zeros at its end.
fn fraction(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
}

/// A number with an exponent, as alerts show their values: `1e-07`.
pub(super) fn exponent_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_instant(text: &str, query: i64, search: i64) {
        let at = instant(text).unwrap();
        assert_eq!((at.query_timestamp().0, at.timestamp().0), (query, search), "{text}");
    }

    #[test]
    fn instants_are_read_as_go_does() {
        check_instant("1.5", 1_500, 1_500);
        check_instant("-1.5", -1_500, -1_500);
        check_instant("1795704606.7809", 1_795_704_606_781, 1_795_704_606_781);
        check_instant("1e9", 1_000_000_000_000, 1_000_000_000_000);
        check_instant("NaN", -9_223_372_036_854, -9_223_372_036_855);
        check_instant("1e300", 0, 0);
        check_instant("-1e15", -2_003_764_205_206, -1_000_000_000_000_000_000);
        check_instant("1970-01-01T00:00:01.5Z", 1_500, 1_500);
        check_instant("1970-01-01T01:00:00+01:00", 0, 0);
        assert_eq!(instant("-292273086-05-16T16:47:06Z"), Ok(Instant::MIN));
        for text in ["", "x", "1970-01-01", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00", "+nan", "1e400"] {
            let refused = format!("cannot parse {} to a valid timestamp", quoted(text));
            assert_eq!(instant(text), Err(refused));
        }
    }

    #[track_caller]
    fn check_duration(text: &str, expect: Result<i64, &str>) {
        assert_eq!(duration(text).as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text));
    }

    #[test]
    fn durations_are_seconds_or_have_units() {
        check_duration("15", Ok(15_000_000_000));
        check_duration("0.0001", Ok(100_000));
        check_duration("1_0", Ok(10_000_000_000));
        check_duration("-2", Ok(-2_000_000_000));
        check_duration("1h30m", Ok(5_400_000_000_000));
        check_duration("", Err("cannot parse \"\" to a valid duration"));
        check_duration("-1m", Err("cannot parse \"-1m\" to a valid duration"));
        check_duration("1__0", Err("cannot parse \"1__0\" to a valid duration"));
        check_duration("1e300", Err("cannot parse \"1e300\" to a valid duration. It overflows int64"));
        check_duration("nan", Err("cannot parse \"nan\" to a valid duration. It overflows int64"));
    }

    #[test]
    fn durations_are_printed_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (-1_500, "-1.5µs"),
            (100_000, "100µs"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (-3_661_000_000_000, "-1h1m1s"),
        ] {
            assert_eq!(duration_text(nanos), text);
        }
    }

    #[test]
    fn numbers_are_refused_in_words_of_go() {
        assert_eq!(integer("+1"), Ok(1));
        assert_eq!(integer("x"), Err("parsing \"x\": invalid syntax".to_owned()));
        assert_eq!(integer("-"), Err("parsing \"-\": invalid syntax".to_owned()));
        let huge = "99999999999999999999";
        assert_eq!(integer(huge), Err(format!("parsing \"{huge}\": value out of range")));
        assert_eq!((boolean("T"), boolean("0")), (Ok(true), Ok(false)));
        assert!(boolean("yes").is_err());
    }

    #[test]
    fn exponents_have_two_digits() {
        for (value, text) in [(0.0, "0e+00"), (1e-7, "1e-07"), (-12.5, "-1.25e+01"), (1e300, "1e+300")] {
            assert_eq!(exponent_text(value), text);
        }
    }
}
