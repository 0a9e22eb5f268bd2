//! The exporter: an HTTP server of metrics, health and runbooks.
//!
//! Owns: [`serve`] and the pages it answers with.
//! Must not know: where metrics come from, the clock, the configuration.
//! Invariants: no text that is given reaches a page unescaped; a request has no effect but that of
//! [`crate::series::Gather`]; a client can hold a connection, never more;
//! names of the public DNS get no answer.
//! Start reading at: [`serve`].

mod html;
mod markdown;
mod negotiate;
mod server;
mod site;

pub use server::serve;
pub use site::{Pages, Runbooks};
