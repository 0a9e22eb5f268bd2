//! Spans of time in words.

use std::time::Duration;

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// How long something lasts, as people say it: whole seconds, and of the units only the largest two, `2h 5m`.
pub fn lasting(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let largest = UNITS.iter().position(|(length, _)| seconds >= *length).unwrap_or(UNITS.len() - 1);
    let (length, unit) = UNITS[largest];
    let mut text = format!("{}{unit}", seconds / length);
    if let Some((next, unit)) = UNITS.get(largest + 1)
        && let rest = seconds % length / next
        && rest > 0
    {
        text = format!("{text} {rest}{unit}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(millis: u64, expect: &str) {
        assert_eq!(lasting(Duration::from_millis(millis)), expect);
    }

    #[test]
    fn the_largest_two_units_are_said() {
        check(0, "0s");
        check(999, "0s");
        check(33_500, "33s");
        check(60_000, "1m");
        check(333_000, "5m 33s");
        check(7_530_000, "2h 5m");
        check(7_205_000, "2h");
        check(90_000_000, "1d 1h");
        check(u64::MAX, "213503982334d 14h");
    }
}
