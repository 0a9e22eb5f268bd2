//! `llmobs query --file`: pages of metrics are evaluated here.

use std::{io::Write as _, process::Stdio};

use insta::assert_snapshot;

use crate::project::Project;

/// An hour of two models, a sample a minute; one of them fails more and more, the other is not there all the time.
fn hour() -> String {
    let mut page = "# TYPE llm_requests counter\n# TYPE llm_active_requests gauge\n".to_owned();
    for minute in 0..=60_u32 {
        let at = 1_795_683_600 + minute * 60;
        let line = |text: String| text + "\n";
        for (status, count) in [("success", minute * 60), ("error", minute * minute)] {
            page += &line(format!(r#"llm_requests_total{{model="gpt-4o",status="{status}"}} {count} {at}"#));
        }
        page += &line(format!(r#"llm_active_requests{{model="gpt-4o"}} {}.5 {at}"#, minute % 20));
        if !(20..40).contains(&minute) {
            page += &line(format!(r#"llm_active_requests{{model="own"}} 3 {at}"#));
        }
    }
    page + "# EOF\n"
}

fn project() -> Project {
    Project::new().file("hour.om", &hour())
}

const RATIO: &str =
    r#"sum(rate(llm_requests_total{status!="success"}[5m])) / sum(rate(llm_requests_total[5m]))"#;

#[test]
fn the_last_sample_is_the_end() {
    let project = project();
    assert_snapshot!(project.run("query llm_active_requests --file hour.om"), @"
    exit 0
    ----- stdout
    Name                 model   Value
    llm_active_requests  gpt-4o    0.5
    llm_active_requests  own         3
    ----- stderr
    at 2026-11-26T10:00:00Z
    ");
    assert_snapshot!(project.run_args(&["query", RATIO, "--file", "hour.om"]), @"
    exit 0
    ----- stdout
    0.6590909090909091
    ----- stderr
    at 2026-11-26T10:00:00Z
    ");
    assert_snapshot!(project.run_args(&["query", RATIO, "--file", "hour.om", "--at", "-30m"]), @"
    exit 0
    ----- stdout
    0.4827586206896552
    ----- stderr
    at 2026-11-26T09:30:00Z
    ");
    assert_snapshot!(
        project.run("query llm_active_requests --file hour.om --at 2026-11-26T09:30:00Z --lookback 20m"),
        @"
        exit 0
        ----- stdout
        Name                 model   Value
        llm_active_requests  gpt-4o   10.5
        llm_active_requests  own         3
        ----- stderr
        at 2026-11-26T09:30:00Z
        "
    );
}

#[test]
fn a_range_is_drawn() {
    let project = project();
    assert_snapshot!(project.run("query llm_active_requests --file hour.om --from -1h --chart --step 1m"), @r#"
    exit 0
    ----- stdout
    20 ┤                             ⡠⡆                             ⢀⢴                              ⡠⡆
       │                          ⣀⠔⠊ ⡇                          ⢀⡠⠒⠁⢸                           ⣀⠔⠊ ⡇
       │                       ⢀⠔⠉    ⢱                        ⡠⠊⠁   ⠈⡆                       ⢀⠔⠉    ⢱
    15 ┤                    ⢀⠤⠊⠁      ⢸                     ⡠⠔⠉       ⡇                    ⢀⠤⠊⠁      ⢸
       │                  ⣀⠔⠁         ⢸                  ⢀⡠⠊          ⡇                  ⣀⠔⠁         ⢸
       │               ⢀⠔⠊            ⢸                ⡠⠒⠁            ⡇               ⢀⠔⠊            ⢸
    10 ┤            ⢀⠤⠊⠁               ⡇            ⡠⠔⠉               ⢸            ⢀⠤⠊⠁               ⡇
       │          ⡠⠊⠁                  ⡇         ⢀⠔⠉                  ⢸          ⡠⠊⠁                  ⡇
     5 ┤       a⠔⠊                     ⡇      ⢀⡠⠒⠁                    ⢸       ⣀⠔⠊                     ⡇
       │    ⢀⠤⠊                        ⢇    ⡠a⠁                       ⠸⡀   a⠤⠊                        ⢇
       │⠉⢉⠭⠋⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉b⠉⠉⠉⠉⠉⠉⠉⠉⢹⠉⡩⠝⠉⠁                          ⡏⢉⠭⠋⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉b⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⢹
     0 ┤⠔⠁                             ⠸⠊                              ⠗⠁                             ⠸
       └┬──────────────────────┬───────────────────────┬───────────────────────┬──────────────────────┬
       09:00                 09:15                   09:30                   09:45                10:00

       Series                               Points  Min      Avg   Max  Last
    a  llm_active_requests{model="gpt-4o"}      61  0.5  9.84426  19.5   0.5
    b  llm_active_requests{model="own"}         45    3        3     3     3
    ----- stderr
    from 2026-11-26T09:00:00Z to 2026-11-26T10:00:00Z, every 1m
    "#);
    assert_snapshot!(project.run("query vector(1) --file hour.om --from -10m --chart=never"), @"
    exit 0
    ----- stdout
    Series  Points  Min  Avg  Max  Last
    {}         121    1    1    1     1
    ----- stderr
    from 2026-11-26T09:50:00Z to 2026-11-26T10:00:00Z, every 5s
    ");
}

#[test]
fn json_is_what_prometheus_would_send() {
    let project = project();
    let json = |args: &[&str]| {
        let ran = project.run_args(&[&["query", "--file", "hour.om", "--format", "json"], args].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran.stdout
    };
    assert_snapshot!(json(&["rate(llm_active_requests{model='own'}[5m])"]), @r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"model":"own"},"value":[1795687200,"0"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"llm_active_requests\" (1:6)"]}"#);
    assert_snapshot!(json(&["1/0", "--at", "1795687200.25"]), @r#"{"status":"success","data":{"resultType":"scalar","result":[1795687200.25,"+Inf"]}}"#);
    assert_snapshot!(json(&["'a'", "--at", "0"]), @r#"{"status":"success","data":{"resultType":"string","result":[0,"a"]}}"#);
    assert_snapshot!(json(&["3", "--from", "-1m", "--step", "30s"]), @r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1795687140,"3"],[1795687170,"3"],[1795687200,"3"]]}]}}"#);
    assert_snapshot!(json(&["llm_active_requests{model='own'}[2m]"]), @r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"llm_active_requests","model":"own"},"values":[[1795687140,"3"],[1795687200,"3"]]}]}}"#);
    assert_snapshot!(json(&["nothing"]), @r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#);
    assert_snapshot!(json(&["nothing", "--from", "-1m"]), @r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#);
}

#[test]
fn csv_is_for_spreadsheets() {
    let project = project();
    let ran = project.run("query llm_active_requests --file hour.om --from -2m --step 1m --format csv");
    assert_snapshot!(ran.to_string().replace("\r\n", "\n"), @"
    exit 0
    ----- stdout
    time,value,__name__,model
    2026-11-26T09:58:00Z,18.5,llm_active_requests,gpt-4o
    2026-11-26T09:59:00Z,19.5,llm_active_requests,gpt-4o
    2026-11-26T10:00:00Z,0.5,llm_active_requests,gpt-4o
    2026-11-26T09:58:00Z,3,llm_active_requests,own
    2026-11-26T09:59:00Z,3,llm_active_requests,own
    2026-11-26T10:00:00Z,3,llm_active_requests,own
    ");
}

#[test]
fn remarks_and_errors_have_their_place() {
    let project = project();
    let query = |expr: &str| project.run_args(&["query", expr, "--file", "hour.om"]);
    assert_snapshot!(query("1 + rate(llm_active_requests{model=\"own\"}[5m])"), @r#"
    exit 0
    ----- stdout
    model  Value
    own        1
    ----- stderr
    at 2026-11-26T10:00:00Z
    note: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "llm_active_requests"
     --> query:1:10
      |
    1 | 1 + rate(llm_active_requests{model="own"}[5m])
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(query("1 +\n  label_replace(llm_active_requests, 'model', '', 'model', '.*')"), @"
    exit 2
    ----- stderr
    error: vector cannot contain metrics with the same labelset
     --> query:2:3
      |
    2 |   label_replace(llm_active_requests, 'model', '', 'model', '.*')
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    1 error in query
    ");
    assert_snapshot!(query("sum by (le (x"), @r#"
    exit 2
    ----- stderr
    error: unexpected "(" in grouping opts, expected "," or ")"
     --> query:1:12
      |
    1 | sum by (le (x
      |            ^

    error: unclosed left parenthesis
     --> query:1:14
      |
    1 | sum by (le (x
      |              ^

    2 errors in query
    "#);
    assert_snapshot!(query("limitk(1, llm_active_requests)"), @"
    exit 2
    ----- stderr
    error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions
     --> query:1:1
      |
    1 | limitk(1, llm_active_requests)
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: `--experimental` accepts it

    1 error in query
    ");
    assert_snapshot!(project.run("query x[5m] --file hour.om --from -5m"), @r#"
    exit 2
    ----- stderr
    error: invalid expression type "range vector" for range query, must be Scalar or instant Vector
     --> query:1:1
      |
    1 | x[5m]
      | ^^^^^

    1 error in query
    "#);
}

#[test]
fn nothing_found_is_explained() {
    let project = project();
    assert_snapshot!(project.run("query llm_request_total --file hour.om"), @"
    exit 0
    ----- stderr
    no series
    hint: there is no metric `llm_request_total`; did you mean `llm_requests_total`?
    at 2026-11-26T10:00:00Z
    ");
    assert_snapshot!(project.run("query llm_requests_total --file hour.om --at 2026-11-27"), @"
    exit 0
    ----- stderr
    no series
    hint: the samples reach from 2026-11-26T09:00:00Z to 2026-11-26T10:00:00Z
    at 2026-11-27T00:00:00Z
    ");
}

#[test]
fn a_page_without_timestamps_is_one_scrape() {
    let project = Project::new().file("now.prom", "a{x=\"1\"} 1\na{x=\"2\"} 2\n");
    assert_snapshot!(project.run("query sum(a) --file now.prom --at 1795687200 --format json"), @r#"
    exit 0
    ----- stdout
    {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1795687200,"3"]}]}}
    "#);
    let ran = project.run("query a --file now.prom --format csv");
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 3), "{ran}");
}

#[test]
fn several_pages_make_one_history() {
    let project = Project::new().file("a.om", "a 1 1\nb 1 1\n# EOF\n").file("b.om", "a 2 2\n# EOF\n");
    assert_snapshot!(project.run("query a[1m] --file a.om --file b.om --format json"), @r#"
    exit 0
    ----- stdout
    {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[1,"1"],[2,"2"]]}]}}
    "#);
    assert_snapshot!(project.run("query a --file b.om --file a.om"), @"
    exit 2
    ----- stderr
    error: `a` goes back in time, from 1970-01-01T00:00:02Z to 1970-01-01T00:00:01Z
     --> a.om:1:1
      |
    1 | a 1 1
      | ^
      |
      = help: sort the samples of each series by time; files are read in the order of their flags

    1 error in a.om
    ");
}

#[test]
fn a_page_may_come_from_standard_input() {
    let project = Project::new();
    let mut child = project
        .command(&["query", "a", "--file", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a 1 500\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a"},"value":[0.500,"1"]}]}}"#);
}

#[test]
fn mistakes_in_a_page_have_their_place() {
    let project = Project::new()
        .file("twice.om", "# TYPE a gauge\na{x=\"1\"} 1 5\na{x=\"1\"} 2 5\n# EOF\n")
        .file("bad.prom", "a{x=\"1\"} one\n")
        .file("cut.om", "a 1 1795687200.5\n");
    assert_snapshot!(project.run("query a --file cut.om"), @"
    exit 2
    ----- stderr
    error: `1795687200.5` is no number
     --> cut.om:1:5
      |
    1 | a 1 1795687200.5
      |     ^^^^^^^^^^^^
      |
      = help: timestamps in seconds are OpenMetrics, whose last line is `# EOF`; the page may be cut off

    1 error in cut.om
    ");
    assert_snapshot!(project.run("query a --file twice.om"), @r#"
    exit 2
    ----- stderr
    error: `a{x="1"}` has two samples at 1970-01-01T00:00:05Z
     --> twice.om:3:1
      |
    3 | a{x="1"} 2 5
      | ^^^^^^^^
      |
      = help: give each sample a timestamp of its own; a page without timestamps is one scrape

    1 error in twice.om
    "#);
    assert_snapshot!(project.run("query a --file bad.prom"), @r#"
    exit 2
    ----- stderr
    error: `one` is no number
     --> bad.prom:1:10
      |
    1 | a{x="1"} one
      |          ^^^

    1 error in bad.prom
    "#);
    assert_snapshot!(project.run("query a --file none.om"), @"
    exit 2
    ----- stderr
    error: cannot read `none.om`: it does not exist
    ");
}

#[test]
fn flags_that_do_not_go_together() {
    let project = Project::new();
    assert_snapshot!(project.run("query a --file x --url http://x"), @"
    exit 2
    ----- stderr
    error: the argument '--file <PAGE>' cannot be used with '--url <URL>'

    Usage: llmobs query --file <PAGE> <EXPR>

    For more information, try '--help'.
    ");
    assert_snapshot!(project.run("query a --at 0 --from 0"), @"
    exit 2
    ----- stderr
    error: the argument '--at <TIME>' cannot be used with '--from <TIME>'

    Usage: llmobs query --at <TIME> <EXPR>

    For more information, try '--help'.
    ");
    assert_snapshot!(project.run("query a --step 5s"), @"
    exit 2
    ----- stderr
    error: the following required arguments were not provided:
      --from <TIME>

    Usage: llmobs query --from <TIME> --step <DURATION> <EXPR>

    For more information, try '--help'.
    ");
}
