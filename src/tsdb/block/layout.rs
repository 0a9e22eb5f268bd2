//! The parts of a block file: where they are and what they say of the whole.
//!
//! A file is the head, values of all chunks (each with a CRC-32 behind it), the index, the footer. All numbers of
//! fixed size are little-endian.

use crate::{
    series::TimeSpan,
    time::Timestamp,
    tsdb::codec::{Cursor, crc32},
};

pub(super) const BLOCK_HEAD: &[u8; 8] = b"LLMOBBLK";
pub(super) const VERSION: u32 = 1;
pub(super) const FOOTER: usize = 80;

/// Bytes of the checksum behind the values of a chunk.
pub(super) const CHECKSUM: usize = 4;

/// What a block says of itself at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(super) index_at: u64,
    pub(super) index_len: u64,
    pub(super) index_crc: u32,
    pub(crate) series: u32,
    pub(crate) chunks: u64,
    pub(crate) samples: u64,
    pub(crate) span: TimeSpan,
    /// Of two samples at one time, that of the block with the lower rank is taken.
    pub(crate) rank: u64,
}

impl Footer {
    pub(super) fn bytes(&self) -> [u8; FOOTER] {
        let mut out = Vec::with_capacity(FOOTER);
        out.extend_from_slice(&self.index_at.to_le_bytes());
        out.extend_from_slice(&self.index_len.to_le_bytes());
        out.extend_from_slice(&self.index_crc.to_le_bytes());
        out.extend_from_slice(&self.series.to_le_bytes());
        out.extend_from_slice(&self.chunks.to_le_bytes());
        out.extend_from_slice(&self.samples.to_le_bytes());
        out.extend_from_slice(&self.span.from.0.to_le_bytes());
        out.extend_from_slice(&self.span.to.0.to_le_bytes());
        out.extend_from_slice(&self.rank.to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        let crc = crc32(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(BLOCK_HEAD);
        out.try_into().expect("the parts add up to the size of a footer")
    }

    pub(super) fn read(bytes: &[u8; FOOTER]) -> Result<Self, FooterError> {
        let (signed, end) = bytes.split_at(FOOTER - 12);
        let mut end = Cursor::new(end);
        if end.u32_le() != Some(crc32(signed)) || end.take(8) != Some(BLOCK_HEAD) {
            return Err(FooterError::Damaged);
        }
        let mut cursor = Cursor::new(signed);
        let mut read = || {
            let footer = Self {
                index_at: cursor.u64_le()?,
                index_len: cursor.u64_le()?,
                index_crc: cursor.u32_le()?,
                series: cursor.u32_le()?,
                chunks: cursor.u64_le()?,
                samples: cursor.u64_le()?,
                span: TimeSpan {
                    from: Timestamp(cursor.u64_le()?.cast_signed()),
                    to: Timestamp(cursor.u64_le()?.cast_signed()),
                },
                rank: cursor.u64_le()?,
            };
            Some((footer, cursor.u32_le()?))
        };
        match read() {
            Some((footer, VERSION)) => Ok(footer),
            Some((_, version)) => Err(FooterError::Version(version)),
            None => Err(FooterError::Damaged),
        }
    }
}

/// Why the end of a file is no footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FooterError {
    Damaged,
    Version(u32),
}

/// Where a chunk is: its times in the index, its values in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkRef {
    pub(crate) span: TimeSpan,
    pub(crate) count: u32,
    /// Number of its column of times.
    pub(crate) times: u32,
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

impl ChunkRef {
    /// Where its values and their checksum end.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.len)).saturating_add(CHECKSUM as u64)
    }
}
