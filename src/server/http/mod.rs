//! A small HTTP/1.1 server: whole requests in, whole answers out.
//!
//! Owns: connections and their limits, forms, compression, who may ask ([`Handler::knows`]).
//! Must not know: routes, JSON, what an answer means.
//! Invariants: a [`Handler`] blocks a thread of its own and never the connections of others; a client can hold a
//! connection, a body and one turn, never more; bodies and answers on their way have 64 MiB each in all. Handlers must not panic: the release build aborts on a panic.
//! Start reading at: [`serve`].

mod asked;
mod compress;
mod connection;
mod form;
mod patient;
mod reply;
mod room;
mod sending;
mod serve;

pub use asked::{Asked, Gone};
pub use hyper::header::{HeaderName, HeaderValue};
pub use hyper::{HeaderMap, Method, body::Bytes, header};
pub use reply::Reply;
pub use serve::serve;

use crate::listen::is_near;

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer. Runs on a thread where it may block; at a client's leaving [`Asked::gone`] says so.
    fn answer(&self, asked: Asked) -> Reply;

    /// Whether requests to this path are long work. At most 20 of them run at a time, as Prometheus'
    /// `--query.max-concurrency` has it; others wait for their turn.
    fn is_query(&self, path: &str) -> bool {
        let _ = path;
        true
    }

    /// Whether this server may be called by that host name, without the port; see [`is_near`].
    fn knows(&self, host: &str) -> bool {
        is_near(host)
    }
}
