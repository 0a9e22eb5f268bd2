//! The page of the kills.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{Args, Findings, HttpRounds, LONGEST_START, StoreRounds, Trouble, store_child};
use crate::{embedded::build_words, stamp};

// Writing to a string cannot fail.

pub(super) fn of_store(store: &StoreRounds) -> String {
    format!(
        "store: {} kills, {} commits with {} samples acknowledged, {} looked for; in flight: {} there, {} not; {} torn \
         ends, {} blocks, opened in {:.0?} at most; {} faults",
        store.kills,
        store.commits,
        store.samples,
        store.looked_for,
        store.whole,
        store.absent,
        store.torn,
        store.blocks,
        store.longest_open,
        store.faults.len()
    )
}

pub(super) fn of_http(http: &HttpRounds) -> String {
    format!(
        "up: {} kills, {} writes with {} samples acknowledged; in flight: {} there, {} not; ready in {:.0?} in the \
         middle, {:.0?} at most; alerts back {:.1?} later at most; {} faults",
        http.kills,
        http.writes,
        http.samples,
        http.whole,
        http.absent,
        middle(&http.starts),
        last(&http.starts),
        last(&http.restored),
        http.faults.len()
    )
}

pub(super) fn of_trouble(trouble: &Trouble) -> String {
    let mut text = format!("{}:\n", trouble.name);
    for words in &trouble.words {
        let _ = writeln!(text, "  {words}");
    }
    text
}

pub(super) fn page(repository: &Path, args: &Args, findings: &Findings) -> anyhow::Result<String> {
    let build = build_words();
    let Findings { http, store, .. } = findings;
    let mut page = format!(
        "# `kill -9` of an embedded stack, and other bad days\n\n\
         Made by `cargo xtask evidence embedded-kills --count {} --seed {}` from commit {} ({build}) in {:.0} \
         min.\n\n\
         ## `llmobs up` under remote write\n\n\
         The store holds 24 h of {} series, {} samples in {:.1} MiB. A client sends requests of 20 samples one after the \
         other and notes which were answered with 2xx; at a random moment up to 1.5 s later the process is killed with \
         SIGKILL and started again. Then all that was acknowledged must be there with its value, the request in flight \
         wholly or not at all; an alert that fired must fire since it did, and two that wait out `for: 24h` must have waited \
         as long as before (as in Prometheus, the outage does not count).\n\n\
         | | |\n|---|---:|\n\
         | kills | {} |\n| requests acknowledged | {} |\n| samples acknowledged | {} |\n| of them missing | {} |\n\
         | requests in flight at the kill: wholly there, not there | {}, {} |\n\
         | start of the process → ready, median and most (bar: {:.0?}) | {:.0?}, {:.0?} |\n\
         | ready → alerts go on where they were, median and most | {:.2?}, {:.2?} |\n\n",
        args.count,
        args.seed,
        stamp::commit(repository)?,
        findings.took.as_secs_f64() / 60.0,
        http.loaded.series,
        http.loaded.samples,
        http.loaded.bytes as f64 / 1_048_576.0,
        http.kills,
        http.writes,
        http.samples,
        if http.faults.is_empty() { "none".to_owned() } else { "see below".to_owned() },
        http.whole,
        http.absent,
        LONGEST_START,
        middle(&http.starts),
        last(&http.starts),
        middle(&http.restored),
        last(&http.restored),
    );
    let _ = writeln!(
        page,
        "## The store alone, while blocks are cut, merged and dropped\n\n\
         A process commits 40 samples after the other at {} s of their own time with a retention of {} h, as fast as it \
         goes, so that within seconds blocks are cut, merged and dropped; it is killed after 20 to 700 ms. Then the \
         store is opened, and all acknowledged samples within the retention are looked for, bit for bit, staleness \
         markers too.\n\n\
         | | |\n|---|---:|\n\
         | kills | {} |\n| commits acknowledged | {} |\n| samples acknowledged | {} |\n| looked for over all rounds | {} |\n\
         | of them missing | {} |\n| commits in flight: wholly there, not there | {}, {} |\n\
         | kills that left half a record, which was cut | {} |\n| blocks at the end | {} |\n| longest opening | {:.0?} |\n",
        store_child::INTERVAL / 1_000,
        store_child::RETENTION / 3_600_000,
        store.kills,
        store.commits,
        store.samples,
        store.looked_for,
        if store.faults.is_empty() { "none" } else { "see below" },
        store.whole,
        store.absent,
        store.torn,
        store.blocks,
        store.longest_open,
    );
    for trouble in &findings.troubles {
        let _ = writeln!(page, "## {}\n", heading(trouble.name));
        for words in &trouble.words {
            let _ = writeln!(page, "- {words}");
        }
        page.push('\n');
    }
    let faults: Vec<&String> = findings.faults().collect();
    let _ = writeln!(page, "## What should not have been\n");
    if faults.is_empty() {
        page.push_str("Nothing.\n");
    }
    for fault in faults {
        let _ = writeln!(page, "- {fault}");
    }
    Ok(page)
}

fn heading(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn middle(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn last(sorted: &[Duration]) -> Duration {
    sorted.last().copied().unwrap_or_default()
}
