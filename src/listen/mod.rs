//! What the servers have in common: how clients are let in, and who may be meant.
//!
//! Owns: accepting, serving a connection until it is told to end, the names that a server answers to ([`is_near`]).
//! Must not know: what is answered.
//! Invariants: no error of accepting ends a server.
//! Start reading at: [`is_near`].

mod accept;
mod host;
mod serving;

pub(crate) use accept::{GRACE, next_client};
pub use host::{host, is_near, refusal, without_port};
pub(crate) use serving::serve_until;
