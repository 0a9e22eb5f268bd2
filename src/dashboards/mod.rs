//! Grafana's dashboards, drawn without Grafana.
//!
//! Owns: the model of a dashboard, its variables, the scene that a panel becomes, SVG and HTML.
//! Must not know: HTTP, the clock, where series come from.

pub mod display;
pub mod draw;
pub mod format;
pub mod frame;
pub mod model;
pub mod palette;
pub mod query;
pub mod reduce;
pub mod scene;
pub mod time_range;
pub mod transform;
pub mod variables;
pub mod view;
