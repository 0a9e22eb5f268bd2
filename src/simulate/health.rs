//! How the service does: what decides a request's tokens, times and outcome.

use super::lognormal::{LogNormal, Mixture};

/// The parameters behind every request; the same for all models.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Tokens of a prompt, before rounding up.
    pub input_tokens: Mixture,
    /// Tokens of an answer, before rounding up.
    pub output_tokens: Mixture,
    /// Seconds to the first token.
    pub first_token: LogNormal,
    /// Seconds for each token after the first.
    pub per_token: LogNormal,
    pub errors: ErrorShares,
    /// Seconds after which a client gives up.
    pub timeout: f64,
}

/// Shares of all requests, each between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorShares {
    pub server_error: f64,
    pub timeout: f64,
    /// HTTP 429.
    pub rate_limit: f64,
    pub content_filter: f64,
}

impl Health {
    /// A well-run chat service: token counts as in public traces of chat traffic (Azure LLM inference traces 2023
    /// and 2024, `BurstGPT`), answers within seconds, 0.03 % failures.
    pub fn chat() -> Self {
        let part = |share, median, sigma| (share, LogNormal { median, sigma });
        Self {
            input_tokens: Mixture(vec![
                part(0.48, 373.0, 0.88),
                part(0.38, 1099.0, 0.14),
                part(0.14, 3322.0, 0.34),
            ]),
            output_tokens: Mixture(vec![part(0.69, 95.0, 0.65), part(0.31, 417.0, 0.13)]),
            first_token: LogNormal { median: 0.4, sigma: 0.5 },
            per_token: LogNormal { median: 0.006, sigma: 0.15 },
            errors: ErrorShares {
                server_error: 0.0002,
                timeout: 0.0001,
                rate_limit: 0.01,
                content_filter: 0.003,
            },
            timeout: 60.0,
        }
    }
}
