//! One process's heart: scraping, rules on the clock, alerts sent, samples forwarded.
//!
//! Owns: targets and their scrapes, the clock of rule groups, notifications, what the process tells of itself.
//! Must not know: HTTP servers, dashboards, llmobs.yaml.
//! Invariants: what runs is what the files say, and the last good files go on where new ones are refused; nothing that a
//! target or a receiver does stops the others.
//! Start reading at: [`Engine`].

mod discovery;
mod fetch;
mod forward;
mod heart;
mod ingest;
mod load;
mod notice;
mod notify;
mod relabel;
mod rule_clock;
mod scrape;
#[cfg(test)]
mod stand_in;
mod status;
mod upkeep;

pub use fetch::Hosts;
pub use heart::{Engine, Environment, OpenError, Setup};
pub use ingest::Ingest;
pub use load::{Loaded, load};
pub use notice::{Notice, Notices};
pub use scrape::{RefusedAnswer, ScrapeAnswer, ScrapeCounts, TargetPages};

pub use status::{
    Alertmanagers, Clock, Counters, DroppedTarget, Exemplar, ForwardCounts, Forwarding, GroupStatus, Health,
    Metadata, Observe, ReloadError, RuleHealth, RuleStatus, Runtime, SeriesExemplars, Target, Targets,
};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic of one task must not silence the others; what it left is overwritten by the next one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
