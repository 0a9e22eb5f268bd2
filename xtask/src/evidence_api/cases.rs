//! The requests.

use std::fmt;

use llmobs::{
    formats::remote_write::{Encoder, pack},
    series::Labels,
    time::Timestamp,
};

use super::Options;
use crate::{
    evidence_promql::{END, Generator, Order, START},
    judge::{When, form},
};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Whole,
    /// Fields and their types.
    Shape,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) how: How,
    /// Whether series come in an order that is defined.
    pub(crate) has_order: bool,
    pub(crate) method: &'static str,
    /// With its query.
    pub(crate) path: String,
    /// Whole lines.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Case {
    /// Whether the answer is of the engine and not of the samples.
    pub(super) fn is_told(&self) -> bool {
        self.how == How::Shape || self.kind == "engine"
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if self.body.is_empty() {
            return Ok(());
        }
        write!(f, " {}", String::from_utf8_lossy(&self.body).escape_debug())
    }
}

fn case(kind: &'static str, method: &'static str, path: impl Into<String>) -> Case {
    let path = path.into();
    Case { kind, how: How::Whole, has_order: false, method, path, headers: String::new(), body: Vec::new() }
}

fn get(kind: &'static str, endpoint: &str, fields: &[(&str, &str)]) -> Case {
    case(kind, "GET", format!("/api/v1/{endpoint}?{}", form(fields)))
}

fn post(kind: &'static str, endpoint: &str, fields: &[(&str, &str)]) -> Case {
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n".to_owned();
    let body = form(fields).into_bytes();
    Case { headers, body, ..case(kind, "POST", format!("/api/v1/{endpoint}")) }
}

/// All requests, those that change the store last.
pub(super) fn all(options: &Options) -> Vec<Case> {
    let mut cases = expressions(options);
    cases.extend(parameters());
    cases.extend(searches());
    cases.extend(told());
    cases.extend(routes());
    cases.extend(writes());
    cases.extend(changes());
    cases
}

/// Seconds, exactly.
fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn expressions(options: &Options) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut generator = Generator::new(options.seed);
    for number in 0..options.expressions {
        let generated = generator.case(number);
        let expr = generated.node.print();
        let (at, start, end, step) = match generated.when {
            When::At(at) => (at, at - 600_000, at, 60_000),
            When::Range { start, end, step } => (end, start, end, step),
        };
        let has_order = !matches!(Order::of(&expr), Order::Any);
        let at = seconds(at);
        let query = get("query", "query", &[("query", &expr), ("time", &at)]);
        cases.push(Case { has_order, ..query });
        let query = post("query", "query", &[("query", &expr), ("time", &at), ("limit", "2")]);
        // Which two are shown depends on the order.
        if has_order {
            cases.push(Case { has_order, ..query });
        }
        let (start, end, step) = (seconds(start), seconds(end), seconds(step));
        let fields = [("query", expr.as_str()), ("start", &start), ("end", &end), ("step", &step)];
        cases.push(Case { has_order: true, ..get("query_range", "query_range", &fields) });
        cases.push(Case { has_order: true, ..post("query_range", "query_range", &fields) });
        cases.push(get("format_query", "format_query", &[("query", &expr)]));
        cases.push(post("parse_query", "parse_query", &[("query", &expr)]));
    }
    for expr in SYNTAX {
        cases.push(get("parse_query", "parse_query", &[("query", expr)]));
        cases.push(get("format_query", "format_query", &[("query", expr)]));
    }
    cases
}

