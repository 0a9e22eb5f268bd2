//! The typed configuration.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use crate::time::PromDuration;
pub use crate::{catalogue::Price, yaml::Origin};

/// A complete and valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the service: letters, digits, `.`, `_` and `-`.
    pub service: String,
    /// What is scraped, in the order of the file; never empty.
    pub targets: Vec<Target>,
    pub models: Vec<Model>,
    pub objectives: Objectives,
    pub errors: ErrorAlert,
    pub cost: CostLimits,
    pub tokens: TokenLimits,
    pub include: Include,
    pub stack: StackConfig,
    /// Where each value came from, by path (`objectives.latency.threshold`); defaults have no entry.
    pub origins: BTreeMap<String, Origin>,
}

/// A job to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The `job` label; unique.
    pub job: String,
    pub source: SourceRef,
    /// `host:port`, at least one.
    pub endpoints: Vec<String>,
    pub role: Role,
    pub scrape_interval: PromDuration,
}

/// Which metric source a target speaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceRef {
    /// One that llmobs ships, by name.
    Builtin(String),
    /// A file of the user's, as written in the configuration.
    File(PathBuf),
}

/// How a target counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Requests enter here: counts in totals.
    Entry,
    /// Behind an entry: feeds the infrastructure panels only.
    Backend,
    /// llmobs' own mock beside real targets: scraped, never counted.
    Mock,
}

/// A model that the service offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// As it stands in the model label; unique.
    pub name: String,
    pub provider: String,
    pub price: Price,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Objectives {
    /// Share of requests without 5xx or time-out, between 0 and 1.
    pub availability: f64,
    pub latency: LatencyObjective,
    pub first_token: LatencyObjective,
}

/// A share of the requests stays under a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyObjective {
    pub threshold: PromDuration,
    /// Between 0 and 1.
    pub share: f64,
    /// A threshold that is no bucket bound of a target is an error.
    pub exact: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ErrorAlert {
    /// Share of all requests that do not succeed, between 0 and 1.
    pub alert_above: f64,
    pub for_: PromDuration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CostLimits {
    /// US dollars per hour.
    pub ceiling_per_hour: f64,
    /// Share of the ceiling that is worth a warning, between 0 and 1.
    pub approaching: f64,
    /// US dollars per calendar month.
    pub budget_per_month: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TokenLimits {
    /// Output tokens per second.
    pub spike_per_second: f64,
}

/// The user's own files that go along untouched; paths relative to the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Include {
    pub rules: Vec<PathBuf>,
    pub dashboards: Vec<PathBuf>,
    pub scrape: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackConfig {
    pub engine: EngineChoice,
    /// In the order prometheus, grafana, exporter; no duplicates.
    pub components: Vec<Component>,
    pub bind: IpAddr,
    pub ports: Ports,
    pub images: Images,
}

/// What runs the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// Docker where it answers and has or gets the images, else this process.
    Auto,
    /// Containers.
    Docker,
    /// One process of this binary.
    Embedded,
}

impl EngineChoice {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Docker, Self::Embedded];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Embedded => "embedded",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    Prometheus,
    Grafana,
    Exporter,
}

impl Component {
    pub const ALL: [Self; 3] = [Self::Prometheus, Self::Grafana, Self::Exporter];

    /// The name in the configuration, which is the service's name in the stack too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
            Self::Exporter => "exporter",
        }
    }
}

/// Host ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub prometheus: u16,
    pub grafana: u16,
    pub exporter: u16,
}

/// Image references with tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    pub prometheus: String,
    pub grafana: String,
}
