//! What goes wrong, with Prometheus' error types and status codes.

use crate::{
    formats::answer::Json,
    promql::eval::{ErrorClass, EvalError},
    series::{SelectError, quoted},
    server::http::Reply,
    tsdb::StoreError,
};

/// Prometheus' `errorType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorType {
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
    Unavailable,
}

impl ErrorType {
    fn text(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::BadData => 400,
            Self::Execution => 422,
            // nginx's code for a client that has gone.
            Self::Canceled => 499,
            Self::Timeout => 503,
            Self::Internal | Self::Unavailable => 500,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) kind: ErrorType,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(ErrorType::BadData, message)
    }

    /// Of a parameter that makes no sense.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter {}: {why}", quoted(name)))
    }

    pub(super) fn reply(&self) -> Reply {
        let mut json = Json::default();
        json.object(|object| {
            object.text("status", "error");
            object.text("errorType", self.kind.text());
            object.text("error", &self.message);
        });
        Reply::json(self.kind.status(), json.into_string())
    }
}

impl From<SelectError> for ApiError {
    fn from(error: SelectError) -> Self {
        Self::new(ErrorType::Internal, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::new(ErrorType::Internal, error.to_string())
    }
}

impl From<EvalError> for ApiError {
    fn from(error: EvalError) -> Self {
        let kind = match error.class {
            ErrorClass::Execution => ErrorType::Execution,
            ErrorClass::Timeout => ErrorType::Timeout,
            ErrorClass::Canceled => ErrorType::Canceled,
            // What Prometheus finds when it prepares a query.
            ErrorClass::BadData => return Self::parameter("query", error.message),
        };
        Self::new(kind, error.message)
    }
}
