//! The viewer asked as a browser asks it, over samples and dashboards that mean well and that do not.

use super::*;
use crate::{
    engine::{
        Alertmanagers, GroupStatus, Health, Metadata, ReloadError, RuleHealth, RuleStatus, Runtime,
        SeriesExemplars, Target, Targets,
    },
    promql::syntax,
    rules::{self, Alert, AlertState, AlertingRule, RuleId},
    series::{Columns, Labels, Matcher, TimeSpan},
    time::Timestamp,
};

/// The end of the samples; they are ten seconds apart and reach back for an hour.
const NOW: i64 = 1_795_687_200_000;
const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{0}\u{202e}\n</title>";

const BOARD: &str = r#"{"uid": "board", "title": "Board", "description": "What is this?", "refresh": "30s",
    "time": {"from": "now-30m", "to": "now"},
    "templating": {"list": [
        {"name": "model", "type": "query", "label": "Model", "multi": true, "includeAll": true, "allValue": ".*",
         "query": "label_values(requests_total, model)", "current": {"value": "$__all"}, "sort": 1},
        {"name": "window", "type": "custom", "query": "1m,5m"}]},
    "annotations": {"list": [{"name": "Firing", "expr": "1 - up", "titleFormat": "{{instance}} down"}]},
    "panels": [
        {"id": 1, "type": "stat", "title": "Rate of $model", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4},
         "targets": [{"expr": "sum(rate(requests_total{model=~\"$model\"}[$__rate_interval]))"}],
         "fieldConfig": {"defaults": {"unit": "reqps", "decimals": 1}}},
        {"id": 2, "type": "timeseries", "title": "By model", "gridPos": {"x": 6, "y": 0, "w": 18, "h": 8},
         "targets": [{"expr": "sum by (model) (rate(requests_total{model=~\"$model\"}[$window]))", "legendFormat": "{{model}}"}],
         "fieldConfig": {"defaults": {"custom": {"fillOpacity": 20, "stacking": {"mode": "normal"}}}}},
        {"id": 3, "type": "table", "title": "Table", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 6},
         "targets": [{"expr": "sum by (model) (requests_total{model=~\"$model\"})", "format": "table", "instant": true, "range": false}],
         "fieldConfig": {"defaults": {"links": [{"title": "Alone", "url": "/d/board?${__url_time_range}&var-model=${__data.fields.model:percentencode}"}]}}},
        {"id": 4, "type": "stat", "title": "Broken", "gridPos": {"x": 0, "y": 14, "w": 6, "h": 4}, "targets": [{"expr": "sum("}]},
        {"id": 5, "type": "geomap", "title": "Map", "gridPos": {"x": 6, "y": 14, "w": 6, "h": 4}},
        {"id": 6, "type": "bargauge", "title": "Bars", "gridPos": {"x": 12, "y": 14, "w": 6, "h": 4},
         "targets": [{"expr": "sum by (model) (requests_total)", "legendFormat": "{{model}}"}]},
        {"id": 7, "type": "row", "title": "More", "collapsed": true, "gridPos": {"x": 0, "y": 18, "w": 24, "h": 1},
         "panels": [{"id": 8, "type": "text", "title": "Hidden text", "options": {"content": "deep"}}]}]}"#;

/// An engine that stands still.
#[derive(Default)]
struct Still {
    targets: Targets,
    groups: Vec<GroupStatus>,
}

impl Observe for Still {
    fn targets(&self) -> Targets {
        self.targets.clone()
    }

    fn metadata(&self) -> Vec<Metadata> {
        Vec::new()
    }

    fn exemplars(&self, _: &[Vec<Matcher>], _: TimeSpan) -> Vec<SeriesExemplars> {
        Vec::new()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        self.groups.clone()
    }

    fn alertmanagers(&self) -> Alertmanagers {
        Alertmanagers::default()
    }

    fn config(&self) -> String {
        String::new()
    }

