//! From the configuration to the set of files that Prometheus, Grafana and the exporter read.
//!
//! Owns: the templates' environment, the escaping filters, the expressions derived from primitives, the layout of
//! dashboards.
//! Must not know: the file system, containers, the clock.
//! Invariants: equal input gives equal bytes; every file that is returned has been parsed back.
//! Start reading at: [`render`].

mod bundle;
mod dashboard;
mod environment;
pub mod escape;
mod expression;
mod included;
mod join;
mod number;
mod quantities;
mod records;
mod service;
mod templates;

pub use bundle::{Input, RenderError, Rendered, render};
pub use included::Included;
pub use quantities::Scope;
pub use service::{Service, ServiceError};
