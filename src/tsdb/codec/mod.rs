//! Samples as bytes.
//!
//! Owns: varints, checksums, packed integers, columns of times and of values, [`Chunk`].
//! Must not know: files, labels.
//! Invariants: what is encoded comes back bit for bit; any bytes are read without a panic.
//! Start reading at: [`Chunk`].

mod bytes;
mod checksum;
mod chunk;
mod pack;
mod times;
mod values;

pub(crate) use bytes::{Cursor, put_i64, put_text, put_u64, put_usize};
pub(crate) use checksum::crc32;
pub(crate) use chunk::Chunk;
pub(crate) use times::{decode_times, encode_times};
pub(crate) use values::{decode_values, encode_values};
