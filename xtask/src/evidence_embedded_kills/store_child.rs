//! A process that does nothing but write to a store, over days that pass in seconds; to be killed, or measured.
//!
//! What it writes is a function of the number of the commit, so that whoever killed it knows what must be there.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use llmobs::{
    series::{Labels, METRIC_NAME, STALE},
    time::Timestamp,
    tsdb::{Options, SeriesRef, Store},
};

use crate::embedded::{Usage, folder_bytes};

/// Milliseconds between two commits of the simulated service.
pub(super) const INTERVAL: i64 = 15_000;
/// A Monday morning.
pub(super) const START: i64 = 1_795_420_800_000;
/// Series of a commit.
const SERIES: u64 = 40;
/// After so many commits other series come, and the old ones end.
const GENERATION: u64 = 700;
/// Commits between two calls of maintenance; the product calls it every second.
const MAINTAIN_EVERY: u64 = 240;
/// Kept; long enough for large blocks, short enough that they are dropped.
pub(super) const RETENTION: i64 = 30 * 3_600_000;
/// New series in a scrape when they are churned: 10,000 a minute.
const CHURNED: u64 = 2_500;
/// Scrapes that a churned series lives.
const CHURN_LIFE: u64 = 4;

/// What the child is asked to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the store.
    folder: PathBuf,
    /// Number of the first commit.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Instead: so many minutes of churned series, and figures at the end.
    #[arg(long)]
    churn_minutes: Option<u64>,
}

pub(super) fn options() -> Options {
    Options { retention_millis: Some(RETENTION), ..Options::default() }
}

/// The samples of a commit.
pub(super) fn samples(number: u64) -> Vec<(Labels, Timestamp, f64)> {
    let at = time(number);
    let generation = number / GENERATION;
    let ends = number % GENERATION == GENERATION - 1;
    let sample = |index: u64| {
        let value = if ends { STALE } else { value(number, index) };
        (labels(generation, index), at, value)
    };
    (0..SERIES).map(sample).collect()
}

pub(super) fn time(number: u64) -> Timestamp {
    Timestamp(START + i64::try_from(number).unwrap_or(0) * INTERVAL)
}

fn labels(generation: u64, index: u64) -> Labels {
    let (generation, index) = (generation.to_string(), index.to_string());
    let pairs = [(METRIC_NAME, "trial_total"), ("pod", &generation), ("series", &index), ("job", "trial")];
    pairs.into_iter().collect()
}

/// Counters, gauges and costs, by the index of the series.
fn value(number: u64, index: u64) -> f64 {
    let count = (number % GENERATION) as f64;
    match index % 4 {
        0 => (count * (1.0 + index as f64)).floor(),
        1 => ((number * 7919 + index) % 97) as f64,
        2 => count * 0.000_293 * (1.0 + index as f64),
        _ => ((number ^ index) as f64).sqrt(),
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match args.churn_minutes {
        Some(minutes) => churn(&args.folder, minutes)?,
        None => write_for_ever(&args.folder, args.from)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says the number of each commit when it has been acknowledged.
fn write_for_ever(folder: &Path, from: u64) -> anyhow::Result<()> {
    let (store, _) = Store::open(folder, options())?;
    let mut out = io::stdout().lock();
    for number in from.. {
        let batch = samples(number);
        let committed = store.commit(&batch)?;
        ensure!(committed.rejected.is_empty(), "commit {number}: {:?}", committed.rejected);
        out.write_all(&number.to_le_bytes())?;
        out.flush()?;
        if number % MAINTAIN_EVERY == 0 {
            store.maintain(time(number)).checked()?;
        }
    }
    Ok(())
}

/// New series at each scrape, which end after some more; says a line of figures for every simulated minute.
fn churn(folder: &Path, minutes: u64) -> anyhow::Result<()> {
    let (store, _) = Store::open(folder, Options::default())?;
    let mut alive: Vec<(u64, Vec<SeriesRef>)> = Vec::new();
    for scrape in 0..minutes * 4 {
        let at = time(scrape);
        let started = (0..CHURNED).map(|index| store.series(&labels(scrape, index))).collect();
        alive.push((scrape, started));
        let mut batch = Vec::new();
        for (born, series) in &alive {
            let ends = scrape - born == CHURN_LIFE;
            let value = if ends { STALE } else { (scrape - born) as f64 };
            batch.extend(series.iter().map(|series| (*series, at, value)));
        }
        let committed = store.commit_refs(&batch)?;
        ensure!(committed.rejected.is_empty(), "scrape {scrape}: {:?}", committed.rejected.first());
        alive.retain(|(born, _)| scrape - born < CHURN_LIFE);
        // As often as the product does, a second after the other.
        for second in 0..15 {
            store.maintain(Timestamp(at.0 + second * 1_000)).checked()?;
        }
        if scrape % 4 == 3 {
            let (usage, stats) = (Usage::of(std::process::id())?, store.stats());
            let line = format!(
                "{} {} {:.1} {:.1} {} {}",
                (scrape + 1) / 4,
                (scrape + 1) * CHURNED,
                usage.resident,
                usage.peak,
                stats.series,
                folder_bytes(folder)
            );
            writeln!(io::stdout(), "{line}").context("nobody listens")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_functions_of_their_number() {
        let bits =
            |number| samples(number).iter().map(|(_, at, value)| (*at, value.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(17), bits(17));
        assert_ne!(bits(17), bits(18));
        let last = samples(GENERATION - 1);
        assert!(last.iter().all(|(_, _, value)| value.to_bits() == STALE.to_bits()));
        assert_ne!(samples(GENERATION)[0].0, last[0].0);
    }
}
