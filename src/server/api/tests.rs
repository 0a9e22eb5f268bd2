//! Requests and their whole answers, over a small store and an engine that only tells.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Api, Settings};
use crate::{
    engine::{
        Alertmanagers, DroppedTarget, Exemplar, GroupStatus, Health, Metadata, Observe, ReloadError,
        RuleHealth, RuleStatus, Runtime, SeriesExemplars, Target, Targets,
    },
    formats::remote_write::{Encoder, pack},
    promql::syntax,
    rules::{Alert, AlertState, AlertingRule, RecordingRule, Rule, RuleId},
    series::{Labels, Matcher, TimeSpan},
    server::http::{Asked, Handler as _, Method, header},
    time::{PromDuration, Timestamp},
    tsdb::{Options, Store},
};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

/// Tells what a small engine would.
struct Told;

const NOW: Timestamp = Timestamp(100_000);

fn target(pool: &str, health: Health) -> Target {
    Target {
        discovered: labels(&[("__address__", "localhost:8000"), ("job", pool)]),
        labels: labels(&[("instance", "localhost:8000"), ("job", pool)]),
        pool: pool.to_owned(),
        url: "http://localhost:8000/metrics".to_owned(),
        health,
        last_error: if health == Health::Down { "refused <1>".to_owned() } else { String::new() },
        last_scrape: (health != Health::Unknown).then_some(Timestamp(1_500)),
        last_duration: Duration::from_millis(250),
        interval: Duration::from_secs(15),
        timeout: Duration::from_secs(10),
    }
}

fn rule(name: &str, expr: &str, alerts: Option<Vec<Alert>>) -> RuleStatus {
    let expr = syntax::parse(expr, &syntax::Options::default()).unwrap();
    let rule = match alerts {
        None => Rule::Recording(RecordingRule { record: name.to_owned(), expr, labels: BTreeMap::new() }),
        Some(_) => Rule::Alerting(AlertingRule {
            alert: name.to_owned(),
            expr,
            hold: PromDuration::from_secs(60),
            keep_firing_for: PromDuration::default(),
            labels: BTreeMap::new(),
            annotations: [("summary".to_owned(), "{{ $value }} < 1".to_owned())].into(),
        }),
    };
    RuleStatus {
        id: RuleId { group: 0, rule: 0 },
        rule,
        labels: [("severity".to_owned(), "page".to_owned())].into(),
        health: RuleHealth::Ok,
        last_error: String::new(),
        last_evaluation: Some(Timestamp(90_000)),
        evaluation_time: Duration::from_micros(500),
        alerts: alerts.unwrap_or_default(),
    }
}

impl Observe for Told {
    fn targets(&self) -> Targets {
        Targets {
            active: vec![target("down", Health::Down), target("new", Health::Unknown)],
            dropped: vec![DroppedTarget { discovered: labels(&[("x", "y")]), pool: "new".to_owned() }],
            dropped_counts: [("down".to_owned(), 0), ("new".to_owned(), 1)].into(),
        }
    }

    fn metadata(&self) -> Vec<Metadata> {
        let one = |family: &str, help: &str| Metadata {
            target: labels(&[("job", "down")]),
            family: family.to_owned(),
            kind: "counter".to_owned(),
            help: help.to_owned(),
            unit: String::new(),
        };
        vec![one("b", "x"), one("a", "y"), one("a", "z"), one("a", "y")]
    }

