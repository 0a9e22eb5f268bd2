//! Grafana's dashboards, drawn without Grafana.
//!
//! Owns: the model of a dashboard, its variables, the scene that a panel becomes, SVG and HTML.
//! Must not know: HTTP, the clock, where series come from.

pub mod format;
pub mod model;
pub mod palette;
