//! What tokens cost.

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    /// Input tokens that came from a cache; they cost `input` where it is absent.
    pub cached_input: Option<f64>,
}
