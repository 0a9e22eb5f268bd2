//! The engine as a whole: the files that run, the store, scrapes, rules and alerts.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    formats::prometheus::Config,
    series::{Labels, Matcher, TimeSpan},
    time::{PromDuration, Timestamp},
    tsdb::{self, Committed, Recovery, Store, StoreError},
};

use super::{
    Alertmanagers, Clock, Counters, Exemplar, Forwarding, GroupStatus, Hosts, Ingest, Metadata, Notice,
    Notices, Observe, ReloadError, Runtime, SeriesExemplars, Targets,
    forward::Forwarder,
    load::{Loaded, load},
    lock,
    notify::Notifier,
    rule_clock::{RuleClock, Surroundings},
    scrape::Scraping,
    upkeep::look_after,
};

/// How long scrapes and evaluations that are on their way may take at the end.
const LAST: Duration = Duration::from_secs(2);

/// What an engine is made of.
pub struct Setup {
    /// `prometheus.yml`; its relative paths are relative to its folder.
    pub config: PathBuf,
    /// Of the store.
    pub data: PathBuf,
    /// Where the stack's own services are.
    pub hosts: Hosts,
    /// Where this server is found, for links in alerts: `http://127.0.0.1:9090`.
    pub external_url: String,
    pub clock: Clock,
    pub notices: Notices,
    /// The value of a variable, for external labels.
    pub environment: Environment,
}

/// Looks a variable of the environment up.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("config", &self.config)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Files(#[from] ReloadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Scrapes, evaluates, sends; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("setup", &self.shared.setup).finish_non_exhaustive()
    }
}

struct Shared {
    setup: Setup,
    store: Store,
    scraping: Scraping,
    rules: RuleClock,
    notifier: Arc<Notifier>,
    forwarder: Forwarder,
    loaded: RwLock<Arc<Loaded>>,
    /// Held while files are read again, so that one follows the other.
    reload: Mutex<()>,
    last_reload: Mutex<LastReload>,
    started: Timestamp,
    /// Where tasks run.
    runtime: Handle,
    upkeep: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Clone, Copy)]
struct LastReload {
    successful: bool,
    at: Timestamp,
}