    fn runtime(&self) -> Runtime {
        let at = Timestamp(NOW);
        let (retention, folder) = (String::new(), String::new());
        Runtime { started: at, reload_success: true, last_reload: at, retention, folder }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp(NOW)
    }
}

/// A counter for each model, and a target that is down.
fn viewer(board: &str, models: &[&str], engine: Still) -> Viewer {
    let mut columns = Columns::new();
    for step in 0..=360_i32 {
        let at = Timestamp(NOW - 3_600_000 + i64::from(step) * 10_000);
        for (index, model) in models.iter().enumerate() {
            let labels: Labels = [("__name__", "requests_total"), ("model", *model)].into_iter().collect();
            let id = columns.series(&labels);
            columns.append(id, at, f64::from(step) * (index + 1) as f64 * 10.0).unwrap();
        }
        let id = columns.series(&[("__name__", "up"), ("instance", HOSTILE)].into_iter().collect());
        columns.append(id, at, f64::from(u8::from(step < 300))).unwrap();
    }
    let board = board.to_owned();
    Viewer {
        data: Arc::new(columns),
        engine: Arc::new(engine),
        dashboards: Box::new(move || vec![board.clone()]),
        home: None,
        scrape_interval: Box::new(|| PromDuration::from_secs(10)),
        lookback: PromDuration::from_secs(300),
        version: "1.2.3",
    }
}

fn ask(viewer: &Viewer, address: &str) -> (u16, String) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut asked = Asked::get(path);
    let field = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    asked.query = query.split('&').filter_map(field).collect();
    let reply = viewer.answer(asked);
    (reply.status, String::from_utf8(reply.body.to_vec()).unwrap())
}

/// A page whose elements close in order, and that holds no text of ours as markup.
#[track_caller]
fn check_page(html: &str) {
    const VOID: [&str; 6] = ["meta", "link", "input", "br", "img", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, behind) = after.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
        assert!(!tag.contains("javascript:") && !tag.contains(" on"), "<{tag}>");
        if name == "script" && !tag.starts_with('/') {
            let known = [
                "script src=\"/assets/viewer.js\" defer",
                "script type=\"application/json\" class=\"hover\"",
            ];
            assert!(known.contains(&tag), "<{tag}>");
        }
        rest = behind;
    }
    assert_eq!(open, Vec::<&str>::new());
    assert!(!html.contains(['\u{0}', '\u{202e}']));
}

#[track_caller]
fn check(address: &str, status: u16, has: &[&str], has_not: &[&str]) {
    let viewer = viewer(BOARD, &["alpha", "beta"], Still::default());
    let (got, html) = ask(&viewer, address);
    assert_eq!(got, status, "{html}");
    check_page(&html);
    for part in has {
        assert!(html.contains(part), "{address} lacks {part}: {html}");
    }
    for part in has_not {
        assert!(!html.contains(part), "{address} has {part}: {html}");
    }
}

#[test]
fn a_dashboard_is_drawn() {
    let values = ["Rate of All", "3.0<small> req/s</small>", "gpt", "data-v=\"3600\"", "Last 30 minutes"];
    check("/", 200, &[values[0], values[1], values[3], values[4]], &[values[2], "Hidden text"]);
    check("/d/board", 200, &["By model, last values: alpha 1, beta 2"], &[]);
    check("/d/board/any-name", 200, &["<title>Board"], &[]);
    check(
        "/d/board",
        200,
        &["?from=now-30m&amp;to=now&amp;var-model=beta", "<b>A</b> 1:5: parse error"],
        &[],
    );
    check("/d/board", 200, &["<code>geomap</code> are not drawn here", "down</b>", "style=\"width:50%"], &[]);
    check("/d/board", 200, &["data-refresh=\"30\"", "href=\"/d/board?row=7\""], &["Hidden text"]);
}

