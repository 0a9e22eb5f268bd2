//! Durations as Prometheus writes them: `5m`, `1h30m`, `250ms`.

use std::{fmt, str::FromStr};

/// A non-negative duration in whole milliseconds, written as Prometheus writes it
/// (<https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PromDuration(u64);

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    #[error("a duration is empty")]
    Empty,
    #[error("`{0}` has no unit")]
    NoUnit(String),
    #[error("`{0}` is no duration")]
    Malformed(String),
    #[error("`{0}` is longer than 290 years")]
    TooLong(String),
}

/// Units in the order in which they may appear, largest first, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl PromDuration {
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1000)
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl FromStr for PromDuration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseDurationError::Malformed(text.to_owned());
        if text.is_empty() {
            return Err(ParseDurationError::Empty);
        }
        if text == "0" {
            return Ok(Self(0));
        }
        if text.parse::<f64>().is_ok() {
            return Err(ParseDurationError::NoUnit(text.to_owned()));
        }
        let (mut total, mut next_unit, mut rest) = (0_u64, 0_usize, text);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            if digits == 0 || letters == 0 {
                return Err(malformed());
            }
            let unit = &rest[digits..digits + letters];
            let index = UNITS
                .iter()
                .position(|(name, _)| *name == unit)
                .filter(|index| *index >= next_unit)
                .ok_or_else(malformed)?;
            let too_long = || ParseDurationError::TooLong(text.to_owned());
            total = rest[..digits]
                .parse::<u64>()
                .ok()
                .and_then(|count| count.checked_mul(UNITS[index].1))
                .and_then(|millis| total.checked_add(millis))
                // Prometheus holds durations as i64 nanoseconds.
                .filter(|millis| *millis <= i64::MAX as u64 / 1_000_000)
                .ok_or_else(too_long)?;
            next_unit = index + 1;
            rest = &rest[digits + letters..];
        }
        Ok(Self(total))
    }
}

impl fmt::Display for PromDuration {
    /// As Prometheus prints it: years, weeks and days only where they come out even.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, millis) in UNITS {
            let whole_only = matches!(unit, "y" | "w" | "d");
            if rest < millis || (whole_only && !rest.is_multiple_of(millis)) {
                continue;
            }
            write!(f, "{}{unit}", rest / millis)?;
            rest %= millis;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(u64, &str), &str>) {
        let got = text.parse::<PromDuration>();
        let shown = got.as_ref().map(|d| (d.as_millis(), d.to_string()));
        match expect {
            Ok((millis, printed)) => assert_eq!(shown, Ok((millis, printed.to_owned()))),
            Err(message) => assert_eq!(got.unwrap_err().to_string(), message),
        }
    }

    #[test]
    fn durations_read_and_print_as_prometheus_does() {
        check("5m", Ok((300_000, "5m")));
        check("90s", Ok((90_000, "1m30s")));
        check("1h30m", Ok((5_400_000, "1h30m")));
        check("250ms", Ok((250, "250ms")));
        check("1d", Ok((86_400_000, "1d")));
        check("36h", Ok((129_600_000, "36h")));
        check("0", Ok((0, "0s")));
        check("", Err("a duration is empty"));
        check("5", Err("`5` has no unit"));
        check("0.5", Err("`0.5` has no unit"));
        check("5 s", Err("`5 s` is no duration"));
        check("1m1h", Err("`1m1h` is no duration"));
        check("-5s", Err("`-5s` is no duration"));
        check("300y", Err("`300y` is longer than 290 years"));
        check("99999999999999999999s", Err("`99999999999999999999s` is longer than 290 years"));
    }
}