/// What the generated expressions have little of.
const SYNTAX: [&str; 44] = [
    "",
    " ",
    "up{",
    "up{a=}",
    "sum(",
    "1 +",
    "\"a<b\"",
    "'a'",
    "`a`",
    "5m",
    "Inf",
    "-Inf",
    "NaN",
    "1e400",
    "0x1f",
    "-1",
    "+x",
    "--x",
    "{\"x y\",a=\"b\"}",
    "{__name__=\"x\"}",
    "{\"x\",__name__=\"y\"}",
    "x[(5m)]",
    "x[5m+step()] offset -(1m*2)",
    "x[max_of(step(),5m)]",
    "x[min_of(range(),5m)] @ end()",
    "x offset -step()",
    "x[5m:]",
    "x[5m:1m] @ 12.5 offset 1m",
    "x[-(-5m)]",
    "x[+(step())]",
    "x[1.5]",
    "x[step()^2 % (3)]",
    "a == bool b",
    "a and on(x) b",
    "a * ignoring(x) group_right fill(1) b",
    "a / on(x) group_left(y) fill_left(2) b",
    "count_values without (a) (\"x\", y)",
    "label_join(a, \"x\", \"y\")",
    "time()",
    "x anchored",
    "x[5m] smoothed",
    "info(x,{a=\"b\"})",
    "sum by (a, \"b c\") (x)",
    "a\n  # comment\n+ b",
];

/// Times, steps, limits and other parameters, good and bad.
fn parameters() -> Vec<Case> {
    let mut cases = Vec::new();
    let times = [
        "",
        "0",
        "1750003200",
        "1750003200.123",
        "1750003200.1239",
        "1e9",
        "-1",
        "-0.5",
        "+5",
        "NaN",
        "Inf",
        "-Inf",
        "1e300",
        "-1e15",
        "9223372036",
        "9223372037",
        "1_0",
        "x",
        "0x10",
        "2025-06-15T16:00:00Z",
        "2025-06-15T18:00:00.5+02:00",
        "2025-06-15",
        "2025-06-15T16:00:00",
        "2025-06-15 16:00:00Z",
        "2025-06-15T16:00:60Z",
        "2025-02-30T00:00:00Z",
        "-292273086-05-16T16:47:06Z",
        "292277025-08-18T07:12:54.999999999Z",
    ];
    let durations = [
        "", "0", "1", "15s", "1m30s", "1500ms", "0.5", "-1", "-1m", "x", "1e300", "NaN", "1h1h", "0.0001",
        "1_0", "292y", "300y", "5 m", "1d", "1e-3",
    ];
    let limits = ["", "0", "1", "2", "+1", "-1", "x", "1.5", "99999999999999999999", "1000000"];
    for time in times.iter().filter(|time| !time.is_empty()) {
        cases.push(get("parameters", "query", &[("query", "up"), ("time", time)]));
        cases.push(get("parameters", "query", &[("query", "1"), ("time", time)]));
    }
    for time in times {
        for endpoint in ["labels", "label/job/values", "series", "query_exemplars"] {
            let fields =
                [("start", time), ("match[]", "llm_requests_total"), ("query", "llm_requests_total")];
            cases.push(get("parameters", endpoint, &fields));
        }
        cases.push(post("parameters", "series", &[("match[]", "llm_requests_total"), ("end", time)]));
        let fields = [("query", "1"), ("start", time), ("end", "1750003201"), ("step", "1")];
        cases.push(get("parameters", "query_range", &fields));
        cases.push(get(
            "parameters",
            "query_range",
            &[("query", "1"), ("start", "1"), ("end", time), ("step", "1")],
        ));
    }
    for duration in durations {
        let range = [("query", "time()"), ("start", "0"), ("end", "5"), ("step", duration)];
        cases.push(get("parameters", "query_range", &range));
        for name in ["timeout", "lookback_delta"] {
            cases.push(get("parameters", "query", &[("query", "1"), ("time", "5"), (name, duration)]));
            let fields = [("query", "1"), ("start", "0"), ("end", "5"), ("step", "1"), (name, duration)];
            cases.push(post("parameters", "query_range", &fields));
        }
        let at = seconds(END + 100_000);
        let fields = [("query", "count(llm_requests_total)"), ("time", &at), ("lookback_delta", duration)];
        cases.push(get("parameters", "query", &fields));
    }
    for limit in limits {
        let fields = [
            ("query", "sort_by_label(llm_requests_total, \"model\")"),
            ("time", "1750003260"),
            ("limit", limit),
        ];
        cases.push(Case { has_order: true, ..get("parameters", "query", &fields) });
        let fields = [
            ("query", "llm_requests_total"),
            ("start", "1750003260"),
            ("end", "1750003270"),
            ("step", "5"),
            ("limit", limit),
        ];
        cases.push(Case { has_order: true, ..get("parameters", "query_range", &fields) });
        for endpoint in [
            "labels",
            "label/job/values",
            "label/__name__/values",
            "metadata",
            "targets/metadata",
            "status/tsdb",
        ] {
            let how = if endpoint == "status/tsdb" { How::Shape } else { How::Whole };
            cases.push(Case { how, ..get("parameters", endpoint, &[("limit", limit)]) });
        }
        cases.push(get("parameters", "metadata", &[("limit_per_metric", limit)]));
        cases.push(get("parameters", "rules", &[("group_limit", limit), ("rule_group[]", "nope")]));
    }
    for stats in ["true", "all", "x"] {
        let stats = get("parameters", "query", &[("query", "1"), ("time", "5"), ("stats", stats)]);
        cases.push(Case { how: How::Shape, ..stats });
    }
    for (start, end, step) in
        [("0", "11000", "1"), ("0", "11001", "1"), ("0", "11000.9", "1"), ("2", "1", "1"), ("1", "1", "1")]
    {
        let fields = [("query", "time()"), ("start", start), ("end", end), ("step", step)];
        cases.push(get("parameters", "query_range", &fields));
    }
    for raw in [
        "query?query=a;b",
        "query?query=%zz",
        "query?query=1&time=1&query=2",
        "query?=1&&query=1&time=1",
        "query",
        "series",
        "series?match[]=%zz",
        "series?match[]=a;b",
        "rules?a;b",
        "rules?type=%zz",
        "query_range",
        "query_exemplars",
        "query_exemplars?query=1",
        "query_exemplars?query=up&start=5&end=1",
        "query_exemplars?query=up{",
        "targets?state=FOO",
        "targets/metadata?match_target={",
        "targets/metadata?metric=x&limit=x",
        "rules?type=x",
        "rules?type=ALERT&rule_group[]=nope",
        "rules?exclude_alerts=x",
        "rules?group_limit=0",
        "rules?group_limit=x",
        "rules?group_next_token=x",
        "rules?group_limit=1&group_next_token=x",
        "rules?match[]={",
        "rules?match[]={}",
        "rules?file[]=nope",
        "status/tsdb?limit=10001",
        "status/tsdb?limit=0",
        "query?query=1&time=1&limit=%2B1",
        "labels?start=5&end=1",
        "query?query=up%5B5m%5D&time=1750003500",
        "query?query=%22%3C%22&time=1",
        "query_range?query=%22a%22&start=1&end=2&step=1",
        "query_range?query=up%5B5m%5D&start=1&end=2&step=1",
        "query?query=absent(nope)&time=1",
    ] {
        cases.push(case("parameters", "GET", format!("/api/v1/{raw}")));
    }
    cases
}

