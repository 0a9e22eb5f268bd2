//! The durable store of samples.
//!
//! A sample is first judged (is it newer than the last of its series, or within the out-of-order window?), then
//! written to the log, then put into memory. After some hours it moves to a block: an immutable file of compressed
//! chunks with an index. Blocks are merged into larger ones until they span a day, and go when they are too old.
//!
//! ```text
//! commit ─► intake ─► log ─► head (tails, chunks) ──cut──► blocks ──merge──► blocks ──► retention
//!                      ▲        │                              │
//!                      └─ checkpoint                    reader ◄── head
//! ```
//!
//! What is promised: when a commit returns, its samples were handed to the operating system in one write, so the end
//! of the process, however violent, loses none of them. [`Store::sync`] has the disk keep them; it is called every
//! second, beside [`Store::maintain`], so a machine that loses power loses at most that second. A commit that fails (a full disk, one that became
//! read-only) leaves whole records behind and changes nothing; reads go on, and the next commit is tried as any other.
//! A torn end of a log is cut off; a damaged file is set aside under another name and told, and the rest is served.
//!
//! A clock that jumps: forwards there is a gap. Backwards, samples are refused as out of order while the last one of
//! their series is less than ten minutes ahead of the time that [`Store::maintain`] is told; is it farther ahead, they
//! are accepted as late ones. One sample from the far future thus locks nothing, and does not make others too old.
//!
//! Owns: the log, chunks, blocks, retention; its own files on disk.
//! Must not know: a query language, where samples come from, the clock.
//! Invariants: a sample that [`Store::commit`] acknowledged is read back bit for bit until it is deleted or too old;
//! time comes in with samples and with [`Store::maintain`]; memory does not grow with retention.
//! Start reading at: [`Store`].

mod block;
mod bounds;
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
