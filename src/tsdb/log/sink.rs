//! Where the bytes of a log go, and what happens when they do not get there.

use std::{
    fmt::Debug,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::tsdb::{StoreError, folder::sync_folder_of};

/// A file that grows at its end.
pub(crate) trait Sink: Debug + Send + Sync {
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file back.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Has the disk keep what was appended.
    fn sync(&self) -> io::Result<()>;
}

impl Sink for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file that has something that the disk may not keep yet.
pub(crate) type Unsynced = (PathBuf, Arc<dyn Sink>);

/// Makes the sink of a path; a file that is there is appended to.
pub(crate) type OpenSink = fn(&Path) -> io::Result<Arc<dyn Sink>>;

pub(crate) fn open_file(path: &Path) -> io::Result<Arc<dyn Sink>> {
    Ok(Arc::new(OpenOptions::new().create(true).append(true).open(path)?))
}

/// A file of whole records: what cannot be appended whole is cut off again.
#[derive(Debug)]
pub(crate) struct Tape {
    path: PathBuf,
    open: OpenSink,
    /// Made with the first record.
    sink: Option<Arc<dyn Sink>>,
    head: &'static [u8],
    len: u64,
    /// There is part of a record at the end that could not be cut off.
    is_torn: bool,
    is_unsynced: bool,
}

impl Tape {
    /// A tape that begins with `head`.
    pub(super) fn new(path: PathBuf, head: &'static [u8], open: OpenSink) -> Self {
        Self { path, open, sink: None, head, len: 0, is_torn: false, is_unsynced: false }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends whole records, in one write. Where that fails nothing of them stays, and the next try may succeed.
    pub(super) fn append(&mut self, records: &[u8]) -> Result<(), StoreError> {
        let failed = |source| StoreError::io("write", &self.path, source);
        let sink = if let Some(sink) = &self.sink {
            sink.clone()
        } else {
            let sink = (self.open)(&self.path).map_err(failed)?;
            // A file that an earlier try has left empty or with part of the head begins anew.
            sink.truncate(0).and_then(|()| sink.append(self.head)).map_err(failed)?;
            sync_folder_of(&self.path)?;
            self.len = self.head.len() as u64;
            self.sink.insert(sink).clone()
        };
        if self.is_torn {
            sink.truncate(self.len).map_err(failed)?;
            self.is_torn = false;
        }
        if let Err(source) = sink.append(records) {
            self.is_torn = sink.truncate(self.len).is_err();
            return Err(failed(source));
        }
        self.len += records.len() as u64;
        self.is_unsynced = true;
        Ok(())
    }

    /// The sink if there is something in it that the disk may not keep yet.
    pub(super) fn unsynced(&mut self) -> Option<Unsynced> {
        let is_unsynced = std::mem::take(&mut self.is_unsynced);
        self.sink.clone().filter(|_| is_unsynced).map(|sink| (self.path.clone(), sink))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        cell::RefCell,
        sync::{Mutex, PoisonError},
    };

    use super::*;

    /// A disk with room for so many bytes, which may refuse to cut.
    #[derive(Debug, Default)]
    pub(crate) struct SmallDisk {
        pub(crate) room: usize,
        pub(crate) refuses_cuts: bool,
        pub(crate) bytes: Vec<u8>,
    }

    impl Sink for Mutex<SmallDisk> {
        fn append(&self, bytes: &[u8]) -> io::Result<()> {
            let mut disk = self.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = bytes.len().min(disk.room - disk.bytes.len());
            disk.bytes.extend_from_slice(&bytes[..fits]);
            if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn truncate(&self, len: u64) -> io::Result<()> {
            let mut disk = self.lock().unwrap_or_else(PoisonError::into_inner);
            if disk.refuses_cuts {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            disk.bytes.truncate(usize::try_from(len).unwrap());
            Ok(())
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }

    thread_local! {
        /// The disk that [`open_small`] opens on this thread.
        pub(crate) static DISK: RefCell<Arc<Mutex<SmallDisk>>> = RefCell::default();
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is an `OpenSink`")]
    pub(crate) fn open_small(_: &Path) -> io::Result<Arc<dyn Sink>> {
        Ok(DISK.with_borrow(Arc::clone))
    }

    pub(crate) fn with_disk<T>(change: impl FnOnce(&mut SmallDisk) -> T) -> T {
        DISK.with_borrow(|disk| change(&mut disk.lock().unwrap()))
    }

    #[test]
    fn a_full_disk_leaves_whole_records_and_is_tried_again() {
        let folder = std::env::temp_dir();
        let mut tape = Tape::new(folder.join("not-made"), b"HEAD", open_small);
        with_disk(|disk| disk.room = 3);
        assert!(matches!(tape.append(b"first"), Err(StoreError::DiskFull { .. })));
        with_disk(|disk| disk.room = 12);
        tape.append(b"first").unwrap();
        assert!(matches!(tape.append(b"second"), Err(StoreError::DiskFull { .. })));
        assert_eq!(with_disk(|disk| disk.bytes.clone()), b"HEADfirst");
        with_disk(|disk| disk.refuses_cuts = true);
        assert!(matches!(tape.append(b"second"), Err(StoreError::DiskFull { .. })));
        with_disk(|disk| disk.room = 100);
        assert!(matches!(tape.append(b"second"), Err(StoreError::ReadOnly { .. })));
        with_disk(|disk| disk.refuses_cuts = false);
        tape.append(b"second").unwrap();
        assert_eq!(with_disk(|disk| disk.bytes.clone()), b"HEADfirstsecond");
        assert_eq!(tape.len(), 15);
        assert!(tape.unsynced().is_some() && tape.unsynced().is_none());
    }
}
