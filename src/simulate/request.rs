//! A request and what becomes of it.

use rand::{Rng, RngExt as _};

use super::{health::Health, lognormal::pick};

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Success,
    ServerError,
    Timeout,
    RateLimit,
    ContentFilter,
}

impl Outcome {
    pub(super) const ALL: [Self; 5] =
        [Self::Success, Self::ServerError, Self::Timeout, Self::RateLimit, Self::ContentFilter];

    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ServerError | Self::Timeout | Self::RateLimit | Self::ContentFilter => "error",
        }
    }

    /// The label `error_class`; empty, which is no label, for a success.
    pub(super) fn error_class(self) -> &'static str {
        match self {
            Self::Success => "",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// What a request will have been when it is finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Request {
    pub(super) outcome: Outcome,
    /// Tokens that are billed.
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    /// Seconds from arrival to the end.
    pub(super) duration: f64,
    /// Seconds; successes only.
    pub(super) first_token: Option<f64>,
    /// Seconds for each token after the first; successes of two tokens and more only.
    pub(super) per_token: Option<f64>,
}

impl Request {
    pub(super) fn draw(health: &Health, rng: &mut impl Rng) -> Self {
        let outcome = draw_outcome(health, rng);
        let refused = |duration| Self {
            outcome,
            input_tokens: 0,
            output_tokens: 0,
            duration,
            first_token: None,
            per_token: None,
        };
        match outcome {
            Outcome::Success => {
                let input_tokens = whole_tokens(health.input_tokens.draw(rng));
                let output_tokens = whole_tokens(health.output_tokens.draw(rng));
                let first_token = health.first_token.draw(rng);
                let per_token = health.per_token.draw(rng);
                Self {
                    outcome,
                    input_tokens,
                    output_tokens,
                    duration: first_token + (output_tokens - 1) as f64 * per_token,
                    first_token: Some(first_token),
                    per_token: (output_tokens > 1).then_some(per_token),
                }
            }
            // The prompt was read and refused about when the first token would have come.
            Outcome::ContentFilter => Self {
                input_tokens: whole_tokens(health.input_tokens.draw(rng)),
                ..refused(health.first_token.draw(rng))
            },
            Outcome::ServerError => refused(health.first_token.draw(rng)),
            Outcome::Timeout => refused(health.timeout),
            Outcome::RateLimit => refused(rng.random_range(0.010..0.050)),
        }
    }
}

fn draw_outcome(health: &Health, rng: &mut impl Rng) -> Outcome {
    let errors = &health.errors;
    let failures = [errors.server_error, errors.timeout, errors.rate_limit, errors.content_filter];
    let success = 1.0 - failures.iter().sum::<f64>();
    let [server_error, timeout, rate_limit, content_filter] = failures;
    Outcome::ALL[pick([success, server_error, timeout, rate_limit, content_filter].into_iter(), rng)]
}

/// Rounded up to at least one token.
fn whole_tokens(tokens: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and far below 2^53"
    )]
    let whole = tokens.ceil() as u64;
    whole.max(1)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn each_outcome_carries_what_it_can() {
        let mut rng = Pcg64::seed_from_u64(3);
        let mut seen = [0; Outcome::ALL.len()];
        for _ in 0..200_000 {
            let r = Request::draw(&Health::chat(), &mut rng);
            seen[r.outcome as usize] += 1;
            let carried = (r.input_tokens > 0, r.output_tokens > 0, r.first_token.is_some());
            let (expect, durations) = match r.outcome {
                Outcome::Success => ((true, true, true), 0.0..60.0),
                Outcome::ContentFilter => ((true, false, false), 0.0..10.0),
                Outcome::ServerError => ((false, false, false), 0.0..10.0),
                Outcome::Timeout => ((false, false, false), 60.0..60.1),
                Outcome::RateLimit => ((false, false, false), 0.010..0.050),
            };
            assert_eq!(carried, expect, "{r:?}");
            assert!(durations.contains(&r.duration), "{r:?}");
            assert_eq!(r.per_token.is_some(), r.output_tokens > 1, "{r:?}");
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    }
}
