//! YAML as a tree whose every node knows its place, and the way from a scalar's text back into the file.
//!
//! Owns: [`read`], [`Node`], [`Origin`], [`Decoded`].
//! Must not know: which keys a file has.
//! Invariants: keys are unique within a map; every span lies in the text that was read.
//! Start reading at: [`read`].

mod alias;
mod decoded;
mod read;
mod tree;

pub use decoded::Decoded;
pub use read::{Dialect, Options, read};
pub use tree::{Entry, Node, Origin, Scalar, Style, Value};
