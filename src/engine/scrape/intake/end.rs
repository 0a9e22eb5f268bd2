//! What a target's scrapes say of themselves, and how its series end with it.

use crate::{
    series::{Labels, METRIC_NAME, MatchOp, Matcher, STALE, Select as _, TimeSpan},
    time::Timestamp,
    tsdb::{Rejection, SeriesRef, StoreError},
};

use super::Intake;

impl Intake {
    /// Stores `up` and its kin.
    pub(in crate::engine::scrape) fn report(
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
        reader.select(&matchers, span).map_or(true, |mut found| {
            found.any(|series| series.labels == *labels && series.times.iter().any(|time| *time > at))
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

    /// Ends all series of a target that has gone, as of `at`; those that have newer samples go on elsewhere.
    pub(in crate::engine::scrape) fn finish(
        &mut self,
        reports: &[&'static str],
        at: Timestamp,
    ) -> Result<(), StoreError> {
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
}
