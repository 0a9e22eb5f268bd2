//! `llmobs exporter`: a mock LLM service whose numbers are true.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::{
    catalogue,
    cli::{Exporter as Args, Global},
    config::Config,
    exporter::{Pages, Runbooks, serve},
    files::{self, FileError},
    simulate::{Mock, MockConfig, MockModel, shares},
    ui::Ui,
};

use super::{
    Exit,
    configure::configure,
    exit::Hinted,
    process::{Process, Signal, now, signal},
};

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let configured = configure(global, &args.overrides, process)?;
    ui.diagnostics(&configured.warnings);
    let mock = mock(&configured.config, args.seed, args.rate)?;
    let runbooks = runbooks(args.runbooks.clone())?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Whoever reads the address below may stop the process at once.
        let stopped = signal();
        let place = SocketAddr::new(args.bind, args.port);
        let listener = TcpListener::bind(place).await.map_err(|error| cannot_listen(place, &error))?;
        let address = listener.local_addr().context("cannot tell the address that was bound")?;
        ui.say(&format!("serving metrics of a mock LLM service on http://{address}/metrics (Ctrl-C stops)"));
        let mut stopped_by = Signal::Terminate;
        let shutdown = async { stopped_by = stopped.await };
        serve(vec![listener], Pages { gather: mock, runbooks }, now, shutdown).await;
        // The container's stop is an orderly end, Ctrl-C an interruption.
        Ok(if stopped_by == Signal::Interrupt { Exit::Interrupted } else { Exit::Done })
    })
}

/// The mock service of a configuration.
pub(super) fn mock(config: &Config, seed: u64, requests_per_second: f64) -> anyhow::Result<Mock> {
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    let models: Vec<MockModel> = config
        .models
        .iter()
        .zip(shares(&names))
        .map(|(model, share)| MockModel {
            name: model.name.clone(),
            provider: model.provider.clone(),
            share,
            input_price: model.price.input,
            output_price: model.price.output,
            context_window: catalogue::find(&model.name, None).and_then(|known| known.context_window),
        })
        .collect();
    let mut mock = MockConfig::healthy(models, seed, now());
    mock.requests_per_second = requests_per_second;
    Ok(Mock::new(mock)?)
}

fn cannot_listen(place: SocketAddr, error: &io::Error) -> Hinted {
    let another_port = "choose another port with `--port`, or `--port 0` for a free one";
    let (why, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => ("the port is taken".to_owned(), another_port),
        io::ErrorKind::AddrNotAvailable => {
            ("this machine does not have the address".to_owned(), "choose another address with `--bind`")
        }
        io::ErrorKind::PermissionDenied => ("permission denied".to_owned(), another_port),
        _ => (error.to_string(), another_port),
    };
    Hinted::new(format!("cannot listen on {place}: {why}"), hint)
}

/// The pages of a folder, read at each request. A folder that cannot be read now is a mistake; later it only means
/// that there are no pages for the moment.
fn runbooks(folder: Option<PathBuf>) -> anyhow::Result<Runbooks> {
    let Some(folder) = folder else { return Ok(Box::new(BTreeMap::new)) };
    read_runbooks(&folder)?;
    Ok(Box::new(move || read_runbooks(&folder).unwrap_or_default()))
}

/// Markdown by name without `.md`.
pub(super) fn read_runbooks(folder: &Path) -> Result<BTreeMap<String, String>, FileError> {
    let pages = files::read_tree(folder)?.into_iter();
    let page = |(path, bytes): (String, Vec<u8>)| {
        Some((path.strip_suffix(".md")?.to_owned(), String::from_utf8(bytes).ok()?))
    };
    Ok(pages.filter_map(page).collect())
}
