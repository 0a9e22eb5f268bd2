//! One process's heart: scraping, rules on the clock, alerts sent, samples forwarded.
//!
//! Owns: targets and their scrapes, the clock of rule groups, notifications, what the process tells of itself.
//! Must not know: HTTP servers, dashboards, llmobs.yaml.

mod discovery;
mod fetch;
mod load;
mod notice;
mod outbox;
mod relabel;
mod rule_clock;
mod scrape;
mod status;

pub use fetch::Hosts;
pub use load::{Loaded, load};
pub use notice::{Notice, Notices};

pub use status::{
    Alertmanagers, Clock, DroppedTarget, Exemplar, GroupStatus, Health, Metadata, Observe, ReloadError,
    RuleHealth, RuleStatus, Runtime, SeriesExemplars, Target, Targets,
};
