//! How long a request may take.

use std::time::{Duration, Instant};

use crate::{promql::eval::ErrorClass, server::http::Gone};

/// When a query ends, at the latest. It does not go by the time of day, which may be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    began: Instant,
    limit: Duration,
}

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "a timeout needs a clock that nobody sets")]
    pub(super) fn after(limit: Duration) -> Self {
        Self { began: Instant::now(), limit }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Why an evaluation is to end now.
    pub(super) fn interrupt(&self, gone: &Gone) -> Option<ErrorClass> {
        if gone.is_gone() {
            return Some(ErrorClass::Canceled);
        }
        (self.elapsed() > self.limit).then_some(ErrorClass::Timeout)
    }
}
