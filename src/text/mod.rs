//! Positions in text: byte spans, lines and columns; the nearest spelling of a name; what differs in two texts;
//! percent-encoding, HTML, spans of time in words.
//!
//! Owns: [`Span`], [`Source`], [`nearest`], [`diff`], [`percent_encoded`], [`Html`], [`lasting`].
//! Must not know: what a text is about, any file system.
//! Invariants: spans are byte offsets on character boundaries of the text they belong to.
//! Start reading at: [`Source`].

mod diff;
mod html;
mod lasting;
mod nearest;
mod percent;
mod source;

pub use diff::{Change, Hunk, diff};
pub use html::Html;
pub use lasting::lasting;
pub use nearest::nearest;
pub use percent::{form_encoded, percent_encoded};
pub use source::{Position, Source, Span};
