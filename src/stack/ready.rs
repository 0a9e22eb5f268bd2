//! The wait after a plan: until every service answers and every job was scraped once.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use crate::{
    docker::{Condition, Engine, EngineError, State},
    remote::{
        Credentials, Endpoint, RemoteError,
        grafana::{self, DatasourceHealth},
        prometheus::{self, Health, Target},
    },
    stack::{
        apply::{Tail, log_tail},
        desired::{Component, Desired, Jobs, Probe, Service},
    },
};

const POLL: Duration = Duration::from_millis(50);
/// Inspections cost the engine more than probes cost the service.
const INSPECT_EVERY: u32 = 5;

/// Progress.
#[derive(Debug)]
pub enum WaitEvent<'a> {
    /// A service answers, so long after the wait began.
    Ready { component: Component, after: Duration },
    /// All jobs have been scraped, so long after the wait began.
    Scraped { targets: &'a [Target], after: Duration },
}

/// What was found once everything answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Every target of Prometheus; those that are down are no failure of the stack.
    pub targets: Vec<Target>,
    /// What is not well and stops nothing.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("{service} ended with exit code {exit_code}{}{}", out_of_memory(*oom_killed), Tail(log))]
    Exited { service: &'static str, exit_code: i64, oom_killed: bool, log: Vec<String> },
    #[error("{service} is gone: its container was removed while it was waited for")]
    Removed { service: &'static str },
    #[error("{service} does not answer after {} s: {cause}{}", waited.as_secs(), Tail(log))]
    TimedOut { service: &'static str, waited: Duration, cause: String, log: Vec<String> },
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn out_of_memory(killed: bool) -> &'static str {
    if killed { ", killed for want of memory" } else { "" }
}

/// Waits until all services answer, at most `limit` for everything; then for the first scrape of each job.
pub async fn wait_ready(
    engine: &impl Engine,
    desired: &Desired,
    limit: Duration,
    on_event: &mut dyn FnMut(WaitEvent<'_>),
) -> Result<Outcome, WaitError> {
    let begun = Instant::now();
    let on_event = RefCell::new(on_event);
    try_join_all(desired.services.iter().map(async |service| {
        wait_for(engine, service, begun, limit).await?;
        let event = WaitEvent::Ready { component: service.component, after: begun.elapsed() };
        (on_event.borrow_mut())(event);
        Ok::<(), WaitError>(())
    }))
    .await?;

    let mut outcome = Outcome { targets: Vec::new(), notes: Vec::new() };
    for service in &desired.services {
        match &service.probe {
            Probe::Prometheus { jobs } => {
                outcome.targets = wait_for_scrapes(service.endpoint, jobs, begun, limit).await;
                let event = WaitEvent::Scraped { targets: &outcome.targets, after: begun.elapsed() };
                (on_event.borrow_mut())(event);
            }
            Probe::Grafana { credentials, datasources } => {
                for uid in datasources {
                    let found = wait_for_datasource(service.endpoint, uid, credentials, begun, limit).await;
                    outcome.notes.extend(found);
                }
            }
            Probe::Exporter => {}
        }
    }
    Ok(outcome)
}

async fn wait_for(
    engine: &impl Engine,
    service: &Service,
    begun: Instant,
    limit: Duration,
) -> Result<(), WaitError> {
    let name = service.component.name();
    let container = &service.container.name;
    let mut first = None;
    for round in 0_u32.. {
        let cause = match probe(service).await {
            Ok(true) => return Ok(()),
            Ok(false) => "it is still starting".to_owned(),
            Err(error) => error.to_string(),
        };
        if round % INSPECT_EVERY == 0 {
            let Some(now) = engine.condition(container).await? else {
                return Err(WaitError::Removed { service: name });
            };
            let restarts = now.restart_count;
            if has_ended(&now) || restarts > *first.get_or_insert(restarts) {
                let log = log_tail(engine, container).await;
                let Condition { exit_code, oom_killed, .. } = now;
                return Err(WaitError::Exited { service: name, exit_code, oom_killed, log });
            }
        }
        if begun.elapsed() >= limit {
            let log = log_tail(engine, container).await;
            return Err(WaitError::TimedOut { service: name, waited: limit, cause, log });
        }
        sleep(POLL).await;
    }
    Ok(())
}

fn has_ended(condition: &Condition) -> bool {
    match condition.state {
        State::Exited | State::Dead | State::Removing | State::Restarting => true,
        State::Created | State::Running | State::Paused => false,
    }
}

async fn probe(service: &Service) -> Result<bool, RemoteError> {
    let endpoint = service.endpoint;
    match service.probe {
        Probe::Prometheus { .. } => prometheus::is_ready(&endpoint).await,
        Probe::Grafana { .. } => grafana::is_ready(&endpoint).await,
        Probe::Exporter => Ok(endpoint.get("/healthz", None).await?.is_success()),
    }
}

/// The targets, as soon as each expected job has been scraped; or as they are when time is up.
async fn wait_for_scrapes(endpoint: Endpoint, jobs: &Jobs, begun: Instant, limit: Duration) -> Vec<Target> {
    loop {
        // Prometheus answered just now, so a failed question is asked again like an incomplete answer.
        let targets = prometheus::targets(&endpoint).await.unwrap_or_else(|_| Vec::new());
        if all_scraped(&targets, jobs) || begun.elapsed() >= limit {
            return targets;
        }
        sleep(POLL).await;
    }
}

/// For some seconds after a reload Prometheus lists the targets of before, so they have to be the expected ones.
fn all_scraped(targets: &[Target], jobs: &Jobs) -> bool {
    let scraped = targets.iter().all(|target| target.health != Health::Unknown);
    let is_current = |(job, endpoints): (&String, &BTreeSet<String>)| {
        let listed = targets.iter().filter(|target| target.job == *job).map(|target| &target.instance);
        listed.collect::<BTreeSet<_>>() == endpoints.iter().collect()
    };
    scraped && jobs.iter().all(is_current)
}

/// What is wrong with a data source when time is up.
async fn wait_for_datasource(
    endpoint: Endpoint,
    uid: &str,
    credentials: &Credentials,
    begun: Instant,
    limit: Duration,
) -> Option<String> {
    loop {
        let cause = match grafana::datasource_health(&endpoint, uid, credentials).await {
            Ok(DatasourceHealth::Ok | DatasourceHealth::Unknown) => return None,
            // Grafana takes the password at its first start and keeps it with its data.
            Ok(DatasourceHealth::Denied) => {
                return Some(
                    "Grafana does not take the password that is kept for this stack: its data is from before, or the \
                     password was changed there; `llmobs down --volumes` starts afresh, `grafana cli admin \
                     reset-admin-password` in the container sets it anew"
                        .to_owned(),
                );
            }
            Ok(DatasourceHealth::Failing(message)) => message,
            Err(error) => error.to_string(),
        };
        if begun.elapsed() >= limit {
            return Some(format!("Grafana's data source `{uid}` does not work: {cause}"));
        }
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(targets: &[(&str, &str, Health)], jobs: &[(&str, &str)], expect: bool) {
        let targets: Vec<_> = targets
            .iter()
            .map(|(job, instance, health)| Target {
                job: (*job).to_owned(),
                instance: (*instance).to_owned(),
                health: *health,
                last_error: String::new(),
            })
            .collect();
        let job =
            |(name, endpoint): &(&str, &str)| ((*name).to_owned(), BTreeSet::from([(*endpoint).to_owned()]));
        assert_eq!(all_scraped(&targets, &jobs.iter().map(job).collect()), expect);
    }

    #[test]
    fn every_expected_target_is_waited_for() {
        check(&[], &[], true);
        check(&[], &[("a", "x:1")], false);
        check(&[("a", "x:1", Health::Unknown)], &[("a", "x:1")], false);
        check(&[("a", "x:1", Health::Up)], &[("a", "x:1")], true);
        check(&[("a", "x:1", Health::Down)], &[("a", "x:1")], true);
        check(&[("a", "x:1", Health::Up)], &[("a", "x:1"), ("b", "y:1")], false);
        check(&[("a", "x:1", Health::Up), ("b", "y:1", Health::Unknown)], &[("a", "x:1")], false);
    }

    #[test]
    fn targets_of_before_a_reload_do_not_count() {
        check(&[("a", "old:1", Health::Up)], &[("a", "new:1")], false);
        check(&[("a", "old:1", Health::Up), ("a", "new:1", Health::Up)], &[("a", "new:1")], false);
        check(&[("own", "z:1", Health::Up), ("a", "new:1", Health::Up)], &[("a", "new:1")], true);
    }
}
