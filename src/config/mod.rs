//! The configuration: `llmobs.yaml`, the environment and flags, checked as one and with all mistakes at once.
//!
//! Owns: the typed [`Config`], where each of its values came from, and the table of [`KEYS`].
//! Must not know: what is rendered from it, the file system, the environment.
//! Invariants: a [`Config`] is complete and valid; its targets are never empty; a [`load`] that fails says why.
//! Start reading at: [`load`], then `schema.rs`.

mod decode;
mod layers;
mod load;
mod model;
mod models;
mod name;
mod scalar;
mod schema;
mod starter;
mod targets;
mod walk;

pub use layers::{Layers, Setting};
pub use load::load;
pub use model::*;
pub use schema::{KEYS, Key, Kind};
pub use starter::starter;
