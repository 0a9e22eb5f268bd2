//! What the engine tells of itself: plain values, as Prometheus' API shows them
//! (<https://prometheus.io/docs/prometheus/latest/querying/api/>).

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::{
    rules::{self, Alert, RuleId},
    series::{Labels, Matcher, TimeSpan},
    time::Timestamp,
};

/// The time of day; injected, so that tests have their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// All targets, as discovered and relabelled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    /// By scrape pool, then by labels.
    pub active: Vec<Target>,
    /// Those that relabelling dropped, as far as `keep_dropped_targets` lets them be kept.
    pub dropped: Vec<DroppedTarget>,
    /// How many each scrape pool has dropped.
    pub dropped_counts: BTreeMap<String, usize>,
}

/// A target that is scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Before relabelling.
    pub discovered: Labels,
    /// What its series carry.
    pub labels: Labels,
    /// The job's name in the file.
    pub pool: String,
    pub url: String,
    pub health: Health,
    /// Empty where the last scrape went well, or there was none.
    pub last_error: String,
    pub last_scrape: Option<Timestamp>,
    pub last_duration: Duration,
    pub interval: Duration,
    pub timeout: Duration,
}

/// How the last scrape of a target went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Not scraped yet.
    Unknown,
    Up,
    Down,
}

impl Health {
    /// As the API calls it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A target that relabelling dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct DroppedTarget {
    pub discovered: Labels,
    pub pool: String,
}

/// What one target's page says of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Of the target.
    pub target: Labels,
    pub family: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `untyped`/`unknown`, …, as the API spells it.
    pub kind: String,
    pub help: String,
    pub unit: String,
}

/// The exemplars of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesExemplars {
    pub series: Labels,
    /// Oldest first.
    pub exemplars: Vec<Exemplar>,
}

/// A sample with the labels of, say, a trace
/// (<https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars>).
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    pub at: Timestamp,
}

/// A rule group with what became of its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatus {
    pub name: String,
    /// Path of its file, as Prometheus would show it.
    pub file: String,
    pub interval: Duration,
    /// 0 is none.
    pub limit: usize,
    pub last_evaluation: Option<Timestamp>,
    pub evaluation_time: Duration,
    pub rules: Vec<RuleStatus>,
}

/// A rule, and what its last evaluation gave.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleStatus {
    pub id: RuleId,

    pub rule: rules::Rule,
    /// With those of the group.
    pub labels: BTreeMap<String, String>,
    pub health: RuleHealth,
    /// Empty where the last evaluation went well.
    pub last_error: String,
    pub last_evaluation: Option<Timestamp>,
    pub evaluation_time: Duration,
    /// Pending and firing ones, sorted by labels; none for recording rules.
    pub alerts: Vec<Alert>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleHealth {
    /// Not evaluated yet.
    Unknown,
    Ok,
    Err,
}

impl RuleHealth {
    /// As the API calls it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// Alertmanagers by the URL that alerts are posted to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alertmanagers {
    pub active: Vec<String>,
    pub dropped: Vec<String>,
}

/// What the API calls runtime information.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    pub started: Timestamp,
    /// Whether the configuration that runs is the one that was read last.
    pub reload_success: bool,
    pub last_reload: Timestamp,
    /// Of the store, in the API's words: `11d or 5GB`.
    pub retention: String,
    pub folder: String,
}

/// What has been counted since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub rule_evaluations: u64,
    pub rule_failures: u64,
    /// Instants that passed while a group was still being evaluated.
    pub rule_iterations_missed: u64,
    /// Alerts that an Alertmanager took, each once for every Alertmanager.
    pub alerts_sent: u64,
    pub alerts_failed: u64,
    /// Alerts that found no place in the queue.
    pub alerts_dropped: u64,
    /// Alerts that wait to be sent.
    pub alerts_waiting: usize,
}

/// What became of samples that are sent on to a server of `remote_write`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// As the file calls it, or the URL.
    pub name: String,
    pub url: String,
    pub counts: ForwardCounts,
}

/// Samples, counted since the process began; `waiting` are those of now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForwardCounts {
    pub sent: u64,
    /// Refused by the other side for good.
    pub failed: u64,
    /// Sent again after a failure that may pass.
    pub retried: u64,
    /// Left out: too old, or no room while the other side was away.
    pub dropped: u64,
    pub waiting: usize,
    /// Time of the newest that was sent.
    pub newest_sent: Option<Timestamp>,
}

/// Why a reload was refused; the configuration of before goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadError(pub String);

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReloadError {}

/// What the API and the viewer show besides samples. The engine is one; tests have their own.
pub trait Observe: Send + Sync {
    fn targets(&self) -> Targets;
    /// Of targets that are scraped now.
    fn metadata(&self) -> Vec<Metadata>;
    /// Exemplars within the span of the series that any of the sets of matchers accepts.
    fn exemplars(&self, sets: &[Vec<Matcher>], span: TimeSpan) -> Vec<SeriesExemplars>;
    fn groups(&self) -> Vec<GroupStatus>;
    fn alertmanagers(&self) -> Alertmanagers;
    /// The configuration that runs, as YAML, without secrets.
    fn config(&self) -> String;
    fn runtime(&self) -> Runtime;
    /// Reads the files again; blocks until it is done.
    fn reload(&self) -> Result<(), ReloadError>;
    /// Servers that samples are sent on to, in the order of the file.
    fn forwarding(&self) -> Vec<Forwarding> {
        Vec::new()
    }

    fn now(&self) -> Timestamp;

    fn counters(&self) -> Counters {
        Counters::default()
    }

    /// `global.evaluation_interval`, which is also the step of subqueries that name none.
    fn evaluation_interval(&self) -> Duration {
        Duration::from_mins(1)
    }
}
