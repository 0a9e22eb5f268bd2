//! What a page brings, until it is stored.

use crate::{
    engine::Exemplar,
    series::{Labels, Pairs, Scanned},
    time::Timestamp,
};

use super::exemplars::LABEL_LETTERS;

/// What a page held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Samples on the page.
    pub scraped: usize,
    /// Those that relabelling left.
    pub kept: usize,
    /// Series that were not there before.
    pub new: usize,
}

/// Samples of a page on their way, and what they cost.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) samples: Vec<Pending>,
    /// Texts that the cache did not have, with their labels.
    pub(super) fresh: Vec<(usize, Labels)>,
    pub(super) exemplars: Vec<(usize, Exemplar)>,
    pub(super) counts: Counts,
    /// Samples that count against the file's limit.
    pub(super) limited: usize,
    /// Series that relabelling left, each once.
    pub(super) series: usize,
    pub(super) duplicates: usize,
    pub(super) out_of_order: usize,
    pub(super) out_of_bounds: usize,
    /// Samples of series whose labels the store does not take.
    pub(super) too_long: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Pending {
    pub(super) index: usize,
    pub(super) at: Timestamp,
    pub(super) value: f64,
    pub(super) is_tracked: bool,
    pub(super) is_fresh: bool,
}

/// What the times of a page's samples are held against.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Of samples without one.
    pub(super) at: Timestamp,
    /// Later samples are refused.
    pub(super) horizon: Timestamp,
    /// Whether series with times of their own end when a page lacks them.
    pub(super) track_timestamps: bool,
}

/// A text in the cache: whether this page brought it.
#[derive(Clone, Copy)]
pub(super) enum Text {
    Fresh(usize),
    Known(usize),
}

impl Batch {
    /// Notes a sample.
    pub(super) fn take(
        &mut self,
        text: Text,
        sample: &Scanned<'_>,
        timestamp: Option<Timestamp>,
        times: Times,
    ) {
        let at = timestamp.unwrap_or(times.at);
        if at > times.horizon {
            self.out_of_bounds += 1;
            return;
        }
        let is_tracked = timestamp.is_none() || times.track_timestamps;
        let (index, is_fresh) = match text {
            Text::Fresh(index) => (index, true),
            Text::Known(index) => (index, false),
        };
        self.samples.push(Pending { index, at, value: sample.value, is_tracked, is_fresh });
        if let Some(exemplar) = sample.exemplar.as_ref().filter(|exemplar| has_room(&exemplar.labels)) {
            let labels = exemplar.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            let at = exemplar.timestamp.unwrap_or(at);
            self.exemplars.push((index, Exemplar { labels, value: exemplar.value, at }));
        }
    }
}

/// Whether an exemplar is short enough to be kept.
fn has_room(labels: &Pairs<'_>) -> bool {
    let letters = |text: &str| text.chars().count();
    labels.iter().map(|(name, value)| letters(name) + letters(value)).sum::<usize>() <= LABEL_LETTERS
}
