//! Regular expressions as Go reads them (RE2), run by the `regex` crate.
//!
//! Both engines match alike, but their syntaxes differ in what stands for itself, in classes, in flags and in names of
//! classes. So a pattern is read as Go reads it and written anew, with nothing left to the other syntax' habits.

mod class;
mod emit;
mod parse;
mod shape;

use regex::{Regex, RegexBuilder};

pub(super) use shape::Shape;

use parse::{Flags, parse};

/// What a compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 32 << 20;

/// What the lazily built automaton may take while it matches, in bytes.
const MAX_CACHE: usize = 2 << 20;

/// Why a pattern cannot be used, as Go words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct PatternError(pub String);

impl PatternError {
    fn new(what: &str, text: &str) -> Self {
        Self(format!("{what}: `{text}`"))
    }
}

/// A regular expression that has to match the whole text, in which `.` is any character: that of matchers and of
/// `label_replace`.
pub fn anchored(pattern: &str) -> Result<Regex, PatternError> {
    let node = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
    compile(pattern, &emit::anchored(&node))
}

/// A regular expression that may match anywhere, in which `.` is no line feed: that of templates.
pub fn unanchored(pattern: &str) -> Result<Regex, PatternError> {
    let node = parse(pattern, Flags::default())?;
    compile(pattern, &emit::text(&node))
}

/// A pattern of a matcher: its shape, where that says all, else the anchored expression.
pub(super) fn shape(pattern: &str) -> Result<Shape, PatternError> {
    let node = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
    match Shape::of(&node) {
        Some(shape) => Ok(shape),
        None => Ok(Shape::Pattern(compile(pattern, &emit::anchored(&node))?)),
    }
}

fn compile(pattern: &str, written: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(written)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(8 * parse::MAX_NESTING)
        .build()
        .map_err(|_| PatternError::new("expression too large", pattern))
}
