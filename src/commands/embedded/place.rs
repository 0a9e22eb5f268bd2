//! Where an embedded stack keeps what it has: the rendered files, its data, its log, and who runs it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{
    commands::{exit::Hinted, state::State, urls},
    files::{self, Lock, Overwrite},
    stack::Project,
};

/// The folder of one embedded stack, within the state of its project.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
}

/// The process that runs a stack, as it wrote itself down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runner {
    pub(crate) pid: u32,
    /// Version of llmobs.
    pub(crate) version: String,
    /// By name: where each service is found.
    pub(crate) services: BTreeMap<String, String>,
    /// Whether no terminal has it.
    pub(crate) in_background: bool,
}

impl Place {
    pub(crate) fn of(state: &State) -> Self {
        Self { folder: state.folder().join("embedded") }
    }

    /// Whether there is anything of an embedded stack.
    pub(crate) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// Kept by the process for as long as it runs; ends with it, however it ends.
    pub(crate) fn hold(&self, project: &Project) -> anyhow::Result<Lock> {
        Lock::try_acquire(&self.lock_file())?.ok_or_else(|| {
            let flag = urls::project_flag(project);
            Hinted::new(
                format!("the stack `{project}` runs already, in another process"),
                format!("`llmobs status{flag}` shows it, `llmobs down{flag}` ends it"),
            )
            .into()
        })
    }

    /// The process that runs the stack now. `None` where there is none, and for the moment in which one starts.
    pub(crate) fn runner(&self) -> anyhow::Result<Option<Runner>> {
        let lock = self.lock_file();
        if !lock.exists() || Lock::try_acquire(&lock)?.is_some() {
            return Ok(None);
        }
        let path = self.runner_file();
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path)?;
        let runner = serde_json::from_str(&text);
        Ok(Some(runner.with_context(|| format!("`{}` cannot be read", path.display()))?))
    }

    pub(crate) fn write_runner(&self, runner: &Runner) -> anyhow::Result<()> {
        files::write_secret(&self.runner_file(), serde_json::to_string_pretty(runner)?.as_bytes())?;
        Ok(())
    }

    pub(crate) fn remove_runner(&self) -> anyhow::Result<()> {
        Ok(files::remove(&self.runner_file())?)
    }

    /// Makes the folder hold these files: those that the containers would get.
    pub(crate) fn write_files(&self, rendered: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
        files::write_output(&self.files(), rendered, Overwrite::Force)?;
        Ok(())
    }

    /// The rendered files.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    pub(crate) fn prometheus_yml(&self) -> PathBuf {
        self.files().join("prometheus/prometheus.yml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes all of it; nobody may be running it.
    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        Ok(files::remove_folder(&self.folder)?)
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn runner_file(&self) -> PathBuf {
        self.folder.join("process.json")
    }
}
