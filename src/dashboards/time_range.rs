//! Time ranges as Grafana writes them: `now-1h`, `now/d`, milliseconds since the epoch.

use crate::time::{PromDuration, Timestamp};

/// From when to when, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// The longest range that is drawn: what lies further back is cut off.
const LONGEST: i64 = 10 * 366 * 86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    From,
    To,
}

impl TimeRange {
    /// Of two texts; `None` where one of them is no time, or `to` is not after `from`. Days and what is longer begin in
    /// a zone that is so many minutes east of UTC; absolute times without a zone are UTC.
    pub fn parse(from: &str, to: &str, now: Timestamp, east: i16) -> Option<Self> {
        let (from, to) = (instant(from, now, End::From, east)?, instant(to, now, End::To, east)?);
        let from = Timestamp(from.0.max(to.0.saturating_sub(LONGEST)));
        (from < to).then_some(Self { from, to })
    }

    /// Milliseconds, at least 1.
    pub fn millis(self) -> i64 {
        self.to.0.saturating_sub(self.from.0).max(1)
    }

    /// The range of so many milliseconds that ends where this one does.
    #[must_use]
    pub fn last(self, millis: i64) -> Self {
        Self { from: Timestamp(self.to.0.saturating_sub(millis.clamp(1, LONGEST))), to: self.to }
    }
}

/// A duration of Grafana's: Prometheus' units, and `M` for a month of 30 days. In milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(months) = text.strip_suffix('M') {
        return months.parse::<u16>().ok().map(|months| i64::from(months) * 30 * 86_400_000);
    }
    let duration: PromDuration = text.parse().ok()?;
    i64::try_from(duration.as_millis()).ok()
}

/// `now`, what is taken away from or added to it, and what it is rounded to; or an absolute time.
fn instant(text: &str, now: Timestamp, end: End, east: i16) -> Option<Timestamp> {
    let text = text.trim();
    let Some(mut rest) = text.strip_prefix("now") else {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && (9..=15).contains(&text.len()) {
            return text.parse().ok().map(Timestamp);
        }
        // Seconds may be left out.
        let time: Timestamp = text.parse().or_else(|_| format!("{text}:00").parse()).ok()?;
        return (0..=253_402_300_799_999).contains(&time.0).then_some(time);
    };
    let mut at = now;
    while let Some(sign) = rest.chars().next() {
        rest = &rest[sign.len_utf8()..];
        let length = rest.find(['+', '-', '/']).unwrap_or(rest.len());
        let (part, after) = rest.split_at(length);
        match sign {
            '-' => at = Timestamp(at.0.checked_sub(duration(part)?)?),
            '+' => at = Timestamp(at.0.checked_add(duration(part)?)?),
            '/' => {
                let shift = i64::from(east) * 60_000;
                let local = Timestamp(at.0.checked_add(shift)?);
                at = Timestamp(rounded(local, part, end)?.0 - shift);
            }
            _ => return None,
        }
        rest = after;
    }
    Some(at)
}

/// The begin of the unit that the instant lies in, or its last millisecond.
fn rounded(at: Timestamp, unit: &str, end: End) -> Option<Timestamp> {
    const DAY: i64 = 86_400_000;
    let fixed = |length: i64, shift: i64| {
        let begin = (at.0 - shift).div_euclid(length) * length + shift;
        (begin, begin + length)
    };
    let date =
        |year: i64, month: u32| format!("{year:04}-{month:02}-01").parse().ok().map(|at: Timestamp| at.0);
    let civil = at.civil();
    let (begin, next) = match unit {
        "s" => fixed(1000, 0),
        "m" => fixed(60_000, 0),
        "h" => fixed(3_600_000, 0),
        "d" => fixed(DAY, 0),
        // Weeks begin on Sunday; 1970-01-04 was one.
        "w" => fixed(7 * DAY, 3 * DAY),
        "M" => {
            let after = if civil.month == 12 { (civil.year + 1, 1) } else { (civil.year, civil.month + 1) };
            (date(civil.year, civil.month)?, date(after.0, after.1)?)
        }
        "y" => (date(civil.year, 1)?, date(civil.year + 1, 1)?),
        _ => return None,
    };
    Some(Timestamp(if end == End::From { begin } else { next - 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, expect: &str) {
        check_in(0, from, to, expect);
    }

    #[track_caller]
    fn check_in(east: i16, from: &str, to: &str, expect: &str) {
        let now = "2026-11-26T10:30:15Z".parse().unwrap();
        let got = TimeRange::parse(from, to, now, east);
        let shown = got.map_or("none".to_owned(), |range| format!("{} {}", range.from, range.to));
        assert_eq!(shown, expect);
    }

    #[test]
    fn ranges_are_relative_rounded_or_absolute() {
        check("now-1h", "now", "2026-11-26T09:30:15Z 2026-11-26T10:30:15Z");
        check("now-1d/d", "now-1d/d", "2026-11-25T00:00:00Z 2026-11-25T23:59:59.999Z");
        check("now/d", "now", "2026-11-26T00:00:00Z 2026-11-26T10:30:15Z");
        check("now/w", "now/w", "2026-11-22T00:00:00Z 2026-11-28T23:59:59.999Z");
        check("now/M", "now/M", "2026-11-01T00:00:00Z 2026-11-30T23:59:59.999Z");
        check("now/y", "now/y", "2026-01-01T00:00:00Z 2026-12-31T23:59:59.999Z");
        check("now-1M", "now", "2026-10-27T10:30:15Z 2026-11-26T10:30:15Z");
        check("now-2h", "now-1h+30m", "2026-11-26T08:30:15Z 2026-11-26T10:00:15Z");
        check("1795478400000", "1795482000000", "2026-11-24T00:00:00Z 2026-11-24T01:00:00Z");
        check("2026-11-24 00:00", "2026-11-24T01:00", "2026-11-24T00:00:00Z 2026-11-24T01:00:00Z");
        check("2026-11-24T00:00:00Z", "2026-11-24 01:00:00", "2026-11-24T00:00:00Z 2026-11-24T01:00:00Z");
    }

    #[test]
    fn days_begin_where_people_are() {
        check_in(9 * 60, "now/d", "now", "2026-11-25T15:00:00Z 2026-11-26T10:30:15Z");
        check_in(16 * 60, "now/d", "now/d", "2026-11-26T08:00:00Z 2026-11-27T07:59:59.999Z");
        check_in(-11 * 60, "now/d", "now", "2026-11-25T11:00:00Z 2026-11-26T10:30:15Z");
        check_in(5 * 60 + 30, "now/h", "now", "2026-11-26T10:30:00Z 2026-11-26T10:30:15Z");
        check_in(9 * 60, "2026-11-26", "2026-11-26 10:00", "2026-11-26T00:00:00Z 2026-11-26T10:00:00Z");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (from, to) in [
            ("", "now"),
            ("now", "now-1h"),
            ("now", "now"),
            ("now-", "now"),
            ("now-1", "now"),
            ("now-99999999999999y", "now"),
            ("now/q", "now"),
            ("nowé", "now"),
            ("yesterday", "now"),
            ("2026-11-24 00", "now"),
            ("2026-11-24 00:00:0", "now"),
            ("99999999999999999999", "now"),
            ("<script>", "now"),
        ] {
            check(from, to, "none");
        }
        check("now-100y", "now", "2016-11-18T10:30:15Z 2026-11-26T10:30:15Z");
    }
}
