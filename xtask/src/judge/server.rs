//! The process, and the questions that are put to it.

use std::{
    collections::BTreeSet,
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use super::{
    answer::{self, Outcome},
    http::{Http, form},
    recorded::{Recorded, in_order},
    wire::write_request,
};

pub(super) const IMAGE: &str = "prom/prometheus:v3.16.0";
/// Names a Prometheus to use instead of the image's.
const PROGRAM: &str = "PROMETHEUS";
const FEATURES: &str = "promql-experimental-functions,promql-binop-fill-modifiers";
/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Samples of a request: some 3 MB.
const BATCH: usize = 20_000;

/// A Prometheus of our own on a free port, with an empty folder of data; ended and removed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    /// What it says of itself.
    pub(crate) version: String,
    /// From its start until it was ready.
    pub(crate) started_in: Duration,
}

/// What a server is started with, besides what all are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setup<'a> {
    /// `prometheus.yml`.
    pub(crate) config: &'a str,
    /// Names and texts of files beside it.
    pub(crate) files: &'a [(&'a str, &'a str)],
    pub(crate) flags: &'a [&'a str],
}

/// An expression and when it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) expr: String,
    pub(crate) when: When,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    At(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// A connection to a [`Server`].
#[derive(Debug)]
pub(crate) struct Connection(Http);

impl Server {
    /// Starts one. It is found by the variable `PROMETHEUS`, or taken out of the Docker image.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::start_with(&Setup::default())
    }

    /// One that takes samples in any order.
    pub(crate) fn start_for_any_order() -> anyhow::Result<Self> {
        let config = "storage: {tsdb: {out_of_order_time_window: 30d}}\n";
        Self::start_with(&Setup { config, ..Setup::default() })
    }

    /// One with a configuration, files beside it and flags.
    pub(crate) fn start_with(setup: &Setup<'_>) -> anyhow::Result<Self> {
        let folder = own_folder()?;
        fs::write(folder.join("prometheus.yml"), setup.config).context("cannot write the configuration")?;
        for (name, text) in setup.files {
            fs::write(folder.join(name), text).with_context(|| format!("cannot write `{name}`"))?;
        }
        // The data are of some fixed day, which has long gone.
        let flags = [&["--storage.tsdb.retention.time=100y"], setup.flags].concat();
        Self::launch(folder, "prometheus.yml".as_ref(), &flags)
    }

    /// One that runs a configuration that others wrote, with more flags; its data are its own.
    pub(crate) fn start_from(config: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        Self::launch(own_folder()?, config, flags)
    }

    fn launch(folder: PathBuf, config: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let program = program("prometheus", PROGRAM, &folder)?;
        let address = free_address()?;
        let begun = Instant::now();
        let child = spawn(&program, &folder, config, address, flags)?;
        let mut server =
            Self { child, program, folder, address, version: String::new(), started_in: Duration::ZERO };
        server.wait()?;
        server.started_in = begun.elapsed();
        let info = server.get("/api/v1/status/buildinfo")?;
        info["data"]["version"].as_str().unwrap_or_default().clone_into(&mut server.version);
        ensure!(server.version.starts_with("3.16."), "this is Prometheus {}, not 3.16", server.version);
        Ok(server)
    }

    /// Ends it in order and starts it over the same data, with another configuration.
    pub(crate) fn restart(&mut self, config: &Path) -> anyhow::Result<()> {
        let ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        ensure!(ended.context("cannot run `kill`")?.success(), "cannot end Prometheus");
        self.child.wait()?;
        let begun = Instant::now();
        self.child = spawn(&self.program, &self.folder, config, self.address, &[])?;
        self.wait()?;
        self.started_in = begun.elapsed();
        Ok(())
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("Prometheus ended ({status}):\n{log}");
            }
            let ready = Http::open(self.address).and_then(|mut http| http.send("GET", "/-/ready", "", b""));
            if matches!(ready, Ok((200, _))) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("Prometheus is not ready after {PATIENCE:?}")
    }

    pub(crate) fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its log and its blocks are.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn get(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let (_, body) = Http::open(self.address)?.send("GET", path, "", b"")?;
        serde_json::from_slice(&body).with_context(|| format!("`{path}` gave no JSON"))
    }

    /// The functions that it has, and its operators and aggregations.
    pub(crate) fn features(&self) -> anyhow::Result<(BTreeSet<String>, BTreeSet<String>)> {
        let features = self.get("/api/v1/features")?;
        let names = |what: &str| {
            let names = features["data"][what].as_object().with_context(|| format!("no `{what}`"))?;
            anyhow::Ok(names.keys().cloned().collect())
        };
        Ok((names("promql_functions")?, names("promql_operators")?))
    }

    /// Sends all samples, in the order of [`in_order`].
    pub(crate) fn load(&self, series: &[Recorded]) -> anyhow::Result<()> {
        self.connect()?.load(series)
    }
}

