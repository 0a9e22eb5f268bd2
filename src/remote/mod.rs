//! HTTP clients: readiness probes, and the parts of Prometheus' and Grafana's APIs that llmobs reads.
//!
//! Owns: [`Endpoint`], [`Site`], [`prometheus`], [`query`], [`grafana`].
//! Must not know: containers, configuration, how anything is shown.
//! Invariants: plain HTTP, to the host that the stack is published on or to a server that the user names; every request
//! ends within its time and its size.
//! Start reading at: [`Endpoint`].

pub mod grafana;
mod http;
pub mod prometheus;
pub mod query;
mod site;

pub(crate) use http::base64;
pub use http::{Answer, Credentials, Endpoint, RemoteError};
pub use site::{Site, SiteError};
