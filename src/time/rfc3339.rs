//! Instants as RFC 3339 writes them (<https://www.rfc-editor.org/rfc/rfc3339>), in the Gregorian calendar and UTC.

use std::{fmt, str::FromStr};

use super::Timestamp;

const DAY: i64 = 86_400_000;

/// A date and a time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millis: u32,
}

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time as `2026-11-26T10:00:00Z`")]
pub struct ParseTimestampError(pub String);

impl Timestamp {
    pub fn civil(self) -> Civil {
        let (days, millis) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        // Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is their last; 400 of them,
        // an era, have 146097 days.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let small = |value: i64| u32::try_from(value).unwrap_or_default();
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * from_march + 2) / 5 + 1),
            hour: small(millis / 3_600_000),
            minute: small(millis / 60_000 % 60),
            second: small(millis / 1_000 % 60),
            millis: small(millis % 1_000),
        }
    }
}

/// Days from 1970-01-01, by the inverse of [`Timestamp::civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl fmt::Display for Timestamp {
    /// `2026-11-26T10:00:00Z`; with milliseconds where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, millis } = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// RFC 3339 with any offset; digits beyond milliseconds are cut off. A date alone is its midnight in UTC, and the
    /// zone may be left out for UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseTimestampError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, "-", 2).filter(|month| (1..=12).contains(month))?;
    let day = after(&mut rest, "-", 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let midnight = days(year, month, Some(day).filter(|day| (1..=length).contains(day))?) * DAY;
    if rest.is_empty() {
        return Some(Timestamp(midnight));
    }
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let hour = number(&mut rest, 2).filter(|hour| *hour < 24)?;
    let minute = after(&mut rest, ":", 2).filter(|minute| *minute < 60)?;
    // 60 is a leap second, which Unix time does not have.
    let second = after(&mut rest, ":", 2).filter(|second| *second <= 60)?;
    let mut millis = midnight + hour * 3_600_000 + minute * 60_000 + second * 1_000;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let thousandths = format!("{:0<3}", &fraction[..digits.min(3)]);
        millis += thousandths.parse::<i64>().ok().filter(|_| digits > 0)?;
        rest = &fraction[digits..];
    }
    let offset = match rest {
        "" | "Z" | "z" => 0,
        _ => {
            let sign = match rest.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            rest = &rest[1..];
            let hours = number(&mut rest, 2).filter(|hour| *hour < 24)?;
            let minutes = after(&mut rest, ":", 2).filter(|minute| *minute < 60)?;
            if !rest.is_empty() {
                return None;
            }
            sign * (hours * 3_600_000 + minutes * 60_000)
        }
    };
    Some(Timestamp(millis - offset))
}

/// So many digits as a number.
fn number(rest: &mut &str, digits: usize) -> Option<i64> {
    let text = rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    *rest = &rest[digits..];
    text.parse().ok()
}

fn after(rest: &mut &str, separator: &str, digits: usize) -> Option<i64> {
    *rest = rest.strip_prefix(separator)?;
    number(rest, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(i64, &str)>) {
        let got = text.parse::<Timestamp>().ok().map(|at| (at.0, at.to_string()));
        assert_eq!(got.as_ref().map(|(millis, text)| (*millis, text.as_str())), expect);
    }

    #[test]
    fn instants_are_read_and_printed() {
        check("1970-01-01T00:00:00Z", Some((0, "1970-01-01T00:00:00Z")));
        check("2026-11-26T10:00:00Z", Some((1_795_687_200_000, "2026-11-26T10:00:00Z")));
        check("2026-11-26t10:00:00.5z", Some((1_795_687_200_500, "2026-11-26T10:00:00.500Z")));
        check("2026-11-26T10:00:00.0079999Z", Some((1_795_687_200_007, "2026-11-26T10:00:00.007Z")));
        check("2026-11-26T11:00:00+01:00", Some((1_795_687_200_000, "2026-11-26T10:00:00Z")));
        check("2026-11-26 04:30:00-05:30", Some((1_795_687_200_000, "2026-11-26T10:00:00Z")));
        check("2026-11-26T10:00:00", Some((1_795_687_200_000, "2026-11-26T10:00:00Z")));
        check("2026-11-26", Some((1_795_651_200_000, "2026-11-26T00:00:00Z")));
        check("2024-02-29", Some((1_709_164_800_000, "2024-02-29T00:00:00Z")));
        check("2000-02-29T23:59:60Z", Some((951_868_800_000, "2000-03-01T00:00:00Z")));
        check("1969-12-31T23:59:59.999Z", Some((-1, "1969-12-31T23:59:59.999Z")));
        check("0000-03-01", Some((-62_162_035_200_000, "0000-03-01T00:00:00Z")));
        check("9999-12-31T23:59:59Z", Some((253_402_300_799_000, "9999-12-31T23:59:59Z")));
    }

    #[test]
    fn what_is_no_instant() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "1900-02-29",
            "2026-11-31",
            "2026-11-00",
            "2026-1-1",
            "2026-11-26T",
            "2026-11-26T24:00:00Z",
            "2026-11-26T10:60:00Z",
            "2026-11-26T10:00Z",
            "2026-11-26T10:00:00.Z",
            "2026-11-26T10:00:00X",
            "2026-11-26T10:00:00+1:00",
            "2026-11-26T10:00:00+01:00x",
            "2026-11-26T10:00:00Zx",
            "２026-11-26",
            "2026-11-é6",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in -146_097..146_097_i64 {
            let at = Timestamp(day * DAY);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn the_ends_of_time_can_be_printed() {
        assert_eq!(Timestamp(i64::MAX).to_string(), "292278994-08-17T07:12:55.807Z");
        assert_eq!(Timestamp(i64::MIN).to_string(), "-292275055-05-16T16:47:04.192Z");
    }
}
