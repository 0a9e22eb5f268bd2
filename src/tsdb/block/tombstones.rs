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

    /// Adds a span; those that it meets become one with it.
    pub(crate) fn add(&mut self, series: u32, span: TimeSpan) {
        let spans = self.0.entry(series).or_default();
        let mut joined = span;
        spans.retain(|other| {
            let is_apart =
                other.from.0 > span.to.0.saturating_add(1) || span.from.0 > other.to.0.saturating_add(1);
            if !is_apart {
                joined = TimeSpan { from: joined.from.min(other.from), to: joined.to.max(other.to) };
            }
            is_apart
        });
        spans.push(joined);
        spans.sort_unstable_by_key(|span| span.from);
    }

    /// The deleted spans of a series, sorted and apart from each other.
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
    fn spans_that_meet_become_one() {
        #[track_caller]
        fn check(spans: &[(i64, i64)], expect: &[(i64, i64)]) {
            let mut tombstones = Tombstones::default();
            for (from, to) in spans {
                tombstones.add(1, TimeSpan { from: Timestamp(*from), to: Timestamp(*to) });
            }
            let got: Vec<_> = tombstones.of(1).iter().map(|span| (span.from.0, span.to.0)).collect();
            assert_eq!(got, expect);
        }
        check(&[(1, 5), (1, 5)], &[(1, 5)]);
        check(&[(1, 5), (6, 9)], &[(1, 9)]);
        check(&[(7, 9), (1, 5)], &[(1, 5), (7, 9)]);
        check(&[(1, 2), (4, 5), (8, 9), (2, 4)], &[(1, 5), (8, 9)]);
        check(&[(1, 9), (3, 4)], &[(1, 9)]);
        check(&[(3, i64::MAX), (i64::MIN, 2)], &[(i64::MIN, i64::MAX)]);
    }

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
