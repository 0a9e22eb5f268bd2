//! Lognormal distributions and mixtures of them.

use rand::{Rng, RngExt as _};
use rand_distr::StandardNormal;

/// A lognormal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    pub median: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// A mixture of lognormal distributions, each with its share; shares add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture(pub Vec<(f64, LogNormal)>);

impl LogNormal {
    pub fn draw(&self, rng: &mut impl Rng) -> f64 {
        self.median * (self.sigma * rng.sample::<f64, _>(StandardNormal)).exp()
    }
}

impl Mixture {
    pub fn draw(&self, rng: &mut impl Rng) -> f64 {
        self.0[pick(self.0.iter().map(|(share, _)| *share), rng)].1.draw(rng)
    }
}

/// An index, drawn by shares that add up to 1; the last one takes what rounding leaves.
pub(super) fn pick(shares: impl ExactSizeIterator<Item = f64>, rng: &mut impl Rng) -> usize {
    let last = shares.len().saturating_sub(1);
    let mut left: f64 = rng.random();
    for (index, share) in shares.enumerate() {
        left -= share;
        if left < 0.0 {
            return index;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_pcg::Pcg64;

    use super::*;
    use crate::simulate::Health;

    /// The normal distribution function, to 2e-7 (Abramowitz and Stegun, 7.1.26).
    fn normal(z: f64) -> f64 {
        let x = z.abs() / std::f64::consts::SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * x);
        let poly = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592]
            .iter()
            .fold(0.0, |sum, factor| (sum + factor) * t);
        let half = poly * (-x * x).exp() / 2.0;
        if z < 0.0 { half } else { 1.0 - half }
    }

    /// The Kolmogorov-Smirnov distance of 100,000 draws to the distribution they are drawn from.
    #[track_caller]
    fn check(mixture: &Mixture) {
        let mut rng = Pcg64::seed_from_u64(7);
        let mut draws: Vec<f64> = (0..100_000).map(|_| mixture.draw(&mut rng)).collect();
        draws.sort_by(f64::total_cmp);
        let stated = |x: f64| {
            let part = |(share, d): &(f64, LogNormal)| share * normal((x / d.median).ln() / d.sigma);
            mixture.0.iter().map(part).sum::<f64>()
        };
        let distance = draws
            .iter()
            .enumerate()
            .map(|(index, draw)| (stated(*draw) - (index as f64 + 0.5) / draws.len() as f64).abs())
            .fold(0.0, f64::max);
        assert!(distance <= 0.01, "distance {distance}");
    }

    #[test]
    fn token_counts_follow_their_mixtures() {
        let health = Health::chat();
        check(&health.input_tokens);
        check(&health.output_tokens);
    }
}
