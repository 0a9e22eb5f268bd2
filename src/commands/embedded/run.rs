//! The process that is the stack: the engine with its API, the viewer and the mock service.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    cli::{DEFAULT_RATE, DEFAULT_SEED},
    commands::{
        Exit,
        engine::runtime,
        exit::Hinted,
        exporter::{mock, read_runbooks},
        process::{Process, Signal, now, signal},
    },
    diagnostic::Severity,
    engine::{Engine, Hosts, Notice, Setup},
    exporter::{self, Pages},
    files::{self, Lock},
    remote::Endpoint,
    server::{
        api::{Api, Settings},
        http,
        viewer::Viewer,
    },
    stack::{Component, Service},
    time::PromDuration,
    tsdb::Store,
};

/// Of the dashboard that is shown first.
const HOME_DASHBOARD_UID: &str = "llmobs-overview";

use super::{
    journal::Journal,
    manage::{EXPORTER, PROMETHEUS, VIEWER},
    own::process_metrics,
    place::{Fixed, Listening, Runner},
    rendered, screen,
    up::Start,
};

/// The services that the process has, and where they are.
pub(super) fn services(start: &Start<'_>) -> BTreeMap<String, Listening> {
    let services = start.bundle.desired.services.iter();
    services
        .filter_map(|service| {
            let at = listens_at(service)?;
            let url = format!("http://{}", service.endpoint.address());
            Some((name(service.component).to_owned(), Listening { at, url }))
        })
        .collect()
}

/// Where a service takes connections; nowhere, where it publishes no port.
pub(super) fn listens_at(service: &Service) -> Option<SocketAddr> {
    service.container.ports.first().map(|port| SocketAddr::new(port.ip, port.host))
}

/// All that stays as it is until the process ends.
pub(super) fn fixed(start: &Start<'_>) -> Fixed {
    let mock = start.bundle.files.get("exporter/llmobs.yaml");
    Fixed {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: services(start),
        admin: start.args.enable_admin_api,
        mock: mock.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Where the API is found, if there is one.
pub(super) fn prometheus(start: &Start<'_>) -> Option<Endpoint> {
    find(start, Component::Prometheus).map(|service| service.endpoint)
}

fn find<'a>(start: &'a Start<'_>, component: Component) -> Option<&'a Service> {
    start.bundle.desired.services.iter().find(|service| service.component == component)
}

fn name(component: Component) -> &'static str {
    match component {
        Component::Prometheus => PROMETHEUS,
        Component::Grafana => VIEWER,
        Component::Exporter => EXPORTER,
    }
}

/// Runs the stack until it is told to end.
pub(super) fn run(start: &Start<'_>, lock: Option<Lock>) -> anyhow::Result<Exit> {
    let _held = start.place.hold(start.project)?;
    let journal = Journal::open(&start.place.log(), now)?;
    journal.hear_panics(&start.place.log());
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
        let stopped = signal();
        let mut stack = Stack::open(start, &journal).await?;
        start.place.write_runner(&Runner {
            pid: std::process::id(),
            in_background: start.args.in_background,
            fixed: fixed(start),
        })?;
        (start.remember)()?;
        drop(lock);
        let by = screen::show(start, &stack, &journal, stopped).await;
        // From here on nobody counts on it any more.
        start.place.remove_runner()?;
        stack.close(&journal).await;
        by
    });
    start.place.remove_runner()?;
    // Queries that still run are not waited for.
    runtime.shutdown_background();
    Ok(match exit? {
        // `q`, or the end that `llmobs down` asks for.
        None | Some(Signal::Terminate) => Exit::Done,
        Some(Signal::Interrupt) => Exit::Interrupted,
    })
}

/// Everything that runs.
pub(super) struct Stack {
    pub(super) engine: Option<Engine>,
    tasks: JoinSet<()>,
    /// Its end is the sign for all that serves.
    running: watch::Sender<()>,
}

impl Stack {
    /// Takes the ports, opens the store, and begins.
    async fn open(start: &Start<'_>, journal: &Journal) -> anyhow::Result<Self> {
        let mut listeners = BTreeMap::new();
        for service in &start.bundle.desired.services {
            let Some(place) = listens_at(service) else { continue };
            let listener = TcpListener::bind(place).await.map_err(|error| taken(service, place, &error))?;
            listeners.insert(name(service.component), listener);
        }
        start.place.write_files(&start.bundle.files)?;
        let (running, stop) = watch::channel(());
        let mut stack = Self { engine: None, tasks: JoinSet::new(), running };
        if let Some(listener) = listeners.remove(EXPORTER) {
            stack.serve_mock(start, listener, stop.clone())?;
            journal.say(EXPORTER, Severity::Note, "serves the metrics of the mock service");
        }
        if let Some(listener) = listeners.remove(PROMETHEUS) {
            stack.serve_api(start, journal, listener, stop.clone())?;
        }
        if let (Some(listener), Some(engine)) = (listeners.remove(VIEWER), &stack.engine) {
            let viewer = viewer(start, engine);
            let until = until(stop);
            stack.tasks.spawn(async move { http::serve(listener, Arc::new(viewer), until).await });
            journal.say(VIEWER, Severity::Note, "draws the dashboards");
        }
        Ok(stack)
    }

    fn serve_mock(
        &mut self,
        start: &Start<'_>,
        listener: TcpListener,
        stop: watch::Receiver<()>,
    ) -> anyhow::Result<()> {
        let gather = mock(start.config, DEFAULT_SEED, DEFAULT_RATE)?;
        let folder = start.place.files().join("exporter/runbooks");
        // A folder that cannot be read only means that there are no pages for the moment.
        let runbooks = Box::new(move || read_runbooks(&folder).unwrap_or_default());
        let pages = Pages { gather, runbooks };
        self.tasks.spawn(async move { exporter::serve(vec![listener], pages, now, until(stop)).await });
        Ok(())
    }

