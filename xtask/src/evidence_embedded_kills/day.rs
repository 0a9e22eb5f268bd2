//! A day of 500 series, written into a store that nobody has opened yet.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use llmobs::{
    catalogue,
    series::{Format, Gather as _, Labels, METRIC_NAME, parse},
    simulate::{Mock, MockConfig, MockModel},
    time::Timestamp,
    tsdb::{Options, Store},
};

use crate::{
    bench_promql::a_day_until,
    embedded::{folder_bytes, now},
    judge::{Recorded, in_order},
};

/// Samples of a commit.
const BATCH: usize = 500;
/// Milliseconds of the data between two calls of maintenance.
const MAINTAIN_EVERY: i64 = 60_000;

/// Milliseconds between two scrapes of the mock service, and of a day.
const MOCK_INTERVAL: i64 = 5_000;
const DAY: i64 = 86_400_000;

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Loaded {
    pub(crate) series: usize,
    pub(crate) samples: usize,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

/// Writes 24 h up to a minute ago, at 15 s.
pub(super) fn load(folder: &Path) -> anyhow::Result<Loaded> {
    write(folder, &a_day_until(now() - 60_000))
}

/// Writes series as they would have come.
pub(crate) fn write(folder: &Path, series: &[Recorded]) -> anyhow::Result<Loaded> {
    let begun = Instant::now();
    std::fs::create_dir_all(folder)?;
    let (store, _) = Store::open(folder, Options::default())?;
    let mut maintained = i64::MIN;
    let mut samples = 0;
    for batch in in_order(series).chunks(BATCH) {
        let of =
            |(index, at, value): &(usize, i64, f64)| (series[*index].labels.clone(), Timestamp(*at), *value);
        let committed = store.commit(&batch.iter().map(of).collect::<Vec<_>>())?;
        ensure!(committed.rejected.is_empty(), "rejected: {:?}", committed.rejected.first());
        samples += committed.appended;
        let last = batch.last().map_or(0, |(_, at, _)| *at);
        if last.saturating_sub(maintained) >= MAINTAIN_EVERY {
            store.maintain(Timestamp(last)).checked()?;
            maintained = last;
        }
    }
    store.sync()?;
    let took = begun.elapsed();
    drop(store);
    Ok(Loaded { series: series.len(), samples, bytes: folder_bytes(folder), took })
}

/// A day of the mock service with some models of the built-in table, scraped every 5 s.
pub(crate) fn mock(models: &[&str], end: i64) -> anyhow::Result<Vec<Recorded>> {
    let model = |name: &&str| {
        let known = catalogue::find(name, None).with_context(|| format!("no model `{name}`"))?;
        anyhow::Ok(MockModel {
            name: (*name).to_owned(),
            provider: known.provider.to_owned(),
            share: 1.0 / models.len() as f64,
            input_price: known.price.input,
            output_price: known.price.output,
            context_window: None,
        })
    };
    let models = models.iter().map(model).collect::<anyhow::Result<_>>()?;
    let mut mock = Mock::new(MockConfig::healthy(models, 1, Timestamp(end - DAY)))?;
    let mut series: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    let mut page = Vec::new();
    for number in 0..DAY / MOCK_INTERVAL {
        let at = end - DAY + number * MOCK_INTERVAL;
        page.clear();
        mock.gather(Timestamp(at), Format::Text, &mut page);
        for sample in parse(std::str::from_utf8(&page)?)? {
            let mut labels = sample.labels.edit();
            labels.set(METRIC_NAME, sample.name).set("job", "mock").set("instance", "exporter:9091");
            series.entry(labels.finish()).or_default().push((at, sample.value));
        }
    }
    Ok(series.into_iter().map(|(labels, samples)| Recorded { labels, samples }).collect())
}
