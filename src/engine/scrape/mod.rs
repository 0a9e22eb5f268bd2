//! Scraping: targets of all jobs, a loop each, pages into the store.
//!
//! Owns: [`Scraping`], targets, their loops, exemplars.
//! Must not know: rules, alerts, who asks for the state of targets.
//! Invariants: a job's loops change only where its configuration or its targets do; a target fails alone; what a target
//! may cost is bounded by its limits, or by our own where the file names none.
//! Start reading at: [`Scraping::apply`], then `worker`.

mod cache;
mod exemplars;
mod ingest;
mod protocol;
mod sample_labels;
mod target;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::{
    formats::prometheus::{Discovery, ScrapeConfig, TargetGroup},
    tsdb::Store,
};

use super::{
    Clock, DroppedTarget, Hosts, Metadata, Notice, Notices, Targets,
    discovery::{Discovering, OnGroups},
    fetch::Client,
    relabel::Relabelling,
};

pub(super) use exemplars::Exemplars;
use ingest::{Ingest, PageRules};
use sample_labels::LabelRules;
use target::{Found, TargetKey};
use worker::{Job, Order, Watched};

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

/// The targets of a job.
struct Pool {
    /// Tells the discovery of this configuration from one of before.
    generation: u64,
    job: Arc<Job>,
    relabelling: Arc<Relabelling>,
    groups: BTreeMap<String, Vec<TargetGroup>>,
    loops: BTreeMap<TargetKey, Loop>,
    dropped: Vec<DroppedTarget>,
    dropped_count: usize,
    /// Why targets cannot be scraped, as told last.
    failures: BTreeSet<String>,
    discovering: Option<Discovering>,
}

struct Loop {
    watched: Arc<Watched>,
    orders: watch::Sender<Order>,
    task: JoinHandle<Option<Ingest>>,
}

impl Scraping {
    /// Nothing is scraped before [`Scraping::apply`].
    pub(super) fn new(runtime: Handle, store: Store, hosts: Hosts, clock: Clock, notices: Notices) -> Self {
        Self(Arc::new(Inner {
            runtime,
            store,
            hosts,
            clock,
            notices,
            exemplars: Arc::default(),
            pools: Mutex::default(),
        }))
    }

    /// Scrapes these jobs from now on, and no others. `max_exemplars` are kept.
    pub(super) fn apply(&self, configs: &[ScrapeConfig], max_exemplars: usize) {
        self.0.exemplars.set_capacity(max_exemplars);
        let mut started = Vec::new();
        {
            let mut pools = self.0.pools();
            let names: BTreeSet<&str> = configs.iter().map(|config| config.job_name.as_str()).collect();
            let gone: Vec<String> =
                pools.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
            for mut pool in gone.iter().filter_map(|name| pools.remove(name)) {
                pool.discovering = None;
                pool.loops.into_values().for_each(|one| drop(one.orders.send(Order::End)));
            }
            for config in configs {
                let before = pools.remove(&config.job_name);
                let (pool, is_new) = self.pool(config, before);
                if is_new {
                    started.push((config.job_name.clone(), pool.generation, config.discovery.clone()));
                }
                pools.insert(config.job_name.clone(), pool);
            }
        }
        // Discovery tells of its first groups at once, and they have to find their pool.
        for (name, generation, discovery) in started {
            self.discover(&name, generation, &discovery);
        }
    }

    /// The pool of a configuration, and whether its targets have to be discovered anew.
    fn pool(&self, config: &ScrapeConfig, before: Option<Pool>) -> (Pool, bool) {
        let generation = before.as_ref().map_or(0, |pool| pool.generation + 1);
        let (before, loops) = match before {
            Some(pool) if pool.job.config == *config => return (pool, false),
            Some(mut pool) => {
                pool.discovering = None;
                let loops = std::mem::take(&mut pool.loops);
                (Some(pool), loops)
            }
            None => (None, BTreeMap::new()),
        };
        let same_but_discovery = before.as_ref().is_some_and(|pool| {
            let found = ScrapeConfig { discovery: config.discovery.clone(), ..pool.job.config.clone() };
            found == *config
        });
        let job = Arc::new(self.job(config));
        let mut pool = Pool {
            generation,
            job: Arc::clone(&job),
            relabelling: Arc::new(Relabelling::new(&config.relabel)),
            groups: BTreeMap::new(),
            loops,
            dropped: Vec::new(),
            dropped_count: 0,
            failures: BTreeSet::new(),
            discovering: None,
        };
        if !same_but_discovery {
            // The same targets, by the new configuration: each loop hands over to another.
            let loops = std::mem::take(&mut pool.loops);
            pool.loops = loops.into_iter().map(|(key, one)| (key, self.hand_over(&job, one))).collect();
        }
        (pool, true)
    }

    /// A loop that goes on where another ends. Should its interval be another now, the discovered target says so, and
    /// is another target then.
    fn hand_over(&self, job: &Arc<Job>, before: Loop) -> Loop {
        let watched = Arc::new(Watched::new(before.watched.target.clone()));
        watched.inherit(&before.watched);
        drop(before.orders.send(Order::Hand));
        self.0.start(job, watched, Some(before.task))
    }

    fn job(&self, config: &ScrapeConfig) -> Job {
        let rules = PageRules {
            labels: LabelRules {
                honor_labels: config.honor_labels,
                relabelling: Relabelling::new(&config.metric_relabel),
                limits: config.limits,
                names: config.names,
            },
            honor_timestamps: config.honor_timestamps,
            track_timestamps_staleness: config.track_timestamps_staleness,
        };
        Job {
            config: config.clone(),
            rules: Arc::new(rules),
            client: Client::new(&config.client, self.0.hosts.clone()),
            store: self.0.store.clone(),
            exemplars: Arc::clone(&self.0.exemplars),
            clock: Arc::clone(&self.0.clock),
            notices: Arc::clone(&self.0.notices),
        }
    }

