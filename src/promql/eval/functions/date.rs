//! Dates of instants, in UTC.

/// The proleptic Gregorian date of a second.
///
/// As in Go's `time`, seconds count from the 1st of March of a year before all others, and wrap around there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    year: i64,
    month: i64,
    day: i64,
    /// Days since the 1st of March.
    day_from_march: i64,
    /// 0 is Sunday.
    weekday: i64,
    second_of_day: i64,
}

const DAY: i64 = 86_400;
const DAYS_IN_400_YEARS: i64 = 146_097;
/// The first of March of this year is the first day.
const FIRST_YEAR: i64 = -292_277_022_400;
/// Seconds from the first day to the 1st of January 1970.
const EPOCH: i64 = 62_135_596_800 + (-FIRST_YEAR / 400 * DAYS_IN_400_YEARS + 306) * DAY;

impl Date {
    /// `seconds` since the Unix epoch.
    pub(super) fn of(seconds: i64) -> Self {
        let absolute = seconds.cast_unsigned().wrapping_add(EPOCH.cast_unsigned());
        let days = (absolute / DAY.cast_unsigned()).cast_signed();
        let second_of_day = (absolute % DAY.cast_unsigned()).cast_signed();
        let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_from_march + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: FIRST_YEAR + era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_from_march - (153 * month_from_march + 2) / 5 + 1,
            day_from_march,
            weekday: (days + 3) % 7,
            second_of_day,
        }
    }

    fn is_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(self) -> i64 {
        match self.month {
            ..=2 => self.day_from_march - 305,
            _ => self.day_from_march + 60 + i64::from(self.is_leap_year()),
        }
    }

    /// As `2026-11-26T11:12:25Z`.
    pub(super) fn rfc3339(self) -> String {
        let Self { year, month, day, second_of_day: second, .. } = self;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

/// What the function of this name says of a date.
pub(super) fn function(name: &str) -> Option<fn(Date) -> i64> {
    Some(match name {
        "days_in_month" => Date::days_in_month,
        "day_of_month" => |date| date.day,
        "day_of_week" => |date| date.weekday,
        "day_of_year" => Date::day_of_year,
        "hour" => |date| date.second_of_day / 3600,
        "minute" => |date| date.second_of_day / 60 % 60,
        "month" => |date| date.month,
        "year" => |date| date.year,
        _ => return None,
    })
}

/// Whole seconds of a number: towards zero, and what is too large or no number is the least there is, as Go converts
/// on x86-64.
pub(super) fn whole_seconds(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is what is to go")]
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: f64, expect: [i64; 8]) {
        let date = Date::of(whole_seconds(seconds));
        let names = [
            "year",
            "month",
            "day_of_month",
            "day_of_week",
            "day_of_year",
            "hour",
            "minute",
            "days_in_month",
        ];
        assert_eq!(names.map(|name| function(name).unwrap()(date)), expect, "{seconds}");
    }

    /// The expected values are Go's.
    #[test]
    fn dates_are_gos() {
        check(0.0, [1970, 1, 1, 4, 1, 0, 0, 31]);
        check(-0.5, [1970, 1, 1, 4, 1, 0, 0, 31]);
        check(-1.0, [1969, 12, 31, 3, 365, 23, 59, 31]);
        check(951_782_400.0, [2000, 2, 29, 2, 60, 0, 0, 29]);
        check(4_107_542_400.0, [2100, 3, 1, 1, 60, 0, 0, 31]);
        check(-62_135_596_800.0, [1, 1, 1, 1, 1, 0, 0, 31]);
        check(-62_135_596_801.0, [0, 12, 31, 0, 366, 23, 59, 31]);
        check(1e15, [31_690_708, 7, 5, 0, 187, 1, 46, 31]);
        check(-1e15, [-31_686_769, 6, 29, 0, 180, 22, 13, 30]);
        check(9.2e18, [291_536_396_232, 8, 31, 5, 244, 11, 33, 31]);
        check(-9.2e18, [-291_536_392_293, 5, 3, 2, 123, 12, 26, 31]);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9.3e18] {
            check(value, [292_277_026_596, 12, 4, 0, 339, 15, 30, 31]);
        }
    }

    #[test]
    fn dates_are_printed() {
        assert_eq!(Date::of(1_795_691_545).rfc3339(), "2026-11-26T11:12:25Z");
    }
}
