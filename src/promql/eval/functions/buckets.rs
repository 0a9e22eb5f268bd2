//! Quantiles and fractions of the buckets of one classic histogram.

/// How many observations were at most `bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) bound: f64,
    pub(super) count: f64,
}

/// Counts fell from one bound to the next, and were held up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Repair {
    /// The bounds between which counts fell.
    pub(super) lowest: f64,
    pub(super) highest: f64,
    /// By how much at most.
    pub(super) largest: f64,
}

/// Counts that differ by less than this share are the same number, differently rounded.
const SMALL: f64 = 1e-12;

/// The quantile, linear within a bucket; the buckets are sorted by their bounds, and are changed.
///
/// NaN without an infinite bound, without observations, and with fewer than two bounds.
pub(super) fn quantile(quantile: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Repair>) {
    if quantile.is_nan() {
        return (f64::NAN, None);
    }
    if quantile < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if quantile > 1.0 {
        return (f64::INFINITY, None);
    }
    if !is_complete(buckets) {
        return (f64::NAN, None);
    }
    merge_equal_bounds(buckets);
    let repair = hold_up(buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return (f64::NAN, repair);
    }
    let rank = quantile * observations;
    // Counts may be NaN, so that this has to be the very search that Prometheus makes.
    let (mut index, mut end) = (0, last);
    while index < end {
        let middle = usize::midpoint(index, end);
        if buckets[middle].count >= rank { end = middle } else { index = middle + 1 }
    }
    let bucket = buckets[index];
    let answer = if index == last {
        buckets[last - 1].bound
    } else if index == 0 && bucket.bound <= 0.0 {
        bucket.bound
    } else if index == 0 {
        0.0 + bucket.bound * (rank / bucket.count)
    } else {
        let below = buckets[index - 1];
        below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count))
    };
    (answer, repair)
}

/// The share of observations above `lower` and up to `upper`, linear within a bucket; the buckets are sorted by their
/// bounds, and are changed.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !is_complete(buckets) {
        return f64::NAN;
    }
    merge_equal_bounds(buckets);
    let observations = buckets[buckets.len() - 1].count;
    if observations == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let at_most = |value: f64| {
        let rank = rank(value, buckets).unwrap_or(observations);
        if rank > observations { observations } else { rank }
    };
    (at_most(upper) - at_most(lower)) / observations
}

/// How many observations are at most `value`; none where it is above all bounds.
fn rank(value: f64, buckets: &[Bucket]) -> Option<f64> {
    // Where the first bound is positive, so are all observations.
    let mut below = if buckets[0].bound <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    for bucket in buckets {
        if below >= value {
            return Some(rank);
        }
        if below < value && bucket.bound > value {
            return Some(if below == f64::NEG_INFINITY {
                bucket.count
            } else {
                rank + (bucket.count - rank) * (value - below) / (bucket.bound - below)
            });
        }
        rank = bucket.count;
        below = bucket.bound;
    }
    None
}

fn is_complete(buckets: &[Bucket]) -> bool {
    buckets.last().is_some_and(|bucket| bucket.bound == f64::INFINITY)
}

fn merge_equal_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|bucket, before| {
        let same = bucket.bound == before.bound;
        if same {
            before.count += bucket.count;
        }
        same
    });
}

/// Makes counts rise from bound to bound; small differences are evened out silently.
fn hold_up(buckets: &mut [Bucket]) -> Option<Repair> {
    let mut repair: Option<Repair> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == before {
            continue;
        }
        if is_almost(before, count) {
            bucket.count = before;
        } else if count < before {
            bucket.count = before;
            let have = repair.get_or_insert(Repair {
                lowest: f64::INFINITY,
                highest: f64::NEG_INFINITY,
                largest: 0.0,
            });
            have.lowest = have.lowest.min(bucket.bound);
            have.highest = have.highest.max(bucket.bound);
            have.largest = have.largest.max(before - count);
        } else {
            before = count;
        }
    }
    repair
}

