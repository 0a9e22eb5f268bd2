//! An embedded stack under trial: the process, the service that it scrapes, what the kernel says of it.
//!
//! Owns: [`Stack`], [`Exporter`] and its [`Script`], [`Usage`].
//! Must not know: what is compared with what.
//! Invariants: every process is our own child and ends with its owner; every address is of this machine.
//! Start reading at: [`Stack::start`].

mod exporter;
mod metrics;
mod script;
mod stack;
mod usage;

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use exporter::Exporter;
pub(crate) use script::{Mood, Script, TROUBLES};
pub(crate) use stack::{Setup, Stack, build, build_words};
pub(crate) use usage::{Usage, folder_bytes};

/// Milliseconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
