//! Positions in text: byte spans, lines and columns, and the nearest spelling of a name.
//!
//! Owns: [`Span`], [`Source`], [`nearest`].
//! Must not know: any file format, any file system.
//! Invariants: spans are byte offsets on character boundaries of the text they belong to.
//! Start reading at: [`Source`].

mod nearest;
mod source;

pub use nearest::nearest;
pub use source::{Position, Source, Span};
