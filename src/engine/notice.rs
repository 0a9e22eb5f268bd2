//! What is worth a line in the log.

use std::sync::Arc;

use crate::diagnostic::Severity;

/// Something that happened in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub severity: Severity,
    /// A sentence in lower case without a full stop.
    pub text: String,
}

impl Notice {
    pub fn error(text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, text: text.into() }
    }

    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }

    pub fn note(text: impl Into<String>) -> Self {
        Self { severity: Severity::Note, text: text.into() }
    }
}

/// Where notices go; called from any thread.
pub type Notices = Arc<dyn Fn(Notice) + Send + Sync>;
