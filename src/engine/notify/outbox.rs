//! Alerts on their way to Alertmanagers: a bounded queue, and the JSON that is posted
//! (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use serde::Serialize;
use tokio::sync::Notify;

use crate::{
    engine::{
        lock,
        relabel::{Relabelling, Verdict},
    },
    rules::DueAlert,
    series::Labels,
    text::form_encoded,
    time::Timestamp,
};

/// So many alerts wait at most; of more, the oldest are dropped.
const CAPACITY: usize = 10_000;
/// So many go into one request.
const BATCH: usize = 256;

/// An alert as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notification {
    pub(super) labels: Labels,
    pub(super) annotations: Vec<(String, String)>,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) generator_url: String,
}

/// Alerts that wait to be sent to one Alertmanager.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Arc<Notification>>,
    is_closed: bool,
}

impl Outbox {
    /// Adds alerts; how many older ones had to be dropped for them.
    pub(super) fn add(&self, alerts: &[Arc<Notification>]) -> usize {
        let mut inner = self.lock();
        inner.queue.extend(alerts.iter().cloned());
        let dropped = inner.queue.len().saturating_sub(CAPACITY);
        inner.queue.drain(..dropped);
        drop(inner);
        self.wake.notify_one();
        dropped
    }

    /// The next alerts, once there are some; `None` when no more will come.
    pub(super) async fn next(&self) -> Option<Vec<Arc<Notification>>> {
        loop {
            {
                let mut inner = self.lock();
                let count = inner.queue.len().min(BATCH);
                if count > 0 {
                    return Some(inner.queue.drain(..count).collect());
                }
                if inner.is_closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// No more alerts will come.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// Alerts as they are sent: with the external labels that they lack, relabelled; those that relabelling drops are left
/// out. `generator_url` leads to the expression.
pub(super) fn notifications(
    due: Vec<DueAlert>,
    external_labels: &[(String, String)],
    relabelling: &Relabelling,
    generator_url: &str,
) -> Vec<Arc<Notification>> {
    let alert = |due: DueAlert| {
        let DueAlert { alert, valid_until } = due;
        let mut labels = alert.labels.edit();
        for (name, value) in external_labels {
            if labels.get(name).is_none() {
                labels.set(name.as_str(), value.as_str());
            }
        }
        let kept = relabelling.run(&mut labels) == Verdict::Kept;
        kept.then(|| Notification {
            labels: labels.finish(),
            annotations: alert.annotations,
            starts_at: alert.fired_at.unwrap_or(alert.active_at),
            ends_at: alert.resolved_at.unwrap_or(valid_until),
            generator_url: generator_url.to_owned(),
        })
    };
    due.into_iter().filter_map(alert).map(Arc::new).collect()
}

/// The page of an expression on the server.
pub(super) fn generator_url(external_url: &str, expr: &str) -> String {
    let encoded = form_encoded(expr);
    format!("{}/graph?g0.expr={encoded}&g0.tab=1", external_url.trim_end_matches('/'))
}

/// The body of a request to `/api/v2/alerts`; `relabelling` is the Alertmanager's own. Empty where it drops all.
pub(super) fn body(alerts: &[Arc<Notification>], relabelling: &Relabelling) -> Vec<u8> {
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
    let posted = |alert: &Arc<Notification>| {
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
        let due = vec![due("Down", None), due("Up", Some(Timestamp(90_500)))];
        let alerts = notifications(due, &external, &none, &url);
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

    #[tokio::test]
    async fn the_oldest_give_way() {
        let outbox = Outbox::default();
        let none = Relabelling::new(&[]);
        let alerts = |from: usize, to: usize| {
            notifications((from..to).map(|index| due(&index.to_string(), None)).collect(), &[], &none, "")
        };
        assert_eq!(outbox.add(&alerts(0, CAPACITY)), 0);
        assert_eq!(outbox.add(&alerts(CAPACITY, CAPACITY + 3)), 3);
        let first = outbox.next().await.unwrap();
        assert_eq!(first.len(), BATCH);
        assert_eq!(first[0].labels.get("alertname"), Some("3"));
        assert_eq!(outbox.len(), CAPACITY - BATCH);
        outbox.close();
        let mut left = 0;
        while let Some(batch) = outbox.next().await {
            left += batch.len();
        }
        assert_eq!(left, CAPACITY - BATCH);
    }
}
