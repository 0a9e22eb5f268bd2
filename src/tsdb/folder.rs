//! The folder of a store: its lock, its numbered files, and how a file comes into being whole.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::StoreError;

/// What files are named while they are written.
const UNFINISHED: &str = "unfinished";
/// What is put behind the name of a file that is damaged.
const DAMAGED: &str = "damaged";

/// A folder that this process has for itself until the lock is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Held by the operating system, which lets go of it however the process ends.
    _lock: File,
}

impl Folder {
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        for folder in [root.to_owned(), root.join("log"), root.join("blocks")] {
            #[expect(clippy::disallowed_methods, reason = "the store owns its folder")]
            fs::create_dir_all(&folder).map_err(|source| StoreError::io("make", &folder, source))?;
        }
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| StoreError::io("open", &path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { folder: root.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path, source)),
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn blocks(&self) -> PathBuf {
        self.root.join("blocks")
    }
}

/// The path of a numbered file.
pub(crate) fn numbered_path(folder: &Path, number: u64, extension: &str) -> PathBuf {
    folder.join(format!("{number:010}.{extension}"))
}

/// The numbered files of a kind, by number.
pub(crate) fn numbered(folder: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let failed = |source| StoreError::io("list", folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|have| have == extension)
            && let Some(number) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok())
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Removes what a process that ended early has left half written.
pub(crate) fn sweep(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::io("list", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == UNFINISHED) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Writes a file under another name, has the disk keep it, then gives it its name: it is there whole or not at all.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let unfinished = path.with_added_extension(UNFINISHED);
    let written = File::create(&unfinished).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        write(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&unfinished, path)
    });
    if let Err(source) = written {
        // What could not be written takes room that others need; that it stays is no second error.
        let _ = fs::exists(&unfinished).map(|_| remove(&unfinished));
        return Err(StoreError::io("write", path, source));
    }
    sync_folder_of(path)
}

/// Has the disk keep that a file is in its folder, or is not any more.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    // Only Unix opens folders.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| StoreError::io("sync", folder, source))?;
    }
    Ok(())
}

/// Removes a file; one that is not there is fine.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    #[expect(clippy::disallowed_methods, reason = "the store owns its folder")]
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, source))
        }
        _ => Ok(()),
    }
}

/// Renames a damaged file, so that it is not read again and can be looked at; gives a sentence about it.
pub(crate) fn set_aside(path: &Path, cause: &str) -> Result<String, StoreError> {
    let aside = path.with_added_extension(DAMAGED);
    fs::rename(path, &aside).map_err(|source| StoreError::io("rename", path, source))?;
    Ok(format!("{} is damaged ({cause}) and was set aside as {}", path.display(), aside.display()))
}
