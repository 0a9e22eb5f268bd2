//! Models of texts that other programs read or write: files are parsed back before they are written.
//!
//! Owns: YAML and JSON as values, `prometheus.yml`, rule files and promtool's unit tests with every part in its place, the
//! notation of series, the frame of a Grafana dashboard, answers of Prometheus' query API, remote write.
//! Must not know: where such a file comes from.
//! Invariants: reading is strict about keys where the format is closed, so a slip is seen here first; what is read of
//! a rule file is what Prometheus would load.
//! Start reading at: [`rules`].

pub mod answer;
pub mod dashboard;
pub mod notation;
pub mod prometheus;
mod reader;
pub mod remote_write;
pub mod rules;
pub mod unit_test;
mod value;

pub use reader::{Pair, Text};
pub use value::{FormatError, json, yaml, yaml_to_string};
