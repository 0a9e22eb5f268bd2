//! What must hold of an answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use llmobs::{
    promql::syntax,
    server::{
        api::{Api, Settings},
        http::{Asked, Handler as _, HeaderMap, HeaderValue, Method, Reply, header},
    },
    tsdb::{Options, Store},
};
use serde_json::Value;

use super::mutate::Request;
use crate::{evidence_api::Told, evidence_promql, judge::in_order};

/// Series that the store has at the beginning.
const SERIES: usize = 60;
/// What a query may hold, so that inputs stay quick.
const SAMPLES: usize = 50_000;

/// An API over a store of its own.
pub(super) struct Subject {
    api: Api,
    /// Samples that the store has taken.
    taken: Arc<AtomicU64>,
}

impl Subject {
    pub(super) fn new() -> Self {
        let options = Options { retention_millis: None, in_order_lag_millis: i64::MAX, ..Options::default() };
        let store = Store::in_memory(options);
        let series: Vec<_> = evidence_promql::series(1).into_iter().take(SERIES).collect();
        let batch: Vec<_> = in_order(&series)
            .into_iter()
            .map(|(index, at, value)| (series[index].labels.clone(), llmobs::time::Timestamp(at), value))
            .collect();
        store.commit(&batch).expect("a store in memory takes what is in order");
        let taken: Arc<AtomicU64> = Arc::default();
        let counter = Arc::clone(&taken);
        store.set_tap(Some(Arc::new(move |samples| {
            counter.fetch_add(samples.len() as u64, Ordering::Relaxed);
        })));
        let settings = Settings {
            admin: true,
            lifecycle: true,
            syntax: syntax::Options { experimental: true, variables: false },
            max_samples: SAMPLES,
            query_timeout: Duration::from_millis(50),
            ..Settings::default()
        };
        Self { api: Api::new(store.clone(), Arc::new(Told), Arc::new(store), settings), taken }
    }

    /// The status of the answer, or the rule that it breaks.
    pub(super) fn examine(&self, request: &Request) -> Result<u16, String> {
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| "a method is one".to_owned())?;
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (request.target.as_str(), None),
        };
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&request.content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        let Ok(asked) = Asked::new(method.clone(), path, query, headers, request.body.clone().into()) else {
            return Ok(400);
        };
        let is_write = asked.path == "/api/v1/write" && method == Method::POST;
        let before = self.taken.load(Ordering::Relaxed);
        let reply = self.api.answer(asked);
        if is_write {
            let appended = self.taken.load(Ordering::Relaxed) - before;
            // A sample takes at least two bytes of a message that a block makes at most 64 times longer.
            let most = request.body.len() as u64 * 32;
            if appended > most {
                return Err(format!("{appended} samples come from {} bytes", request.body.len()));
            }
        }
        sound(&reply)?;
        Ok(reply.status)
    }
}

/// Whether an answer is one that clients can read.
fn sound(reply: &Reply) -> Result<(), String> {
    let content_type = reply.headers.iter().find(|(name, _)| name == header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|(_, value)| value == "application/json");
    if !matches!(reply.status, 200 | 204 | 301 | 302 | 400 | 403 | 404 | 405 | 415 | 422 | 500 | 503) {
        return Err(format!("the status is {}", reply.status));
    }
    if !is_json {
        return Ok(());
    }
    let answer: Value =
        serde_json::from_slice(&reply.body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    match (answer["status"].as_str(), reply.status) {
        (Some("success"), 200) if answer.get("data").is_some() => Ok(()),
        (Some("error"), 400 | 422 | 500 | 503)
            if answer["error"].is_string() && answer["errorType"].is_string() =>
        {
            Ok(())
        }
        (status, code) => Err(format!("the answer says {status:?} with status {code}")),
    }
}
