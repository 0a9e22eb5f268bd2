//! Why a query has no answer.

use crate::text::Span;

/// Prometheus' `errorType` of a query that was understood (<https://prometheus.io/docs/prometheus/latest/querying/api/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The query cannot be answered over this data.
    Execution,
    /// The query itself, or its instants, make no sense.
    BadData,
    Timeout,
    Canceled,
}

/// Why a query has no answer; in Prometheus' words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub class: ErrorClass,
    pub message: String,
    /// The part of the expression that is to blame, where one is.
    pub span: Option<Span>,
}

impl EvalError {
    pub fn execution(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Execution, message: message.into(), span: None }
    }

    pub fn bad_data(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::BadData, message: message.into(), span: None }
    }

    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }
}
