//! The file system: reading, atomic writing, the folder that `render` writes, the state folder.
//!
//! Owns: every read and write of a file, the manifest of a rendered folder, locks.
//! Must not know: what the files mean.
//! Invariants: a file is replaced whole or not at all; nothing that the user changed is overwritten unasked; nothing
//! is written outside the folder that was named.
//! Start reading at: [`write_output`].

#![expect(clippy::disallowed_methods, reason = "`files` owns the file system")]

mod error;
mod glob;
mod log;
mod manifest;
mod output;
mod read;
mod state;
mod survey;
mod write;

pub use error::{Action, FileError};
pub use glob::glob;
pub use log::{Follower, LogFile, tail};
pub use manifest::MANIFEST;
pub use output::{Overwrite, Written, check_output, write_output};
pub use read::{find, read_bytes, read_text, read_tree};
pub use state::{Lock, state_dir};
pub use survey::{Conflict, ConflictKind, OutputError, Stale, StaleKind};
pub use write::{Outcome, remove, remove_folder, replace, write_atomic, write_secret};
