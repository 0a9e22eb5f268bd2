//! `llmobs down`: stop and remove the stack; only what carries our labels.

use std::cell::RefCell;

use crate::{
    cli::{Down as Args, Global},
    stack::{self, Project, RunError, RunEvent, VolumesOnDown},
    ui::Ui,
};

use super::{
    Exit, choose,
    embedded::{self, Place, Tenant},
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
    let lock = state.lock(&project)?;
    let place = Place::of(&state);
    let exit = match end(args, &project, &place, process, ui) {
        Ok(exit) => exit,
        Err(error) => {
            // Of a project that never was, nothing is left by asking.
            drop(lock.remove());
            return Err(error);
        }
    };
    if exit == Exit::Done {
        kept(args, &project, &place, ui)?;
    }
    if exit == Exit::Done && args.volumes {
        state.forget()?;
        lock.remove()?;
    }
    Ok(exit)
}

/// Ends what runs, in a process or on Docker.
fn end(args: &Args, project: &Project, place: &Place, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    match runtime()?.block_on(embedded::settled(place, project, ui))? {
        Tenant::Running(runner) => {
            let line = ui.progress().step(format!("stop process {}", runner.pid));
            runtime()?.block_on(embedded::stop(place, &runner, project))?;
            line.done("");
            Ok(Exit::Done)
        }
        Tenant::Crashed(runner) => {
            ui.say(&embedded::ended_unexpectedly(&runner, project));
            containers(args, project, place, process, ui)
        }
        Tenant::None | Tenant::Between => containers(args, project, place, process, ui),
    }
}

/// Ends what runs on Docker.
fn containers(
    args: &Args,
    project: &Project,
    place: &Place,
    process: &Process,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let tracker = RefCell::new(Tracker::default());
    runtime()?.block_on(async {
        let engine = match choose::docker(process).await {
            Ok(engine) => engine,
            // Where there has been an embedded stack there need be no Docker.
            Err(_) if place.exists() => {
                ui.say(&format!("nothing of the stack `{project}` runs"));
                return Ok(Exit::Done);
            }
            Err(_) => connect(process)?,
        };
        tokio::select! {
            ended = down(args, project, &engine, &tracker, place, ui) => ended,
            _ = signal() => {
                tracker.borrow_mut().abandon();
                ui.error("interrupted");
                ui.hint(&format!("`llmobs down{}` goes on where this ended", urls::project_flag(project)));
                Ok(Exit::Interrupted)
            }
        }
    })
}

/// What is left to do of an embedded stack once no process runs it.
fn kept(args: &Args, project: &Project, place: &Place, ui: &Ui) -> anyhow::Result<()> {
    if !place.exists() {
        return Ok(());
    }
    let folder = place.folder().display();
    if args.volumes {
        place.remove()?;
        ui.say(&format!("remove the data of the embedded stack in `{folder}`"));
        return Ok(());
    }
    place.remove_runner()?;
    ui.say("");
    ui.say(&format!(
        "data is kept in `{folder}`; `llmobs down{} --volumes` removes it too",
        urls::project_flag(project)
    ));
    Ok(())
}

async fn down<'a>(
    args: &Args,
    project: &Project,
    engine: &crate::docker::DockerEngine,
    tracker: &RefCell<Tracker<'a>>,
    place: &Place,
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
        ui.say(&if place.exists() {
            format!("nothing of the stack `{project}` runs")
        } else {
            format!("there is nothing to remove of the stack `{project}`")
        });
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