/// Selectors of all kinds, where series are searched for.
const SELECTORS: [&str; 30] = [
    "llm_requests_total",
    "{job=\"gateway\"}",
    "{__name__=~\"llm_.*\"}",
    "{__name__!=\"\"}",
    "nope",
    "{}",
    "{a=\"\"}",
    "{a!=\"b\"}",
    "llm_requests_total{",
    "llm_requests_total{status=\"error\"}",
    "llm_requests_total{status!=\"error\"}",
    "llm_requests_total{status=~\"err.*|x\"}",
    "llm_requests_total{status!~\"err.*\"}",
    "llm_requests_total{nope=\"\"}",
    "llm_requests_total{nope!=\"\"}",
    "{job=~\".+\"}",
    "{job=~\".*\"}",
    "{job=~\"(\"}",
    "llm_requests_total[5m]",
    "llm_requests_total offset 5m",
    "llm_requests_total @ 1",
    "rate(llm_requests_total[5m])",
    "sum",
    "1",
    "",
    "\"x\"",
    "{\"llm_requests_total\"}",
    "up{__name__=\"x\"}",
    "llm_requests_total,",
    "{tenant=\"acme\",instance=~\"a.*\"}",
];

fn searches() -> Vec<Case> {
    let mut cases = Vec::new();
    let spans =
        [("", ""), ("1750003200", "1750003260"), ("1750010000", ""), ("", "1750003200"), ("1900000000", "")];
    for selector in SELECTORS {
        for (start, end) in spans {
            let fields = [("match[]", selector), ("start", start), ("end", end)];
            cases.push(get("series", "series", &fields));
            cases.push(post("labels", "labels", &fields));
            cases.push(get("label values", "label/instance/values", &fields));
            cases.push(get("label values", "label/__name__/values", &fields));
        }
        let pair = [("match[]", selector), ("match[]", "llm_cost_usd_total")];
        cases.push(get("series", "series", &pair));
        cases.push(get("labels", "labels", &pair));
        cases.push(get("label values", "label/tenant/values", &pair));
    }
    for name in [
        "job",
        "U__job",
        "U__a_2e_b",
        "U__",
        "U__a_",
        "U__a_zz_",
        "a%20b",
        "a%2Fb",
        "%C3%A9",
        "9",
        "__name__",
        "a.b",
        "nope",
        "le",
    ] {
        cases.push(get("label values", &format!("label/{name}/values"), &[]));
    }
    cases.push(get("labels", "labels", &[]));
    cases
}