    fn exemplars(&self, sets: &[Vec<Matcher>], _: TimeSpan) -> Vec<SeriesExemplars> {
        let series = labels(&[("__name__", "up")]);
        let is_wanted = sets.iter().any(|set| set.iter().all(|matcher| matcher.accepts_labels(&series)));
        let exemplar = Exemplar { labels: labels(&[("trace_id", "<1>")]), value: 0.5, at: Timestamp(1_500) };
        is_wanted.then(|| SeriesExemplars { series, exemplars: vec![exemplar] }).into_iter().collect()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        let alert = Alert {
            state: AlertState::Firing,
            labels: labels(&[("alertname", "Down")]),
            annotations: vec![("summary".to_owned(), "0 < 1".to_owned())],
            value: 1e-7,
            active_at: Timestamp(1_000),
            fired_at: Some(Timestamp(2_000)),
            resolved_at: None,
            keep_firing_since: None,
        };
        let resolved = Alert { resolved_at: Some(NOW), state: AlertState::Inactive, ..alert.clone() };
        let group = |name: &str, rules| GroupStatus {
            name: name.to_owned(),
            file: "rules.yml".to_owned(),
            interval: Duration::from_secs(15),
            limit: 0,
            last_evaluation: None,
            evaluation_time: Duration::from_millis(1),
            rules,
        };
        vec![
            group("g1", vec![rule("job:up", "sum(up)", None)]),
            group("g2", vec![rule("Down", "up == 0", Some(vec![alert, resolved]))]),
        ]
    }

    fn alertmanagers(&self) -> Alertmanagers {
        Alertmanagers { active: vec!["http://a/api/v2/alerts".to_owned()], dropped: Vec::new() }
    }

    fn config(&self) -> String {
        "global: {}\n".to_owned()
    }

    fn runtime(&self) -> Runtime {
        Runtime {
            started: Timestamp(0),
            reload_success: true,
            last_reload: Timestamp(1_000),
            retention: "15d".to_owned(),
            folder: "/data".to_owned(),
        }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        Err(ReloadError("no".to_owned()))
    }

    fn now(&self) -> Timestamp {
        NOW
    }
}

fn api(settings: Settings) -> Api {
    let store = Store::in_memory(Options::default());
    let mut samples = Vec::new();
    for step in 0..4 {
        for (job, value) in [("a", 1.0), ("b", 0.0)] {
            let labels = labels(&[("__name__", "up"), ("job", job)]);
            samples.push((labels, Timestamp(60_000 + step * 10_000), value));
        }
    }
    store.commit(&samples).unwrap();
    Api::new(store.clone(), Arc::new(Told), Arc::new(store), settings)
}

fn ask(api: &Api, method: Method, target: &str) -> (u16, String) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|field| field.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.replace('+', " "))).collect();
    let reply = api.answer(Asked { method, query, ..Asked::get(path) });
    (reply.status, String::from_utf8(reply.body.to_vec()).unwrap())
}

