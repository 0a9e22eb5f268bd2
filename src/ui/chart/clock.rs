//! The axis of time: its marks and their texts, in UTC.

use crate::time::{Civil, Timestamp};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A distance between marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Millis(i64),
    Months(i64),
}

#[rustfmt::skip]
const STEPS: [Step; 36] = {
    use Step::{Millis as Ms, Months};
    [
        Ms(1), Ms(2), Ms(5), Ms(10), Ms(20), Ms(50), Ms(100), Ms(200), Ms(500),
        Ms(SECOND), Ms(2 * SECOND), Ms(5 * SECOND), Ms(10 * SECOND), Ms(15 * SECOND), Ms(30 * SECOND),
        Ms(MINUTE), Ms(2 * MINUTE), Ms(5 * MINUTE), Ms(10 * MINUTE), Ms(15 * MINUTE), Ms(30 * MINUTE),
        Ms(HOUR), Ms(2 * HOUR), Ms(3 * HOUR), Ms(6 * HOUR), Ms(12 * HOUR),
        Ms(DAY), Ms(2 * DAY), Ms(7 * DAY), Ms(14 * DAY),
        Months(1), Months(3), Months(6), Months(12), Months(60), Months(120),
    ]
};

/// Marks between two instants: not more than `most`, and at round times. Empty where even decades are too many.
pub(super) fn ticks(from: Timestamp, to: Timestamp, most: usize) -> Vec<(Timestamp, String)> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let span = to.0.saturating_sub(from.0).max(0);
    let fits = |step: &Step| match step {
        Step::Millis(millis) => span / millis < most,
        // The shortest months make the most marks.
        Step::Months(months) => span / (28 * DAY * months) < most,
    };
    let Some(step) = STEPS.into_iter().find(fits) else { return Vec::new() };
    let mut ticks = Vec::new();
    let mut at = Some(start(from, step));
    while let Some(time) = at.filter(|time| *time <= to) {
        if time >= from {
            ticks.push((time, text(time, step)));
        }
        at = next(time, step);
    }
    ticks
}

/// The round time at or before an instant.
fn start(at: Timestamp, step: Step) -> Timestamp {
    match step {
        Step::Millis(millis) => Timestamp(at.0.div_euclid(millis).checked_mul(millis).unwrap_or(at.0)),
        Step::Months(months) => {
            let Civil { year, month, .. } = at.civil();
            let count = year * 12 + i64::from(month) - 1;
            month_start(count.div_euclid(months) * months).unwrap_or(at)
        }
    }
}

fn next(at: Timestamp, step: Step) -> Option<Timestamp> {
    match step {
        Step::Millis(millis) => at.0.checked_add(millis).map(Timestamp),
        Step::Months(months) => {
            let Civil { year, month, .. } = at.civil();
            month_start(year * 12 + i64::from(month) - 1 + months)
        }
    }
}

/// The first instant of a month, counted from the year 0; none where years have more than four digits.
fn month_start(count: i64) -> Option<Timestamp> {
    format!("{:04}-{:02}-01", count.div_euclid(12), count.rem_euclid(12) + 1).parse().ok()
}

fn text(at: Timestamp, step: Step) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second, millis } = at.civil();
    let name = usize::try_from(month).ok().and_then(|month| MONTHS.get(month - 1)).copied().unwrap_or("");
    let Step::Millis(step) = step else { return format!("{name} {year}") };
    if step >= DAY || at.0.rem_euclid(DAY) == 0 {
        format!("{name} {day}")
    } else if step >= MINUTE {
        format!("{hour:02}:{minute:02}")
    } else if step >= SECOND {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, most: usize, expect: &str) {
        let ticks = ticks(from.parse().unwrap(), to.parse().unwrap(), most);
        let texts: Vec<&str> = ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert!(texts.len() <= most);
        assert_eq!(texts.join(" "), expect);
    }

    #[test]
    fn marks_are_at_round_times() {
        check("2026-11-26T10:03:00Z", "2026-11-26T11:03:00Z", 5, "10:15 10:30 10:45 11:00");
        check("2026-11-26T22:00:00Z", "2026-11-27T02:00:00Z", 5, "22:00 23:00 Nov 27 01:00 02:00");
        check(
            "2026-11-26T10:00:00Z",
            "2026-11-26T10:00:20Z",
            5,
            "10:00:00 10:00:05 10:00:10 10:00:15 10:00:20",
        );
        check(
            "2026-11-26T10:00:00.1Z",
            "2026-11-26T10:00:00.3Z",
            3,
            "10:00:00.100 10:00:00.200 10:00:00.300",
        );
        check("2026-11-20", "2026-11-26", 4, "Nov 21 Nov 23 Nov 25");
        check("2026-01-15", "2026-04-01", 4, "Feb 2026 Mar 2026 Apr 2026");
        check(
            "2020-01-01",
            "2026-01-01",
            8,
            "Jan 2020 Jan 2021 Jan 2022 Jan 2023 Jan 2024 Jan 2025 Jan 2026",
        );
        check("2026-11-26T10:00:00Z", "2026-11-26T10:00:00Z", 5, "10:00:00.000");
    }

    #[test]
    fn the_ends_of_time_have_no_marks() {
        assert_eq!(ticks(Timestamp(i64::MIN), Timestamp(i64::MAX), 5), []);
        assert_eq!(ticks(Timestamp(0), Timestamp(1), 0), []);
        assert_eq!(ticks(Timestamp(i64::MAX - 5), Timestamp(i64::MAX), 3).len(), 3);
    }
}
