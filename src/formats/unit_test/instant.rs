//! Instants as promtool takes them: seconds since the epoch, or a date and time.

use crate::time::Timestamp;

/// Seconds with an optional fraction (`1700000000.5`), or RFC 3339 (`2026-11-26T12:00:00.5+01:00`).
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = (seconds * 1000.0).round();
        // The years 1 to 9999, as far as any calendar here goes.
        return (-62_135_596_800_000.0..=253_402_300_799_999.0).contains(&millis).then_some(
            #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
            Timestamp(millis as i64),
        );
    }
    let (date, time) = text.split_once(['T', 't'])?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let [hours, minutes] = fields(&zone[1..], ':', [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 60 + minutes)
        }
    };
    if !(1..=12).contains(&month)
        || !(1..=days_in(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let minutes = (days_from_epoch(year, month, day) * 24 + hour) * 60 + minute - offset;
    Some(Timestamp((minutes * 60 + second) * 1000 + millis))
}

/// Digits of fixed widths between separators.
fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(separator).collect();
    if parts.len() != N {
        return None;
    }
    let mut fields = [0; N];
    for ((field, part), width) in fields.iter_mut().zip(parts).zip(widths) {
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *field = part.parse().ok()?;
    }
    Some(fields)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, for years from 0.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let before =
        (year - 1970) * 365 + leap_days((year - 1).max(0)) - leap_days(1969) + i64::from(year > 0) - 1;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    before + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<i64>) {
        assert_eq!(instant(text).map(|instant| instant.0), expect, "{text}");
    }

    #[test]
    fn instants_are_seconds_or_dates() {
        check("0", Some(0));
        check("1700000000.5", Some(1_700_000_000_500));
        check("-1", Some(-1000));
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.999Z", Some(-1));
        check("2026-11-26T12:00:00Z", Some(1_795_694_400_000));
        check("2026-11-26T13:00:00.25+01:00", Some(1_795_694_400_250));
        check("2024-02-29t00:00:00.1239z", Some(1_709_164_800_123));
        check("2000-03-01T00:00:00-00:30", Some(951_870_600_000));
        check("0001-01-01T00:00:00Z", Some(-62_135_596_800_000));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799_000));
        for text in [
            "",
            "x",
            "1e300",
            "nan",
            "2026-11-26",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-1-01T00:00:00Z",
            "2026-11-26T12:00Z",
            "2026-11-26T24:00:00Z",
            "2026-11-26T12:00:00",
            "2026-11-26T12:00:00.Z",
            "2026-11-26T12:00:00+1:00",
            "2026-11-26T12:00:00+24:00",
            "+026-11-26T12:00:00Z",
            "2026-11-26T12:00:00é",
        ] {
            check(text, None);
        }
    }
}
