//! Samples that wait for their sender.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{engine::ForwardCounts, formats::prometheus, series::Labels, time::Timestamp};

pub(super) type Sample = (Labels, Timestamp, f64);

/// Shards that Prometheus would have at its usual capacity of 10,000: 10 of them are some 3 MB.
const SHARDS: usize = 10;

/// A queue that never makes those wait who put something in.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Notify,
    /// Samples that have room.
    room: usize,
    /// Samples that are sent at once.
    batch: usize,
    /// How long a sample waits for others.
    deadline: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    samples: VecDeque<Sample>,
    counts: ForwardCounts,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(written: &prometheus::Queue) -> Self {
        let shards = written.max_shards.clamp(1, SHARDS);
        Self {
            inner: Mutex::default(),
            changed: Notify::new(),
            room: written.capacity.max(written.max_samples_per_send).max(1).saturating_mul(shards),
            batch: written.max_samples_per_send.max(1),
            deadline: Duration::from_millis(written.batch_send_deadline.as_millis()),
        }
    }

    /// Adds samples; where there is no room, the oldest go.
    pub(super) fn push(&self, samples: Vec<Sample>) {
        let mut inner = self.lock();
        let had_batch = inner.samples.len() >= self.batch;
        let was_empty = inner.samples.is_empty();
        inner.samples.extend(samples);
        let over = inner.samples.len().saturating_sub(self.room);
        inner.samples.drain(..over);
        inner.counts.dropped += over as u64;
        let is_news = was_empty || (!had_batch && inner.samples.len() >= self.batch);
        drop(inner);
        if is_news {
            self.changed.notify_one();
        }
    }

    /// The next samples, as many as are sent at once, or fewer when the first of them has waited long enough; `None`
    /// when the queue is closed and empty.
    pub(super) async fn next(&self) -> Option<Vec<Sample>> {
        while self.look(1)? == 0 {
            self.changed.notified().await;
        }
        let enough = async {
            while self.look(self.batch).is_some_and(|waiting| waiting < self.batch) {
                self.changed.notified().await;
            }
        };
        // In either case what is there is sent.
        let _ = tokio::time::timeout(self.deadline, enough).await;
        let mut inner = self.lock();
        let count = inner.samples.len().min(self.batch);
        Some(inner.samples.drain(..count).collect())
    }

    /// How many samples wait; `None` where no more will come than fewer than `wanted`.
    fn look(&self, wanted: usize) -> Option<usize> {
        let inner = self.lock();
        let waiting = inner.samples.len();
        (waiting >= wanted || !inner.is_closed).then_some(waiting)
    }

    /// No more samples will come.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ForwardCounts)) {
        change(&mut self.lock().counts);
    }

    pub(super) fn counts(&self) -> ForwardCounts {
        let inner = self.lock();
        ForwardCounts { waiting: inner.samples.len(), ..inner.counts }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::PromDuration;

    fn queue(capacity: usize, max_samples_per_send: usize) -> Queue {
        Queue::new(&prometheus::Queue {
            capacity,
            max_shards: 1,
            max_samples_per_send,
            batch_send_deadline: PromDuration::from_secs(5),
            ..prometheus::Queue::default()
        })
    }

    fn samples(from: i64, to: i64) -> Vec<Sample> {
        (from..to).map(|at| (Labels::default(), Timestamp(at), 0.0)).collect()
    }

    async fn next(queue: &Queue) -> Option<Vec<i64>> {
        queue.next().await.map(|samples| samples.into_iter().map(|(_, at, _)| at.0).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn samples_are_sent_in_batches_or_after_a_while() {
        let queue = queue(10, 3);
        queue.push(samples(0, 4));
        assert_eq!(next(&queue).await, Some(vec![0, 1, 2]));
        let begun = tokio::time::Instant::now();
        assert_eq!(next(&queue).await, Some(vec![3]));
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
        queue.push(samples(4, 5));
        queue.close();
        assert_eq!(next(&queue).await, Some(vec![4]));
        assert_eq!(next(&queue).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sample_that_comes_later_completes_a_batch() {
        let queue = std::sync::Arc::new(queue(10, 2));
        queue.push(samples(0, 1));
        let waiting = tokio::spawn({
            let queue = std::sync::Arc::clone(&queue);
            async move { next(&queue).await }
        });
        tokio::task::yield_now().await;
        queue.push(samples(1, 2));
        assert_eq!(waiting.await.unwrap(), Some(vec![0, 1]));
    }

    #[tokio::test]
    async fn what_has_no_room_is_counted() {
        let queue = queue(3, 2);
        queue.push(samples(0, 5));
        assert_eq!((queue.counts().dropped, queue.counts().waiting), (2, 3));
        assert_eq!(next(&queue).await, Some(vec![2, 3]));
    }
}
