//! The query language, held against files of cases.

mod parse;
mod rendered;
