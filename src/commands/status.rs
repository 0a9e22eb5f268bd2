//! `llmobs status`: what runs, where, and whether it is healthy.

use std::net::SocketAddr;

use serde::Serialize;

use crate::{
    cli::{Format, Global, Status as Args},
    docker::{Container, DockerEngine, State as ContainerState},
    remote::{
        Endpoint, grafana,
        prometheus::{self, AlertState, Health},
    },
    stack::{self, Component, Contents, Project, Scope, labels},
    ui::{Align, Cell, Table, Tone, Ui},
};

use super::{
    Exit, choose,
    embedded::{Place, Runner},
    engine::{connect, runtime},
    process::Process,
    state::State,
    urls,
};

/// A stack as scripts read it.
#[derive(Serialize)]
struct Facts {
    version: u32,
    project: String,
    /// `docker` or `embedded`; none where nothing runs.
    engine: Option<&'static str>,
    services: Vec<ServiceFacts>,
    targets: Option<TargetFacts>,
    /// Names of firing alerts, one for each series.
    alerts_firing: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grafana_password: Option<String>,
}

#[derive(Serialize)]
struct ServiceFacts {
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    /// The process that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    state: &'static str,
    health: &'static str,
    url: Option<String>,
}

#[derive(Serialize)]
struct TargetFacts {
    up: usize,
    total: usize,
    down: Vec<DownTarget>,
}

#[derive(Serialize)]
struct DownTarget {
    job: String,
    instance: String,
    error: String,
}

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let project = Project::new(&args.project.project)?;
    let state = State::of(&project, global, process)?;
    let place = Place::of(&state);
    let mut facts = Facts {
        version: 1,
        project: project.to_string(),
        engine: None,
        services: Vec::new(),
        targets: None,
        alerts_firing: None,
        grafana_password: None,
    };
    runtime()?.block_on(async {
        match (place.runner()?, choose::docker(process).await) {
            (Some(runner), _) => gather_embedded(&runner, &mut facts).await,
            (None, Ok(engine)) => gather(&project, &engine, &mut facts).await,
            (None, Err(_)) if place.exists() => Ok(()),
            (None, Err(_)) => gather(&project, &connect(process)?, &mut facts).await,
        }
    })?;
    if args.show_password {
        facts.grafana_password = state.password()?;
    }
    let healthy = !facts.services.is_empty()
        && facts.services.iter().all(|service| service.health == "healthy")
        && facts.targets.as_ref().is_none_or(|targets| targets.down.is_empty());
    match args.format {
        Format::Json => ui.answer(&serde_json::to_string_pretty(&facts)?),
        Format::Text => show(args, &project, &facts, ui),
    }
    Ok(if healthy { Exit::Done } else { Exit::No })
}

async fn gather(project: &Project, engine: &DockerEngine, facts: &mut Facts) -> anyhow::Result<()> {
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    let observed = stack::observe(engine, &scope).await?;
    for container in observed.ours() {
        let service = container.labels.get(labels::SERVICE).cloned().unwrap_or_default();
        let endpoint = urls::endpoint(container);
        let seen = ServiceFacts {
            service,
            container: Some(container.name.clone()),
            pid: None,
            state: state_name(container),
            health: "unhealthy",
            url: endpoint.map(|endpoint| format!("http://{}", endpoint.address())),
        };
        facts.add(seen, endpoint).await?;
        facts.engine = Some("docker");
    }
    facts.services.sort_by_key(|service| order(&service.service));
    Ok(())
}

async fn gather_embedded(runner: &Runner, facts: &mut Facts) -> anyhow::Result<()> {
    for (service, url) in &runner.services {
        let address = url.strip_prefix("http://").and_then(|rest| rest.parse::<SocketAddr>().ok());
        let endpoint = address.map(|address| Endpoint::of_published(address.ip(), address.port()));
        let seen = ServiceFacts {
            service: service.clone(),
            container: None,
            pid: Some(runner.pid),
            state: "running",
            health: "unhealthy",
            url: Some(url.clone()),
        };
        facts.add(seen, endpoint).await?;
    }
    facts.engine = Some("embedded");
    facts.services.sort_by_key(|service| order(&service.service));
    Ok(())
}

