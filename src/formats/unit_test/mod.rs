//! Files of promtool's unit tests for rules
//! (<https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>), every part with its place.

mod instant;
mod read;

use crate::{
    promql::syntax::Spanned,
    text::Span,
    time::{PromDuration, Timestamp},
};

pub use read::read;

use super::{Pair, Text, notation, rules::Expression};

/// A file of tests.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// Paths or patterns, relative to the file's folder.
    pub rule_files: Vec<Text>,
    /// How often rules are evaluated; a minute where it is not given.
    pub evaluation_interval: PromDuration,
    /// Names of groups, each once. Groups that are not named are evaluated with the first of them.
    pub group_eval_order: Vec<Text>,
    /// Whether neighbouring floats count as equal.
    pub fuzzy_compare: bool,
    pub tests: Vec<TestGroup>,
}

/// Series, and what is expected of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TestGroup {
    pub name: Option<Text>,
    /// From one value of a series to the next.
    pub interval: PromDuration,
    /// When the first value is.
    pub start: Timestamp,
    pub input_series: Vec<InputSeries>,
    pub alert_tests: Vec<AlertTest>,
    pub expr_tests: Vec<ExprTest>,
    pub external_labels: Vec<Pair>,
    pub external_url: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct InputSeries {
    pub metric: notation::Metric,
    pub values: notation::Values,
    pub span: Span,
}

/// The alerts of one name that fire at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertTest {
    /// From the start.
    pub eval_time: PromDuration,
    pub alertname: Spanned<String>,
    pub expected: Vec<ExpectedAlert>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedAlert {
    /// Without the name of the alert.
    pub labels: Vec<Pair>,
    pub annotations: Vec<Pair>,
}

/// What an expression gives at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ExprTest {
    pub expr: Expression,
    /// From the start.
    pub eval_time: PromDuration,
    pub expected: Vec<ExpectedSample>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedSample {
    pub labels: notation::Metric,
    pub value: f64,
}

impl TestGroup {
    /// The latest time of any test, from the start.
    pub fn last_eval_time(&self) -> PromDuration {
        let alerts = self.alert_tests.iter().map(|test| test.eval_time);
        alerts.chain(self.expr_tests.iter().map(|test| test.eval_time)).max().unwrap_or_default()
    }
}
