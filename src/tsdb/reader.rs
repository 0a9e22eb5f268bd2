//! Reads of what is in a store.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    series::{Labels, Matcher, Select, SelectError, Selected, TimeSpan, is_stale},
    time::Timestamp,
};

use super::Store;

/// Reads a store. Each call sees all commits that returned before it, and none in part.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Store,
}

impl Reader {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Label sets that all matchers of one of the sets accept and that have samples in the span, sorted.
    pub fn series(&self, sets: &[&[Matcher]], span: TimeSpan) -> Result<Vec<Labels>, SelectError> {
        let mut found = BTreeSet::new();
        for set in sets {
            found.extend(self.select(set, span)?.into_iter().map(|series| series.labels));
        }
        Ok(found.into_iter().collect())
    }

    /// Label names of such series, sorted; of all series where there is no set.
    pub fn label_names(&self, sets: &[&[Matcher]], span: TimeSpan) -> Result<Vec<String>, SelectError> {
        let series = self.series(if sets.is_empty() { &[&[]] } else { sets }, span)?;
        let names: BTreeSet<_> =
            series.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Values of a label of such series, sorted; of all series where there is no set.
    pub fn label_values(
        &self,
        name: &str,
        sets: &[&[Matcher]],
        span: TimeSpan,
    ) -> Result<Vec<String>, SelectError> {
        let series = self.series(if sets.is_empty() { &[&[]] } else { sets }, span)?;
        let values: BTreeSet<_> = series.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}

impl Select for Reader {
    fn select(&self, matchers: &[Matcher], span: TimeSpan) -> Result<Vec<Selected<'_>>, SelectError> {
        let memory = self.store.read();
        let accepted = memory
            .series
            .iter()
            .filter(|series| matchers.iter().all(|matcher| matcher.accepts_labels(&series.labels)));
        let selected = accepted.filter_map(|series| {
            let from = series.times.partition_point(|time| *time < span.from);
            let to = series.times.partition_point(|time| *time <= span.to);
            let values = series.values.get(from..to)?;
            let times: Vec<Timestamp> = series.times[from..to].to_vec();
            values.iter().any(|value| !is_stale(*value)).then(|| Selected {
                labels: series.labels.clone(),
                times: Cow::Owned(times),
                values: Cow::Owned(values.to_vec()),
            })
        });
        let mut selected: Vec<_> = selected.collect();
        selected.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(selected)
    }
}
