//! Scraping: targets of all jobs, a loop each, pages into the store.
//!
//! Owns: [`Scraping`], targets, their loops, exemplars.
//! Must not know: rules, alerts, who asks for the state of targets.
//! Invariants: a job's loops change only where its configuration or its targets do; a target fails alone; what a target
//! may cost is bounded by its limits, or by our own where the file names none.
//! Start reading at: [`Scraping::apply`], then `worker`.

mod batch;
mod cache;
mod exemplars;
mod families;
mod intake;
mod pool;
mod protocol;
mod sample_labels;
mod target;
mod target_pages;
#[cfg(test)]
mod tests;
mod watched;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::runtime::Handle;

use crate::{
    formats::prometheus::{ScrapeConfig, TargetGroup},
    tsdb::Store,
};

use super::{
    Clock, Hosts, Metadata, Notices, Targets,
    discovery::{Discovering, OnGroups},
    fetch::Client,
    relabel::Relabelling,
};

pub use batch::Counts as ScrapeCounts;
pub(super) use exemplars::Exemplars;
pub use target_pages::{RefusedAnswer, ScrapeAnswer, TargetPages};

use intake::PageRules;
use pool::Pool;
use sample_labels::LabelRules;
use worker::Job;

/// How many series a target may have where the file names no `sample_limit`.
const SERIES_LIMIT: usize = 100_000;

/// What the pages of a job's targets are read by.
fn page_rules(config: &ScrapeConfig) -> PageRules {
    PageRules {
        labels: LabelRules {
            honor_labels: config.honor_labels,
            relabelling: Relabelling::new(&config.metric_relabel),
            limits: config.limits,
            names: config.names,
        },
        honor_timestamps: config.honor_timestamps,
        track_timestamps_staleness: config.track_timestamps_staleness,
        series_limit: SERIES_LIMIT,
    }
}

/// All jobs and their targets. Cheap to clone.
#[derive(Clone)]
pub(super) struct Scraping(Arc<Inner>);

struct Inner {
    runtime: Handle,
    store: Store,
    hosts: Hosts,
    clock: Clock,
    notices: Notices,
    exemplars: Arc<Exemplars>,
    pools: Mutex<BTreeMap<String, Pool>>,
}

impl Scraping {
    /// Nothing is scraped before [`Scraping::apply`]. The loops run on the runtime.
    pub(super) fn new(runtime: Handle, store: Store, hosts: Hosts, clock: Clock, notices: Notices) -> Self {
        let (exemplars, pools) = (Arc::default(), Mutex::default());
        Self(Arc::new(Inner { runtime, store, hosts, clock, notices, exemplars, pools }))
    }

    /// Scrapes these jobs from now on, and no others. Jobs that are as before go on undisturbed. So many exemplars are
    /// kept.
    pub(super) fn apply(&self, configs: &[ScrapeConfig], max_exemplars: usize) {
        self.0.exemplars.set_capacity(max_exemplars);
        let mut started = Vec::new();
        {
            let mut pools = self.0.pools();
            let names: BTreeSet<&str> = configs.iter().map(|config| config.job_name.as_str()).collect();
            let gone: Vec<_> = pools.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
            gone.iter().filter_map(|name| pools.remove(name)).for_each(Pool::end);
            for config in configs {
                let before = pools.remove(&config.job_name);
                let pool = match before {
                    Some(pool) if pool.config == *config => pool,
                    before => {
                        let mut pool = Pool::new(config, self.job(config));
                        if let Some(before) = before {
                            pool.replace(before);
                        }
                        started.push((config, pool.generation));
                        pool
                    }
                };
                pools.insert(config.job_name.clone(), pool);
            }
        }
        // Discovery tells of its first groups at once, and they have to find their pool.
        for (config, generation) in started {
            self.discover(config, generation);
        }
    }

    fn job(&self, config: &ScrapeConfig) -> Job {
        let Inner { store, hosts, clock, notices, exemplars, .. } = &*self.0;
        Job {
            config: config.clone(),
            rules: Arc::new(page_rules(config)),
            client: Client::new(&config.client, hosts.clone()),
            store: store.clone(),
            exemplars: Arc::clone(exemplars),
            clock: Arc::clone(clock),
            notices: Arc::clone(notices),
        }
    }

    fn discover(&self, config: &ScrapeConfig, generation: u64) {
        let inner = Arc::downgrade(&self.0);
        let job = config.job_name.clone();
        let on_groups: OnGroups = Arc::new(move |source, groups| {
            if let Some(inner) = inner.upgrade() {
                inner.found(&job, generation, source, groups);
            }
        });
        let Inner { runtime, hosts, notices, .. } = &*self.0;
        let discovering = Discovering::start(runtime, &config.discovery, hosts, notices, &on_groups);
        self.0.with_pool(&config.job_name, generation, |pool| pool.discovering = Some(discovering));
    }

    pub(super) fn targets(&self) -> Targets {
        let mut targets = Targets::default();
        for (name, pool) in &*self.0.pools() {
            targets.active.extend(pool.watched().iter().map(|watched| watched.status(name)));
            let (dropped, count) = pool.dropped();
            targets.dropped.extend_from_slice(dropped);
            targets.dropped_counts.insert(name.clone(), count);
        }
        targets
    }

    pub(super) fn metadata(&self) -> Vec<Metadata> {
        let pools = self.0.pools();
        let watched = pools.values().flat_map(Pool::watched);
        watched.flat_map(|watched| watched.metadata().to_vec()).collect()
    }

    pub(super) fn exemplars(&self) -> &Exemplars {
        &self.0.exemplars
    }

    /// Ends all loops; scrapes that are on their way come to nothing, unless their page is being stored. No series ends
    /// with them: the next start goes on.
    pub(super) async fn stop(&self) {
        let pools = std::mem::take(&mut *self.0.pools());
        let tasks: Vec<_> = pools.into_values().flat_map(Pool::stop).collect();
        for task in tasks {
            // A loop that ended by itself has nothing to hand over.
            let _ = task.await;
        }
    }
}

impl Inner {
    fn pools(&self) -> MutexGuard<'_, BTreeMap<String, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, job: &str, generation: u64, source: String, groups: Vec<TargetGroup>) {
        self.with_pool(job, generation, |pool| pool.found(source, groups));
    }

    /// Changes a pool, and then its loops, unless its discovery is still starting.
    fn with_pool(&self, job: &str, generation: u64, change: impl FnOnce(&mut Pool)) {
        let notices = {
            let mut pools = self.pools();
            let Some(pool) = pools.get_mut(job).filter(|pool| pool.generation == generation) else { return };
            change(pool);
            if pool.discovering.is_some() { pool.sync(&self.runtime) } else { Vec::new() }
        };
        for notice in notices {
            (self.notices)(notice);
        }
    }
}
