//! Templates of labels and annotations: Go's `text/template` with the functions of Prometheus
//! (<https://prometheus.io/docs/prometheus/latest/configuration/template_reference/>).
//!
//! A text is parsed once, to a tree with the place of every part, and expanded with what it is about.
//! What differs from Prometheus: complex numbers are refused, and nesting, steps and length have limits.

mod builtins;
mod call;
mod cursor;
mod execute;
mod float;
mod functions;
mod humanize;
mod instant;
mod lex;
mod number;
mod operand;
mod parse;
mod pipeline;
mod printf;
mod quote;
mod reads;
#[cfg(test)]
mod tests;
mod token;
pub mod tree;
mod value;
mod verb;

use crate::{series::Labels, text::Span, time::Timestamp};

pub use reads::Reads;

/// As Go converts a float to a whole number.
pub(super) fn whole(value: f64) -> i64 {
    float::whole(value)
}

/// A float as Go's `%g` writes it.
pub(super) fn float_text(value: f64) -> String {
    float::format(value, 'g', None)
}

/// A template, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    name: String,
    text: String,
    parsed: parse::Parsed,
}

/// Labels and values, or what is wrong with the query.
pub type QueryAnswer = Result<Vec<(Labels, f64)>, String>;

/// What a template is expanded with.
pub struct Context<'a> {
    /// Labels of the result that is told of.
    pub labels: &'a Labels,
    pub value: f64,
    pub external_labels: &'a Labels,
    /// What `$externalURL` stands for.
    pub external_url: &'a str,
    /// What the functions `externalURL` and `pathPrefix` speak of; without one they fail, as in promtool.
    pub server_url: Option<&'a str>,
    pub now: Timestamp,
    /// Answers the function `query`.
    pub query: &'a dyn Fn(&str) -> QueryAnswer,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("labels", &self.labels)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a template, or went wrong while it was expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// In the template's text.
    pub span: Span,
    /// The whole message as Go words it: `template: NAME:LINE: …`.
    pub message: String,
    /// Its last part: what is wrong, without where.
    pub reason: String,
}

/// What Prometheus puts before the text, so that `$labels` and its like are there: columns are counted with it.
const PRELUDE: usize = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                        {{$externalURL := .ExternalURL}}{{$value := .Value}}"
    .len();

impl Template {
    /// Messages call it by the name; Prometheus takes `__alert_` and the alert's.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        let parsed = parse::parse(name, text)?;
        Ok(Self { name: name.to_owned(), text: text.to_owned(), parsed })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tree.
    pub fn items(&self) -> &[tree::Item] {
        &self.parsed.items
    }

    /// The text itself, where there is nothing to expand in it.
    pub fn constant(&self) -> Option<&str> {
        match self.parsed.items.as_slice() {
            [] => Some(""),
            [tree::Item::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What its text depends on.
    pub fn reads(&self) -> Reads {
        reads::reads(&self.parsed)
    }

    /// Its text with these values.
    pub fn expand(&self, context: &Context<'_>) -> Result<String, TemplateError> {
        match self.constant() {
            Some(text) => Ok(text.to_owned()),
            None => execute::execute(self, context),
        }
    }

    /// As [`Template::expand`]; what goes wrong is told in the text's place, as Prometheus does.
    pub fn expand_or_tell(&self, context: &Context<'_>) -> String {
        self.expand(context).unwrap_or_else(|error| {
            format!("<error expanding template: error executing template {}: {error}>", self.name)
        })
    }

    /// `NAME:LINE:COLUMN` of a place, as Go counts it.
    fn location(&self, offset: usize) -> String {
        let before = &self.text[..offset.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rfind('\n').map_or(PRELUDE + offset, |newline| offset - newline - 1);
        format!("{}:{line}:{column}", self.name)
    }

    /// What went wrong while a part of it was executed, as a part of the template of that name.
    fn failed(&self, name: &str, node: Option<tree::Node<'_>>, reason: String) -> TemplateError {
        let span = node.map(tree::Node::span).unwrap_or_default();
        let message = match node {
            Some(node) => {
                let (location, name) = (self.location(node.position()), quote::quoted(name));
                format!("template: {location}: executing {name} at <{node}>: {reason}")
            }
            None => format!("template: {name}: {reason}"),
        };
        TemplateError { span, message, reason }
    }
}
