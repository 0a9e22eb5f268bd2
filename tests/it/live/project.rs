//! A stack of a test's own: folder, name, ports, and its end.

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use llmobs::remote::Endpoint;
use tempfile::TempDir;

use super::{engine, gate};

/// Commands that change the engine go one after another: two cores are soon full, and all stacks share an image.
static ENGINE: Mutex<()> = Mutex::new(());

/// What a command did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) wall: Duration,
}

impl Ran {
    pub(super) fn of(output: Output, wall: Duration) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            wall,
        }
    }

    /// It must have ended with 0.
    #[track_caller]
    pub(super) fn done(self) -> Self {
        self.ended_with(0)
    }

    #[track_caller]
    pub(super) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A stack that is removed when this is dropped.
pub(super) struct Project {
    pub(super) name: String,
    pub(super) offset: u16,
    folder: TempDir,
}

impl Project {
    /// `None` where the tests cannot run.
    pub(super) fn new(tag: &str) -> Option<Self> {
        gate::is_open().then(|| Self {
            name: format!("e2e-{tag}-{}", std::process::id()),
            offset: free_offset(),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The binary in the project's folder, with nothing of our own environment.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmobs"));
        command.args(args).arg("--state-dir").arg(self.state_dir()).current_dir(self.path());
        command.env_clear().stdin(Stdio::null());
        for name in ["PATH", "HOME", "DOCKER_HOST"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs a command that takes `--project`.
    pub(super) fn run(&self, args: &[&str]) -> Ran {
        let args = [args, &["--project", &self.name]].concat();
        run(&mut self.command(&args))
    }

    /// Runs a command that changes what the engine has.
    pub(super) fn change(&self, args: &[&str]) -> Ran {
        let _one_at_a_time = engine_lock();
        self.run(args)
    }

    pub(super) fn up(&self, args: &[&str]) -> Ran {
        let offset = self.offset.to_string();
        self.change(&[&["up", "--engine", "docker", "--port-offset", &offset], args].concat())
    }

    pub(super) fn down(&self, args: &[&str]) -> Ran {
        self.change(&[&["down"], args].concat())
    }

    /// The end: nothing of the project may be left.
    #[track_caller]
    pub(super) fn down_to_nothing(&self) {
        self.down(&["--volumes"]).done();
        assert_eq!(self.objects(), Vec::<String>::new());
    }

    /// What carries the project's label.
    pub(super) fn objects(&self) -> Vec<String> {
        engine::objects_of(&self.name)
    }

    pub(super) fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.name)
    }

    /// Id and start of each container, which tell a new or restarted one from the old.
    pub(super) fn containers(&self) -> Vec<(String, String)> {
        let names = ["prometheus", "grafana", "exporter"].map(|service| self.container(service));
        let state = |name: &String| {
            let format = "{{.Id}} {{.State.StartedAt}}";
            let shown = engine::docker(&["inspect", "--format", format, name]);
            let (id, started) = shown.split_once(' ').unwrap();
            (id.to_owned(), started.to_owned())
        };
        names.iter().map(state).collect()
    }

    pub(super) fn prometheus(&self) -> Endpoint {
        self.endpoint(9090)
    }

    pub(super) fn grafana(&self) -> Endpoint {
        self.endpoint(3000)
    }

    pub(super) fn exporter(&self) -> Endpoint {
        self.endpoint(9091)
    }

    fn endpoint(&self, port: u16) -> Endpoint {
        Endpoint::of_published(IpAddr::V4(Ipv4Addr::LOCALHOST), port + self.offset)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if !self.objects().is_empty() {
            let ended = self.down(&["--volumes"]);
            if !thread::panicking() {
                ended.done();
            }
        }
    }
}

pub(super) fn engine_lock() -> impl Drop {
    struct Held(#[expect(dead_code, reason = "held, not read")] std::sync::MutexGuard<'static, ()>);
    impl Drop for Held {
        fn drop(&mut self) {}
    }
    // A test that failed while it held the lock has spoilt nothing.
    Held(ENGINE.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn run(command: &mut Command) -> Ran {
    let begun = Instant::now();
    let output = command.output().unwrap();
    Ran::of(output, begun.elapsed())
}

/// Asks again and again until there is an answer; the last refusal fails the test when time is up.
#[track_caller]
pub(super) fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(refusal) => {
                assert!(begun.elapsed() < limit, "still so after {} s: {refusal}", limit.as_secs());
            }
        }
        thread::park_timeout(Duration::from_millis(200));
    }
}

/// An offset that leaves all three ports free, below the ports that the system gives to clients.
fn free_offset() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 500).unwrap() * 40;
    loop {
        // Every second one: two of the ports are neighbours.
        let offset = 1000 + (start + 2 * NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)).is_ok();
        if free(9090) && free(3000) && free(9091) {
            return offset;
        }
    }
}
