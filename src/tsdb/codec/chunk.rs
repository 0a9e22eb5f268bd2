//! A run of samples of one series, as bytes.

use crate::{series::TimeSpan, time::Timestamp};

use super::{
    bytes::Cursor,
    times::{decode_times, encode_times},
    values::{decode_values, encode_values},
};

/// Samples of one series whose times ascend strictly; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) count: u32,
    /// The column of times, then that of values.
    bytes: Box<[u8]>,
}

impl Chunk {
    /// More samples are never in one chunk; a larger count in a file is damage.
    pub(crate) const MAX_SAMPLES: usize = 600;

    /// Of at most [`Chunk::MAX_SAMPLES`] samples; none for none.
    pub(crate) fn encode(times: &[Timestamp], values: &[f64]) -> Option<Self> {
        debug_assert!(times.len() == values.len() && times.len() <= Self::MAX_SAMPLES);
        let (from, to) = (*times.first()?, *times.last()?);
        let mut bytes = Vec::with_capacity(32 + times.len());
        encode_times(&mut bytes, times);
        encode_values(&mut bytes, values);
        Some(Self { from, to, count: u32::try_from(times.len()).ok()?, bytes: bytes.into() })
    }

    /// A chunk from its parts; `None` where they do not fit each other.
    pub(crate) fn from_bytes(bytes: &[u8], count: u32) -> Option<Self> {
        let mut chunk = Self { from: Timestamp(0), to: Timestamp(0), count, bytes: bytes.into() };
        if count == 0 || count as usize > Self::MAX_SAMPLES {
            return None;
        }
        let (mut times, mut values) = (Vec::new(), Vec::new());
        chunk.decode(&mut times, &mut values)?;
        if !times.is_sorted_by(|a, b| a < b) {
            return None;
        }
        (chunk.from, chunk.to) = (*times.first()?, *times.last()?);
        Some(chunk)
    }

    pub(crate) fn span(&self) -> TimeSpan {
        TimeSpan { from: self.from, to: self.to }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends its samples; `None` where its bytes are none, which only those of a file can be.
    pub(crate) fn decode(&self, times: &mut Vec<Timestamp>, values: &mut Vec<f64>) -> Option<()> {
        let mut cursor = Cursor::new(&self.bytes);
        let count = self.count as usize;
        decode_times(&mut cursor, count, times)?;
        decode_values(&mut cursor, count, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back() {
        let times: Vec<_> = (0..300).map(|i| Timestamp(i * 15_000)).collect();
        let values: Vec<_> = (0..300).map(|i| f64::from(i / 7)).collect();
        let chunk = Chunk::encode(&times, &values).unwrap();
        assert_eq!((chunk.from, chunk.to, chunk.count), (times[0], times[299], 300));
        let read = Chunk::from_bytes(chunk.bytes(), chunk.count).unwrap();
        assert_eq!(read, chunk);
        let (mut got_times, mut got_values) = (Vec::new(), Vec::new());
        read.decode(&mut got_times, &mut got_values).unwrap();
        assert_eq!((got_times, got_values), (times, values));
        assert_eq!(Chunk::from_bytes(chunk.bytes(), 0), None);
        assert_eq!(Chunk::from_bytes(chunk.bytes(), u32::MAX), None);
        assert_eq!(Chunk::encode(&[], &[]), None);
    }
}
