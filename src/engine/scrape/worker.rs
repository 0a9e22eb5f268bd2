//! The loop of one target: asks, stores, reports, again and again.

use std::{sync::Arc, time::Duration};

use hyper::{
    Method, StatusCode,
    body::Bytes,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{
    engine::{
        Clock, Notice, Notices,
        discovery::AGENT,
        fetch::{Bodies, Bounds, Cause, Client, Outgoing},
    },
    formats::prometheus::{Limits, ScrapeConfig},
    series::Format,
    time::Timestamp,
    tsdb::Store,
};

use super::{
    batch::Counts,
    exemplars::Exemplars,
    intake::{Intake, PageRules},
    protocol,
    watched::{Last, Watched},
};

/// Bytes of a page, unpacked, where the file names no `body_size_limit`.
pub(super) const BODY_LIMIT: usize = 64 << 20;
/// Bytes of a page, unpacked, that are too many.
pub(super) fn body_limit(limits: &Limits) -> usize {
    match limits.body_size {
        0 => BODY_LIMIT,
        bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
    }
}

/// A scrape that is so little late, in milliseconds, counts as on time: stores keep even times best.
const TOLERANCE: i64 = 2;
const REPORTS: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];
const MORE_REPORTS: [&str; 3] = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"];

/// What a target's loop is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    Scrape,
    /// Each scrape fails with this.
    Fail(String),
    /// Another loop goes on with the target.
    Hand,
    /// The target has gone.
    End,
}

/// What the loops of a job share.
pub(super) struct Job {
    pub(super) config: ScrapeConfig,
    pub(super) rules: Arc<PageRules>,
    pub(super) client: Client,
    pub(super) store: Store,
    pub(super) exemplars: Arc<Exemplars>,
    pub(super) clock: Clock,
    pub(super) notices: Notices,
}

/// A page, or why there is none.
struct Fetched {
    page: Result<(Vec<u8>, Format), String>,
    /// As `scrape_body_size_bytes` has it.
    bytes: f64,
}

/// Scrapes the target until it is told to stop; gives back what it knows of the target's series. `previous` is the
/// loop that had the target before and has been told to hand it over.
pub(super) async fn run(
    job: Arc<Job>,
    watched: Arc<Watched>,
    previous: Option<JoinHandle<Option<Intake>>>,
    mut orders: watch::Receiver<Order>,
) -> Option<Intake> {
    let inherited = match previous {
        Some(previous) => previous.await.ok().flatten(),
        None => None,
    };
    let mut worker = Worker { job, watched, intake: None, expected_body: 0 };
    worker.intake = Some(match inherited {
        Some(mut intake) => {
            intake.continue_with(Arc::clone(&worker.job.rules));
            intake
        }
        None => worker.new_intake(),
    });
    // The first scrape is at once; the others keep the target's own place within the interval.
    let mut ticks = worker.ticks();
    let mut at = (worker.job.clock)();
    let mut aligned: Option<Timestamp> = None;
    loop {
        let order = orders.borrow_and_update().clone();
        match order {
            Order::Scrape => {
                let started = Instant::now();
                // A page that is on its way when the loop is to end is nobody's: nothing is stored of it.
                let fetched = tokio::select! {
                    biased;
                    () = told_to_end(&mut orders) => continue,
                    fetched = worker.fetch() => fetched,
                };
                worker.store(at, started, fetched).await;
            }
            Order::Fail(cause) => {
                let fetched = Fetched { page: Err(cause), bytes: 0.0 };
                worker.store(at, Instant::now(), fetched).await;
            }
            Order::Hand => return worker.intake,
            Order::End => {
                worker.end(ticks).await;
                return None;
            }
        }
        loop {
            tokio::select! {
                biased;
                changed = orders.changed() => {
                    // Without anybody to give orders, there is nobody to scrape for.
                    let order = if changed.is_err() { Order::Hand } else { orders.borrow_and_update().clone() };
                    match order {
                        Order::Scrape | Order::Fail(_) => {}
                        Order::Hand => return worker.intake,
                        Order::End => {
                            worker.end(ticks).await;
                            return None;
                        }
                    }
                }
                _ = ticks.tick() => break,
            }
        }
        let now = (worker.job.clock)();
        at = align(aligned.get_or_insert(now), now, worker.watched.target.interval);
    }
}

