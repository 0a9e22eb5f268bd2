//! Exemplars of all series: a ring, of which the oldest leave first.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    engine::{Exemplar, SeriesExemplars},
    series::{Labels, Matcher, TimeSpan},
};

/// Letters of all labels of an exemplar together, as `OpenMetrics` bounds them.
pub(super) const LABEL_LETTERS: usize = 128;

/// Exemplars in memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct Exemplars(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    capacity: usize,
    /// Whose exemplar is the oldest, and so on: one entry for each exemplar.
    order: VecDeque<Labels>,
    series: HashMap<Labels, VecDeque<Exemplar>>,
}

/// What became of an exemplar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Kept,
    /// It is the one that is there already, too long, or none is kept.
    Passed,
    OutOfOrder,
}

impl Exemplars {
    /// How many are kept from now on.
    pub(in crate::engine) fn set_capacity(&self, capacity: usize) {
        let mut ring = self.ring();
        ring.capacity = capacity;
        ring.trim();
    }

    /// Adds one to a series.
    pub(super) fn add(&self, series: &Labels, exemplar: Exemplar) -> Added {
        let letters = |text: &str| text.chars().count();
        let length: usize = exemplar.labels.iter().map(|(name, value)| letters(name) + letters(value)).sum();
        let mut ring = self.ring();
        if ring.capacity == 0 || length > LABEL_LETTERS {
            return Added::Passed;
        }
        if let Some(last) = ring.series.get(series).and_then(VecDeque::back) {
            let is_same = last.labels == exemplar.labels && last.value.to_bits() == exemplar.value.to_bits();
            if is_same && last.at >= exemplar.at {
                return Added::Passed;
            }
            if exemplar.at < last.at {
                return Added::OutOfOrder;
            }
        }
        ring.order.push_back(series.clone());
        match ring.series.get_mut(series) {
            Some(exemplars) => exemplars.push_back(exemplar),
            None => drop(ring.series.insert(series.clone(), VecDeque::from([exemplar]))),
        }
        ring.trim();
        Added::Kept
    }

    /// Adds those of a series that others have scraped; what is out of order or too much is left out.
    pub(in crate::engine) fn keep(&self, series: &Labels, exemplars: Vec<Exemplar>) {
        for exemplar in exemplars {
            // Those who send exemplars are not told what became of them.
            let _ = self.add(series, exemplar);
        }
    }

    /// Those within the span, of the series that any of the sets of matchers accepts, sorted by series.
    pub(in crate::engine) fn select(&self, sets: &[Vec<Matcher>], span: TimeSpan) -> Vec<SeriesExemplars> {
        let ring = self.ring();
        let accepted =
            |labels: &Labels| sets.iter().any(|set| set.iter().all(|matcher| matcher.accepts_labels(labels)));
        let found: BTreeMap<&Labels, Vec<Exemplar>> = ring
            .series
            .iter()
            .filter(|(labels, _)| accepted(labels))
            .map(|(labels, exemplars)| {
                let within = exemplars.iter().filter(|one| span.from <= one.at && one.at <= span.to);
                (labels, within.cloned().collect::<Vec<_>>())
            })
            .filter(|(_, exemplars)| !exemplars.is_empty())
            .collect();
        found
            .into_iter()
            .map(|(series, exemplars)| SeriesExemplars { series: series.clone(), exemplars })
            .collect()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn trim(&mut self) {
        while self.order.len() > self.capacity {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(exemplars) = self.series.get_mut(&oldest) {
                exemplars.pop_front();
                if exemplars.is_empty() {
                    self.series.remove(&oldest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{series::MatchOp, time::Timestamp};

    use super::*;

    fn labels(name: &str) -> Labels {
        Labels::new([("x", name)]).unwrap()
    }

    fn one(trace: &str, value: f64, at: i64) -> Exemplar {
        Exemplar { labels: labels(trace), value, at: Timestamp(at) }
    }

    fn shown(exemplars: &Exemplars, pattern: &str, from: i64, to: i64) -> String {
        let matcher = Matcher::new("x", MatchOp::Matches, pattern).unwrap();
        let span = TimeSpan { from: Timestamp(from), to: Timestamp(to) };
        let found = exemplars.select(&[vec![matcher]], span);
        let series = found.iter().map(|series| {
            let all: Vec<_> =
                series.exemplars.iter().map(|one| format!("{}@{}", one.value, one.at.0)).collect();
            format!("{}: {}", series.series.get("x").unwrap_or_default(), all.join(" "))
        });
        series.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_oldest_leave_first() {
        let exemplars = Exemplars::default();
        assert_eq!(exemplars.add(&labels("a"), one("t", 1.0, 1)), Added::Passed);
        exemplars.set_capacity(3);
        assert_eq!(exemplars.add(&labels("a"), one("t", 1.0, 1)), Added::Kept);
        assert_eq!(exemplars.add(&labels("a"), one("t", 1.0, 1)), Added::Passed);
        assert_eq!(exemplars.add(&labels("a"), one("u", 2.0, 0)), Added::OutOfOrder);
        assert_eq!(exemplars.add(&labels("b"), one("u", 2.0, 2)), Added::Kept);
        assert_eq!(exemplars.add(&labels("a"), one("u", 3.0, 3)), Added::Kept);
        assert_eq!(exemplars.add(&labels("b"), one(&"u".repeat(128), 4.0, 4)), Added::Passed);
        assert_eq!(shown(&exemplars, ".*", 0, 9), "a: 1@1 3@3; b: 2@2");
        assert_eq!(shown(&exemplars, "a", 2, 9), "a: 3@3");
        exemplars.add(&labels("b"), one("v", 5.0, 5));
        assert_eq!(shown(&exemplars, ".*", 0, 9), "a: 3@3; b: 2@2 5@5");
        exemplars.set_capacity(1);
        assert_eq!(shown(&exemplars, ".*", 0, 9), "b: 5@5");
    }
}
