//! What can go wrong with a store.

use std::{io, path::PathBuf, sync::Arc};

/// Why the store cannot do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("the store in {} is used by another process", .folder.display())]
    Locked { folder: PathBuf },
    #[error("the disk is full: {} cannot be written", .path.display())]
    DiskFull { path: PathBuf },
    #[error("{} is on a read-only file system", .path.display())]
    ReadOnly { path: PathBuf },
    #[error("cannot {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<io::Error> },
    #[error("{} was written by another version of llmobs (format {found}, this one reads {expected})", .path.display())]
    Version { path: PathBuf, found: u32, expected: u32 },
}

impl StoreError {
    /// Gives an error of the file system the name of its file.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io { action, path, source: Arc::new(source) },
        }
    }

    /// Whether it is the same trouble, be it with another file.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Io { action, source, .. }, Self::Io { action: other, source: cause, .. }) => {
                action == other && source.kind() == cause.kind()
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
