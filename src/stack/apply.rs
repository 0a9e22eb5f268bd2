//! Carries a plan out, step by step, and decides nothing.
//!
//! The future may be dropped at any time: what was done by then is mended by the next plan.

use std::{cell::RefCell, fmt, io, time::Duration};

use futures_util::future::join_all;

use crate::{
    docker::{Engine, EngineError, Follow, LogSelection, PullProgress, Signal},
    remote::{
        grafana::{self, Provisioning},
        prometheus,
    },
    stack::step::{Action, NewContainer, Plan, Reload, Reloading, Step},
};

/// How long Prometheus may take to read its files.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);
const RELOAD_POLL: Duration = Duration::from_millis(20);
/// Lines of a log that say why something failed.
pub(super) const LOG_TAIL: u32 = 10;

/// Progress.
#[derive(Debug)]
pub enum Event<'a> {
    Started(&'a Step),
    Pulling(&'a Step, PullProgress),
    Finished(&'a Step),
    Failed(&'a Step),
}

/// A plan that was carried out in part.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct ApplyError {
    /// The first step that failed.
    pub step: String,
    #[source]
    pub source: StepError,
    /// Steps that are done, in the order of the plan.
    pub done: Vec<String>,
    /// Steps that are not, that which failed among them.
    pub remaining: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("cannot make the image `{reference}`")]
    MakeImage { reference: String, source: io::Error },
    #[error("`{container}` refuses its new configuration{}", Tail(log))]
    ReloadRefused { container: String, log: Vec<String> },
    #[error("`{container}` has not read its new configuration after {} s", RELOAD_LIMIT.as_secs())]
    ReloadTimeout { container: String },
}

/// The last lines of a log, below a message.
pub(super) struct Tail<'a>(pub(super) &'a [String]);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            write!(f, "; the end of its log:")?;
        }
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Carries the plan out: stage after stage, the steps of a stage at once.
///
/// `make_image` gives the docker-archive of the image that is made from our binary. After a failure the other steps of
/// its stage are still brought to their end.
pub async fn apply(
    engine: &impl Engine,
    plan: &Plan,
    make_image: &dyn Fn() -> io::Result<Vec<u8>>,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(), ApplyError> {
    let on_event = RefCell::new(on_event);
    let emit = |event: Event<'_>| (on_event.borrow_mut())(event);
    let mut done = Vec::new();
    for (number, stage) in plan.steps.chunk_by(|a, b| a.stage == b.stage).enumerate() {
        let results = join_all(stage.iter().map(async |step| {
            emit(Event::Started(step));
            let result = perform(engine, step, make_image, &emit).await;
            emit(if result.is_ok() { Event::Finished(step) } else { Event::Failed(step) });
            result
        }))
        .await;
        let mut failure = None;
        let mut remaining = Vec::new();
        for (step, result) in stage.iter().zip(results) {
            match result {
                Ok(()) => done.push(step.action.to_string()),
                Err(error) => {
                    remaining.push(step.action.to_string());
                    failure = failure.or(Some((step.action.to_string(), error)));
                }
            }
        }
        if let Some((step, source)) = failure {
            let later = plan.steps.chunk_by(|a, b| a.stage == b.stage).skip(number + 1).flatten();
            remaining.extend(later.map(|step| step.action.to_string()));
            return Err(ApplyError { step, source, done, remaining });
        }
    }
    Ok(())
}

async fn perform(
    engine: &impl Engine,
    step: &Step,
    make_image: &dyn Fn() -> io::Result<Vec<u8>>,
    emit: &dyn Fn(Event<'_>),
) -> Result<(), StepError> {
    match &step.action {
        Action::Pull { reference } => {
            engine.pull(reference, &mut |progress| emit(Event::Pulling(step, progress))).await?;
        }
        Action::LoadImage { reference } => {
            let archive = make_image()
                .map_err(|source| StepError::MakeImage { reference: reference.clone(), source })?;
            engine.load_image(archive).await?;
        }
        Action::RemoveContainer { container, grace, .. } => {
            stop_and_remove(engine, container, *grace).await?;
        }
        Action::RemoveNetwork { id, .. } => engine.remove_network(id).await?,
        Action::RemoveVolume { name } => engine.remove_volume(name).await?,
        Action::RemoveImage { id, .. } => match engine.remove_image(id).await {
            // Another stack has begun to use it since we looked.
            Ok(()) | Err(EngineError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        },
        Action::CreateNetwork(spec) => engine.create_network(spec).await?,
        Action::CreateVolume(spec) => engine.create_volume(spec).await?,
        Action::CreateContainer(new) => create(engine, new).await?,
        Action::Start { name } => engine.start(name).await?,
        Action::Upload { name, target, files, .. } => engine.upload(name, target, files).await?,
        Action::Reload(reload) => perform_reload(engine, reload).await?,
    }
    Ok(())
}

async fn stop_and_remove(engine: &impl Engine, container: &str, grace: Duration) -> Result<(), EngineError> {
    match engine.stop(container, grace).await {
        // One that is half removed cannot always be stopped, but it can be removed.
        Ok(()) | Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => {}
        Err(error) => return Err(error),
    }
    engine.remove_container(container).await
}

async fn create(engine: &impl Engine, new: &NewContainer) -> Result<(), EngineError> {
    if let Some(old) = &new.replaces {
        stop_and_remove(engine, old, new.spec.stop_timeout).await?;
    }
    // Made anew too, so that it holds our files and no others.
    if let Some(volume) = &new.discards {
        engine.remove_volume(volume).await?;
    }
    engine.create_volume(&new.config_volume).await?;
    engine.create_container(&new.spec).await?;
    engine.upload(&new.spec.name, &new.config_target, &new.files).await
}

async fn perform_reload(engine: &impl Engine, reload: &Reloading) -> Result<(), StepError> {
    if !reload.files.is_empty() {
        engine.upload(&reload.container, &reload.target, &reload.files).await?;
    }
    let taken = match &reload.how {
        Reload::Restart => false,
        Reload::Hangup { endpoint } => match prometheus::config_load(endpoint).await {
            Ok(before) => {
                engine.kill(&reload.container, Signal::Hangup).await?;
                wait_for_load(engine, reload, before, endpoint).await?;
                true
            }
            Err(_) => false,
        },
        Reload::Provisioning { endpoint, credentials } => {
            let mut taken = true;
            for what in [Provisioning::Datasources, Provisioning::Dashboards] {
                taken = taken && grafana::reload(endpoint, what, credentials).await.is_ok();
            }
            taken
        }
    };
    if !taken {
        engine.restart(&reload.container, reload.grace).await?;
    }
    engine.upload(&reload.container, &reload.target, std::slice::from_ref(&reload.mark)).await?;
    Ok(())
}

async fn wait_for_load(
    engine: &impl Engine,
    reload: &Reloading,
    before: prometheus::ConfigLoad,
    endpoint: &crate::remote::Endpoint,
) -> Result<(), StepError> {
    let container = &reload.container;
    let loaded = async {
        loop {
            tokio::time::sleep(RELOAD_POLL).await;
            // It answers all the while; a single failed question proves nothing.
            let Ok(now) = prometheus::config_load(endpoint).await else { continue };
            if now.last_success > before.last_success {
                return true;
            }
            if before.successful && !now.successful {
                return false;
            }
        }
    };
    match tokio::time::timeout(RELOAD_LIMIT, loaded).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(StepError::ReloadRefused {
            container: container.clone(),
            log: log_tail(engine, container).await,
        }),
        // Where the load before had failed too, a refusal looks like nothing.
        Err(_) if !before.successful => Err(StepError::ReloadRefused {
            container: container.clone(),
            log: log_tail(engine, container).await,
        }),
        Err(_) => Err(StepError::ReloadTimeout { container: container.clone() }),
    }
}

/// The last lines of a container's log; none if it cannot be read, since it only explains another failure.
pub(super) async fn log_tail(engine: &impl Engine, container: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let selection = LogSelection { tail: Some(LOG_TAIL), since: None, follow: Follow::No };
    match engine.logs(container, selection, &mut |line| lines.push(line.text)).await {
        Ok(()) => lines,
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        docker::recording::Failure,
        stack::{
            VolumesOnDown, plan_down,
            scenario::{Scenario, block_on},
        },
    };

    /// From `start`, `first` is carried out and fails at each of its calls in turn; then `up`, and separately `down`,
    /// must mend what is left.
    #[track_caller]
    fn check_mends(start: fn() -> Scenario, first: fn(&Scenario) -> Plan) {
        let calls = {
            let scenario = start();
            scenario.engine.calls.borrow_mut().clear();
            scenario.apply(&first(&scenario)).unwrap();
            scenario.engine.calls.borrow().len()
        };
        assert!(calls > 3);
        for number in 0..calls {
            for failure in [Failure::Before(number), Failure::Within(number)] {
                let broken = || {
                    let scenario = start();
                    let plan = first(&scenario);
                    scenario.fail(failure);
                    scenario.apply(&plan).unwrap_err();
                    scenario.engine.failure.set(None);
                    scenario
                };
                let scenario = broken();
                scenario.apply(&scenario.plan()).unwrap_or_else(|error| panic!("{failure:?}: {error}"));
                assert_eq!(scenario.plan().to_string(), "", "{failure:?}");
                let world = scenario.engine.world.borrow();
                assert_eq!((world.containers.len(), world.networks.len(), world.volumes.len()), (3, 1, 5));

                let scenario = broken();
                let down = plan_down(&scenario.observe(), VolumesOnDown::Remove);
                scenario.apply(&down).unwrap_or_else(|error| panic!("{failure:?}: {error}"));
                let world = scenario.engine.world.borrow();
                assert_eq!((world.containers.len(), world.networks.len(), world.volumes.len()), (0, 0, 0));
            }
        }
    }

    fn changed_everywhere() -> Scenario {
        let mut scenario = Scenario::up_and_running();
        let spec = &mut scenario.spec;
        spec.prometheus.as_mut().unwrap().files.insert("prometheus.yml".to_owned(), b"new".to_vec());
        spec.grafana.as_mut().unwrap().files.clear();
        spec.grafana.as_mut().unwrap().host_port = 7;
        spec.exporter.as_mut().unwrap().files.insert("llmobs.yaml".to_owned(), b"new".to_vec());
        scenario
    }

    #[test]
    fn a_first_up_that_fails_anywhere_is_mended() {
        check_mends(Scenario::new, Scenario::plan);
    }

    #[test]
    fn an_up_with_changes_that_fails_anywhere_is_mended() {
        check_mends(changed_everywhere, Scenario::plan);
    }

    #[test]
    fn a_down_that_fails_anywhere_is_mended() {
        check_mends(Scenario::up_and_running, |scenario| {
            plan_down(&scenario.observe(), VolumesOnDown::Remove)
        });
    }

    #[test]
    fn a_lost_reload_is_made_up_for() {
        let mut scenario = Scenario::up_and_running();
        scenario.spec.exporter.as_mut().unwrap().files.insert("llmobs.yaml".to_owned(), b"new".to_vec());
        scenario.fail(Failure::Before(1));
        scenario.apply(&scenario.plan()).unwrap_err();
        scenario.engine.failure.set(None);
        assert_eq!(
            scenario.plan().to_string(),
            "restart llmobs-exporter-1: uploaded before, but not read yet\n"
        );
    }

    #[test]
    fn a_failure_tells_what_is_done_and_what_remains() {
        let scenario = Scenario::new();
        // Three images come before.
        scenario.fail(Failure::Before(4));
        assert_eq!(
            scenario.apply(&scenario.plan()).unwrap_err(),
            "cannot create volume `llmobs_prometheus-data`: on demand; done: [\"pull image prom/prometheus:v3\", \
             \"pull image grafana/grafana:13\", \"load image llmobs-exporter:0.1.0\", \"create network \
             llmobs_default\", \"create volume llmobs_grafana-data\"]; remaining: [\"create volume \
             llmobs_prometheus-data\", \"create container llmobs-prometheus-1\", \"create container \
             llmobs-grafana-1\", \"create container llmobs-exporter-1\", \"start container llmobs-prometheus-1\", \
             \"start container llmobs-grafana-1\", \"start container llmobs-exporter-1\"]"
        );
    }

    #[test]
    fn events_tell_the_progress_of_each_step() {
        let mut scenario = Scenario::new();
        scenario.spec.grafana = None;
        scenario.spec.exporter = None;
        let mut seen = Vec::new();
        let plan = scenario.plan();
        let outcome = block_on(apply(&scenario.engine, &plan, &|| Ok(Vec::new()), &mut |event| {
            seen.push(match event {
                Event::Started(step) => format!("started {}", step.action),
                Event::Pulling(step, progress) => format!("{} {}", step.action, progress.current),
                Event::Finished(step) => format!("finished {}", step.action),
                Event::Failed(step) => format!("failed {}", step.action),
            });
        }));
        assert!(outcome.is_ok());
        assert_eq!(
            seen,
            [
                "started pull image prom/prometheus:v3",
                "pull image prom/prometheus:v3 1",
                "finished pull image prom/prometheus:v3",
                "started create network llmobs_default",
                "finished create network llmobs_default",
                "started create volume llmobs_prometheus-data",
                "finished create volume llmobs_prometheus-data",
                "started create container llmobs-prometheus-1",
                "finished create container llmobs-prometheus-1",
                "started start container llmobs-prometheus-1",
                "finished start container llmobs-prometheus-1",
            ]
        );
    }
}
