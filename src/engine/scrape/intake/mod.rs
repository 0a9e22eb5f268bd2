//! A page becomes samples of the store: one target's memory of what it said before, and what it says now.
//!
//! Owns: [`Intake`], how a page is read and stored, what ends series.
//! Must not know: where pages come from.
//! Invariants: a page is stored as a whole or not at all; what a page may cost is bounded.
//! Start reading at: [`Intake::page`].

mod end;
mod read;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    engine::{Metadata, Notice, Notices},
    series::{Format, Labels, STALE, series_labels},
    time::Timestamp,
    tsdb::{Rejection, SeriesRef, Store},
};

use super::{
    batch::{Batch, Counts, Pending},
    cache::Cache,
    exemplars::{Added, Exemplars},
    families::Families,
    sample_labels::LabelRules,
};
pub(super) use read::IntakeError;

/// Trouble that goes on is told of again after so many scrapes.
const TOLD_AGAIN: u64 = 100;

/// What a target's pages are read by.
#[derive(Debug, PartialEq)]
pub(super) struct PageRules {
    pub(super) labels: LabelRules,
    pub(super) honor_timestamps: bool,
    pub(super) track_timestamps_staleness: bool,
    /// How many series there may be where the file names no `sample_limit`.
    pub(super) series_limit: usize,
}

/// One target's way into the store.
pub(super) struct Intake {
    pub(super) rules: Arc<PageRules>,
    store: Store,
    exemplars: Arc<Exemplars>,
    notices: Notices,
    /// How notices call the target.
    name: String,
    /// What its series carry.
    target: Labels,
    cache: Cache,
    /// The series of `up` and its kin.
    reports: BTreeMap<&'static str, SeriesRef>,
    /// Labels of the texts that have had exemplars.
    exemplar_labels: HashMap<Arc<str>, Labels>,
    /// Series that another intake of the target had, and that end if the first page lacks them or fails.
    inherited: Vec<SeriesRef>,
    families: Families,
    /// For how many scrapes some trouble has gone on.
    troubles: BTreeMap<&'static str, u64>,
}

impl Intake {
    pub(super) fn new(
        rules: Arc<PageRules>,
        store: Store,
        exemplars: Arc<Exemplars>,
        notices: Notices,
        name: String,
        target: Labels,
    ) -> Self {
        Self {
            rules,
            store,
            exemplars,
            notices,
            name,
            target,
            cache: Cache::default(),
            reports: BTreeMap::new(),
            exemplar_labels: HashMap::new(),
            inherited: Vec::new(),
            families: Families::default(),
            troubles: BTreeMap::new(),
        }
    }

    /// Stores a page; an empty one ends all series. What came of it is counted even where it is refused: then no sample of it is stored, and only the
    /// series that did not stand before the fault have ended, as in Prometheus.
    pub(super) fn page(
        &mut self,
        page: &[u8],
        format: Format,
        at: Timestamp,
        now: Timestamp,
    ) -> (Counts, Result<(), IntakeError>) {
        if page.is_empty() {
            return (Counts::default(), self.nothing(at));
        }
        let mut batch = Batch { samples: Vec::with_capacity(self.cache.len()), ..Batch::default() };
        let read = self.read(page, format, at, now, &mut batch);
        let stored = read.and_then(|()| self.commit(&mut batch, at));
        let stored = match stored {
            Ok(()) => {
                self.cache.end(true);
                self.warn(&batch);
                Ok(())
            }
            Err(error) => {
                self.track(&batch);
                for (index, _) in &batch.fresh {
                    self.cache.remove(*index);
                }
                self.nothing(at).and(Err(error))
            }
        };
        self.families.end();
        (batch.counts, stored)
    }

    /// A scrape that brought no page: the series of the one before have ended.
    pub(super) fn nothing(&mut self, at: Timestamp) -> Result<(), IntakeError> {
        let inherited = self.inherited.drain(..);
        let gone: Vec<_> =
            self.cache.gone().into_iter().chain(inherited).map(|series| (series, at, STALE)).collect();
        let done = if gone.is_empty() { Ok(()) } else { self.store.commit_refs(&gone).map(drop) };
        self.cache.end(false);
        Ok(done?)
    }

    /// Goes on with other rules. What they make of the pages may be other series: those of before end then.
    pub(super) fn continue_with(&mut self, rules: Arc<PageRules>) {
        if *rules != *self.rules {
            self.inherited.append(&mut self.cache.gone());
            self.cache = Cache::default();
            self.exemplar_labels.clear();
            self.rules = rules;
        }
    }

    /// What the pages tell of their families, where that has changed since the last call.
    pub(super) fn changed_metadata(&mut self) -> Option<Vec<Metadata>> {
        self.families.changed(&self.target)
    }

    /// The series that the page brought end when a later one lacks them.
    fn track(&mut self, batch: &Batch) {
        for one in batch.samples.iter().filter(|one| one.is_tracked) {
            self.cache.track(one.index);
        }
    }

