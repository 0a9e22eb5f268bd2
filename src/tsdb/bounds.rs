//! Which samples are accepted.

use crate::time::Timestamp;

use super::Rejection;

/// What becomes of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    InOrder,
    Late,
    /// It is there already.
    Same,
    Rejected(Rejection),
}

/// Bounds of what is accepted, for the samples of one commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The oldest time for a sample that is not late.
    pub(crate) valid_from: Option<i64>,
    /// The oldest time for a late one; none is accepted without.
    pub(crate) late_from: Option<i64>,
    /// Times after it are of a clock that was wrong.
    pub(crate) ahead: Option<i64>,
}

impl Bounds {
    /// Prometheus' rules (`memSeries.appendable` in `tsdb/head_append.go`), and one more: where the last sample of a
    /// series is ahead of the clock, samples of now are accepted as late ones, so that a clock that was ahead for a
    /// while does not lock the series until its time has come again.
    pub(crate) fn judge(self, last: Option<(Timestamp, u64)>, at: Timestamp, value: f64) -> Verdict {
        let is_valid = self.valid_from.is_none_or(|from| at.0 >= from);
        if is_valid {
            match last {
                None => return Verdict::InOrder,
                Some((last, _)) if at > last => return Verdict::InOrder,
                Some((last, bits)) if at == last => {
                    let existing = f64::from_bits(bits);
                    let duplicate = Verdict::Rejected(Rejection::Duplicate { existing, new: value });
                    return if bits == value.to_bits() { Verdict::Same } else { duplicate };
                }
                Some((last, _)) if self.ahead.is_some_and(|ahead| last.0 > ahead && at.0 <= ahead) => {
                    return Verdict::Late;
                }
                Some(_) => {}
            }
        }
        match self.late_from {
            Some(from) if at.0 >= from => Verdict::Late,
            Some(_) => Verdict::Rejected(Rejection::TooOld),
            None if is_valid => Verdict::Rejected(Rejection::OutOfOrder),
            None => Verdict::Rejected(Rejection::OutOfBounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: Bounds, last: Option<(i64, f64)>, sample: (i64, f64), expect: Verdict) {
        let last = last.map(|(at, value)| (Timestamp(at), value.to_bits()));
        assert_eq!(bounds.judge(last, Timestamp(sample.0), sample.1), expect);
    }

    #[test]
    fn samples_are_judged_as_prometheus_does() {
        use Verdict::{InOrder, Late, Rejected, Same};
        let refused = |rejection| Rejected(rejection);
        let strict = Bounds { valid_from: Some(100), late_from: None, ahead: None };
        check(strict, None, (100, 1.0), InOrder);
        check(strict, None, (99, 1.0), refused(Rejection::OutOfBounds));
        check(strict, Some((150, 1.0)), (151, 1.0), InOrder);
        check(strict, Some((150, 1.0)), (150, 1.0), Same);
        check(
            strict,
            Some((150, 0.0)),
            (150, -0.0),
            refused(Rejection::Duplicate { existing: 0.0, new: -0.0 }),
        );
        check(strict, Some((150, 1.0)), (149, 1.0), refused(Rejection::OutOfOrder));
        check(strict, Some((150, 1.0)), (99, 1.0), refused(Rejection::OutOfBounds));
        let window = Bounds { valid_from: Some(100), late_from: Some(140), ahead: None };
        check(window, Some((150, 1.0)), (140, 1.0), Late);
        check(window, Some((150, 1.0)), (139, 1.0), refused(Rejection::TooOld));
        check(window, None, (120, 1.0), InOrder);
        check(window, None, (99, 1.0), refused(Rejection::TooOld));
        let wide = Bounds { valid_from: Some(100), late_from: Some(20), ahead: None };
        check(wide, None, (50, 1.0), Late);
        check(wide, Some((60, 1.0)), (70, 1.0), Late);
        let empty = Bounds { valid_from: None, late_from: None, ahead: None };
        check(empty, None, (i64::MIN, 1.0), InOrder);
    }

    #[test]
    fn a_clock_that_was_ahead_locks_no_series() {
        use Verdict::{InOrder, Late, Rejected};
        let bounds = Bounds { valid_from: Some(100), late_from: None, ahead: Some(200) };
        check(bounds, Some((9000, 1.0)), (180, 1.0), Late);
        check(bounds, Some((9000, 1.0)), (99, 1.0), Rejected(Rejection::OutOfBounds));
        check(bounds, Some((9000, 1.0)), (8000, 1.0), Rejected(Rejection::OutOfOrder));
        check(bounds, Some((9000, 1.0)), (9001, 1.0), InOrder);
        check(bounds, Some((190, 1.0)), (180, 1.0), Rejected(Rejection::OutOfOrder));
    }
}
