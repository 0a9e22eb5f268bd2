//! How long an expression takes, against a real Prometheus over the same day of series.
//!
//! Both sides answer in turns, so that both see the same machine. Prometheus is asked over HTTP on this machine, which
//! is how anybody would ask it; its answer is read, not parsed. Ours is in this process, from the text of the
//! expression to the rows of the answer.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use llmobs::series::{Columns, Labels, METRIC_NAME};

use crate::{
    evidence_promql::{Order, answer, difference},
    judge::{Query, Recorded, Server, When, columns},
    random::Random,
    stamp,
};

const PAGE: &str = "assets/evidence/promql-speed.md";
/// Milliseconds.
const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const INTERVAL: i64 = 15 * SECOND;
/// Midnight of a Monday.
const START: i64 = 1_795_392_000_000;
const END: i64 = START + 24 * HOUR;
const ROUNDS: usize = 7;
/// The most of Prometheus' time that ours may be.
const MOST: f64 = 0.5;

const COST: &str = "llm_cost_usd_total";
const MODELS: [&str; 5] = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "llama-3.3-70b", "qwen3-8b"];
const INSTANCES: [&str; 4] = ["gw-1:9091", "gw-2:9091", "gw-3:9091", "gw-4:9091"];
const BOUNDS: [&str; 15] = [
    "0.1", "0.25", "0.5", "1.0", "2.0", "3.0", "4.0", "5.0", "7.5", "10.0", "15.0", "30.0", "60.0", "120.0",
    "+Inf",
];

/// What the panels of a dashboard ask.
const EXPRESSIONS: [(&str, &str); 10] = [
    (
        "P99 by model",
        "histogram_quantile(0.99, sum by (le, model) (rate(llm_request_duration_seconds_bucket[5m])))",
    ),
    ("P95 of all", "histogram_quantile(0.95, sum by (le) (rate(llm_request_duration_seconds_bucket[5m])))"),
    (
        "error ratio",
        "sum(rate(llm_requests_total{status!=\"success\"}[5m])) / sum(rate(llm_requests_total[5m]))",
    ),
    (
        "error ratio by model",
        "sum by (model) (rate(llm_requests_total{status!=\"success\"}[5m])) / \
         sum by (model) (rate(llm_requests_total[5m])) > 0.01",
    ),
    ("tokens/s by type", "sum by (type) (rate(llm_tokens_total[5m]))"),
    ("cost per hour by model", "sum by (model) (rate(llm_cost_usd_total[5m])) * 3600"),
    ("active requests", "sum by (model) (llm_active_requests)"),
    ("dearest instances", "topk(3, sum by (model, instance) (rate(llm_cost_usd_total[5m])))"),
    (
        "within 5 s",
        "sum(rate(llm_request_duration_seconds_bucket{le=\"5.0\"}[5m])) / \
         sum(rate(llm_request_duration_seconds_count[5m]))",
    ),
    ("peak of active requests", "max by (model) (max_over_time(llm_active_requests[30m]))"),
];

pub(crate) fn run(repository: &Path) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        println!("warning: this is a debug build; run `cargo run --release -p xtask -- bench promql`");
    }
    let series = a_day();
    let columns = columns(&series)?;
    let server = Server::start()?;
    let begun = Instant::now();
    server.load(&series)?;
    println!("{} series, {} samples, loaded in {:.1?}", columns.len(), columns.samples(), begun.elapsed());

    let mut page = head(repository, &server, &columns)?;
    let mut ratios = Vec::new();
    for (name, expr) in EXPRESSIONS {
        for (kind, when) in kinds() {
            let measured = measure(&server, &columns, &Query { expr: expr.to_owned(), when })
                .with_context(|| format!("{name}, {kind}"))?;
            let (theirs, ours) = (measured.theirs, measured.ours);
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            println!("{name:24} {kind:11} Prometheus {theirs:>9.2?}  ours {ours:>9.2?}  ratio {ratio:.3}");
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            // Writing to a string cannot fail.
            let _ = writeln!(
                page,
                "| {name} | {kind} | {:.2} ms | {:.3} ms | {ratio:.3} |",
                millis(theirs),
                millis(ours)
            );
            ratios.push(ratio);
        }
    }
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    println!("worst ratio {worst:.3} (bar: at most {MOST})");
    std::fs::write(repository.join(PAGE), page).with_context(|| format!("cannot write `{PAGE}`"))?;
    ensure!(worst <= MOST, "an expression is slower than its bar");
    Ok(())
}

fn head(repository: &Path, server: &Server, columns: &Columns) -> anyhow::Result<String> {
    let mut expressions = String::new();
    for (name, expr) in EXPRESSIONS {
        let _ = writeln!(expressions, "- {name}: `{expr}`");
    }
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    Ok(format!(
        "# Speed of `PromQL` beside a real Prometheus\n\n\
         Made by `cargo run --release -p xtask -- bench promql` from commit {} ({build} build), against Prometheus {} \
         on the same machine, in turns, each time the median of {ROUNDS}. Both sides hold the same {} series with {} \
         samples: 24 h at 15 s. Prometheus is asked over HTTP and its answer is read, not parsed; llmobs answers in \
         the process, from the expression's text to the rows. Both answers are the same, by the rules of \
         `cargo xtask evidence promql`.\n\n\
         {expressions}\n\
         | expression | query | Prometheus | llmobs | ratio |\n|---|---|---:|---:|---:|\n",
        stamp::commit(repository)?,
        server.version,
        columns.len(),
        columns.samples(),
    ))
}