fn is_almost(a: f64, b: f64) -> bool {
    if a.is_nan() && b.is_nan() {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL * f64::MIN_POSITIVE;
    }
    // A NaN is near to nothing.
    difference / if sum > f64::MAX { f64::MAX } else { sum } < SMALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::eval::functions::fixture::assert_values;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count }).collect()
    }

    #[track_caller]
    fn check(of: f64, pairs: &[(f64, f64)], expect: f64) {
        assert_values(&[quantile(of, &mut buckets(pairs)).0], &[expect]);
    }

    #[test]
    fn quantiles_are_linear_within_a_bucket() {
        let histogram = [(1.0, 10.0), (2.0, 30.0), (4.0, 30.0), (INF, 40.0)];
        check(0.5, &histogram, 1.5);
        check(0.125, &histogram, 0.5);
        check(0.75, &histogram, 2.0);
        check(0.9, &histogram, 4.0);
        check(1.0, &histogram, 4.0);
        check(0.0, &histogram, 0.0);
        check(-0.1, &histogram, -INF);
        check(1.1, &histogram, INF);
        check(NAN, &histogram, NAN);
        check(-0.1, &[(1.0, 1.0)], -INF);
    }

    #[test]
    fn incomplete_histograms_have_no_quantile() {
        check(0.5, &[(1.0, 1.0), (2.0, 2.0)], NAN);
        check(0.5, &[(INF, 2.0)], NAN);
        check(0.5, &[(INF, 2.0), (INF, 2.0)], NAN);
        check(0.5, &[(1.0, 0.0), (INF, 0.0)], NAN);
        check(0.0, &[(1.0, 0.0), (2.0, 1.0), (INF, 1.0)], NAN);
    }

    #[test]
    fn the_first_bucket_ends_at_zero_or_below() {
        check(0.25, &[(-1.0, 10.0), (0.0, 20.0), (INF, 20.0)], -1.0);
        check(0.75, &[(-1.0, 10.0), (0.0, 20.0), (INF, 20.0)], -0.5);
        check(0.5, &[(0.0, 10.0), (INF, 10.0)], 0.0);
    }

    #[test]
    fn falling_counts_are_held_up() {
        let falling = [(1.0, 20.0), (2.0, 10.0), (4.0, 30.0), (8.0, 27.0), (INF, 40.0)];
        check(0.75, &falling, 4.0);
        let (_, repair) = quantile(0.5, &mut buckets(&falling));
        assert_eq!(repair, Some(Repair { lowest: 2.0, highest: 8.0, largest: 10.0 }));
        let small = [(1.0, 20.0), (2.0, 20.0 - 1e-12), (INF, 20.0 + 1e-12)];
        assert_eq!(quantile(0.5, &mut buckets(&small)), (0.5, None));
        check(0.5, &[(1.0, 1.0), (1.0, 1.0), (2.0, 2.0), (INF, 4.0)], 1.0);
        check(0.5, &[(1.0, NAN), (INF, 4.0)], 1.0);
        check(0.5, &[(1.0, 1.0), (INF, NAN)], 1.0);
    }

    #[track_caller]
    fn check_fraction(lower: f64, upper: f64, pairs: &[(f64, f64)], expect: f64) {
        assert_values(&[fraction(lower, upper, &mut buckets(pairs))], &[expect]);
    }

    #[test]
    fn fractions_are_the_inverse() {
        let histogram = [(1.0, 10.0), (2.0, 30.0), (INF, 40.0)];
        check_fraction(0.0, 1.5, &histogram, 0.5);
        check_fraction(-INF, 1.5, &histogram, 0.5);
        check_fraction(1.0, 2.0, &histogram, 0.5);
        check_fraction(2.0, INF, &histogram, 0.25);
        check_fraction(2.0, 9.0, &histogram, 0.0);
        check_fraction(-INF, INF, &histogram, 1.0);
        check_fraction(2.0, 1.0, &histogram, 0.0);
        check_fraction(NAN, 1.0, &histogram, NAN);
        check_fraction(0.0, 1.0, &histogram[..2], NAN);
        check_fraction(0.0, 1.0, &[], NAN);
        check_fraction(0.0, 1.0, &[(1.0, 0.0), (INF, 0.0)], NAN);
        let negative = [(-1.0, 10.0), (1.0, 30.0), (INF, 40.0)];
        check_fraction(-INF, 0.0, &negative, 0.5);
        check_fraction(-5.0, 0.0, &negative, 0.25);
    }
}
