//! What is wrong with an expression: every mistake, worded as Prometheus words it.

use std::fmt;

use crate::{
    diagnostic::Diagnostic,
    text::{Source, Span},
};

/// One mistake in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes of the expression.
    pub span: Span,
    pub message: String,
}

/// All mistakes of one expression, those of syntax before those of types; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors {
    text: String,
    errors: Vec<ParseError>,
}

impl ParseErrors {
    /// `errors` must not be empty.
    pub(super) fn new(text: &str, errors: Vec<ParseError>) -> Self {
        debug_assert!(!errors.is_empty(), "a refusal has a reason");
        Self { text: text.to_owned(), errors }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ParseError> {
        self.errors.iter()
    }

    pub fn len(&self) -> usize {
        self.errors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The one that Prometheus names: `1:5: parse error: …`.
    pub fn first(&self) -> String {
        self.errors.first().map(|error| self.line_of(error)).unwrap_or_default()
    }

    /// One finding for each mistake. `place` says where a span of the expression lies in the source.
    pub fn diagnostics(&self, source: &Source, place: impl Fn(Span) -> Span) -> Vec<Diagnostic> {
        let finding =
            |error: &ParseError| Diagnostic::error(&*error.message).at(source, place(error.span), "");
        self.errors.iter().map(finding).collect()
    }

    /// Columns count bytes, as in Prometheus.
    fn line_of(&self, error: &ParseError) -> String {
        let message = &error.message;
        if self.text.is_empty() {
            return format!("unknown position: parse error: {message}");
        }
        let before = &self.text[..error.span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        format!("{line}:{column}: parse error: {message}")
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", self.line_of(error))?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseErrors {}
