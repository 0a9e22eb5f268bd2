//! A source file, read and checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::Span;

use super::{
    Quantity,
    file::{Reader, Written},
    primitive::{Hole, Primitive},
};

/// A kind of server: the families it exposes and the sums that can be made of them.
///
/// `P` is what its primitives are: trees, or the text that they are written as.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, bound = "P: Deserialize<'de>")]
pub struct Source<P = Primitive> {
    pub name: String,
    pub title: String,
    /// Where the families were read.
    pub upstream: String,
    pub default_port: u16,
    /// The provider of every model, where the server itself names none.
    #[serde(default)]
    pub provider: Option<String>,
    /// Canonical label (`model`, `provider`, `tenant`) to the label that carries it here.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub families: Vec<Family>,
    /// Token types that are part of another type: part to whole.
    #[serde(default)]
    pub overlap: BTreeMap<String, String>,
    pub primitives: Primitives<P>,
}

/// A metric family as the server exposes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: MetricType,
    pub unit: String,
    pub help: String,
    /// Label to its known values; none known where any may come.
    #[serde(default)]
    pub labels: BTreeMap<String, Vec<String>>,
    /// Finite bucket bounds, ascending; histograms only.
    #[serde(default)]
    pub buckets: Vec<f64>,
    /// First version of the server that has the family.
    #[serde(default)]
    pub since: Option<String>,
    /// Names that the family had before.
    #[serde(default)]
    pub formerly: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
}

impl MetricType {
    /// As Prometheus names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The sums that a source gives, each as `PromQL` with holes; what is absent the source cannot give.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, bound = "P: Deserialize<'de>")]
pub struct Primitives<P = Primitive> {
    /// One series a model; the value does not matter.
    #[serde(default)]
    pub models: Option<P>,
    /// Finished requests per second, whatever their outcome.
    #[serde(default)]
    pub requests: Option<P>,
    /// Requests per second that did not succeed.
    #[serde(default)]
    pub errors: Option<Errors<P>>,
    /// Tokens per second, by type.
    #[serde(default)]
    pub tokens: BTreeMap<String, P>,
    /// US dollars per second.
    #[serde(default)]
    pub cost: Option<P>,
    #[serde(default)]
    pub duration: Option<Histogram<P>>,
    #[serde(default)]
    pub first_token: Option<Histogram<P>>,
    #[serde(default)]
    pub per_output_token: Option<Histogram<P>>,
    /// Requests in progress.
    #[serde(default)]
    pub active: Option<P>,
    /// Requests that wait.
    #[serde(default)]
    pub queued: Option<P>,
    /// Share of the KV cache in use, 0 to 1; joined by the greatest, not by a sum.
    #[serde(default)]
    pub cache_use: Option<P>,
}

/// How a source tells errors apart: by a label, or by an expression for each class.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, bound = "P: Deserialize<'de>")]
pub struct Errors<P = Primitive> {
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub expr: Option<P>,
    #[serde(default)]
    pub classes: BTreeMap<String, P>,
}

/// Bucket rates of a histogram family.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, bound = "P: Deserialize<'de>")]
pub struct Histogram<P = Primitive> {
    pub family: String,
    pub expr: P,
}

/// Why a source file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("source file `{file}` cannot be read as a source: {message}")]
    Malformed { file: String, message: String, at: Span },
    /// Primitives that are no `PromQL`, or that have holes which nothing fills.
    #[error("source file `{file}` has primitives that cannot be used: {}", .mistakes[0].message)]
    Primitives { file: String, mistakes: Vec<Mistake> },
    #[error("source `{source_name}`: primitive `{primitive}` has no `{hole}`")]
    MissingHole { source_name: String, primitive: String, hole: &'static str },
    #[error(
        "source `{source_name}`: primitive `{primitive}` speaks of `{family}`, which is not among its families"
    )]
    UnknownFamily { source_name: String, primitive: String, family: String },
    #[error("source `{source_name}`: `{label}` is no label name: letters, digits and `_`")]
    BadLabel { source_name: String, label: String },
    #[error("source `{source_name}`: family `{family}` needs ascending finite `buckets`")]
    BadBuckets { source_name: String, family: String },
    #[error("source `{source_name}`: `errors` needs either `label` and `expr`, or `classes`")]
    AmbiguousErrors { source_name: String },
}

