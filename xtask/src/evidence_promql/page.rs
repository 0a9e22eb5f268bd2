//! The page of evidence.

use std::{fmt::Write as _, path::Path};

use llmobs::promql::syntax::FUNCTIONS;

use super::{
    dump,
    rendered::Rendered,
    tally::{Count, Tally, Texts},
};
use crate::{judge::Class, stamp};

/// Disagreements that are listed.
const LISTED: usize = 60;

/// What the cases were asked about.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) series: usize,
    pub(crate) samples: usize,
    /// Of the judge.
    pub(crate) version: String,
}

pub(crate) fn page(
    repository: &Path,
    shape: &Shape,
    tally: &Tally,
    of_bundles: &[Rendered],
) -> anyhow::Result<String> {
    let commit = stamp::commit(repository)?;
    let Shape { seed, series, samples, version } = shape;
    let mut page = format!(
        "# `PromQL` against a real Prometheus\n\n\
         Made by `cargo xtask evidence promql --count {} --seed {seed}` from commit {commit}, against Prometheus \
         {version} with `promql-experimental-functions` and `promql-binop-fill-modifiers`.\n\n\
         Both sides hold the same {series} series with {samples} samples: counters with resets, gauges, classic \
         histograms with odd buckets, gaps, staleness markers, NaN, infinities, both zeros, numbers at the borders, \
         jittered and unequal intervals, series that come and go. Prometheus got them by remote write. Both answer \
         the same generated expressions, as instant and as range queries.\n\n\
         Compared are: the type, the label sets, the instants at which each series has a value, the values (1e-9 \
         relative; NaN is NaN; an infinity and the sign of a zero are exact), the order where it is defined (`sort`, \
         `sort_desc`, `topk` and `bottomk` without grouping: by value; `sort_by_label`, and range queries: wholly), \
         and the class of an error.\n\n",
        tally.asked(),
    );
    page.push_str(&summary(tally));
    page.push_str("\n## Disagreements\n\n");
    disagreements(&mut page, tally);
    page.push_str(
        "\n## What llmobs renders\n\nEach expression of the dashboard and of the rules, with its variables filled in two \
         ways, at five instants and over three ranges, against series of the services that the configuration speaks \
         of: the mock as `simulate` makes it (restarted once), other sources by their families, and what the \
         recording rules record.\n\n",
    );
    page.push_str(&rendered(of_bundles));
    for Rendered { config, tally, .. } in of_bundles {
        if !tally.disagreements.is_empty() {
            let _ = writeln!(page, "\n`{config}`:\n");
            disagreements(&mut page, tally);
        }
    }
    page.push_str("\n## By part of the language\n\n");
    let function = |tag: &str| FUNCTIONS.iter().any(|function| function.name == tag);
    let operator = |tag: &str| super::grammar::is_operator(tag);
    let aggregation = |tag: &str| super::grammar::is_aggregation(tag);
    table(&mut page, "function", tally, function);
    table(&mut page, "aggregation", tally, aggregation);
    table(&mut page, "operator", tally, operator);
    table(&mut page, "other", tally, |tag| !function(tag) && !operator(tag) && !aggregation(tag));
    Ok(page)
}

/// The figures, as list items.
pub(crate) fn summary(tally: &Tally) -> String {
    let excused: usize = tally.excused.values().sum();
    let count = |kind: &str| tally.answers.get(kind).copied().unwrap_or(0);
    let mut out = format!(
        "- {} of {} cases agree, {excused} are excused by rules, {} disagree.\n- Prometheus answers {} with values and {} with nothing; {} are `{}`, {} `{}`.\n\
         - {} series with {} samples were compared.\n",
        tally.asked() - tally.disagreements.len() - excused,
        tally.asked(),
        tally.disagreements.len(),
        count("values"),
        count("nothing"),
        count(Class::BadData.name()),
        Class::BadData.name(),
        count(Class::Execution.name()),
        Class::Execution.name(),
        tally.rows,
        tally.points,
    );
    let texts = |texts: Texts| format!("{} of {}", texts.same, texts.all);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "- Beside that, not counted as agreement or not: the texts of {} errors, {} sets of warnings and {} sets of \
         infos are the same to the letter.",
        texts(tally.errors),
        texts(tally.warnings),
        texts(tally.infos),
    );
    for (rule, times) in &tally.excused {
        let _ = writeln!(out, "- Excused {times} times: {rule}.");
    }
    out
}

/// A line for each configuration.
pub(crate) fn rendered(of_bundles: &[Rendered]) -> String {
    let mut out = String::new();
    for Rendered { config, expressions, tally } in of_bundles {
        let agree = tally.asked() - tally.disagreements.len();
        let values = tally.answers.get("values").copied().unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "- `{config}`: {expressions} expressions, {agree} of {} answers agree, {values} of them with values.",
            tally.asked(),
        );
    }
    out
}

fn disagreements(page: &mut String, tally: &Tally) {
    if tally.disagreements.is_empty() {
        page.push_str("None.\n");
        return;
    }
    page.push_str("| case | differs in | smallest query | asked | note |\n|---:|---|---|---|---|\n");
    for disagreement in tally.disagreements.iter().take(LISTED) {
        let (query, difference) = match &disagreement.smallest {
            Some((query, difference)) => (query, difference),
            None => (&disagreement.query, &disagreement.difference),
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            disagreement.number,
            difference.kind.name(),
            code(&query.expr),
            dump::when(query.when),
            code(&difference.note),
        );
    }
    if tally.disagreements.len() > LISTED {
        let _ = writeln!(page, "\n… and {} more.", tally.disagreements.len() - LISTED);
    }
}

/// A text as code in a table's cell.
fn code(text: &str) -> String {
    let escaped = text.replace('|', "\\|").replace(['\n', '\r'], " ");
    if escaped.contains('`') { format!("`` {escaped} ``") } else { format!("`{escaped}`") }
}

fn table(page: &mut String, title: &str, tally: &Tally, is: impl Fn(&str) -> bool) {
    let _ = writeln!(page, "| {title} | asked | with values | differ |\n|---|---:|---:|---:|");
    for (tag, Count { asked, full, different }) in tally.tags.iter().filter(|(tag, _)| is(tag)) {
        let _ = writeln!(page, "| {} | {asked} | {full} | {different} |", code(tag));
    }
    page.push('\n');
}
