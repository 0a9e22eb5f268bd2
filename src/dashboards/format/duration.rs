//! Durations: scaled to the unit that fits, or spelt out.

use super::{Formatted, number::to_fixed};

/// From when on (in the unit that is given), what it is divided by, the unit's name.
type Step = (f64, f64, &'static str);

/// The last step whose bound is reached.
pub(super) type Ladder = &'static [Step];

pub(super) const NANOSECONDS: Ladder = &[
    (0.0, 1.0, " ns"),
    (1e3, 1e3, " µs"),
    (1e6, 1e6, " ms"),
    (1e9, 1e9, " s"),
    (6e10, 6e10, " min"),
    (36e11, 36e11, " hour"),
    (864e11, 864e11, " day"),
];
pub(super) const MICROSECONDS: Ladder = &[(0.0, 1.0, " µs"), (1e3, 1e3, " ms"), (1e6, 1e6, " s")];
pub(super) const MILLISECONDS: Ladder = &[
    (0.0, 1.0, " ms"),
    (1e3, 1e3, " s"),
    (6e4, 6e4, " min"),
    (36e5, 36e5, " hour"),
    (864e5, 864e5, " day"),
    (31_536e6, 31_536e6, " year"),
];
pub(super) const SECONDS: Ladder = &[
    (0.0, 1e-9, " ns"),
    (1e-6, 1e-6, " µs"),
    (1e-3, 1e-3, " ms"),
    (1.0, 1.0, " s"),
    (60.0, 60.0, " min"),
    (3600.0, 3600.0, " hour"),
    (86_400.0, 86_400.0, " day"),
    (604_800.0, 604_800.0, " week"),
    (31_536e3, 31_556_900.0, " year"),
];
pub(super) const MINUTES: Ladder = &[
    (0.0, 1.0, " min"),
    (60.0, 60.0, " hour"),
    (1440.0, 1440.0, " day"),
    (10_080.0, 10_080.0, " week"),
    (604_800.0, 525_948.0, " year"),
];
pub(super) const HOURS: Ladder =
    &[(0.0, 1.0, " hour"), (24.0, 24.0, " day"), (168.0, 168.0, " week"), (8760.0, 8760.0, " year")];
pub(super) const DAYS: Ladder = &[(0.0, 1.0, " day"), (7.0, 7.0, " week"), (365.0, 365.0, " year")];

/// In the largest unit that it fills.
pub(super) fn scaled(ladder: Ladder, value: f64, decimals: Option<u16>) -> Formatted {
    let size = value.abs();
    let (index, (_, divisor, name)) = ladder
        .iter()
        .enumerate()
        .rfind(|(_, (from, ..))| size >= *from)
        .or_else(|| ladder.iter().enumerate().next_back())
        .expect("a ladder has steps");
    // Below a second the factor is exact, its inverse is not.
    let scaled = if *divisor < 1.0 { value * (1.0 / divisor).round() } else { value / divisor };
    let mut suffix = (*name).to_owned();
    // Grafana writes the unit that is given as it is, except for days, and the others in the plural.
    let plural = index > 0 || *name == " day";
    if plural
        && scaled.abs() > 1.0
        && matches!(suffix.as_str(), " min" | " hour" | " day" | " week" | " year")
    {
        suffix.push('s');
    }
    Formatted { text: to_fixed(scaled, decimals), suffix, ..Formatted::default() }
}

const UNITS: [(&str, f64); 8] = [
    ("year", 31_536e6),
    ("month", 2592e6),
    ("week", 6048e5),
    ("day", 864e5),
    ("hour", 36e5),
    ("minute", 6e4),
    ("second", 1e3),
    ("millisecond", 1.0),
];

/// `2 hours, 5 minutes`: the largest unit, and one more for each decimal.
pub(super) fn spelt(millis: f64, decimals: Option<u16>, unit: &str) -> Formatted {
    if !millis.is_finite() {
        return Formatted::plain(to_fixed(millis, decimals));
    }
    if millis == 0.0 {
        return Formatted::with("0".to_owned(), &format!(" {unit}s"));
    }
    let mut left = millis.abs();
    let mut parts = Vec::new();
    for (name, length) in UNITS {
        let count = left / length;
        if (count >= 1.0 || !parts.is_empty()) && parts.len() <= usize::from(decimals.unwrap_or(0)) {
            let floor = count.floor();
            parts.push(format!("{floor} {name}{}", if (1.0..2.0).contains(&floor) { "" } else { "s" }));
            left %= length;
        }
    }
    let suffix = if millis < 0.0 { " ago" } else { "" };
    Formatted::with(parts.join(", "), suffix)
}

/// `1 d 02:03:04`; days only where they are asked for.
pub(super) fn clock(seconds: f64, days: Days) -> Formatted {
    if !seconds.is_finite() {
        return Formatted::plain(to_fixed(seconds, None));
    }
    let mut left = seconds.abs();
    let mut before = String::new();
    if days == Days::Apart && left >= 86_400.0 {
        before = format!("{} d ", (left / 86_400.0).floor());
        left %= 86_400.0;
    }
    let (hours, minutes, rest) =
        ((left / 3600.0).floor(), (left % 3600.0 / 60.0).floor(), (left % 60.0).floor());
    let text = format!("{before}{hours:02}:{minutes:02}:{rest:02}");
    Formatted::with(text, if seconds < 0.0 { " ago" } else { "" })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    Apart,
    InHours,
}
