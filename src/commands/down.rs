//! `llmobs down`: stop and remove the stack; only what carries our labels.

use std::cell::RefCell;

use crate::{
    cli::{Down as Args, Global},
    stack::{self, Project, RunError, RunEvent, VolumesOnDown},
    ui::Ui,
};

use super::{
    Exit, choose,
    embedded::{self, Place},
    engine::{connect, runtime},
    exit::Hinted,
    process::{Process, signal},
    progress::Tracker,
    state::State,
    up::unwrapped,
    urls,
};

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let project = Project::new(&args.project.project)?;
    let state = State::of(&project, global, process)?;
    let _lock = state.lock(&project)?;
    let place = Place::of(&state);
    if let Some(runner) = place.runner()? {
        let line = ui.progress().step(format!("stop process {}", runner.pid));
        runtime()?.block_on(embedded::stop(&place, &runner, &project))?;
        line.done("");
        return ended(args, &project, &place, &state, ui);
    }
    let tracker = RefCell::new(Tracker::default());
    let exit = runtime()?.block_on(async {
        let engine = match choose::docker(process).await {
            Ok(engine) => engine,
            // Where there has been an embedded stack there need be no Docker.
            Err(_) if place.exists() => return Ok(None),
            Err(_) => connect(process)?,
        };
        tokio::select! {
            ended = down(args, &project, &engine, &tracker, ui) => ended.map(Some),
            _ = signal() => {
                tracker.borrow_mut().abandon();
                ui.error("interrupted");
                ui.hint(&format!("`llmobs down{}` goes on where this ended", urls::project_flag(&project)));
                Ok(Some(Exit::Interrupted))
            }
        }
    })?;
    let Some(exit) = exit else {
        ui.say(&format!("nothing of the stack `{project}` runs"));
        return ended(args, &project, &place, &state, ui);
    };
    if exit == Exit::Done && args.volumes {
        place.remove()?;
        state.forget()?;
    }
    Ok(exit)
}

/// What is left to do once no process runs the stack.
fn ended(args: &Args, project: &Project, place: &Place, state: &State, ui: &Ui) -> anyhow::Result<Exit> {
    if args.volumes {
        place.remove()?;
        state.forget()?;
    } else {
        ui.say("");
        ui.say(&format!(
            "data is kept in `{}`; `llmobs down{} --volumes` removes it too",
            place.folder().display(),
            urls::project_flag(project)
        ));
    }
    Ok(Exit::Done)
}

async fn down<'a>(
    args: &Args,
    project: &Project,
    engine: &crate::docker::DockerEngine,
    tracker: &RefCell<Tracker<'a>>,
    ui: &'a Ui,
) -> anyhow::Result<Exit> {
    let volumes = if args.volumes { VolumesOnDown::Remove } else { VolumesOnDown::Keep };
    let mut on_event = |event: RunEvent<'_>| match event {
        RunEvent::Planned(plan) => *tracker.borrow_mut() = Tracker::new(ui.progress(), plan),
        RunEvent::Step(step) => tracker.borrow_mut().event(&step),
        RunEvent::Wait(_) => {}
    };
    let plan = stack::down(engine, project, volumes, &mut on_event).await.map_err(|error| match error {
        RunError::Apply(failed) => {
            let rest = failed.remaining.join(", ");
            Hinted::new(failed.to_string(), format!("not done: {rest}; run it again")).into()
        }
        other => unwrapped(other),
    })?;
    if plan.is_empty() {
        ui.say(&format!("there is nothing to remove of the stack `{project}`"));
    }
    for note in &plan.notes {
        ui.say(note);
    }
    if !plan.is_empty() && !args.volumes {
        ui.say("");
        ui.say(&format!(
            "data and password are kept; `llmobs down{} --volumes` removes them too",
            urls::project_flag(project)
        ));
    }
    Ok(Exit::Done)
}