/// Sends all samples to whoever takes remote write there, in the order of [`in_order`].
pub(crate) fn load(address: SocketAddr, series: &[Recorded]) -> anyhow::Result<()> {
    Connection::open(address)?.load(series)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and what is left of a temporary folder does no harm.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Connection {
    /// To a server that speaks Prometheus' API.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Http::open(address).map(Self)
    }

    /// Sends all samples by remote write, in the order of [`in_order`].
    pub(crate) fn load(&mut self, series: &[Recorded]) -> anyhow::Result<()> {
        for batch in in_order(series).chunks(BATCH) {
            let (status, answer) = self.write(&write_request(batch, |index| &series[index].labels))?;
            ensure!(matches!(status, 200 | 204), "remote write: {status} {answer}");
        }
        Ok(())
    }

    /// Sends a request of remote write; status and words of the answer.
    pub(crate) fn write(&mut self, body: &[u8]) -> anyhow::Result<(u16, String)> {
        let headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
            X-Prometheus-Remote-Write-Version: 0.1.0\r\n";
        let (status, answer) = self.0.send("POST", "/api/v1/write", headers, body)?;
        Ok((status, String::from_utf8_lossy(&answer).trim().to_owned()))
    }

    /// Status and body of the answer.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.0.send("GET", path, "", b"")
    }

    /// What a path answers, as JSON.
    pub(crate) fn json(&mut self, path: &str) -> anyhow::Result<serde_json::Value> {
        let (status, body) = self.get(path)?;
        ensure!(status == 200, "`{path}`: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).with_context(|| format!("`{path}` gave no JSON"))
    }

    pub(crate) fn ask(&mut self, query: &Query) -> anyhow::Result<Outcome> {
        answer::parse(&self.ask_raw(query)?).with_context(|| format!("{query:?}"))
    }

    /// The body of the answer.
    pub(crate) fn ask_raw(&mut self, query: &Query) -> anyhow::Result<Vec<u8>> {
        let expr = query.expr.as_str();
        let (path, body) = match query.when {
            When::At(time) => ("/api/v1/query", form(&[("query", expr), ("time", &seconds(time))])),
            When::Range { start, end, step } => (
                "/api/v1/query_range",
                form(&[
                    ("query", expr),
                    ("start", &seconds(start)),
                    ("end", &seconds(end)),
                    ("step", &seconds(step)),
                ]),
            ),
        };
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        let (_, body) = self.0.send("POST", path, headers, body.as_bytes())?;
        Ok(body)
    }
}

/// Milliseconds in seconds, exactly.
fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

fn spawn(
    program: &Path,
    folder: &Path,
    config: &Path,
    address: SocketAddr,
    flags: &[&str],
) -> anyhow::Result<Child> {
    let log = fs::File::create(folder.join("log")).context("cannot create the log")?;
    Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .args(["--storage.tsdb.path=data", "--web.enable-remote-write-receiver"])
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--enable-feature={FEATURES}"))
        .args(flags)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))
}

/// A new folder for one server.
fn own_folder() -> anyhow::Result<PathBuf> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("llmobs-judge-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).context("cannot create a folder")?;
    Ok(folder)
}

pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// A program of the image, copied into a folder; or the one that an environment variable names.
pub(crate) fn program(name: &str, variable: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    if let Some(program) = env::var_os(variable) {
        return Ok(program.into());
    }
    let created = docker(&["create", IMAGE]);
    let container = created.with_context(|| format!("without `{IMAGE}`, set {variable} to a {name}"))?;
    let program = folder.join(name);
    let copied = docker(&["cp", &format!("{container}:/bin/{name}"), &program.display().to_string()]);
    docker(&["rm", &container])?;
    copied?;
    Ok(program)
}

fn docker(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("docker").args(args).output().context("cannot run `docker`")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`docker {}` failed: {}", args.join(" "), words.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_exactly() {
        assert_eq!(seconds(1_750_000_000_007), "1750000000.007");
        assert_eq!(seconds(-1500), "-1.500");
    }
}