/// What is wrong at a place of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    pub at: Span,
}

/// Reads and checks a source file. `file` is what messages call it.
pub fn parse(file: &str, text: &str) -> Result<Source, SourceError> {
    let source: Source<Written> = serde_yaml::from_str(text).map_err(|error| {
        let at = error.location().map(|location| location.span());
        let offset = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        let start = offset(at.and_then(|at| at.byte_offset()));
        let at = Span::new(start, start + offset(at.and_then(|at| at.byte_len())));
        let message = error.without_snippet().to_string();
        // The place is told apart from the words.
        let message =
            message.rsplit_once(" at line ").map_or(message.as_str(), |(words, _)| words).to_owned();
        SourceError::Malformed { file: file.to_owned(), message, at }
    })?;
    let mut reader = Reader::new(text);
    let source = reader.source(source);
    if !reader.mistakes.is_empty() {
        return Err(SourceError::Primitives { file: file.to_owned(), mistakes: reader.mistakes });
    }
    source.check()?;
    Ok(source)
}

impl Source {
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The label that carries a canonical label here.
    pub fn label(&self, canonical: &str) -> Option<&str> {
        self.labels.get(canonical).map(String::as_str)
    }

    /// Whether the source itself can give a quantity.
    pub fn gives(&self, quantity: Quantity) -> bool {
        let p = &self.primitives;
        match quantity {
            Quantity::Models => p.models.is_some(),
            Quantity::Requests => p.requests.is_some(),
            Quantity::Errors => p.errors.is_some(),
            Quantity::InputTokens => p.tokens.contains_key("input"),
            Quantity::OutputTokens => p.tokens.contains_key("output"),
            Quantity::CachedInputTokens => p.tokens.contains_key("cached_input"),
            Quantity::Cost => p.cost.is_some(),
            Quantity::Duration => p.duration.is_some(),
            Quantity::FirstToken => p.first_token.is_some(),
            Quantity::PerOutputToken => p.per_output_token.is_some(),
            Quantity::Active => p.active.is_some(),
            Quantity::Queued => p.queued.is_some(),
            Quantity::CacheUse => p.cache_use.is_some(),
        }
    }

    /// Whether its cost has to come from its tokens and the price table, and can.
    pub fn prices_its_tokens(&self) -> bool {
        !self.gives(Quantity::Cost) && self.gives(Quantity::InputTokens) && self.gives(Quantity::OutputTokens)
    }

    /// The histogram behind a quantity, if that is what it is.
    pub fn histogram(&self, quantity: Quantity) -> Option<&Histogram> {
        match quantity {
            Quantity::Duration => self.primitives.duration.as_ref(),
            Quantity::FirstToken => self.primitives.first_token.as_ref(),
            Quantity::PerOutputToken => self.primitives.per_output_token.as_ref(),
            _ => None,
        }
    }

    /// Finite bucket bounds of a histogram quantity, ascending.
    pub fn buckets(&self, quantity: Quantity) -> &[f64] {
        self.histogram(quantity)
            .and_then(|histogram| self.family(&histogram.family))
            .map_or(&[], |family| &family.buckets)
    }

    /// Every expression with the name that messages call it by, and whether it is a rate over a window.
    fn expressions(&self) -> Vec<(String, &Primitive, Shape)> {
        let p = &self.primitives;
        let mut all = Vec::new();
        let gauges = [
            ("models", &p.models),
            ("active", &p.active),
            ("queued", &p.queued),
            ("cache_use", &p.cache_use),
        ];
        let rates = [("requests", &p.requests), ("cost", &p.cost)];
        for (name, expr) in gauges {
            all.extend(expr.iter().map(|expr| (name.to_owned(), expr, Shape::Instant)));
        }
        for (name, expr) in rates {
            all.extend(expr.iter().map(|expr| (name.to_owned(), expr, Shape::Rate)));
        }
        for (kind, expr) in &p.tokens {
            all.push((format!("tokens.{kind}"), expr, Shape::Rate));
        }
        if let Some(errors) = &p.errors {
            all.extend(errors.expr.iter().map(|expr| ("errors".to_owned(), expr, Shape::Rate)));
            for (class, expr) in &errors.classes {
                all.push((format!("errors.classes.{class}"), expr, Shape::Rate));
            }
        }
        let histograms = [
            ("duration", &p.duration),
            ("first_token", &p.first_token),
            ("per_output_token", &p.per_output_token),
        ];
        for (name, histogram) in histograms {
            all.extend(histogram.iter().map(|h| (name.to_owned(), &h.expr, Shape::Rate)));
        }
        all
    }

