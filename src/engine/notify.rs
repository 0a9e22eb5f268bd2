//! Alerts sent to the Alertmanagers that the file names.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::join_all;
use hyper::{
    Method,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    formats::prometheus::{Alertmanager, Config},
    rules::DueAlert,
    series::Labels,
};

use super::{
    Alertmanagers, Hosts, Notice, Notices,
    fetch::{Bodies, Bounds, Client, Outgoing, Url},
    lock,
    outbox::{Outbox, body, generator_url, outgoing},
    relabel::{Relabelling, Verdict},
};

/// Bytes of an answer; only its status counts.
const ANSWER: usize = 64 << 10;
/// How long alerts that are still to be sent may take at the end.
const LAST: Duration = Duration::from_secs(2);

/// Sends alerts, as long as it runs.
pub(super) struct Notifier {
    hosts: Hosts,
    notices: Notices,
    outbox: Outbox,
    routes: RwLock<Arc<Routes>>,
    task: Mutex<Option<JoinHandle<()>>>,
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// Where alerts go, and as what.
#[derive(Default)]
struct Routes {
    external_labels: Vec<(String, String)>,
    relabelling: Relabelling,
    receivers: Vec<Receiver>,
    dropped: Vec<String>,
}

struct Receiver {
    url: Url,
    client: Client,
    timeout: Duration,
    relabelling: Relabelling,
    /// What it failed with last; told once.
    error: Mutex<Option<String>>,
}

impl Notifier {
    pub(super) fn new(hosts: Hosts, notices: Notices) -> Self {
        Self {
            hosts,
            notices,
            outbox: Outbox::default(),
            routes: RwLock::default(),
            task: Mutex::default(),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Sends to the Alertmanagers of this file from now on.
    pub(super) fn apply(self: &Arc<Self>, config: &Config, runtime: &Handle) {
        let alerting = &config.alerting;
        let mut routes = Routes {
            external_labels: config.global.external_labels.clone(),
            relabelling: Relabelling::new(&alerting.alert_relabel),
            ..Routes::default()
        };
        for alertmanager in &alerting.alertmanagers {
            routes.add(alertmanager, &self.hosts, &self.notices);
        }
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
        let mut task = lock(&self.task);
        if task.is_none() {
            let this = Arc::clone(self);
            *task = Some(runtime.spawn(async move {
                loop {
                    let alerts = this.outbox.next().await;
                    this.post(&alerts).await;
                }
            }));
        }
    }

    /// Takes alerts of a rule to be sent.
    pub(super) fn send(&self, external_url: &str, expr: &str, due: Vec<DueAlert>) {
        let routes = self.routes();
        if routes.receivers.is_empty() {
            return;
        }
        let url = generator_url(external_url, expr);
        let dropped = self.outbox.add(outgoing(due, &routes.external_labels, &routes.relabelling, &url));
        if dropped > 0 {
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
            (self.notices)(Notice::warning(format!(
                "{dropped} alerts were dropped, because the queue is full"
            )));
        }
    }

    /// Posts alerts to all receivers at once.
    async fn post(&self, alerts: &[super::outbox::Outgoing]) {
        let routes = self.routes();
        let posts = routes.receivers.iter().map(|receiver| async move {
            let text = body(alerts, &receiver.relabelling);
            if text.is_empty() {
                return;
            }
            let failure = receiver.post(text).await.err();
            let counter = if failure.is_some() { &self.failed } else { &self.sent };
            counter.fetch_add(alerts.len() as u64, Ordering::Relaxed);
            let mut last = lock(&receiver.error);
            match &failure {
                Some(why) if last.as_ref() != Some(why) => {
                    (self.notices)(Notice::error(format!(
                        "alerts cannot be sent to {}: {why}",
                        receiver.url
                    )));
                }
                None if last.is_some() => {
                    (self.notices)(Notice::note(format!("alerts reach {} again", receiver.url)));
                }
                _ => {}
            }
            *last = failure;
        });
        join_all(posts).await;
    }

    pub(super) fn alertmanagers(&self) -> Alertmanagers {
        let routes = self.routes();
        Alertmanagers {
            active: routes.receivers.iter().map(|receiver| receiver.url.to_string()).collect(),
            dropped: routes.dropped.clone(),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Sends what waits, for a moment, and ends.
    pub(super) async fn stop(&self) {
        let task = lock(&self.task).take();
        if let Some(task) = task {
            task.abort();
        }
        let rest = async {
            loop {
                let alerts = self.outbox.take();
                if alerts.is_empty() {
                    return;
                }
                self.post(&alerts).await;
            }
        };
        // What is not sent by then is sent again after the next start, should it still fire.
        drop(tokio::time::timeout(LAST, rest).await);
    }

    fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Routes {
    /// Adds the Alertmanagers of one entry of the file.
    fn add(&mut self, alertmanager: &Alertmanager, hosts: &Hosts, notices: &Notices) {
        let relabelling = Relabelling::new(&alertmanager.relabel);
        let path = format!("{}/api/v2/alerts", alertmanager.path_prefix.trim_end_matches('/'));
        for group in &alertmanager.discovery.groups {
            for address in &group.targets {
                let labels: Labels =
                    group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let mut labels = labels.edit();
                labels.set("__address__", address.as_str());
                labels.set("__scheme__", alertmanager.scheme.as_str());
                labels.set("__alerts_path__", path.as_str());
                let verdict = relabelling.run(&mut labels);
                let part = |name: &str| labels.get(name).unwrap_or_default().to_owned();
                let (scheme, address, path) =
                    (part("__scheme__"), part("__address__"), part("__alerts_path__"));
                if verdict == Verdict::Dropped {
                    self.dropped.push(format!("{scheme}://{address}{path}"));
                    continue;
                }
                match Url::new(&scheme, &address, &path) {
                    Ok(url) => self.receivers.push(Receiver {
                        url,
                        client: Client::new(&alertmanager.client, hosts.clone()),
                        timeout: Duration::from_millis(alertmanager.timeout.as_millis()),
                        relabelling: Relabelling::new(&alertmanager.alert_relabel),
                        error: Mutex::default(),
                    }),
                    Err(error) => notices(Notice::error(format!(
                        "the Alertmanager `{address}` has no usable address: {error}"
                    ))),
                }
            }
        }
    }
}

impl Receiver {
    async fn post(&self, text: Vec<u8>) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let message = Outgoing { method: Method::POST, url: &self.url, headers, body: Bytes::from(text) };
        let bounds = Bounds { time: self.timeout, body: ANSWER, expected_body: 0 };
        let answer =
            self.client.send(&message, bounds, Bodies::All).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.trim().chars().take(200).collect();
        Err(format!("it answers {} {text}", answer.status.as_u16()).trim_end().to_owned())
    }
}
