//! Reads the framed records of a file, as far as they are whole.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read},
    path::Path,
};

use crate::tsdb::{
    StoreError,
    codec::{Cursor, crc32},
};

use super::record::{FRAME, MAX_RECORD};

/// Where the whole records of a file end, if that is not the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tear {
    pub(crate) at: u64,
    /// Bytes from there to the end.
    pub(crate) bytes: u64,
    /// Whether the file ends in the middle of the record, as it does when a write was cut short.
    pub(crate) is_short: bool,
}

/// Gives each payload to `each` until that refuses one or the whole records end.
pub(crate) fn read_frames(
    path: &Path,
    head: &[u8; 12],
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<Option<Tear>, StoreError> {
    let failed = |source| StoreError::io("read", path, source);
    let file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut found = [0; 12];
    let tear = |at: u64, is_short| Ok(Some(Tear { at, bytes: len - at.min(len), is_short }));
    if !read_whole(&mut input, &mut found).map_err(failed)? {
        return tear(0, true);
    }
    if found != *head {
        let version = |head: &[u8; 12]| Cursor::new(&head[8..]).u32_le().unwrap_or_default();
        let (version, expected) = (version(&found), version(head));
        if found[..8] == head[..8] && version > expected {
            return Err(StoreError::Version { path: path.to_owned(), found: version, expected });
        }
        return tear(0, false);
    }
    let mut at = head.len() as u64;
    let mut payload = Vec::new();
    while at < len {
        let mut frame = [0; FRAME];
        if !read_whole(&mut input, &mut frame).map_err(failed)? {
            return tear(at, true);
        }
        let mut parts = Cursor::new(&frame);
        let (Some(size), Some(crc)) = (parts.u32_le(), parts.u32_le()) else { return tear(at, true) };
        let end = at + FRAME as u64 + u64::from(size);
        if size as usize > MAX_RECORD {
            return tear(at, false);
        }
        if end > len {
            return tear(at, true);
        }
        payload.resize(size as usize, 0);
        if !read_whole(&mut input, &mut payload).map_err(failed)? {
            return tear(at, true);
        }
        // Room that the file system gave and nothing was written to reads as zeros.
        if crc32(&payload) != crc || size == 0 || !each(&payload) {
            return tear(at, false);
        }
        at = end;
    }
    Ok(None)
}

/// Fills the buffer; `false` where the input ends before.
fn read_whole(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Cuts a file where its whole records end.
pub(crate) fn cut_tear(path: &Path, tear: Tear) -> Result<(), StoreError> {
    let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
        file.set_len(tear.at)?;
        file.sync_all()
    });
    cut.map_err(|source| StoreError::io("cut", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsdb::log::{LOG_HEAD, record::frame};

    #[track_caller]
    fn check(bytes: &[u8], expect_payloads: usize, expect: Option<Tear>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        File::create(&path).and_then(|mut file| io::Write::write_all(&mut file, bytes)).unwrap();
        let mut payloads = 0;
        let tear = read_frames(&path, LOG_HEAD, |_| {
            payloads += 1;
            true
        });
        assert_eq!((tear.unwrap(), payloads), (expect, expect_payloads));
    }

    #[test]
    fn each_point_of_truncation_leaves_the_records_before() {
        let mut bytes = LOG_HEAD.to_vec();
        let mut ends = vec![bytes.len()];
        for text in ["one", "three", "x"] {
            frame(&mut bytes, |out| out.extend_from_slice(text.as_bytes())).unwrap();
            ends.push(bytes.len());
        }
        for len in 0..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= len).count();
            let at = if whole == 0 { 0 } else { ends[whole - 1] };
            let tear = Tear { at: at as u64, bytes: (len - at) as u64, is_short: true };
            let is_whole = ends.contains(&len);
            check(&bytes[..len], whole.saturating_sub(1), (!is_whole).then_some(tear));
        }
        for at in ends[1]..bytes.len() {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 0x40;
            let whole = ends.iter().filter(|end| **end <= at).count();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.log");
            File::create(&path).and_then(|mut file| io::Write::write_all(&mut file, &spoilt)).unwrap();
            let mut payloads = 0;
            let tear = read_frames(&path, LOG_HEAD, |_| {
                payloads += 1;
                true
            });
            assert_eq!(
                (tear.unwrap().map(|tear| tear.at), payloads),
                (Some(ends[whole - 1] as u64), whole - 1)
            );
        }
    }

    #[test]
    fn zeros_and_foreign_files_are_torn_at_once() {
        let torn = |at, bytes| Some(Tear { at, bytes, is_short: false });
        check(b"#!/bin/sh\necho hello", 0, torn(0, 20));
        check(&[&LOG_HEAD[..], &[0; 100]].concat(), 0, torn(12, 100));
        check(&[&LOG_HEAD[..], &[0xff; 100]].concat(), 0, torn(12, 100));
        check(LOG_HEAD, 0, None);
    }
}
