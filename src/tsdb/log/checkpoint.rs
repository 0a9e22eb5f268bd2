//! Checkpoints: all series of the memory at one instant, with chunks as they are.

use std::{io::Write, path::Path, sync::Arc};

use crate::{
    series::Labels,
    time::Timestamp,
    tsdb::{
        StoreError,
        codec::{Chunk, Cursor, put_i64, put_usize},
        folder::write_whole,
    },
};

use super::{
    CHECKPOINT_HEAD, read_frames,
    record::{frame, put_labels, read_labels},
};

const SERIES: u8 = 1;
const END: u8 = 2;

/// Series are gathered into records of about this many bytes.
const RECORD: usize = 256 << 10;

/// A series as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) labels: Labels,
    /// The last sample in order, which may have been moved to a block or deleted.
    pub(crate) last: Option<(Timestamp, f64)>,
    /// Time of its newest sample, or of its making.
    pub(crate) newest: Timestamp,
    /// In order and late, each with the tail as its last chunk.
    pub(crate) in_order: Vec<Arc<Chunk>>,
    pub(crate) late: Vec<Arc<Chunk>>,
}

/// Chunks of one series in one entry; one with more has several entries, so that records stay small.
const CHUNKS: usize = 4096;

impl Kept {
    /// The same in entries of a bounded size.
    pub(crate) fn parts(mut self) -> Vec<Self> {
        let mut parts = Vec::new();
        while self.in_order.len() > CHUNKS || self.late.len() > CHUNKS {
            let rest = |chunks: &mut Vec<_>| chunks.split_off(chunks.len().min(CHUNKS));
            let (in_order, late) = (rest(&mut self.in_order), rest(&mut self.late));
            let next = Self { in_order, late, labels: self.labels.clone(), ..self };
            parts.push(std::mem::replace(&mut self, next));
        }
        parts.push(self);
        parts
    }
}

/// What a checkpoint says.
pub(crate) type Snapshot = Vec<Kept>;

pub(crate) fn write_checkpoint(path: &Path, snapshot: &[Kept]) -> Result<(), StoreError> {
    write_whole(path, |out| {
        out.write_all(CHECKPOINT_HEAD)?;
        let mut bytes = Vec::new();
        let mut rest = snapshot;
        let mut body = Vec::new();
        while !rest.is_empty() {
            let mut count = 0;
            while count < rest.len() && body.len() < RECORD {
                put_series(&mut body, &rest[count]);
                count += 1;
            }
            frame(&mut bytes, |bytes| {
                bytes.push(SERIES);
                put_usize(bytes, count);
                bytes.extend_from_slice(&body);
            })?;
            out.write_all(&bytes)?;
            bytes.clear();
            body.clear();
            rest = &rest[count..];
        }
        frame(&mut bytes, |bytes| {
            bytes.push(END);
            put_usize(bytes, snapshot.len());
        })?;
        out.write_all(&bytes)
    })
}

fn put_series(out: &mut Vec<u8>, series: &Kept) {
    put_labels(out, &series.labels);
    put_i64(out, series.newest.0);
    match series.last {
        None => out.push(0),
        Some((at, value)) => {
            out.push(1);
            put_i64(out, at.0);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    for chunks in [&series.in_order, &series.late] {
        put_usize(out, chunks.len());
        for chunk in chunks {
            put_usize(out, chunk.count as usize);
            put_usize(out, chunk.bytes().len());
            out.extend_from_slice(chunk.bytes());
        }
    }
}

fn read_series(cursor: &mut Cursor<'_>) -> Option<Kept> {
    let labels = read_labels(cursor)?;
    let newest = Timestamp(cursor.i64()?);
    let last = match cursor.u8()? {
        0 => None,
        1 => Some((Timestamp(cursor.i64()?), f64::from_bits(cursor.u64_le()?))),
        _ => return None,
    };
    let mut chunks = || {
        let count = cursor.count()?;
        let chunks = (0..count).map(|_| {
            let (count, len) = (cursor.u32()?, cursor.usize()?);
            Chunk::from_bytes(cursor.take(len)?, count).map(Arc::new)
        });
        chunks.collect::<Option<Vec<_>>>()
    };
    let (in_order, late) = (chunks()?, chunks()?);
    if !in_order.is_sorted_by(|a, b| a.to < b.from) {
        return None;
    }
    Some(Kept { labels, last, newest, in_order, late })
}

/// Reads a checkpoint; `None` where it is not whole.
pub(crate) fn read_checkpoint(path: &Path) -> Result<Option<Snapshot>, StoreError> {
    let mut snapshot = Vec::new();
    let mut is_whole = false;
    let tear = read_frames(path, CHECKPOINT_HEAD, |payload| {
        let mut cursor = Cursor::new(payload);
        let (kind, count) = (cursor.u8(), cursor.usize());
        match (kind, count) {
            (Some(SERIES), Some(count)) => {
                (0..count).all(|_| read_series(&mut cursor).map(|series| snapshot.push(series)).is_some())
            }
            (Some(END), Some(count)) => {
                is_whole = count == snapshot.len();
                is_whole
            }
            _ => false,
        }
    })?;
    Ok((tear.is_none() && is_whole).then_some(snapshot))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn chunk(from: i64, count: i64) -> Arc<Chunk> {
        let times: Vec<_> = (0..count).map(|i| Timestamp(from + i)).collect();
        let values: Vec<_> = (0..count).map(|i| i as f64 / 3.0).collect();
        Arc::new(Chunk::encode(&times, &values).unwrap())
    }

    #[test]
    fn a_series_of_many_chunks_has_several_entries() {
        let chunks = |count: i64| (0..count).map(|i| chunk(i * 10, 1)).collect::<Vec<_>>();
        let kept = Kept {
            labels: Labels::default(),
            last: None,
            newest: Timestamp(0),
            in_order: chunks(9000),
            late: chunks(4097),
        };
        let parts: Vec<_> =
            kept.clone().parts().iter().map(|part| (part.in_order.len(), part.late.len())).collect();
        assert_eq!(parts, [(4096, 4096), (4096, 1), (808, 0)]);
        let joined: Vec<_> = kept.clone().parts().into_iter().flat_map(|part| part.in_order).collect();
        assert_eq!(joined, kept.in_order);
    }

    #[test]
    fn series_come_back_or_the_whole_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000001.checkpoint");
        let series = |value: &str| Kept {
            labels: Labels::new([("x", value)]).unwrap(),
            last: Some((Timestamp(99), crate::series::STALE)),
            newest: Timestamp(100),
            in_order: vec![chunk(0, 64), chunk(64, 10)],
            late: vec![chunk(30, 3), chunk(20, 3)],
        };
        let empty = Kept { last: None, in_order: vec![], late: vec![], ..series("empty") };
        let snapshot = vec![series("a"), empty, series("b")];
        write_checkpoint(&path, &snapshot).unwrap();
        let shown = |snapshot: &Option<Snapshot>| format!("{snapshot:?}");
        assert_eq!(shown(&read_checkpoint(&path).unwrap()), shown(&Some(snapshot)));
        let len = path.metadata().unwrap().len();
        for cut in 0..len {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(len - 1 - cut).unwrap();
            assert_eq!(read_checkpoint(&path).unwrap(), None);
        }
    }
}
