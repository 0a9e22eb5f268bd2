//! The page of evidence.

use std::{fmt::Write as _, path::Path};

use super::{Count, Options, Tally, streams::Streamed};
use crate::stamp;

const LISTED: usize = 60;

pub(super) fn page(
    repository: &Path,
    options: &Options,
    version: &str,
    tally: &Tally,
    beside: &str,
) -> anyhow::Result<String> {
    let commit = stamp::commit(repository)?;
    let Options { expressions, seed, .. } = options;
    let mut page = format!(
        "# The HTTP API against a real Prometheus\n\n\
         Made by `cargo xtask evidence api --expressions {expressions} --seed {seed}` from commit {commit}, against \
         Prometheus {version}.\n\n\
         Both sides hold the same series, which they got by the same remote write, and get the same requests. \
         Compared are: the status, the content type, `Allow` and CORS, and the JSON: fields, texts of errors, \
         warnings, series, instants, values (1e-9 relative). The order of series counts where one is defined. What \
         the engine tells (targets, rules, alerts, status) is compared by its fields and their types.\n\n"
    );
    page.push_str(&summary(tally));
    page.push_str(beside);
    page.push_str("\n| requests | asked | the same bytes | excused | differ |\n|---|---:|---:|---:|---:|\n");
    for (kind, Count { asked, identical, excused, different }) in &tally.kinds {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {kind} | {asked} | {identical} | {excused} | {different} |");
    }
    page.push_str("\n## Disagreements\n\n");
    if tally.disagreements.is_empty() {
        page.push_str("None.\n");
    }
    for (request, why, ..) in tally.disagreements.iter().take(LISTED) {
        let _ = writeln!(page, "- `{}`: {why}", request.replace('`', "'"));
    }
    Ok(page)
}

/// What was shown beside the requests, as list items.
pub(super) fn beside(promtool: Option<(usize, usize)>, streamed: Streamed) -> String {
    let Streamed { into_us, out_of_us } = streamed;
    let promtool = match promtool {
        Some((same, all)) => format!("- promtool says the same of both sides in {same} of {all} calls.\n"),
        None => String::new(),
    };
    format!(
        "{promtool}- Remote write: {into_us} samples that a Prometheus scraped and sent are the same here; {out_of_us} \
         samples that an engine sent to a Prometheus, relabelled and with external labels, are the same there.\n"
    )
}

/// The figures, as list items.
pub(super) fn summary(tally: &Tally) -> String {
    let sum = |of: fn(&Count) -> usize| tally.kinds.values().map(of).sum::<usize>();
    let (asked, different) = (sum(|count| count.asked), sum(|count| count.different));
    let (identical, excused) = (sum(|count| count.identical), sum(|count| count.excused));
    let mut out = format!(
        "- {} of {asked} answers agree, {excused} are excused by rules, {different} disagree; {identical} are the \
         same to the byte.\n- Prometheus answered with",
        asked - different - excused
    );
    let statuses = tally.statuses.iter().map(|(status, times)| format!(" {status} ({times})"));
    out.push_str(&statuses.collect::<Vec<_>>().join(","));
    out.push_str(".\n");
    for (rule, times) in &tally.excuses {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- Excused {times} times: {rule}.");
    }
    out
}

/// Every disagreement with both answers.
pub(super) fn dump(tally: &Tally) -> String {
    const SHOWN: usize = 1500;
    let mut out = String::new();
    for (request, why, theirs, ours) in &tally.disagreements {
        let _ = writeln!(out, "{request}\n  {why}");
        for (name, reply) in [("expected", theirs), ("got", ours)] {
            let text: String = String::from_utf8_lossy(&reply.body).chars().take(SHOWN).collect();
            let _ = writeln!(out, "  {name:8} {} {text}", reply.status);
        }
    }
    out
}
