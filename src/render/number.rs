//! Numbers as templates print them: one way each, the same on every machine.

use crate::time::PromDuration;

/// A number without float noise: twelve significant digits, shortest form.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    format!("{rounded}")
}

/// `0.999` to `99.9%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", number(share * 100.0))
}

/// `80` to `$80`, `0.4` to `$0.40`, `40000` to `$40,000`.
pub(super) fn usd(amount: f64) -> String {
    let cents = format!("{amount:.2}");
    let (whole, fraction) = cents.split_once('.').unwrap_or((&cents, "00"));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction == "00" { format!("${grouped}") } else { format!("${grouped}.{fraction}") }
}

/// Seconds as a number: `2.5` for 2.5 s.
pub(super) fn seconds(duration: PromDuration) -> String {
    number(duration.as_secs_f64())
}

/// A duration for people: `5 s`, `2.5 s`, `5 min`, `1 h`.
pub(super) fn spoken(duration: PromDuration) -> String {
    let millis = duration.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)] {
        if millis >= size && millis.is_multiple_of(size) {
            return format!("{} {unit}", millis / size);
        }
    }
    if millis < 1000 { format!("{millis} ms") } else { format!("{} s", seconds(duration)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_without_noise() {
        assert_eq!(number(0.07 * 100.0), "7");
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(2.5e-6), "0.0000025");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(100.0 * 0.8), "80");
    }

    #[test]
    fn shares_money_and_durations_read_well() {
        assert_eq!(percent(0.999), "99.9%");
        assert_eq!(percent(0.05), "5%");
        assert_eq!(usd(80.0), "$80");
        assert_eq!(usd(0.4), "$0.40");
        assert_eq!(usd(40_000.0), "$40,000");
        assert_eq!(usd(1_234_567.5), "$1,234,567.50");
        assert_eq!(spoken(PromDuration::from_millis(2500)), "2.5 s");
        assert_eq!(spoken(PromDuration::from_secs(300)), "5 min");
        assert_eq!(spoken(PromDuration::from_millis(250)), "250 ms");
    }
}
