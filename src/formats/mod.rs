//! Models of files that other programs read: parsed back before they are written.
//!
//! Owns: YAML and JSON as values, Prometheus rule files, the frame of a Grafana dashboard.
//! Must not know: where such a file comes from.
//! Invariants: reading is strict about keys where the format is closed, so a slip is seen here first.
//! Start reading at: [`rules`].

pub mod dashboard;
pub mod notation;
pub mod rules;
mod value;

pub use value::{FormatError, json, yaml, yaml_to_string};