    fn serve_api(
        &mut self,
        start: &Start<'_>,
        journal: &Journal,
        listener: TcpListener,
        stop: watch::Receiver<()>,
    ) -> anyhow::Result<()> {
        let endpoint = prometheus(start).context("the API has an address")?;
        let notices = {
            let journal = journal.clone();
            Arc::new(move |notice: Notice| journal.say(PROMETHEUS, notice.severity, notice.text))
        };
        let process = Process::of_this_process();
        let (engine, recovery) = Engine::open(Setup {
            config: start.place.prometheus_yml(),
            data: start.place.data(),
            hosts: hosts(start),
            external_url: format!("http://{}", endpoint.address()),
            clock: Arc::new(now),
            notices,
            environment: Box::new(move |name| process.env(name).map(str::to_owned)),
        })?;
        journal.say(PROMETHEUS, Severity::Note, format!("store opened: {recovery}"));
        engine.start();
        let api = Api::new(
            engine.store().clone(),
            Arc::new(engine.clone()),
            Arc::new(engine.clone()),
            settings(start, endpoint.address(), engine.store()),
        );
        self.engine = Some(engine);
        self.tasks.spawn(async move { http::serve(listener, Arc::new(api), until(stop)).await });
        Ok(())
    }

    /// Ends it in order.
    async fn close(&mut self, journal: &Journal) {
        let (running, _) = watch::channel(());
        drop(std::mem::replace(&mut self.running, running));
        if let Some(engine) = self.engine.take()
            && let Err(error) = engine.stop().await
        {
            journal.say(PROMETHEUS, Severity::Error, error.to_string());
        }
        while self.tasks.join_next().await.is_some() {}
        journal.say(PROMETHEUS, Severity::Note, "ended");
    }
}

/// What Prometheus has as flags.
fn settings(start: &Start<'_>, address: SocketAddr, store: &Store) -> Settings {
    let external_url = format!("http://{address}");
    let mut settings = Settings {
        admin: start.args.enable_admin_api,
        lifecycle: true,
        remote_write: true,
        external_url: external_url.clone(),
        port: address.port(),
        hostname: address.ip().to_string(),
        viewer: find(start, Component::Grafana)
            .map(|service| format!("http://{}", service.endpoint.address())),
        process: process_metrics,
        ..Settings::default()
    };
    let lookback =
        PromDuration::from_millis(u64::try_from(settings.lookback.as_millis()).unwrap_or(u64::MAX));
    let timeout =
        PromDuration::from_millis(u64::try_from(settings.query_timeout.as_millis()).unwrap_or(u64::MAX));
    let retention = store.options().retention_millis.map_or_else(
        || "0s".to_owned(),
        |millis| PromDuration::from_millis(u64::try_from(millis).unwrap_or(0)).to_string(),
    );
    settings.flags = [
        ("config.file", start.place.prometheus_yml().display().to_string()),
        ("query.lookback-delta", lookback.to_string()),
        ("query.max-samples", settings.max_samples.to_string()),
        ("query.timeout", timeout.to_string()),
        ("storage.tsdb.path", start.place.data().display().to_string()),
        ("storage.tsdb.retention.time", retention),
        ("web.enable-admin-api", settings.admin.to_string()),
        ("web.enable-lifecycle", settings.lifecycle.to_string()),
        ("web.enable-remote-write-receiver", settings.remote_write.to_string()),
        ("web.external-url", external_url),
        ("web.listen-address", address.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    settings
}

/// The viewer of the rendered dashboards, read at each request.
fn viewer(start: &Start<'_>, engine: &Engine) -> Viewer {
    let folder = start.place.files().join("grafana/provisioning/dashboards");
    let texts = move || {
        let files = files::read_tree(&folder).unwrap_or_default();
        let dashboards = files.into_iter().filter(|(path, _)| path.ends_with(".json"));
        dashboards.filter_map(|(_, bytes)| String::from_utf8(bytes).ok()).collect()
    };
    let files = start.place.files();
    Viewer {
        data: Arc::new(engine.store().clone()),
        engine: Arc::new(engine.clone()),
        dashboards: Box::new(texts),
        home: Some(HOME_DASHBOARD_UID.to_owned()),
        scrape_interval: Box::new(move || rendered::scrape_interval(&files)),
        lookback: PromDuration::from_secs(300),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// Is done once the sender is gone.
async fn until(mut stop: watch::Receiver<()>) {
    while stop.changed().await.is_ok() {}
}

/// The names by which the rendered files call the stack's services, and this machine.
fn hosts(start: &Start<'_>) -> Hosts {
    let services = start.bundle.desired.services.iter().filter_map(|service| {
        let port = service.container.ports.first()?;
        Some((format!("{}:{}", service.component.name(), port.container), service.endpoint.address()))
    });
    let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    services.chain([("host.docker.internal".to_owned(), here)]).collect()
}

pub(super) fn taken(service: &Service, place: SocketAddr, error: &io::Error) -> Hinted {
    let name = name(service.component);
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is taken".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Hinted::new(
        format!("cannot listen on {place} for {name}: {why}"),
        format!(
            "move all ports with `--port-offset 100`, or this one with `stack.ports.{}`; where a stack of llmobs has \
             it, `llmobs down` ends that (another than the default one with `--project NAME`)",
            service.component.name()
        ),
    )
}
