//! `cargo xtask evidence fuzz-api`: mutations of requests to the HTTP API, of remote writes, and of expositions.
//!
//! Owns: the mutation ([`mutate`], [`pages`]), what must hold of an answer ([`check`]) and of what is scraped
//! ([`check_pages`]), the page.
//! Must not know: connections: requests are given to the API as the HTTP server would, pages to a target as its loop
//! would.
//! Invariants: each input comes from the seed and its number alone, so any of them can be had again.
//! Start reading at: [`run`].

mod check;
mod check_pages;
mod expositions;
mod mutate;
mod page;
mod pages;

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

use self::{check::Subject, check_pages::Scraper, mutate::Request, pages::Pages};
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

/// Letters of a faulty input that are shown.
const SHOWN: usize = 2000;

/// Bytes of a request that are too many to be changed.
const LARGE: usize = 64 << 10;

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
    /// End after so many minutes, even if inputs are left.
    #[arg(long)]
    minutes: Option<u64>,
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

/// What inputs are made from.
struct Corpus {
    requests: Vec<Case>,
    pages: Vec<String>,
}

impl Corpus {
    fn new(expressions: usize, seed: u64) -> anyhow::Result<Self> {
        let mut requests = Options::requests(expressions, seed);
        // What is large makes inputs slow, and no others than it is itself.
        requests.retain(|case| case.body.len() + case.path.len() < LARGE);
        Ok(Self { requests, pages: expositions::corpus()? })
    }
}

/// What is given to the product.
#[derive(Debug)]
enum Input {
    Parameters(Request),
    Write(Request),
    Pages(Pages),
}

impl Input {
    fn new(seed: u64, number: u64, corpus: &Corpus) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        match random.below(20) {
            0..9 => Self::Parameters(mutate::request(&mut random, &corpus.requests)),
            9..16 => Self::Write(mutate::write(&mut random)),
            _ => Self::Pages(pages::pages(&mut random, &corpus.pages)),
        }
    }

    /// What the page counts it as.
    fn kind(&self) -> &'static str {
        match self {
            Self::Parameters(_) => "HTTP parameters",
            Self::Write(_) => "remote write",
            Self::Pages(_) => "expositions",
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Parameters(request) | Self::Write(request) => request.len(),
            Self::Pages(pages) => pages.len(),
        }
    }
}

/// What inputs are given to.
struct Product {
    api: Subject,
    scraper: Scraper,
}

impl Product {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { api: Subject::new(), scraper: Scraper::new()? })
    }

    /// What became of it, or what is wrong.
    fn examine(&self, input: &Input) -> Result<String, String> {
        let examined = catch_unwind(AssertUnwindSafe(|| match input {
            Input::Parameters(request) | Input::Write(request) => {
                self.api.examine(request).map(|status| status.to_string())
            }
            Input::Pages(pages) => self.scraper.examine(pages).map(str::to_owned),
        }));
        examined.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            Err(format!("it panics: {words}"))
        })
    }
}

/// What came of the inputs.
#[derive(Debug, Default)]
struct Tally {
    kinds: BTreeMap<&'static str, Kind>,
    /// By the rule that is broken: how often, and the first number and input.
    faults: BTreeMap<String, (u64, u64, String)>,
}

/// What came of inputs of one kind.
#[derive(Debug, Default)]
struct Kind {
    inputs: u64,
    bytes: u64,
    took: Duration,
    outcomes: BTreeMap<String, u64>,
    /// How long the slowest input took, and its number.
    slowest: (Duration, u64),
}

impl Tally {
    fn inputs(&self) -> u64 {
        self.kinds.values().map(|kind| kind.inputs).sum()
    }

    fn add(&mut self, other: Self) {
        for (kind, of) in other.kinds {
            let kind = self.kinds.entry(kind).or_default();
            kind.inputs += of.inputs;
            kind.bytes += of.bytes;
            kind.took += of.took;
            kind.slowest = kind.slowest.max(of.slowest);
            for (outcome, times) in of.outcomes {
                *kind.outcomes.entry(outcome).or_default() += times;
            }
        }
        for (rule, (times, number, input)) in other.faults {
            let fault = self.faults.entry(rule).or_insert((0, number, input));
            fault.0 += times;
        }
    }
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let corpus = Arc::new(Corpus::new(100, args.seed)?);
    if let Some(number) = args.only {
        return show(args.seed, number, &corpus);
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
            let deadline = args.minutes.map(|minutes| begun + Duration::from_secs(minutes * 60));
            thread::spawn(move || work(seed, count, deadline, &corpus, &next))
        })
        .collect();
    let mut tally = Tally::default();
    for worker in workers {
        tally.add(worker.join().map_err(|_| anyhow::anyhow!("a worker died"))??);
    }
    eprintln!();
    let took = begun.elapsed();
    let text = page::page(args, &commit, &corpus, &tally, took);
    print!("{}", page::summary(&tally, took));
    if !args.check {
        std::fs::write(repository.join(page::PAGE), text).context("cannot write the page")?;
    }
    Ok(if tally.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn work(
    seed: u64,
    count: u64,
    deadline: Option<Instant>,
    corpus: &Corpus,
    next: &AtomicU64,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut product = Product::new()?;
    let mut asked = 0;
    let begun = Instant::now();
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= count || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(tally);
        }
        if asked > STORE {
            product = Product::new()?;
            asked = 0;
            eprint!("\r{from:>10} of {count} inputs, {:.0}/s ", from as f64 / begun.elapsed().as_secs_f64());
        }
        for number in from..(from + BATCH).min(count) {
            asked += 1;
            let input = Input::new(seed, number, corpus);
            let begun = Instant::now();
            let outcome = product.examine(&input);
            let kind = tally.kinds.entry(input.kind()).or_default();
            let took = begun.elapsed();
            kind.slowest = kind.slowest.max((took, number));
            kind.took += took;
            kind.inputs += 1;
            kind.bytes += input.len() as u64;
            match outcome {
                Ok(outcome) => *kind.outcomes.entry(outcome).or_default() += 1,
                Err(rule) => {
                    let shown = || (0, number, format!("{input:?}").chars().take(SHOWN).collect());
                    tally.faults.entry(rule).or_insert_with(shown).0 += 1;
                }
            }
        }
    }
}

fn show(seed: u64, number: u64, corpus: &Corpus) -> anyhow::Result<ExitCode> {
    let input = Input::new(seed, number, corpus);
    println!("{}", format!("{input:?}").chars().take(10 * SHOWN).collect::<String>());
    let outcome = Product::new()?.examine(&input);
    println!("{outcome:?}");
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    if let Some(minutes) = args.minutes {
        child.arg("--minutes").arg(minutes.to_string());
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
        let corpus = Corpus::new(5, 1).unwrap();
        let product = Product::new().unwrap();
        for number in 0..600 {
            let input = Input::new(1, number, &corpus);
            let outcome = product.examine(&input);
            assert!(outcome.is_ok(), "{input:?}: {outcome:?}");
        }
    }
}
