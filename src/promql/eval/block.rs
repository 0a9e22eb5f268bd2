//! The values of many series at many steps.

use std::collections::HashMap;

use crate::{
    series::{Labels, STALE, is_stale},
    time::Timestamp,
};

use super::EvalError;

/// The instants at which a query is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Milliseconds since the epoch.
    pub start: i64,
    /// Milliseconds; at least 1. One step of an instant query is 1 ms.
    pub step: i64,
    /// How many instants there are.
    pub count: usize,
}

impl Grid {
    /// One instant.
    pub fn instant(at: Timestamp) -> Self {
        Self { start: at.0, step: 1, count: 1 }
    }

    /// From `start` to at most `end`; no instant where `end` is before `start`.
    pub fn range(start: Timestamp, end: Timestamp, step_millis: i64) -> Self {
        let step = step_millis.max(1);
        let count = match end.0.checked_sub(start.0) {
            Some(span) if span >= 0 => usize::try_from(span / step).unwrap_or(usize::MAX).saturating_add(1),
            _ => 0,
        };
        Self { start: start.0, step, count }
    }

    /// The instant of a step, in milliseconds.
    #[inline]
    pub fn at(self, index: usize) -> i64 {
        self.start.saturating_add(self.step.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// All instants, in milliseconds.
    pub fn instants(self) -> impl ExactSizeIterator<Item = i64> {
        (0..self.count).map(move |index| self.at(index))
    }

    /// The last instant, in milliseconds; the first where there is none.
    pub fn end(self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }
}

/// An instant vector at each step: series × steps, by series.
///
/// Where a series has no sample at a step, its value is [`STALE`], which is no result of any calculation: it is a
/// signalling NaN, and arithmetic gives quiet ones. The order of the series is the order of the vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub labels: Vec<Labels>,
    /// Series `i` has `values[i * steps..(i + 1) * steps]`.
    pub values: Vec<f64>,
    pub steps: usize,
}

impl Block {
    pub fn new(steps: usize) -> Self {
        Self { labels: Vec::new(), values: Vec::new(), steps }
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The values of a series, one for each step.
    #[inline]
    pub fn row(&self, series: usize) -> &[f64] {
        &self.values[series * self.steps..(series + 1) * self.steps]
    }

    #[inline]
    pub fn row_mut(&mut self, series: usize) -> &mut [f64] {
        &mut self.values[series * self.steps..(series + 1) * self.steps]
    }

    /// Labels and values of each series.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&Labels, &[f64])> {
        (0..self.len()).map(|index| (&self.labels[index], self.row(index)))
    }

    /// Adds a series without samples and gives its row.
    pub fn push(&mut self, labels: Labels) -> &mut [f64] {
        self.labels.push(labels);
        let start = self.values.len();
        self.values.resize(start + self.steps, STALE);
        &mut self.values[start..]
    }

    /// Removes the series that was added last.
    pub fn pop(&mut self) {
        if self.labels.pop().is_some() {
            self.values.truncate(self.labels.len() * self.steps);
        }
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.values.iter().filter(|value| !is_stale(**value)).count()
    }

    /// Drops series that have no sample at any step.
    pub fn drop_empty(&mut self) {
        self.retain(|_, row| row.iter().any(|value| !is_stale(*value)));
    }

    /// Keeps some series, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&Labels, &[f64]) -> bool) {
        let kept: Vec<bool> = self.rows().map(|(labels, row)| keep(labels, row)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let mut target = 0;
        for (index, kept) in kept.into_iter().enumerate() {
            if kept {
                self.labels.swap(target, index);
                self.values.copy_within(index * self.steps..(index + 1) * self.steps, target * self.steps);
                target += 1;
            }
        }
        self.labels.truncate(target);
        self.values.truncate(target * self.steps);
    }

    /// The same series in another order: `order[i]` is the index of the series that comes `i`th.
    #[must_use]
    pub fn ordered(&self, order: &[usize]) -> Self {
        let mut sorted = Self::new(self.steps);
        sorted.values.reserve_exact(self.values.len());
        for index in order {
            sorted.labels.push(self.labels[*index].clone());
            sorted.values.extend_from_slice(self.row(*index));
        }
        sorted
    }

    /// Puts series of equal labels together; an error where two of them have a sample at the same step.
    pub(super) fn unique(mut self) -> Result<Self, EvalError> {
        let mut first: HashMap<&Labels, usize> = HashMap::with_capacity(self.len());
        let mut repeated = Vec::new();
        for (index, labels) in self.labels.iter().enumerate() {
            if let Some(earlier) = first.get(labels) {
                repeated.push((*earlier, index));
            } else {
                first.insert(labels, index);
            }
        }
        if repeated.is_empty() {
            return Ok(self);
        }
        for (target, source) in &repeated {
            for step in 0..self.steps {
                let value = self.values[source * self.steps + step];
                if is_stale(value) {
                    continue;
                }
                let place = &mut self.values[target * self.steps + step];
                if !is_stale(*place) {
                    return Err(EvalError::execution("vector cannot contain metrics with the same labelset"));
                }
                *place = value;
            }
        }
        let mut gone = repeated.into_iter().map(|(_, index)| index).peekable();
        let mut index = 0;
        self.retain(|_, _| {
            let keep = gone.next_if_eq(&index).is_none();
            index += 1;
            keep
        });
        Ok(self)
    }
}

/// What an expression gives within an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number at each step.
    Scalar(Vec<f64>),
    String(String),
    Vector(Block),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(rows: &[(&str, [f64; 2])]) -> Block {
        let mut block = Block::new(2);
        for (name, values) in rows {
            block.push([("n", *name)].into_iter().collect()).copy_from_slice(values);
        }
        block
    }

    #[test]
    fn equal_labels_are_one_series_where_their_samples_do_not_meet() {
        let apart = block(&[("a", [1.0, STALE]), ("b", [5.0, 6.0]), ("a", [STALE, 2.0])]);
        let unique = apart.unique().unwrap();
        assert_eq!(unique.len(), 2);
        assert_eq!(unique.row(0), [1.0, 2.0]);
        assert_eq!(unique.row(1), [5.0, 6.0]);
        let meeting = block(&[("a", [1.0, STALE]), ("a", [1.0, 2.0])]);
        assert!(meeting.unique().is_err());
    }

    #[test]
    fn grids_end_at_or_before_their_end() {
        let grid = Grid::range(Timestamp(10), Timestamp(35), 10);
        assert_eq!(grid.instants().collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!((grid.end(), Grid::range(Timestamp(2), Timestamp(1), 1).count), (30, 0));
    }
}
