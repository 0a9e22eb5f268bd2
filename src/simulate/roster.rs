//! Who is served by what: models, their shares of the traffic, and tenants.

/// A model of the mock service.
#[derive(Debug, Clone, PartialEq)]
pub struct MockModel {
    pub name: String,
    pub provider: String,
    /// Of all requests; those of all models add up to 1.
    pub share: f64,
    /// US dollars per million input tokens.
    pub input_price: f64,
    /// US dollars per million output tokens.
    pub output_price: f64,
    /// Tokens.
    pub context_window: Option<u64>,
}

/// The models that the mock has where none are configured, with their shares of the requests.
pub const DEFAULT_MODELS: [(&str, f64); 3] =
    [("gpt-4o", 0.4), ("gpt-4o-mini", 0.3), ("claude-sonnet-4-5", 0.3)];

/// Shares for models by name: those of [`DEFAULT_MODELS`] where it is that list, else equal ones, of which the last
/// takes what rounding leaves.
pub fn shares(names: &[&str]) -> Vec<f64> {
    if names.iter().eq(DEFAULT_MODELS.iter().map(|(name, _)| name)) {
        return DEFAULT_MODELS.iter().map(|(_, share)| *share).collect();
    }
    let equal = 1.0 / names.len() as f64;
    let mut shares = vec![equal; names.len()];
    if let Some((last, others)) = shares.split_last_mut() {
        *last = 1.0 - others.iter().sum::<f64>();
    }
    shares
}

/// Customers of the mock service, largest first.
pub(super) const TENANTS: [&str; 5] = ["acme", "birch", "cobalt", "dune", "ember"];

/// Zipf's law with exponent 1: the second tenant has half the requests of the first, the third a third.
pub(super) fn tenant_shares() -> [f64; TENANTS.len()] {
    let weights = std::array::from_fn(|index| 1.0 / (index as f64 + 1.0));
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expect: &[f64]) {
        assert_eq!(shares(names), expect);
    }

    #[test]
    fn other_models_share_equally() {
        check(&[], &[]);
        check(&["a"], &[1.0]);
        check(&["a", "b"], &[0.5, 0.5]);
        check(&["a", "b", "c", "d"], &[0.25; 4]);
        check(&["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"], &[0.4, 0.3, 0.3]);
        let third = 1.0 / 3.0;
        check(&["gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5"], &[third, third, 1.0 - 2.0 * third]);
    }

    #[test]
    fn the_largest_tenant_has_no_majority() {
        let shares = tenant_shares();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((0.43..0.45).contains(&shares[0]));
    }
}
