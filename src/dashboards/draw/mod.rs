//! Scenes as HTML and SVG: everything stretches with the window, and nothing is fetched from elsewhere.

mod chart;
mod html;
mod panel;
mod stat;
mod svg;
mod table;

pub use html::Html;
pub use panel::{panel, row_panels};
