//! Rule groups on the clock: each at its own interval, rule after rule, on a thread that may block.

mod changes;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{AbortHandle, spawn_blocking},
    time::Instant,
};

use crate::{
    rules::{AlertState, DueAlert, Ledger, LiveGroup, Program, Restart, Rule, RuleSample},
    series::{Labels, STALE, Select},
    time::{PromDuration, Timestamp},
    tsdb::{Rejection, Store},
};

use super::{Clock, GroupStatus, Notice, Notices, RuleHealth, RuleStatus, load::Loaded, lock};

/// How long after the start groups are evaluated for the first time: targets have been scraped once by then.
const FIRST_EVALUATION: Duration = Duration::from_secs(1);
/// How often an alert that fires is sent again.
const RESEND_DELAY: PromDuration = PromDuration::from_secs(60);
/// How long an outage may be for alerts to go on where they were, as in Prometheus.
const OUTAGE_TOLERANCE: PromDuration = PromDuration::from_secs(3600);
/// Prometheus has pending alerts wait for 10 min after a restart, because it takes a while to have data again. This
/// process is back within a second, so that they go on as if nothing had been.
const GRACE_PERIOD: PromDuration = PromDuration::from_secs(0);

/// Takes alerts to where they are sent: the expression of the rule, and what is due.
pub(super) type SendAlerts = Arc<dyn Fn(&str, Vec<DueAlert>) + Send + Sync>;

/// What rule groups work with.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) notices: Notices,
    pub(super) send: SendAlerts,
    /// Whether the store has a past, whose alerts go on.
    pub(super) restarts: bool,
}

/// The rule groups that run.
pub(super) struct RuleClock {
    surroundings: Surroundings,
    running: Mutex<Vec<Running>>,
    counters: Arc<Counters>,
}

/// What `/metrics` tells.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) evaluations: AtomicU64,
    pub(super) failures: AtomicU64,
    /// Instants that passed while a group was still being evaluated.
    pub(super) missed: AtomicU64,
}

struct Running {
    group: Arc<Mutex<RunningGroup>>,
    task: AbortHandle,
}

struct RunningGroup {
    program: Arc<Program>,
    /// Its place in the program.
    index: usize,
    file: String,
    interval: PromDuration,
    live: LiveGroup,
    /// How many evaluations there have been since the process began.
    evaluated: u64,
    last_evaluation: Option<Timestamp>,
    evaluation_time: Duration,
    rules: Vec<Timing>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Timing {
    last_evaluation: Option<Timestamp>,
    evaluation_time: Duration,
}

impl RuleClock {
    pub(super) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, running: Mutex::default(), counters: Arc::default() }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Runs these groups from now on, in place of those that run. What a rule kept goes on where a group of the same
    /// file and name has the same rule; series that nobody writes any more are marked stale. May block until an
    /// evaluation has ended.
    pub(super) fn apply(&self, loaded: &Loaded, runtime: &Handle) {
        let mut running = lock(&self.running);
        let is_first = running.is_empty();
        let old = std::mem::take(&mut *running);
        for group in &old {
            group.task.abort();
        }
        let mut old: Vec<_> = old.into_iter().map(|running| running.group).collect();
        let program = &loaded.program;
        for (index, file) in loaded.group_files.iter().enumerate() {
            let group = &program.groups()[index];
            let interval = group.interval.filter(|given| given.as_millis() > 0);
            let mut made = RunningGroup {
                program: Arc::clone(program),
                index,
                file: file.clone(),
                interval: interval.unwrap_or(loaded.config.global.evaluation_interval),
                live: program.live(index, self.surroundings.restarts && is_first),
                evaluated: 0,
                last_evaluation: None,
                evaluation_time: Duration::ZERO,
                rules: vec![Timing::default(); group.rules.len()],
            };
            let same = |other: &Arc<Mutex<RunningGroup>>| {
                let other = lock(other);
                other.file == *file && other.name() == group.name
            };
            if let Some(place) = old.iter().position(same) {
                made.take_over(&mut lock(&old.remove(place)), &self.surroundings);
            }
            let group = Arc::new(Mutex::new(made));
            let every = self.every(Arc::clone(&group), is_first);
            running.push(Running { group, task: runtime.spawn(every).abort_handle() });
        }
        for group in old {
            let group = lock(&group);
            end(group.live.series(), &self.surroundings);
        }
    }

