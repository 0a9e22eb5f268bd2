//! The page of evidence.

use std::{fmt::Write as _, time::Duration};

use super::{Args, Corpus, Tally};

pub(super) const PAGE: &str = "assets/evidence/fuzz-api.md";

pub(super) fn page(args: &Args, commit: &str, corpus: &Corpus, tally: &Tally, took: Duration) -> String {
    let Args { seed, workers, .. } = args;
    let count = tally.inputs();
    let (requests, pages) = (corpus.requests.len(), corpus.pages.len());
    let mut page = format!(
        "# Mutated requests, remote writes and expositions\n\n\
         Made by `cargo xtask evidence fuzz-api --count {count} --seed {seed} --workers {workers}` from commit \
         {commit}.\n\n\
         - HTTP parameters: {requests} requests are changed: methods, paths, names and values of fields, single bytes. \
         Each is answered by the API over a store of 60 series; the status is one of Prometheus'; JSON can be read and \
         agrees with the status.\n\
         - Remote write: messages made for the purpose, before and after they are packed. They are answered by the same \
         API, and bring no more samples than their bytes can hold.\n\
         - Expositions: up to three answers of one target, made from {pages} pages (vLLM's, recorded; the mock's; both \
         formats whole): lines, words, numbers, labels, exemplars, times, ends, bytes that are no UTF-8, gzip that is \
         damaged, content types. They are read as files, and stored as a scrape stores them, under five \
         configurations. A refusal names a line that there is; a target that is known and one that is new have their \
         page judged alike; what is taken can be read from the store, and where no rule changes labels each sample \
         bit for bit.\n\n\
         Nothing may panic, and arithmetic is checked.\n\n"
    );
    page.push_str(&summary(tally, took));
    page.push_str("\n| input | outcome | times |\n|---|---|---:|\n");
    for (name, kind) in &tally.kinds {
        for (outcome, times) in &kind.outcomes {
            let _ = writeln!(page, "| {name} | {outcome} | {times} |");
        }
    }
    page
}

/// The figures, as list items.
pub(super) fn summary(tally: &Tally, took: Duration) -> String {
    let bytes: u64 = tally.kinds.values().map(|kind| kind.bytes).sum();
    let mut out = format!(
        "- {} inputs of {:.1} MB in {:.0} s.\n- Faults: {}.\n",
        tally.inputs(),
        bytes as f64 / 1e6,
        took.as_secs_f64(),
        tally.faults.len(),
    );
    for (rule, (times, number, input)) in &tally.faults {
        // Writing to a string cannot fail.
        let _ =
            writeln!(out, "- {times} times: {rule}; first at `--only {number}`: {}", input.replace('`', "'"));
    }
    out.push_str("\n| input | inputs | MB | seconds | slowest, its number |\n|---|---:|---:|---:|---:|\n");
    for (name, kind) in &tally.kinds {
        let (megabytes, seconds) = (kind.bytes as f64 / 1e6, kind.took.as_secs_f64());
        let (slowest, number) = (kind.slowest.0.as_millis(), kind.slowest.1);
        let _ = writeln!(
            out,
            "| {name} | {} | {megabytes:.1} | {seconds:.0} | {slowest} ms, {number} |",
            kind.inputs
        );
    }
    out
}
