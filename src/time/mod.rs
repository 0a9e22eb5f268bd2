//! Instants and Prometheus durations.
//!
//! Owns: [`Timestamp`], [`PromDuration`].
//! Must not know: the clock. Time is always an argument.
//! Invariants: both count whole milliseconds, as Prometheus does.
//! Start reading at: [`PromDuration`].

mod duration;

pub use duration::{ParseDurationError, PromDuration};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds since the Unix epoch, with fractions.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}
