//! Positions in text: byte spans, lines and columns; the nearest spelling of a name; what differs in two texts; percent-encoding.
//!
//! Owns: [`Span`], [`Source`], [`nearest`], [`diff`].
//! Must not know: any file format, any file system.
//! Invariants: spans are byte offsets on character boundaries of the text they belong to.
//! Start reading at: [`Source`].

mod diff;
mod nearest;
mod percent;
mod source;

pub use diff::{Change, Hunk, diff};
pub use nearest::nearest;
pub use percent::{form_encoded, percent_encoded};
pub use source::{Position, Source, Span};
