//! A process that writes to a store is killed; then the store is opened, and must have all that was acknowledged.

use std::{
    collections::BTreeMap,
    env,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use llmobs::{
    series::{Labels, METRIC_NAME, MatchOp, Matcher, Select as _, TimeSpan},
    time::Timestamp,
    tsdb::Store,
};

use super::store_child::{RETENTION, options, samples, time};
use crate::random::Random;

/// What the rounds gave.
#[derive(Debug, Default)]
pub(super) struct StoreRounds {
    pub(super) kills: u32,
    /// Commits that were acknowledged, and their samples.
    pub(super) commits: u64,
    pub(super) samples: u64,
    /// Samples that were looked for, and found bit for bit.
    pub(super) looked_for: u64,
    /// Commits in flight at a kill: how many were there wholly, and not at all.
    pub(super) whole: u32,
    pub(super) absent: u32,
    /// Kills after which the end of the log was cut.
    pub(super) torn: u32,
    pub(super) blocks: usize,
    pub(super) longest_open: Duration,
    pub(super) faults: Vec<String>,
}

pub(super) fn run(folder: &Path, kills: u32, seed: u64) -> anyhow::Result<StoreRounds> {
    let mut rounds = StoreRounds::default();
    let mut random = Random::new(seed);
    let mut next = 0;
    for kill in 1..=kills {
        let moment = Duration::from_millis(random.between(20, 700).unsigned_abs());
        let acknowledged = killed(folder, next, moment)?;
        rounds.kills += 1;
        rounds.commits += acknowledged;
        let last = next + acknowledged;
        let begun = Instant::now();
        let (store, recovery) =
            Store::open(folder, options()).with_context(|| format!("after kill {kill}"))?;
        rounds.longest_open = rounds.longest_open.max(begun.elapsed());
        rounds.torn += u32::from(recovery.torn_bytes > 0);
        rounds.blocks = recovery.blocks;
        let mut fault = |what: String| rounds.faults.push(format!("store, kill {kill}: {what}"));
        for sentence in &recovery.set_aside {
            fault(sentence.clone());
        }
        // What is older may be gone.
        let keep = u64::try_from(RETENTION / super::store_child::INTERVAL).unwrap_or(0);
        let first = last.saturating_sub(keep);
        let (found, missing) = look(&store, first, last)?;
        rounds.looked_for += found + missing;
        if missing > 0 {
            fault(format!("{missing} of {} acknowledged samples are not there", found + missing));
        }
        let (found, missing) = look(&store, last, last + 1)?;
        match (found, missing) {
            (0, _) => rounds.absent += 1,
            (_, 0) => rounds.whole += 1,
            _ => fault(format!("{found} samples of the commit in flight are there, {missing} are not")),
        }
        let (found, _) = look(&store, last + 1, last + 2)?;
        if found > 0 {
            fault("a commit is there that was never made".to_owned());
        }
        next = last;
    }
    rounds.samples = rounds.commits * samples(0).len() as u64;
    Ok(rounds)
}

/// How many commits a child acknowledged before it was killed.
fn killed(folder: &Path, from: u64, moment: Duration) -> anyhow::Result<u64> {
    let mut child = Command::new(env::current_exe()?)
        .args(["store-child", "--from", &from.to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the child")?;
    let mut out = child.stdout.take().context("no stream")?;
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    thread::sleep(moment);
    ensure!(child.try_wait()?.is_none(), "the child ended by itself");
    child.kill()?;
    child.wait()?;
    let bytes = reader.join().ok().context("the reader panicked")??;
    // A number is written at once, so that there is no half of one.
    let numbers: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|eight| u64::from_le_bytes(eight.try_into().expect("eight bytes")))
        .collect();
    let expected = from..from + numbers.len() as u64;
    ensure!(numbers.iter().copied().eq(expected), "the child did not acknowledge in order");
    Ok(numbers.len() as u64)
}

/// How many of the samples of some commits are there bit for bit, and how many are not.
fn look(store: &Store, first: u64, end: u64) -> anyhow::Result<(u64, u64)> {
    if first >= end {
        return Ok((0, 0));
    }
    let named = Matcher::new(METRIC_NAME, MatchOp::Equal, "trial_total")?;
    let span = TimeSpan { from: time(first), to: Timestamp(time(end).0 - 1) };
    let reader = store.reader();
    let mut there: BTreeMap<Labels, BTreeMap<Timestamp, u64>> = BTreeMap::new();
    for series in reader.select(&[named], span)? {
        let points = series.times.iter().zip(series.values.iter()).map(|(at, value)| (*at, value.to_bits()));
        there.entry(series.labels.clone()).or_default().extend(points);
    }
    let (mut found, mut missing) = (0, 0);
    for (labels, at, value) in (first..end).flat_map(samples) {
        let have = there.get(&labels).and_then(|points| points.get(&at));
        if have == Some(&value.to_bits()) { found += 1 } else { missing += 1 }
    }
    Ok((found, missing))
}