/// What the engine tells.
fn told() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "targets",
        "targets?state=active",
        "targets?state=dropped",
        "targets?state=any",
        "targets?state=active&scrapePool=gone",
        "rules",
        "alerts",
        "alertmanagers",
        "status/config",
        "status/runtimeinfo",
        "status/tsdb",
        "status/buildinfo",
        "rules?type=alert",
        "rules?exclude_alerts=true",
        "rules?group_limit=1",
        "rules?rule_name[]=Always",
        "rules?match[]={severity=\"page\"}",
    ] {
        let path = path.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        cases.push(Case { how: How::Shape, ..case("engine", "GET", format!("/api/v1/{path}")) });
    }
    for path in [
        "targets?scrapePool=nope&state=active",
        "targets?state=x",
        "scrape_pools",
        "status/walreplay",
        "notifications",
        "metadata",
        "targets/metadata",
        "metadata?metric=up",
        "alertmanagers",
        "rules?rule_group[]=nope",
        "rules?file[]=nope&type=record",
        "search/metric_names",
        "search/label_names",
        "status/tsdb/blocks",
    ] {
        cases.push(case("engine", "GET", format!("/api/v1/{path}")));
    }
    cases
}

fn routes() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        for path in [
            "query_range",
            "labels",
            "label/job/values",
            "rules",
            "targets",
            "alerts",
            "nothing",
            "status/flags/x",
            "label/a/b/values",
            "metadata/",
            "admin/tsdb/snapshot/x",
            "query/x",
            "labelx",
            "write/x",
            "api/v1/query",
        ] {
            // Whether there are metrics or a configuration does not matter here.
            let how = if path == "targets" || path == "rules" || path == "alerts" {
                How::Shape
            } else {
                How::Whole
            };
            let how = if method == "GET" { how } else { How::Whole };
            cases.push(Case { how, ..case("routes", method, format!("/api/v1/{path}")) });
        }
        for path in [
            "/-/healthy",
            "/-/ready",
            "/-/reload",
            "/-/quit",
            "/nothing",
            "/api",
            "/api/v2/query",
            "/-/",
            "/api/v1/query%zz",
        ] {
            cases.push(case("routes", method, path));
        }
    }
    for origin in ["http://localhost:3000", "http://127.0.0.1", "https://evil.example", "null"] {
        for (method, path) in [
            ("GET", "/api/v1/query?query=1&time=1"),
            ("OPTIONS", "/api/v1/query"),
            ("GET", "/api/v1/labels?limit=x"),
        ] {
            let headers = format!("Origin: {origin}\r\n");
            cases.push(Case { headers, ..case("origins", method, path) });
        }
    }
    cases
}

