//! Quantiles and fractions of classic histograms.

use std::collections::HashMap;

use crate::{
    series::{Labels, is_stale},
    text::Span,
};

use super::{
    Annotations, Block, Grid, buckets,
    buckets::{Bucket, Repair},
    date::Date,
    labels::without_metadata,
    number, range,
};

/// The quantile of each histogram at each step; `spans` are those of the two arguments.
pub(super) fn quantile(
    grid: Grid,
    quantile: &[f64],
    vector: &Block,
    spans: [Span; 2],
    annotations: &mut Annotations,
) -> Block {
    warn_quantiles(quantile, spans[0], annotations);
    let mut repairs = Repairs::default();
    let mut answers = Block::new(vector.steps);
    for group in groups(vector, spans[1], annotations) {
        let row = answers.push(without_metadata(&group.labels));
        group.each(|step, buckets| {
            let (answer, repair) = buckets::quantile(quantile[step], buckets);
            repairs.note(repair, grid.at(step));
            row[step] = answer;
        });
    }
    repairs.tell(spans[1], annotations);
    answers
}

/// Several quantiles of each histogram, told apart by a label. A quantile that changes from step to step makes a
/// series of each of its values.
pub(super) fn quantiles(
    grid: Grid,
    label: &str,
    asked: &[(Vec<f64>, Span)],
    vector: &Block,
    blamed: Span,
    annotations: &mut Annotations,
) -> Block {
    for (quantile, span) in asked {
        warn_quantiles(quantile, *span, annotations);
    }
    let groups = groups(vector, blamed, annotations);
    let mut repairs = Repairs::default();
    let mut answers = Block::new(vector.steps);
    for (quantile, _) in asked {
        for group in &groups {
            let mut rows: HashMap<String, usize> = HashMap::new();
            let mut last = (u64::MAX, 0);
            group.each(|step, buckets| {
                let quantile = quantile[step];
                if last.0 != quantile.to_bits() {
                    let text = number::open_metrics(quantile);
                    let index = *rows.entry(text).or_insert_with_key(|text| {
                        let mut labels = without_metadata(&group.labels).edit();
                        labels.set(label, text.as_str());
                        answers.push(labels.finish());
                        answers.len() - 1
                    });
                    last = (quantile.to_bits(), index);
                }
                let (answer, repair) = buckets::quantile(quantile, buckets);
                repairs.note(repair, grid.at(step));
                answers.row_mut(last.1)[step] = answer;
            });
        }
    }
    repairs.tell(blamed, annotations);
    answers
}

/// The share of observations between two values, of each histogram at each step.
pub(super) fn fraction(
    lower: &[f64],
    upper: &[f64],
    vector: &Block,
    blamed: Span,
    annotations: &mut Annotations,
) -> Block {
    let mut answers = Block::new(vector.steps);
    for group in groups(vector, blamed, annotations) {
        let row = answers.push(without_metadata(&group.labels));
        group.each(|step, buckets| row[step] = buckets::fraction(lower[step], upper[step], buckets));
    }
    answers
}

fn warn_quantiles(quantiles: &[f64], blamed: Span, annotations: &mut Annotations) {
    let mut last = None;
    for quantile in quantiles {
        if !(0.0..=1.0).contains(quantile) && last != Some(quantile.to_bits()) {
            annotations.warn(range::bad_quantile(*quantile), blamed);
            last = Some(quantile.to_bits());
        }
    }
}

/// A histogram: series that differ in `le` only, by their bounds.
struct Group<'a> {
    /// Without `le`, with the metric's name.
    labels: Labels,
    buckets: Vec<(f64, &'a [f64])>,
    steps: usize,
}

impl Group<'_> {
    /// Calls with the buckets that have a sample, at each step that has any.
    fn each(&self, mut with: impl FnMut(usize, &mut Vec<Bucket>)) {
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for step in 0..self.steps {
            buckets.clear();
            for (bound, row) in &self.buckets {
                if !is_stale(row[step]) {
                    buckets.push(Bucket { bound: *bound, count: row[step] });
                }
            }
            if !buckets.is_empty() {
                with(step, &mut buckets);
            }
        }
    }
}

/// The histograms of a vector; a series whose `le` is no number is warned of and left out.
fn groups<'a>(vector: &'a Block, blamed: Span, annotations: &mut Annotations) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut indexes: HashMap<Labels, usize> = HashMap::new();
    for (labels, row) in vector.rows() {
        if row.iter().all(|value| is_stale(*value)) {
            continue;
        }
        let text = labels.get("le").unwrap_or_default();
        let Some(bound) = number::parse(text).filter(|bound| !bound.is_nan()) else {
            let text = number::quoted(text);
            annotations
                .warn(format!("bucket label \"le\" is missing or has a malformed value of {text}"), blamed);
            continue;
        };
        let rest = labels.without(&["le"]);
        let index = *indexes.entry(rest).or_insert_with_key(|labels| {
            groups.push(Group { labels: labels.clone(), buckets: Vec::new(), steps: vector.steps });
            groups.len() - 1
        });
        groups[index].buckets.push((bound, row));
    }
    for group in &mut groups {
        group.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    groups
}

