//! `llmobs query --url`: a server answers, refuses, or is not there.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use insta::assert_snapshot;

use crate::project::{Project, Ran};

/// Runs a query against a server that answers so, one request after the other; gives the requests' first lines too.
/// The server's address is redacted.
fn asked(args: &[&str], answers: &[(&str, &str)]) -> (Ran, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let url = format!("http://{address}");
    let ran = std::thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener, answers));
        let ran = Project::new().run_args(&[&["query", "--url", &url], args].concat());
        // A connection without a request ends it, however many there were.
        drop(TcpStream::connect(&address).unwrap());
        (ran, server.join().unwrap())
    });
    let (Ran { code, stdout, stderr }, requests) = ran;
    (Ran { code, stdout, stderr: stderr.replace(&address, "[address]") }, requests)
}

fn serve(listener: &TcpListener, answers: &[(&str, &str)]) -> Vec<String> {
    let mut requests = Vec::new();
    let mut answers = answers.iter();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(&stream).lines().map(Result::unwrap);
        let Some(first) = request.next() else { return requests };
        request.find(String::is_empty);
        requests.push(first);
        let (status, body) = answers.next().expect("there is an answer for each request");
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
    }
}

fn data(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

const OK: &str = "200 OK";
const UP: &str = r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","instance":"a:1","job":"vllm"},"value":[1795687200,"1"]},{"metric":{"__name__":"up","instance":"b:1","job":"vllm"},"value":[1795687200,"0"]}]}"#;

#[test]
fn an_instant_is_a_table() {
    let (ran, requests) = asked(&["up", "--at", "1795687200.5", "--lookback", "90s"], &[(OK, &data(UP))]);
    assert_eq!(
        requests,
        ["GET /api/v1/query?query=up&time=1795687200.500&timeout=2m&lookback_delta=1m30s HTTP/1.1"]
    );
    assert_snapshot!(ran, @"
    exit 0
    ----- stdout
    Name  instance  job   Value
    up    a:1       vllm      1
    up    b:1       vllm      0
    ----- stderr
    at 2026-11-26T10:00:00.500Z
    ");
}

#[test]
fn json_is_what_the_server_sent() {
    let sent = r#"{"status":"success","data":{"result":[],"resultType":"vector"},"infos":["i"],"x":1}"#;
    let (ran, _) = asked(&["up", "--at", "0", "--format", "json"], &[(OK, sent)]);
    assert_eq!(ran, Ran { code: Some(0), stdout: format!("{sent}\n"), stderr: String::new() });
}

#[test]
fn csv_has_a_row_for_each_sample() {
    let (ran, _) = asked(&["up", "--at", "0", "--format", "csv"], &[(OK, &data(UP))]);
    assert_snapshot!(ran.to_string().replace("\r\n", "\n"), @"
    exit 0
    ----- stdout
    time,value,__name__,instance,job
    2026-11-26T10:00:00Z,1,up,a:1,vllm
    2026-11-26T10:00:00Z,0,up,b:1,vllm
    ");
}

#[test]
fn a_range_is_a_table_and_a_chart_where_it_is_wished() {
    let matrix = r#"{"resultType":"matrix","result":[
        {"metric":{"model":"gpt-4o"},"values":[[0,"1"],[15,"2"],[30,"NaN"],[45,"4"],[60,"2.5"]]},
        {"metric":{"model":"own"},"values":[[45,"0.25"],[60,"+Inf"]]},
        {"metric":{},"values":[[0,"NaN"]]}]}"#;
    let args = ["sum by (model) (x)", "--from", "0", "--to", "60", "--step", "15s"];
    let (ran, requests) = asked(&args, &[(OK, &data(matrix))]);
    assert_eq!(
        requests,
        [
            "GET /api/v1/query_range?query=sum%20by%20%28model%29%20%28x%29&start=0.000&end=60.000&step=15&timeout=2m HTTP/1.1"
        ]
    );
    assert_snapshot!(ran, @r#"
    exit 0
    ----- stdout
    Series            Points   Min    Avg   Max  Last
    {model="gpt-4o"}       5     1  2.375     4   2.5
    {model="own"}          2  0.25   +Inf  +Inf  +Inf
    {}                     1     -      -     -   NaN
    ----- stderr
    from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z, every 15s
    "#);
    let (ran, _) = asked(&[&args[..], &["--chart", "--limit", "2"]].concat(), &[(OK, &data(matrix))]);
    assert_snapshot!(ran, @r#"
    exit 0
    ----- stdout
    4 ┤                                                                       ⠈a⠒⠤⣀⡀
      │                                                                            ⠈⠉⠒⠤⢄⣀
      │                                                                                  ⠉⠒⠢⠤⣀
    3 ┤                                                                                       ⠉⠑⠒⠤⣀⡀
      │                                                                                            ⠈⠉⠒⠤
      │
    2 ┤                ⢀⣀⣀⠤⠤⠒⠒⠉⠁
      │        a⣀⠤⠤⠔⠒⠊⠉⠁
    1 ┤⣀⡠⠤⠔⠒⠊⠉⠉
      │
      │
    0 ┤                                                                       b
      └┬───────────────────────┬───────────────────────┬──────────────────────┬───────────────────────┬
      Jan 1                00:00:15                00:00:30               00:00:45             00:01:00

       Series            Points   Min    Avg   Max  Last
    a  {model="gpt-4o"}       5     1  2.375     4   2.5
    b  {model="own"}          2  0.25   +Inf  +Inf  +Inf
    ----- stderr
    and 1 more series; `--limit 0` shows all
    from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z, every 15s
    "#);
}

#[test]
fn scalars_strings_and_samples_are_shown() {
    let scalar = data(r#"{"resultType":"scalar","result":[1795687200.5,"1e+300"]}"#);
    assert_snapshot!(asked(&["1e300", "--at", "0"], &[(OK, &scalar)]).0, @"
    exit 0
    ----- stdout
    1e+300
    ----- stderr
    at 1970-01-01T00:00:00Z
    ");
    let text = data(r#"{"resultType":"string","result":[0,"a\u001b[31m b"]}"#);
    assert_snapshot!(asked(&["'a'", "--at", "0"], &[(OK, &text)]).0, @r"
    exit 0
    ----- stdout
    a\u{1b}[31m b
    ----- stderr
    at 1970-01-01T00:00:00Z
    ");
    let samples = data(
        r#"{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"values":[[0.5,"1"],[15,"10"]]},{"metric":{"__name__":"x","y":"z"},"values":[[1,"-1"]]}]}"#,
    );
    assert_snapshot!(asked(&["x[1m]", "--at", "15"], &[(OK, &samples)]).0, @r#"
    exit 0
    ----- stdout
    x
    Time                      Value
    1970-01-01T00:00:00.500Z      1
    1970-01-01T00:00:15Z         10

    x{y="z"}
    Time                  Value
    1970-01-01T00:00:01Z     -1
    ----- stderr
    at 1970-01-01T00:00:15Z
    "#);
}

#[test]
fn series_of_different_labels_are_one_column() {
    let mixed = data(
        r#"{"resultType":"vector","result":[{"metric":{"__name__":"a"},"value":[0,"1"]},{"metric":{"__name__":"é","b":"\u001b\"c"},"value":[0,"0.30000000000000004"]},{"metric":{},"value":[0,"NaN"]}]}"#,
    );
    assert_snapshot!(asked(&["{x!=''} or b", "--at", "0"], &[(OK, &mixed)]).0, @r#"
    exit 0
    ----- stdout
    Series                                      Value
    a                                               1
    {__name__="é",b="\u{1b}\"c"}  0.30000000000000004
    {}                                            NaN
    ----- stderr
    at 1970-01-01T00:00:00Z
    "#);
}

#[test]
fn an_empty_answer_says_what_may_be_missing() {
    let empty = data(r#"{"resultType":"vector","result":[]}"#);
    let names = data(r#"["llm_requests_total","up"]"#);
    let (ran, requests) = asked(&["rate(llm_request_total[5m])", "--at", "0"], &[(OK, &empty), (OK, &names)]);
    assert_eq!(requests[1], "GET /api/v1/label/__name__/values HTTP/1.1");
    assert_snapshot!(ran, @"
    exit 0
    ----- stderr
    no series
    hint: there is no metric `llm_request_total`; did you mean `llm_requests_total`?
    at 1970-01-01T00:00:00Z
    ");
    let (ran, _) = asked(&["up > 5", "--at", "0"], &[(OK, &empty), ("500 no", "")]);
    assert_snapshot!(ran, @"
    exit 0
    ----- stderr
    no series
    at 1970-01-01T00:00:00Z
    ");
}

#[test]
fn remarks_are_told() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[0,{"count":"1","sum":"2"}]}]},"warnings":["PromQL warning: w (1:1)"],"infos":["PromQL info: i (1:1)"]}"#;
    assert_snapshot!(asked(&["x", "--at", "0"], &[(OK, body)]).0, @"
    exit 0
    ----- stdout
    histogram
    ----- stderr
    at 1970-01-01T00:00:00Z
    warning: w
     --> query:1:1
      |
    1 | x
      | ^

    note: i
     --> query:1:1
      |
    1 | x
      | ^

    warning: 1 native histogram is not shown
     |
     = help: `--format json` has them; `histogram_quantile` and its like make numbers of them
    ");
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let project = Project::new();
    let url = ["query", "--url", "http://127.0.0.1:1"];
    assert_snapshot!(project.run_args(&[&url[..], &["sum(rate(x[5m])) + foo(", "--step", "5", "--from", "y"]].concat()), @r#"
    exit 2
    ----- stderr
    error: unclosed left parenthesis
     --> query:1:24
      |
    1 | sum(rate(x[5m])) + foo(
      |                        ^

    error: unknown function with name "foo"
     --> query:1:20
      |
    1 | sum(rate(x[5m])) + foo(
      |                    ^^^

    error: `y` is no time
     --> --from:1:1
      |
    1 | y
      | ^
      |
      = help: write `2026-11-26T10:00:00Z`, seconds since 1970, `now`, `now-1h`, or `-1h` for an hour before the end

    error: `5` has no unit
     --> --step:1:1
      |
    1 | 5
      | ^
      |
      = help: write a duration as `30s`, `5m` or `1h30m`

    4 errors in query, --from, --step
    "#);
}

#[test]
fn an_unchecked_expression_is_sent_as_it_is() {
    let refused = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unexpected end of input"}"#;
    let (ran, requests) = asked(&["sum(", "--no-check", "--at", "0"], &[("400 Bad Request", refused)]);
    assert_eq!(requests, ["GET /api/v1/query?query=sum%28&time=0.000&timeout=2m HTTP/1.1"]);
    assert_snapshot!(ran, @r#"
    exit 2
    ----- stderr
    error: `http://[address]` refused: invalid parameter "query": 1:5: parse error: unexpected end of input
    "#);
}

#[test]
fn refusals_and_failures_have_hints() {
    let told =
        |kind: &str, error: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"{error}"}}"#);
    let refused = |kind: &str| told(kind, "it is so");
    let at = ["x", "--at", "0"];
    assert_snapshot!(asked(&at, &[("422 no", &told("execution", "too many samples"))]).0, @"
    exit 2
    ----- stderr
    error: `http://[address]` refused: too many samples
    hint: narrow the selectors, shorten the range, or choose a longer `--step`
    ");
    assert_snapshot!(asked(&at, &[("503 no", &refused("timeout"))]).0, @"
    exit 2
    ----- stderr
    error: `http://[address]` refused: it is so
    hint: give it more time with `--timeout`, or ask for less
    ");
    assert_snapshot!(asked(&at, &[("404 no", "404 page not found")]).0, @"
    exit 2
    ----- stderr
    error: `http://[address]/api/v1/query` answered 404: 404 page not found
    hint: is it a Prometheus? Its address may need a path, as in `http://host:9090/prometheus`
    ");
    assert_snapshot!(asked(&at, &[("401 no", "")]).0, @"
    exit 2
    ----- stderr
    error: `http://[address]/api/v1/query` answered 401
    hint: give a name and a password: `http://user:password@host`
    ");
    assert_snapshot!(asked(&at, &[(OK, "<html>")]).0, @"
    exit 2
    ----- stderr
    error: `http://[address]/api/v1/query` answered what cannot be read: expected value at line 1 column 1
    hint: is it a Prometheus? Its address may need a path, as in `http://host:9090/prometheus`
    ");
    assert_snapshot!(Project::new().run("query x --url http://127.0.0.1:1"), @"
    exit 2
    ----- stderr
    error: cannot connect to `127.0.0.1:1`: Connection refused (os error 111)
    hint: is a Prometheus running there, and reached from here?
    ");
    assert_snapshot!(Project::new().run("query x --url localhost:9090"), @"
    exit 2
    ----- stderr
    error: `localhost:9090` has no `http://` in front
     --> --url:1:1
      |
    1 | localhost:9090
      | ^^^^^^^^^^^^^^
      |
      = help: write `http://host:9090`

    1 error in --url
    ");
    assert_snapshot!(Project::new().run("query x --url https://me:secret@localhost"), @"
    exit 2
    ----- stderr
    error: `https://…@localhost` wants TLS, which this version does not speak
     |
     = help: use an address that is reached without TLS, such as a port that is forwarded

    1 error
    ");
}

#[test]
fn without_a_stack_it_says_where_else_to_look() {
    let project = Project::new();
    let socket = format!("unix://{}", project.join("docker.sock").display());
    assert_snapshot!(project.env("DOCKER_HOST", &socket).run("query up"), @"
    exit 2
    ----- stderr
    error: cannot reach Docker: there is no socket at `[project]/docker.sock`
    hint: name what to ask with `--url http://host:9090` or `--file PAGE`, or start the stack with `llmobs up`
    ");
}

#[test]
fn ctrl_c_interrupts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut child = Project::new().command(&["query", "x", "--url", &url]).spawn().unwrap();
    // It has sent its question, so it watches for the signal.
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
