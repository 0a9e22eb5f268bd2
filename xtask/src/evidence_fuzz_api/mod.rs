//! `cargo xtask evidence fuzz-api`: mutations of requests to the HTTP API, and of remote writes.
//!
//! Owns: the mutation ([`mutate`]), what must hold of an answer ([`check`]), the page.
//! Must not know: connections: requests are given to the API as the HTTP server would.
//! Invariants: each input comes from the seed and its number alone, so any of them can be had again.
//! Start reading at: [`run`].

mod check;
mod mutate;
mod page;

use std::{
    collections::BTreeMap,
    env,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use self::{check::Subject, mutate::Request};
use crate::{
    evidence_api::{Case, Options},
    random::Random,
    stamp,
};

/// Optimised, but with unwinding and with checks of arithmetic.
const PROFILE: &str = "fuzz";
/// Inputs that a worker takes at a time.
const BATCH: u64 = 256;
/// Requests that one store gets before it is made anew.
const STORE: u64 = 50_000;

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many inputs.
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
    /// Of the inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Inputs at a time.
    #[arg(long, default_value_t = 2)]
    workers: u64,
    /// Write no page.
    #[arg(long)]
    check: bool,
    /// Run in this very build of the tool, and not in an optimised one that is made for it.
    #[arg(long)]
    here: bool,
    /// Show the input of this number, and what becomes of it.
    #[arg(long, value_name = "NUMBER")]
    only: Option<u64>,
}

/// What came of the inputs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By what was asked and the status.
    pub(crate) statuses: BTreeMap<(&'static str, u16), u64>,
    /// By the rule that is broken: how often, and the first number and input.
    pub(crate) faults: BTreeMap<String, (u64, u64, String)>,
    /// How long the slowest input took, and its number.
    pub(crate) slowest: (Duration, u64),
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn total(&self) -> u64 {
        self.statuses.values().sum::<u64>() + self.faults.values().map(|fault| fault.0).sum::<u64>()
    }

    fn add(&mut self, other: Self) {
        for (key, times) in other.statuses {
            *self.statuses.entry(key).or_default() += times;
        }
        for (rule, (times, number, input)) in other.faults {
            let fault = self.faults.entry(rule).or_insert((0, number, input));
            fault.0 += times;
        }
        self.slowest = self.slowest.max(other.slowest);
        self.bytes += other.bytes;
    }
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let corpus = Arc::new(Options::requests(100, args.seed));
    if let Some(number) = args.only {
        return Ok(show(args.seed, number, &corpus));
    }
    if !args.here {
        return elsewhere(repository, args);
    }
    // Of the sources that were built, and not of what is there when the run has ended.
    let commit = stamp::commit(repository)?;
    let begun = Instant::now();
    set_hook(Box::new(|_| {}));
    let next = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..args.workers.max(1))
        .map(|_| {
            let (corpus, next) = (Arc::clone(&corpus), Arc::clone(&next));
            let (seed, count) = (args.seed, args.count);
            thread::spawn(move || work(seed, count, &corpus, &next))
        })
        .collect();
    let mut tally = Tally::default();
    for worker in workers {
        tally.add(worker.join().map_err(|_| anyhow::anyhow!("a worker died"))?);
    }
    let took = begun.elapsed();
    let text = page::page(args, &commit, corpus.len(), &tally, took);
    print!("{}", page::summary(&tally, took));
    if !args.check {
        std::fs::write(repository.join(page::PAGE), text).context("cannot write the page")?;
    }
    Ok(if tally.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn work(seed: u64, count: u64, corpus: &[Case], next: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    let mut subject = Subject::new();
    let mut asked = 0;
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= count {
            return tally;
        }
        if asked > STORE {
            subject = Subject::new();
            asked = 0;
        }
        for number in from..(from + BATCH).min(count) {
            asked += 1;
            let request = input(seed, number, corpus);
            tally.bytes += request.len() as u64;
            let begun = Instant::now();
            let outcome = examined(&subject, &request);
            tally.slowest = tally.slowest.max((begun.elapsed(), number));
            match outcome {
                Ok(status) => *tally.statuses.entry((request.kind, status)).or_default() += 1,
                Err(rule) => {
                    let fault =
                        tally.faults.entry(rule).or_insert_with(|| (0, number, format!("{request:?}")));
                    fault.0 += 1;
                }
            }
        }
    }
}

/// The status of the answer, or what is wrong.
fn examined(subject: &Subject, request: &Request) -> Result<u16, String> {
    catch_unwind(AssertUnwindSafe(|| subject.examine(request))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(format!("it panics: {words}"))
    })
}

fn input(seed: u64, number: u64, corpus: &[Case]) -> Request {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    mutate::request(&mut random, corpus)
}

fn show(seed: u64, number: u64, corpus: &[Case]) -> ExitCode {
    let request = input(seed, number, corpus);
    println!("{request:?}");
    let outcome = Subject::new().examine(&request);
    println!("{outcome:?}");
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs in a build of its own.
fn elsewhere(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "xtask", "--profile", PROFILE])
        .current_dir(repository)
        .status();
    ensure!(built.context("cannot run cargo")?.success(), "the build failed");
    let tool = env::current_exe()?;
    let target: PathBuf = tool.parent().and_then(Path::parent).context("this program has no place")?.into();
    let mut child = Command::new(target.join(PROFILE).join("xtask"));
    child.args(["evidence", "fuzz-api", "--here"]);
    for (flag, value) in [("--count", args.count), ("--seed", args.seed), ("--workers", args.workers)] {
        child.arg(flag).arg(value.to_string());
    }
    child.args(args.check.then_some("--check"));
    let status = child.status().context("cannot run the tool")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_shows_no_fault() {
        let corpus = Options::requests(5, 1);
        let subject = Subject::new();
        for number in 0..400 {
            let request = input(1, number, &corpus);
            let outcome = subject.examine(&request);
            assert!(outcome.is_ok(), "{request:?}: {outcome:?}");
        }
    }
}
