//! The stack without Docker: started, looked at, changed, killed, ended.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::project::{Project, Ran};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A project without Docker, on ports of its own; what still runs at the end is ended.
struct Embedded {
    project: Project,
    offset: u16,
}

impl Embedded {
    fn new(config: &str) -> Self {
        let project = Project::with(config);
        let socket = format!("unix://{}", project.join("docker.sock").display());
        Self { project: project.env("DOCKER_HOST", &socket), offset: free_offset() }
    }

    fn up(&self, words: &str) -> Ran {
        self.project.run(&format!("up --port-offset {} {words}", self.offset))
    }

    fn json(&self, words: &str) -> Value {
        let ran = self.project.run(words);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
    }

    fn pid(&self) -> u64 {
        let status = self.json("status --format json");
        status["services"][0]["pid"].as_u64().unwrap_or_else(|| panic!("{status}"))
    }

    /// The status of an answer and its body.
    fn get(&self, port: u16, path: &str) -> (u16, String) {
        request(port + self.offset, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
    }

    /// What an expression gives now, as text.
    fn query(&self, expr: &str) -> String {
        self.project.run_args(&["query", expr]).stdout
    }

    /// The URLs that `up` prints.
    fn urls(&self) -> String {
        let url = |name: &str, port: u16| format!("{name:<12}http://127.0.0.1:{}\n", port + self.offset);
        url("exporter", 9091) + &url("prometheus", 9090) + &url("viewer", 3000)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.project.run("down --volumes"));
    }
}

fn request(port: u16, text: &str) -> (u16, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits until something is so; what was seen last, if it never is.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test's patience is measured by the clock")]
fn eventually<T: std::fmt::Debug>(mut look: impl FnMut() -> T, is_it: impl Fn(&T) -> bool) -> T {
    let begun = Instant::now();
    loop {
        let seen = look();
        if is_it(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "in vain: {seen:?}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// An offset that leaves all ports free.
fn free_offset() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 9_000).unwrap();
    loop {
        let offset = 24_000 + (start + 3 * NEXT.fetch_add(1, Ordering::Relaxed)) % 9_000;
        let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)).is_ok();
        if [9090, 3000, 9091].into_iter().all(free) {
            return offset;
        }
    }
}

#[test]
fn a_stack_without_docker_says_so_and_works_alike() {
    let stack = Embedded::new("");
    let ran = stack.up("--detach").done();
    assert_eq!(ran.stdout, stack.urls());
    let first = ran.stderr.lines().next().unwrap();
    assert_eq!(first, "cannot reach Docker: there is no socket at `[project]/docker.sock`; running embedded");
    assert!(ran.stderr.ends_with("Next:  llmobs status\n       llmobs down --volumes\n"), "{ran}");
    assert!(ran.stderr.contains("\nfirst scrape: 1 of 1 targets up, "), "{ran}");
    assert_eq!(stack.query("sum(up)"), "1\n");
    let status = stack.json("status --format json");
    assert_eq!(status["engine"], "embedded");
    assert_eq!(status["targets"], serde_json::json!({"up": 1, "total": 1, "down": []}));
    assert!(status["services"].as_array().unwrap().iter().all(|service| service["health"] == "healthy"));
    assert_eq!(stack.project.run("status").code, Some(0));

    // Rules have been evaluated, and the dashboard is drawn from what they gave.
    eventually(|| stack.query("count(llmobs:model:info)"), |text| text == "3\n");
    let (code, page) = stack.get(3000, "/");
    assert_eq!(code, 200);
    assert!(page.contains("<svg"), "{page}");
    assert_eq!(stack.get(3000, "/targets").0, 200);
    assert_eq!(stack.get(9090, "/-/ready").0, 200);
    assert_eq!(stack.get(9091, "/healthz").0, 200);
    let logs = stack.project.run("logs prometheus").done();
    assert!(logs.stdout.contains("prometheus | ") && logs.stdout.contains("store opened"), "{logs}");
    let unknown = stack.project.run("logs prometeus");
    assert_eq!((unknown.code, unknown.stderr.contains("did you mean `prometheus`?")), (Some(2), true));

    assert_eq!(stack.project.run("down").code, Some(0));
    let ran = stack.project.run("status");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.starts_with("nothing of the stack `llmobs` runs"), "{ran}");
    // What was stored is there again.
    stack.up("--detach").done();
    let long_ago = stack.project.run_args(&["query", "count_over_time(up[1h])"]);
    assert!(long_ago.stdout.trim() != "", "{long_ago}");
    stack.project.run("down --volumes").done();
    assert!(!stack.project.has(".state/llmobs/llmobs"));
    let again = stack.project.run("down --volumes");
    assert_eq!(again.code, Some(2), "Docker is asked again: {again}");
}

#[test]
fn a_second_up_changes_what_runs() {
    let stack = Embedded::new("models: [gpt-4o]");
    stack.up("--detach").done();
    let pid = stack.pid();
    let same = stack.up("--detach").done();
    assert_eq!((stack.pid(), same.stdout), (pid, stack.urls()));
    assert!(
        same.stderr.contains(&format!("the stack `llmobs` is up to date, in process {pid}")),
        "{}",
        same.stderr
    );

    // Another ceiling is read by the process that runs.
    stack.up("--cost-ceiling 7").done();
    assert_eq!(stack.pid(), pid);
    let rules = stack.get(9090, "/api/v1/rules").1;
    assert!(rules.contains("\\u003e 7\""), "{rules}");

    // Another model needs another mock.
    stack.project.write("llmobs.yaml", "models: [gpt-4o, gpt-4o-mini]");
    let ran = stack.up("").done();
    assert!(ran.stderr.contains("what the mock service speaks of changed, which needs a new start"), "{ran}");
    assert_ne!(stack.pid(), pid);
    eventually(|| stack.query("count(llm_model_info)"), |text| text == "2\n");
}

