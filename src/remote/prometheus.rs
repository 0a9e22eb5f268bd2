//! What llmobs asks of Prometheus; see <https://prometheus.io/docs/prometheus/latest/querying/api/>.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::remote::{Endpoint, RemoteError};

/// A scrape target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub job: String,
    pub instance: String,
    pub health: Health,
    /// Of the last scrape; empty when it succeeded.
    pub last_error: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Not scraped yet.
    Unknown,
    Up,
    Down,
}

/// An alert that is not inactive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub name: String,
    pub state: AlertState,
    /// With `alertname`.
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    Firing,
    Pending,
}

/// What became of the last reading of the configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfigLoad {
    pub successful: bool,
    /// When one last succeeded, in seconds since the Unix epoch.
    pub last_success: f64,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<ActiveTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActiveTarget {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    last_error: String,
    health: String,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<AlertEntry>,
}

#[derive(Deserialize)]
struct AlertEntry {
    labels: BTreeMap<String, String>,
    state: String,
}

/// Whether it serves queries; it answers 503 while it replays its log.
pub async fn is_ready(endpoint: &Endpoint) -> Result<bool, RemoteError> {
    Ok(endpoint.get("/-/ready", None).await?.is_success())
}

/// All active targets, sorted by job and instance.
pub async fn targets(endpoint: &Endpoint) -> Result<Vec<Target>, RemoteError> {
    let answer: Envelope<Targets> = endpoint.get_json("/api/v1/targets?state=active", None).await?;
    let mut targets: Vec<_> = answer.data.active_targets.into_iter().map(target).collect();
    targets.sort_by(|a, b| (&a.job, &a.instance).cmp(&(&b.job, &b.instance)));
    Ok(targets)
}

fn target(mut target: ActiveTarget) -> Target {
    Target {
        job: target.labels.remove("job").unwrap_or_default(),
        instance: target.labels.remove("instance").unwrap_or_default(),
        health: match target.health.as_str() {
            "up" => Health::Up,
            "down" => Health::Down,
            _ => Health::Unknown,
        },
        last_error: target.last_error,
    }
}

/// Firing alerts first, then pending ones, each sorted by name and labels.
pub async fn alerts(endpoint: &Endpoint) -> Result<Vec<Alert>, RemoteError> {
    let answer: Envelope<Alerts> = endpoint.get_json("/api/v1/alerts", None).await?;
    let mut alerts: Vec<_> = answer.data.alerts.into_iter().filter_map(alert).collect();
    alerts.sort_by(|a, b| (a.state, &a.labels).cmp(&(b.state, &b.labels)));
    Ok(alerts)
}

fn alert(entry: AlertEntry) -> Option<Alert> {
    let state = match entry.state.as_str() {
        "firing" => AlertState::Firing,
        "pending" => AlertState::Pending,
        _ => return None,
    };
    Some(Alert {
        name: entry.labels.get("alertname").cloned().unwrap_or_default(),
        state,
        labels: entry.labels,
    })
}

/// What became of the last reading of the configuration.
///
/// Read from Prometheus' own metrics: `/api/v1/status/runtimeinfo` says the same in whole seconds, too coarse to tell
/// two reloads apart.
pub async fn config_load(endpoint: &Endpoint) -> Result<ConfigLoad, RemoteError> {
    const PATH: &str = "/metrics";
    let answer = endpoint.get(PATH, None).await?;
    if !answer.is_success() {
        return Err(endpoint.status_error(PATH, &answer));
    }
    parse_config_load(&String::from_utf8_lossy(&answer.body)).ok_or_else(|| RemoteError::Unreadable {
        address: endpoint.address().to_string(),
        path: PATH.to_owned(),
        cause: "no `prometheus_config_last_reload_successful`".to_owned(),
    })
}

fn parse_config_load(metrics: &str) -> Option<ConfigLoad> {
    let value = |name: &str| {
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<f64>().ok())
    };
    Some(ConfigLoad {
        successful: value("prometheus_config_last_reload_successful")? > 0.5,
        last_success: value("prometheus_config_last_reload_success_timestamp_seconds")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::http::tests::{block_on, ok, serve};

    #[test]
    fn targets_are_read() {
        let body = r#"{"status":"success","data":{"activeTargets":[
            {"labels":{"instance":"x:1","job":"vllm"},"scrapePool":"vllm","lastError":"connection refused",
             "lastScrape":"2026-11-23T10:00:00.1Z","health":"down"},
            {"labels":{"instance":"exporter:9091","job":"mock"},"lastError":"",
             "lastScrape":"0001-01-01T00:00:00Z","health":"unknown"}],"droppedTargets":[]}}"#;
        let (endpoint, server) = serve(&[&ok(body)]);
        let target = |job: &str, instance: &str, health, last_error: &str| Target {
            job: job.to_owned(),
            instance: instance.to_owned(),
            health,
            last_error: last_error.to_owned(),
        };
        assert_eq!(
            block_on(targets(&endpoint)).unwrap(),
            [
                target("mock", "exporter:9091", Health::Unknown, ""),
                target("vllm", "x:1", Health::Down, "connection refused"),
            ]
        );
        server.join().unwrap();
    }

    #[test]
    fn alerts_are_read_firing_ones_first() {
        let body = r#"{"status":"success","data":{"alerts":[
            {"labels":{"alertname":"B"},"annotations":{},"state":"pending","activeAt":"x","value":"1"},
            {"labels":{"alertname":"C","severity":"info"},"annotations":{},"state":"firing","value":"1"}]}}"#;
        let (endpoint, server) = serve(&[&ok(body)]);
        let seen: Vec<_> =
            block_on(alerts(&endpoint)).unwrap().into_iter().map(|alert| (alert.name, alert.state)).collect();
        assert_eq!(seen, [("C".to_owned(), AlertState::Firing), ("B".to_owned(), AlertState::Pending)]);
        server.join().unwrap();
    }

    #[test]
    fn the_last_load_is_found_among_the_metrics() {
        let metrics = "# HELP prometheus_config_last_reload_successful Whether it was.\n\
             prometheus_config_last_reload_success_timestamp_seconds 1.7638992631234567e+09\n\
             prometheus_config_last_reload_successful 1\n";
        assert_eq!(
            parse_config_load(metrics),
            Some(ConfigLoad { successful: true, last_success: 1_763_899_263.123_456_7 })
        );
        assert_eq!(parse_config_load("up 1\n"), None);
    }
}
