//! What the reader takes, what it refuses and where, what it warns of.

use std::path::{Path, PathBuf};

use crate::text::Source;

use super::*;

fn read_text(text: &str) -> Result<(Config, Vec<crate::diagnostic::Diagnostic>), Vec<String>> {
    let source = Source::new("p.yml", text);
    read(&source).map_err(|mistakes| mistakes.iter().map(shown).collect())
}

fn shown(mistake: &crate::diagnostic::Diagnostic) -> String {
    let label = &mistake.labels[0];
    let at = label.source.position(label.span.start);
    format!("{}:{}: {}", at.line, at.column, mistake.message)
}

#[track_caller]
fn refuse(text: &str, expect: &[&str]) {
    assert_eq!(
        read_text(text).map(|(config, _)| config),
        Err(expect.iter().map(|s| (*s).to_owned()).collect())
    );
}

/// One job with these further keys, in flow style.
#[track_caller]
fn refuse_job(keys: &str, expect: &str) {
    let mistakes = read_text(&format!("scrape_configs: [{{job_name: a, {keys}}}]")).unwrap_err();
    let messages: Vec<&str> =
        mistakes.iter().map(|mistake| mistake.splitn(3, ':').nth(2).unwrap_or_default().trim()).collect();
    assert_eq!(messages, [expect], "{keys}");
}

#[track_caller]
fn warn(text: &str, expect: &[&str]) {
    let (_, warnings) = read_text(text).unwrap();
    assert_eq!(warnings.iter().map(shown).collect::<Vec<_>>(), expect);
}

fn job(keys: &str) -> ScrapeConfig {
    let (config, warnings) = read_text(&format!("scrape_configs: [{{job_name: a, {keys}}}]")).unwrap();
    assert_eq!(warnings, []);
    config.scrape_configs.into_iter().next().unwrap()
}

#[test]
fn an_empty_file_has_the_defaults() {
    for text in ["", "global:", "global: {}", "# nothing\n", "scrape_configs: []"] {
        let (config, warnings) = read_text(text).unwrap();
        assert_eq!(config, Config::default(), "{text}");
        assert_eq!(warnings, []);
    }
}