    /// Ends the evaluations. Nothing is marked as stale: after a restart the series go on.
    pub(super) fn stop(&self) {
        for running in lock(&self.running).drain(..) {
            running.task.abort();
            drop(lock(&running.group));
        }
    }

    pub(super) fn status(&self) -> Vec<GroupStatus> {
        let groups: Vec<_> = lock(&self.running).iter().map(|running| Arc::clone(&running.group)).collect();
        groups.iter().map(|group| lock(group).status()).collect()
    }

    /// Evaluates a group at each of its instants, for ever.
    fn every(&self, group: Arc<Mutex<RunningGroup>>, is_first: bool) -> impl Future<Output = ()> + use<> {
        let surroundings = self.surroundings.clone();
        let counters = Arc::clone(&self.counters);
        async move {
            let schedule = lock(&group).schedule();
            if is_first {
                tokio::time::sleep(FIRST_EVALUATION).await;
                let at = (surroundings.clock)();
                evaluate(Arc::clone(&group), at, surroundings.clone(), Arc::clone(&counters)).await;
            }
            let mut next = schedule.after((surroundings.clock)());
            loop {
                let now = (surroundings.clock)();
                let wait = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0);
                // A clock that is set back must not stop the rules for so long.
                if wait > schedule.interval.saturating_mul(2) {
                    next = schedule.after(now);
                    continue;
                }
                tokio::time::sleep(Duration::from_millis(wait)).await;
                if (surroundings.clock)() < next {
                    continue;
                }
                evaluate(Arc::clone(&group), next, surroundings.clone(), Arc::clone(&counters)).await;
                let following = Timestamp(next.0.saturating_add(schedule.millis()));
                let now = (surroundings.clock)();
                let missed = now.0.saturating_sub(following.0) / schedule.millis();
                if missed > 0 {
                    counters.missed.fetch_add(missed.unsigned_abs(), Ordering::Relaxed);
                }
                next = Timestamp(following.0.saturating_add(missed.max(0).saturating_mul(schedule.millis())));
            }
        }
    }
}

/// The instants of a group: multiples of its interval, moved by what its name gives, so that groups take turns.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    /// Milliseconds, never 0.
    interval: u64,
    offset: u64,
}

impl Schedule {
    fn millis(self) -> i64 {
        i64::try_from(self.interval).unwrap_or(i64::MAX)
    }

    /// The first instant after another.
    fn after(self, now: Timestamp) -> Timestamp {
        let offset = i64::try_from(self.offset).unwrap_or(0);
        let passed = now.0.saturating_sub(offset).rem_euclid(self.millis());
        Timestamp(now.0.saturating_add(self.millis() - passed))
    }
}

async fn evaluate(
    group: Arc<Mutex<RunningGroup>>,
    at: Timestamp,
    surroundings: Surroundings,
    counters: Arc<Counters>,
) {
    let run = spawn_blocking(move || lock(&group).evaluate(at, &surroundings, &counters));
    // It ends early only with the runtime.
    drop(run.await);
}

impl RunningGroup {
    fn name(&self) -> &str {
        &self.program.groups()[self.index].name
    }

    fn schedule(&self) -> Schedule {
        let interval = self.interval.as_millis().max(1);
        let mut hasher = DefaultHasher::new();
        // Without its folder, so that a stack keeps its instants wherever it lies.
        (Path::new(&self.file).file_name(), self.name()).hash(&mut hasher);
        Schedule { interval, offset: hasher.finish() % interval }
    }

    /// One evaluation of all rules, in their order.
    fn evaluate(&mut self, at: Timestamp, surroundings: &Surroundings, counters: &Counters) {
        let begun = Instant::now();
        let mut book = Book { store: &surroundings.store, failed: None };
        for rule in 0..self.rules.len() {
            let rule_begun = Instant::now();
            let before = self.live.health(rule).map(str::to_owned);
            self.program.evaluate(&mut self.live, rule, at, &mut book);
            self.rules[rule] = Timing { last_evaluation: Some(at), evaluation_time: rule_begun.elapsed() };
            counters.evaluations.fetch_add(1, Ordering::Relaxed);
            let described = &self.program.groups()[self.index].rules[rule];
            match self.live.health(rule) {
                Some(error) => {
                    counters.failures.fetch_add(1, Ordering::Relaxed);
                    if before.as_deref() != Some(error) {
                        (surroundings.notices)(Notice::warning(format!(
                            "rule `{}` of group `{}` failed: {error}",
                            described.name(),
                            self.name()
                        )));
                    }
                }
                None if matches!(described, Rule::Alerting(_)) => {
                    let due = self.live.due(rule, at, RESEND_DELAY, self.interval);
                    changes::told(described.name(), at, &due).into_iter().for_each(&*surroundings.notices);
                    if !due.is_empty() {
                        (surroundings.send)(&described.expr().to_string(), due);
                    }
                }
                None => {}
            }
        }
        if let Some(message) = book.failed {
            (surroundings.notices)(Notice::error(message));
        }
        self.last_evaluation = Some(at);
        self.evaluation_time = begun.elapsed();
        self.evaluated = self.evaluated.saturating_add(1);
        // At the first evaluation after a restart there may be too little data for the alerts to be there.
        if self.evaluated == 2 {
            let restart = Restart { outage_tolerance: OUTAGE_TOLERANCE, grace_period: GRACE_PERIOD };
            self.program.restore(&mut self.live, at, restart, &surroundings.store.reader());
        }
    }

