//! Prometheus' HTTP API (<https://prometheus.io/docs/prometheus/latest/querying/api/>) over a store and an engine.
//!
//! Owns: routes, parameters, status codes and JSON of `/api/v1`, the pages beside it.
//! Must not know: connections, how series are stored, how targets are scraped.
//! Invariants: shapes, error types, messages and status codes are those of Prometheus 3.16.
//! Start reading at: [`Api`].

mod admin;
mod ast;
mod error;
mod exemplars;
mod go;
mod metrics;
mod outcome;
mod pages;
mod params;
mod query;
mod route;
mod rules;
mod series;
mod settings;
mod status;
mod targets;
#[cfg(test)]
mod tests;
mod write;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

pub use settings::Settings;

use super::{
    clock,
    http::{Asked, Handler, Reply},
};
use crate::{
    engine::{Ingest, Observe},
    listen::is_near,
    tsdb::Store,
};

/// Answers requests to Prometheus' port.
pub struct Api {
    store: Store,
    engine: Arc<dyn Observe>,
    ingest: Arc<dyn Ingest>,
    settings: Settings,
    ready: AtomicBool,
    counts: Counts,
    known: write::Known,
}

/// What `/metrics` says of requests.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    queries: AtomicU64,
    samples: AtomicU64,
    invalid_labels: AtomicU64,
    histograms: AtomicU64,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Api {
    /// An API that is ready; see [`Api::set_ready`].
    pub fn new(store: Store, engine: Arc<dyn Observe>, ingest: Arc<dyn Ingest>, settings: Settings) -> Self {
        Self {
            store,
            engine,
            ingest,
            settings,
            ready: AtomicBool::new(true),
            counts: Counts::default(),
            known: write::Known::default(),
        }
    }

    /// While it is not ready, everything but `/-/healthy`, `/metrics` and pages is 503.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

impl Handler for Api {
    fn answer(&self, asked: Asked) -> Reply {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.route(&asked)
    }

    fn is_query(&self, path: &str) -> bool {
        matches!(path, "/api/v1/query" | "/api/v1/query_range")
    }

    fn knows(&self, host: &str) -> bool {
        is_near(host) || self.settings.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}
