//! A page is read: which samples it brings, under which labels, within which limits.

use std::sync::Arc;

use crate::{
    series::{Entry, Format, Scan, ScanError, Wrong, series_labels},
    time::Timestamp,
    tsdb::StoreError,
};

use super::Intake;
use crate::engine::scrape::{
    batch::{Batch, Text, Times},
    cache::Lookup,
    sample_labels::LabelsWrong,
};

/// Samples may be so far ahead of the clock, in milliseconds.
const AHEAD: i64 = 10 * 60_000;

/// Why a page was not stored.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine::scrape) enum IntakeError {
    #[error("line {0}: invalid UTF-8")]
    Utf8(usize),
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("line {line}: {cause}")]
    Series { line: usize, cause: Wrong },
    #[error(transparent)]
    Labels(#[from] LabelsWrong),
    #[error("sample limit exceeded")]
    SampleLimit,
    #[error("more than {0} series, and no sample_limit is set")]
    SeriesLimit(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntakeError {
    /// The line of the page that is wrong, counted from 1; `None` where it is not one line that is.
    pub(in crate::engine::scrape) fn line(&self) -> Option<usize> {
        match self {
            Self::Utf8(line) | Self::Series { line, .. } => Some(*line),
            Self::Scan(error) => Some(error.line),
            Self::Labels(_) | Self::SampleLimit | Self::SeriesLimit(_) | Self::Store(_) => None,
        }
    }
}

impl Intake {
    /// What a page brings; nothing is stored yet. At a fault, `batch` holds what stood before it.
    pub(super) fn read(
        &mut self,
        page: &[u8],
        format: Format,
        at: Timestamp,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), IntakeError> {
        let page = match std::str::from_utf8(page) {
            Ok(page) => page,
            Err(error) => {
                // The lines before the one that is not text were read; one of them may be wrong in its own way.
                let before = &page[..error.valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                let lines = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                self.read(&before[..lines], Format::Text, at, now, batch)?;
                return Err(IntakeError::Utf8(line));
            }
        };
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
            let wrong = |cause| IntakeError::Series { line: line(), cause };
            let found = self.cache.find(sample.series);
            if let Lookup::Dropped(index) | Lookup::Known(index) | Lookup::Again(index) = found
                && self.cache.get(index).is_some_and(|seen| seen.format != format)
            {
                // What one format takes, the other may refuse.
                series_labels(sample.series, format, scan.kind()).map_err(wrong)?;
                self.cache.set_format(index, format);
            }
            let index = match found {
                Lookup::Dropped(_) => continue,
                Lookup::Known(index) => {
                    batch.series += 1;
                    index
                }
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
                    let Some(labels) = rules.labels.labels(pairs, &self.target)? else {
                        // What is not remembered is only read once more the next time.
                        if self.cache.here() < rules.series_limit.max(sample_limit) {
                            self.cache.add(sample.series, format, kind, true);
                        }
                        continue;
                    };
                    batch.counts.kept += 1;
                    batch.limited += 1;
                    batch.series += 1;
                    if sample_limit == 0 && batch.series > rules.series_limit {
                        return Err(IntakeError::SeriesLimit(rules.series_limit));
                    }
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
            return Err(IntakeError::SampleLimit);
        }
        Ok(())
    }
}

/// Where a part of a text begins.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}
