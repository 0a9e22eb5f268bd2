//! Grafana's dashboards, drawn without Grafana.
//!
//! Owns: the model of a dashboard, its variables, the scene that a panel becomes, SVG and HTML.
//! Must not know: HTTP, the clock, where series come from.
//! Invariants: no JSON and no sample makes it panic; a query that fails leaves the other panels alone; foreign text
//! reaches a page only through [`Html::text`](crate::text::Html::text); a scene knows no pixels.
//! Start reading at: [`view::view`].
//!
//! ```text
//! model::Dashboard::parse(text) ──► view::view(&dashboard, &Wish, &query::Source, now) ──► View { range, variables, rows }
//!     variables::options_of, Chosen     what can be chosen, what is
//!     query::ask                        steps, interpolation, frames
//!     transform, display::apply         transformations; units, thresholds, mappings, names, colours of each field
//!     scene::draw                       Drawing: places as shares of the panel, final texts
//! draw::row_panels(&mut Html, &row.panels)
//! ```

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
