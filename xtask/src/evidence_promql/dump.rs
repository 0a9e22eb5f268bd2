//! Disagreements as text, for those who mend them.

use std::{collections::BTreeMap, fmt::Write as _};

use super::tally::{Disagreement, Tally};
use crate::judge::{Outcome, Query, Row, Value, When};

/// Rows and points that are shown of an answer.
const ROWS: usize = 6;
const POINTS: usize = 6;

/// Each disagreement once by its smallest query, the shortest first. `ask` gives what both sides answer.
pub(crate) fn disagreements(
    tally: &Tally,
    mut ask: impl FnMut(&Query) -> anyhow::Result<(Outcome, Outcome)>,
) -> anyhow::Result<String> {
    let mut by_query: BTreeMap<(usize, String), (&Disagreement, usize)> = BTreeMap::new();
    for disagreement in &tally.disagreements {
        let smallest = disagreement.smallest.as_ref().map_or(&disagreement.query, |(query, _)| query);
        let key = (smallest.expr.len(), smallest.expr.clone());
        by_query.entry(key).or_insert((disagreement, 0)).1 += 1;
    }
    let mut out = format!("{} disagreements, {} queries\n", tally.disagreements.len(), by_query.len());
    for (disagreement, times) in by_query.into_values() {
        let (query, difference) = match &disagreement.smallest {
            Some((query, difference)) => (query, difference),
            None => (&disagreement.query, &disagreement.difference),
        };
        let (theirs, ours) = ask(query)?;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n## {}: {}", difference.kind.name(), query.expr);
        let _ = writeln!(out, "when      {}", when(query.when));
        let _ = writeln!(out, "note      {}", difference.note);
        let _ = writeln!(out, "expected  {}", shown(&theirs));
        let _ = writeln!(out, "got       {}", shown(&ours));
        if query.expr != disagreement.query.expr {
            let _ = writeln!(out, "from      #{} {}", disagreement.number, disagreement.query.expr);
        }
        if times > 1 {
            let _ = writeln!(out, "times     {times}");
        }
    }
    let _ = writeln!(out, "\n# {} texts differ", tally.other_texts.len());
    for (theirs, ours) in &tally.other_texts {
        let _ = writeln!(out, "\nexpected  {theirs}\ngot       {ours}");
    }
    Ok(out)
}

pub(crate) fn when(when: When) -> String {
    match when {
        When::At(at) => format!("at {at} ms"),
        When::Range { start, end, step } => format!("from {start} to {end} ms, step {step} ms"),
    }
}

pub(crate) fn shown(outcome: &Outcome) -> String {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => return format!("{}: {}", failure.class.name(), failure.text),
    };
    match &answer.value {
        Value::Scalar((at, value)) => format!("scalar {value:?} @{at}"),
        Value::String(text) => format!("string {text:?}"),
        Value::Vector(rows) | Value::Matrix(rows) => {
            let more =
                if rows.len() > ROWS { format!("\n    … {} in all", rows.len()) } else { String::new() };
            let shown: String = rows.iter().take(ROWS).map(row).collect();
            format!("{} of {}{shown}{more}", answer.value.type_name(), rows.len())
        }
    }
}

fn row(row: &Row) -> String {
    let points: Vec<String> =
        row.points.iter().take(POINTS).map(|(at, value)| format!("{value:?}@{at}")).collect();
    let more = if row.points.len() > POINTS { " …" } else { "" };
    format!("\n    {} {}{more}", row.labels, points.join(" "))
}
