//! The targets of a job, and the loops that scrape them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::{
    engine::{DroppedTarget, Notice, discovery::Discovering, relabel::Relabelling},
    formats::prometheus::{ScrapeConfig, TargetGroup},
    series::Labels,
};

use super::{
    intake::Intake,
    target::{self, Found, ScrapeTarget, TargetKey},
    watched::Watched,
    worker::{self, Job, Order},
};

/// The targets of a job.
pub(super) struct Pool {
    pub(super) config: ScrapeConfig,
    /// Tells the discovery of this configuration from one of before.
    pub(super) generation: u64,
    job: Arc<Job>,
    relabelling: Relabelling,
    /// By the source that told of them.
    groups: BTreeMap<String, Vec<TargetGroup>>,
    loops: BTreeMap<TargetKey, Loop>,
    dropped: Vec<DroppedTarget>,
    dropped_count: usize,
    /// Why targets cannot be scraped, as told last.
    failures: BTreeSet<String>,
    /// While it is starting, more groups follow at once: targets wait for them.
    pub(super) discovering: Option<Discovering>,
}

struct Loop {
    job: Arc<Job>,
    watched: Arc<Watched>,
    orders: watch::Sender<Order>,
    task: JoinHandle<Option<Intake>>,
}

/// Targets as groups tell of them now.
#[derive(Default)]
struct Discovered {
    /// Each once, in the order of the groups.
    targets: Vec<(TargetKey, ScrapeTarget)>,
    dropped: Vec<DroppedTarget>,
    dropped_count: usize,
    failures: BTreeSet<String>,
}

impl Pool {
    /// A pool without targets.
    pub(super) fn new(config: &ScrapeConfig, job: Job) -> Self {
        Self {
            config: config.clone(),
            generation: 0,
            job: Arc::new(job),
            relabelling: Relabelling::new(&config.relabel),
            groups: BTreeMap::new(),
            loops: BTreeMap::new(),
            dropped: Vec::new(),
            dropped_count: 0,
            failures: BTreeSet::new(),
            discovering: None,
        }
    }

    /// Takes the place of another: its loops go on until [`Pool::sync`] says which of them change.
    pub(super) fn replace(&mut self, mut before: Self) {
        before.discovering = None;
        self.generation = before.generation + 1;
        self.loops = before.loops;
        let found = ScrapeConfig { discovery: self.config.discovery.clone(), ..before.config };
        if found == self.config {
            self.job = before.job;
        }
        // What servers said stays until they say something else; the rest is found again at once.
        self.groups = before.groups;
        let http = &self.config.discovery.http;
        self.groups.retain(|source, _| http.iter().any(|discovery| *source == discovery.source()));
    }

    /// Notes what a source says.
    pub(super) fn found(&mut self, source: String, groups: Vec<TargetGroup>) {
        if groups.is_empty() {
            self.groups.remove(&source);
        } else {
            self.groups.insert(source, groups);
        }
    }

    /// Makes the loops fit the groups. Gives what is worth telling.
    pub(super) fn sync(&mut self, runtime: &Handle) -> Vec<Notice> {
        let discovered = self.discover();
        self.dropped = discovered.dropped;
        self.dropped_count = discovered.dropped_count;
        let told = |failure: &String| {
            Notice::error(format!("job {}: creating target failed: {failure}", self.config.job_name))
        };
        let notices = discovered.failures.difference(&self.failures).map(told).collect();
        self.failures = discovered.failures;
        let order = self.order(discovered.targets.len());
        let mut before = std::mem::take(&mut self.loops);
        let mut new = Vec::new();
        for (key, target) in discovered.targets {
            match before.remove(&key) {
                Some(one) if Arc::ptr_eq(&one.job, &self.job) => drop(self.loops.insert(key, one)),
                Some(one) => self.hand_over(runtime, key, target, one, &order),
                None => new.push((key, target)),
            }
        }
        // A target whose times alone have changed goes on too.
        let mut alike: BTreeMap<(Labels, String), TargetKey> = BTreeMap::new();
        for (key, one) in &before {
            let target = &one.watched.target;
            alike.insert((target.labels.clone(), target.url.to_string()), key.clone());
        }
        for (key, target) in new {
            let old = alike.remove(&(target.labels.clone(), target.url.to_string()));
            match old.and_then(|old| before.remove(&old)) {
                Some(one) => self.hand_over(runtime, key, target, one, &order),
                None => self.start(runtime, key, Watched::new(target), None, &order),
            }
        }
        before.into_values().for_each(Loop::end);
        for one in self.loops.values() {
            one.orders.send_if_modified(|given| {
                let is_other = *given != order;
                given.clone_from(&order);
                is_other
            });
        }
        notices
    }

