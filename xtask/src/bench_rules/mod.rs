//! `cargo xtask bench rules`: how long `llmobs test --unit` takes for weeks of rules, beside `promtool test rules`.
//!
//! The half day is given to both, with what llmobs says that fires at each evaluation as what is expected: promtool has
//! to agree to all of it. Longer inputs are llmobs' alone, since promtool takes minutes for a week.

mod anchor;
mod process;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, anyhow, ensure};
use llmobs::{
    formats::{rules, unit_test},
    promql::syntax,
    text::Source,
    unit_test::{FailureKind, ShownAlert, run as run_test},
};

use crate::{judge::program, stamp};

use process::{Taken, measured};

/// Where the result is written, from the root of the repository.
const PAGE: &str = "assets/evidence/rules-speed.md";

/// Of the input that promtool is given, too.
const HALF: f64 = 0.5;

/// What runs may take: days, seconds, MiB.
const BARS: [(f64, f64, u64); 2] = [(7.0, 5.0, 300), (28.0, 20.0, u64::MAX)];

/// How `cargo xtask bench rules` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Lengths of the inputs, in days.
    #[arg(long, value_delimiter = ',', default_value = "7,28")]
    days: Vec<f64>,
    /// How often each is run; the one with the least CPU time counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Write no page.
    #[arg(long)]
    check: bool,
}

/// One line of the result.
struct Line {
    program: &'static str,
    days: f64,
    taken: Taken,
}

