//! Axes: round marks for values and for times.

use crate::{
    dashboards::{display::Display, format::Unit, time_range::TimeRange},
    time::Timestamp,
};

/// An axis of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub side: Side,
    pub label: Option<String>,
    pub ticks: Vec<Tick>,
    pub(super) scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
    Hidden,
}

/// A mark: its place from the low end (0) to the high end (1), and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub text: String,
    /// Of a time, in milliseconds since the epoch.
    pub time: Option<i64>,
}

/// What an axis is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reach {
    /// Set by the panel: the axis ends exactly there.
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    /// Of values and soft bounds.
    pub(super) least: f64,
    pub(super) greatest: f64,
    pub(super) logarithmic: bool,
    /// Whether sizes are powers of 1024.
    pub(super) binary: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    logarithmic: bool,
}

/// Shares beyond the drawing that are told apart; what lies further is put here.
const FAR: f64 = 8.0;

impl Scale {
    /// 0 at the bottom, 1 at the top; beyond them for values that the axis does not reach.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = if self.logarithmic {
            if value <= 0.0 {
                return 0.0;
            }
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
        };
        if place.is_nan() { 0.0 } else { place.clamp(-FAR, FAR) }
    }
}

/// A scale that reaches as far as it has to, and its marks, at most so many.
pub(super) fn scale(reach: Reach, most: usize) -> (Scale, Vec<f64>) {
    let finite = |value: f64, usual: f64| if value.is_finite() { value } else { usual };
    let (mut low, mut high) = (finite(reach.least, 0.0), finite(reach.greatest, 1.0));
    low = reach.min.unwrap_or(low);
    high = reach.max.unwrap_or(high);
    if reach.logarithmic {
        return logarithmic(low, high);
    }
    if high <= low {
        // One value alone lies in the middle; nothing at all on the ground.
        let room = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
        match (reach.min, reach.max) {
            (_, None) if low == 0.0 => high = 1.0,
            (None, Some(_)) => low = high - room,
            (Some(_), _) => high = low + room,
            (None, None) => (low, high) = (low - room, high + room),
        }
    }
    let most = most.max(2);
    let rough = (high / 2.0 - low / 2.0) * 2.0 / most as f64;
    let Some(step) = round_step(rough, reach.binary) else {
        return (Scale { low, high, logarithmic: false }, vec![low, high]);
    };
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let mut marks = Vec::new();
    let mut multiple = first;
    while multiple <= last && marks.len() <= 2 * most {
        marks.push(multiple * step);
        multiple += 1.0;
    }
    (Scale { low, high, logarithmic: false }, marks)
}

fn logarithmic(low: f64, high: f64) -> (Scale, Vec<f64>) {
    let high = if high > 0.0 { high } else { 1.0 };
    let low = if low > 0.0 && low < high { low } else { high / 1000.0 };
    #[expect(clippy::cast_possible_truncation, reason = "a double's exponent")]
    let (first, last) = (low.log10().floor().max(-300.0) as i32, high.log10().ceil().min(300.0) as i32);
    let (first, last) = (first, last.max(first + 1));
    let every = usize::try_from((last - first) / 8 + 1).unwrap_or(1);
    let marks = (first..=last).step_by(every).map(|power| 10_f64.powi(power)).collect();
    (Scale { low: 10_f64.powi(first), high: 10_f64.powi(last), logarithmic: true }, marks)
}

/// Whether the texts of marks, of so many decimals, say just what the marks are.
pub(super) fn is_exact(marks: &[f64], display: &Display<'_>, decimals: u16) -> bool {
    let text = |value: f64, digits: u16| display.unit().format(value, Some(digits)).trimmed();
    marks.iter().all(|value| text(*value, decimals) == text(*value, decimals.saturating_add(2)))
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten, or of the powers of two, that is not below `rough`.
fn round_step(rough: f64, binary: bool) -> Option<f64> {
    if !rough.is_finite() || rough < 1e-300 {
        return None;
    }
    if binary && rough >= 1.0 {
        return Some(rough.log2().ceil().exp2());
    }
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9));
    Some(factor.unwrap_or(10.0) * power)
}

/// Marks with their texts: as many decimals as tell them apart, or as the field has.
pub(super) fn value_ticks(
    scale: Scale,
    marks: &[f64],
    display: &Display<'_>,
    decimals: Option<u16>,
) -> Vec<Tick> {
    let unit: &Unit = display.unit();
    let write = |digits: u16| marks.iter().map(move |value| unit.format(*value, Some(digits)));
    let trimmed = |digits: u16| write(digits).map(|text| text.trimmed().to_string()).collect::<Vec<_>>();
    // More decimals until no two marks read alike and none is rounded.
    let tells_apart = |digits: &u16| {
        let texts = trimmed(*digits);
        texts.windows(2).all(|pair| pair[0] != pair[1]) && texts == trimmed(*digits + 2)
    };
    let texts: Vec<String> = if let Some(digits) = decimals {
        write(digits).map(|text| text.to_string()).collect()
    } else {
        let digits = (0..=10).find(tells_apart).unwrap_or(10);
        if unit.trims_zeros() {
            trimmed(digits)
        } else {
            write(digits).map(|text| text.to_string()).collect()
        }
    };
    let tick = |(value, text): (&f64, String)| Tick { at: scale.place(*value), text, time: None };
    marks.iter().zip(texts).map(tick).filter(|tick| (-1e-6..=1.000_001).contains(&tick.at)).collect()
}