    /// Goes on with what rules kept that are the same here and there.
    fn take_over(&mut self, old: &mut Self, surroundings: &Surroundings) {
        let (mine, theirs) = (&self.program.groups()[self.index], &old.program.groups()[old.index]);
        let mut free: Vec<usize> = (0..theirs.rules.len()).collect();
        for (index, rule) in mine.rules.iter().enumerate() {
            let is_same = |old: &usize| {
                let other = &theirs.rules[*old];
                std::mem::discriminant(other) == std::mem::discriminant(rule)
                    && (other.name(), other.labels()) == (rule.name(), rule.labels())
            };
            if let Some(place) = free.iter().position(is_same) {
                let other = free.remove(place);
                self.live.take_over(index, &mut old.live, other);
                self.rules[index] = old.rules[other];
            }
        }
        self.evaluated = old.evaluated;
        self.last_evaluation = old.last_evaluation;
        self.evaluation_time = old.evaluation_time;
        end(old.live.series(), surroundings);
    }

    fn status(&self) -> GroupStatus {
        let group = &self.program.groups()[self.index];
        let rules = group.rules.iter().enumerate().map(|(index, rule)| {
            let mut labels = group.labels.clone();
            labels.extend(rule.labels().clone());
            let error = self.live.health(index);
            let timing = self.rules[index];
            let health = match (timing.last_evaluation, error) {
                (None, _) => RuleHealth::Unknown,
                (Some(_), None) => RuleHealth::Ok,
                (Some(_), Some(_)) => RuleHealth::Err,
            };
            let mut alerts = self.live.alerts(index);
            alerts.retain(|alert| alert.state != AlertState::Inactive);
            RuleStatus {
                id: crate::rules::RuleId { group: self.index, rule: index },
                rule: rule.clone(),
                labels,
                health,
                last_error: error.unwrap_or_default().to_owned(),
                last_evaluation: timing.last_evaluation,
                evaluation_time: timing.evaluation_time,
                alerts,
            }
        });
        GroupStatus {
            name: group.name.clone(),
            file: self.file.clone(),
            interval: Duration::from_millis(self.interval.as_millis()),
            limit: group.limit,
            last_evaluation: self.last_evaluation,
            evaluation_time: self.evaluation_time,
            rules: rules.collect(),
        }
    }
}

/// Marks series as stale that nobody writes any more.
fn end<'a>(series: impl Iterator<Item = &'a Labels>, surroundings: &Surroundings) {
    let at = (surroundings.clock)();
    let samples: Vec<RuleSample> = series.map(|labels| (labels.clone(), at, STALE)).collect();
    if samples.is_empty() {
        return;
    }
    if let Err(error) = surroundings.store.commit(&samples) {
        (surroundings.notices)(Notice::error(error.to_string()));
    }
}

/// The store as rules see it.
struct Book<'a> {
    store: &'a Store,
    /// Why nothing can be written at all.
    failed: Option<String>,
}

impl Ledger for Book<'_> {
    fn read(&self) -> Box<dyn Select + '_> {
        Box::new(self.store.reader())
    }

    fn write(&mut self, samples: &[RuleSample]) -> Vec<(usize, String)> {
        if samples.is_empty() {
            return Vec::new();
        }
        match self.store.commit(samples) {
            Ok(committed) => {
                let told = |(index, rejection): (usize, Rejection)| (index, rejection.to_string());
                committed.rejected.into_iter().map(told).collect()
            }
            Err(error) => {
                let message = error.to_string();
                self.failed = Some(message.clone());
                (0..samples.len()).map(|index| (index, message.clone())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