impl Facts {
    /// Adds a service with what it answers.
    async fn add(&mut self, seen: ServiceFacts, endpoint: Option<Endpoint>) -> anyhow::Result<()> {
        let answers = match endpoint {
            Some(endpoint) => probe(&seen.service, endpoint).await,
            None => false,
        };
        if let (true, Some(endpoint)) = (answers && seen.service == Component::Prometheus.name(), endpoint) {
            self.targets = Some(targets(endpoint).await?);
            let alerts = prometheus::alerts(&endpoint).await?;
            let firing = alerts.into_iter().filter(|alert| alert.state == AlertState::Firing);
            self.alerts_firing = Some(firing.map(|alert| alert.name).collect());
        }
        let health = if answers { "healthy" } else { "unhealthy" };
        self.services.push(ServiceFacts { health, ..seen });
        Ok(())
    }
}

fn order(service: &str) -> (usize, String) {
    let known = ["prometheus", "grafana", "viewer", "exporter"];
    let index = known.iter().position(|name| *name == service).unwrap_or(known.len());
    (index, service.to_owned())
}

async fn probe(service: &str, endpoint: Endpoint) -> bool {
    let answer = match service {
        "prometheus" => prometheus::is_ready(&endpoint).await,
        "grafana" | "viewer" => grafana::is_ready(&endpoint).await,
        _ => endpoint.get("/healthz", None).await.map(|answer| answer.is_success()),
    };
    answer.unwrap_or(false)
}

async fn targets(endpoint: Endpoint) -> anyhow::Result<TargetFacts> {
    let all = prometheus::targets(&endpoint).await?;
    let down = all.iter().filter(|target| target.health == Health::Down).map(|target| DownTarget {
        job: target.job.clone(),
        instance: target.instance.clone(),
        error: target.last_error.clone(),
    });
    let down = down.collect();
    Ok(TargetFacts {
        up: all.iter().filter(|target| target.health == Health::Up).count(),
        total: all.len(),
        down,
    })
}

fn state_name(container: &Container) -> &'static str {
    match container.state {
        ContainerState::Created => "created",
        ContainerState::Running => "running",
        ContainerState::Paused => "paused",
        ContainerState::Restarting => "restarting",
        ContainerState::Exited => "exited",
        ContainerState::Removing => "removing",
        ContainerState::Dead => "dead",
    }
}

fn show(args: &Args, project: &Project, facts: &Facts, ui: &Ui) {
    let flag = urls::project_flag(project);
    if facts.services.is_empty() {
        ui.say(&format!("nothing of the stack `{project}` runs"));
        ui.say("");
        ui.say(&format!("Next:  llmobs up{flag}"));
        return;
    }
    let mut table = Table::new([
        ("Service", Align::Left),
        ("State", Align::Left),
        ("Health", Align::Left),
        ("URL", Align::Left),
        ("", Align::Left),
    ]);
    for service in &facts.services {
        let tone = if service.health == "healthy" { Tone::Good } else { Tone::Bad };
        table.row([
            Cell::new(Tone::Strong, &service.service),
            Cell::new(Tone::Plain, service.state),
            Cell::new(tone, service.health),
            Cell::new(Tone::Link, service.url.as_deref().unwrap_or("-")),
            Cell::new(Tone::Dim, detail(&service.service, facts)),
        ]);
    }
    ui.answer_table(&table);
    for target in facts.targets.iter().flat_map(|targets| &targets.down) {
        ui.warn(&format!("{} ({}) is down: {}", target.instance, target.job, target.error));
    }
    if let Some(firing) = facts.alerts_firing.as_ref().filter(|firing| !firing.is_empty()) {
        ui.answer(&format!("\nfiring: {}", firing.join(", ")));
    }
    if facts.engine == Some("embedded") {
        let pid = facts.services.iter().find_map(|service| service.pid);
        ui.say("");
        if let Some(pid) = pid {
            ui.say(&format!("embedded, in process {pid}"));
        }
        ui.say(&format!("Next:  llmobs logs{flag} -f"));
        ui.say(&format!("       llmobs down{flag}"));
    } else if args.show_password {
        match &facts.grafana_password {
            Some(password) => ui.answer(&format!("\nGrafana: user admin, password {password}")),
            None => ui.say("\nno password is known for this stack"),
        }
    } else {
        ui.say("");
        ui.say(&format!("Next:  llmobs status{flag} --show-password    Grafana's login"));
        ui.say(&format!("       llmobs logs{flag} -f"));
    }
}

fn detail(service: &str, facts: &Facts) -> String {
    if service != Component::Prometheus.name() {
        return String::new();
    }
    let targets =
        facts.targets.as_ref().map(|targets| format!("{} of {} targets up", targets.up, targets.total));
    let alerts = facts.alerts_firing.as_ref().map(|firing| match firing.len() {
        0 => "no alert fires".to_owned(),
        1 => "1 alert fires".to_owned(),
        count => format!("{count} alerts fire"),
    });
    [targets, alerts].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
