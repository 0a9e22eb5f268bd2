//! What is not samples: a configuration for Prometheus, and an engine that tells of one like it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::bail;
use llmobs::{
    engine::{
        Alertmanagers, DroppedTarget, GroupStatus, Health, Metadata, Observe, ReloadError, RuleHealth,
        RuleStatus, Runtime, SeriesExemplars, Target, Targets,
    },
    promql::syntax,
    rules::{Alert, AlertState, AlertingRule, RecordingRule, Rule, RuleId},
    series::{Labels, Matcher, TimeSpan},
    time::{PromDuration, Timestamp},
};

use crate::judge::Http;

/// A target that is down, one that relabelling drops, groups of rules, an Alertmanager that is not there.
pub(super) const CONFIG: &str = r#"
global: {scrape_interval: 15s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:1"]}]}]}
scrape_configs:
- job_name: gone
  scrape_interval: 1s
  static_configs: [{targets: ["127.0.0.1:1", "127.0.0.1:2"], labels: {zone: "a<b"}}]
  relabel_configs: [{source_labels: [__address__], regex: ".*:2", action: drop}]
"#;

pub(super) const RULES: &str = r#"
groups:
- name: recording
  rules:
  - {record: "job:up:sum", expr: "sum by(job)(vector(1))", labels: {x: "y"}}
- name: alerting
  interval: 1s
  limit: 5
  rules:
  - {alert: Always, expr: "vector(1e-7) <1", labels: {severity: page}, annotations: {summary: "{{ $value }} < 1"}}
  - {alert: Never, expr: "vector(1) > 2", for: 1m, keep_firing_for: 2m}
  - {alert: Soon, expr: "vector(1)", for: 1h}
"#;

/// Waits until Prometheus has scraped and evaluated.
pub(super) fn settle(server: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut http = Http::open(server)?;
    while Instant::now() < deadline {
        let mut says = |path: &str, text: &str| {
            let reply = http.exchange("GET", path, "", b"")?;
            anyhow::Ok(String::from_utf8_lossy(&reply.body).contains(text))
        };
        if says("/api/v1/targets", "\"health\":\"down\"")? && says("/api/v1/alerts", "Soon")? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("Prometheus has evaluated nothing after 30 s")
}

/// Tells what an engine with that configuration would.
#[derive(Debug)]
pub(crate) struct Told;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn discovered(address: &str) -> Labels {
    labels(&[
        ("__address__", address),
        ("__always_scrape_classic_histograms__", "false"),
        ("__convert_classic_histograms_to_nhcb__", "false"),
        ("__metrics_path__", "/metrics"),
        ("__scheme__", "http"),
        ("__scrape_interval__", "1s"),
        ("__scrape_native_histograms__", "false"),
        ("__scrape_timeout__", "1s"),
        ("job", "gone"),
        ("zone", "a<b"),
    ])
}

impl Told {
    fn rule(rule: Rule, labels: &[(&str, &str)], alerts: Vec<Alert>) -> RuleStatus {
        RuleStatus {
            id: RuleId { group: 0, rule: 0 },
            rule,
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            health: RuleHealth::Ok,
            last_error: String::new(),
            last_evaluation: Some(Self.now()),
            evaluation_time: Duration::from_micros(300),
            alerts,
        }
    }

    fn alerting(alert: &str, expr: &str, seconds: (u64, u64), annotations: &[(&str, &str)]) -> Rule {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Rule::Alerting(AlertingRule {
            alert: alert.to_owned(),
            expr: parsed(expr),
            hold: PromDuration::from_secs(seconds.0),
            keep_firing_for: PromDuration::from_secs(seconds.1),
            labels: BTreeMap::new(),
            annotations: annotations.iter().map(pair).collect(),
        })
    }

    fn group(name: &str, limit: usize, rules: Vec<RuleStatus>) -> GroupStatus {
        GroupStatus {
            name: name.to_owned(),
            file: "rules.yml".to_owned(),
            interval: Duration::from_secs(1),
            limit,
            last_evaluation: Some(Self.now()),
            evaluation_time: Duration::from_micros(700),
            rules,
        }
    }
}

fn parsed(expr: &str) -> syntax::Expr {
    syntax::parse(expr, &syntax::Options::default()).expect("the rules above are well-formed")
}

impl Observe for Told {
    fn targets(&self) -> Targets {
        let error = "Get \"http://127.0.0.1:1/metrics\": dial tcp 127.0.0.1:1: connect: connection refused";
        let target = Target {
            discovered: discovered("127.0.0.1:1"),
            labels: labels(&[("instance", "127.0.0.1:1"), ("job", "gone"), ("zone", "a<b")]),
            pool: "gone".to_owned(),
            url: "http://127.0.0.1:1/metrics".to_owned(),
            health: Health::Down,
            last_error: error.to_owned(),
            last_scrape: Some(self.now()),
            last_duration: Duration::from_micros(700),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
        };
        Targets {
            active: vec![target],
            dropped: vec![DroppedTarget { discovered: discovered("127.0.0.1:2"), pool: "gone".to_owned() }],
            dropped_counts: [("gone".to_owned(), 1)].into(),
        }
    }

    fn metadata(&self) -> Vec<Metadata> {
        Vec::new()
    }

    fn exemplars(&self, _: &[Vec<Matcher>], _: TimeSpan) -> Vec<SeriesExemplars> {
        Vec::new()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        let alert =
            |name: &str, state, labels_of: &[(&str, &str)], value, annotations: &[(&str, &str)]| Alert {
                state,
                labels: labels(&[labels_of, &[("alertname", name)]].concat()),
                annotations: annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                value,
                active_at: self.now(),
                fired_at: None,
                resolved_at: None,
                keep_firing_since: None,
            };
        let severity = [("severity", "page")];
        let always = alert("Always", AlertState::Firing, &severity, 1e-7, &[("summary", "1e-07 < 1")]);
        let soon = alert("Soon", AlertState::Pending, &[], 1.0, &[]);
        let recording = Rule::Recording(RecordingRule {
            record: "job:up:sum".to_owned(),
            expr: parsed("sum by(job)(vector(1))"),
            labels: BTreeMap::new(),
        });
        let summary = [("summary", "{{ $value }} < 1")];
        vec![
            Self::group("recording", 0, vec![Self::rule(recording, &[("x", "y")], Vec::new())]),
            Self::group(
                "alerting",
                5,
                vec![
                    Self::rule(
                        Self::alerting("Always", "vector(1e-7) <1", (0, 0), &summary),
                        &severity,
                        vec![always],
                    ),
                    Self::rule(Self::alerting("Never", "vector(1) > 2", (60, 120), &[]), &[], Vec::new()),
                    Self::rule(Self::alerting("Soon", "vector(1)", (3600, 0), &[]), &[], vec![soon]),
                ],
            ),
        ]
    }

    fn alertmanagers(&self) -> Alertmanagers {
        Alertmanagers { active: vec!["http://127.0.0.1:1/api/v2/alerts".to_owned()], dropped: Vec::new() }
    }

    fn config(&self) -> String {
        CONFIG.to_owned()
    }

    fn runtime(&self) -> Runtime {
        Runtime {
            started: self.now(),
            reload_success: true,
            last_reload: self.now(),
            retention: "100y".to_owned(),
            folder: "/".to_owned(),
        }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
