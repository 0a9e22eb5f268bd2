//! Prometheus' HTTP API and the viewer, over the engine.
//!
//! Owns: routes, parameters, the JSON of the API, pages.
//! Must not know: how series are stored, how targets are scraped.
//! Invariants: what a client sends can fail its own request, no other's.
//! Start reading at: [`http`], [`api`].

pub mod api;
pub mod http;
pub mod viewer;
