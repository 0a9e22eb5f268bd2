//! `llmobs up --engine embedded` as a child of ours.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::judge::Connection;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between looks at a process that starts or ends.
const LOOK: Duration = Duration::from_millis(1);
/// The ports of Prometheus, of Grafana and of the mock service, which the offset moves.
const PORTS: [u16; 3] = [9090, 3000, 9091];
const PROJECT: &str = "trial";
/// Names an `llmobs` to try instead of building one.
const PROGRAM: &str = "LLMOBS_PROGRAM";

/// What is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// The text of `llmobs.yaml`.
    pub(crate) config: String,
    /// More files beside it: path and text.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Where the state is kept, if not in the stack's own folder.
    pub(crate) state: Option<PathBuf>,
    /// More variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// A stack in a folder of its own. What runs is killed, and the folder removed, when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    binary: PathBuf,
    folder: PathBuf,
    state: PathBuf,
    offset: u16,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    /// From the start of the process until it was ready, the last time.
    pub(crate) started_in: Duration,
}

impl Stack {
    /// A folder with the configuration, and free ports; nothing runs yet.
    pub(crate) fn prepare(binary: &Path, setup: &Setup) -> anyhow::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("llmobs-embedded-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        for (path, text) in
            setup.files.iter().map(|(path, text)| (*path, text)).chain([("llmobs.yaml", &setup.config)])
        {
            fs::write(folder.join(path), text).with_context(|| format!("cannot write `{path}`"))?;
        }
        let state = setup.state.clone().unwrap_or_else(|| folder.join("state"));
        let (binary, offset, environment) =
            (binary.to_owned(), free_offset(number)?, setup.environment.clone());
        Ok(Self { binary, folder, state, offset, environment, child: None, started_in: Duration::ZERO })
    }

    /// A stack that is ready.
    pub(crate) fn start(binary: &Path, setup: &Setup) -> anyhow::Result<Self> {
        let mut stack = Self::prepare(binary, setup)?;
        stack.up()?;
        Ok(stack)
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn up(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.spawn()?;
        self.wait_ready(begun)
    }

    /// Starts it, and does not wait.
    pub(crate) fn spawn(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "it runs already");
        let offset = self.offset.to_string();
        let log =
            fs::File::options().create(true).append(true).open(self.log()).context("cannot open the log")?;
        let child = self
            .command(&["up", "--engine", "embedded", "--port-offset", &offset])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    fn wait_ready(&mut self, begun: Instant) -> anyhow::Result<()> {
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("`llmobs up` ended ({}):\n{}", status?, self.said());
            }
            let ready = Connection::open(self.address()).and_then(|mut server| server.get("/-/ready"));
            if matches!(ready, Ok((200, _))) {
                self.started_in = begun.elapsed();
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        bail!("it is not ready after {PATIENCE:?}:\n{}", self.said())
    }

    /// Ends the process with SIGKILL.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("nothing runs")?;
        child.kill().context("cannot kill it")?;
        child.wait()?;
        Ok(())
    }

    /// Of a process that has ended by itself.
    pub(crate) fn forget(&mut self) {
        self.child = None;
    }

    /// Ends the process as `kill` does unless it is told otherwise, and says how it ended.
    pub(crate) fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let mut child = self.child.take().context("nothing runs")?;
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        ensure!(sent.context("cannot run `kill`")?.success(), "cannot end it");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
        child.kill()?;
        child.wait()?;
        bail!("it does not end when it is told to")
    }

    pub(crate) fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address())
    }

    /// Of Prometheus' API.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, PORTS[0] + self.offset).into()
    }

    /// Of the viewer.
    pub(crate) fn viewer(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, PORTS[1] + self.offset).into()
    }

    /// Of the process.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.as_ref().map(Child::id).context("nothing runs")
    }

    fn embedded(&self) -> PathBuf {
        self.state.join(PROJECT).join("embedded")
    }

    /// What it runs on: the rendered `prometheus.yml`.
    pub(crate) fn prometheus_yml(&self) -> PathBuf {
        self.embedded().join("files/prometheus/prometheus.yml")
    }

    /// Where its store is.
    pub(crate) fn data(&self) -> PathBuf {
        self.embedded().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What the processes have said, all of them.
    pub(crate) fn said(&self) -> String {
        let own = fs::read_to_string(self.log()).unwrap_or_default();
        own + &fs::read_to_string(self.embedded().join("log")).unwrap_or_default()
    }

    /// Any other verb of the program, on this stack.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).args(["--project", PROJECT, "--state-dir"]).arg(&self.state);
        command.current_dir(&self.folder).env("NO_COLOR", "1").envs(self.environment.iter().cloned());
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("LLMOBS_") {
                command.env_remove(name);
            }
        }
        command
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // It may have ended by itself, and what is left of a temporary folder does no harm.
        let _ = self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An offset at which all ports are free now.
fn free_offset(number: usize) -> anyhow::Result<u16> {
    let first = u16::try_from((std::process::id() as usize + number * 37) % 20_000).unwrap_or(0);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let free = |offset: &u16| PORTS.iter().all(|port| port.checked_add(*offset).is_some_and(is_free));
    (100 + first..45_000).find(free).context("no offset with free ports")
}

/// What is on trial, for a page.
pub(crate) fn build_words() -> &'static str {
    match env::var_os(PROGRAM) {
        Some(_) => "a build that `LLMOBS_PROGRAM` named",
        None if cfg!(debug_assertions) => "debug build",
        None => "release build",
    }
}

/// Builds the program in the profile of this one, and says where it is; or takes one that is built already.
pub(crate) fn build(repository: &Path) -> anyhow::Result<PathBuf> {
    if let Some(built) = env::var_os(PROGRAM) {
        return Ok(built.into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "llmobs"]).current_dir(repository);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    ensure!(command.status().context("cannot run cargo")?.success(), "the build failed");
    // This program lies where cargo puts the other one.
    Ok(env::current_exe()?.with_file_name("llmobs"))
}
