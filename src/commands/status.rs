//! `llmobs status`: what runs, where, and whether it is healthy.

use std::net::SocketAddr;

use futures_util::future::join_all;
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
    embedded::{self, Place, Runner, Tenant},
    engine::{address, connect, runtime},
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
    /// The process of an embedded stack that was killed or that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_unexpectedly: Option<u32>,
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
    /// Where it takes connections, address and port.
    listens_at: Option<SocketAddr>,
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
        ended_unexpectedly: None,
        services: Vec::new(),
        targets: None,
        alerts_firing: None,
        grafana_password: None,
    };
    let tenant = place.tenant()?;
    runtime()?.block_on(async {
        match (&tenant, choose::docker(process).await) {
            (Tenant::Running(runner), _) => gather_embedded(runner, &mut facts).await,
            (Tenant::Between, _) => Ok(()),
            (_, Ok(engine)) => gather(&project, &engine, &mut facts).await,
            (_, Err(_)) if place.exists() => Ok(()),
            // What Docker has never run it need not be asked about.
            (_, Err(_)) if state.password()?.is_none() => address(process).map(drop),
            (_, Err(_)) => gather(&project, &connect(process)?, &mut facts).await,
        }
    })?;
    if facts.services.is_empty()
        && let Tenant::Crashed(runner) = &tenant
    {
        facts.ended_unexpectedly = Some(runner.pid);
    }
    if args.show_password && facts.engine != Some("embedded") {
        facts.grafana_password = state.password()?;
    }
    let healthy = !facts.services.is_empty()
        && facts.services.iter().all(|service| service.health == "healthy")
        && facts.targets.as_ref().is_none_or(|targets| targets.down.is_empty());
    match args.format {
        Format::Json => ui.answer(&serde_json::to_string_pretty(&facts)?),
        Format::Text => show(args, &project, &tenant, &facts, ui),
    }
    Ok(if healthy { Exit::Done } else { Exit::No })
}

async fn gather(project: &Project, engine: &DockerEngine, facts: &mut Facts) -> anyhow::Result<()> {
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    let observed = stack::observe(engine, &scope).await?;
    let seen = observed.ours().map(|container| ServiceFacts {
        service: container.labels.get(labels::SERVICE).cloned().unwrap_or_default(),
        container: Some(container.name.clone()),
        pid: None,
        state: state_name(container),
        health: "unhealthy",
        url: urls::endpoint(container).map(|endpoint| format!("http://{}", endpoint.address())),
        listens_at: container.ports.first().map(|port| SocketAddr::new(port.ip, port.host)),
    });
    facts.ask(seen.collect(), "docker").await
}

async fn gather_embedded(runner: &Runner, facts: &mut Facts) -> anyhow::Result<()> {
    let seen = runner.fixed.services.iter().map(|(service, listening)| ServiceFacts {
        service: service.clone(),
        container: None,
        pid: Some(runner.pid),
        state: "running",
        health: "unhealthy",
        url: Some(listening.url.clone()),
        listens_at: Some(listening.at),
    });
    facts.ask(seen.collect(), "embedded").await
}

impl Facts {
    /// Takes the services with what they answer, all asked at once.
    async fn ask(&mut self, mut seen: Vec<ServiceFacts>, engine: &'static str) -> anyhow::Result<()> {
        let asked = seen.iter().map(|service| async move {
            match service.endpoint() {
                Some(endpoint) => probe(&service.service, endpoint).await,
                None => false,
            }
        });
        let answers = join_all(asked).await;
        for (service, answers) in seen.iter_mut().zip(answers) {
            if !answers {
                continue;
            }
            service.health = "healthy";
            if let (true, Some(endpoint)) =
                (service.service == Component::Prometheus.name(), service.endpoint())
            {
                self.targets = Some(targets(endpoint).await?);
                let alerts = prometheus::alerts(&endpoint).await?;
                let firing = alerts.into_iter().filter(|alert| alert.state == AlertState::Firing);
                self.alerts_firing = Some(firing.map(|alert| alert.name).collect());
            }
        }
        if !seen.is_empty() {
            self.engine = Some(engine);
        }
        seen.sort_by_key(|service| order(&service.service));
        self.services = seen;
        Ok(())
    }
}

impl ServiceFacts {
    fn endpoint(&self) -> Option<Endpoint> {
        self.listens_at.map(|at| Endpoint::of_published(at.ip(), at.port()))
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

fn show(args: &Args, project: &Project, tenant: &Tenant, facts: &Facts, ui: &Ui) {
    let flag = urls::project_flag(project);
    if facts.services.is_empty() {
        match tenant {
            Tenant::Crashed(runner) => {
                ui.say(&embedded::ended_unexpectedly(runner, project));
                ui.say("");
                ui.say(&format!("Next:  llmobs up{flag}      what was stored is kept"));
                ui.say(&format!("       llmobs logs{flag}"));
            }
            Tenant::Between => ui.say(&format!("the stack `{project}` starts or ends in this moment")),
            Tenant::None | Tenant::Running(_) => {
                ui.say(&format!("nothing of the stack `{project}` runs"));
                ui.say("");
                ui.say(&format!("Next:  llmobs up{flag}"));
            }
        }
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
            Cell::new(Tone::Dim, detail(service, facts)),
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
        if args.show_password {
            ui.say("the viewer asks for no password");
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

fn detail(service: &ServiceFacts, facts: &Facts) -> String {
    // A URL names one address, be there one or all.
    let open = service.listens_at.filter(|at| at.ip().is_unspecified());
    let open = open.map(|at| format!("on all addresses ({at})"));
    if service.service != Component::Prometheus.name() {
        return open.unwrap_or_default();
    }
    let targets =
        facts.targets.as_ref().map(|targets| format!("{} of {} targets up", targets.up, targets.total));
    let alerts = facts.alerts_firing.as_ref().map(|firing| match firing.len() {
        0 => "no alert fires".to_owned(),
        1 => "1 alert fires".to_owned(),
        count => format!("{count} alerts fire"),
    });
    [open, targets, alerts].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
