//! The container engine that the commands talk to.

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use crate::docker::{Address, DockerEngine, EngineError};

use super::process::Process;

/// Everything runs on the thread of the command.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// The engine that `DOCKER_HOST` names, or the one at the usual place; nothing is asked of it yet.
pub(super) fn connect(process: &Process) -> Result<DockerEngine, EngineError> {
    DockerEngine::connect(Address::from_docker_host(process.env("DOCKER_HOST"))?)
}
