//! Metric families as plain data, and the state of a histogram.

use super::Labels;

/// A family of series that share a name; values are given when a page is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// As Prometheus stores it: counters with `_total`, infos with `_info`, histograms without a suffix.
    pub name: String,
    pub help: String,
    pub kind: Kind,
    pub series: Vec<Labels>,
}

/// What a family measures.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Counter,
    Gauge,
    /// Labels that describe something; the value is always 1.
    Info,
    /// Upper bounds of the finite buckets, ascending.
    Histogram {
        bounds: Vec<f64>,
    },
}

/// Observations counted by bucket; not cumulative until they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: Vec<f64>,
    /// One more than bounds: the last counts what lies above all of them.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram with these upper bounds, ascending and finite.
    pub fn new(bounds: &[f64]) -> Self {
        Self { bounds: bounds.to_vec(), counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts one observation; a bound belongs to its bucket (`le`).
    pub fn observe(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += 1;
        self.sum += value;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Observations at or below each bound, then all of them.
    pub fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0, |total, count| {
            *total += count;
            Some(*total)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(observations: &[f64], cumulative: &[u64], sum: f64) {
        let mut histogram = Histogram::new(&[1.0, 2.5]);
        for value in observations {
            histogram.observe(*value);
        }
        assert_eq!(histogram.cumulative().collect::<Vec<_>>(), cumulative);
        assert_eq!((histogram.count(), histogram.sum()), (observations.len() as u64, sum));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        check(&[], &[0, 0, 0], 0.0);
        check(&[1.0], &[1, 1, 1], 1.0);
        check(&[1.5, 2.5, 3.0, 0.5], &[1, 3, 4], 7.5);
    }
}