#[track_caller]
fn check(target: &str, data: &str) {
    let (status, body) = ask(&api(Settings::default()), Method::GET, &format!("/api/v1/{target}"));
    let expect = format!(r#"{{"status":"success","data":{data}}}"#);
    assert_eq!((status, body), (200, expect), "{target}");
}

#[track_caller]
fn check_error(target: &str, status: u16, kind: &str, message: &str) {
    let got = ask(&api(Settings::default()), Method::GET, &format!("/api/v1/{target}"));
    let expect = format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#);
    assert_eq!(got, (status, expect), "{target}");
}

#[test]
fn queries() {
    check(
        "query?query=up&limit=5",
        r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[100,"1"]},{"metric":{"__name__":"up","job":"b"},"value":[100,"0"]}]}"#,
    );
    check("query?query=1&time=1970-01-01T00:00:01Z", r#"{"resultType":"scalar","result":[1,"1"]}"#);
    check(
        "query_range?query=sum(up)&start=60&end=61&step=1s",
        r#"{"resultType":"matrix","result":[{"metric":{},"values":[[60,"1"],[61,"1"]]}]}"#,
    );
    check("format_query?query=sum( up )", r#""sum(up)""#);
    check("parse_query?query=1", r#"{"type":"numberLiteral","val":"1"}"#);
    let query = |message: &str| format!(r#"invalid parameter \"query\": {message}"#);
    check_error(
        "query?query=up{",
        400,
        "bad_data",
        &query("1:4: parse error: unexpected end of input inside braces"),
    );
    check_error(
        "query?query=1&limit=x",
        400,
        "bad_data",
        r#"invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"#,
    );
    check_error(
        "query?query=1&timeout=0",
        400,
        "bad_data",
        r#"invalid parameter \"timeout\": timeout must be positive, got 0s"#,
    );
    check_error(
        "query?query=up+*+on()+up",
        422,
        "execution",
        "found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\\\"up\\\", job=\\\"a\\\"}, {__name__=\\\"up\\\", job=\\\"b\\\"}];many-to-many matching not allowed: matching labels must be unique on one side",
    );
    check_error(
        "query_range?query=up[1m]&start=1&end=2&step=1",
        400,
        "bad_data",
        &query(
            r#"invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"#,
        ),
    );
    check_error(
        "query_range?query=up&start=1&end=0&step=1",
        400,
        "bad_data",
        r#"invalid parameter \"end\": end timestamp must not be before start time"#,
    );
    check_error(
        "query_range?query=up&start=1&end=20000&step=1",
        400,
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
}

#[test]
fn searches() {
    check("series?match[]=up", r#"[{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}]"#);
    check("series?match[]=up&start=200", "[]");
    check("labels", r#"["__name__","job"]"#);
    check("labels?match[]=nope", "[]");
    check("label/job/values", r#"["a","b"]"#);
    check("label/U__job/values?match[]=up{job!=\"a\"}", r#"["b"]"#);
    check("label/a b/values", "[]");
    let (_, body) = ask(&api(Settings::default()), Method::GET, "/api/v1/labels?limit=1");
    assert_eq!(
        body,
        r#"{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}"#
    );
    check_error("series", 400, "bad_data", "no match[] parameter provided");
    check_error(
        "series?match[]={}",
        400,
        "bad_data",
        r#"invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"#,
    );
    check_error("labels?match[]={}", 400, "bad_data", "match[] must contain at least one non-empty matcher");
    check_error(
        "labels?start=x",
        400,
        "bad_data",
        r#"invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp"#,
    );
}

#[test]
fn targets_and_metadata() {
    let down = r#"{"discoveredLabels":{"__address__":"localhost:8000","job":"down"},"labels":{"instance":"localhost:8000","job":"down"},"scrapePool":"down","scrapeUrl":"http://localhost:8000/metrics","globalUrl":"http://localhost:8000/metrics","lastError":"refused \u003c1\u003e","lastScrape":"1970-01-01T00:00:01.500Z","lastScrapeDuration":0.25,"health":"down","scrapeInterval":"15s","scrapeTimeout":"10s"}"#;
    check(
        "targets?state=active&scrapePool=down",
        &format!(r#"{{"activeTargets":[{down}],"droppedTargets":[],"droppedTargetCounts":null}}"#),
    );
    check(
        "targets?state=dropped",
        r#"{"activeTargets":[],"droppedTargets":[{"discoveredLabels":{"x":"y"},"scrapePool":"new"}],"droppedTargetCounts":{"down":0,"new":1}}"#,
    );
    check("scrape_pools", r#"{"scrapePools":["down","new"]}"#);
    check(
        "metadata?limit=1",
        r#"{"a":[{"type":"counter","unit":"","help":"y"},{"type":"counter","unit":"","help":"z"}]}"#,
    );
    check("metadata?metric=a&limit_per_metric=1", r#"{"a":[{"type":"counter","unit":"","help":"y"}]}"#);
    check(
        "targets/metadata?metric=b&match_target={job=\"down\"}",
        r#"[{"target":{"job":"down"},"type":"counter","help":"x","unit":""}]"#,
    );
    check_error("metadata?limit=x", 400, "bad_data", "limit must be a number");
    check(
        "query_exemplars?query=rate(up[5m])",
        r#"[{"seriesLabels":{"__name__":"up"},"exemplars":[{"labels":{"trace_id":"<1>"},"value":"0.5","timestamp":1.500}]}]"#,
    );
}

#[test]
fn rules_and_alerts() {
    let alert = r#"{"labels":{"alertname":"Down"},"annotations":{"summary":"0 < 1"},"state":"firing","activeAt":"1970-01-01T00:00:01Z","value":"1e-07"}"#;
    let health = r#""health":"ok","evaluationTime":0.0005,"lastEvaluation":"1970-01-01T00:01:30Z""#;
    let group = |name: &str, rule: &str| {
        format!(
            r#"{{"name":"{name}","file":"rules.yml","rules":[{rule}],"interval":15,"limit":0,"evaluationTime":0.001,"lastEvaluation":"0001-01-01T00:00:00Z"}}"#
        )
    };
    let recording = group(
        "g1",
        &format!(
            r#"{{"name":"job:up","query":"sum(up)","labels":{{"severity":"page"}},{health},"type":"recording"}}"#
        ),
    );
    let alerting = |alerts: &str| {
        let rule = format!(
            r#"{{"state":"firing","name":"Down","query":"up == 0","duration":60,"keepFiringFor":0,"labels":{{"severity":"page"}},"annotations":{{"summary":"{{{{ $value }}}} < 1"}},"alerts":{alerts},{health},"type":"alerting"}}"#
        );
        group("g2", &rule)
    };
    let shown = alerting(&format!("[{alert}]"));
    check("rules", &format!(r#"{{"groups":[{recording},{shown}]}}"#));
    check("rules?type=alert&exclude_alerts=true", &format!(r#"{{"groups":[{}]}}"#, alerting("null")));
    check("rules?type=record&match[]={severity=\"page\"}", &format!(r#"{{"groups":[{recording}]}}"#));
    check("rules?rule_group[]=g3", r#"{"groups":[]}"#);
    check("rules?rule_name[]=Down&file[]=rules.yml", &format!(r#"{{"groups":[{shown}]}}"#));
    let token = "2a00ff2bd2e2e7d8a1f8c1a3ef8a3d73";
    let (_, page) = ask(&api(Settings::default()), Method::GET, "/api/v1/rules?group_limit=1");
    let next = page.split_once(r#""groupNextToken":""#).map(|(_, rest)| &rest[..64]).unwrap().to_owned();
    check(&format!("rules?group_limit=1&group_next_token={next}"), &format!(r#"{{"groups":[{shown}]}}"#));
    check_error(
        &format!("rules?group_limit=1&group_next_token={token}"),
        400,
        "bad_data",
        &format!(
            r#"invalid parameter \"group_next_token\": invalid group_next_token '{token}'. were rule groups changed?"#
        ),
    );
    check("alerts", &format!(r#"{{"alerts":[{alert}]}}"#));
    check(
        "alertmanagers",
        r#"{"activeAlertmanagers":[{"url":"http://a/api/v2/alerts"}],"droppedAlertmanagers":[]}"#,
    );
}

#[test]
fn status() {
    check("status/config", r#"{"yaml":"global: {}\n"}"#);
    check("status/flags", "{}");
    check("status/walreplay", r#"{"min":0,"max":0,"current":0}"#);
    check("notifications", "[]");
    check("status/tsdb/blocks", r#"{"blocks":[]}"#);
    check_error("status/tsdb?limit=0", 400, "bad_data", "limit must be a positive number");
    check_error("status/tsdb?limit=10001", 400, "bad_data", "limit must not exceed 10000");
    check_error("search/metric_names", 500, "unavailable", "search API disabled");
}

#[test]
fn routes() {
    #[track_caller]
    fn check(method: Method, path: &str, status: u16, body: &str) {
        assert_eq!(ask(&api(Settings::default()), method, path), (status, body.to_owned()), "{path}");
    }
    check(Method::GET, "/api/v1/nothing", 404, "404 page not found\n");
    check(Method::GET, "/api/v1/label/a/b/values", 404, "404 page not found\n");
    check(Method::GET, "/api/v1/query/", 301, "");
    check(Method::DELETE, "/api/v1/query", 405, "Method Not Allowed\n");
    check(Method::POST, "/api/v1/rules", 405, "Method Not Allowed\n");
    check(Method::GET, "/api/v1/write", 405, "Method Not Allowed\n");
    check(Method::OPTIONS, "/api/v1/anything/at/all", 204, "");
    check(Method::GET, "/-/healthy", 200, "Prometheus Server is Healthy.\n");
    check(Method::HEAD, "/-/ready", 200, "");
    check(Method::POST, "/-/reload", 403, "Lifecycle API is not enabled.");
    check(Method::GET, "/-/reload", 405, "Only POST or PUT requests allowed");
    check(Method::GET, "/foo", 404, "404 page not found\n");
    let api = api(Settings { lifecycle: true, ..Settings::default() });
    assert_eq!(ask(&api, Method::POST, "/-/reload"), (500, "failed to reload config: no\n".to_owned()));
    api.set_ready(false);
    assert_eq!(ask(&api, Method::GET, "/-/ready"), (503, "Service Unavailable".to_owned()));
    assert_eq!(ask(&api, Method::GET, "/api/v1/query?query=1"), (503, "Service Unavailable".to_owned()));
}

#[test]
fn series_are_deleted_where_that_is_enabled() {
    let delete = "/api/v1/admin/tsdb/delete_series?match[]={job=\"a\"}";
    let refused = r#"{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"#;
    assert_eq!(ask(&api(Settings::default()), Method::POST, delete), (500, refused.to_owned()));
    let api = api(Settings { admin: true, ..Settings::default() });
    assert_eq!(ask(&api, Method::PUT, delete), (204, String::new()));
    assert_eq!(ask(&api, Method::POST, "/api/v1/admin/tsdb/clean_tombstones"), (204, String::new()));
    let (_, left) = ask(&api, Method::GET, "/api/v1/label/job/values?match[]=up");
    assert_eq!(left, r#"{"status":"success","data":["b"]}"#);
    assert_eq!(ask(&api, Method::POST, "/api/v1/admin/tsdb/snapshot").0, 500);
}

#[track_caller]
fn check_write(content_type: &'static str, body: Vec<u8>, status: u16, text: &str) {
    let mut asked = Asked { method: Method::POST, body: body.into(), ..Asked::get("/api/v1/write") };
    asked.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    let reply = api(Settings::default()).answer(asked);
    assert_eq!((reply.status, std::str::from_utf8(&reply.body).unwrap()), (status, text));
}

#[test]
fn samples_are_written() {
    let body = |name: &str, at: i64, value: f64| {
        let mut encoder = Encoder::default();
        encoder.series(&labels(&[("__name__", name), ("job", "a")]), &[(Timestamp(at), value)]);
        pack(&encoder.finish())
    };
    let proto = "application/x-protobuf";
    check_write(proto, body("up", 100_000, 2.0), 204, "");
    check_write("application/x-protobuf;proto=prometheus.WriteRequest", body("up", 90_000, 1.0), 204, "");
    check_write(proto, body("", 100_000, 2.0), 204, "");
    check_write(proto, body("up", 50_000, 1.0), 400, "out of order sample\n");
    check_write(proto, body("up", 100_000 + 600_001, 1.0), 400, "out of bounds\n");
    check_write(proto, b"xxx".to_vec(), 400, "s2: corrupt input\n");
    check_write(proto, pack(b"\x0a"), 400, "proto: WriteRequest ends within a field\n");
    check_write(
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        body("up", 100_000, 2.0),
        415,
        "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts \
         prometheus.WriteRequest\n",
    );
    check_write(
        "text/plain",
        body("up", 100_000, 2.0),
        415,
        "expected application/x-protobuf as the first (media) part, got text/plain content-type\n",
    );
}

#[test]
fn what_the_process_says_of_itself_can_be_read() {
    let api = api(Settings { process: || "process_open_fds 3\n".to_owned(), ..Settings::default() });
    let (status, text) = ask(&api, Method::GET, "/metrics");
    let samples = crate::series::parse(&text).unwrap();
    assert_eq!(status, 200);
    assert!(text.contains("prometheus_tsdb_head_series 2\n"), "{text}");
    assert!(samples.len() > 15);
}
