//! What a series was, from when to when; and how far two sides are apart in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use llmobs::series::Labels;

use crate::judge::{Connection, Query, Row, Value, When};

/// Milliseconds between two looks at a series.
pub(super) const STEP: i64 = 100;
/// Points that Prometheus gives in one answer are at most 11,000.
const MOST_POINTS: i64 = 10_000;

/// A time in which a series had one value, or was there at all. `from` is the first look that saw it, `to` the first
/// that did not; a spell that lasts to the end has no `to`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spell {
    pub(super) from: i64,
    pub(super) to: Option<i64>,
    pub(super) value: f64,
}

/// What of a series is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Value,
    Presence,
}

pub(super) type Spells = BTreeMap<Labels, Vec<Spell>>;

/// The spells of an expression's series in a span.
pub(super) fn ask(
    connection: &mut Connection,
    expr: &str,
    aspect: Aspect,
    (from, to): (i64, i64),
) -> anyhow::Result<Spells> {
    let mut points: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    let mut start = from;
    while start <= to {
        let end = to.min(start + (MOST_POINTS - 1) * STEP);
        let query = Query { expr: expr.to_owned(), when: When::Range { start, end, step: STEP } };
        let answer = connection.ask(&query)?;
        let answer = answer.map_err(|failure| anyhow::anyhow!("`{expr}`: {}", failure.text))?;
        let Value::Matrix(rows) = answer.value else { bail!("`{expr}` gives no matrix") };
        for Row { labels, points: more } in rows {
            points.entry(labels).or_default().extend(more);
        }
        start = end + STEP;
    }
    Ok(points.into_iter().map(|(labels, points)| (labels, spells(&points, aspect, to))).collect())
}

fn spells(points: &[(i64, f64)], aspect: Aspect, end: i64) -> Vec<Spell> {
    let mut spells: Vec<Spell> = Vec::new();
    let mut last = i64::MIN;
    for (at, value) in points {
        let value = if aspect == Aspect::Presence { 1.0 } else { *value };
        match spells.last_mut() {
            Some(spell) if last + STEP == *at && spell.value.to_bits() == value.to_bits() => {}
            other => {
                if let Some(spell) = other {
                    spell.to = Some(last + STEP);
                }
                spells.push(Spell { from: *at, to: None, value });
            }
        }
        last = *at;
    }
    if let Some(spell) = spells.last_mut().filter(|_| last + STEP <= end) {
        spell.to = Some(last + STEP);
    }
    spells
}

/// How two sides' spells compare.
#[derive(Debug, Clone, Default)]
pub(super) struct Compared {
    pub(super) series: usize,
    pub(super) spells: usize,
    /// Milliseconds from the judge's instant of a change to the other's, of all changes.
    pub(super) apart: Vec<i64>,
    /// Series whose spells are others, and changes that are further apart than the bar.
    pub(super) faults: Vec<String>,
}

impl Compared {
    /// The median and the most of the distances.
    pub(super) fn distances(&self) -> (i64, i64) {
        let mut all: Vec<i64> = self.apart.iter().map(|apart| apart.abs()).collect();
        all.sort_unstable();
        (all.get(all.len() / 2).copied().unwrap_or(0), all.last().copied().unwrap_or(0))
    }
}

