//! The configuration: `llmobs.yaml`, the environment and flags, checked as one and with all mistakes at once.
//!
//! Owns: the typed [`Config`] and where each of its values came from.
//! Must not know: what is rendered from it, the file system, the environment.
//! Invariants: a [`Config`] is complete and valid; its targets are never empty.
//! Start reading at: [`Config`].

mod model;

pub use model::*;
