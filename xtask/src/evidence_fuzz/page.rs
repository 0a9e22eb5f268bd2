//! What a run came to, in words.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;

use super::{
    Args, Course,
    answer::{Answered, Failure},
    check::Outcome,
};

/// Where the result is written, from the root of the repository.
const PAGE: &str = "assets/evidence/fuzz.md";

/// Lines for the terminal.
pub(super) fn summary(course: &Course) -> String {
    let mut text = String::new();
    for (name, count) in counts(course) {
        line(&mut text, format_args!("{count:>10}  {name}"));
    }
    let Course { tally, took, peak, .. } = course;
    line(
        &mut text,
        format_args!("{took:.0?}, {} MB of inputs, {} MiB at most", tally.bytes / 1_000_000, peak / 1024),
    );
    for (took, index, input) in &tally.slowest {
        line(&mut text, format_args!("{:>6} ms  {index}: {}", took.as_millis(), shortened(input, 160)));
    }
    for (key, found) in &tally.faults {
        line(&mut text, format_args!("FAULT {key}: {} times", found.times));
        for (index, input, detail) in &found.examples {
            line(
                &mut text,
                format_args!("  {index}: {:?}\n    {}", shortened(input, 600), shortened(detail, 1200)),
            );
        }
    }
    text
}

/// What became of the inputs, each with how many.
fn counts(course: &Course) -> Vec<(&'static str, u64)> {
    let tally = &course.tally;
    let of = |wanted: Outcome| tally.outcomes.get(&wanted).copied().unwrap_or_default();
    let answered = |wanted: Answered| of(Outcome::Answered(wanted));
    let failed = |wanted: Failure| answered(Answered::Error(wanted));
    let read: u64 =
        tally.outcomes.iter().filter(|(outcome, _)| **outcome != Outcome::Refused).map(|(_, n)| n).sum();
    vec![
        ("inputs", tally.total()),
        ("refused by the parser", of(Outcome::Refused)),
        ("read, printed and read again", read),
        ("of these, read with variables only and so not evaluated", of(Outcome::Template)),
        ("answered with values", answered(Answered::Values)),
        ("answered with nothing", answered(Answered::Nothing)),
        ("failed as Prometheus' `execution`", failed(Failure::Execution)),
        ("failed as Prometheus' `bad_data`", failed(Failure::BadData)),
        ("stopped at the limit of samples", failed(Failure::Samples)),
        ("stopped at the limit of time", failed(Failure::Time)),
        ("faults", tally.faults.values().map(|found| found.times).sum()),
    ]
}

/// Writes the page.
pub(super) fn write(repository: &Path, args: &Args, commit: &str, course: &Course) -> anyhow::Result<()> {
    let path = repository.join(PAGE);
    fs::create_dir_all(path.parent().unwrap_or(repository)).context("cannot create the folder")?;
    fs::write(&path, page(args, commit, course)).with_context(|| format!("cannot write `{PAGE}`"))
}

fn page(args: &Args, commit: &str, course: &Course) -> String {
    let Course { tally, took, corpus, peak } = course;
    let total = tally.total();
    let panics: u64 = tally
        .faults
        .iter()
        .filter(|(key, _)| key.starts_with("no panic"))
        .map(|(_, found)| found.times)
        .sum();
    let mut text = format!(
        "# PromQL fuzzed by mutation\n\n\
         Made by `cargo xtask evidence fuzz --count {total} --seed {}` from commit {commit}: llmobs {}, optimised, with \
         checks of arithmetic and debug assertions.\n\n\
         {total} inputs ({} MB) are mutations of {corpus} expressions: those of `tests/promql/corpus.promql`, and one of \
         each kind that the table of functions, the aggregations and the operators give. Pieces are swapped, removed, \
         doubled, replaced by others of their kind or of any, spliced from one expression into another, wrapped in \
         functions, aggregations and subqueries; numbers, durations, strings, patterns and names become extreme; bytes are \
         changed; some inputs are far longer or deeper than anything written by hand.\n\n\
         Each is read with and without the experimental part of the language and with variables. What is refused must \
         have an error that lies in the text. What is read must have every part where its text stands, and its print must \
         be read as the same tree and print the same again, and so must its layout in lines. It is then evaluated at one to four instants and over their \
         range, over series with resets, gaps, ends, NaN, infinities and odd buckets; instants and range must agree bit \
         for bit, answers and errors alike, save where the expression asks about the query itself, or aggregates what \
         instant queries sort and range queries do not. A panic, a broken rule, or more than {} ms of a processor's time for all of \
         it would be a fault.\n\n\
         {panics} panics. It took {took:.0?}; the process held at most {} MiB.\n\n| | |\n|---|---:|\n",
        args.seed,
        env!("CARGO_PKG_VERSION"),
        tally.bytes / 1_000_000,
        args.limit,
        peak / 1024,
    );
    for (name, count) in counts(course) {
        line(&mut text, format_args!("| {name} | {count} |"));
    }
    text.push_str(
        "\nThe inputs that took most of a processor's time:\n\n| ms | number | input |\n|---:|---:|---|\n",
    );
    for (took, index, input) in &tally.slowest {
        line(&mut text, format_args!("| {} | {index} | {} |", took.as_millis(), cell(input)));
    }
    for (key, found) in &tally.faults {
        line(&mut text, format_args!("\n{} × {}\n", found.times, cell(key)));
        for (index, input, detail) in &found.examples {
            line(&mut text, format_args!("- {index}: {} ({})", cell(input), cell(detail)));
        }
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments).and_then(|()| text.write_char('\n'));
}

/// As code in a table.
fn cell(input: &str) -> String {
    let plain: String = shortened(input, 160).escape_debug().to_string().replace('|', "\\|");
    format!("`` {} ``", plain.replace("\\\"", "\"").replace("\\'", "'").replace("``", "` `"))
}

fn shortened(input: &str, most: usize) -> String {
    let mut short: String = input.chars().take(most).collect();
    if short.len() < input.len() {
        short.push('…');
    }
    short
}