#[test]
fn what_is_fixed_at_the_start_needs_another_process() {
    let stack = Embedded::new("");
    stack.up("--detach").done();
    let delete = |stack: &Embedded| {
        let path = "/api/v1/admin/tsdb/delete_series?match[]=nothing";
        let text = format!("POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        request(9090 + stack.offset, &text).0
    };
    for (words, expect) in [("--enable-admin-api", 204), ("", 500)] {
        assert_ne!(delete(&stack), expect);
        let pid = stack.pid();
        let ran = stack.up(words).done();
        assert!(ran.stderr.contains("`--enable-admin-api` changed, which needs a new start"), "{ran}");
        assert_ne!(stack.pid(), pid);
        assert_eq!(delete(&stack), expect);
    }

    // What cannot start does not end what runs, and leaves no trace.
    let pid = stack.pid();
    let bind = |port: u16| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port + stack.offset)).ok()?));
    let (port, taken) = (8000..9000).find_map(bind).unwrap();
    let ran = stack.up(&format!("--set stack.ports.prometheus={port}"));
    assert_eq!(ran.code, Some(2), "{ran}");
    let expect = format!("for prometheus: the port is taken; the process {pid} goes on as it was\n");
    assert!(ran.stderr.contains(&expect), "{ran}");
    assert_eq!(stack.pid(), pid);
    drop(taken);
    let offset = stack.project.read(".state/llmobs/llmobs/port-offset");
    stack.project.run("up --dry-run --port-offset 7").done();
    assert_eq!(stack.project.read(".state/llmobs/llmobs/port-offset"), offset);
}

#[test]
fn targets_that_are_down_are_warned_of() {
    let stack = Embedded::new("targets: [{job: gone, source: llmobs, endpoints: ['127.0.0.1:1']}]");
    let ran = stack.up("--detach").done();
    assert!(ran.stderr.contains("\nfirst scrape: 0 of 1 targets up, "), "{ran}");
    assert!(ran.stderr.contains("\nwarning: 127.0.0.1:1 (gone) is down: "), "{ran}");
}

#[test]
fn a_killed_stack_goes_on() {
    let stack = Embedded::new("");
    stack.up("--detach").done();
    eventually(|| stack.query("sum(up)"), |text| text == "1\n");
    let first = stack.query("count(count_over_time(llm_requests_total[1h]))");
    let pid = stack.pid();
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    let said = eventually(|| stack.project.run("status").stderr, |said| said.contains("ended"));
    assert!(
        said.starts_with(&format!("the process {pid} of the stack `llmobs` ended unexpectedly\n")),
        "{said}"
    );
    assert_eq!(stack.json("status --format json")["ended_unexpectedly"], pid);
    let logs = stack.project.run("logs").done();
    assert!(logs.stdout.contains("store opened"), "{logs}");
    stack.up("--detach").done();
    assert_ne!(stack.pid(), pid);
    let after = stack.query("count(count_over_time(llm_requests_total[1h]))");
    assert_eq!((first.is_empty(), &after), (false, &first));

    let pid = stack.pid();
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    let folder = stack.project.join(".state/llmobs/llmobs/embedded");
    eventually(|| stack.project.run("status").stderr, |said| said.contains("ended"));
    let ran = stack.project.run("down").done();
    assert!(ran.stderr.contains("data is kept in `[project]/.state/llmobs/llmobs/embedded`"), "{ran}");
    assert!(stack.project.run("status").stderr.starts_with("nothing of the stack `llmobs` runs"));
    let ran = stack.project.run("down --volumes").done();
    assert!(ran.stderr.contains("remove the data of the embedded stack in"), "{ran}");
    assert!(!folder.exists());
}

/// The process in the foreground, once it runs.
fn foreground(stack: &Embedded) -> Child {
    let offset = stack.offset.to_string();
    let mut command = stack.project.command(&["up", "--engine", "embedded", "--port-offset", &offset]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually(|| stack.project.run("status").code, |code| *code == Some(0));
    child
}

#[test]
fn in_the_foreground_signals_end_it() {
    let stack = Embedded::new("");
    for (signal, code) in [("-INT", 130), ("-TERM", 0)] {
        let child = foreground(&stack);
        // There is but one.
        let second = stack.project.run("up --engine embedded --port-offset 1");
        assert_eq!(second.code, Some(2), "{second}");
        let sent =
            std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), stack.urls());
    }
}

#[test]
fn ports_that_are_taken_are_found_before_anything_is_done() {
    let stack = Embedded::new("");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 3000 + stack.offset)).unwrap();
    for words in ["--detach", ""] {
        let ran = stack.up(words);
        assert_eq!(ran.code, Some(2), "{ran}");
        let place = format!("127.0.0.1:{}", 3000 + stack.offset);
        let expect = format!("error: cannot listen on {place} for viewer: the port is taken\n");
        assert!(ran.stderr.contains(&expect), "{ran}");
        assert!(ran.stderr.contains("hint: move all ports with `--port-offset 100`"), "{ran}");
    }
    drop(taken);
    assert!(!stack.project.has(".state/llmobs/llmobs/embedded/files"));
    assert!(!stack.project.has(".state/llmobs/llmobs/port-offset"), "a failed start remembers nothing");
}
