//! What came of the cases, counted.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Difference;
use crate::judge::{Outcome, Query};

/// Cases of one function, operator or other part of the language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) asked: usize,
    /// That the judge answered with at least one series.
    pub(crate) full: usize,
    pub(crate) different: usize,
}

/// How many of some texts were the same on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) same: usize,
    pub(crate) all: usize,
}

impl Texts {
    fn add(&mut self, same: bool) {
        self.all += 1;
        self.same += usize::from(same);
    }
}

/// A case on which the sides do not agree.
#[derive(Debug, Clone)]
pub(crate) struct Disagreement {
    pub(crate) number: usize,
    pub(crate) query: Query,
    pub(crate) difference: Difference,
    /// The smallest query found that shows the same kind of difference, with its own.
    pub(crate) smallest: Option<(Query, Difference)>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tags: BTreeMap<String, Count>,
    /// By the judge's answer: `values`, `nothing`, or the class of its error.
    pub(crate) answers: BTreeMap<&'static str, usize>,
    /// Texts of errors where both sides fail in the same class.
    pub(crate) errors: Texts,
    /// Sets of warnings and of infos, where either side has any.
    pub(crate) warnings: Texts,
    pub(crate) infos: Texts,
    /// Series and samples that were compared.
    pub(crate) rows: usize,
    pub(crate) points: usize,
    pub(crate) excused: BTreeMap<&'static str, usize>,
    pub(crate) disagreements: Vec<Disagreement>,
    /// Some of the texts that differ: what was expected, and what came.
    pub(crate) other_texts: BTreeSet<(String, String)>,
}

/// How many differing texts are kept.
const TEXTS_KEPT: usize = 2000;

impl Tally {
    pub(crate) fn add(&mut self, tags: &BTreeSet<String>, theirs: &Outcome, ours: &Outcome, different: bool) {
        let kind = match theirs {
            Ok(answer) if answer.value.rows() == 0 => "nothing",
            Ok(_) => "values",
            Err(failure) => failure.class.name(),
        };
        *self.answers.entry(kind).or_default() += 1;
        for tag in tags {
            let count = self.tags.entry(tag.clone()).or_default();
            count.asked += 1;
            count.full += usize::from(kind == "values");
            count.different += usize::from(different);
        }
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => {
                self.rows += theirs.value.rows();
                self.points += theirs.value.points();
                self.remarks(&theirs.warnings, &ours.warnings, |tally| &mut tally.warnings);
                self.remarks(&theirs.infos, &ours.infos, |tally| &mut tally.infos);
            }
            (Err(theirs), Err(ours)) if theirs.class == ours.class => {
                self.errors.add(theirs.text == ours.text);
                if theirs.text != ours.text {
                    self.keep(theirs.text.clone(), ours.text.clone());
                }
            }
            _ => {}
        }
    }

    fn remarks(&mut self, theirs: &[String], ours: &[String], texts: impl Fn(&mut Self) -> &mut Texts) {
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        let sorted =
            |remarks: &[String]| remarks.iter().map(|text| without_count(text)).collect::<BTreeSet<_>>();
        let (theirs, ours) = (sorted(theirs), sorted(ours));
        // The judge shows ten, of its choice, and says how many it leaves out.
        let omitted = theirs.iter().find(|text| text.ends_with("annotations omitted"));
        let same = match omitted {
            Some(_) => theirs.iter().filter(|text| Some(*text) != omitted).all(|text| ours.contains(text)),
            None => theirs == ours,
        };
        texts(self).add(same);
        if !same {
            let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join(" | ");
            self.keep(join(theirs), join(ours));
        }
    }

    fn keep(&mut self, theirs: String, ours: String) {
        if self.other_texts.len() < TEXTS_KEPT {
            self.other_texts.insert((theirs, ours));
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.answers.values().sum()
    }
}

/// Without the number of samples that a remark is about: Prometheus adds it to itself at each step of an evaluation,
/// and so says 25,165,822 where there are 24.
fn without_count(text: &str) -> String {
    let Some((before, after)) = text.split_once(", over ") else { return text.to_owned() };
    match after.split_once(" samples from ") {
        Some((_, times)) => format!("{before}, over some samples from {times}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_samples_does_not_matter() {
        let text = |count: &str| format!("PromQL info: fixed, over {count} samples from a to b (1:2)");
        assert_eq!(without_count(&text("3")), without_count(&text("40")));
        assert_eq!(without_count("PromQL info: over"), "PromQL info: over");
    }
}