/// Compares; `bar` says how many milliseconds a change of a series may be apart.
pub(super) fn compare(theirs: &Spells, ours: &Spells, bar: impl Fn(&Labels) -> i64) -> Compared {
    let mut compared = Compared::default();
    let none = Vec::new();
    let all: BTreeSet<&Labels> = theirs.keys().chain(ours.keys()).collect();
    for labels in all {
        let (theirs, ours) = (theirs.get(labels).unwrap_or(&none), ours.get(labels).unwrap_or(&none));
        compared.series += 1;
        compared.spells += theirs.len();
        let kinds = |spells: &[Spell]| spells.iter().map(|spell| spell.value.to_bits()).collect::<Vec<_>>();
        if kinds(theirs) != kinds(ours) {
            compared.faults.push(format!("{labels}: expected {}, got {}", words(theirs), words(ours)));
            continue;
        }
        let ends = theirs
            .iter()
            .zip(ours)
            .flat_map(|(theirs, ours)| [(Some(theirs.from), Some(ours.from)), (theirs.to, ours.to)]);
        for (expect, got) in ends {
            match (expect, got) {
                (None, None) => {}
                (Some(expect), Some(got)) => {
                    compared.apart.push(got - expect);
                    if (got - expect).abs() > bar(labels) {
                        compared.faults.push(format!("{labels}: a change at {expect}, not at {got}"));
                    }
                }
                _ => {
                    compared.faults.push(format!(
                        "{labels}: expected {}, got {}",
                        words(theirs),
                        words(ours)
                    ));
                }
            }
        }
    }
    compared
}

fn words(spells: &[Spell]) -> String {
    let spell = |spell: &Spell| {
        let to = spell.to.map_or_else(String::new, |to| to.to_string());
        format!("{}..{to} {}", spell.from, spell.value)
    };
    format!("[{}]", spells.iter().map(spell).collect::<Vec<_>>().join(", "))
}

/// The phase of the samples that a selector gives, in milliseconds below a second, by the value of a label: the one
/// that most of the last samples have.
pub(super) fn phases(
    connection: &mut Connection,
    selector: &str,
    label: &str,
    at: i64,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let query = Query { expr: format!("{selector}[20s]"), when: When::At(at) };
    let answer = connection.ask(&query)?;
    let answer = answer.map_err(|failure| anyhow::anyhow!("`{selector}`: {}", failure.text))?;
    let Value::Matrix(rows) = answer.value else { bail!("`{selector}` gives no matrix") };
    let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let value = row.labels.get(label).unwrap_or_default().to_owned();
        all.entry(value).or_default().extend(row.points.iter().map(|(at, _)| at.rem_euclid(1_000)));
    }
    let median = |(value, mut phases): (String, Vec<i64>)| {
        phases.sort_unstable();
        let middle = *phases.get(phases.len() / 2).context("no samples")?;
        Ok((value, middle))
    };
    all.into_iter().map(median).collect()
}

/// The distance of two phases on a circle of a second, in milliseconds: at most 500.
pub(super) fn circular(one: i64, other: i64) -> i64 {
    let apart = (one - other).rem_euclid(1_000);
    apart.min(1_000 - apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        [("a", "b")].into_iter().collect()
    }

    #[test]
    fn spells_are_cut_at_gaps_and_changes() {
        let points = [(0, 1.0), (100, 1.0), (200, 0.0), (500, 0.0), (600, 0.0)];
        let spell = |from, to, value| Spell { from, to, value };
        let expect = [spell(0, Some(200), 1.0), spell(200, Some(300), 0.0), spell(500, None, 0.0)];
        assert_eq!(spells(&points, Aspect::Value, 600), expect);
        let expect = [spell(0, Some(300), 1.0), spell(500, Some(700), 1.0)];
        assert_eq!(spells(&points, Aspect::Presence, 1_000), expect);
    }

    #[test]
    fn distances_are_held_to_the_bar() {
        let side = |from, to| Spells::from([(labels(), vec![Spell { from, to, value: 1.0 }])]);
        let compared = compare(&side(0, Some(900)), &side(300, Some(800)), |_| 250);
        assert_eq!(compared.apart, [300, -100]);
        assert_eq!(compared.faults, ["{a=\"b\"}: a change at 0, not at 300"]);
        assert_eq!(compare(&side(0, None), &side(0, Some(1)), |_| 0).faults.len(), 1);
        assert_eq!(compare(&side(0, None), &Spells::new(), |_| 0).faults.len(), 1);
    }

    #[test]
    fn phases_are_on_a_circle() {
        assert_eq!((circular(990, 10), circular(10, 990), circular(0, 500)), (20, 20, 500));
    }
}
