//! The notation of series in promtool's unit tests and in scripts of Prometheus' own tests
//! (<https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series>).

mod number;
mod values;

pub use values::{Iter, Values};

use crate::text::Span;

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    pub help: Option<&'static str>,
    pub span: Span,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Reads the values of a series: `1 2 _ stale 0+10x100`.
pub fn values(text: &str) -> Result<Values, Vec<Mistake>> {
    values::values(text, 0)
}