/// What was put right in buckets that fell.
#[derive(Default)]
struct Repairs {
    repair: Option<Repair>,
    count: usize,
    first: i64,
    last: i64,
}

impl Repairs {
    fn note(&mut self, repair: Option<Repair>, at: i64) {
        let Some(repair) = repair else { return };
        self.first = if self.count == 0 { at } else { self.first.min(at) };
        self.last = if self.count == 0 { at } else { self.last.max(at) };
        self.count += 1;
        self.repair = Some(match self.repair {
            None => repair,
            Some(before) => Repair {
                lowest: before.lowest.min(repair.lowest),
                highest: before.highest.max(repair.highest),
                largest: before.largest.max(repair.largest),
            },
        });
    }

    fn tell(self, blamed: Span, annotations: &mut Annotations) {
        let Some(repair) = self.repair else { return };
        annotations.info(
            format!(
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from \
                 buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
                number::shortest(repair.lowest),
                number::shortest(repair.highest),
                number::rounded(repair.largest, 2),
                self.count,
                Date::of(self.first / 1000).rfc3339(),
                Date::of(self.last / 1000).rfc3339(),
            ),
            blamed,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::eval::functions::fixture::assert_values;
    use crate::series::STALE;

    const GRID: Grid = Grid { start: 60_000, step: 60_000, count: 2 };

    fn vector(rows: &[(&str, &str, [f64; 2])]) -> Block {
        let mut block = Block::new(2);
        for (name, le, values) in rows {
            let labels = [("__name__", *name), ("le", *le)].into_iter().collect();
            block.push(labels).copy_from_slice(values);
        }
        block
    }

    fn spans() -> [Span; 2] {
        [Span::new(1, 2), Span::new(3, 4)]
    }

    fn told(annotations: &Annotations) -> Vec<String> {
        annotations.iter().map(|remark| format!("{} {}", remark.span.start, remark.message)).collect()
    }

    #[test]
    fn buckets_are_found_by_their_bounds_at_each_step() {
        let rows = [
            ("h", "+Inf", [10.0, 4.0]),
            ("h", "1", [5.0, STALE]),
            ("h", "2.0", [10.0, 2.0]),
            ("g", "+Inf", [STALE, 1.0]),
        ];
        let mut annotations = Annotations::default();
        let answers = quantile(GRID, &[0.75, 0.25], &vector(&rows), spans(), &mut annotations);
        assert_eq!(answers.labels, [Labels::default(), Labels::default()]);
        assert_values(answers.row(0), &[1.5, 1.0]);
        assert_values(answers.row(1), &[STALE, f64::NAN]);
        assert!(annotations.is_empty());
    }

    #[test]
    fn bad_input_is_told() {
        let rows = [
            ("h", "+Inf", [3.0, 10.0]),
            ("h", "1", [5.0, 12.0]),
            ("h", "", [1.0, STALE]),
            ("h", "one", [STALE, 1.0]),
            ("h", "two", [STALE, STALE]),
        ];
        let mut annotations = Annotations::default();
        quantile(GRID, &[0.5, 0.5], &vector(&rows), spans(), &mut annotations);
        quantile(GRID, &[2.0, 2.0], &Block::new(2), spans(), &mut annotations);
        assert_eq!(
            told(&annotations),
            [
                "3 bucket label \"le\" is missing or has a malformed value of \"\"",
                "3 bucket label \"le\" is missing or has a malformed value of \"one\"",
                "3 input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from \
                 buckets +Inf to +Inf, with a max diff of 2, over 2 samples from 1970-01-01T00:01:00Z to \
                 1970-01-01T00:02:00Z",
                "1 quantile value should be between 0 and 1, got 2",
            ]
        );
    }

    #[test]
    fn each_quantile_is_a_series() {
        let rows = [("h", "+Inf", [4.0, 4.0]), ("h", "1", [2.0, 4.0])];
        let mut annotations = Annotations::default();
        let asked = [(vec![0.5, 0.5], Span::new(5, 6)), (vec![0.25, 1.0], Span::new(7, 8))];
        let answers = quantiles(GRID, "q", &asked, &vector(&rows), Span::new(0, 1), &mut annotations);
        let labels: Vec<_> = answers.labels.iter().map(ToString::to_string).collect();
        assert_eq!(labels, [r#"{q="0.5"}"#, r#"{q="0.25"}"#, r#"{q="1.0"}"#]);
        assert_values(answers.row(0), &[1.0, 0.5]);
        assert_values(answers.row(1), &[0.5, STALE]);
        assert_values(answers.row(2), &[STALE, 1.0]);
    }

    #[test]
    fn fractions_of_each_step() {
        let rows = [("h", "+Inf", [4.0, 4.0]), ("h", "1", [2.0, 4.0])];
        let mut annotations = Annotations::default();
        let vector = vector(&rows);
        let answers = fraction(&[0.0, 0.5], &[0.5, 9.0], &vector, Span::new(0, 1), &mut annotations);
        assert_values(answers.row(0), &[0.25, 0.5]);
    }
}
