//! `/metrics` of this process, under the names that dashboards of Prometheus ask for.

use std::{fmt::Write as _, sync::atomic::Ordering};

use super::Api;
use crate::{
    engine::{ForwardCounts, Forwarding, Health},
    rules::AlertState,
    series::quoted,
    server::http::Reply,
    time::Timestamp,
};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A figure of samples that are sent on.
type OfCounts = fn(&ForwardCounts) -> f64;

/// Exposition text in the making.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A `String` takes everything.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

impl Api {
    pub(super) fn metrics(&self) -> Reply {
        let mut text = Text(String::with_capacity(8 << 10));
        let settings = &self.settings;
        text.family(
            "prometheus_build_info",
            "gauge",
            "Which Prometheus' API this is, and which program answers.",
        );
        let _ = writeln!(
            text.0,
            "prometheus_build_info{{branch=\"\",revision={},version={}}} 1",
            quoted(&settings.revision),
            quoted(&settings.version)
        );
        let is_ready = u8::from(self.ready.load(Ordering::Acquire));
        text.gauge("prometheus_ready", "Whether the server answers queries.", is_ready);
        self.store_metrics(&mut text);
        self.engine_metrics(&mut text);
        self.forward_metrics(&mut text);
        self.request_metrics(&mut text);
        text.0.push_str(&(settings.process)());
        Reply::new(200, CONTENT_TYPE, text.0)
    }

    fn store_metrics(&self, text: &mut Text) {
        let stats = self.store.stats();
        text.gauge("prometheus_tsdb_head_series", "Series in memory.", stats.series);
        text.gauge("prometheus_tsdb_head_chunks", "Chunks in memory.", stats.chunks);
        if let (Some(min), Some(max)) = (stats.head_min_time, stats.head_max_time) {
            text.gauge(
                "prometheus_tsdb_head_min_time_seconds",
                "Oldest sample in memory.",
                min.as_secs_f64(),
            );
            text.gauge(
                "prometheus_tsdb_head_max_time_seconds",
                "Newest sample in memory.",
                max.as_secs_f64(),
            );
        }
        if let Some(min) = stats.min_time {
            text.gauge(
                "prometheus_tsdb_lowest_timestamp_seconds",
                "Oldest sample of all.",
                min.as_secs_f64(),
            );
        }
        text.gauge("prometheus_tsdb_blocks_loaded", "Blocks on disk.", stats.blocks);
        text.gauge(
            "prometheus_tsdb_storage_blocks_bytes",
            "Bytes on disk, log included.",
            stats.bytes_on_disk,
        );
        text.gauge("prometheus_tsdb_wal_storage_size_bytes", "Bytes of the log.", stats.log_bytes);
        text.family(
            "prometheus_tsdb_head_samples_appended_total",
            "counter",
            "Samples taken since the start.",
        );
        let _ = writeln!(
            text.0,
            "prometheus_tsdb_head_samples_appended_total{{type=\"float\"}} {}",
            stats.samples_appended
        );
        text.counter(
            "llmobs_tsdb_samples_rejected_total",
            "Samples that the store refused since the start.",
            stats.samples_rejected,
        );
    }

