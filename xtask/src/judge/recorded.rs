//! Series with their samples, and the order in which both sides get them.

use anyhow::Context as _;
use llmobs::{
    series::{Columns, Labels},
    time::Timestamp,
};

/// A series and its samples, in the order of their times.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) labels: Labels,
    /// Milliseconds and values; staleness markers are among them.
    pub(crate) samples: Vec<(i64, f64)>,
}

/// A sample on its way: index of its series, time in milliseconds, value.
pub(crate) type Arrival = (usize, i64, f64);

/// All samples as they would have come: by time, and at one time by the series' place in the list.
pub(crate) fn in_order(series: &[Recorded]) -> Vec<Arrival> {
    let samples = series.iter().enumerate();
    let mut all: Vec<Arrival> = samples
        .flat_map(|(index, series)| series.samples.iter().map(move |(at, value)| (index, *at, *value)))
        .collect();
    all.sort_by_key(|(index, at, _)| (*at, *index));
    all
}

/// The same samples in the product's own store.
pub(crate) fn columns(series: &[Recorded]) -> anyhow::Result<Columns> {
    let mut columns = Columns::new();
    for (index, at, value) in in_order(series) {
        let labels = &series[index].labels;
        let id = columns.series(labels);
        columns.append(id, Timestamp(at), value).with_context(|| format!("cannot append to {labels}"))?;
    }
    Ok(columns)
}
