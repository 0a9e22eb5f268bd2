//! What stands in a folder, against what should stand there.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    Action, FileError, MANIFEST,
    error::At,
    manifest::{Manifest, is_inside, sha256},
};

/// A file that cannot be written or removed without loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Relative to the folder.
    pub path: String,
    pub kind: ConflictKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// We wrote it, and it was changed since.
    Edited,
    /// It stands where we would write, and we did not make it.
    NotOurs,
    /// A folder stands where a file should, or a file where a folder should.
    Blocked,
    /// A part of its path is a symbolic link that leads out of the folder.
    LeadsOut,
}

impl ConflictKind {
    /// Whether the user may have it overwritten.
    fn can_be_forced(self) -> bool {
        matches!(self, Self::Edited | Self::NotOurs)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ConflictKind::Edited => "was changed since llmobs wrote it",
            ConflictKind::NotOurs => "was not written by llmobs",
            ConflictKind::Blocked => {
                "has a folder in the place of a file, or a file in the place of a folder"
            }
            ConflictKind::LeadsOut => "leads out of the folder by a symbolic link",
        };
        write!(f, "`{}` {why}", self.path)
    }
}

/// A file that is out of date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Relative to the folder.
    pub path: String,
    pub kind: StaleKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleKind {
    Changed,
    Missing,
    /// We wrote it once and would not any more.
    Extra,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            StaleKind::Changed => "changed",
            StaleKind::Missing => "missing",
            StaleKind::Extra => "extra",
        };
        write!(f, "{kind:8}{}", self.path)
    }
}

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Nothing was written; all that stands in the way is listed.
    #[error("{}", refusal(folder, conflicts))]
    Refused { folder: PathBuf, conflicts: Vec<Conflict> },
    #[error("cannot use the manifest `{}`: {why}", path.display())]
    BadManifest { path: PathBuf, why: String },
    #[error("`{path}` does not name a file inside the folder")]
    BadPath { path: String },
    #[error(transparent)]
    File(#[from] FileError),
}

impl OutputError {
    /// Whether the user can have it done nevertheless.
    pub fn can_be_forced(&self) -> bool {
        matches!(self, Self::Refused { conflicts, .. } if conflicts.iter().all(|c| c.kind.can_be_forced()))
    }
}

fn refusal(folder: &Path, conflicts: &[Conflict]) -> String {
    let list = conflicts.iter().map(|conflict| format!("\n  {conflict}")).collect::<Vec<_>>().concat();
    format!("nothing was written into `{}`, to lose nothing:{list}", folder.display())
}

/// What has to happen to a folder.
#[derive(Debug)]
pub(super) struct Survey {
    /// Files to write, in order.
    pub(super) write: Vec<(String, StaleKind)>,
    /// Files to remove, in order.
    pub(super) remove: Vec<String>,
    pub(super) unchanged: usize,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) manifest_is_current: bool,
}

/// What stands at a path.
enum Found {
    Nothing,
    File(Vec<u8>),
    /// A link, whose target is none of our business.
    Link,
    Blocked,
    LeadsOut,
}

pub(super) fn survey(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<Survey, OutputError> {
    if let Some(path) = files.keys().find(|path| !is_inside(path)) {
        return Err(OutputError::BadPath { path: path.clone() });
    }
    if fs::metadata(folder).is_ok_and(|metadata| !metadata.is_dir()) {
        let path = folder.to_owned();
        return Err(FileError::NotAFolder { action: Action::Write, path }.into());
    }
    let old = Manifest::read(folder)?;
    let mut survey = Survey {
        write: Vec::new(),
        remove: Vec::new(),
        unchanged: 0,
        conflicts: Vec::new(),
        manifest_is_current: fs::read(folder.join(MANIFEST))
            .is_ok_and(|bytes| bytes == Manifest::of(files).to_bytes()),
    };
    for (path, bytes) in files {
        let ours = old.files.get(path);
        let kind = match find(folder, path)? {
            Found::Nothing => {
                survey.write.push((path.clone(), StaleKind::Missing));
                continue;
            }
            Found::File(found) if found == *bytes => {
                survey.unchanged += 1;
                continue;
            }
            Found::File(found) if ours.is_some_and(|ours| *ours == sha256(&found)) => None,
            Found::File(_) if ours.is_some() => Some(ConflictKind::Edited),
            Found::File(_) | Found::Link => Some(ConflictKind::NotOurs),
            Found::Blocked => Some(ConflictKind::Blocked),
            Found::LeadsOut => Some(ConflictKind::LeadsOut),
        };
        survey.write.push((path.clone(), StaleKind::Changed));
        survey.conflicts.extend(kind.map(|kind| Conflict { path: path.clone(), kind }));
    }
    for (path, hash) in old.files.iter().filter(|(path, _)| !files.contains_key(*path)) {
        let kind = match find(folder, path)? {
            Found::Nothing | Found::Blocked => continue,
            Found::File(found) if *hash == sha256(&found) => None,
            Found::File(_) => Some(ConflictKind::Edited),
            Found::Link => Some(ConflictKind::NotOurs),
            Found::LeadsOut => Some(ConflictKind::LeadsOut),
        };
        survey.remove.push(path.clone());
        survey.conflicts.extend(kind.map(|kind| Conflict { path: path.clone(), kind }));
    }
    survey.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(survey)
}

impl Survey {
    pub(super) fn has_conflict_to_refuse(&self, force: super::Overwrite) -> bool {
        match force {
            super::Overwrite::Refuse => !self.conflicts.is_empty(),
            super::Overwrite::Force => self.conflicts.iter().any(|c| !c.kind.can_be_forced()),
        }
    }
}

fn find(folder: &Path, path: &str) -> Result<Found, FileError> {
    let mut here = folder.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        here.push(part);
        let metadata = match fs::symlink_metadata(&here) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(FileError::new(Action::Read, &here, error)),
        };
        let is_last = parts.peek().is_none();
        if is_last {
            return match metadata.file_type() {
                kind if kind.is_symlink() => Ok(Found::Link),
                kind if kind.is_file() => fs::read(&here).at(Action::Read, &here).map(Found::File),
                _ => Ok(Found::Blocked),
            };
        }
        if metadata.is_symlink() {
            let inside = fs::canonicalize(folder).at(Action::Read, folder)?;
            if !fs::canonicalize(&here).is_ok_and(|target| target.starts_with(&inside)) {
                return Ok(Found::LeadsOut);
            }
        }
        if !fs::metadata(&here).is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(Found::Blocked);
        }
    }
    Ok(Found::Nothing)
}
