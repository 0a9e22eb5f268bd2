//! Scenes as HTML and SVG: everything stretches with the window, and nothing is fetched from elsewhere.

mod chart;
mod panel;
mod stat;
mod svg;
mod table;

pub use panel::{panel, row_panels};
