//! What can be typed: the command line as clap sees it.
//!
//! Owns: commands, flags, help texts.
//! Must not know: what a command does.
//! Invariants: no clap type leaves `cli` and `commands`; every flag that sets a configuration value names its path.
//! Start reading at: [`Cli`].

mod args;
mod query;

pub use args::*;
pub use query::{ChartWhen, Query, QueryFormat};
