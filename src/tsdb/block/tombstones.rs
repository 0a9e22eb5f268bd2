//! What was deleted of a block: spans of its series, in a file beside it.

use std::{collections::BTreeMap, io::Write, path::Path};

use crate::{
    series::TimeSpan,
    time::Timestamp,
    tsdb::{
        StoreError,
        codec::{Cursor, crc32, put_i64, put_u64, put_usize},
        folder::write_whole,
    },
};

const HEAD: &[u8; 12] = b"LLMOBDEL\x01\0\0\0";

/// Deleted spans by number of the series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tombstones(BTreeMap<u32, Vec<TimeSpan>>);

impl Tombstones {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, series: u32, span: TimeSpan) {
        self.0.entry(series).or_default().push(span);
    }

    /// The deleted spans of a series, in no order.
    pub(crate) fn of(&self, series: u32) -> &[TimeSpan] {
        self.0.get(&series).map_or(&[], Vec::as_slice)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let mut body = Vec::new();
        put_usize(&mut body, self.0.len());
        for (series, spans) in &self.0 {
            put_u64(&mut body, u64::from(*series));
            put_usize(&mut body, spans.len());
            for span in spans {
                put_i64(&mut body, span.from.0);
                put_i64(&mut body, span.to.0);
            }
        }
        write_whole(path, |out| {
            out.write_all(HEAD)?;
            out.write_all(&crc32(&body).to_le_bytes())?;
            out.write_all(&body)
        })
    }

    /// `None` where the bytes are none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.strip_prefix(HEAD)?);
        let crc = cursor.u32_le()?;
        if crc32(cursor.clone().take(cursor.len())?) != crc {
            return None;
        }
        let mut tombstones = BTreeMap::new();
        for _ in 0..cursor.count()? {
            let (series, count) = (cursor.u32()?, cursor.count()?);
            let span = |cursor: &mut Cursor<'_>| {
                Some(TimeSpan { from: Timestamp(cursor.i64()?), to: Timestamp(cursor.i64()?) })
            };
            let spans = (0..count).map(|_| span(&mut cursor)).collect::<Option<Vec<_>>>()?;
            tombstones.insert(series, spans);
        }
        cursor.is_empty().then_some(Self(tombstones))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_or_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.deleted");
        let mut tombstones = Tombstones::default();
        tombstones.add(7, TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(5) });
        tombstones.add(7, TimeSpan { from: Timestamp(9), to: Timestamp(10) });
        tombstones.add(1000, TimeSpan { from: Timestamp(0), to: Timestamp(i64::MAX) });
        tombstones.write(&path).unwrap();
        let bytes = std::fs::File::open(&path)
            .and_then(|mut file| {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
            })
            .unwrap();
        assert_eq!(Tombstones::read(&bytes).as_ref(), Some(&tombstones));
        for at in 0..bytes.len() {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1;
            assert_eq!(Tombstones::read(&spoilt), None);
            assert_eq!(Tombstones::read(&bytes[..at]), None);
        }
    }
}
