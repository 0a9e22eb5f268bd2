//! The process: start, provisioning, polling, connections, and a clean end on SIGTERM.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    env,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    VERSION,
    account::Account,
    api,
    dashboards::{self, Dashboard, Provider, Scan},
    datasources::{self, Datasource},
    log::{Level, log},
    provisioning::read_folder,
    settings::Settings,
};

/// A client that sends no whole request within this time is let go.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);

/// Folders that Grafana reads and the stand-in does not.
const UNREAD: [&str; 3] = ["plugins", "alerting", "access-control"];

/// The stand-in as it runs.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) account: Account,
    stock: Mutex<Stock>,
}

/// What provisioning has brought.
#[derive(Debug, Default)]
struct Stock {
    datasources: Vec<Datasource>,
    dashboards: Vec<Dashboard>,
    /// By the provider's name.
    scans: BTreeMap<String, Scan>,
    /// Error lines that were logged already; a poll does not repeat them.
    told: BTreeSet<String>,
    pollers: Vec<AbortHandle>,
}

/// Serves until a signal; what Grafana refuses at its start is an exit with status 1.
pub(crate) fn serve() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    Ok(match runtime.block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log("server", Level::Error, format!("{error:#}"));
            ExitCode::FAILURE
        }
    })
}

async fn run() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    log("server", Level::Info, format!("a stand-in for Grafana {VERSION}; it is not Grafana"));
    let settings = Settings::read(env::vars().collect())?;
    settings.check_paths()?;
    let server = Arc::new(Server { account: Account::open(&settings)?, settings, stock: Mutex::default() });
    server.provision_datasources()?;
    server.provision_dashboards()?;
    server.warn_of_unread();
    if let Err(error) = server.home_dashboard() {
        log("api", Level::Error, format!("failed to load home dashboard: {error:#}"));
    }
    let port = server.settings.port;
    let listener = TcpListener::bind(("0.0.0.0", port))
        .await
        .with_context(|| format!("cannot listen on port {port}"))?;
    log("http.server", Level::Info, format!("HTTP Server Listen on port {port}"));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&server)))),
                Err(error) => log("http.server", Level::Warn, format!("cannot accept: {error}")),
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    log("server", Level::Info, "Shutdown started");
    Ok(())
}

async fn converse(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(api::respond(&server, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    // A client that hangs up in the middle is no event.
    let _gone = builder.serve_connection(TokioIo::new(stream), service).await;
}

impl Server {
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn datasources(&self) -> Vec<Datasource> {
        self.stock().datasources.clone()
    }

    pub(super) fn dashboards(&self) -> Vec<Dashboard> {
        self.stock().dashboards.clone()
    }

    /// The dashboard that `/` shows: the configured one, else Grafana's own, which has no panels here.
    pub(super) fn home_dashboard(&self) -> anyhow::Result<serde_json::Value> {
        match &self.settings.home_dashboard {
            None => Ok(serde_json::json!({"title": "Home", "panels": []})),
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
                serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON", path.display()))
            }
        }
    }

    /// Reads the data source files; on an error what was there stays.
    pub(super) fn provision_datasources(&self) -> anyhow::Result<()> {
        let folder = self.settings.provisioning.join("datasources");
        let read = read_folder(&folder, &self.settings.environment)
            .and_then(|files| datasources::read(&files))
            .context("Datasource provisioning error")?;
        for source in &read {
            let said =
                format!("inserting datasource from configuration name={} uid={}", source.name, source.uid);
            log("provisioning.datasources", Level::Info, said);
        }
        self.stock().datasources = read;
        Ok(())
    }

    /// Reads the providers and their dashboards, and goes on watching them.
    pub(super) fn provision_dashboards(self: &Arc<Self>) -> anyhow::Result<()> {
        let folder = self.settings.provisioning.join("dashboards");
        let providers = read_folder(&folder, &self.settings.environment)
            .and_then(|files| dashboards::read(&files))
            .context("Failed to provision dashboards")?;
        {
            let mut stock = self.stock();
            stock.pollers.drain(..).for_each(|poller| poller.abort());
            stock.scans.retain(|name, _| providers.iter().any(|provider| provider.name == *name));
            stock.told.clear();
        }
        // All are read before any is judged: two may contend for a uid.
        for provider in &providers {
            self.scan(provider);
        }
        self.merge();
        for provider in providers {
            let poller = tokio::spawn(Arc::clone(self).poll(provider)).abort_handle();
            self.stock().pollers.push(poller);
        }
        Ok(())
    }

    async fn poll(self: Arc<Self>, provider: Provider) {
        let mut ticks = interval(provider.interval.max(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.scan(&provider);
            self.merge();
        }
    }

    fn scan(&self, provider: &Provider) {
        let mut stock = self.stock();
        let before = stock.scans.remove(&provider.name).unwrap_or_default();
        stock.scans.insert(provider.name.clone(), provider.scan(&before));
    }

    fn merge(&self) {
        let mut stock = self.stock();
        let (dashboards, errors) = dashboards::merge(&stock.scans);
        for error in errors.difference(&stock.told) {
            log("provisioning.dashboard", Level::Error, error);
        }
        for dashboard in dashboards.iter().filter(|dashboard| !stock.dashboards.contains(dashboard)) {
            let said = format!("saving dashboard provider={} file={}", dashboard.provider, dashboard.file);
            log("provisioning.dashboard", Level::Info, said);
        }
        stock.told = errors;
        stock.dashboards = dashboards;
    }

    fn warn_of_unread(&self) {
        for name in UNREAD {
            let folder = self.settings.provisioning.join(name);
            match std::fs::read_dir(&folder).map(Iterator::count) {
                Ok(0) => {}
                Ok(_) => log(
                    "provisioning",
                    Level::Warn,
                    format!("`{}` is not read by the stand-in", folder.display()),
                ),
                Err(error) => {
                    let said = format!(
                        "can't read provisioning files from directory `{}`: {error}",
                        folder.display()
                    );
                    log("provisioning", Level::Error, said);
                }
            }
        }
    }
}