#[test]
fn what_is_asked_for_is_drawn() {
    check("/d/board?var-model=beta", 200, &["Rate of beta", "2.0<small> req/s"], &["alpha 1"]);
    check("/d/board?var-model=beta&var-model=alpha", 200, &["Rate of beta + alpha", "3.0<small>"], &[]);
    check("/d/board?var-model=gone", 200, &["Rate of gone", "No data"], &["req/s"]);
    check("/d/board?from=now-5m&to=now-1m", 200, &["now-5m – now-1m"], &[]);
    check("/d/board?from=1795685000000&to=1795686000000", 200, &["2026-11-26T09:23:20Z"], &[]);
    let fields =
        ["value=\"2026-11-26 09:23:20\"", "data-t=\"1795685000123\"", "value=\"2026-11-26 09:23:20.123\""];
    check("/d/board?from=1795685000000&to=1795686000000", 200, &[fields[0], "UTC"], &[fields[2]]);
    check("/d/board?from=1795685000123&to=1795686000000", 200, &fields[1..], &[]);
    check(
        "/d/board?from=2026-11-26 09:23&to=now",
        200,
        &["value=\"2026-11-26 09:23:00\""],
        &["cannot be read"],
    );
    check("/d/board?from=now/d&to=now&tz=540", 200, &["\"r\":[1795618800000,"], &[]);
    check("/d/board?from=yesterday", 200, &["the time range from yesterday to now cannot be read"], &[]);
    check("/d/board?row=7", 200, &["Hidden text", "deep"], &[]);
    check("/d/board?refresh=", 200, &["data-refresh=\"0\""], &["http-equiv"]);
    check("/d/board?theme=light", 200, &["data-theme=\"light\"", "href=\"/targets?theme=light\""], &[]);
    check("/d/board?from=now-2h&to=now-90m", 200, &["No data"], &[]);
}

