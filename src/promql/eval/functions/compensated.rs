//! Compensated sums: Kahan's with Neumaier's improvement, step by step as Prometheus makes them.

/// A running sum, and what rounding has taken from it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::promql::eval) struct Sum {
    pub(in crate::promql::eval) sum: f64,
    pub(in crate::promql::eval) lost: f64,
}

impl Sum {
    pub(in crate::promql::eval) fn from(sum: f64) -> Self {
        Self { sum, lost: 0.0 }
    }

    /// Adds a value. Once the sum is infinite nothing is lost any more.
    #[inline]
    pub(in crate::promql::eval) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - total) + value;
        } else {
            self.lost += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// Adds values in their order.
    #[inline]
    pub(in crate::promql::eval) fn extend(self, values: &[f64]) -> Self {
        let mut fast = self;
        for value in values {
            fast.add_finite(*value);
        }
        if fast.is_finite() {
            return fast;
        }
        let mut sum = self;
        for value in values {
            sum.add(*value);
        }
        sum
    }

    /// As [`Sum::add`], without a branch; right where the outcome [is finite](Sum::is_finite).
    ///
    /// The rounding error of an addition is a float itself, so that Knuth's way to it gives the same bits; and a sum
    /// that was not finite once never becomes so again.
    #[inline]
    pub(super) fn add_finite(&mut self, value: f64) {
        let total = self.sum + value;
        let added = total - self.sum;
        self.lost += (self.sum - (total - added)) + (value - added);
        self.sum = total;
    }

    #[inline]
    pub(super) fn is_finite(self) -> bool {
        self.sum.is_finite() && self.lost.is_finite()
    }

    /// The sum with what was lost.
    #[inline]
    pub(in crate::promql::eval) fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// A mean that stays finite where the sum of the values is not.
#[derive(Debug, Clone, Copy)]
pub(in crate::promql::eval) struct Mean {
    sum: Sum,
    count: f64,
    /// Once the sum has overflowed, `sum` holds the mean so far.
    incremental: bool,
}

impl Mean {
    #[inline]
    pub(in crate::promql::eval) fn from(value: f64) -> Self {
        Self { sum: Sum::from(value), count: 1.0, incremental: false }
    }

    #[inline]
    pub(in crate::promql::eval) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.incremental = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        self.sum.sum *= share;
        self.sum.lost *= share;
        self.sum.add(value / self.count);
    }

    #[inline]
    pub(in crate::promql::eval) fn mean(self) -> f64 {
        if self.incremental {
            self.sum.total()
        } else {
            self.sum.sum / self.count + self.sum.lost / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(values: &[f64]) -> Sum {
        let mut sum = Sum::default();
        for value in values {
            sum.add(*value);
        }
        sum
    }

    #[track_caller]
    fn check(values: &[f64], expect: f64) {
        let fast = Sum::default().extend(values);
        let slow = one_by_one(values);
        assert_eq!(fast.total().to_bits(), slow.total().to_bits(), "{fast:?} {slow:?}");
        assert!(fast.total() == expect || fast.total().is_nan() && expect.is_nan(), "{fast:?}");
    }

    #[test]
    fn what_rounding_takes_comes_back() {
        check(&[], 0.0);
        check(&[1e100, 1.0, -1e100], 1.0);
        check(&[1.0, 1e100, 1.0, -1e100], 2.0);
        check(&[0.1; 10], 1.0);
        check(&[f64::MAX, f64::MAX, -f64::MAX], f64::INFINITY);
        check(&[f64::INFINITY, 1.0, 2.0], f64::INFINITY);
        check(&[f64::INFINITY, f64::NEG_INFINITY], f64::NAN);
        check(&[1.0, f64::NAN], f64::NAN);
        check(&[5e-324, 5e-324, -1e-323], 0.0);
    }

    #[test]
    fn both_ways_give_the_same_bits() {
        let mut state = 1_u64;
        for length in 0..200 {
            let values: Vec<f64> = (0..length)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let scale = i32::try_from(state >> 58).unwrap() - 32;
                    ((state >> 20) as f64 - 2e13) * f64::powi(2.0, scale)
                })
                .collect();
            let fast = Sum::default().extend(&values);
            let slow = one_by_one(&values);
            assert_eq!((fast.sum.to_bits(), fast.lost.to_bits()), (slow.sum.to_bits(), slow.lost.to_bits()));
        }
    }

    #[test]
    fn a_mean_is_finite_where_the_sum_is_not() {
        let mean = |values: &[f64]| {
            let mut mean = Mean::from(values[0]);
            for value in &values[1..] {
                mean.add(*value);
            }
            mean.mean()
        };
        assert_eq!(mean(&[1.0, 1e100, 1.0, -1e100]), 0.5);
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(mean(&[f64::INFINITY, 1.0]), f64::INFINITY);
    }
}
