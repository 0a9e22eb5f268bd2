//! The whole way up and the whole way down: look, decide, do, and look again where somebody else was at work.
//!
//! Somebody else is mostly an llmobs that was killed: the engine goes on with what that one asked for, so a container
//! may end, a network appear or a name be taken just after we looked.

use std::{cell::RefCell, io, time::Duration};

use tokio::time::sleep;

use crate::{
    docker::{Engine, EngineError},
    stack::{
        apply::{ApplyError, Event, StepError, apply},
        desired::{Desired, Project},
        down::{VolumesOnDown, plan_down},
        observed::{Contents, Observed, Scope, observe},
        plan::{plan, plan_pulls},
        preflight::{Facts, Problem, PullPolicy, preflight},
        ready::{Outcome, WaitError, WaitEvent, wait_ready},
        step::Plan,
    },
};

/// How often we look anew before a failure is taken for what it seems.
const ROUNDS: u32 = 4;
/// What an engine goes on with for a killed client takes less than this, but for the stop of a container, which shows.
const SETTLE: Duration = Duration::from_millis(300);

/// Progress of [`up`] and [`down`].
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// What is going to be done; may come again when somebody else was at work.
    Planned(&'a Plan),
    Step(Event<'a>),
    Wait(WaitEvent<'a>),
}

/// What [`up`] needs besides the desired state.
#[expect(missing_debug_implementations, reason = "it lends functions")]
pub struct UpOptions<'a> {
    pub facts: Facts<'a>,
    /// Gives the docker-archive of the image that is made from our binary.
    pub make_image: &'a dyn Fn() -> io::Result<Vec<u8>>,
    /// For the wait after the last step.
    pub limit: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nothing was changed.
    #[error("{} in the way", count_of(problems))]
    Problems { problems: Vec<Problem> },
    #[error(transparent)]
    Apply(Box<ApplyError>),
    #[error(transparent)]
    Wait(#[from] WaitError),
}

fn count_of(problems: &[Problem]) -> String {
    match problems {
        [_] => "1 problem is".to_owned(),
        _ => format!("{} problems are", problems.len()),
    }
}

/// Brings the stack up, or changes what differs, and waits until it answers.
pub async fn up(
    engine: &impl Engine,
    desired: &Desired,
    options: &UpOptions<'_>,
    on_event: &mut dyn FnMut(RunEvent<'_>),
) -> Result<Outcome, RunError> {
    let on_event = RefCell::new(on_event);
    let emit = |event: RunEvent<'_>| (on_event.borrow_mut())(event);
    let make_image = options.make_image;
    let scope = Scope::of(desired);
    let mut observed = unobstructed(engine, desired, &scope, &options.facts).await?;
    if options.facts.pull == PullPolicy::Always {
        let pulls = plan_pulls(desired);
        emit(RunEvent::Planned(&pulls));
        apply(engine, &pulls, make_image, &mut |event| emit(RunEvent::Step(event)))
            .await
            .map_err(|error| RunError::Apply(Box::new(error)))?;
        observed = observe(engine, &scope).await?;
    }
    for round in 1.. {
        let plan = plan(desired, &observed);
        emit(RunEvent::Planned(&plan));
        let applied = apply(engine, &plan, make_image, &mut |event| emit(RunEvent::Step(event))).await;
        let error = match applied {
            Ok(()) => {
                match wait_ready(engine, desired, options.limit, &mut |event| emit(RunEvent::Wait(event)))
                    .await
                {
                    Ok(outcome) => return Ok(outcome),
                    Err(error) => RunError::Wait(error),
                }
            }
            Err(error) => RunError::Apply(Box::new(error)),
        };
        if round == ROUNDS || !may_be_others(&error) {
            return Err(error);
        }
        sleep(SETTLE).await;
        observed = observe(engine, &scope).await?;
        // A service that fails by itself is restarted by the engine, which leaves us nothing to do.
        if self::plan(desired, &observed).is_empty() && matches!(error, RunError::Wait(_)) {
            return Err(error);
        }
    }
    unreachable!("the rounds are counted")
}

/// Looks, and looks a second time before it says that something is in the way.
async fn unobstructed(
    engine: &impl Engine,
    desired: &Desired,
    scope: &Scope,
    facts: &Facts<'_>,
) -> Result<Observed, RunError> {
    let observed = observe(engine, scope).await?;
    if preflight(desired, &observed, facts).is_empty() {
        return Ok(observed);
    }
    // A port may be held by a container of ours that was asked to start or stop just before.
    sleep(SETTLE).await;
    let observed = observe(engine, scope).await?;
    let problems = preflight(desired, &observed, facts);
    if problems.is_empty() { Ok(observed) } else { Err(RunError::Problems { problems }) }
}

/// Removes the stack; gives what was left alone, and whether there was anything at all.
pub async fn down(
    engine: &impl Engine,
    project: &Project,
    volumes: VolumesOnDown,
    on_event: &mut dyn FnMut(RunEvent<'_>),
) -> Result<Plan, RunError> {
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    let mut all = Plan::default();
    let mut failure = None;
    for _ in 0..ROUNDS {
        let plan = plan_down(&observe(engine, &scope).await?, volumes);
        all.notes.clone_from(&plan.notes);
        if !plan.is_empty() {
            on_event(RunEvent::Planned(&plan));
        }
        let nothing_left = plan.is_empty() && !all.is_empty();
        let applied = apply(engine, &plan, &|| Err(io::ErrorKind::Unsupported.into()), &mut |event| {
            on_event(RunEvent::Step(event));
        })
        .await;
        all.steps.extend(plan.steps);
        failure = match applied {
            Ok(()) => None,
            Err(error) if is_conflict(&error) => Some(error),
            Err(error) => return Err(RunError::Apply(Box::new(error))),
        };
        if nothing_left {
            break;
        }
        sleep(SETTLE).await;
    }
    failure.map_or(Ok(all), |error| Err(RunError::Apply(Box::new(error))))
}

fn may_be_others(error: &RunError) -> bool {
    match error {
        RunError::Apply(error) => is_conflict(error),
        RunError::Wait(WaitError::Exited { .. } | WaitError::Removed { .. }) => true,
        RunError::Wait(WaitError::TimedOut { .. } | WaitError::Engine(_))
        | RunError::Engine(_)
        | RunError::Problems { .. } => false,
    }
}

fn is_conflict(error: &ApplyError) -> bool {
    matches!(error.source, StepError::Engine(EngineError::Conflict { .. } | EngineError::NotFound { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        docker::recording::Failure,
        stack::scenario::{Scenario, block_on},
    };

    #[test]
    fn down_looks_again_until_nothing_is_left() {
        let scenario = Scenario::up_and_running();
        let mut plans = Vec::new();
        let done =
            block_on(down(&scenario.engine, &scenario.spec.project, VolumesOnDown::Remove, &mut |event| {
                if let RunEvent::Planned(plan) = event {
                    plans.push(plan.steps.len());
                }
            }));
        assert_eq!((done.unwrap().steps.len(), plans), (10, vec![10]));
        let world = scenario.engine.world.borrow();
        assert_eq!((world.containers.len(), world.networks.len(), world.volumes.len()), (0, 0, 0));
    }

    #[test]
    fn a_failure_of_down_is_told() {
        let scenario = Scenario::up_and_running();
        scenario.fail(Failure::Before(0));
        let failed =
            block_on(down(&scenario.engine, &scenario.spec.project, VolumesOnDown::Keep, &mut |_| {}));
        assert_eq!(failed.unwrap_err().to_string(), "cannot stop container `id004`: on demand");
    }

    #[test]
    fn what_is_in_the_way_changes_nothing() {
        let scenario = Scenario::new();
        let options = UpOptions {
            facts: Facts {
                pull: PullPolicy::Never,
                bind: &|_, _| Ok(()),
                binary_os: "linux",
                binary_architecture: "amd64",
            },
            make_image: &|| Ok(Vec::new()),
            limit: Duration::ZERO,
        };
        let failed = block_on(up(&scenario.engine, &scenario.desired(), &options, &mut |_| {})).unwrap_err();
        assert_eq!(failed.to_string(), "2 problems are in the way");
        assert!(scenario.engine.calls.borrow().is_empty());
    }
}
