//! The page of evidence.

use std::{fmt::Write as _, time::Duration};

use super::{Args, Tally};

pub(super) const PAGE: &str = "assets/evidence/fuzz-api.md";

pub(super) fn page(args: &Args, commit: &str, corpus: usize, tally: &Tally, took: Duration) -> String {
    let Args { count, seed, .. } = args;
    let mut page = format!(
        "# Mutated requests to the HTTP API\n\n\
         Made by `cargo xtask evidence fuzz-api --count {count} --seed {seed}` from commit {commit}.\n\n\
         {corpus} requests and messages of remote write made for the purpose are changed: methods, paths, names and \
         values of fields, single bytes, the protobuf message before and after it is packed. Each is answered by the \
         API over a store of {} series. It must not panic (arithmetic is checked); the status is one of Prometheus'; \
         JSON can be read and agrees with the status; a remote write brings no more samples than its bytes can hold.\n\n",
        60
    );
    page.push_str(&summary(tally, took));
    page.push_str("\n| input | status | times |\n|---|---:|---:|\n");
    for ((kind, status), times) in &tally.statuses {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {kind} | {status} | {times} |");
    }
    page
}

/// The figures, as list items.
pub(super) fn summary(tally: &Tally, took: Duration) -> String {
    let total = tally.total();
    let mut out = format!(
        "- {total} inputs of {:.1} MB in {:.0} s; the slowest, `--only {}`, took {} ms.\n- Faults: {}.\n",
        tally.bytes as f64 / 1e6,
        took.as_secs_f64(),
        tally.slowest.1,
        tally.slowest.0.as_millis(),
        tally.faults.len(),
    );
    for (rule, (times, number, input)) in &tally.faults {
        let _ =
            writeln!(out, "- {times} times: {rule}; first at `--only {number}`: {}", input.replace('`', "'"));
    }
    out
}
