//! The page of the measurements.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{
    Measured, Pair,
    queries::{Panel, WINDOWS, quantile},
};
use crate::{embedded::build_words, stamp};

// Writing to a string cannot fail.

/// A bar of the work's order, and what was measured.
#[derive(Debug)]
pub(super) struct Bar {
    what: &'static str,
    theirs: String,
    ours: String,
    measured: f64,
    limit: f64,
    /// Whether more is better.
    at_least: bool,
}

impl Bar {
    pub(super) fn held(&self) -> bool {
        if self.at_least { self.measured >= self.limit } else { self.measured <= self.limit }
    }
}

pub(super) fn bars(measured: &Measured) -> Vec<Bar> {
    let ratio = |what, theirs: String, ours: String, measured, limit, at_least| Bar {
        what,
        theirs,
        ours,
        measured,
        limit,
        at_least,
    };
    let mut bars = Vec::new();
    for (window, what) in [
        "Overview's queries over 1 h, all together",
        "Overview's queries over 6 h, all together",
        "Overview's queries over 24 h, all together",
    ]
    .into_iter()
    .enumerate()
    {
        let total = total(measured, window, 0.5);
        bars.push(ratio(what, millis(total.theirs), millis(total.ours), of(total), 0.5, false));
    }
    let rates = |pair: Pair<super::Ingested>| Pair { theirs: pair.theirs.rate(), ours: pair.ours.rate() };
    let (written, scraped) = (rates(measured.written), rates(measured.scraped));
    let thousands = |rate: f64| format!("{:.0} k/CPU s", rate / 1_000.0);
    bars.push(ratio(
        "samples by remote write",
        thousands(written.theirs),
        thousands(written.ours),
        written.ratio(),
        1.0,
        true,
    ));
    bars.push(ratio(
        "samples by scraping",
        thousands(scraped.theirs),
        thousands(scraped.ours),
        scraped.ratio(),
        1.0,
        true,
    ));
    let bytes = Pair { theirs: measured.bytes.theirs.per_sample(), ours: measured.bytes.ours.per_sample() };
    bars.push(ratio(
        "bytes on disk for a sample in blocks",
        format!("{:.2}", bytes.theirs),
        format!("{:.2}", bytes.ours),
        bytes.ours,
        2.0,
        false,
    ));
    let resident = Pair { theirs: measured.after.theirs.resident, ours: measured.after.ours.resident };
    bars.push(ratio(
        "resident after the queries",
        format!("{:.0} MiB", resident.theirs),
        format!("{:.0} MiB", resident.ours),
        resident.ratio(),
        0.3,
        false,
    ));
    let newcomer = &measured.newcomer;
    let seconds = |what, time: Duration, limit| {
        ratio(what, String::new(), millis(time), time.as_secs_f64() * 1e3, limit, false)
    };
    bars.push(seconds("empty folder: start to ready, ms", newcomer.ready, 300.0));
    bars.push(seconds("empty folder: start to first samples, ms", newcomer.first_samples, 1_000.0));
    bars.push(ratio(
        "8 models and 24 h in the store: resident, MB",
        String::new(),
        format!("{:.0} MiB", newcomer.usage.resident),
        newcomer.usage.resident * 1.048_576,
        80.0,
        false,
    ));
    bars
}

/// The sum over the panels of a window of a quantile of their times.
fn total(measured: &Measured, window: usize, share: f64) -> Pair<Duration> {
    let panels = || measured.panels.iter().filter(|panel| panel.window == window);
    Pair {
        theirs: panels().map(|panel| quantile(&panel.theirs, share)).sum(),
        ours: panels().map(|panel| quantile(&panel.ours, share)).sum(),
    }
}

fn of(pair: Pair<Duration>) -> f64 {
    pair.ours.as_secs_f64() / pair.theirs.as_secs_f64()
}

/// The bars, as a table.
pub(super) fn table(measured: &Measured) -> String {
    let mut text =
        String::from("| | Prometheus | llmobs | measured | bar | |\n|---|---:|---:|---:|---:|---|\n");
    for bar in bars(measured) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {} {} | {} |",
            bar.what,
            bar.theirs,
            bar.ours,
            bar.measured,
            if bar.at_least { "≥" } else { "≤" },
            bar.limit,
            if bar.held() { "held" } else { "missed" },
        );
    }
    text
}