    fn discover(&self) -> Discovered {
        let mut discovered = Discovered::default();
        let mut seen = BTreeSet::new();
        for group in self.groups.values().flatten() {
            for address in &group.targets {
                match target::target(&self.config, &self.relabelling, address, &group.labels) {
                    Ok(Found::Target(target)) => {
                        let key = target.key();
                        if seen.insert(key.clone()) {
                            discovered.targets.push((key, *target));
                        }
                    }
                    Ok(Found::Dropped(labels)) => {
                        discovered.dropped_count += 1;
                        let kept = self.config.limits.dropped_targets;
                        if kept == 0 || discovered.dropped.len() < kept {
                            let pool = self.config.job_name.clone();
                            discovered.dropped.push(DroppedTarget { discovered: labels, pool });
                        }
                    }
                    Err(error) => drop(discovered.failures.insert(format!("{address}: {error}"))),
                }
            }
        }
        discovered
    }

    /// With more targets than the limit, none is scraped.
    fn order(&self, count: usize) -> Order {
        let limit = self.config.limits.targets;
        if limit > 0 && count > limit {
            Order::Fail(format!("target_limit exceeded (number of targets: {count}, limit: {limit})"))
        } else {
            Order::Scrape
        }
    }

    fn hand_over(
        &mut self,
        runtime: &Handle,
        key: TargetKey,
        target: ScrapeTarget,
        before: Loop,
        order: &Order,
    ) {
        let watched = Watched::new(target);
        watched.inherit(&before.watched);
        before.orders.send_replace(Order::Hand);
        self.start(runtime, key, watched, Some(before.task), order);
    }

    fn start(
        &mut self,
        runtime: &Handle,
        key: TargetKey,
        watched: Watched,
        previous: Option<JoinHandle<Option<Intake>>>,
        order: &Order,
    ) {
        let watched = Arc::new(watched);
        let (orders, given) = watch::channel(order.clone());
        let task = runtime.spawn(worker::run(Arc::clone(&self.job), Arc::clone(&watched), previous, given));
        self.loops.insert(key, Loop { job: Arc::clone(&self.job), watched, orders, task });
    }

    /// The job is no more.
    pub(super) fn end(mut self) {
        self.discovering = None;
        self.loops.into_values().for_each(Loop::end);
    }

    /// The process ends: the loops, once they have been told to leave their series as they are.
    pub(super) fn stop(mut self) -> Vec<JoinHandle<Option<Intake>>> {
        self.discovering = None;
        let stop = |one: Loop| {
            one.orders.send_replace(Order::Hand);
            one.task
        };
        self.loops.into_values().map(stop).collect()
    }

    /// Sorted by labels.
    pub(super) fn watched(&self) -> Vec<&Watched> {
        let mut watched: Vec<&Watched> = self.loops.values().map(|one| &*one.watched).collect();
        watched.sort_by(|a, b| a.target.labels.cmp(&b.target.labels));
        watched
    }

    /// Those that are kept, and how many there are.
    pub(super) fn dropped(&self) -> (&[DroppedTarget], usize) {
        (&self.dropped, self.dropped_count)
    }
}

impl Loop {
    fn end(self) {
        self.orders.send_replace(Order::End);
    }
}
