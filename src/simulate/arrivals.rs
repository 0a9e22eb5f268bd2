//! When requests arrive.

use rand::{Rng, RngExt as _};
use rand_distr::Exp1;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// Chat traffic by the hour of a weekday, UTC, relative to the day's mean.
const HOURS: [f64; 24] = [
    0.89, 0.97, 0.96, 0.79, 0.80, 0.87, 1.01, 1.09, 1.11, 1.08, 0.97, 1.03, 1.15, 1.28, 1.34, 1.24, 1.13,
    1.09, 1.08, 1.01, 0.92, 0.77, 0.69, 0.72,
];

/// A weekday has this many times the requests of a day of the weekend.
const WEEKDAY_TO_WEEKEND: f64 = 1.76;

/// How the volume changes with time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Volume {
    /// By hour of the day (UTC) and weekend, as chat traffic does: 0.39 to 1.34 times the stated rate.
    Daily,
    /// Always the same multiple of the stated rate. The daily peak is 1.34.
    Steady { multiplier: f64 },
}

impl Volume {
    /// The factor on the stated rate, which holds for the whole hour.
    fn factor(self, micros: i64) -> f64 {
        match self {
            Self::Steady { multiplier } => multiplier,
            Self::Daily => {
                let hour = usize::try_from(micros.rem_euclid(DAY) / HOUR).expect("an hour of the day");
                // The epoch was a Thursday; Monday is 0.
                let weekday = (micros.div_euclid(DAY) + 3).rem_euclid(7);
                HOURS[hour] / if weekday >= 5 { WEEKDAY_TO_WEEKEND } else { 1.0 }
            }
        }
    }
}

/// A Poisson process whose rate is constant within each hour.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    pub(super) requests_per_second: f64,
    pub(super) volume: Volume,
}

impl Arrivals {
    /// Requests per second, averaged over a weekday.
    pub(super) fn weekday_mean(&self) -> f64 {
        match self.volume {
            Volume::Daily => self.requests_per_second,
            Volume::Steady { multiplier } => self.requests_per_second * multiplier,
        }
    }

    /// The next arrival after an instant; both in microseconds since the epoch.
    pub(super) fn next(&self, after: i64, rng: &mut impl Rng) -> i64 {
        let mut now = after;
        // Expected arrivals until the next one: unit exponential, whatever the rate does on the way.
        let mut left: f64 = rng.sample(Exp1);
        loop {
            let rate = self.requests_per_second * self.volume.factor(now) / 1e6;
            let end = (now.div_euclid(HOUR) + 1) * HOUR;
            let in_this_hour = rate * (end - now) as f64;
            if left < in_this_hour {
                #[expect(clippy::cast_possible_truncation, reason = "less than an hour")]
                return now + (left / rate) as i64;
            }
            left -= in_this_hour;
            now = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_pcg::Pcg64;

    use super::*;

    /// 2026-11-23, a Monday.
    const MONDAY: i64 = 20_780 * DAY;

    #[track_caller]
    fn check_factor(micros: i64, expect: f64) {
        assert!((Volume::Daily.factor(micros) - expect).abs() < 1e-12);
    }

    #[test]
    fn the_volume_follows_hour_and_weekend() {
        check_factor(MONDAY, 0.89);
        check_factor(MONDAY - 1, 0.72 / 1.76);
        check_factor(MONDAY + 14 * HOUR, 1.34);
        check_factor(MONDAY + 4 * DAY + 22 * HOUR, 0.69);
        check_factor(MONDAY + 5 * DAY + 22 * HOUR, 0.69 / 1.76);
        check_factor(0, 0.89);
        assert!((HOURS.iter().sum::<f64>() - 24.0).abs() < 0.02);
    }

    #[test]
    fn arrivals_are_poisson_within_the_hour_and_follow_the_hours() {
        let arrivals = Arrivals { requests_per_second: 3.0, volume: Volume::Daily };
        let mut rng = Pcg64::seed_from_u64(1);
        let (mut now, mut hours, mut gaps) = (MONDAY, [0.0; 24], Vec::new());
        loop {
            let next = arrivals.next(now, &mut rng);
            if next >= MONDAY + DAY {
                break;
            }
            hours[usize::try_from((next - MONDAY) / HOUR).unwrap()] += 1.0;
            if (next - MONDAY) / HOUR == 14 {
                gaps.push((next - now) as f64);
            }
            now = next;
        }
        for (count, factor) in hours.iter().zip(HOURS) {
            let expected: f64 = 3.0 * 3600.0 * factor;
            assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{count} of {expected}");
        }
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let variation = variance.sqrt() / mean;
        assert!((variation - 1.0).abs() < 0.05, "coefficient of variation {variation}");
    }
}
