//! Samples sent on to the servers that `remote_write` names.
//!
//! Owns: a queue and a sender for each server.
//! Must not know: where samples come from.
//! Invariants: what comes in never waits; memory is bounded, and what finds no room is counted. Samples that wait are
//! not on disk: those of a process that ends while the other side is away are lost to it.
//! Start reading at: [`Forwarder`].

mod queue;
mod sender;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    formats::prometheus::{Config, RemoteWrite, without_user},
    tsdb::Store,
};

use super::{Clock, Forwarding, Hosts, Notice, Notices};
use queue::Queue;
use sender::Sender;

/// How long samples that still wait at the end may take.
const LAST: Duration = Duration::from_secs(3);

/// Sends samples on, as long as it runs.
pub(super) struct Forwarder {
    store: Store,
    hosts: Hosts,
    clock: Clock,
    notices: Notices,
    routes: Mutex<Vec<Route>>,
}

/// A server, and what is on its way there.
struct Route {
    written: RemoteWrite,
    external_labels: Vec<(String, String)>,
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

impl Forwarder {
    pub(super) fn new(store: Store, hosts: Hosts, clock: Clock, notices: Notices) -> Self {
        Self { store, hosts, clock, notices, routes: Mutex::default() }
    }

    /// Sends to the servers of this file from now on. What waits for one that is no longer named, or has changed, is
    /// sent to it as it was, for a moment.
    pub(super) fn apply(&self, config: &Config, runtime: &Handle) {
        let mut routes = self.routes();
        let mut before = std::mem::take(&mut *routes);
        for written in &config.remote_write {
            let labels = &config.global.external_labels;
            let same =
                before.iter().position(|route| route.written == *written && route.external_labels == *labels);
            match same {
                Some(index) => routes.push(before.swap_remove(index)),
                None => routes.extend(self.route(written, labels, runtime)),
            }
        }
        for route in before {
            route.queue.close();
            runtime.spawn(ended(route));
        }
        let queues: Vec<Arc<Queue>> = routes.iter().map(|route| Arc::clone(&route.queue)).collect();
        if queues.is_empty() {
            return self.store.set_tap(None);
        }
        self.store.set_tap(Some(Arc::new(move |samples| {
            let Some((last, others)) = queues.split_last() else { return };
            for queue in others {
                queue.push(samples.clone());
            }
            last.push(samples);
        })));
    }

    fn route(
        &self,
        written: &RemoteWrite,
        external_labels: &[(String, String)],
        runtime: &Handle,
    ) -> Option<Route> {
        let queue = Arc::new(Queue::new(&written.queue));
        let sender = Sender::new(
            written,
            external_labels,
            Arc::clone(&queue),
            self.hosts.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.notices),
        );
        match sender {
            Ok(sender) => Some(Route {
                written: written.clone(),
                external_labels: external_labels.to_vec(),
                queue,
                task: runtime.spawn(sender.run()),
            }),
            Err(error) => {
                let url = without_user(&written.url);
                let text = format!("samples cannot be sent on to `{url}`: {error}");
                (self.notices)(Notice::error(text));
                None
            }
        }
    }

    pub(super) fn status(&self) -> Vec<Forwarding> {
        let one = |route: &Route| {
            let RemoteWrite { name, url, .. } = &route.written;
            let url = without_user(url);
            let name = if name.is_empty() { url.clone() } else { name.clone() };
            Forwarding { name, url, counts: route.queue.counts() }
        };
        self.routes().iter().map(one).collect()
    }

    /// Takes no more samples, and sends what waits, for a moment.
    pub(super) async fn stop(&self) {
        self.store.set_tap(None);
        let routes = std::mem::take(&mut *self.routes());
        for route in &routes {
            route.queue.close();
        }
        futures_util::future::join_all(routes.into_iter().map(ended)).await;
    }

    fn routes(&self) -> MutexGuard<'_, Vec<Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a queue that is closed has been sent, or time is up.
async fn ended(mut route: Route) {
    if tokio::time::timeout(LAST, &mut route.task).await.is_err() {
        route.task.abort();
    }
}
