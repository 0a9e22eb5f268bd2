//! `llmobs logs`: what the services wrote, each line under its service's name.

use futures_util::future::join_all;

use crate::{
    cli::{Global, Logs as Args},
    docker::{DockerEngine, Engine as _, Follow, LogSelection},
    stack::{self, Contents, Project, Scope, labels},
    text::nearest,
    ui::{Tone, Ui},
};

use super::{
    Exit, choose,
    embedded::{self, Place, Tenant},
    engine::{connect, runtime},
    exit::Hinted,
    process::{Process, signal},
    state::State,
    urls,
};

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let project = Project::new(&args.project.project)?;
    let place = Place::of(&State::of(&project, global, process)?);
    runtime()?.block_on(async {
        let runs = !matches!(place.tenant()?, Tenant::None | Tenant::Crashed(_));
        let engine = match choose::docker(process).await {
            _ if runs => None,
            // Containers that are there were started after what once ran embedded.
            Ok(engine) if place.exists() => has_containers(&engine, &project).await?.then_some(engine),
            Ok(engine) => Some(engine),
            Err(_) if place.exists() => None,
            Err(_) => Some(connect(process)?),
        };
        let Some(engine) = engine else {
            return embedded::logs(&place, &project, &args.services, args.tail, args.follow, ui).await;
        };
        tokio::select! {
            ended = logs(args, &project, &engine, ui) => ended,
            _ = signal() => Ok(Exit::Interrupted),
        }
    })
}

async fn has_containers(engine: &DockerEngine, project: &Project) -> anyhow::Result<bool> {
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    Ok(stack::observe(engine, &scope).await?.ours().next().is_some())
}

async fn logs(args: &Args, project: &Project, engine: &DockerEngine, ui: &Ui) -> anyhow::Result<Exit> {
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    let observed = stack::observe(engine, &scope).await?;
    let mut services: Vec<(String, String)> = observed
        .ours()
        .map(|container| {
            let service = container.labels.get(labels::SERVICE).cloned().unwrap_or_default();
            (service, container.id.clone())
        })
        .collect();
    services.sort();
    for asked in &args.services {
        if !services.iter().any(|(service, _)| service == asked) {
            return Err(unknown(asked, &services, project).into());
        }
    }
    if !args.services.is_empty() {
        services.retain(|(service, _)| args.services.contains(service));
    }
    if services.is_empty() {
        ui.say(&format!("nothing of the stack `{project}` runs"));
        return Ok(Exit::Done);
    }
    let width = services.iter().map(|(service, _)| service.len()).max().unwrap_or_default();
    let follow = if args.follow { Follow::Yes } else { Follow::No };
    let selection = LogSelection { tail: Some(args.tail), since: None, follow };
    let reads = services.iter().map(|(service, container)| async move {
        let head = ui.palette().paint(Tone::Strong, &format!("{service:<width$} |"));
        engine.logs(container, selection, &mut |line| ui.answer(&format!("{head} {}", line.text))).await
    });
    let closed = async {
        // Nobody reads any more: `llmobs logs -f | head`.
        while !ui.is_closed() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        results = join_all(reads) => results.into_iter().collect::<Result<(), _>>()?,
        () = closed => {}
    }
    Ok(Exit::Done)
}

fn unknown(asked: &str, services: &[(String, String)], project: &Project) -> Hinted {
    let names: Vec<&str> = services.iter().map(|(service, _)| service.as_str()).collect();
    let hint = match nearest(asked, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            format!("start the stack with `llmobs up{}`", urls::project_flag(project))
        }
        None => format!("there are {}", names.join(", ")),
    };
    Hinted::new(format!("the stack `{project}` has no service `{asked}`"), hint)
}
