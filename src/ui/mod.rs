//! What the user sees: answers on stdout, the conversation on stderr, and nothing printed anywhere else.
//!
//! Owns: the two streams, styles, the drawing of diagnostics, tables, charts and progress.
//! Must not know: the domain beyond `text` and `diagnostic`; what an exit code means.
//! Invariants: colour and width are decided once, when [`Ui`] is made; a broken pipe ends output quietly.
//! Start reading at: [`Ui`].

mod chart;
mod findings;
mod printer;
mod progress;
mod screen;
mod style;
mod table;

pub use chart::{Chart, short_number};
pub use printer::{Captured, Terminal, Ui};
pub use progress::{Progress, Step};
pub use screen::{Screen, ScreenLine, padded, screen_width, sparkline};
pub use style::{ColorChoice, Palette, Tone};
pub use table::{Align, Cell, Table};
