//! Where an embedded stack keeps what it has: the rendered files, its data, its log, and who runs it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
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
    /// Whether no terminal has it.
    pub(crate) in_background: bool,
    /// Another version of llmobs may write other things.
    #[serde(default)]
    pub(crate) fixed: Fixed,
}

/// All that a process has from its start to its end: where this is to be another, another process has to be started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fixed {
    /// Version of llmobs.
    pub(crate) version: String,
    /// By name.
    pub(crate) services: BTreeMap<String, Listening>,
    /// Whether series may be deleted through the API.
    pub(crate) admin: bool,
    /// The file that the mock service was started with.
    pub(crate) mock: Option<String>,
}

impl Fixed {
    /// What differs in another process, for people.
    pub(crate) fn changes(&self, to: &Self) -> Vec<&'static str> {
        [
            ("the version of llmobs", self.version != to.version),
            ("where services listen", self.services != to.services),
            ("`--enable-admin-api`", self.admin != to.admin),
            ("what the mock service speaks of", self.mock != to.mock),
        ]
        .into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
        .collect()
    }
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// Where it listens, for whom it is to be reached by.
    pub(crate) at: SocketAddr,
    /// Where it is found from this machine.
    pub(crate) url: String,
}

/// What is known of the process that runs a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tenant {
    None,
    /// There is one that starts or ends.
    Between,
    Running(Runner),
    /// There was one, and it did not end in order.
    Crashed(Runner),
}

impl Tenant {
    pub(crate) fn running(self) -> Option<Runner> {
        if let Self::Running(runner) = self { Some(runner) } else { None }
    }
}

impl Place {
    pub(crate) fn of(state: &State) -> Self {
        Self { folder: state.folder().join("embedded") }
    }

    #[cfg(test)]
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether there is anything of an embedded stack.
    pub(crate) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// Kept by the process for as long as it runs; ends with it, however it ends. What another wrote down before is gone.
    pub(crate) fn hold(&self, project: &Project) -> anyhow::Result<Lock> {
        let held = Lock::try_acquire(&self.lock_file())?.ok_or_else(|| {
            let flag = urls::project_flag(project);
            Hinted::new(
                format!("the stack `{project}` runs already, in another process"),
                format!("`llmobs status{flag}` shows it, `llmobs down{flag}` ends it"),
            )
        })?;
        self.remove_runner()?;
        Ok(held)
    }

    /// The process that runs the stack now.
    pub(crate) fn tenant(&self) -> anyhow::Result<Tenant> {
        let lock = self.lock_file();
        let mut held = Lock::is_held(&lock)?;
        loop {
            let written = self.written()?;
            // Both are to be of one moment.
            let still_held = Lock::is_held(&lock)?;
            if held == still_held {
                return Ok(match (held, written) {
                    (false, None) => Tenant::None,
                    (true, None) => Tenant::Between,
                    (true, Some(runner)) => Tenant::Running(runner),
                    (false, Some(runner)) => Tenant::Crashed(runner),
                });
            }
            held = still_held;
        }
    }

    fn written(&self) -> anyhow::Result<Option<Runner>> {
        let path = self.runner_file();
        if !path.exists() {
            return Ok(None);
        }
        let text = match files::read_text(&path) {
            Ok(text) => text,
            // It has ended in the meantime.
            Err(_) if !path.exists() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
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

    fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn runner_file(&self) -> PathBuf {
        self.folder.join("process.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_known_by_its_lock_and_by_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path().join("embedded"));
        let project = Project::new("p").unwrap();
        assert_eq!((place.tenant().unwrap(), place.exists()), (Tenant::None, false));
        let held = place.hold(&project).unwrap();
        assert_eq!(place.tenant().unwrap(), Tenant::Between);
        assert!(place.hold(&project).unwrap_err().to_string().contains("runs already"));
        let at = "0.0.0.0:9090".parse().unwrap();
        let listening = Listening { at, url: "http://127.0.0.1:9090".to_owned() };
        let fixed = Fixed {
            version: "1".to_owned(),
            services: [("prometheus".to_owned(), listening)].into(),
            admin: true,
            mock: Some("models: []".to_owned()),
        };
        let runner = Runner { pid: 7, in_background: true, fixed: fixed.clone() };
        place.write_runner(&runner).unwrap();
        assert_eq!(place.tenant().unwrap(), Tenant::Running(runner.clone()));
        drop(held);
        assert_eq!(place.tenant().unwrap(), Tenant::Crashed(runner));
        // The next one is not taken for the one before.
        let held = place.hold(&project).unwrap();
        assert_eq!(place.tenant().unwrap(), Tenant::Between);
        drop(held);
        let listening =
            Listening { at: "127.0.0.1:9090".parse().unwrap(), url: "http://127.0.0.1:9090".to_owned() };
        let narrowed = Fixed { services: [("prometheus".to_owned(), listening)].into(), ..fixed.clone() };
        assert_eq!(fixed.changes(&fixed), [""; 0]);
        assert_eq!(fixed.changes(&narrowed), ["where services listen"]);
        assert_eq!(fixed.changes(&Fixed { admin: false, ..fixed.clone() }), ["`--enable-admin-api`"]);
        // What another version wrote is a process all the same.
        let text =
            r#"{"pid": 7, "version": "0.1.0", "services": {"viewer": "http://x"}, "in_background": true}"#;
        files::write_secret(&place.runner_file(), text.as_bytes()).unwrap();
        let before = Runner { pid: 7, in_background: true, fixed: Fixed::default() };
        assert_eq!(place.tenant().unwrap(), Tenant::Crashed(before));
    }
}
