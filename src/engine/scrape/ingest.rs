//! A page becomes samples of the store: one target's memory of what it said before, and what it says now.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    engine::{Metadata, Notice, Notices},
    series::{
        Entry, Format, Labels, METRIC_NAME, MatchOp, Matcher, STALE, Scan, ScanError, Select as _, TimeSpan,
        series_labels,
    },
    time::Timestamp,
    tsdb::{Rejection, SeriesRef, Store, StoreError},
};

use super::{
    batch::{Batch, Counts, Pending, Text, Times},
    cache::{Cache, Lookup},
    exemplars::{Added, Exemplars},
    families::Families,
    sample_labels::{LabelRules, LabelsWrong},
};

/// Samples may be so far ahead of the clock, in milliseconds.
const AHEAD: i64 = 10 * 60_000;
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
pub(super) struct Ingest {
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
    /// Series that another ingest of the target had, and that end if the first page lacks them or fails.
    inherited: Vec<SeriesRef>,
    families: Families,
    /// For how many scrapes some trouble has gone on.
    troubles: BTreeMap<&'static str, u64>,
}

/// Why a page was not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum IngestError {
    #[error("line {0}: invalid UTF-8")]
    Utf8(usize),
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("line {line}: {cause}")]
    Series { line: usize, cause: crate::series::Wrong },
    #[error(transparent)]
    Labels(#[from] LabelsWrong),
    #[error("sample limit exceeded")]
    SampleLimit,
    #[error("more than {0} series, and no sample_limit is set")]
    SeriesLimit(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IngestError {
    /// The line of the page that is wrong, counted from 1; `None` where it is not one line that is.
    pub(super) fn line(&self) -> Option<usize> {
        match self {
            Self::Utf8(line) | Self::Series { line, .. } => Some(*line),
            Self::Scan(error) => Some(error.line),
            Self::Labels(_) | Self::SampleLimit | Self::SeriesLimit(_) | Self::Store(_) => None,
        }
    }
}

impl Ingest {
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

    /// Stores a page; an empty one ends all series. What came of it is counted even where it is refused; then its series
    /// have ended.
    pub(super) fn page(
        &mut self,
        page: &[u8],
        format: Format,
        at: Timestamp,
        now: Timestamp,
    ) -> (Counts, Result<(), IngestError>) {
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
    pub(super) fn nothing(&mut self, at: Timestamp) -> Result<(), IngestError> {
        let inherited = self.inherited.drain(..);
        let gone: Vec<_> =
            self.cache.gone().into_iter().chain(inherited).map(|series| (series, at, STALE)).collect();
        let done = if gone.is_empty() { Ok(()) } else { self.store.commit_refs(&gone).map(drop) };
        self.cache.end(false);
        Ok(done?)
    }

    /// Stores `up` and its kin.
    pub(super) fn report(
        &mut self,
        samples: &[(&'static str, f64)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let batch: Vec<_> =
            samples.iter().map(|(name, value)| (self.report_series(name), at, *value)).collect();
        let committed = self.store.commit_refs(&batch)?;
        let again: Vec<_> = committed
            .rejected
            .iter()
            .filter(|(_, rejection)| *rejection == Rejection::StaleSeries)
            .filter_map(|(index, _)| samples.get(*index))
            .map(|(name, value)| {
                self.reports.remove(name);
                (self.report_series(name), at, *value)
            })
            .collect();
        if !again.is_empty() {
            self.store.commit_refs(&again)?;
        }
        Ok(())
    }

    /// Whether a series has a sample after `at`; if that cannot be known, yes.
    fn goes_on(&self, labels: &Labels, at: Timestamp) -> bool {
        let matcher = |(name, value)| Matcher::new(name, MatchOp::Equal, value).ok();
        let Some(matchers) = labels.iter().map(matcher).collect::<Option<Vec<_>>>() else { return true };
        let span = TimeSpan { from: Timestamp(at.0.saturating_add(1)), to: Timestamp(i64::MAX) };
        let reader = self.store.reader();
        reader.select(&matchers, span).map_or(true, |found| {
            let own = found.iter().filter(|series| series.labels == *labels);
            own.flat_map(|series| series.times.iter()).any(|time| *time > at)
        })
    }

    fn report_labels(&self, name: &str) -> Labels {
        let mut labels = self.target.edit();
        labels.set(METRIC_NAME, name);
        labels.finish()
    }

    fn report_series(&mut self, name: &'static str) -> SeriesRef {
        if let Some(series) = self.reports.get(name) {
            return *series;
        }
        let series = self.store.series(&self.report_labels(name));
        self.reports.insert(name, series);
        series
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

    /// Ends all series of a target that has gone, as of `at`; those that have newer samples go on elsewhere.
    pub(super) fn finish(&mut self, reports: &[&'static str], at: Timestamp) -> Result<(), StoreError> {
        let mut ended: Vec<(Option<Labels>, SeriesRef)> = Vec::new();
        for index in self.cache.alive() {
            let series = self.cache.get(index).and_then(|seen| seen.series);
            ended.extend(series.map(|series| (self.labels_of(index), series)));
        }
        for name in reports {
            let series = self.reports.get(name).copied();
            ended.extend(series.map(|series| (Some(self.report_labels(name)), series)));
        }
        ended.extend(self.inherited.drain(..).map(|series| (None, series)));
        // Without a window the store refuses what is older than the series' last sample by itself.
        if self.store.options().out_of_order_window_millis > 0 {
            ended.retain(|(labels, _)| labels.as_ref().is_some_and(|labels| !self.goes_on(labels, at)));
        }
        let markers: Vec<_> = ended.into_iter().map(|(_, series)| (series, at, STALE)).collect();
        self.store.commit_refs(&markers)?;
        Ok(())
    }

    /// What the pages tell of their families, where that has changed since the last call.
    pub(super) fn changed_metadata(&mut self) -> Option<Vec<Metadata>> {
        self.families.changed(&self.target)
    }

    fn read(
        &mut self,
        page: &[u8],
        format: Format,
        at: Timestamp,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), IngestError> {
        let page = std::str::from_utf8(page).map_err(|error| {
            let before = &page[..error.valid_up_to()];
            IngestError::Utf8(before.split(|byte| *byte == b'\n').count())
        })?;
        let rules = Arc::clone(&self.rules);
        let sample_limit = rules.labels.limits.samples;
        let horizon = Timestamp(now.0.saturating_add(AHEAD));
        let times = Times { at, horizon, track_timestamps: rules.track_timestamps_staleness };
        let mut scan = Scan::new(page, format);
        while let Some(entry) = scan.next(self.cache.guess(format))? {
            let sample = match entry {
                Entry::Type(family, kind) => {
                    self.families.is(family, kind);
                    continue;
                }
                Entry::Help(family, help) => {
                    self.families.has_help(family, &help);
                    continue;
                }
                Entry::Unit(family, unit) => {
                    self.families.has_unit(family, unit);
                    continue;
                }
                Entry::Sample(sample) => sample,
            };
            batch.counts.scraped += 1;
            let timestamp = sample.timestamp.filter(|_| rules.honor_timestamps);
            let line = || 1 + page[..offset(page, sample.series)].matches('\n').count();
            let wrong = |cause| IngestError::Series { line: line(), cause };
            let found = self.cache.find(sample.series);
            if let Lookup::Dropped(index) | Lookup::Known(index) | Lookup::Again(index) = found
                && self.cache.get(index).is_some_and(|seen| seen.format != format)
            {
                series_labels(sample.series, format, scan.kind()).map_err(wrong)?;
                self.cache.set_format(index, format);
            }
            let index = match found {
                Lookup::Dropped(_) => continue,
                Lookup::Known(index) => index,
                Lookup::Again(index) => {
                    if timestamp.is_none() {
                        batch.counts.kept += 1;
                        batch.duplicates += 1;
                        continue;
                    }
                    index
                }
                Lookup::New => {
                    let kind = scan.kind();
                    let pairs = series_labels(sample.series, format, kind).map_err(wrong)?;
                    let labels = rules.labels.labels(&pairs, &self.target)?;
                    if sample_limit == 0 && self.cache.len() >= rules.series_limit {
                        return Err(IngestError::SeriesLimit(rules.series_limit));
                    }
                    let Some(labels) = labels else {
                        if self.cache.len() < rules.series_limit.max(sample_limit) {
                            self.cache.add(sample.series, format, kind, true);
                        }
                        continue;
                    };
                    batch.counts.kept += 1;
                    batch.limited += 1;
                    if sample_limit > 0 && batch.limited > sample_limit {
                        continue;
                    }
                    let index = self.cache.add(sample.series, format, kind, false);
                    batch.fresh.push((index, labels));
                    batch.take(Text::Fresh(index), &sample, timestamp, times);
                    continue;
                }
            };
            batch.counts.kept += 1;
            batch.limited += 1;
            if sample_limit == 0 || batch.limited <= sample_limit {
                batch.take(Text::Known(index), &sample, timestamp, times);
            }
        }
        if sample_limit > 0 && batch.limited > sample_limit {
            return Err(IngestError::SampleLimit);
        }
        Ok(())
    }

    /// Everything that the page brought, and markers for what it lacks.
    fn commit(&mut self, batch: &mut Batch, at: Timestamp) -> Result<(), IngestError> {
        for (index, labels) in &batch.fresh {
            self.cache.set_series(*index, self.store.series(labels));
        }
        batch.counts.new = batch.fresh.len();
        let refs = batch.samples.iter().map(|one| {
            let series = self.cache.get(one.index).and_then(|seen| seen.series);
            (series.expect("each text with a sample got its series above"), one.at, one.value)
        });
        let mut refs: Vec<_> = refs.collect();
        for one in batch.samples.iter().filter(|one| one.is_tracked) {
            self.cache.track(one.index);
        }
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
    fn commit_again(&mut self, batch: &mut Batch, again: &[Pending]) -> Result<(), IngestError> {
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
            Rejection::TooOld | Rejection::StaleSeries => batch.out_of_bounds += 1,
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
        self.rules.labels.labels(&pairs, &self.target).ok()?
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

/// Where a part of a text begins.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
