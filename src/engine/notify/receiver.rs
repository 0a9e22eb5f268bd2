//! One Alertmanager: its queue, and the task that posts what waits there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    Method,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use tokio::task::JoinHandle;

use crate::{
    engine::{
        Notice,
        discovery::AGENT,
        fetch::{Bodies, Bounds, Client, Outgoing, Url},
        relabel::Relabelling,
    },
    formats::prometheus::Alertmanager,
};

use super::{
    Counters, Surroundings,
    outbox::{Notification, Outbox, body},
};

/// Bytes of an answer; only its status counts.
const ANSWER: usize = 64 << 10;
/// How long alerts that are still to be sent may take at the end.
const LAST: Duration = Duration::from_secs(2);

/// How the Alertmanagers of an entry are told.
pub(super) struct Manner {
    client: Client,
    timeout: Duration,
    relabelling: Relabelling,
}

impl Manner {
    pub(super) fn new(written: &Alertmanager, client: Client) -> Self {
        let timeout = Duration::from_millis(written.timeout.as_millis());
        Self { client, timeout, relabelling: Relabelling::new(&written.alert_relabel) }
    }
}

/// An Alertmanager, and what is on its way there.
pub(super) struct Receiver {
    pub(super) url: Url,
    outbox: Arc<Outbox>,
    surroundings: Surroundings,
    /// Whether alerts were dropped the last time; told once.
    is_full: AtomicBool,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(super) fn start(url: Url, manner: Arc<Manner>, surroundings: Surroundings) -> Self {
        let outbox: Arc<Outbox> = Arc::default();
        let poster = Poster {
            url: url.clone(),
            manner,
            outbox: Arc::clone(&outbox),
            surroundings: surroundings.clone(),
            error: None,
        };
        let task = surroundings.runtime.spawn(poster.run());
        Self { url, outbox, surroundings, is_full: AtomicBool::new(false), task }
    }

    pub(super) fn send(&self, alerts: &[Arc<Notification>]) {
        let dropped = self.outbox.add(alerts);
        Counters::add(&self.surroundings.counters.dropped, dropped);
        if !self.is_full.swap(dropped > 0, Ordering::Relaxed) && dropped > 0 {
            let text = format!("alerts for {} are dropped, because its queue is full", self.url);
            (self.surroundings.notices)(Notice::warning(text));
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Waits until all is sent, or time is up.
    pub(super) async fn end(mut self) {
        self.outbox.close();
        if tokio::time::timeout(LAST, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Posts batch after batch.
struct Poster {
    url: Url,
    manner: Arc<Manner>,
    outbox: Arc<Outbox>,
    surroundings: Surroundings,
    /// What it failed with last; told once.
    error: Option<String>,
}

impl Poster {
    /// Until the queue is closed and empty.
    async fn run(mut self) {
        while let Some(alerts) = self.outbox.next().await {
            let text = body(&alerts, &self.manner.relabelling);
            if text.is_empty() {
                continue;
            }
            let failure = self.post(text).await.err();
            let Counters { sent, failed, .. } = &*self.surroundings.counters;
            Counters::add(if failure.is_some() { failed } else { sent }, alerts.len());
            let notice = match &failure {
                Some(why) if self.error.as_ref() != Some(why) => {
                    Some(Notice::error(format!("alerts cannot be sent to {}: {why}", self.url)))
                }
                None if self.error.is_some() => {
                    Some(Notice::note(format!("alerts reach {} again", self.url)))
                }
                _ => None,
            };
            notice.into_iter().for_each(&*self.surroundings.notices);
            self.error = failure;
        }
    }

    async fn post(&self, text: Vec<u8>) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let message = Outgoing { method: Method::POST, url: &self.url, headers, body: Bytes::from(text) };
        let bounds = Bounds { time: self.manner.timeout, body: ANSWER, expected_body: 0 };
        let answer = self.manner.client.send(&message, bounds, Bodies::All).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.trim().chars().take(200).collect();
        Err(format!("it answers {} {text}", answer.status.as_u16()).trim_end().to_owned())
    }
}
