//! Simulation: the traffic of a mock LLM service, request by request.
//!
//! Owns: [`Mock`], [`Health`], [`shares`].
//! Must not know: the clock, HTTP, the configuration, rules.
//! Invariants: equal configuration gives equal pages; a counter moves when a request finishes; cost is tokens times
//! price on each page; every series is there, at zero, before the first request.
//! Start reading at: [`Mock`].

mod arrivals;
#[cfg(test)]
mod ground_truth;
mod health;
mod ledger;
mod lognormal;
mod mock;
mod request;
mod roster;

pub use arrivals::Volume;
pub use health::{ErrorShares, Health};
pub use lognormal::{LogNormal, Mixture};
pub use mock::{Mock, MockConfig, MockError};
pub use roster::{DEFAULT_MODELS, MockModel, shares};