impl Engine {
    /// Reads the files and opens the store; nothing runs yet. To be called within a runtime. May block.
    pub fn open(setup: Setup) -> Result<(Self, Recovery), OpenError> {
        let loaded = Arc::new(load(&setup.config, &setup.external_url, &setup.environment)?);
        let (store, recovery) = Store::open(&setup.data, options(&loaded.config))?;
        for warning in &loaded.warnings {
            (setup.notices)(Notice::warning(warning));
        }
        let now = (setup.clock)();
        let notifier =
            Arc::new(Notifier::new(Handle::current(), setup.hosts.clone(), Arc::clone(&setup.notices)));
        let rules = RuleClock::new(Surroundings {
            store: store.clone(),
            clock: Arc::clone(&setup.clock),
            notices: Arc::clone(&setup.notices),
            send: {
                let (notifier, external_url) = (Arc::clone(&notifier), setup.external_url.clone());
                Arc::new(move |expr, due| notifier.send(&external_url, expr, due))
            },
            restarts: recovery.samples > 0 || recovery.blocks > 0,
        });
        let scraping = Scraping::new(
            Handle::current(),
            store.clone(),
            setup.hosts.clone(),
            Arc::clone(&setup.clock),
            Arc::clone(&setup.notices),
        );
        let forwarder = Forwarder::new(
            store.clone(),
            setup.hosts.clone(),
            Arc::clone(&setup.clock),
            Arc::clone(&setup.notices),
        );
        let shared = Shared {
            forwarder,
            store,
            scraping,
            rules,
            notifier,
            loaded: RwLock::new(loaded),
            reload: Mutex::new(()),
            last_reload: Mutex::new(LastReload { successful: true, at: now }),
            started: now,
            runtime: Handle::current(),
            upkeep: Mutex::new(None),
            setup,
        };
        Ok((Self { shared: Arc::new(shared) }, recovery))
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Begins to scrape, to evaluate and to send.
    pub fn start(&self) {
        let shared = &self.shared;
        let loaded = self.loaded();
        let (clock, notices) = (Arc::clone(&shared.setup.clock), Arc::clone(&shared.setup.notices));
        let upkeep = shared.runtime.spawn(look_after(shared.store.clone(), clock, notices));
        *lock(&shared.upkeep) = Some(upkeep);
        self.apply(&loaded);
    }

    fn apply(&self, loaded: &Loaded) {
        let shared = &self.shared;
        shared.forwarder.apply(&loaded.config, &shared.runtime);
        shared.notifier.apply(&loaded.config);
        shared.scraping.apply(&loaded.config.scrape_configs, loaded.config.storage.max_exemplars);
        shared.rules.apply(loaded, &shared.runtime);
    }

    /// Ends it in order, within a few seconds and what the disk takes: no more scrapes and evaluations, what was to be
    /// sent is sent as far as it goes at once, the store is on disk. Nothing is marked as stale, so that a restart goes on where this ended.
    pub async fn stop(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        if let Some(upkeep) = lock(&shared.upkeep).take() {
            upkeep.abort();
        }
        // A page that is being stored, or an evaluation, that takes longer than this is not waited for.
        let scrapes = tokio::time::timeout(LAST, shared.scraping.stop());
        let rules = Arc::clone(&shared);
        let rules = tokio::time::timeout(LAST, spawn_blocking(move || rules.rules.stop()));
        let _ = tokio::join!(scrapes, rules);
        let synced = {
            let shared = Arc::clone(&shared);
            spawn_blocking(move || shared.store.sync())
        };
        let (synced, (), ()) = tokio::join!(synced, shared.notifier.stop(), shared.forwarder.stop());
        // The task neither panics nor is it aborted.
        synced.unwrap_or(Ok(()))
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.shared.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the file says of the store.
fn options(config: &Config) -> tsdb::Options {
    let millis = |duration: PromDuration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let defaults = tsdb::Options::default();
    tsdb::Options {
        retention_millis: config.storage.retention_time.map(millis).or(match config.storage.retention_size {
            // As in Prometheus: 15 days where the file says nothing at all.
            None => defaults.retention_millis,
            Some(_) => None,
        }),
        retention_bytes: config.storage.retention_size,
        out_of_order_window_millis: millis(config.storage.out_of_order_time_window),
        ..defaults
    }
}

impl Ingest for Engine {
    fn commit(&self, samples: &[(Labels, Timestamp, f64)]) -> Result<Committed, StoreError> {
        self.shared.store.commit(samples)
    }

    fn keep_exemplars(&self, series: &Labels, exemplars: Vec<Exemplar>) {
        self.shared.scraping.exemplars().keep(series, exemplars);
    }
}

impl Observe for Engine {
    fn targets(&self) -> Targets {
        self.shared.scraping.targets()
    }

    fn metadata(&self) -> Vec<Metadata> {
        self.shared.scraping.metadata()
    }

    fn exemplars(&self, sets: &[Vec<Matcher>], span: TimeSpan) -> Vec<SeriesExemplars> {
        self.shared.scraping.exemplars().select(sets, span)
    }

    fn groups(&self) -> Vec<GroupStatus> {
        self.shared.rules.status()
    }

    fn alertmanagers(&self) -> Alertmanagers {
        self.shared.notifier.alertmanagers()
    }

    fn config(&self) -> String {
        self.loaded().text.clone()
    }

    fn runtime(&self) -> Runtime {
        let last = *lock(&self.shared.last_reload);
        let options = self.shared.store.options();
        let time = options
            .retention_millis
            .map(|millis| PromDuration::from_millis(u64::try_from(millis).unwrap_or(0)).to_string());
        let size = options.retention_bytes.map(|bytes| format!("{bytes}B"));
        Runtime {
            started: self.shared.started,
            reload_success: last.successful,
            last_reload: last.at,
            retention: [time, size].into_iter().flatten().collect::<Vec<_>>().join(" or "),
            folder: self.shared.setup.data.display().to_string(),
        }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        let shared = &self.shared;
        let _one_at_a_time = lock(&shared.reload);
        let Setup { config, external_url, environment, .. } = &shared.setup;
        let loaded = load(config, external_url, environment);
        let at = (shared.setup.clock)();
        let mut last = lock(&shared.last_reload);
        match loaded {
            Ok(loaded) => {
                *last = LastReload { successful: true, at };
                drop(last);
                for warning in &loaded.warnings {
                    (shared.setup.notices)(Notice::warning(warning));
                }
                let loaded = Arc::new(loaded);
                shared.store.set_options(options(&loaded.config));
                *shared.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&loaded);
                self.apply(&loaded);
                (shared.setup.notices)(Notice::note("the files were read again"));
                Ok(())
            }
            Err(error) => {
                last.successful = false;
                (shared.setup.notices)(Notice::error(format!(
                    "the files are refused, those of before go on: {error}"
                )));
                Err(error)
            }
        }
    }

    fn evaluation_interval(&self) -> Duration {
        Duration::from_millis(self.loaded().config.global.evaluation_interval.as_millis())
    }

    fn counters(&self) -> Counters {
        let (rules, notifier) = (self.shared.rules.counters(), &self.shared.notifier);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            rule_evaluations: count(&rules.evaluations),
            rule_failures: count(&rules.failures),
            rule_iterations_missed: count(&rules.missed),
            alerts_sent: count(&notifier.counters().sent),
            alerts_failed: count(&notifier.counters().failed),
            alerts_dropped: count(&notifier.counters().dropped),
            alerts_waiting: notifier.waiting(),
        }
    }

    fn forwarding(&self) -> Vec<Forwarding> {
        self.shared.forwarder.status()
    }

    fn now(&self) -> Timestamp {
        (self.shared.setup.clock)()
    }
}
