//! The series that llmobs' own rules record, and what is read from them.

use std::sync::LazyLock;

use crate::{sources::Primitive, time::PromDuration};

use super::number::number;

/// The recorded rate of spend for sources that have no cost of their own, in US dollars per second.
pub(super) const SPEND_RECORD: &str = "llmobs:spend_usd:per_second";
/// Prices as recorded constants, in US dollars per token.
pub(super) const PRICE_RECORD: &str = "llm_model_price_usd_per_token";
/// How often rules are evaluated; recorded rates are integrated in steps of it.
pub(super) const RULE_INTERVAL: PromDuration = PromDuration::from_secs(15);

/// The recorded rate of spend as it is now; a mean, because a sum would need the length of a Grafana window.
pub(super) static SPEND_NOW: LazyLock<Primitive> =
    LazyLock::new(|| own(&format!("sum by ($by) (avg_over_time({SPEND_RECORD}{{$selector}}[$window]))")));

/// What was spent within a window: each recorded rate lasted for a step.
pub(super) static SPEND_INTEGRATED: LazyLock<Primitive> = LazyLock::new(|| {
    let step = number(RULE_INTERVAL.as_secs_f64());
    own(&format!("sum by ($by) (sum_over_time({SPEND_RECORD}{{$selector}}[$window]) * {step})"))
});

fn own(text: &str) -> Primitive {
    Primitive::parse(text).expect("a test reads llmobs' own primitives")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_primitives_can_be_read() {
        assert_eq!(SPEND_NOW.families(), [SPEND_RECORD]);
        assert_eq!(SPEND_INTEGRATED.families(), [SPEND_RECORD]);
    }
}