pub(super) fn page(repository: &Path, measured: &Measured) -> anyhow::Result<String> {
    let build = build_words();
    let newcomer = &measured.newcomer;
    let mut page = format!(
        "# An embedded stack beside a real Prometheus: speed and size\n\n\
         Made by `cargo run --release -p xtask -- bench embedded` from commit {} ({build}), against Prometheus {} on \
         the same machine. Both have the same {} series with {} samples, 24 h at 15 s, and run the same rendered files. \
         Prometheus got them by remote write; ours were written into its store before its start, because a stack whose \
         rules have run takes no samples older than an hour, as Prometheus does not. Queries and writes go over HTTP by \
         turns, so that both see the same machine; CPU and memory are those that Linux counts for the process. Where no \
         Prometheus stands, the measured value itself is held to the bar; else it is ours against Prometheus'.\n\n",
        stamp::commit(repository)?,
        measured.version,
        measured.series,
        measured.samples,
    );
    page += &table(measured);
    let _ = writeln!(
        page,
        "\n- Remote write: {:.1} M samples to each in requests of 2,000; {:.2} s and {:.2} s of CPU.\n\
         - Scraping: 10 static pages of 500 series every second; {:.0} k samples in {:.2} s of CPU, {:.0} k in {:.2} s; rules and \
         all else that goes on is in it.\n\
         - On disk: {:.1} MiB of blocks with {:.2} M samples, and {:.1} MiB with {:.2} M; whole folders with logs {:.1} MiB and \
         {:.1} MiB, Prometheus' with the writes of the line above.",
        measured.written.ours.samples / 1e6,
        measured.written.theirs.cpu,
        measured.written.ours.cpu,
        measured.scraped.theirs.samples / 1e3,
        measured.scraped.theirs.cpu,
        measured.scraped.ours.samples / 1e3,
        measured.scraped.ours.cpu,
        mebibytes(measured.bytes.theirs.blocks),
        measured.bytes.theirs.block_samples as f64 / 1e6,
        mebibytes(measured.bytes.ours.blocks),
        measured.bytes.ours.block_samples as f64 / 1e6,
        mebibytes(measured.bytes.theirs.folder),
        mebibytes(measured.bytes.ours.folder),
    );
    let _ = writeln!(
        page,
        "- Start to ready over the day, median of {}: {} and {}.\n\n\
         | resident, MiB (of it not backed by files) | Prometheus | llmobs | ratio |\n|---|---:|---:|---:|",
        super::STARTS,
        millis(measured.starts.theirs),
        millis(measured.starts.ours),
    );
    for (when, usage) in [
        ("5 s after the start", measured.fresh),
        ("after the queries", measured.after),
        ("after remote write of as many samples again", measured.at_the_end),
    ] {
        let _ = writeln!(
            page,
            "| {when} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.2} |",
            usage.theirs.resident,
            usage.theirs.anonymous,
            usage.ours.resident,
            usage.ours.anonymous,
            usage.ours.resident / usage.theirs.resident
        );
    }
    let _ = writeln!(
        page,
        "\n## A newcomer\n\n\
         In an empty folder, medians of five from the start of the process: ready {}, first samples of the mock service \
         {}, the page of the viewer ({:.0} KiB) {}. With eight models and 24 h of samples in the store ({} series, \
         {:.2} M samples, {:.1} MiB on disk): ready in {}, and {:.0} MiB resident ({:.0} MiB not backed by files, {:.0} MiB at \
         most) after a minute with the page opened over 24 h six times.\n",
        millis(newcomer.ready),
        millis(newcomer.first_samples),
        newcomer.page_bytes as f64 / 1024.0,
        millis(newcomer.page),
        newcomer.loaded.series,
        newcomer.loaded.samples as f64 / 1e6,
        mebibytes(newcomer.loaded.bytes),
        millis(newcomer.ready_over_day),
        newcomer.usage.resident,
        newcomer.usage.anonymous,
        newcomer.usage.peak,
    );
    let _ = writeln!(page, "## Queries\n");
    for (window, (name, _, step, interval)) in WINDOWS.into_iter().enumerate() {
        let (median, p95) = (total(measured, window, 0.5), total(measured, window, 0.95));
        let _ = writeln!(
            page,
            "{name} in steps of {step} s, `$__rate_interval` {interval}; all together {} and {} (ratio {:.3}), at the 95th \
             percentile {} and {} ({:.3}):\n\n\
             | expression | Prometheus, median | p95 | llmobs, median | p95 | ratio |\n|---|---:|---:|---:|---:|---:|",
            millis(median.theirs),
            millis(median.ours),
            of(median),
            millis(p95.theirs),
            millis(p95.ours),
            of(p95),
        );
        for panel in measured.panels.iter().filter(|panel| panel.window == window) {
            let _ = writeln!(page, "{}", row(panel));
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    Ok(page)
}

fn row(panel: &Panel) -> String {
    let Panel { theirs, ours, expr, .. } = panel;
    let expr = expr.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let median = Pair { theirs: quantile(theirs, 0.5), ours: quantile(ours, 0.5) };
    format!(
        "| `{expr}` | {} | {} | {} | {} | {:.3} |",
        millis(median.theirs),
        millis(quantile(theirs, 0.95)),
        millis(median.ours),
        millis(quantile(ours, 0.95)),
        of(median)
    )
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
