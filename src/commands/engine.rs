//! The container engine that the commands talk to.

use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use crate::docker::{Address, DockerEngine};

use super::{exit::Hinted, process::Process};

/// The allocator sets memory apart for each thread, and gives it to the next one when a thread ends. So threads that
/// have nothing to do end at once: queries one after the other take the memory of one, and not of as many threads as
/// there ever were.
const IDLE: Duration = Duration::from_millis(5);

/// Everything but long work runs on the thread of the command.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_keep_alive(IDLE).build().context("cannot start the runtime")
}

/// The engine that `DOCKER_HOST` names, or the one at the usual place; nothing is asked of it yet.
///
/// Ports are checked and services are probed on this machine, so an engine elsewhere is refused.
pub(super) fn connect(process: &Process) -> anyhow::Result<DockerEngine> {
    Ok(DockerEngine::connect(address(process)?)?)
}

/// Where the engine is, if there is one.
pub(super) fn address(process: &Process) -> anyhow::Result<Address> {
    let address = Address::from_docker_host(process.env("DOCKER_HOST"))?;
    if let Address::Tcp(authority) = &address {
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        if !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(Hinted::new(
                format!(
                    "the Docker engine at `{authority}` is on another machine, which this version cannot use"
                ),
                "run llmobs on that machine, or unset `DOCKER_HOST`",
            )
            .into());
        }
    }
    Ok(address)
}
