//! `cargo xtask evidence embedded-kills`: what an embedded stack keeps when it is killed, and when the disk, the clock
//! or the services do what they should not.
//!
//! Owns: the rounds of kills over HTTP and of a bare store, the troubles of disk, clock and churned series, the page.
//! Must not know: how the store works.
//! Invariants: only what was acknowledged is asked for; every process is our own child.
//! Start reading at: [`run`].

mod churn;
mod clock;
pub(crate) mod day;
mod disk;
mod http_rounds;
mod page;
pub(crate) mod store_child;
mod store_rounds;

use std::{
    env, fs,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use self::{http_rounds::HttpRounds, store_rounds::StoreRounds};
use crate::embedded::build;

const PAGE: &str = "assets/evidence/embedded-kills.md";
/// The longest that a start may take over 24 h of data; a debug build is slower.
const LONGEST_START: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// Faults on the screen; the page has all.
const SHOWN: usize = 40;

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many kills of each kind.
    #[arg(long, default_value_t = 100)]
    count: u32,
    /// Of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Minutes in which 10,000 series a minute come and go over HTTP, as time is; in the store it is always an hour.
    #[arg(long, default_value_t = 5)]
    churn_minutes: u32,
    /// Only the kills, and write no page.
    #[arg(long)]
    check: bool,
}

/// One trouble, what came of it in words, and what should not have been.
#[derive(Debug)]
struct Trouble {
    name: &'static str,
    words: Vec<String>,
    faults: Vec<String>,
}

#[derive(Debug)]
struct Findings {
    http: HttpRounds,
    store: StoreRounds,
    troubles: Vec<Trouble>,
    took: Duration,
}

impl Findings {
    fn faults(&self) -> impl Iterator<Item = &String> {
        let troubles = self.troubles.iter().flat_map(|trouble| &trouble.faults);
        self.http.faults.iter().chain(&self.store.faults).chain(troubles)
    }
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let binary = build(repository)?;
    let folder = env::temp_dir().join(format!("llmobs-embedded-kills-{}", std::process::id()));
    fs::create_dir_all(&folder).context("cannot create a folder")?;
    let found = find(&binary, &folder, args);
    fs::remove_dir_all(&folder).context("cannot remove the folder")?;
    let findings = found?;
    for fault in findings.faults().take(SHOWN) {
        println!("fault: {fault}");
    }
    if !args.check {
        fs::write(repository.join(PAGE), page::page(repository, args, &findings)?)
            .with_context(|| format!("cannot write `{PAGE}`"))?;
    }
    Ok(if findings.faults().next().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(binary: &Path, folder: &Path, args: &Args) -> anyhow::Result<Findings> {
    let begun = Instant::now();
    let store = store_rounds::run(&folder.join("store"), args.count, args.seed)?;
    println!("{}", page::of_store(&store));
    let mut http = http_rounds::run(binary, args.count, args.seed)?;
    if let Some(longest) = http.starts.last().filter(|longest| **longest > LONGEST_START) {
        http.faults.push(format!("a start took {longest:.1?}"));
    }
    println!("{}", page::of_http(&http));
    let mut troubles = Vec::new();
    let mut tell = |trouble: Trouble| {
        print!("{}", page::of_trouble(&trouble));
        troubles.push(trouble);
    };
    if !args.check {
        tell(disk::full(binary, folder)?);
        tell(disk::read_only(binary, folder)?);
        tell(clock::jumps(binary, folder)?);
        tell(churn::over_http(binary, args.churn_minutes)?);
        tell(churn::in_store(folder)?);
    }
    Ok(Findings { http, store, troubles, took: begun.elapsed() })
}
