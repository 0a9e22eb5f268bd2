//! The axis of values: its ends, its marks and their texts.

/// Where values lie between the bottom and the top of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    /// Marked values with their texts, ascending.
    pub(super) ticks: Vec<(f64, String)>,
}

/// Marks that are aimed at.
const TICKS: f64 = 6.0;

impl Scale {
    /// A scale that shows values from `min` to `max`, both finite.
    pub(super) fn new(min: f64, max: f64) -> Self {
        if max - min == 0.0 {
            let room = if min == 0.0 { 1.0 } else { (min.abs() / 2.0).max(f64::MIN_POSITIVE) };
            let text = Texts::of(min.abs(), 0.0).text(min);
            return Self { low: min - room, high: min + room, ticks: vec![(min, text)] };
        }
        Self::round(min, max).unwrap_or_else(|| {
            let text = |value: f64| format!("{value:e}");
            Self { low: min, high: max, ticks: vec![(min, text(min)), (max, text(max))] }
        })
    }

    /// With ends and marks at round numbers; none where floats are too coarse or too small for them.
    fn round(min: f64, max: f64) -> Option<Self> {
        let step = round_step((max - min) / TICKS)?;
        // A value that misses a multiple by a rounding error is that multiple.
        let (first, last) = ((min / step + 1e-9).floor(), (max / step - 1e-9).ceil());
        let (low, high) = (first * step, last * step);
        // Beyond 2^53 not every multiple is a number any more.
        let exact = first.abs().max(last.abs()) < 9e15 && low.is_finite() && high.is_finite();
        let grace = step * 1e-6;
        if !exact || low - grace > min || high + grace < max {
            return None;
        }
        let texts = Texts::of(low.abs().max(high.abs()), step);
        let mut ticks = Vec::new();
        let mut multiple = first;
        while multiple <= last {
            let value = multiple * step;
            ticks.push((value, texts.text(value)));
            multiple += 1.0;
        }
        Some(Self { low, high, ticks })
    }

    /// 0 at the bottom, 1 at the top, or a rounding error beside them.
    pub(super) fn place(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span.is_finite() {
            (value - self.low) / span
        } else {
            (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
        }
    }
}

/// The smallest of 1, 2, 5, 10, 20, … and their like below 1 that is not below `rough`.
fn round_step(rough: f64) -> Option<f64> {
    if !rough.is_finite() || rough < 1e-300 {
        return None;
    }
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9));
    Some(factor.unwrap_or(10.0) * power)
}

/// How the values of one axis are written: in one unit and with equally many decimals.
struct Texts {
    unit: f64,
    suffix: String,
    decimals: usize,
}

impl Texts {
    /// For values up to `size` that are `step` apart; a step of 0 is a single value.
    fn of(size: f64, step: f64) -> Self {
        const PREFIXES: [(f64, &str); 6] =
            [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
        let step = if step == 0.0 { size / 1000.0 } else { step };
        let exponent = || {
            let exponent = size.log10().floor();
            (10_f64.powf(exponent), format!("e{exponent}"))
        };
        let plain = (1.0, String::new());
        let (unit, suffix) = if size == 0.0 {
            plain
        } else if !(1e-3..1e21).contains(&size) {
            exponent()
        } else {
            let prefix = PREFIXES.into_iter().find(|(unit, _)| size >= *unit);
            // Where small steps lie far from zero a prefix only moves the point.
            prefix
                .filter(|(unit, _)| decimals(step / unit) <= 3)
                .map_or(plain, |(unit, suffix)| (unit, suffix.to_owned()))
        };
        Self { unit, suffix, decimals: decimals(step / unit) }
    }

    fn text(&self, value: f64) -> String {
        if value == 0.0 {
            return "0".to_owned();
        }
        if !self.unit.is_normal() {
            return format!("{value:e}");
        }
        let text = format!("{:.*}", self.decimals, value / self.unit);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text}{}", self.suffix)
    }
}