    fn discover(&self, name: &str, generation: u64, discovery: &Discovery) {
        let inner = Arc::downgrade(&self.0);
        let job = name.to_owned();
        let on_groups: OnGroups = Arc::new(move |source, groups| {
            if let Some(inner) = inner.upgrade() {
                inner.found(&job, generation, source, groups);
            }
        });
        let Inner { runtime, hosts, notices, .. } = &*self.0;
        let discovering = Discovering::start(runtime, discovery, hosts, notices, &on_groups);
        let mut pools = self.0.pools();
        if let Some(pool) = pools.get_mut(name).filter(|pool| pool.generation == generation) {
            pool.discovering = Some(discovering);
            // Where nothing was found, what is left of before ends.
            self.0.sync(name, pool);
        }
    }

    pub(super) fn targets(&self) -> Targets {
        let pools = self.0.pools();
        let mut targets = Targets::default();
        for (name, pool) in &*pools {
            let mut active: Vec<_> = pool.loops.values().map(|one| one.watched.status(name)).collect();
            active.sort_by(|a, b| a.labels.cmp(&b.labels));
            targets.active.append(&mut active);
            targets.dropped.extend(pool.dropped.iter().cloned());
            targets.dropped_counts.insert(name.clone(), pool.dropped_count);
        }
        targets
    }

    pub(super) fn metadata(&self) -> Vec<Metadata> {
        let pools = self.0.pools();
        let watched = pools.values().flat_map(|pool| pool.loops.values());
        watched.flat_map(|one| one.watched.metadata().to_vec()).collect()
    }

    pub(super) fn exemplars(&self) -> &Exemplars {
        &self.0.exemplars
    }

    /// Ends all loops, after the scrapes that are on their way. No series ends with them: the next start goes on.
    pub(super) async fn stop(&self) {
        let pools = std::mem::take(&mut *self.0.pools());
        let mut tasks = Vec::new();
        for one in pools.into_values().flat_map(|pool| pool.loops.into_values()) {
            drop(one.orders.send(Order::Hand));
            tasks.push(one.task);
        }
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
        let mut pools = self.pools();
        let Some(pool) = pools.get_mut(job).filter(|pool| pool.generation == generation) else { return };
        if groups.is_empty() {
            pool.groups.remove(&source);
        } else {
            pool.groups.insert(source, groups);
        }
        // While discovery is starting, more groups follow at once; what was there before waits for them.
        self.add_targets(job, pool);
        if pool.discovering.is_some() {
            self.sync(job, pool);
        }
    }

    /// Makes loops and targets fit the groups.
    fn sync(&self, job: &str, pool: &mut Pool) {
        let wanted = self.add_targets(job, pool);
        let gone: Vec<TargetKey> = pool.loops.keys().filter(|key| !wanted.contains(*key)).cloned().collect();
        for one in gone.iter().filter_map(|key| pool.loops.remove(key)) {
            drop(one.orders.send(Order::End));
        }
        self.limit(pool);
    }

    /// Starts loops for targets that are new; gives all that there are.
    fn add_targets(&self, job: &str, pool: &mut Pool) -> BTreeSet<TargetKey> {
        let config = &pool.job.config;
        let mut wanted = BTreeSet::new();
        let mut failures = BTreeSet::new();
        pool.dropped.clear();
        pool.dropped_count = 0;
        let mut new = Vec::new();
        for group in pool.groups.values().flatten() {
            for address in &group.targets {
                match target::target(config, &pool.relabelling, address, &group.labels) {
                    Ok(Found::Target(target)) => {
                        let key = target.key();
                        if wanted.insert(key.clone()) && !pool.loops.contains_key(&key) {
                            new.push((key, *target));
                        }
                    }
                    Ok(Found::Dropped(discovered)) => {
                        pool.dropped_count += 1;
                        let kept = config.limits.dropped_targets;
                        if kept == 0 || pool.dropped.len() < kept {
                            pool.dropped.push(DroppedTarget { discovered, pool: job.to_owned() });
                        }
                    }
                    Err(error) => drop(failures.insert(format!("{address}: {error}"))),
                }
            }
        }
        for failure in failures.difference(&pool.failures) {
            (self.notices)(Notice::error(format!("job {job}: creating target failed: {failure}")));
        }
        pool.failures = failures;
        for (key, target) in new {
            let one = self.start(&pool.job, Arc::new(Watched::new(target)), None);
            pool.loops.insert(key, one);
        }
        wanted
    }

    fn start(
        &self,
        job: &Arc<Job>,
        watched: Arc<Watched>,
        previous: Option<JoinHandle<Option<Ingest>>>,
    ) -> Loop {
        let (orders, given) = watch::channel(Order::Scrape);
        let run = worker::run(Arc::clone(job), Arc::clone(&watched), previous, given);
        Loop { watched, orders, task: self.runtime.spawn(run) }
    }

    /// With more targets than the limit, none is scraped.
    fn limit(&self, pool: &Pool) {
        let limit = pool.job.config.limits.targets;
        let count = pool.loops.len();
        let order = if limit > 0 && count > limit {
            Order::Fail(format!("target_limit exceeded (number of targets: {count}, limit: {limit})"))
        } else {
            Order::Scrape
        };
        for one in pool.loops.values() {
            one.orders.send_if_modified(|given| {
                let is_other = *given != order;
                given.clone_from(&order);
                is_other
            });
        }
    }
}
