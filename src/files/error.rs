//! Why a file could not be read or written.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Read,
    Write,
    CreateFolder,
    Remove,
    Lock,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::CreateFolder => "create the folder",
            Self::Remove => "remove",
            Self::Lock => "lock",
        })
    }
}

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot {action} `{}`: it does not exist", path.display())]
    NotFound { action: Action, path: PathBuf },
    #[error("cannot {action} `{}`: permission denied", path.display())]
    PermissionDenied { action: Action, path: PathBuf },
    #[error("cannot {action} `{}`: it is a folder", path.display())]
    IsAFolder { action: Action, path: PathBuf },
    #[error("cannot {action} `{}`: a part of the path is a file, not a folder", path.display())]
    NotAFolder { action: Action, path: PathBuf },
    #[error("cannot read `{}`: line {line} is not UTF-8 text", path.display())]
    NotText { path: PathBuf, line: usize },
    #[error("`{}` is no pattern: a `[` or `\\` is not complete", path.display())]
    Pattern { path: PathBuf },
    #[error("cannot find a folder for state: neither `XDG_STATE_HOME` nor `HOME` is set")]
    NoHome,
    #[error("cannot {action} `{}`: it is on a read-only file system", path.display())]
    ReadOnly { action: Action, path: PathBuf },
    // Not the source of the error: it is said here, and chains would say it once more.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io { action: Action, path: PathBuf, cause: io::Error },
}

impl FileError {
    pub(super) fn new(action: Action, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { action, path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { action, path },
            io::ErrorKind::IsADirectory => Self::IsAFolder { action, path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { action, path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path },
            _ => Self::Io { action, path, cause: source },
        }
    }
}

/// Names the path and the action where an operation fails.
pub(super) trait At<T> {
    fn at(self, action: Action, path: &Path) -> Result<T, FileError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: Action, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(action, path, source))
    }
}
