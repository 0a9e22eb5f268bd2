//! Instants and Prometheus durations.
//!
//! Owns: [`Timestamp`], which reads and prints itself as RFC 3339, [`Civil`], [`PromDuration`].
//! Must not know: the clock. Time is always an argument.
//! Invariants: both count whole milliseconds, as Prometheus does.
//! Start reading at: [`PromDuration`].

mod duration;
mod rfc3339;

use std::time::Duration;

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

    /// The time since an instant; none if that has not come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}
