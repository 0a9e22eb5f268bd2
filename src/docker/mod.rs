//! The container engine behind a small trait, and images made from an executable.
//!
//! Owns: [`Engine`] and its types, the adapter [`DockerEngine`], [`EngineError`], [`image`].
//! Must not know: what our stack consists of, who asks and how it is shown.
//! Invariants: nothing outside this room names bollard; removing what is not there succeeds; every failure says which
//! operation failed.
//! Start reading at: [`Engine`].

mod archive;
mod bollard;
mod bollard_errors;
mod bollard_models;
mod connect;
mod engine;
mod error;
pub mod executable;
pub mod image;
mod lines;
#[cfg(test)]
pub(crate) mod recording;
mod types;

pub use self::bollard::DockerEngine;
pub use archive::{Entry, EntryKind};
pub use connect::Address;
pub use engine::Engine;
pub use error::{EngineError, Operation};
pub use types::*;
