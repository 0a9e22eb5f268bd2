//! The durable store of samples.
//!
//! Owns: the log, chunks, blocks, retention; its own files on disk.
//! Must not know: a query language, where samples come from, the clock.
//! Invariants: a sample that [`Store::commit`] acknowledged is read back bit for bit until it is deleted or too old;
//! time comes in with samples and with [`Store::maintain`].
//! Start reading at: [`Store`].

mod block;
mod codec;
mod cut;
mod delete;
mod error;
mod folder;
mod head;
mod intake;
mod log;
mod options;
mod outcome;
mod postings;
mod reader;
mod recover;
mod run;
mod state;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;

pub use error::StoreError;
pub use intake::Hear;
pub use options::Options;
pub use outcome::{Cardinality, Committed, Counted, Maintained, Recovery, Rejection, Stats};
pub use reader::Reader;
pub use store::{SeriesRef, Store};
