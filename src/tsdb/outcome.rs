//! What the store says of what it did and holds.

use std::fmt;

use crate::time::Timestamp;

use super::StoreError;

/// What became of the samples of one commit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Committed {
    /// Samples that are in the store; the same sample again counts as one of them.
    pub appended: usize,
    /// Index in the batch, and why the sample is not in the store.
    pub rejected: Vec<(usize, Rejection)>,
}

/// Why a sample is refused, in the words of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Older than the last one of its series.
    #[error("out of order sample")]
    OutOfOrder,
    /// Older than what the store takes for any series, where it takes nothing out of order.
    #[error("out of bounds")]
    OutOfBounds,
    /// Older than the out-of-order window.
    #[error("too old sample")]
    TooOld,
    #[error("duplicate sample for timestamp; overrides not allowed: existing {existing}, new {new}")]
    Duplicate { existing: f64, new: f64 },
    #[error("labels of a series are longer than 1 MiB")]
    LabelsTooLong,
    /// The series was dropped; [`Store::series`](super::Store::series) gives a new one.
    #[error("stale reference to a series")]
    StaleSeries,
}

/// What was found when a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Series and samples that were brought back into memory from the log.
    pub series: usize,
    pub samples: u64,
    /// Blocks on disk.
    pub blocks: usize,
    /// Bytes at the ends of logs that were the beginnings of records: what was being written when the process ended.
    pub torn_bytes: u64,
    /// What was damaged and set aside, one sentence each.
    pub set_aside: Vec<String>,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { series, samples, blocks, torn_bytes, set_aside } = self;
        write!(f, "{samples} samples of {series} series from the log, {blocks} blocks")?;
        if *torn_bytes > 0 {
            write!(f, "; {torn_bytes} bytes of an unfinished record were cut off")?;
        }
        set_aside.iter().try_for_each(|sentence| write!(f, "; {sentence}"))
    }
}

/// What [`Store::maintain`](super::Store::maintain) did.
#[derive(Debug, Clone, Default)]
pub struct Maintained {
    /// Blocks written from memory.
    pub blocks_cut: usize,
    /// Blocks that went into larger ones.
    pub blocks_merged: usize,
    /// Blocks removed by retention.
    pub blocks_dropped: usize,
    /// Series that left memory.
    pub series_dropped: usize,
    /// What was found damaged and set aside, one sentence each.
    pub set_aside: Vec<String>,
    /// What could not be done and will be tried again, now or at an earlier call since which it was not tried.
    pub errors: Vec<StoreError>,
}

impl Maintained {
    /// The first error, where there is one.
    pub fn checked(self) -> Result<Self, StoreError> {
        self.errors.first().cloned().map_or(Ok(self), Err)
    }
}

/// Figures of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series, chunks and samples in memory.
    pub series: usize,
    pub chunks: usize,
    pub samples: u64,
    /// Oldest and newest sample in memory.
    pub head_min_time: Option<Timestamp>,
    pub head_max_time: Option<Timestamp>,
    /// Oldest and newest sample of all.
    pub min_time: Option<Timestamp>,
    pub max_time: Option<Timestamp>,
    pub blocks: usize,
    /// Samples in blocks; one that is in two overlapping blocks counts twice.
    pub block_samples: u64,
    /// Log, checkpoint and blocks.
    pub bytes_on_disk: u64,
    pub log_bytes: u64,
    pub label_pairs: usize,
    /// Since the store was opened.
    pub samples_appended: u64,
    pub samples_rejected: u64,
}

/// A name and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub name: String,
    pub count: u64,
}

/// What there is most of in memory, as `/api/v1/status/tsdb` of Prometheus tells; each list is sorted by count,
/// largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinality {
    pub series_by_metric: Vec<Counted>,
    pub values_by_label: Vec<Counted>,
    pub bytes_by_label: Vec<Counted>,
    /// Names are `label=value`.
    pub series_by_pair: Vec<Counted>,
}
