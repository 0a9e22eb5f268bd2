//! Models of texts that other programs read or write: files are parsed back before they are written.
//!
//! Owns: YAML and JSON as values, Prometheus rule files, the frame of a Grafana dashboard, answers of
//! Prometheus' query API.
//! Must not know: where such a file comes from.
//! Invariants: reading is strict about keys where the format is closed, so a slip is seen here first.
//! Start reading at: [`rules`].

pub mod answer;
pub mod dashboard;
pub mod notation;
pub mod rules;
mod value;

pub use value::{FormatError, json, yaml, yaml_to_string};
