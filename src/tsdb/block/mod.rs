//! Blocks: immutable files of chunks and an index.
//!
//! Owns: their format, writing, reading, merging; what was deleted of them; the indexes that are kept in memory.
//! Must not know: what is in memory, retention.
//! Invariants: a block is there whole or not at all; what a checksum refuses is not read; samples of several blocks
//! may overlap.
//! Start reading at: [`Block`].

mod index;
mod layout;
mod merge;
mod stored;
mod tombstones;
mod writer;

pub(crate) use index::BlockIndex;
pub(crate) use layout::ChunkRef;
pub(crate) use merge::merge;
pub(crate) use stored::{Block, BlockError, Indexes, Stretches};
pub(crate) use tombstones::Tombstones;
pub(crate) use writer::BlockWriter;