/// Steps of a time axis, in milliseconds.
const TIME_STEPS: [i64; 26] = [
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    2 * 60_000,
    5 * 60_000,
    10 * 60_000,
    15 * 60_000,
    30 * 60_000,
    3_600_000,
    2 * 3_600_000,
    3 * 3_600_000,
    6 * 3_600_000,
    12 * 3_600_000,
    86_400_000,
    2 * 86_400_000,
    5 * 86_400_000,
    7 * 86_400_000,
    14 * 86_400_000,
    30 * 86_400_000,
    90 * 86_400_000,
    180 * 86_400_000,
    365 * 86_400_000,
];

/// Marks at round times of UTC, at most so many.
pub(super) fn time_ticks(range: TimeRange, most: i64) -> Vec<Tick> {
    let span = range.millis();
    let step = TIME_STEPS.into_iter().find(|step| span / step <= most.max(1)).unwrap_or(span);
    let mut ticks = Vec::new();
    let mut at = range.from.0.div_euclid(step).saturating_add(1).saturating_mul(step);
    if (at - step) == range.from.0 {
        at = range.from.0;
    }
    while at <= range.to.0 && ticks.len() < 50 {
        ticks.push(Tick {
            at: (at - range.from.0) as f64 / span as f64,
            text: clock(Timestamp(at), step, span),
            time: Some(at),
        });
        at = at.saturating_add(step);
    }
    ticks
}

/// `10:30`, `10:30:15`, `11/26`, `11/26 10:30` or `2026-11`, whatever tells marks so far apart from each other.
fn clock(at: Timestamp, step: i64, span: i64) -> String {
    let civil = at.civil();
    let (month, day, hour, minute) = (civil.month, civil.day, civil.hour, civil.minute);
    match step {
        step if step < 60_000 => format!("{hour:02}:{minute:02}:{:02}", civil.second),
        step if step < 86_400_000 && span <= 86_400_000 => format!("{hour:02}:{minute:02}"),
        step if step < 86_400_000 => format!("{month:02}/{day:02} {hour:02}:{minute:02}"),
        step if step < 30 * 86_400_000 => format!("{month:02}/{day:02}"),
        _ => format!("{:04}-{month:02}", civil.year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards::{
        frame::{Field, Values},
        model::FieldSettings,
    };

    #[track_caller]
    fn check(unit: &str, least: f64, greatest: f64, expect: &str) {
        let settings = FieldSettings { unit: Some(unit.to_owned()), ..FieldSettings::default() };
        let field = Field { settings, ..Field::new("x", Values::Numbers(Vec::new())) };
        let reach =
            Reach { min: None, max: None, least, greatest, logarithmic: false, binary: unit == "bytes" };
        let (scale, marks) = scale(reach, 5);
        let ticks = value_ticks(scale, &marks, &Display::new(&field), None);
        let texts: Vec<&str> = ticks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts.join(" | "), expect);
        for value in [least, greatest] {
            assert!((-1e-6..=1.000_001).contains(&scale.place(value)), "{value}");
        }
    }

    #[test]
    fn marks_of_values_are_round() {
        check("none", 0.0, 1.0, "0 | 0.2 | 0.4 | 0.6 | 0.8 | 1");
        check("none", 0.0, 7.3, "0 | 2 | 4 | 6");
        check("none", 0.0, 0.0, "0 | 0.2 | 0.4 | 0.6 | 0.8 | 1");
        check("none", 5.0, 5.0, "3 | 4 | 5 | 6 | 7");
        check("reqps", 0.0, 0.43, "0 req/s | 0.1 req/s | 0.2 req/s | 0.3 req/s | 0.4 req/s");
        check("s", 0.0, 5.0, "0 s | 1 s | 2 s | 3 s | 4 s | 5 s");
        check("s", 0.0, 0.012, "0 s | 2.5 ms | 5 ms | 7.5 ms | 10 ms");
        check("percentunit", 0.0, 1.0, "0% | 20% | 40% | 60% | 80% | 100%");
        check("currencyUSD", 0.0, 120.0, "$0 | $25 | $50 | $75 | $100");
        check("short", 0.0, 4e6, "0 | 1 Mil | 2 Mil | 3 Mil | 4 Mil");
        check("bytes", 0.0, 3e9, "0 B | 1 GiB | 2 GiB");
        check("none", -f64::MAX, f64::MAX, "-1.7976931348623157e+308 | 1.7976931348623157e+308");
    }

    #[test]
    fn decimals_show_whether_they_are_enough() {
        let field = Field::new("x", Values::Numbers(Vec::new()));
        let display = Display::new(&field);
        assert!(!is_exact(&[0.0, 2.5, 5.0], &display, 0));
        assert!(is_exact(&[0.0, 5.0, 10.0], &display, 0));
        assert!(is_exact(&[0.0, 2.5, 5.0], &display, 1));
    }

    #[test]
    fn marks_of_times_are_round() {
        let check = |from: &str, to: &str, expect: &str| {
            let range = TimeRange { from: from.parse().unwrap(), to: to.parse().unwrap() };
            let texts: Vec<String> = time_ticks(range, 6).into_iter().map(|tick| tick.text).collect();
            assert_eq!(texts.join(" "), expect);
        };
        check("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z", "10:00 10:10 10:20 10:30 10:40 10:50 11:00");
        check(
            "2026-11-26T10:00:01Z",
            "2026-11-26T10:01:00Z",
            "10:00:10 10:00:20 10:00:30 10:00:40 10:00:50 10:01:00",
        );
        check(
            "2026-11-25T12:00:00Z",
            "2026-11-27T12:00:00Z",
            "11/25 12:00 11/26 00:00 11/26 12:00 11/27 00:00 11/27 12:00",
        );
        check("2026-11-01T00:00:00Z", "2026-11-29T00:00:00Z", "11/03 11/08 11/13 11/18 11/23 11/28");
    }
}
