//! 10,000 new series a minute, which end soon: what the memory does.

use std::{
    env,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use llmobs::series::{Labels, METRIC_NAME, STALE};

use super::Trouble;
use crate::{
    embedded::{Exporter, Script, Setup, Stack, Usage, now},
    judge::write_request,
};

const MINUTES: u64 = 60;
/// MiB that a process may have at most with churned series, and the most that it may grow from half-time on.
const MOST: f64 = 160.0;
const MOST_GROWTH: f64 = 1.25;
/// New series a second over HTTP, and how many seconds each lives.
const A_SECOND: u64 = 167;
const LIFE: u64 = 30;

/// An hour of the store's time, as fast as it goes.
pub(super) fn in_store(folder: &Path) -> anyhow::Result<Trouble> {
    let mut trouble = Trouble { name: "churned series, in the store", words: Vec::new(), faults: Vec::new() };
    let begun = Instant::now();
    let output = Command::new(env::current_exe()?)
        .args(["store-child", "--churn-minutes", &MINUTES.to_string()])
        .arg(folder.join("churned"))
        .output()
        .context("cannot start the child")?;
    ensure!(output.status.success(), "the child failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let rows = text.lines().map(|line| line.split(' ').filter_map(|word| word.parse().ok()).collect());
    let rows: Vec<Vec<f64>> = rows.filter(|row: &Vec<f64>| row.len() == 6).collect();
    ensure!(rows.len() == usize::try_from(MINUTES)?, "the child said something else: {text}");
    for minute in [1, 10, 20, 30, 45, 60] {
        let row = &rows[minute - 1];
        trouble.words.push(format!(
            "minute {minute}: {} series so far, {} of them in memory, {:.0} MiB resident, {:.1} MiB on disk",
            row[1],
            row[4],
            row[2],
            row[5] / 1_048_576.0
        ));
    }
    let most = |rows: &[Vec<f64>]| rows.iter().map(|row| row[2]).fold(0.0, f64::max);
    let (first, second) = rows.split_at(rows.len() / 2);
    held(&mut trouble, most(first), most(second));
    trouble.words.push(format!("the hour took {:.1?}", begun.elapsed()));
    Ok(trouble)
}

/// Some minutes of real time, by remote write.
pub(super) fn over_http(binary: &Path, minutes: u32) -> anyhow::Result<Trouble> {
    let mut trouble =
        Trouble { name: "churned series, by remote write", words: Vec::new(), faults: Vec::new() };
    let service = Exporter::start(Script::well(now() - 3_600_000), 1.0)?;
    let config = format!(
        "targets: [{{job: trial, source: llmobs, endpoints: [\"{}\"], scrape_interval: 1s}}]\n",
        service.address
    );
    let stack = Stack::start(binary, &Setup { config, ..Setup::default() })?;
    let mut connection = stack.connect()?;
    let mut looks: Vec<f64> = Vec::new();
    let begun = Instant::now();
    let seconds = u64::from(minutes) * 60;
    for second in 0..seconds {
        let at = now();
        // Those that live: each second's own; the oldest end.
        let born: Vec<u64> = (second.saturating_sub(LIFE)..=second).collect();
        let series: Vec<(Labels, f64)> = born
            .iter()
            .flat_map(|born| (0..A_SECOND).map(move |index| (*born, index)))
            .map(|(born, index)| {
                let value = if second - born == LIFE { STALE } else { (second - born) as f64 };
                (labels(born, index), value)
            })
            .collect();
        let samples: Vec<_> =
            series.iter().enumerate().map(|(index, (_, value))| (index, at, *value)).collect();
        let (status, words) = connection.write(&write_request(&samples, |index| &series[index].0))?;
        ensure!(matches!(status, 200 | 204), "remote write: {status} {words}");
        let usage = Usage::of(stack.id()?)?;
        looks.push(usage.resident);
        if (second + 1) % 60 == 0 {
            let minute = (second + 1) / 60;
            let so_far = (second + 1) * A_SECOND;
            trouble
                .words
                .push(format!("minute {minute}: {so_far} series so far, {:.0} MiB resident", usage.resident));
        }
        let next = begun + Duration::from_secs(second + 1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let most = |looks: &[f64]| looks.iter().copied().fold(0.0, f64::max);
    if minutes >= 20 {
        let (first, second) = looks.split_at(looks.len() / 2);
        held(&mut trouble, most(first), most(second));
    } else if most(&looks) > MOST {
        trouble.faults.push(format!("churned series: {:.0} MiB resident", most(&looks)));
    }
    Ok(trouble)
}

fn held(trouble: &mut Trouble, first: f64, second: f64) {
    trouble.words.push(format!("at most {first:.0} MiB in the first half, {second:.0} MiB in the second"));
    if second > MOST || second > first * MOST_GROWTH {
        trouble.faults.push(format!("{}: memory grows from {first:.0} to {second:.0} MiB", trouble.name));
    }
}

fn labels(born: u64, index: u64) -> Labels {
    let (born, index) = (born.to_string(), index.to_string());
    let pairs =
        [(METRIC_NAME, "trial_churned"), ("pod", born.as_str()), ("index", index.as_str()), ("job", "trial")];
    pairs.into_iter().collect()
}
