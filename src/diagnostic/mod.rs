//! What is wrong with a user's text, where, why it matters and what to do: one shape for every finding.
//!
//! Owns: [`Diagnostic`] and its parts.
//! Must not know: how a diagnostic is drawn (that is `ui`), or any file format.
//! Invariants: a message is a sentence in lower case without a full stop; literals stand in backticks.
//! Start reading at: [`Diagnostic`].

use crate::text::{Source, Span};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// A place in a text and what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub source: Source,
    pub span: Span,
    /// Printed at the caret; may be empty.
    pub text: String,
}

/// One finding about something a user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    /// The first label is where it is wrong; further ones are places that explain it.
    pub labels: Vec<Label>,
    /// Why it matters, when the message alone does not say.
    pub why: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, message: message.into(), labels: Vec::new(), why: None, help: None }
    }

    #[must_use]
    pub fn at(mut self, source: &Source, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: source.clone(), span, text: text.into() });
        self
    }

    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
