//! `llmobs exporter`: a process that is scraped and stopped.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use insta::assert_snapshot;

use crate::project::Project;

/// An exporter that runs. It is killed with the test that started it.
struct Exporter {
    process: Child,
    stderr: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Exporter {
    fn start(project: &Project, args: &str) -> Self {
        let words: Vec<&str> =
            ["exporter", "--port", "0"].into_iter().chain(args.split_whitespace()).collect();
        let mut process = project
            .command(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("it says where it listens");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
        Self { process, stderr, address }
    }

    /// Status line, content type and body of an answer.
    fn get(&self, path: &str, accept: &str) -> (String, String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default().to_owned();
        let kind =
            lines.find_map(|line| line.to_lowercase().strip_prefix("content-type: ").map(str::to_owned));
        (status, kind.unwrap_or_default(), body.to_owned())
    }

    /// Sends a signal; returns the exit code and what was said since the start.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("there is a `kill`");
        assert!(sent.success());
        let code = self.process.wait().expect("it ends").code();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("it speaks text");
        (code, said)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It has ended already, or the test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Families by name with their type, from either format.
fn families(body: &str) -> Vec<&str> {
    body.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect()
}

#[test]
fn it_serves_both_formats_and_its_health() {
    let exporter = Exporter::start(&Project::new(), "--models gpt-4o");
    let (status, kind, text) = exporter.get("/metrics", "text/plain");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_snapshot!(kind, @"text/plain; version=0.0.4; charset=utf-8");
    assert_snapshot!(families(&text).join("\n"), @r"
    llm_requests_total counter
    llm_tokens_total counter
    llm_cost_usd_total counter
    llm_request_duration_seconds histogram
    llm_time_to_first_token_seconds histogram
    llm_time_per_output_token_seconds histogram
    llm_active_requests gauge
    llm_model_info gauge
    process_start_time_seconds gauge
    ");
    assert!(text.contains("model=\"gpt-4o\"") && !text.contains("claude"), "{text}");

    let (_, kind, open) = exporter.get("/metrics", "application/openmetrics-text; version=1.0.0");
    assert_snapshot!(kind, @"application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert_snapshot!(families(&open).join("\n"), @r"
    llm_requests counter
    llm_tokens counter
    llm_cost_usd counter
    llm_request_duration_seconds histogram
    llm_time_to_first_token_seconds histogram
    llm_time_per_output_token_seconds histogram
    llm_active_requests gauge
    llm_model info
    process_start_time_seconds gauge
    ");

    assert_snapshot!(format!("{:?}", exporter.get("/healthz", "*/*")), @r#"
    ("HTTP/1.1 200 OK", "text/plain; charset=utf-8", "ok\n")
    "#);
    assert_eq!(exporter.get("/none", "*/*").0, "HTTP/1.1 404 Not Found");
}

#[test]
fn runbooks_of_a_folder_are_served() {
    let project = Project::new();
    project.run("render --out out").done();
    let exporter = Exporter::start(&project, "--runbooks out/exporter/runbooks");
    let (status, kind, page) = exporter.get("/runbooks/LLMHighLatency", "text/html");
    assert_eq!((status.as_str(), kind.as_str()), ("HTTP/1.1 200 OK", "text/html; charset=utf-8"));
    assert!(page.contains("LLMHighLatency"), "{page}");
}

#[test]
fn sigterm_is_an_orderly_end_and_ctrl_c_an_interruption() {
    let project = Project::new();
    assert_eq!(Exporter::start(&project, "").stop("-TERM"), (Some(0), String::new()));
    assert_eq!(Exporter::start(&project, "").stop("-INT"), (Some(130), String::new()));
}

#[test]
fn it_ends_while_a_connection_is_open() {
    let exporter = Exporter::start(&Project::new(), "");
    let open = TcpStream::connect(&exporter.address).unwrap();
    assert_eq!(exporter.stop("-TERM"), (Some(0), String::new()));
    drop(open);
}

#[test]
fn what_it_cannot_do_it_says() {
    let project = Project::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = project.run(&format!("exporter --port {port}")).to_string();
    assert_snapshot!(ran.replace(&port, "[port]"), @r"
    exit 2
    ----- stderr
    error: cannot listen on 127.0.0.1:[port]: the port is taken
    hint: choose another port with `--port`, or `--port 0` for a free one
    ");
    assert_snapshot!(project.run("exporter --port 0 --bind 192.0.2.1"), @r"
    exit 2
    ----- stderr
    error: cannot listen on 192.0.2.1:0: this machine does not have the address
    hint: choose another address with `--bind`
    ");
    assert_snapshot!(project.run("exporter --port 0 --rate 0"), @r"
    exit 2
    ----- stderr
    error: a rate of 0 requests per second is not between 0.001 and 10000
    ");
    assert_snapshot!(project.run("exporter --port 0 --rate=-1"), @r"
    exit 2
    ----- stderr
    error: a rate of -1 requests per second is not between 0.001 and 10000
    ");
    assert_snapshot!(project.run("exporter --port 0 --rate NaN"), @r"
    exit 2
    ----- stderr
    error: a rate of NaN requests per second is not between 0.001 and 10000
    ");
    assert_snapshot!(project.run("exporter --port 0 --models"), @r"
    exit 2
    ----- stderr
    error: a value is required for '--models <NAME,…>' but none was supplied

    For more information, try '--help'.
    ");
    assert_snapshot!(project.run("exporter --port 0 --models gpt-5o-nope"), @r"
    exit 2
    ----- stderr
    error: no price is known of the model `gpt-5o-nope`
     --> --models:1:1
      |
    1 | gpt-5o-nope
      | ^^^^^^^^^^^
      |
      = help: did you mean `gpt-5-nano`? Otherwise give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free

    1 error in --models
    ");
    assert_snapshot!(project.run("exporter --port 0 --runbooks none"), @r"
    exit 2
    ----- stderr
    error: cannot read `none`: it does not exist
    ");
}
