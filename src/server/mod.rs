//! Prometheus' HTTP API and the viewer, over the engine.
//!
//! Owns: routes, parameters, the JSON of the API, pages.
//! Must not know: how series are stored, how targets are scraped.
//! Invariants: a client can hold a connection, a body and a turn, never more; pages of foreign origins and names of the
//! public DNS get no answer.
//! Start reading at: [`http`], [`api`].

pub mod api;
mod clock;
pub mod http;
pub mod viewer;
