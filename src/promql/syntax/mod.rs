//! The language: text to tree, tree to text.

mod ast;
mod check;
mod error;
mod functions;
mod lexer;
mod literal;
mod parser;
mod pretty;
mod print;
mod token;
mod visit;

pub use ast::*;
pub use error::{ParseError, ParseErrors};
pub use functions::{Arity, FUNCTIONS, Function, function};
pub use parser::{MAX_DEPTH, parse, parse_selector};
pub use pretty::{WIDTH, block, pretty};
pub use visit::SelectorRef;

/// What is accepted beyond the language's stable part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Functions, aggregations and modifiers behind Prometheus' `promql-experimental-functions` and
    /// `promql-binop-fill-modifiers`.
    pub experimental: bool,
    /// `$name`, `${name}` where a duration, a label of a grouping or a matcher may stand: Grafana's variables and the
    /// holes of templates. Such a tree cannot be evaluated.
    pub variables: bool,
}
