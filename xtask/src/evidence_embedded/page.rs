//! The page of the trial.

use std::{fmt::Write as _, path::Path};

use super::{Trial, rules::GROUPS};
use crate::{embedded::build_words, stamp};

/// Differences that are written out.
const LISTED: usize = 12;
/// Letters of each of them.
const LETTERS: usize = 400;

// Writing to a string cannot fail.

/// A line for each topic.
pub(super) fn summary(trial: &Trial) -> String {
    let mut text = String::new();
    for topic in &trial.topics {
        let (median, most) = topic.ours.distances();
        let (peer_median, peer_most) = topic.peer.distances();
        let _ = writeln!(
            text,
            "{}: {} series, {} spells, {} changes; apart {median} ms in the middle, {most} ms at most, {} faults; \
             two Prometheus {peer_median} and {peer_most} ms, {} faults",
            topic.name,
            topic.ours.series,
            topic.ours.spells,
            topic.ours.apart.len(),
            topic.ours.faults.len(),
            topic.peer.faults.len(),
        );
    }
    let fed = &trial.fed;
    let _ = writeln!(
        text,
        "fed: {} series, {} samples; {} expressions, {} points, at most {:e} apart; {} faults",
        fed.series,
        fed.samples,
        fed.expressions,
        fed.points,
        fed.furthest,
        fed.faults.len()
    );
    let _ =
        writeln!(text, "targets: asked {} times, {} faults", trial.reasons.asked, trial.reasons.faults.len());
    text
}

pub(super) fn page(repository: &Path, trial: &Trial) -> anyhow::Result<String> {
    let build = build_words();
    let Trial { version, seconds, fed, reasons, .. } = trial;
    let mut page = format!(
        "# The embedded stack beside a real Prometheus\n\n\
         Made by `cargo xtask evidence embedded --seconds {seconds}` from commit {} ({build}), against \
         Prometheus {version}, both on the files that `llmobs render` writes, on one machine.\n\n\
         Three services of the `llmobs` source are scraped every second by both for {seconds} s; each goes through its \
         troubles by a script of its own, 5 to 6 s each with 5 to 6 s of good times between them. {GROUPS} groups \
         with a phase of their own evaluate the rendered alerts with short times, and some more rules, every second. \
         Afterwards both are asked over HTTP what each series was from when to when, in steps of 0.1 s.\n\n\
         Two scrapers meet a change at instants of their own, up to an interval apart, and so do two clocks of rules: \
         changes of scraped series may be one interval (1 s) apart; those of rules besides by as much as the clocks of \
         the group are (here {} ms). How far two real Prometheus are apart in the same run stands beside it.\n\n",
        stamp::commit(repository)?,
        list(&trial.group_phases),
    );
    let _ = writeln!(page, "| trouble | times |\n|---|---:|");
    for (mood, times) in &trial.troubles {
        let _ = writeln!(page, "| {} | {times} |", mood.words());
    }
    let _ = writeln!(
        page,
        "\n| over time | series | spells | changes | apart, median | apart, most | differences | two Prometheus: \
         median, most, differences |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    );
    for topic in &trial.topics {
        let (median, most) = topic.ours.distances();
        let (peer_median, peer_most) = topic.peer.distances();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {median} ms | {most} ms | {} | {peer_median} ms, {peer_most} ms, {} |",
            topic.name,
            topic.ours.series,
            topic.ours.spells,
            topic.ours.apart.len(),
            topic.ours.faults.len(),
            topic.peer.faults.len(),
        );
    }
    let _ = writeln!(
        page,
        "\n## Fed by remote write\n\n\
         The real Prometheus sends what it scrapes to a second embedded stack. Of {} series with {} samples, what is \
         there is the same bit for bit, at the same milliseconds; {} expressions (rates, quantiles of histograms, \
         aggregations) give {} points in steps of 1 s over the whole time, at most {:e} apart against the larger \
         number (bar: 1e-9). Differences: {}.\n\n\
         ## What is said of targets\n\n\
         Asked {} times, 4 s into each act, both gave the same health {} times. The words, the last time:\n\n\
         | trouble | Prometheus | llmobs |\n|---|---|---|",
        fed.series,
        fed.samples,
        fed.expressions,
        fed.points,
        fed.furthest,
        fed.faults.len(),
        reasons.asked,
        reasons.asked - reasons.faults.len(),
    );
    for (mood, (theirs, ours)) in &reasons.words {
        let _ = writeln!(page, "| {} | {theirs} | {ours} |", mood.words());
    }
    if !trial.faults.is_empty() {
        let _ = writeln!(page, "\n## Differences\n");
        for fault in trial.faults.iter().take(LISTED) {
            let shown: String = fault.chars().take(LETTERS).collect();
            let cut = if shown.len() < fault.len() { "…" } else { "" };
            let _ = writeln!(page, "- {shown}{cut}");
        }
        if let Some(more) = trial.faults.len().checked_sub(LISTED).filter(|more| *more > 0) {
            let _ = writeln!(page, "- and {more} more");
        }
    }
    Ok(page)
}

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
