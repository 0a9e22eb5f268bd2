//! Instants and Prometheus durations.
//!
//! Owns: [`Timestamp`], which reads and prints itself as RFC 3339, [`Civil`], [`PromDuration`].
//! Must not know: the clock. Time is always an argument.
//! Invariants: both count whole milliseconds, as Prometheus does.
//! Start reading at: [`PromDuration`].

mod duration;
mod rfc3339;

pub use duration::{ParseDurationError, PromDuration};
pub use rfc3339::{Civil, ParseTimestampError};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds since the Unix epoch, with fractions.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// How long it is from one instant to another, for people: in whole seconds, and from an hour on in its two largest
/// units, as `33s`, `1m2s`, `2h5m`, `3d4h`. What lies in the future has not begun: `0s`.
pub fn lasting(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0) / 1000;
    let (large, small) = match seconds {
        0..60 => return format!("{seconds}s"),
        60..3600 => ((seconds / 60, "m"), (seconds % 60, "s")),
        3600..86400 => ((seconds / 3600, "h"), (seconds / 60 % 60, "m")),
        _ => ((seconds / 86400, "d"), (seconds / 3600 % 24, "h")),
    };
    let small = if small.0 == 0 { String::new() } else { format!("{}{}", small.0, small.1) };
    format!("{}{}{small}", large.0, large.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(millis: i64, expect: &str) {
        assert_eq!(lasting(Timestamp(1_000), Timestamp(1_000_i64.saturating_add(millis))), expect);
    }

    #[test]
    fn a_length_of_time_is_told_in_whole_units() {
        check(0, "0s");
        check(-1, "0s");
        check(33_500, "33s");
        check(60_000, "1m");
        check(92_000, "1m32s");
        check(3_600_000, "1h");
        check(7_500_000, "2h5m");
        check(90_000_000, "1d1h");
        check(i64::MAX, "106751991167d7h");
    }
}
