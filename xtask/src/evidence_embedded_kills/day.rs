//! A day of 500 series, written into a store that nobody has opened yet.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use llmobs::{
    time::Timestamp,
    tsdb::{Options, Store},
};

use crate::{
    bench_promql::a_day_until,
    embedded::{folder_bytes, now},
    judge::in_order,
};

/// Samples of a commit.
const BATCH: usize = 500;
/// Milliseconds of the data between two calls of maintenance.
const MAINTAIN_EVERY: i64 = 60_000;

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loaded {
    pub(crate) series: usize,
    pub(crate) samples: usize,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

/// Writes 24 h up to a minute ago, at 15 s, as it would have come.
pub(crate) fn load(folder: &Path) -> anyhow::Result<Loaded> {
    let series = a_day_until(now() - 60_000);
    let begun = Instant::now();
    std::fs::create_dir_all(folder)?;
    let (store, _) = Store::open(folder, Options::default())?;
    let refs: Vec<_> = series.iter().map(|series| store.series(&series.labels)).collect();
    let mut maintained = i64::MIN;
    let mut samples = 0;
    for batch in in_order(&series).chunks(BATCH) {
        let of: Vec<_> =
            batch.iter().map(|(index, at, value)| (refs[*index], Timestamp(*at), *value)).collect();
        let committed = store.commit_refs(&of)?;
        ensure!(committed.rejected.is_empty(), "rejected: {:?}", committed.rejected.first());
        samples += committed.appended;
        let last = batch.last().map_or(0, |(_, at, _)| *at);
        if last.saturating_sub(maintained) >= MAINTAIN_EVERY {
            store.maintain(Timestamp(last))?;
            maintained = last;
        }
    }
    store.sync()?;
    let took = begun.elapsed();
    drop(store);
    Ok(Loaded { series: series.len(), samples, bytes: folder_bytes(folder), took })
}
