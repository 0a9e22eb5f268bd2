//! What was expected against what came.

use super::{ShownAlert, ShownSample};

/// Where what came is not what was expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<T> {
    /// What was expected beside what came in its place; one of the two is there at least.
    pub pairs: Vec<(Option<T>, Option<T>)>,
    /// How many came as expected.
    pub as_expected: usize,
}

impl Difference<ShownAlert> {
    /// `None` where all is as expected.
    pub(super) fn of_alerts(expected: Vec<ShownAlert>, got: Vec<ShownAlert>) -> Option<Self> {
        Self::of(expected, got, |a, b| a == b, |a, b| a.labels == b.labels, |alert| alert.labels.clone())
    }
}

impl Difference<ShownSample> {
    /// `None` where all is as expected. `fuzzy` lets neighbouring floats be equal; NaN equals nothing.
    pub(super) fn of_samples(expected: Vec<ShownSample>, got: Vec<ShownSample>, fuzzy: bool) -> Option<Self> {
        let same =
            |a: &ShownSample, b: &ShownSample| a.labels == b.labels && is_equal(a.value, b.value, fuzzy);
        Self::of(expected, got, same, |a, b| a.labels == b.labels, |sample| sample.labels.clone())
    }
}

impl<T: Clone> Difference<T> {
    /// Takes away what is the same, then puts beside each other what has equal labels.
    fn of<K: Ord>(
        mut expected: Vec<T>,
        mut got: Vec<T>,
        same: impl Fn(&T, &T) -> bool,
        alike: impl Fn(&T, &T) -> bool,
        key: impl Fn(&T) -> K,
    ) -> Option<Self> {
        let mut as_expected = 0;
        expected.retain(|item| match got.iter().position(|other| same(item, other)) {
            Some(at) => {
                got.remove(at);
                as_expected += 1;
                false
            }
            None => true,
        });
        let mut pairs: Vec<(Option<T>, Option<T>)> = Vec::new();
        for item in expected {
            let other = got.iter().position(|other| alike(&item, other)).map(|at| got.remove(at));
            pairs.push((Some(item), other));
        }
        pairs.extend(got.into_iter().map(|item| (None, Some(item))));
        pairs.sort_by_key(|(expected, got)| expected.as_ref().or(got.as_ref()).map(&key));
        (!pairs.is_empty()).then_some(Self { pairs, as_expected })
    }
}

fn is_equal(a: f64, b: f64, fuzzy: bool) -> bool {
    #[expect(clippy::float_cmp, reason = "promtool compares exactly")]
    let equal = |a: f64, b: f64| a == b;
    equal(a, b) || fuzzy && (equal(a.next_down(), b) || equal(a.next_up(), b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(text: &str) -> Vec<ShownSample> {
        let sample = |word: &str| {
            let (name, value) = word.split_once('=').unwrap();
            ShownSample { labels: vec![("n".to_owned(), name.to_owned())], value: value.parse().unwrap() }
        };
        text.split_whitespace().map(sample).collect()
    }

    #[track_caller]
    fn check(fuzzy: bool, expected: &str, got: &str, expect: Option<&str>) {
        let difference = Difference::of_samples(samples(expected), samples(got), fuzzy);
        let show = |sample: &Option<ShownSample>| {
            sample
                .as_ref()
                .map_or("-".to_owned(), |sample| format!("{}={}", sample.labels[0].1, sample.value))
        };
        let shown = difference.map(|difference| {
            let pairs =
                difference.pairs.iter().map(|(expected, got)| format!("{}/{}", show(expected), show(got)));
            format!("{} {}", difference.as_expected, pairs.collect::<Vec<_>>().join(" "))
        });
        assert_eq!(shown.as_deref(), expect);
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        check(false, "", "", None);
        check(false, "a=1 b=2", "b=2 a=1", None);
        check(false, "a=1 b=2 c=3", "a=1 b=5 d=4", Some("1 b=2/b=5 c=3/- -/d=4"));
        check(false, "a=1 a=1", "a=1", Some("1 a=1/-"));
        check(false, "", "a=1", Some("0 -/a=1"));
        check(false, "a=0", "a=-0", None);
    }

    #[test]
    fn floats_are_equal_or_neighbours_where_that_is_allowed() {
        check(false, "a=0.3", "a=0.30000000000000004", Some("0 a=0.3/a=0.30000000000000004"));
        check(true, "a=0.3", "a=0.30000000000000004", None);
        check(true, "a=0.30000000000000004", "a=0.3", None);
        check(true, "a=0.3", "a=0.3000000000000001", Some("0 a=0.3/a=0.3000000000000001"));
        check(true, "a=NaN", "a=NaN", Some("0 a=NaN/a=NaN"));
    }
}
