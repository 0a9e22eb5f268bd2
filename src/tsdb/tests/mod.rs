//! The store as a whole, beside a model of it.

mod concurrent;
mod damage;
mod equality;
mod upkeep;

use std::collections::BTreeMap;

use crate::{
    series::{Labels, Matcher, Select, TimeSpan, is_stale},
    time::Timestamp,
};

use super::{Committed, Options, Reader, Store};

/// Series with the bits of their samples by time.
type Model = BTreeMap<Labels, BTreeMap<i64, u64>>;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn span(from: i64, to: i64) -> TimeSpan {
    TimeSpan { from: Timestamp(from), to: Timestamp(to) }
}

fn all() -> TimeSpan {
    span(i64::MIN, i64::MAX)
}

/// Blocks of 100 s, so that tests see many of them.
fn small() -> Options {
    Options {
        retention_millis: None,
        block_millis: 100_000,
        max_block_millis: 1_200_000,
        in_order_lag_millis: 50_000,
        idle_millis: 60_000,
        ..Options::default()
    }
}

/// What a reader shows.
fn shown(reader: &Reader, matchers: &[Matcher], span: TimeSpan) -> Model {
    let selected: Vec<_> = reader.select(matchers, span).unwrap().collect();
    assert!(selected.is_sorted_by(|a, b| a.labels < b.labels), "each label set once, sorted");
    let model = selected.into_iter().map(|series| {
        assert_eq!(series.times.len(), series.values.len());
        assert!(series.times.is_sorted_by(|a, b| a < b));
        let samples = series.times.iter().zip(series.values.iter());
        (series.labels, samples.map(|(at, value)| (at.0, value.to_bits())).collect())
    });
    model.collect()
}

/// What a reader of the model would show.
fn expected(model: &Model, matchers: &[Matcher], span: TimeSpan) -> Model {
    let mut shown = Model::new();
    for (labels, samples) in model {
        if !matchers.iter().all(|matcher| matcher.accepts_labels(labels)) || span.from > span.to {
            continue;
        }
        let part: BTreeMap<_, _> =
            samples.range(span.from.0..=span.to.0).map(|(at, bits)| (*at, *bits)).collect();
        if part.values().any(|bits| !is_stale(f64::from_bits(*bits))) {
            shown.insert(labels.clone(), part);
        }
    }
    shown
}

/// Commits, and notes in the model what was accepted.
fn commit(store: &Store, model: &mut Model, samples: &[(Labels, Timestamp, f64)]) -> Committed {
    let committed = store.commit(samples).unwrap();
    assert_eq!(committed.appended + committed.rejected.len(), samples.len());
    let rejected: Vec<usize> = committed.rejected.iter().map(|(index, _)| *index).collect();
    for (index, (labels, at, value)) in samples.iter().enumerate() {
        if rejected.binary_search(&index).is_err() {
            model.entry(labels.clone()).or_default().entry(at.0).or_insert(value.to_bits());
        }
    }
    committed
}

/// Numbers from a seed (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound.max(1)
    }

    fn millis(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs())).unwrap()
    }
}