#[test]
fn a_job_takes_what_global_says() {
    let text = "\
global:
  scrape_interval: 15s
  scrape_timeout: 12s
  sample_limit: 100
  body_size_limit: 10MB
  external_labels: {b: $x, a: '1'}
rule_files: [rules/*.yml, /abs.yml]
scrape_configs:
  - job_name: llm
    scrape_interval: 5s
    label_limit: 30
    params: {module: [a, b], empty: }
    static_configs:
      - targets: ['exporter:9091', other:1]
        labels: {tier: gold}
  - job_name: other
    file_sd_configs: [{files: [targets/*.yml]}]
    sample_limit: 7
";
    let (mut config, warnings) = read_text(text).unwrap();
    assert_eq!(warnings, []);
    config.set_directory(Path::new("/etc/p"));
    let files: Vec<_> = config.rule_files.iter().map(|file| file.node.clone()).collect();
    assert_eq!(files, [PathBuf::from("/etc/p/rules/*.yml"), PathBuf::from("/abs.yml")]);
    let labels: Vec<_> = config.global.external_labels.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(labels, ["a", "b"]);
    let [llm, other] = &config.scrape_configs[..] else { panic!("two jobs") };
    let times = |job: &ScrapeConfig| (job.scrape_interval.as_millis(), job.scrape_timeout.as_millis());
    assert_eq!((times(llm), times(other)), ((5_000, 5_000), (15_000, 12_000)));
    assert_eq!((llm.limits.samples, llm.limits.labels, llm.limits.body_size), (100, 30, 10 << 20));
    assert_eq!(other.limits.samples, 7);
    assert_eq!(llm.params["module"], ["a", "b"]);
    assert_eq!(llm.discovery.groups[0].targets, ["exporter:9091", "other:1"]);
    assert_eq!(llm.discovery.groups[0].labels["tier"], "gold");
    assert_eq!(other.discovery.files[0].files, [PathBuf::from("/etc/p/targets/*.yml")]);
    assert_eq!(other.discovery.files[0].refresh_interval.as_millis(), 300_000);
    assert_eq!((llm.metrics_path.as_str(), llm.scheme.as_str()), ("/metrics", "http"));
    assert!(llm.honor_timestamps && !llm.honor_labels && llm.enable_compression);
    assert_eq!(llm.scrape_protocols, ScrapeProtocol::DEFAULT);
}

#[test]
fn all_mistakes_are_told_at_once() {
    refuse(
        "global:\n  scrape_interval: 5x\nscrape_config: []\nscrape_configs:\n  - honor_labels: maybe\n",
        &[
            "2:20: `5x` is no duration",
            "3:1: unknown key `scrape_config` in prometheus.yml",
            "5:5: job_name is empty",
            "5:19: `maybe` is neither `true` nor `false`",
        ],
    );
    refuse(
        "scrape_configs: [{job_name: a}, {job_name: a}]",
        &["1:44: found multiple scrape configs with job name `a`"],
    );
    refuse("scrape_configs:\n  -\n", &["2:4: empty or null scrape config section"]);
    refuse("rule_files: ['a*/b']", &["1:14: invalid rule file path `a*/b`"]);
    refuse("[1]", &["1:1: prometheus.yml has keys; this is a list"]);
    refuse("remote_write: [{name: a}]", &["1:16: url for remote_write is empty"]);
    refuse(
        "remote_write: [{url: 'http://a', name: x}, {url: 'https://b', name: x, queue_config: {min_shards: 60}}]",
        &[
            "1:69: found multiple remote write configs with job name `x`",
            "1:72: remote write queue min_shards must not be greater than max_shards",
        ],
    );
    refuse(
        "alerting: {alertmanagers: [{api_version: v1}]}",
        &["1:42: expected Alertmanager api version to be `v2` but got `v1`"],
    );
}

#[test]
fn jobs_are_refused_as_in_prometheus() {
    refuse_job("scrape_timeout: 2m", "the scrape timeout is greater than the scrape interval, 1m");
    refuse_job("scheme: ftp", "`ftp` is no scheme that can be asked");
    refuse_job("static_configs: [{targets: ['http://a:1/x']}]", "`http://a:1/x` is not a valid hostname");
    refuse_job("sample_limit: -1", "`-1` is no whole number");
    refuse_job("body_size_limit: 100", "`100` is no size");
    refuse_job("scrape_protocols: []", "scrape_protocols cannot be empty");
    refuse_job("scrape_protocols: [Text]", "unknown scrape protocol `Text`");
    refuse_job(
        "scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]",
        "duplicated protocol `PrometheusText0.0.4` in scrape_protocols",
    );
    refuse_job("proxy_url: 'http://p:1'", "`proxy_url`: targets are not asked through a proxy");
    refuse_job("http_headers: {Host: {values: [x]}}", "setting header `Host` is not allowed");
    refuse_job(
        "basic_auth: {password: a, password_file: b}",
        "at most one of password & password_file must be configured",
    );
    refuse_job(
        "basic_auth: {username: a}, authorization: {}",
        "`basic_auth` and `authorization` are both there",
    );
    refuse_job("bearer_token: x, basic_auth: {}", "`bearer_token` and `basic_auth` are both there");
    refuse_job("authorization: {type: Basic}", "authorization type cannot be set to `basic`");
    refuse_job(
        "tls_config: {cert_file: a}",
        "exactly one of key or key_file must be configured when a client certificate is configured",
    );
    refuse_job("tls_config: {min_version: TLS9}", "unknown TLS version: `TLS9`");
    refuse_job("file_sd_configs: [{files: [a.txt]}]", "path name `a.txt` is not valid for file discovery");
    refuse_job("file_sd_configs: [{}]", "file service discovery config must contain at least one path name");
    refuse_job("http_sd_configs: [{url: 'ftp://a'}]", "`ftp://a` is no URL");
    refuse_job(
        "metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8",
        "utf8 metric names requested but validation scheme is not set to UTF8",
    );
}

#[test]
fn relabelling_rules_are_refused_as_in_prometheus() {
    let refuse = |rule: &str, expect: &str| refuse_job(&format!("relabel_configs: [{{{rule}}}]"), expect);
    refuse("action: hashmod, target_label: a", "relabel configuration for hashmod requires non-zero modulus");
    refuse("regex: a", "relabel configuration for replace action requires `target_label` value");
    refuse("action: no", "unknown relabel action `no`");
    refuse("regex: '(', target_label: a", "error parsing regexp: missing closing ): `(`");
    refuse(
        "action: uppercase, target_label: a, replacement: x",
        "`replacement` can not be set for uppercase action",
    );
    refuse(
        "action: labeldrop, target_label: a",
        "labeldrop action requires only `regex`, and no other fields",
    );
    refuse(
        "action: labelkeep, source_labels: []",
        "labelkeep action requires only `regex`, and no other fields",
    );
    refuse(
        "action: keepequal, target_label: a, regex: b",
        "keepequal action requires only `source_labels` and `target_label`, and no other fields",
    );
    refuse("action: labelmap, replacement: ''", "`` is invalid `replacement` for labelmap action");
    refuse_job(
        "metric_name_validation_scheme: legacy, relabel_configs: [{target_label: a-b}]",
        "`a-b` is invalid `target_label` for replace action",
    );
    refuse_job("relabel_configs: [null]", "the relabelling rule is empty");
    let rule = &job("relabel_configs: [{action: Replace, target_label: 'ä'}]").relabel[0];
    assert_eq!(rule, &Relabel { target_label: "ä".to_owned(), ..Relabel::default() });
}

#[test]
fn what_is_not_done_is_told() {
    warn(
        "tracing: {endpoint: x}\nremote_read: [{url: x}]\n",
        &[
            "1:1: `tracing` is not done by the embedded engine",
            "2:1: `remote_read` is not done by the embedded engine",
        ],
    );
    warn(
        "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [a]}], oauth2: {}}]",
        &[
            "1:32: `dns_sd_configs` is not done by the embedded engine",
            "1:64: `oauth2` is not done by the embedded engine",
        ],
    );
    warn(
        "global: {scrape_native_histograms: false, scrape_protocols: [PrometheusProto]}",
        &["1:62: the scrape protocol `PrometheusProto` is not done by the embedded engine"],
    );
    warn(
        "remote_write: [{url: 'http://a', send_exemplars: true, queue_config: {max_shards: 5, min_shards: 2}}]",
        &[
            "1:34: `send_exemplars` is not done by the embedded engine",
            "1:86: `min_shards` is not done by the embedded engine",
        ],
    );
    warn(
        "remote_write: [{url: 'http://a', send_exemplars: false, queue_config: {max_shards: 5, min_shards: 1}}]",
        &[],
    );
}

#[test]
fn clients_are_read() {
    let client =
        job("bearer_token_file: t, follow_redirects: false, http_headers: {X-A: {files: [f]}}").client;
    assert_eq!(
        client.authorization,
        Some(Authorization { kind: "Bearer".to_owned(), credentials: Some(Credential::File("t".into())) })
    );
    assert!(!client.follow_redirects);
    let auth = job("basic_auth: {username: user, password: hunter2}").client;
    assert!(!format!("{auth:?}").contains("hunter2"));
    let mut tls = job("tls_config: {ca_file: ca, cert_file: c, key_file: k, min_version: TLS12}");
    tls.set_directory(Path::new("/d"));
    assert_eq!(tls.client.tls.ca, Some(Credential::File("/d/ca".into())));
    assert_eq!(tls.client.tls.min_version, Some(TlsVersion::V12));
}

#[test]
fn the_rest_of_the_file() {
    let text = "\
storage:
  tsdb: {out_of_order_time_window: 30m, retention: {time: 15d, size: 5GB}}
  exemplars: {max_exemplars: -1}
alerting:
  alert_relabel_configs: [{target_label: a, replacement: b}]
  alertmanagers:
    - static_configs: [{targets: [am:9093]}]
      path_prefix: /am
remote_write:
  - url: http://mimir:9009/api/v1/push
    headers: {X-Scope-OrgID: t}
    queue_config: {capacity: 5}
";
    let (config, warnings) = read_text(text).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config.storage.out_of_order_time_window.as_millis(), 30 * 60_000);
    assert_eq!(config.storage.retention_time.unwrap().to_string(), "15d");
    assert_eq!((config.storage.retention_size, config.storage.max_exemplars), (Some(5 << 30), 0));
    let alertmanager = &config.alerting.alertmanagers[0];
    assert_eq!((alertmanager.path_prefix.as_str(), alertmanager.timeout.as_millis()), ("/am", 10_000));
    assert_eq!(config.alerting.alert_relabel.len(), 1);
    let write = &config.remote_write[0];
    assert_eq!((write.queue.capacity, write.queue.max_shards), (5, 50));
    assert_eq!(write.headers[0].values, [Credential::Inline(Secret::new("t"))]);
}

#[test]
fn scrape_files_are_read_alone() {
    let source = Source::new("s.yml", "scrape_configs:\n  - {job_name: a, basic_auth: {password_file: p}}\n");
    let global = Global { scrape_interval: crate::time::PromDuration::from_secs(3), ..Global::default() };
    let (configs, _) = read_scrape_file(&source, &global, Path::new("/d")).unwrap();
    assert_eq!(configs[0].scrape_timeout.as_millis(), 3_000);
    let password = configs[0].client.basic_auth.as_ref().and_then(|auth| auth.password.clone());
    assert_eq!(password, Some(Credential::File("/d/p".into())));
}