    /// Everything that the page brought, and markers for what it lacks.
    fn commit(&mut self, batch: &mut Batch, at: Timestamp) -> Result<(), IntakeError> {
        for (index, labels) in &batch.fresh {
            self.cache.set_series(*index, self.store.series(labels));
        }
        batch.counts.new = batch.fresh.len();
        let refs = batch.samples.iter().map(|one| {
            let series = self.cache.get(one.index).and_then(|seen| seen.series);
            (series.expect("each text with a sample got its series above"), one.at, one.value)
        });
        let mut refs: Vec<_> = refs.collect();
        self.track(batch);
        let samples = refs.len();
        let mut gone = self.cache.gone();
        if !self.inherited.is_empty() {
            let here: HashSet<SeriesRef> = refs.iter().map(|(series, ..)| *series).collect();
            gone.extend(self.inherited.drain(..).filter(|series| !here.contains(series)));
        }
        refs.extend(gone.into_iter().map(|series| (series, at, STALE)));
        let committed = self.store.commit_refs(&refs)?;
        let mut again = Vec::new();
        for (place, rejection) in committed.rejected {
            // What ends a series that has gone on elsewhere is expected to be refused.
            let Some(one) = batch.samples.get(place).filter(|_| place < samples).copied() else { continue };
            match rejection {
                Rejection::StaleSeries => again.push(one),
                rejection => self.refused(batch, one, rejection),
            }
        }
        if !again.is_empty() {
            self.commit_again(batch, &again)?;
        }
        self.keep_exemplars(batch);
        Ok(())
    }

    /// Samples of series that the store has dropped meanwhile: they begin anew.
    fn commit_again(&mut self, batch: &mut Batch, again: &[Pending]) -> Result<(), IntakeError> {
        let mut refs = Vec::with_capacity(again.len());
        for one in again {
            let Some(labels) = self.labels_of(one.index) else { continue };
            let series = self.store.series(&labels);
            self.cache.set_series(one.index, series);
            refs.push((series, one.at, one.value));
        }
        for (place, rejection) in self.store.commit_refs(&refs)?.rejected {
            if let Some(one) = again.get(place) {
                self.refused(batch, *one, rejection);
            }
        }
        Ok(())
    }

    fn refused(&mut self, batch: &mut Batch, one: Pending, rejection: Rejection) {
        match rejection {
            Rejection::OutOfOrder => batch.out_of_order += 1,
            Rejection::Duplicate { .. } => batch.duplicates += 1,
            Rejection::OutOfBounds | Rejection::TooOld | Rejection::StaleSeries => batch.out_of_bounds += 1,
            Rejection::LabelsTooLong => batch.too_long += 1,
        }
        // A new series that has no sample is none.
        if one.is_fresh {
            self.cache.remove(one.index);
            batch.counts.new = batch.counts.new.saturating_sub(1);
        }
    }

    /// Labels of a text in the cache, made once more.
    fn labels_of(&self, index: usize) -> Option<Labels> {
        let seen = self.cache.get(index)?;
        let pairs = series_labels(&seen.text, seen.format, seen.kind).ok()?;
        self.rules.labels.labels(pairs, &self.target).ok()?
    }

    fn keep_exemplars(&mut self, batch: &mut Batch) {
        let mut out_of_order = 0_usize;
        for (index, exemplar) in std::mem::take(&mut batch.exemplars) {
            let Some(text) = self.cache.get(index).map(|seen| Arc::clone(&seen.text)) else { continue };
            if !self.exemplar_labels.contains_key(&text) {
                let Some(labels) = self.labels_of(index) else { continue };
                self.exemplar_labels.insert(Arc::clone(&text), labels);
            }
            let labels = &self.exemplar_labels[&text];
            out_of_order += usize::from(self.exemplars.add(labels, exemplar) == Added::OutOfOrder);
        }
        if self.exemplar_labels.len() > self.cache.len() {
            self.exemplar_labels.clear();
        }
        self.warn_of(out_of_order, "error on ingesting out-of-order exemplars");
    }

    fn warn(&mut self, batch: &Batch) {
        self.warn_of(batch.out_of_order, "error on ingesting out-of-order samples");
        self.warn_of(batch.duplicates, "error on ingesting samples with different value but same timestamp");
        let what = "error on ingesting samples that are too old or are too far into the future";
        self.warn_of(batch.out_of_bounds, what);
        self.warn_of(batch.too_long, "error on ingesting samples whose labels are too long");
    }

    /// The same trouble, scrape after scrape, is told once in a while.
    fn warn_of(&mut self, count: usize, what: &'static str) {
        if count == 0 {
            self.troubles.remove(what);
            return;
        }
        let scrapes = self.troubles.entry(what).or_default();
        if scrapes.is_multiple_of(TOLD_AGAIN) {
            (self.notices)(Notice::warning(format!("{}: {what}: {count} dropped", self.name)));
        }
        *scrapes += 1;
    }
}