#[test]
fn other_pages_and_grafanas_api_answer() {
    check("/dashboards", 200, &["href=\"/d/board\"", "What is this?"], &[]);
    check("/targets", 200, &["Nothing is scraped"], &[]);
    check("/alerts", 200, &["There is no alerting rule"], &[]);
    check("/d/none", 404, &["There is no dashboard of that name"], &[]);
    check("/nowhere", 404, &["There is no such page"], &[]);
    let viewer = viewer(BOARD, &[], Still::default());
    assert_eq!(ask(&viewer, "/api/health").1, r#"{"commit":"","database":"ok","version":"1.2.3"}"#);
    assert!(ask(&viewer, "/api/search?query=BOA").1.contains(r#""url":"/d/board""#));
    assert_eq!(ask(&viewer, "/api/search?query=x").1, "[]");
    assert!(ask(&viewer, "/api/dashboards/uid/board").1.contains(r#""title":"Board""#));
    assert_eq!(ask(&viewer, "/api/dashboards/uid/x").0, 404);
    assert_eq!(ask(&viewer, "/assets/viewer.css").0, 200);
    let post = Asked { method: Method::POST, ..Asked::get("/") };
    assert_eq!(viewer.answer(post).status, 405);
}

#[test]
fn hostile_texts_are_only_texts() {
    let board = BOARD.replace("\"What is this?\"", &serde_json::Value::from(HOSTILE).to_string());
    let rule = AlertingRule {
        alert: HOSTILE.to_owned(),
        expr: syntax::parse("up{a=\"<b>\"} == 0", &syntax::Options::default()).unwrap(),
        hold: PromDuration::from_secs(60),
        keep_firing_for: PromDuration::default(),
        labels: [("severity".to_owned(), HOSTILE.to_owned())].into(),
        annotations: [(HOSTILE.to_owned(), HOSTILE.to_owned())].into(),
    };
    let at = Timestamp(NOW - 5_000);
    let labels: Labels = [("alertname", HOSTILE), ("instance", HOSTILE)].into_iter().collect();
    let annotations =
        [("runbook_url", "javascript:alert(1)"), ("x", HOSTILE), ("runbook_url", "http://x/\"><script>")];
    let alert = Alert {
        state: AlertState::Firing,
        labels: labels.clone(),
        annotations: annotations.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        value: f64::NAN,
        active_at: at,
        fired_at: Some(at),
        resolved_at: None,
        keep_firing_since: None,
    };
    let status = RuleStatus {
        id: RuleId { group: 0, rule: 0 },
        labels: rule.labels.clone(),
        rule: rules::Rule::Alerting(rule),
        health: RuleHealth::Err,
        last_error: HOSTILE.to_owned(),
        last_evaluation: Some(at),
        evaluation_time: Duration::from_millis(1),
        alerts: vec![alert],
    };
    let group = GroupStatus {
        name: HOSTILE.to_owned(),
        file: HOSTILE.to_owned(),
        interval: Duration::from_secs(15),
        limit: 0,
        last_evaluation: None,
        evaluation_time: Duration::ZERO,
        rules: vec![status],
    };
    let target = Target {
        discovered: Labels::default(),
        labels,
        pool: HOSTILE.to_owned(),
        url: HOSTILE.to_owned(),
        health: Health::Down,
        last_error: HOSTILE.to_owned(),
        last_scrape: Some(at),
        last_duration: Duration::from_millis(3),
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
    };
    let engine =
        Still { targets: Targets { active: vec![target], ..Targets::default() }, groups: vec![group] };
    let viewer = viewer(&board, &[HOSTILE, "|</script>|", "b"], engine);
    let addresses = ["/", "/d/board", "/targets", "/alerts", "/dashboards"].map(str::to_owned);
    let asked = [
        format!("/d/board?var-model={HOSTILE}&theme={HOSTILE}&refresh={HOSTILE}&{HOSTILE}={HOSTILE}"),
        format!("/d/board?from={HOSTILE}&to={HOSTILE}&var-window={HOSTILE}&row={HOSTILE}"),
        format!("/d/{HOSTILE}"),
        format!("/{HOSTILE}"),
    ];
    for address in addresses.into_iter().chain(asked) {
        let (_, html) = ask(&viewer, &address);
        check_page(&html);
        assert!(!html.contains("<script>alert"), "{address}");
    }
    assert!(ask(&viewer, "/alerts").1.contains("<small>runbook_url</small> javascript:alert(1)"));
}

/// Texts of a board changed at random: whatever becomes of them, a page is answered.
#[test]
fn no_dashboard_brings_the_viewer_down() {
    let pieces = [
        "null",
        "-1",
        "1e308",
        "\"\"",
        "[]",
        "{}",
        "true",
        "9e99",
        "\"now/d\"",
        "\"${\"",
        "\"$model\"",
        "\"rate(\"",
        "0.5",
        "\"max(time())\"",
        "\"vector(1/0)\"",
        "\"log\"",
        "\"percent\"",
        "\"bars\"",
        "\"points\"",
        "\"table\"",
        "18446744073709551616",
    ];
    let mut random = 7_u64;
    let mut draw = |below: usize| {
        // A linear congruential generator (Knuth's MMIX) is random enough to pick places.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    let values: Vec<(usize, usize)> = BOARD
        .match_indices(": ")
        .map(|(at, _)| {
            let rest = &BOARD[at + 2..];
            let length = match rest.as_bytes()[0] {
                b'"' => rest[1..].find('"').map_or(1, |end| end + 2),
                _ => rest.find([',', '}', ']', '\n', '{', '[']).unwrap_or(0),
            };
            (at + 2, length)
        })
        .filter(|(_, length)| *length > 0)
        .collect();
    let mut drawn = 0;
    for _ in 0..300 {
        let mut board = BOARD.to_owned();
        let mut places: Vec<(usize, usize)> = (0..3).map(|_| values[draw(values.len())]).collect();
        places.sort_unstable();
        places.dedup();
        for (at, length) in places.into_iter().rev() {
            board.replace_range(at..at + length, pieces[draw(pieces.len())]);
        }
        let viewer = viewer(&board, &["alpha"], Still::default());
        let (status, html) = ask(&viewer, "/");
        check_page(&html);
        assert_eq!(status, 200);
        drawn += usize::from(html.contains("class=\"panel"));
    }
    assert!(drawn > 200, "only {drawn} boards had panels");
}
