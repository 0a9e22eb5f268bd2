//! Rule groups as plain values.

use std::collections::BTreeMap;

use crate::{promql::syntax::Expr, time::PromDuration};

/// Rules that are evaluated together, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    /// How often it is evaluated; the default of the evaluation where it is not given.
    pub interval: Option<PromDuration>,
    /// How many series or alerts a rule may give; 0 is no limit.
    pub limit: usize,
    /// How long before the evaluation's instant the rules look and write.
    pub query_offset: PromDuration,
    /// Of every rule that does not set them itself; templates where the rule is an alert.
    pub labels: BTreeMap<String, String>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Recording(RecordingRule),
    Alerting(AlertingRule),
}

/// A rule that records what its expression gives as series.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRule {
    /// The name of the series.
    pub record: String,
    pub expr: Expr,
    /// Override the result's labels; an empty value removes one.
    pub labels: BTreeMap<String, String>,
}

/// A rule whose results are alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertingRule {
    pub alert: String,
    pub expr: Expr,
    /// How long a result has to stay before its alert fires: `for`.
    pub hold: PromDuration,
    /// How long an alert goes on firing after its result is gone.
    pub keep_firing_for: PromDuration,
    /// Templates; they override the result's labels, an empty value removes one.
    pub labels: BTreeMap<String, String>,
    /// Templates.
    pub annotations: BTreeMap<String, String>,
}

impl Rule {
    /// The name of the series that it records, or of the alert.
    pub fn name(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.record,
            Self::Alerting(rule) => &rule.alert,
        }
    }

    pub fn expr(&self) -> &Expr {
        match self {
            Self::Recording(rule) => &rule.expr,
            Self::Alerting(rule) => &rule.expr,
        }
    }

    /// Its own labels, those of the group left out.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Recording(rule) => &rule.labels,
            Self::Alerting(rule) => &rule.labels,
        }
    }
}
