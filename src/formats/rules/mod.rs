//! Prometheus rule files
//! (<https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>), every part with its place.

mod read;

use crate::{
    promql::syntax::{Expr, Spanned},
    text::Span,
    time::PromDuration,
};

pub use read::read;

use super::{Pair, Text};

/// A rule file that Prometheus would load.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleFile {
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Unique within the file.
    pub name: Spanned<String>,
    pub interval: Option<Spanned<PromDuration>>,
    /// 0 is no limit.
    pub limit: usize,
    pub query_offset: Option<Spanned<PromDuration>>,
    pub labels: Vec<Pair>,
    pub rules: Vec<Rule>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub kind: RuleKind,
    /// What `record` or `alert` says.
    pub name: Spanned<String>,
    pub expr: Expression,
    /// Of alerts; a recording rule has none, or 0.
    pub hold: Option<Spanned<PromDuration>>,
    /// Of alerts; a recording rule has none, or 0.
    pub keep_firing_for: Option<Spanned<PromDuration>>,
    pub labels: Vec<Pair>,
    /// Of alerts.
    pub annotations: Vec<Pair>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Recording,
    Alerting,
}

/// An expression: its text as it was written, and its tree, whose spans are of that text.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub text: Text,
    /// The word `expr` in front of it.
    pub key: Span,
    pub tree: Expr,
}