    fn engine_metrics(&self, text: &mut Text) {
        let runtime = self.engine.runtime();
        text.gauge(
            "prometheus_config_last_reload_successful",
            "Whether the configuration that was read last is the one that runs.",
            u8::from(runtime.reload_success),
        );
        text.gauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            "When the configuration that runs was read.",
            runtime.last_reload.as_secs_f64(),
        );
        let targets = self.engine.targets();
        text.family("llmobs_scrape_targets", "gauge", "Targets by how their last scrape went.");
        for health in [Health::Up, Health::Down, Health::Unknown] {
            let count = targets.active.iter().filter(|target| target.health == health).count();
            let _ = writeln!(text.0, "llmobs_scrape_targets{{health=\"{}\"}} {count}", health.text());
        }
        let groups = self.engine.groups();
        let label = |file: &str, name: &str| quoted(&format!("{file};{name}"));
        text.family("prometheus_rule_group_rules", "gauge", "Rules of each group.");
        for group in &groups {
            let name = label(&group.file, &group.name);
            let _ =
                writeln!(text.0, "prometheus_rule_group_rules{{rule_group={name}}} {}", group.rules.len());
        }
        text.family(
            "prometheus_rule_group_last_duration_seconds",
            "gauge",
            "How long the last evaluation of each group took.",
        );
        for group in &groups {
            let _ = writeln!(
                text.0,
                "prometheus_rule_group_last_duration_seconds{{rule_group={}}} {}",
                label(&group.file, &group.name),
                group.evaluation_time.as_secs_f64()
            );
        }
        let alerts = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts);
        let mut counts = [0_usize; 2];
        for alert in alerts {
            match alert.state {
                AlertState::Pending => counts[0] += 1,
                AlertState::Firing => counts[1] += 1,
                AlertState::Inactive => {}
            }
        }
        text.family("llmobs_alerts", "gauge", "Alerts by state.");
        for (state, count) in [AlertState::Pending, AlertState::Firing].into_iter().zip(counts) {
            let _ = writeln!(text.0, "llmobs_alerts{{alertstate=\"{}\"}} {count}", state.text());
        }
        let managers = self.engine.alertmanagers().active.len();
        text.gauge("prometheus_notifications_alertmanagers_discovered", "Alertmanagers.", managers);
        let counters = self.engine.counters();
        text.counter("prometheus_rule_evaluations_total", "Evaluations of rules.", counters.rule_evaluations);
        text.counter(
            "prometheus_rule_evaluation_failures_total",
            "Evaluations of rules that failed.",
            counters.rule_failures,
        );
        text.counter(
            "prometheus_rule_group_iterations_missed_total",
            "Evaluations of groups that came too late.",
            counters.rule_iterations_missed,
        );
        text.counter(
            "prometheus_notifications_sent_total",
            "Alerts that an Alertmanager took.",
            counters.alerts_sent,
        );
        text.counter(
            "prometheus_notifications_errors_total",
            "Alerts that an Alertmanager did not take.",
            counters.alerts_failed,
        );
        text.counter(
            "prometheus_notifications_dropped_total",
            "Alerts that found no place in the queue.",
            counters.alerts_dropped,
        );
        text.gauge(
            "prometheus_notifications_queue_length",
            "Alerts that wait to be sent.",
            counters.alerts_waiting,
        );
    }

    fn forward_metrics(&self, text: &mut Text) {
        let all = self.engine.forwarding();
        if all.is_empty() {
            return;
        }
        let families: [(&str, &str, &str, OfCounts); 6] = [
            ("prometheus_remote_storage_samples_total", "counter", "Samples that were sent on.", |counts| {
                counts.sent as f64
            }),
            (
                "prometheus_remote_storage_samples_failed_total",
                "counter",
                "Samples that the other side refused for good.",
                |counts| counts.failed as f64,
            ),
            (
                "prometheus_remote_storage_samples_retried_total",
                "counter",
                "Samples that were sent again after a failure that may pass.",
                |counts| counts.retried as f64,
            ),
            (
                "prometheus_remote_storage_samples_dropped_total",
                "counter",
                "Samples that were left out: too old, or no room while the other side was away.",
                |counts| counts.dropped as f64,
            ),
            ("prometheus_remote_storage_samples_pending", "gauge", "Samples that wait.", |counts| {
                counts.waiting as f64
            }),
            (
                "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                "gauge",
                "The newest sample that was sent on.",
                |counts| counts.newest_sent.map_or(0.0, Timestamp::as_secs_f64),
            ),
        ];
        for (family, kind, help, value) in families {
            text.family(family, kind, help);
            for Forwarding { name, url, counts } in &all {
                let (name, url, value) = (quoted(name), quoted(url), value(counts));
                let _ = writeln!(text.0, "{family}{{remote_name={name},url={url}}} {value}");
            }
        }
    }

    fn request_metrics(&self, text: &mut Text) {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        text.counter("llmobs_http_requests_total", "Requests that were answered.", count(&counts.requests));
        text.counter("llmobs_queries_total", "Queries that were evaluated.", count(&counts.queries));
        text.counter(
            "llmobs_remote_write_received_samples_total",
            "Samples that came by remote write.",
            count(&counts.samples),
        );
        text.counter(
            "prometheus_api_remote_write_invalid_labels_samples_total",
            "Samples that came by remote write with labels that no series may have.",
            count(&counts.invalid_labels),
        );
        text.counter(
            "llmobs_remote_write_histograms_skipped_total",
            "Native histograms that came by remote write and are not stored.",
            count(&counts.histograms),
        );
    }
}
