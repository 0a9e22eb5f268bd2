//! `llmobs down`: stop and remove the stack; only what carries our labels.

use std::cell::RefCell;

use crate::{
    cli::{Down as Args, Global},
    stack::{self, Project, RunError, RunEvent, VolumesOnDown},
    ui::Ui,
};

use super::{
    Exit,
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
    let tracker = RefCell::new(Tracker::default());
    let exit = runtime()?.block_on(async {
        let engine = connect(process)?;
        tokio::select! {
            ended = down(args, &project, &engine, &tracker, ui) => ended,
            _ = signal() => {
                tracker.borrow_mut().abandon();
                ui.error("interrupted");
                ui.hint(&format!("`llmobs down{}` goes on where this ended", urls::project_flag(&project)));
                Ok(Exit::Interrupted)
            }
        }
    })?;
    if exit == Exit::Done && args.volumes {
        state.forget()?;
    }
    Ok(exit)
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
