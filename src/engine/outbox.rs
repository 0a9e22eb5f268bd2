//! Alerts on their way to Alertmanagers: a bounded queue, and the JSON that is posted
//! (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::Notify;

use crate::{rules::DueAlert, series::Labels, text::form_encoded, time::Timestamp};

use super::relabel::{Relabelling, Verdict};

/// So many alerts wait at most; of more, the oldest are dropped.
const CAPACITY: usize = 10_000;
/// So many go into one request.
pub(super) const BATCH: usize = 256;

/// An alert as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outgoing {
    pub(super) labels: Labels,
    pub(super) annotations: Vec<(String, String)>,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) generator_url: String,
}

/// Alerts that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<VecDeque<Outgoing>>,
    wake: Notify,
}

impl Outbox {
    /// Adds alerts; how many older ones had to be dropped for them.
    pub(super) fn add(&self, alerts: Vec<Outgoing>) -> usize {
        let mut queue = self.lock();
        queue.extend(alerts);
        let dropped = queue.len().saturating_sub(CAPACITY);
        queue.drain(..dropped);
        drop(queue);
        self.wake.notify_one();
        dropped
    }

    /// The next alerts, once there are some.
    pub(super) async fn next(&self) -> Vec<Outgoing> {
        loop {
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
            self.wake.notified().await;
        }
    }

    /// The next alerts, if there are some.
    pub(super) fn take(&self) -> Vec<Outgoing> {
        let mut queue = self.lock();
        let count = queue.len().min(BATCH);
        queue.drain(..count).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Outgoing>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Alerts as they are sent: with the external labels that they lack, relabelled; those that relabelling drops are left
/// out. `generator_url` leads to the expression.
pub(super) fn outgoing(
    due: Vec<DueAlert>,
    external_labels: &[(String, String)],
    relabelling: &Relabelling,
    generator_url: &str,
) -> Vec<Outgoing> {
    let alert = |due: DueAlert| {
        let DueAlert { alert, valid_until } = due;
        let mut labels = alert.labels.edit();
        for (name, value) in external_labels {
            if labels.get(name).is_none() {
                labels.set(name.as_str(), value.as_str());
            }
        }
        let kept = relabelling.run(&mut labels) == Verdict::Kept;
        kept.then(|| Outgoing {
            labels: labels.finish(),
            annotations: alert.annotations,
            starts_at: alert.fired_at.unwrap_or(alert.active_at),
            ends_at: alert.resolved_at.unwrap_or(valid_until),
            generator_url: generator_url.to_owned(),
        })
    };
    due.into_iter().filter_map(alert).collect()
}

/// The page of an expression on the server.
pub(super) fn generator_url(external_url: &str, expr: &str) -> String {
    let encoded = form_encoded(expr);
    format!("{}/graph?g0.expr={encoded}&g0.tab=1", external_url.trim_end_matches('/'))
}

/// The body of a request to `/api/v2/alerts`; `relabelling` is the Alertmanager's own. Empty where it drops all.
pub(super) fn body(alerts: &[Outgoing], relabelling: &Relabelling) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Posted<'a> {
        annotations: BTreeMap<&'a str, &'a str>,
        ends_at: String,
        starts_at: String,
        #[serde(rename = "generatorURL")]
        generator_url: &'a str,
        labels: BTreeMap<String, String>,
    }
    let posted = |alert: &Outgoing| {
        let mut labels = alert.labels.edit();
        if relabelling.run(&mut labels) != Verdict::Kept {
            return None;
        }
        let labels = labels.finish();
        let posted = Posted {
            annotations: alert
                .annotations
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect(),
            ends_at: alert.ends_at.to_string(),
            starts_at: alert.starts_at.to_string(),
            generator_url: &alert.generator_url,
            labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        serde_json::to_value(posted).ok()
    };
    let values: Vec<_> = alerts.iter().filter_map(posted).collect();
    if values.is_empty() {
        return Vec::new();
    }
    serde_json::Value::Array(values).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Alert, AlertState};

    fn due(name: &str, resolved_at: Option<Timestamp>) -> DueAlert {
        let alert = Alert {
            state: AlertState::Firing,
            labels: [("alertname", name), ("severity", "critical")].into_iter().collect(),
            annotations: vec![("summary".to_owned(), "it is \"down\"".to_owned())],
            value: 1.0,
            active_at: Timestamp(0),
            fired_at: Some(Timestamp(60_000)),
            resolved_at,
            keep_firing_since: None,
        };
        DueAlert { alert, valid_until: Timestamp(300_000) }
    }

    #[test]
    fn alerts_are_posted_as_alertmanager_reads_them() {
        let external = [("site".to_owned(), "a".to_owned()), ("severity".to_owned(), "none".to_owned())];
        let none = Relabelling::new(&[]);
        let url = generator_url("http://here:9090/", "up == 0");
        let alerts =
            outgoing(vec![due("Down", None), due("Up", Some(Timestamp(90_500)))], &external, &none, &url);
        let json: serde_json::Value = serde_json::from_slice(&body(&alerts, &none)).unwrap();
        let posted = |name: &str, end: &str| {
            serde_json::json!({
                "labels": {"alertname": name, "severity": "critical", "site": "a"},
                "annotations": {"summary": "it is \"down\""},
                "startsAt": "1970-01-01T00:01:00Z",
                "endsAt": end,
                "generatorURL": "http://here:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            })
        };
        let expect = [posted("Down", "1970-01-01T00:05:00Z"), posted("Up", "1970-01-01T00:01:30.500Z")];
        assert_eq!(json, serde_json::json!(expect));
    }

    #[test]
    fn the_oldest_give_way() {
        let outbox = Outbox::default();
        let none = Relabelling::new(&[]);
        let alerts = |from: usize, to: usize| {
            outgoing((from..to).map(|index| due(&index.to_string(), None)).collect(), &[], &none, "")
        };
        assert_eq!(outbox.add(alerts(0, CAPACITY)), 0);
        assert_eq!(outbox.add(alerts(CAPACITY, CAPACITY + 3)), 3);
        let first = outbox.take();
        assert_eq!(first.len(), BATCH);
        assert_eq!(first[0].labels.get("alertname"), Some("3"));
        assert_eq!(outbox.len(), CAPACITY - BATCH);
    }
}