    fn check(&self) -> Result<(), SourceError> {
        let source_name = || self.name.clone();
        let of_errors = self.primitives.errors.as_ref().and_then(|errors| errors.label.as_ref());
        for label in self.labels.values().chain(of_errors) {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if label.is_empty()
                || label.starts_with(|c: char| c.is_ascii_digit())
                || !label.chars().all(plain)
            {
                return Err(SourceError::BadLabel { source_name: source_name(), label: label.clone() });
            }
        }
        for (primitive, expr, shape) in self.expressions() {
            let mut holes = vec![Hole::Selector, Hole::By];
            if shape == Shape::Rate {
                holes.push(Hole::Window);
            }
            for hole in holes {
                if !expr.has(hole) {
                    return Err(SourceError::MissingHole {
                        source_name: source_name(),
                        primitive,
                        hole: hole.text(),
                    });
                }
            }
            for family in expr.families() {
                let known = self.families.iter().any(|f| {
                    f.name == family
                        || (f.kind == MetricType::Histogram && family == format!("{}_bucket", f.name))
                });
                if !known {
                    return Err(SourceError::UnknownFamily { source_name: source_name(), primitive, family });
                }
            }
        }
        for family in self.families.iter().filter(|family| family.kind == MetricType::Histogram) {
            let ascending = family.buckets.windows(2).all(|pair| pair[0] < pair[1]);
            if family.buckets.is_empty()
                || !ascending
                || family.buckets.iter().any(|bound| !bound.is_finite())
            {
                return Err(SourceError::BadBuckets {
                    source_name: source_name(),
                    family: family.name.clone(),
                });
            }
        }
        if let Some(errors) = &self.primitives.errors {
            let by_label = errors.label.is_some() && errors.expr.is_some() && errors.classes.is_empty();
            let by_class = errors.label.is_none() && errors.expr.is_none() && !errors.classes.is_empty();
            if !by_label && !by_class {
                return Err(SourceError::AmbiguousErrors { source_name: source_name() });
            }
        }
        Ok(())
    }
}

/// Whether a primitive looks back over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Instant,
    Rate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(primitives: &str, expect: &str) {
        let text = format!(
            "name: x\ntitle: X\nupstream: none\ndefault_port: 1\nfamilies:\n\
             - {{name: x_total, type: counter, unit: requests, help: h}}\n\
             - {{name: x_seconds, type: histogram, unit: seconds, help: h, buckets: [1, 2]}}\n\
             primitives: {primitives}\n"
        );
        let got = parse("x.yaml", &text).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(got, expect);
    }

    #[test]
    fn primitives_are_checked_against_the_families() {
        check("{requests: 'sum by ($by) (rate(x_total{$selector}[$window]))'}", "ok");
        check(
            "{requests: 'sum by ($by) (rate(x_total{$selector}[5m]))'}",
            "source `x`: primitive `requests` has no `$window`",
        );
        check(
            "{active: 'sum by ($by) (y{$selector})'}",
            "source `x`: primitive `active` speaks of `y`, which is not among its families",
        );
        check(
            "{duration: {family: x_seconds, expr: 'sum by ($by) (rate(x_seconds_bucket{$selector}[$window]))'}}",
            "ok",
        );
        check(
            "{errors: {label: class}}",
            "source `x`: `errors` needs either `label` and `expr`, or `classes`",
        );
    }

    #[test]
    fn unknown_keys_are_refused_with_the_place() {
        let error = parse("x.yaml", "name: x\nprimitves: {}\n").unwrap_err().to_string();
        assert!(error.starts_with("source file `x.yaml` cannot be read as a source: "), "{error}");
        assert!(error.contains("primitves"), "{error}");
    }
}
