//! `cargo xtask bench embedded`: an embedded stack and a real Prometheus over the same day, in one run.
//!
//! Owns: the order of the measurements, the bars, the page.
//! Must not know: how either side works.
//! Invariants: both sides have the same samples and run the same rendered files; they are asked in turns.
//! Start reading at: [`run`].

mod disk;
mod ingest;
mod newcomer;
mod page;
mod queries;

use std::{
    env, fs,
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use self::{disk::Bytes, ingest::Ingested, newcomer::Newcomer, queries::Panel};
use crate::{
    bench_promql::a_day_until,
    embedded::{Setup, Stack, Usage, build, now},
    evidence_embedded_kills::day,
    judge::{Recorded, Server},
};

const PAGE: &str = "assets/evidence/embedded-speed.md";
/// How often each side is started over the day.
const STARTS: usize = 5;
/// How long Prometheus may take to have cut its blocks.
const PATIENCE: Duration = Duration::from_secs(150);

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Measure, and write no page.
    #[arg(long)]
    check: bool,
    /// How long the static pages are scraped.
    #[arg(long, default_value_t = 60)]
    scrape_seconds: u32,
}

/// The same thing of both sides.
#[derive(Debug, Clone, Copy, Default)]
struct Pair<T> {
    theirs: T,
    ours: T,
}

impl Pair<f64> {
    fn ratio(self) -> f64 {
        self.ours / self.theirs
    }
}

#[derive(Debug)]
struct Measured {
    version: String,
    series: usize,
    samples: usize,
    starts: Pair<Duration>,
    fresh: Pair<Usage>,
    panels: Vec<Panel>,
    after: Pair<Usage>,
    written: Pair<Ingested>,
    at_the_end: Pair<Usage>,
    scraped: Pair<Ingested>,
    bytes: Pair<Bytes>,
    newcomer: Newcomer,
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        println!("warning: this is a debug build; run `cargo run --release -p xtask -- bench embedded`");
    }
    let binary = build(repository)?;
    let folder = env::temp_dir().join(format!("llmobs-bench-embedded-{}", std::process::id()));
    fs::create_dir_all(&folder).context("cannot create a folder")?;
    let measured = measure(&binary, &folder, args);
    fs::remove_dir_all(&folder).context("cannot remove the folder")?;
    let measured = measured?;
    print!("{}", page::table(&measured));
    if !args.check {
        fs::write(repository.join(PAGE), page::page(repository, &measured)?)
            .with_context(|| format!("cannot write `{PAGE}`"))?;
    }
    let missed = page::bars(&measured).iter().filter(|bar| !bar.held()).count();
    println!("{missed} bars are missed");
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(binary: &Path, folder: &Path, args: &Args) -> anyhow::Result<Measured> {
    let newcomer = newcomer::measure(binary)?;
    println!("newcomer: ready in {:.0?}, first samples in {:.0?}", newcomer.ready, newcomer.first_samples);

    // Nobody is there, so that only the day itself is asked for.
    let config = "targets: [{job: gateway, source: llmobs, endpoints: [\"127.0.0.1:9\"]}]\nmodels: [gpt-4o, gpt-4o-mini]\n";
    let setup = Setup { config: config.to_owned(), ..Setup::default() };
    let mut ours = Stack::prepare(binary, &setup)?;
    let end = now() - 60_000;
    let series = a_day_until(end);
    let loaded = day::write(&ours.data(), &series)?;
    println!("{} series, {} samples, in our store in {:.1?}", loaded.series, loaded.samples, loaded.took);
    let empty = folder.join("empty.yml");
    fs::write(&empty, "global: {}\n")?;
    let mut theirs = Server::start_from(&empty, &[])?;
    let begun = Instant::now();
    theirs.load(&series)?;
    wait_for_blocks(&theirs, end)?;
    println!("in Prometheus by remote write in {:.1?}", begun.elapsed());

    ours.up()?;
    let rendered = ours.prometheus_yml();
    let starts = starts(&mut theirs, &mut ours, &rendered)?;
    println!("starts: {starts:.0?}");
    thread::sleep(Duration::from_secs(5));
    let fresh = usage(&theirs, &ours)?;
    let dashboard =
        rendered.with_file_name("../grafana/provisioning/dashboards/llmobs/llm-service-overview.json");
    let dashboard = serde_json::from_str(&fs::read_to_string(dashboard)?)?;
    let panels = queries::measure(&dashboard, &theirs, &ours, end)?;
    let after = usage(&theirs, &ours)?;
    println!("resident after the queries: {:.0} and {:.0} MiB", after.theirs.resident, after.ours.resident);
    let written = ingest::remote_write(&theirs, &ours, &series)?;
    println!("remote write: {:.0} and {:.0} samples/CPU s", written.theirs.rate(), written.ours.rate());
    thread::sleep(Duration::from_secs(5));
    let at_the_end = usage(&theirs, &ours)?;
    let version = theirs.version.clone();
    ours.terminate()?;
    let bytes = Pair { theirs: disk::of_prometheus(&theirs.data(), end)?, ours: disk::of_day(&series)? };
    drop((theirs, ours));
    let scraped = ingest::scrapes(binary, args.scrape_seconds)?;
    println!("scraping: {:.0} and {:.0} samples/CPU s", scraped.theirs.rate(), scraped.ours.rate());
    let samples = series.iter().map(|series: &Recorded| series.samples.len()).sum();
    Ok(Measured {
        version,
        series: series.len(),
        samples,
        starts,
        fresh,
        panels,
        after,
        written,
        at_the_end,
        scraped,
        bytes,
        newcomer,
    })
}

fn usage(theirs: &Server, ours: &Stack) -> anyhow::Result<Pair<Usage>> {
    Ok(Pair { theirs: Usage::of(theirs.id())?, ours: Usage::of(ours.id()?)? })
}

/// Prometheus cuts blocks from what is older than one and a half of their span, soon after it has come.
fn wait_for_blocks(server: &Server, end: i64) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let (_, newest) = disk::blocks(&server.data())?;
        if end - newest <= 4 * 3_600_000 {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "Prometheus has not cut its blocks after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(500));
    }
}

/// The median time from start to ready, over the same files; both run afterwards.
fn starts(theirs: &mut Server, ours: &mut Stack, config: &Path) -> anyhow::Result<Pair<Duration>> {
    let (mut of_theirs, mut of_ours) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        theirs.restart(config)?;
        of_theirs.push(theirs.started_in);
        ours.terminate()?;
        ours.up()?;
        of_ours.push(ours.started_in);
    }
    Ok(Pair { theirs: median(&mut of_theirs), ours: median(&mut of_ours) })
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