/// Decimals that show a step.
fn decimals(step: f64) -> usize {
    const MOST: f64 = 17.0;
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, MOST);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
    let decimals = decimals as usize;
    decimals
}

/// A number for people, of six digits at most: `1234.57`, `0.00012`, `1.5e+20`.
pub fn short_number(value: f64) -> String {
    const DIGITS: i32 = 6;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        let Some((mantissa, exponent)) = text.split_once('e') else { return text };
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        return format!("{mantissa}e{sign}{exponent}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -5 and 15")]
    let magnitude = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
    let decimals = usize::try_from(DIGITS - 1 - magnitude).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(min: f64, max: f64, expect: &str) {
        let scale = Scale::new(min, max);
        let ticks: Vec<&str> = scale.ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(ticks.join(" "), expect);
        for value in [min, max, min / 2.0 + max / 2.0] {
            let place = scale.place(value);
            assert!((-1e-6..=1.000_001).contains(&place), "{value} at {place}");
        }
    }

    #[test]
    fn marks_are_round_and_short() {
        check(0.0, 1.0, "0 0.2 0.4 0.6 0.8 1");
        check(0.0, 100.0, "0 20 40 60 80 100");
        check(0.2, 7.3, "0 2 4 6 8");
        check(-3.0, 4.0, "-4 -2 0 2 4");
        check(0.0, 3_500.0, "0 1k 2k 3k 4k");
        check(1_200_000.0, 1_900_000.0, "1.2M 1.4M 1.6M 1.8M 2M");
        check(0.0, 8e9, "0 2G 4G 6G 8G");
        check(0.000_2, 0.000_9, "0.0002 0.0004 0.0006 0.0008 0.001");
        check(0.0, 7e-9, "0 2e-9 4e-9 6e-9 8e-9");
        check(0.0, 4e30, "0 1e30 2e30 3e30 4e30");
        check(1_000_000.1, 1_000_000.5, "1000000.1 1000000.2 1000000.3 1000000.4 1000000.5");
        check(1_795_477_826.0, 1_795_477_830.0, "1795477826 1795477827 1795477828 1795477829 1795477830");
    }

    #[test]
    fn equal_values_lie_in_the_middle() {
        check(0.0, 0.0, "0");
        check(42.0, 42.0, "42");
        check(-1_234.5, -1_234.5, "-1.234k");
        check(1e-9, 1e-9, "1e-9");
        assert!((Scale::new(42.0, 42.0).place(42.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_limits_of_floats_are_met() {
        check(-f64::MAX, f64::MAX, "-1.7976931348623157e308 1.7976931348623157e308");
        check(0.0, 5e-324, "0e0 5e-324");
        check(1.0, 1.000_000_000_000_000_2, "1e0 1.0000000000000002e0");
        check(1e16, 1e16 + 2.0, "1e16 1.0000000000000002e16");
        check(f64::MAX, f64::MAX, "1.798e308");
        check(5e-324, 5e-324, "5e-324");
    }

    #[track_caller]
    fn check_short(value: f64, expect: &str) {
        assert_eq!(short_number(value), expect);
    }

    #[test]
    fn numbers_for_people_have_six_digits() {
        check_short(0.0, "0");
        check_short(-0.0, "-0");
        check_short(1.0, "1");
        check_short(0.1 + 0.2, "0.3");
        check_short(1.0 / 3.0, "0.333333");
        check_short(-1_234.567_89, "-1234.57");
        check_short(1_795_477_826.5, "1795477826");
        check_short(0.000_012_345_67, "0.0000123457");
        check_short(1e-9, "1e-9");
        check_short(1.5e20, "1.5e+20");
        check_short(f64::INFINITY, "+Inf");
        check_short(f64::NEG_INFINITY, "-Inf");
        check_short(f64::NAN, "NaN");
    }
}
