//! `cargo xtask evidence fuzz`: mutations of real expressions through parser, printer and evaluation.
//!
//! Each input comes from the seed and its number alone, so any of them can be had again. Panics are caught, the input
//! is made as short as possible, and the run goes on.

mod answer;
mod check;
mod corpus;
mod coverage;
mod mutate;
mod page;
mod shrink;
mod store;
mod token;
mod tree;
mod words;
mod work;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use crate::stamp;

use answer::Asker;
use mutate::Mutator;
use work::{Plan, Tally};

/// Optimised, but with unwinding and with checks of arithmetic.
const PROFILE: &str = "fuzz";

/// How `cargo xtask evidence fuzz` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many inputs.
    #[arg(long, default_value_t = 10_000_000)]
    count: u64,
    /// Of the inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Inputs at a time.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// What an input may take of a processor's time, in milliseconds; a build that is not optimised needs more.
    #[arg(long, default_value_t = 250)]
    limit: u64,
    /// Write no page.
    #[arg(long)]
    check: bool,
    /// Run in this very build of the tool, and not in an optimised one that is made for it.
    #[arg(long)]
    here: bool,
    /// Count which lines and branches of the language are reached, and write that down instead; needs LLVM's tools.
    #[arg(long, conflicts_with_all = ["check", "here"])]
    coverage: bool,
    /// Show the input of this number, and what becomes of it.
    #[arg(long, value_name = "NUMBER")]
    only: Option<u64>,
    /// Examine this text and not a mutation.
    #[arg(long, value_name = "TEXT", conflicts_with = "only")]
    input: Option<String>,
}

/// A run that ended by itself.
#[derive(Debug)]
struct Course {
    tally: Tally,
    took: Duration,
    corpus: usize,
    /// The most memory that the process has held, in KiB.
    peak: u64,
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let corpus = Arc::new(corpus::load(repository)?);
    if args.only.is_some() || args.input.is_some() {
        return show(args, &corpus);
    }
    if args.coverage {
        return coverage::run(repository, PROFILE, args.seed, args.count).map(|()| ExitCode::SUCCESS);
    }
    if !args.here {
        return elsewhere(repository, args, &corpus);
    }
    let notes = env::var_os(NOTES).map(PathBuf::from);
    let plan = Plan {
        seed: args.seed,
        count: args.count,
        workers: args.workers.max(1),
        limit: Duration::from_millis(args.limit),
        corpus,
        notes,
    };
    // Of the sources that were built, and not of what is there when the run has ended.
    let commit = stamp::commit(repository)?;
    let begun = Instant::now();
    let tally = work::run(&plan, &mut |done| {
        let pace = done as f64 / begun.elapsed().as_secs_f64();
        eprint!("\r{done:>10} of {} inputs, {pace:.0}/s ", plan.count);
    })?;
    eprintln!();
    let course = Course { tally, took: begun.elapsed(), corpus: plan.corpus.len(), peak: peak()? };
    print!("{}", page::summary(&course));
    if !args.check {
        page::write(repository, args, &commit, &course)?;
    }
    Ok(if course.tally.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The environment variable that names the folder of the workers' notes.
const NOTES: &str = "LLMOBS_FUZZ_NOTES";

/// Runs in a build of its own; if that dies, its workers' notes tell of what.
fn elsewhere(repository: &Path, args: &Args, corpus: &[String]) -> anyhow::Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "xtask", "--profile", PROFILE])
        .current_dir(repository)
        .status();
    ensure!(built.context("cannot run cargo")?.success(), "the build failed");
    let program = program_of(PROFILE)?;
    let notes = env::temp_dir().join(format!("fuzz-{}", std::process::id()));
    fs::create_dir_all(&notes).with_context(|| format!("cannot create `{}`", notes.display()))?;
    let mut child = Command::new(&program);
    child.args(["evidence", "fuzz", "--here"]);
    for (flag, value) in [
        ("--count", args.count),
        ("--seed", args.seed),
        ("--workers", args.workers.max(1) as u64),
        ("--limit", args.limit),
    ] {
        child.arg(flag).arg(value.to_string());
    }
    child.args(args.check.then_some("--check"));
    let status =
        child.env(NOTES, &notes).status().with_context(|| format!("cannot run `{}`", program.display()))?;
    if status.code().is_none() {
        println!("the process died: {status}; at that time it was at");
        let mutator = Mutator::new(corpus);
        for worker in 0..args.workers.max(1) {
            let Ok(note) = fs::read(work::note_of(&notes, worker)) else { continue };
            let Some(index) = note.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else { continue };
            let input = mutator.input(&mut work::random_of(args.seed, index));
            println!("--only {index}: {input:?}");
        }
    }
    fs::remove_dir_all(&notes).context("cannot remove the notes")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where cargo puts this tool in another profile: they lie beside each other.
fn program_of(profile: &str) -> anyhow::Result<PathBuf> {
    let tool = env::current_exe()?;
    let target = tool.parent().and_then(Path::parent).context("this program has no place")?;
    Ok(target.join(profile).join("xtask"))
}

/// One input.
fn show(args: &Args, corpus: &[String]) -> anyhow::Result<ExitCode> {
    let mut random = work::random_of(args.seed, args.only.unwrap_or_default());
    let mutation = || Mutator::new(corpus).input(&mut random);
    let input = args.input.clone().unwrap_or_else(mutation);
    println!("{input:?}");
    let asker = Asker::new()?;
    work::keep_panics();
    let (result, took) = check::timed(|| work::one(&input, &asker, &random));
    println!("{result:?}\n{took:.1?}");
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The most memory that this process has held, in KiB, as Linux counts it.
fn peak() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read the process' own status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory is known")?;
    line.trim().trim_end_matches(" kB").parse().context("the peak of memory is no number")
}
