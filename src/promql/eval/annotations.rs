//! What a query's answer is to be read with: warnings and infos.

use crate::text::Span;

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The answer may be wrong.
    Warning,
    /// The query may not mean what was meant.
    Info,
}

/// A remark on the answer, in Prometheus' words, without the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    pub level: Level,
    pub message: String,
    pub span: Span,
}

impl Annotation {
    /// As Prometheus' API words it, with the place in the query, whose columns count bytes: `PromQL warning: … (1:5)`.
    pub fn text(&self, query: &str) -> String {
        let level = match self.level {
            Level::Warning => "warning",
            Level::Info => "info",
        };
        let before = &query.as_bytes()[..self.span.start.min(query.len())];
        let lines = before.split(|byte| *byte == b'\n');
        let (line, column) = lines.fold((0, 1), |(line, _), text| (line + 1, text.len() + 1));
        format!("PromQL {level}: {} ({line}:{column})", self.message)
    }
}

/// Remarks, each once, in the order of their making.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations(Vec<Annotation>);

impl Annotations {
    pub(super) fn warn(&mut self, message: impl Into<String>, span: Span) {
        self.add(Level::Warning, message.into(), span);
    }

    pub(super) fn info(&mut self, message: impl Into<String>, span: Span) {
        self.add(Level::Info, message.into(), span);
    }

    fn add(&mut self, level: Level, message: String, span: Span) {
        let annotation = Annotation { level, message, span };
        if !self.0.contains(&annotation) {
            self.0.push(annotation);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