pub(crate) fn run(repository: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(args.days.iter().all(|days| *days >= HALF), "the incidents take half a day");
    let ours = build(repository)?;
    let folder = env::temp_dir().join(format!("bench-rules-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let result = measure(&ours, &folder, args);
    fs::remove_dir_all(&folder).context("cannot remove the folder of the inputs")?;
    let (lines, firings) = result?;
    let missed = missed(&lines);
    let page = page(repository, &lines, firings, &missed)?;
    println!("{page}");
    if !args.check {
        fs::write(repository.join(PAGE), page).with_context(|| format!("cannot write `{PAGE}`"))?;
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(repository: &Path) -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "llmobs"])
        .current_dir(repository)
        .status();
    ensure!(built.context("cannot run cargo")?.success(), "the build failed");
    // Profiles lie beside each other.
    let tool = env::current_exe()?;
    let target = tool.parent().and_then(Path::parent).context("this program has no place")?;
    Ok(target.join("release").join("llmobs"))
}

fn measure(ours: &Path, folder: &Path, args: &Args) -> anyhow::Result<(Vec<Line>, usize)> {
    fs::write(folder.join("rules.yml"), anchor::rules())?;
    let (test, firings) = half_a_day()?;
    fs::write(folder.join("half.yml"), test)?;
    let llmobs = |file: &str| {
        let mut command = Command::new(ours);
        command.args(["test", "--unit", file]).current_dir(folder);
        command
    };
    let output = folder.join("output");
    let mut lines = Vec::new();
    let mut add = |program, days, taken: Taken| {
        println!("{program} {days} d: {:.2?} wall, {:.2} s CPU, {} MiB", taken.wall, taken.cpu, taken.peak);
        lines.push(Line { program, days, taken });
    };
    let promtool = program("promtool", "PROMTOOL", folder)?;
    let mut peer = Command::new(promtool);
    peer.args(["test", "rules", "half.yml"]).current_dir(folder);
    add(
        "promtool",
        HALF,
        measured(&mut peer, &output).context("promtool does not agree on what fires, or failed")?,
    );
    add("llmobs", HALF, cheapest(args.rounds, || measured(&mut llmobs("half.yml"), &output))?);
    for days in &args.days {
        let last = (days * 1440.0).floor() - 1.0;
        let file = format!("{days}d.yml");
        let mut test = anchor::tests(*days);
        let _ = write!(
            test,
            "      - eval_time: {last}m\n        alertname: ErrorBudgetFast\n        exp_alerts: []\n"
        );
        fs::write(folder.join(&file), test)?;
        add("llmobs", *days, cheapest(args.rounds, || measured(&mut llmobs(&file), &output))?);
    }
    Ok((lines, firings))
}

fn cheapest(rounds: usize, run: impl Fn() -> anyhow::Result<Taken>) -> anyhow::Result<Taken> {
    let runs: Vec<Taken> = (0..rounds.max(1)).map(|_| run()).collect::<anyhow::Result<_>>()?;
    runs.into_iter().min_by(|a, b| a.cpu.total_cmp(&b.cpu)).context("there was no run")
}

/// The test file of half a day with the alerts that fire at each evaluation, and how many of them there are.
fn half_a_day() -> anyhow::Result<(String, usize)> {
    let options = syntax::Options { experimental: false, variables: false };
    let told = |what: &str, mistakes: Vec<llmobs::diagnostic::Diagnostic>| {
        anyhow!("{what}: {}", mistakes.first().map(|first| first.message.clone()).unwrap_or_default())
    };
    let rules = Source::new("rules.yml", anchor::rules());
    let (rules, _) = rules::read(&rules, &options).map_err(|mistakes| told("the rules", mistakes))?;
    // Expected is nothing, so that what fires is told as a failure.
    let mut asked = anchor::tests(HALF);
    for (seconds, alert) in evaluations() {
        let _ = write!(asked, "      - eval_time: {seconds}s\n        alertname: {alert}\n");
    }
    let tests = Source::new("half.yml", asked);
    let (file, _) = unit_test::read(&tests, &options).map_err(|mistakes| told("the tests", mistakes))?;
    let test = file.tests.first().context("there is a test")?;
    let failures = run_test(&file, test, &rules.groups(), options).map_err(|mistakes| {
        anyhow!("the rules: {}", mistakes.first().map(ToString::to_string).unwrap_or_default())
    })?;
    let mut firing: BTreeMap<(u64, String), Vec<ShownAlert>> = BTreeMap::new();
    for failure in failures {
        let FailureKind::Alerts { alertname, difference } = failure.kind else {
            anyhow::bail!("a rule fails: {:?}", failure.kind);
        };
        let alerts = difference.pairs.into_iter().filter_map(|(_, got)| got).collect();
        firing.insert((failure.at.as_millis() / 1000, alertname), alerts);
    }
    let mut written = anchor::tests(HALF);
    for (seconds, alert) in evaluations() {
        let _ = write!(written, "      - eval_time: {seconds}s\n        alertname: {alert}\n");
        let alerts = firing.get(&(seconds, alert.to_owned())).map_or(&[][..], Vec::as_slice);
        if !alerts.is_empty() {
            written.push_str("        exp_alerts:\n");
        }
        for alert in alerts {
            let labels = alert.labels.iter().filter(|(name, _)| name != "alertname");
            let labels: Vec<String> = labels.map(|(name, value)| format!("{name}: '{value}'")).collect();
            let _ = writeln!(written, "          - exp_labels: {{{}}}", labels.join(", "));
        }
    }
    Ok((written, firing.values().map(Vec::len).sum()))
}

/// Every evaluation of half a day, in seconds from the start, with each alert.
fn evaluations() -> impl Iterator<Item = (u64, &'static str)> {
    let instants = 0..u64::from(anchor::samples(HALF));
    instants.flat_map(|index| anchor::alerts().map(move |alert| (index * u64::from(anchor::STEP), alert)))
}

/// Bars that are not kept, in words.
fn missed(lines: &[Line]) -> Vec<String> {
    let mut missed = Vec::new();
    for (days, seconds, peak) in BARS {
        for line in lines.iter().filter(|line| line.program == "llmobs" && (line.days - days).abs() < 1e-9) {
            if line.taken.cpu > seconds {
                missed.push(format!("{days} d take more than {seconds} s of a processor"));
            }
            if line.taken.peak > peak {
                missed.push(format!("{days} d take more than {peak} MiB"));
            }
        }
    }
    missed
}

fn page(repository: &Path, lines: &[Line], firings: usize, missed: &[String]) -> anyhow::Result<String> {
    let mut page = format!(
        "# Speed of rules\n\n\
         Made by `cargo xtask bench rules` from commit {}: llmobs {} (release build), beside promtool 3.16.\n\n\
         20 rules (6 that record, 14 that alert) over 300 series at 15 s, evaluated every 15 s, in a file of promtool's \
         unit tests. At each of the {} evaluations of half a day, promtool was asked whether exactly those alerts fire \
         that llmobs says do, and agreed: {firings} of them in all. Bars: 7 days in 5 s and 300 MiB on one core, 28 days \
         in 20 s. They are held against the CPU's time, which is what one core needs; what the clock says on top is this \
         machine's other work. The run with the least counts; promtool is run once.\n\n\
         | program | days | wall | CPU | most memory |\n|---|---:|---:|---:|---:|\n",
        stamp::commit(repository)?,
        env!("CARGO_PKG_VERSION"),
        anchor::samples(HALF),
    );
    for Line { program, days, taken } in lines {
        let wall = taken.wall.as_secs_f64();
        let _ =
            writeln!(page, "| {program} | {days} | {wall:.2} s | {:.2} s | {} MiB |", taken.cpu, taken.peak);
    }
    let cpu = |program: &str| {
        lines
            .iter()
            .find(|line| line.program == program && (line.days - HALF).abs() < 1e-9)
            .map(|line| line.taken.cpu)
    };
    if let (Some(theirs), Some(ours)) = (cpu("promtool"), cpu("llmobs")) {
        let _ = writeln!(page, "\nHalf a day takes promtool {:.0} times the CPU.", theirs / ours.max(0.01));
    }
    for bar in missed {
        let _ = writeln!(page, "\nNot kept: {bar}.");
    }
    Ok(page)
}
