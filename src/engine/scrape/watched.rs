//! A target as others see it: how its last scrape went, what its pages say of their families.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{
    engine::{Health, Metadata, Notice, Notices, Target, lock},
    time::Timestamp,
};

use super::target::ScrapeTarget;

/// A target and how its scrapes go.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) target: ScrapeTarget,
    live: Mutex<Live>,
}

#[derive(Debug, Default)]
struct Live {
    last: Option<Last>,
    metadata: Arc<Vec<Metadata>>,
}

/// How a scrape went.
#[derive(Debug)]
pub(super) struct Last {
    /// Empty where it went well.
    pub(super) error: String,
    pub(super) at: Timestamp,
    pub(super) duration: Duration,
}

impl Watched {
    pub(super) fn new(target: ScrapeTarget) -> Self {
        Self { target, live: Mutex::default() }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    pub(super) fn was_scraped(&self) -> bool {
        self.live().last.is_some()
    }

    /// Notes how a scrape went; tells when the target goes down, and when it is up again.
    pub(super) fn note(&self, job: &str, last: Last, notices: &Notices) {
        let error = last.error.clone();
        let before = self.live().last.replace(last);
        let was_up = before.map(|before| before.error.is_empty());
        let url = &self.target.url;
        let notice = match (was_up, error.is_empty()) {
            (Some(true) | None, false) => {
                Notice::warning(format!("the target {url} of the job {job} is down: {error}"))
            }
            (Some(false), true) => Notice::note(format!("the target {url} of the job {job} is up again")),
            (Some(true) | None, true) | (Some(false), false) => return,
        };
        notices(notice);
    }

    pub(super) fn describe(&self, metadata: Vec<Metadata>) {
        self.live().metadata = Arc::new(metadata);
    }

    pub(super) fn metadata(&self) -> Arc<Vec<Metadata>> {
        Arc::clone(&self.live().metadata)
    }

    /// Goes on with what another says of the target.
    pub(super) fn inherit(&self, other: &Self) {
        let mut before = other.live();
        *self.live() = Live { last: before.last.take(), metadata: Arc::clone(&before.metadata) };
    }

    pub(super) fn status(&self, pool: &str) -> Target {
        let live = self.live();
        let (health, last_error) = match &live.last {
            None => (Health::Unknown, String::new()),
            Some(last) if last.error.is_empty() => (Health::Up, String::new()),
            Some(last) => (Health::Down, last.error.clone()),
        };
        Target {
            discovered: self.target.discovered.clone(),
            labels: self.target.labels.clone(),
            pool: pool.to_owned(),
            url: self.target.url.to_string(),
            health,
            last_error,
            last_scrape: live.last.as_ref().map(|last| last.at),
            last_duration: live.last.as_ref().map(|last| last.duration).unwrap_or_default(),
            interval: self.target.interval,
            timeout: self.target.timeout,
        }
    }
}
