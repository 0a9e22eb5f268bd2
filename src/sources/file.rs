//! Primitives as a source file writes them, and how they become trees.

use std::collections::BTreeMap;

use crate::text::Span;

use super::model::{Errors, Histogram, Mistake, Primitives, Source};
use super::primitive::Primitive;

/// A text with the place where it stands.
pub(super) type Written = serde_yaml::Spanned<String>;

/// Reads the primitives of a file; what cannot be read is left out and remembered.
pub(super) struct Reader<'a> {
    file: &'a str,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self { file, mistakes: Vec::new() }
    }

    pub(super) fn source(&mut self, source: Source<Written>) -> Source {
        let primitives = self.primitives(source.primitives);
        Source {
            name: source.name,
            title: source.title,
            upstream: source.upstream,
            default_port: source.default_port,
            provider: source.provider,
            labels: source.labels,
            families: source.families,
            overlap: source.overlap,
            primitives,
        }
    }

    fn primitives(&mut self, written: Primitives<Written>) -> Primitives {
        Primitives {
            models: self.optional(written.models),
            requests: self.optional(written.requests),
            errors: written.errors.map(|errors| Errors {
                label: errors.label,
                expr: self.optional(errors.expr),
                classes: self.each(errors.classes),
            }),
            tokens: self.each(written.tokens),
            cost: self.optional(written.cost),
            duration: self.histogram(written.duration),
            first_token: self.histogram(written.first_token),
            per_output_token: self.histogram(written.per_output_token),
            active: self.optional(written.active),
            queued: self.optional(written.queued),
            cache_use: self.optional(written.cache_use),
        }
    }

    fn optional(&mut self, written: Option<Written>) -> Option<Primitive> {
        written.and_then(|written| self.primitive(&written))
    }

    fn each(&mut self, written: BTreeMap<String, Written>) -> BTreeMap<String, Primitive> {
        written.into_iter().filter_map(|(key, written)| Some((key, self.primitive(&written)?))).collect()
    }

    fn histogram(&mut self, written: Option<Histogram<Written>>) -> Option<Histogram> {
        let Histogram { family, expr } = written?;
        Some(Histogram { family, expr: self.primitive(&expr)? })
    }

    fn primitive(&mut self, written: &Written) -> Option<Primitive> {
        let place = Place::new(self.file, written);
        match Primitive::parse(&written.value) {
            Ok(primitive) => {
                for hole in primitive.unknown_holes() {
                    let message =
                        format!("nothing fills `{hole}`: holes are `$selector`, `$window` and `$by`");
                    self.mistakes.push(Mistake { message, at: place.of_text(&written.value, &hole) });
                }
                Some(primitive)
            }
            Err(errors) => {
                self.mistakes.extend(
                    errors
                        .iter()
                        .map(|error| Mistake { message: error.message.clone(), at: place.of(error.span) }),
                );
                None
            }
        }
    }
}

/// Where a scalar of a file stands.
struct Place {
    whole: Span,
    /// Where its text begins, if the file holds it as it is: not escaped, not folded.
    verbatim: Option<usize>,
}

impl Place {
    fn new(file: &str, written: &Written) -> Self {
        let span = written.referenced.span();
        let offset = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        let start = offset(span.byte_offset()).min(file.len());
        let end = (start + offset(span.byte_len())).min(file.len());
        let slice = file.get(start..end).unwrap_or_default();
        Self { whole: Span::new(start, end), verbatim: slice.find(&written.value).map(|at| start + at) }
    }

    /// The place of a span of the text; that of the scalar, where it is not held as it is.
    fn of(&self, span: Span) -> Span {
        self.verbatim.map_or(self.whole, |start| Span::new(start + span.start, start + span.end))
    }

    fn of_text(&self, text: &str, part: &str) -> Span {
        text.find(part).map_or(self.whole, |at| self.of(Span::new(at, at + part.len())))
    }
}
