//! Alerts sent to the Alertmanagers that the file names.
//!
//! Owns: a set of Alertmanagers for each entry of the file, a queue and a task for each Alertmanager.
//! Must not know: rules, what makes an alert.
//! Invariants: an Alertmanager that is slow or away delays no other; what comes in never waits; memory is bounded, and
//! what finds no room is counted.
//! Start reading at: [`Notifier`].

mod outbox;
mod receiver;
mod set;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use tokio::runtime::Handle;

use crate::{formats::prometheus::Config, rules::DueAlert};

use super::{Alertmanagers, Hosts, Notices, relabel::Relabelling};
use outbox::{generator_url, notifications};
use set::Set;

/// Sends alerts, as long as it runs.
pub(super) struct Notifier {
    surroundings: Surroundings,
    routes: RwLock<Arc<Routes>>,
}

/// What all that sends alerts works with.
#[derive(Clone)]
struct Surroundings {
    runtime: Handle,
    hosts: Hosts,
    notices: Notices,
    counters: Arc<Counters>,
}

/// What `/metrics` tells, in alerts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dropped: AtomicU64,
}

impl Counters {
    fn add(counter: &AtomicU64, alerts: usize) {
        counter.fetch_add(alerts as u64, Ordering::Relaxed);
    }
}

/// Where alerts go, and as what.
#[derive(Default)]
struct Routes {
    external_labels: Vec<(String, String)>,
    relabelling: Relabelling,
    sets: Vec<Arc<Set>>,
}

impl Notifier {
    pub(super) fn new(runtime: Handle, hosts: Hosts, notices: Notices) -> Self {
        let surroundings = Surroundings { runtime, hosts, notices, counters: Arc::default() };
        Self { surroundings, routes: RwLock::default() }
    }

    /// Sends to the Alertmanagers of this file from now on. What waits for those of an entry that is gone, or has
    /// changed, is sent as it was, for a moment.
    pub(super) fn apply(&self, config: &Config) {
        let alerting = &config.alerting;
        let mut before = self.routes().sets.clone();
        let sets = alerting.alertmanagers.iter().map(|written| {
            match before.iter().position(|set| set.written == *written) {
                Some(index) => before.swap_remove(index),
                None => Set::start(written, self.surroundings.clone()),
            }
        });
        let routes = Routes {
            external_labels: config.global.external_labels.clone(),
            relabelling: Relabelling::new(&alerting.alert_relabel),
            sets: sets.collect(),
        };
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
        for set in before {
            self.surroundings.runtime.spawn(async move { set.end().await });
        }
    }

    /// Takes alerts of a rule to be sent.
    pub(super) fn send(&self, external_url: &str, expr: &str, due: Vec<DueAlert>) {
        let routes = self.routes();
        if routes.sets.is_empty() {
            return;
        }
        let url = generator_url(external_url, expr);
        let alerts = notifications(due, &routes.external_labels, &routes.relabelling, &url);
        if alerts.is_empty() {
            return;
        }
        for set in &routes.sets {
            set.send(&alerts);
        }
    }

    pub(super) fn alertmanagers(&self) -> Alertmanagers {
        let mut all = Alertmanagers::default();
        for set in &self.routes().sets {
            set.tell(&mut all);
        }
        all
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.surroundings.counters
    }

    pub(super) fn waiting(&self) -> usize {
        self.routes().sets.iter().map(|set| set.waiting()).sum()
    }

    /// Sends what waits, for a moment, and ends. What is not sent by then is sent again after the next start, should it
    /// still fire.
    pub(super) async fn stop(&self) {
        let routes = std::mem::take(&mut *self.routes.write().unwrap_or_else(PoisonError::into_inner));
        join_all(routes.sets.iter().map(|set| set.end())).await;
    }

    fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }
}
