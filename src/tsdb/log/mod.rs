//! The write-ahead log.
//!
//! Owns: files of records, checkpoints of what is in memory, reading both back.
//! Must not know: which samples are accepted, what is done with them.
//! Invariants: a log file makes sense without the others; checkpoint N says all that the files before N do, so those
//! can go; a record is in a file whole or not at all.
//! Start reading at: [`Log`].

mod checkpoint;
mod frames;
mod record;
mod sink;

use std::path::{Path, PathBuf};

use super::{
    StoreError,
    folder::{numbered, numbered_path, remove},
};

pub(crate) use checkpoint::{Kept, read_checkpoint, write_checkpoint};
pub(crate) use frames::{Tear, cut_tear, read_frames};
pub(crate) use record::{Logged, Record, RecordWriter, read_record};
pub(crate) use sink::{OpenSink, Unsynced, open_file};

/// Name and version of the format of log files.
pub(crate) const LOG_HEAD: &[u8; 12] = b"LLMOBLOG\x01\0\0\0";
pub(crate) const CHECKPOINT_HEAD: &[u8; 12] = b"LLMOBCHK\x01\0\0\0";

const LOG: &str = "log";
const CHECKPOINT: &str = "checkpoint";

/// The log that is appended to, and the files before it.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    open: OpenSink,
    number: u64,
    tape: sink::Tape,
    /// Files that the disk may not keep all of yet; each once.
    unsynced: Vec<Unsynced>,
    /// Bytes of the files before, and of the checkpoint.
    older: u64,
    checkpoint: u64,
}

impl Log {
    /// A log that begins with a file of its own, behind all that are there.
    pub(crate) fn new(folder: &Path, open: OpenSink) -> Result<Self, StoreError> {
        let files = Files::list(folder)?;
        let last = files.logs.iter().chain(&files.checkpoints).map(|(number, _)| *number).max();
        let number = last.unwrap_or_default() + 1;
        let size = |(_, path): &(u64, PathBuf)| path.metadata().map_or(0, |metadata| metadata.len());
        Ok(Self {
            folder: folder.to_owned(),
            open,
            number,
            tape: sink::Tape::new(numbered_path(folder, number, LOG), LOG_HEAD, open),
            unsynced: Vec::new(),
            older: files.logs.iter().map(size).sum(),
            checkpoint: files.checkpoints.iter().map(size).sum(),
        })
    }

    /// The number of the file that is appended to.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of all log files, and of the checkpoint.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.older + self.tape.len(), self.checkpoint)
    }

    pub(crate) fn append(&mut self, records: &[u8]) -> Result<(), StoreError> {
        self.tape.append(records)
    }

    /// Takes out what has to be synced.
    pub(crate) fn unsynced(&mut self) -> Vec<Unsynced> {
        if let Some(file) = self.tape.unsynced() {
            self.set_unsynced(file);
        }
        std::mem::take(&mut self.unsynced)
    }

    /// Puts a file back whose sync failed.
    pub(crate) fn set_unsynced(&mut self, file: Unsynced) {
        if self.unsynced.iter().all(|(path, _)| *path != file.0) {
            self.unsynced.push(file);
        }
    }

    /// Goes on in another file; its number.
    pub(crate) fn rotate(&mut self) -> u64 {
        if let Some(file) = self.tape.unsynced() {
            self.set_unsynced(file);
        }
        self.older += self.tape.len();
        self.number += 1;
        self.tape = sink::Tape::new(numbered_path(&self.folder, self.number, LOG), LOG_HEAD, self.open);
        self.number
    }

    /// The files before the one that is appended to were removed: a checkpoint says what they did.
    pub(crate) fn set_checkpoint(&mut self, bytes: u64) {
        (self.older, self.checkpoint) = (0, bytes);
        let current = numbered_path(&self.folder, self.number, LOG);
        self.unsynced.retain(|(path, _)| *path == current);
    }
}

/// The files of a log folder, by number.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) logs: Vec<(u64, PathBuf)>,
    pub(crate) checkpoints: Vec<(u64, PathBuf)>,
}

impl Files {
    pub(crate) fn list(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self { logs: numbered(folder, LOG)?, checkpoints: numbered(folder, CHECKPOINT)? })
    }

    /// Removes the files that the checkpoint with this number makes superfluous.
    pub(crate) fn remove_before(self, number: u64) -> Result<(), StoreError> {
        let before = self.logs.iter().chain(&self.checkpoints).filter(|(other, _)| *other < number);
        for (_, path) in before {
            remove(path)?;
        }
        Ok(())
    }
}

pub(crate) fn checkpoint_path(folder: &Path, number: u64) -> PathBuf {
    numbered_path(folder, number, CHECKPOINT)
}

#[cfg(test)]
pub(crate) use sink::tests;

#[cfg(test)]
mod own_tests {
    use super::{tests::open_small, *};

    fn numbers(unsynced: &[Unsynced]) -> Vec<String> {
        unsynced.iter().map(|(path, _)| path.file_stem().unwrap().display().to_string()).collect()
    }

    #[test]
    fn what_could_not_be_synced_stays_to_be() {
        tests::with_disk(|disk| disk.room = 1000);
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(folder.path(), open_small).unwrap();
        log.append(b"one").unwrap();
        log.rotate();
        log.append(b"two").unwrap();
        let unsynced = log.unsynced();
        assert_eq!(numbers(&unsynced), ["0000000001", "0000000002"]);
        assert_eq!(log.unsynced().len(), 0);
        log.append(b"three").unwrap();
        for file in unsynced {
            log.set_unsynced(file);
        }
        let unsynced = log.unsynced();
        assert_eq!(numbers(&unsynced), ["0000000001", "0000000002"]);
        for file in unsynced {
            log.set_unsynced(file);
        }
        log.set_checkpoint(0);
        assert_eq!(numbers(&log.unsynced()), ["0000000002"]);
    }
}
