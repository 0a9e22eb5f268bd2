//! Instants and durations as Go's `time` writes them; all in UTC.

use std::fmt::Write as _;

use super::value::Value;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// From 1.
pub(super) fn month_name(month: u8) -> &'static str {
    MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default()
}

/// From 0, which is Sunday.
pub(super) fn weekday_name(day: u8) -> &'static str {
    WEEKDAYS.get(usize::from(day)).copied().unwrap_or_default()
}

/// The parts of an instant.
struct Parts {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    millis: u16,
    weekday: u8,
    /// From 1.
    year_day: u16,
}

/// The date of a day counted from the epoch (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn parts(millis: i64) -> Parts {
    let days = millis.div_euclid(86_400_000);
    let rest = millis.rem_euclid(86_400_000);
    let (year, month, day) = date(days);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let year_day = before[usize::try_from(month - 1).unwrap_or(0)] + day + i64::from(leap && month > 2);
    let small = |value: i64| u8::try_from(value).unwrap_or(0);
    Parts {
        year,
        month: small(month),
        day: small(day),
        hour: small(rest / 3_600_000),
        minute: small(rest / 60_000 % 60),
        second: small(rest / 1000 % 60),
        millis: u16::try_from(rest % 1000).unwrap_or(0),
        weekday: small((days + 4).rem_euclid(7)),
        year_day: u16::try_from(year_day).unwrap_or(0),
    }
}

/// `2020-09-13 12:26:40.123 +0000 UTC`.
pub(super) fn text(millis: i64) -> String {
    formatted(millis, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// What a layout's chunk stands for; longer ones first where one begins as another.
#[rustfmt::skip]
const CHUNKS: [&str; 38] = [
    "January", "Jan", "Monday", "Mon", "MST", "2006", "002", "01", "02", "03", "04", "05", "06", "__2", "_2006", "_2",
    "15", "1", "2", "3", "4", "5", "PM", "pm", "-07:00:00", "-070000", "-07:00", "-0700", "-07",
    "Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07", ".0", ",0", ".9", ",9",
];

/// An instant in one of Go's layouts, in which the reference time stands for the parts of the time.
pub(super) fn formatted(millis: i64, layout: &str) -> String {
    let time = parts(millis);
    let mut out = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        let chunk = CHUNKS.iter().find(|chunk| rest.starts_with(**chunk)).copied();
        // `Jan` and `Mon` are no chunks within a longer word.
        let chunk = chunk.filter(|chunk| {
            !matches!(*chunk, "Jan" | "Mon") || !rest[3..].starts_with(|next: char| next.is_ascii_lowercase())
        });
        let Some(chunk) = chunk else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let mut length = chunk.len();
        if matches!(chunk, ".0" | ",0" | ".9" | ",9") {
            let digit = &chunk[1..];
            let digits = rest[1..].len() - rest[1..].trim_start_matches(digit).len();
            if rest[1 + digits..].starts_with(|next: char| next.is_ascii_digit()) {
                out.push(c);
                rest = &rest[1..];
                continue;
            }
            length = 1 + digits;
            out.push_str(&fraction(time.millis, c, digits, digit == "9"));
        } else {
            write_chunk(&mut out, &time, chunk);
        }
        rest = &rest[length..];
    }
    out
}

/// Fractions of a second: so many digits, or without the zeros at their end.
fn fraction(millis: u16, point: char, digits: usize, trim: bool) -> String {
    let nanos = format!("{millis:03}000000");
    let shown = &nanos[..digits.min(9)];
    let shown = if trim { shown.trim_end_matches('0') } else { shown };
    if shown.is_empty() { String::new() } else { format!("{point}{shown}") }
}

fn write_chunk(out: &mut String, time: &Parts, chunk: &str) {
    let hour12 = if time.hour.is_multiple_of(12) { 12 } else { time.hour % 12 };
    let written = match chunk {
        "January" => write!(out, "{}", month_name(time.month)),
        "Jan" => write!(out, "{}", &month_name(time.month)[..3]),
        "Monday" => write!(out, "{}", weekday_name(time.weekday)),
        "Mon" => write!(out, "{}", &weekday_name(time.weekday)[..3]),
        "MST" => write!(out, "UTC"),
        "2006" => write!(out, "{:04}", time.year),
        "_2006" => write!(out, "_{:04}", time.year),
        "06" => write!(out, "{:02}", time.year.rem_euclid(100)),
        "01" => write!(out, "{:02}", time.month),
        "1" => write!(out, "{}", time.month),
        "02" => write!(out, "{:02}", time.day),
        "_2" => write!(out, "{:2}", time.day),
        "2" => write!(out, "{}", time.day),
        "002" => write!(out, "{:03}", time.year_day),
        "__2" => write!(out, "{:3}", time.year_day),
        "15" => write!(out, "{:02}", time.hour),
        "03" => write!(out, "{hour12:02}"),
        "3" => write!(out, "{hour12}"),
        "04" => write!(out, "{:02}", time.minute),
        "4" => write!(out, "{}", time.minute),
        "05" => write!(out, "{:02}", time.second),
        "5" => write!(out, "{}", time.second),
        "PM" => write!(out, "{}", if time.hour >= 12 { "PM" } else { "AM" }),
        "pm" => write!(out, "{}", if time.hour >= 12 { "pm" } else { "am" }),
        "-07:00:00" => write!(out, "+00:00:00"),
        "-070000" => write!(out, "+000000"),
        "-07:00" => write!(out, "+00:00"),
        "-0700" => write!(out, "+0000"),
        "-07" => write!(out, "+00"),
        _ => write!(out, "Z"),
    };
    written.expect("a string takes any text");
}

/// `1h2m3.5s`.
pub(super) fn duration_text(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let fraction = |value: u64, unit: u64, digits: usize| {
        let text = format!("{:0digits$}", value % unit);
        let text = text.trim_end_matches('0');
        if text.is_empty() { String::new() } else { format!(".{text}") }
    };
    match magnitude {
        0 => "0s".to_owned(),
        1..1000 => format!("{sign}{magnitude}ns"),
        1000..1_000_000 => format!("{sign}{}{}µs", magnitude / 1000, fraction(magnitude, 1000, 3)),
        1_000_000..1_000_000_000 => {
            format!("{sign}{}{}ms", magnitude / 1_000_000, fraction(magnitude, 1_000_000, 6))
        }
        _ => {
            let (seconds, rest) = (magnitude / 1_000_000_000, fraction(magnitude, 1_000_000_000, 9));
            let minutes = seconds / 60;
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}{rest}s"),
                (0, minutes) => format!("{sign}{minutes}m{}{rest}s", seconds % 60),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{}{rest}s", seconds % 60),
            }
        }
    }
}