/// Is done once there is nothing more to scrape.
async fn told_to_end(orders: &mut watch::Receiver<Order>) {
    // Without anybody to give orders, the loop sees so when the scrape has ended.
    if orders.wait_for(|order| matches!(order, Order::Hand | Order::End)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The time of a scrape: the one that was due, where it is not late by more than is noticed.
fn align(aligned: &mut Timestamp, now: Timestamp, interval: Duration) -> Timestamp {
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let tolerance = (interval / 100).min(TOLERANCE);
    let late = now.0.saturating_sub(aligned.0);
    // A clock that was set back begins anew.
    if late < -tolerance {
        *aligned = now;
        return now;
    }
    aligned.0 = aligned.0.saturating_add(late.max(0) / interval * interval);
    if now.0 - aligned.0 <= tolerance {
        return *aligned;
    }
    // A tick may come a little early by another clock.
    if aligned.0.saturating_add(interval) - now.0 <= tolerance {
        aligned.0 += interval;
        return *aligned;
    }
    now
}

struct Worker {
    job: Arc<Job>,
    watched: Arc<Watched>,
    /// Only taken while a page is stored.
    intake: Option<Intake>,
    expected_body: usize,
}

impl Worker {
    /// Ticks at the target's own place within the interval, the first at least half an interval from now.
    fn ticks(&self) -> Interval {
        let interval = self.watched.target.interval;
        let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
        let now = u64::try_from((self.job.clock)().0).unwrap_or(0);
        let mut wait = (millis - now % millis).saturating_add(self.watched.target.spread() % millis) % millis;
        if wait < millis / 2 {
            wait = wait.saturating_add(millis);
        }
        let start = Instant::now().checked_add(Duration::from_millis(wait)).unwrap_or_else(Instant::now);
        let mut ticks = interval_at(start, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }

    fn new_intake(&self) -> Intake {
        let Self { job, watched, .. } = self;
        Intake::new(
            Arc::clone(&job.rules),
            job.store.clone(),
            Arc::clone(&job.exemplars),
            Arc::clone(&job.notices),
            watched.target.url.to_string(),
            watched.target.labels.clone(),
        )
    }

    async fn store(&mut self, at: Timestamp, started: Instant, fetched: Fetched) {
        let mut intake = self.intake.take().unwrap_or_else(|| self.new_intake());
        let job = Arc::clone(&self.job);
        let watched = Arc::clone(&self.watched);
        // A page may be large, and the store may wait for its disk: others go on meanwhile.
        let stored = tokio::task::spawn_blocking(move || {
            store(&job, &watched, &mut intake, at, started, fetched);
            intake
        });
        match stored.await {
            Ok(intake) => self.intake = Some(intake),
            // It panicked; the next scrape begins anew.
            Err(error) => {
                let last = Last {
                    error: format!("the scrape came to nothing: {error}"),
                    at,
                    duration: started.elapsed(),
                };
                self.watched.note(&self.job.config.job_name, last, &self.job.notices);
            }
        }
    }

    async fn fetch(&mut self) -> Fetched {
        let target = &self.watched.target;
        let config = &self.job.config;
        let mut headers = HeaderMap::new();
        let timeout = target.timeout.as_secs_f64().to_string();
        let encoding = if config.enable_compression { "gzip" } else { "identity" };
        let accept = protocol::accept(&config.scrape_protocols, config.escaping);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(HeaderValue::from_str(&accept).ok().map(|accept| (ACCEPT, accept)));
        if let Ok(timeout) = HeaderValue::from_str(&timeout) {
            headers.insert("x-prometheus-scrape-timeout-seconds", timeout);
        }
        let outgoing = Outgoing { method: Method::GET, url: &target.url, headers, body: Bytes::new() };
        let body = body_limit(&config.limits);
        let bounds = Bounds { time: target.timeout, body, expected_body: self.expected_body };
        let answer = match self.job.client.send(&outgoing, bounds, Bodies::OfSuccess).await {
            Ok(answer) => answer,
            Err(error) => {
                let is_too_long = error.cause == Cause::BodySize;
                let note = if is_too_long && config.limits.body_size == 0 {
                    format!(" ({BODY_LIMIT} bytes, as no body_size_limit is set)")
                } else {
                    String::new()
                };
                let bytes = if is_too_long { -1.0 } else { 0.0 };
                return Fetched { page: Err(format!("{error}{note}")), bytes };
            }
        };
        if answer.status != StatusCode::OK {
            let text = format!("{} {}", answer.status.as_u16(), answer.reason);
            return Fetched {
                page: Err(format!("server returned HTTP status {}", text.trim_end())),
                bytes: 0.0,
            };
        }
        let bytes = answer.body.len() as f64;
        if !answer.body.is_empty() {
            // Pages grow a little from one to the next.
            self.expected_body = answer.body.len() / 16 * 17 + 512;
        }
        let content_type =
            answer.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let content_type = content_type.unwrap_or_default();
        let format = protocol::format(&answer.body, &content_type, config.fallback_scrape_protocol);
        Fetched { page: format.map(|format| (answer.body, format)), bytes }
    }

    /// Ends the target's series, once it is clear that nobody goes on with them: two intervals and a bit later.
    async fn end(mut self, mut ticks: Interval) {
        if !self.watched.was_scraped() {
            return;
        }
        ticks.tick().await;
        let at = (self.job.clock)();
        ticks.tick().await;
        tokio::time::sleep(self.watched.target.interval / 10).await;
        let Some(mut intake) = self.intake.take() else { return };
        let job = Arc::clone(&self.job);
        let url = self.watched.target.url.to_string();
        let ended = tokio::task::spawn_blocking(move || {
            let reports: Vec<&str> = REPORTS.into_iter().chain(MORE_REPORTS).collect();
            if let Err(error) = intake.finish(&reports, at) {
                (job.notices)(Notice::error(format!("{url}: stale append failed: {error}")));
            }
        });
        // It has nothing to give back, and says what goes wrong by itself.
        let _ = ended.await;
    }
}

/// Stores a page and reports of it.
fn store(
    job: &Job,
    watched: &Watched,
    intake: &mut Intake,
    at: Timestamp,
    started: Instant,
    fetched: Fetched,
) {
    let (counts, failed) = match fetched.page {
        Ok((page, format)) => {
            let (counts, stored) = intake.page(&page, format, at, (job.clock)());
            (counts, stored.err().map(|error| error.to_string()))
        }
        Err(cause) => {
            if let Err(error) = intake.nothing(at) {
                (job.notices)(Notice::error(format!("{}: append failed: {error}", watched.target.url)));
            }
            (Counts::default(), Some(cause))
        }
    };
    let duration = started.elapsed();
    let health = if failed.is_none() { 1.0 } else { 0.0 };
    let counted = [counts.scraped, counts.kept, counts.new].map(|count| count as f64);
    let values = [health, duration.as_secs_f64(), counted[0], counted[1], counted[2]];
    let mut reports: Vec<(&'static str, f64)> = REPORTS.into_iter().zip(values).collect();
    if job.config.extra_scrape_metrics {
        let limit = job.config.limits.samples as f64;
        let values = [watched.target.timeout.as_secs_f64(), limit, fetched.bytes];
        reports.extend(MORE_REPORTS.into_iter().zip(values));
    }
    if let Err(error) = intake.report(&reports, at) {
        (job.notices)(Notice::error(format!("{}: scrape commit failed: {error}", watched.target.url)));
    }
    let changed = intake.changed_metadata();
    watched.note(
        &job.config.job_name,
        Last { error: failed.unwrap_or_default(), at, duration },
        &job.notices,
    );
    if let Some(metadata) = changed {
        watched.describe(metadata);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(aligned: i64, now: i64, interval: u64, expect: (i64, i64)) {
        let mut aligned = Timestamp(aligned);
        let at = align(&mut aligned, Timestamp(now), Duration::from_millis(interval));
        assert_eq!((at.0, aligned.0), expect);
    }

    #[test]
    fn scrapes_keep_even_times() {
        check(0, 15_000, 15_000, (15_000, 15_000));
        check(0, 15_002, 15_000, (15_000, 15_000));
        check(0, 15_003, 15_000, (15_003, 15_000));
        check(0, 14_999, 15_000, (15_000, 15_000));
        check(0, 14_990, 15_000, (14_990, 0));
        check(0, 47_001, 15_000, (47_001, 45_000));
        check(0, 101, 100, (100, 100));
        check(0, 11, 10, (11, 10));
        check(3_600_000, 0, 15_000, (0, 0));
        check(0, i64::MAX, 1, (i64::MAX, i64::MAX));
    }
}
