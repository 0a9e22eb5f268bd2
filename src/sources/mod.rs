//! Metric sources as data: which families a kind of server exposes, and which sums can be made of them.
//!
//! Owns: [`Source`], its [`Primitives`] and the sources that llmobs ships (`assets/sources`).
//! Must not know: targets, jobs, prices or what is derived from the sums.
//! Invariants: every primitive has the holes it needs and speaks only of families that its source lists.
//! Start reading at: [`Source`], then [`primitive`].

mod builtin;
mod file;
mod model;
pub mod primitive;
mod quantity;

pub use builtin::{builtin, builtin_names};
pub use model::{Errors, Family, Histogram, MetricType, Mistake, Primitives, Source, SourceError, parse};
pub use primitive::Primitive;
pub use quantity::Quantity;