fn kinds() -> [(&'static str, When); 3] {
    let range = |hours: i64| When::Range { start: END - hours * HOUR, end: END, step: 60 * SECOND };
    [("instant", When::At(END)), ("6 h / 60 s", range(6)), ("24 h / 60 s", range(24))]
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    theirs: Duration,
    ours: Duration,
}

fn measure(server: &Server, columns: &Columns, query: &Query) -> anyhow::Result<Measured> {
    let mut connection = server.connect()?;
    let (expected, got) = (connection.ask(query)?, answer(columns, query));
    if let Some(difference) = difference(&expected, &got, Order::Any) {
        anyhow::bail!("the answers differ: {}", difference.note);
    }
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        connection.ask_raw(query)?;
        theirs.push(begun.elapsed());
        let begun = Instant::now();
        drop(answer(columns, query));
        ours.push(begun.elapsed());
    }
    Ok(Measured { theirs: median(theirs), ours: median(ours) })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// 500 series of a service, sampled every 15 s for 24 h.
fn a_day() -> Vec<Recorded> {
    a_day_until(END)
}

/// The same, up to another time in milliseconds.
pub(crate) fn a_day_until(end: i64) -> Vec<Recorded> {
    let mut series = made();
    for (at, _) in series.iter_mut().flat_map(|series| &mut series.samples) {
        *at += end - END;
    }
    series
}

fn made() -> Vec<Recorded> {
    let mut random = Random::new(24);
    let mut all = Vec::new();
    for model in MODELS {
        for instance in INSTANCES {
            let labels = |name: &str, more: &[(&str, &str)]| -> Labels {
                let shared =
                    [(METRIC_NAME, name), ("job", "gateway"), ("instance", instance), ("model", model)];
                shared.iter().chain(more).copied().collect()
            };
            let mut counter = |name: &str, more: &[(&str, &str)], most: f64| {
                let mut value = 0.0;
                // Where two are equal, `topk` takes either.
                let whole = name != COST;
                let mut next = |random: &mut Random| {
                    let increment = random.share() * most;
                    value += if whole { increment.floor() } else { increment };
                    value
                };
                let samples = instants().map(|at| (at, next(&mut random))).collect();
                all.push(Recorded { labels: labels(name, more), samples });
            };
            for (status, most) in [("success", 60.0), ("error", 3.0), ("timeout", 2.0), ("rejected", 2.0)] {
                counter("llm_requests_total", &[("status", status)], most);
            }
            for kind in ["input", "output"] {
                counter("llm_tokens_total", &[("type", kind)], 40_000.0);
            }
            counter(COST, &[], 0.09);
            let active = instants().map(|at| (at, (random.share() * 30.0).floor())).collect();
            all.push(Recorded { labels: labels("llm_active_requests", &[]), samples: active });
            histogram(&mut all, &mut random, &labels);
        }
    }
    all
}

/// Labels of a metric, with some more.
type LabelsOf<'a> = &'a dyn Fn(&str, &[(&str, &str)]) -> Labels;

fn instants() -> impl Iterator<Item = i64> {
    (0..=(END - START) / INTERVAL).map(|step| START + step * INTERVAL)
}

fn histogram(all: &mut Vec<Recorded>, random: &mut Random, labels: LabelsOf<'_>) {
    let bounds: Vec<f64> = BOUNDS.iter().map(|bound| bound.parse().unwrap_or(f64::INFINITY)).collect();
    let mut buckets = vec![Vec::new(); BOUNDS.len()];
    let (mut counts, mut sums) = (Vec::new(), Vec::new());
    let (mut totals, mut sum) = (vec![0.0; BOUNDS.len()], 0.0);
    let mean = 0.6 + 1.5 * random.share();
    for at in instants() {
        for _ in 0..random.below(16) {
            let took = -mean * (1.0 - random.share()).ln();
            sum += took;
            let first = bounds.partition_point(|bound| *bound < took);
            totals[first..].iter_mut().for_each(|total| *total += 1.0);
        }
        for (samples, total) in buckets.iter_mut().zip(&totals) {
            samples.push((at, *total));
        }
        counts.push((at, totals[BOUNDS.len() - 1]));
        sums.push((at, sum));
    }
    let name = "llm_request_duration_seconds";
    for (bound, samples) in BOUNDS.iter().zip(buckets) {
        all.push(Recorded { labels: labels(&format!("{name}_bucket"), &[("le", bound)]), samples });
    }
    for (suffix, samples) in [("_count", counts), ("_sum", sums)] {
        all.push(Recorded { labels: labels(&format!("{name}{suffix}"), &[]), samples });
    }
}