/// A method of an instant that takes no argument; `None` where there is none of that name.
pub(super) fn time_method(millis: i64, name: &str) -> Option<Value> {
    let time = parts(millis);
    Some(match name {
        "Unix" => Value::Int(millis.div_euclid(1000)),
        "UnixMilli" => Value::Int(millis),
        "UnixMicro" => Value::Int(millis.saturating_mul(1000)),
        "UnixNano" => Value::Int(millis.saturating_mul(1_000_000)),
        "Year" => Value::Int(time.year),
        "Month" => Value::Month(time.month),
        "Day" => Value::Int(i64::from(time.day)),
        "Hour" => Value::Int(i64::from(time.hour)),
        "Minute" => Value::Int(i64::from(time.minute)),
        "Second" => Value::Int(i64::from(time.second)),
        "Nanosecond" => Value::Int(i64::from(time.millis) * 1_000_000),
        "Weekday" => Value::Weekday(time.weekday),
        "YearDay" => Value::Int(i64::from(time.year_day)),
        "UTC" => Value::Time(millis),
        "IsZero" => Value::Bool(false),
        "String" => Value::String(text(millis).into()),
        _ => return None,
    })
}

/// A method of a duration that takes no argument.
pub(super) fn duration_method(nanos: i64, name: &str) -> Option<Value> {
    Some(match name {
        "Hours" => Value::Float(nanos as f64 / 3.6e12),
        "Minutes" => Value::Float(nanos as f64 / 6e10),
        "Seconds" => Value::Float((nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9),
        "Milliseconds" => Value::Int(nanos / 1_000_000),
        "Microseconds" => Value::Int(nanos / 1000),
        "Nanoseconds" => Value::Int(nanos),
        "Abs" => Value::Duration(nanos.saturating_abs()),
        "String" => Value::String(duration_text(nanos).into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(millis: i64, layout: &str, expect: &str) {
        assert_eq!(formatted(millis, layout), expect);
    }

    #[test]
    fn instants_are_written_in_layouts() {
        check(0, "2006-01-02T15:04:05Z07:00", "1970-01-01T00:00:00Z");
        check(1_600_000_000_123, "Mon, 02 Jan 2006 15:04:05.000 MST", "Sun, 13 Sep 2020 12:26:40.123 UTC");
        check(1_600_000_000_100, "3:04PM .999", "12:26PM .1");
        check(1_600_000_000_000, "_2 January 06 __2", "13 September 20 257");
        check(-1, "2006-01-02 15:04:05.000", "1969-12-31 23:59:59.999");
        check(951_782_400_000, "2006-002 Monday", "2000-060 Tuesday");
        assert_eq!(text(1_600_000_000_120), "2020-09-13 12:26:40.12 +0000 UTC");
    }

    #[test]
    fn durations_are_written_in_units() {
        let texts = [0, 1500, 2_500_000, 61_000_000_000, -3_661_500_000_000].map(duration_text);
        assert_eq!(texts, ["0s", "1.5µs", "2.5ms", "1m1s", "-1h1m1.5s"]);
    }
}