/// Remote writes, good and bad.
fn writes() -> Vec<Case> {
    let request = |pairs: &[(&str, &str)], samples: &[(i64, f64)]| {
        let labels: Labels = pairs.iter().copied().collect();
        let mut encoder = Encoder::default();
        let samples: Vec<_> = samples.iter().map(|(at, value)| (Timestamp(*at), *value)).collect();
        encoder.series(&labels, &samples);
        pack(&encoder.finish())
    };
    let proto = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n";
    let named = [("__name__", "written"), ("a", "b")];
    let late = END + 60_000;
    let bodies = [
        (proto, request(&named, &[(late, 1.0)])),
        (proto, request(&named, &[(late, 1.0)])),
        (proto, request(&named, &[(late, 2.0)])),
        (proto, request(&named, &[(late - 1_000, 2.0)])),
        (proto, request(&named, &[(late + 1_000, 2.0), (late + 2_000, f64::NAN)])),
        (proto, request(&named, &[(i64::MAX, 2.0)])),
        (proto, request(&[("a", "b")], &[(late, 1.0)])),
        (proto, request(&[("__name__", "x y")], &[(late, 1.0)])),
        (proto, request(&named, &[])),
        (proto, pack(b"")),
        (proto, pack(b"\x0a")),
        (proto, pack(b"\x0a\x02\x12\x05")),
        (proto, pack(b"\x08\x01")),
        (proto, pack(b"\x1a\x00")),
        (proto, pack(b"\x38\x01")),
        (proto, pack(&vec![0; 33 << 20])),
        (proto, Vec::new()),
        (proto, b"xxx".to_vec()),
        ("", request(&named, &[(late + 3_000, 1.0)])),
        ("Content-Type: text/plain\r\n", request(&named, &[(late + 4_000, 1.0)])),
        (
            "Content-Type: application/x-protobuf;proto=prometheus.WriteRequest\r\n",
            request(&named, &[(late + 5_000, 1.0)]),
        ),
        ("Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n", pack(b"")),
        ("Content-Type: application/x-protobuf;proto=x\r\n", pack(b"")),
        ("Content-Type: application/x-protobuf;proto\r\n", pack(b"")),
        ("Content-Encoding: gzip\r\n", request(&named, &[(late + 6_000, 1.0)])),
        ("Content-Type: text/plain\r\n", b"xxx".to_vec()),
    ];
    let mut cases: Vec<Case> = (bodies.into_iter())
        .map(|(headers, body)| Case {
            headers: headers.to_owned(),
            body,
            ..case("write", "POST", "/api/v1/write")
        })
        .collect();
    cases.push(case("write", "POST", "/api/v1/read"));
    cases.push(case("write", "POST", "/api/v1/otlp/v1/metrics"));
    let at = seconds(late + 10_000);
    cases.push(get("write", "query", &[("query", "written[5m]"), ("time", &at)]));
    cases
}

/// What deletes, and what is left then.
fn changes() -> Vec<Case> {
    let mut cases = Vec::new();
    let deletion =
        |fields: &[(&str, &str)]| Case { method: "PUT", ..post("admin", "admin/tsdb/delete_series", fields) };
    let half = seconds(i64::midpoint(START, END));
    for fields in [
        &[][..],
        &[("match[]", "up{")],
        &[("match[]", "llm_requests_total{status=\"error\"}"), ("end", &half)],
        &[("match[]", "llm_cost_usd_total")],
        &[("match[]", "nope"), ("start", "x")],
        &[("match[]", "{a=\"\"}"), ("end", "5")],
    ] {
        cases.push(deletion(fields));
    }
    let (start, end) = (seconds(START), seconds(END));
    for selector in ["llm_requests_total{status=\"error\"}", "llm_cost_usd_total", "llm_requests_total"] {
        for method in [get, post] {
            let fields = [("query", selector), ("start", &start), ("end", &end), ("step", "60")];
            cases.push(Case { has_order: true, ..method("admin", "query_range", &fields) });
        }
        cases.push(get("admin", "series", &[("match[]", selector)]));
        cases.push(get("admin", "label/tenant/values", &[("match[]", selector)]));
    }
    cases.push(case("admin", "POST", "/api/v1/admin/tsdb/clean_tombstones"));
    cases.push(get("admin", "labels", &[]));
    cases
}
