//! The state folder, and locks in it.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{Action, FileError, error::At};

/// Where llmobs keeps what it has to remember. `env` looks up an environment variable.
///
/// `$XDG_STATE_HOME/llmobs` or `~/.local/state/llmobs`
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>), and the like on macOS and Windows.
pub fn state_dir(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, FileError> {
    // A relative path there is invalid and to be ignored, says the specification.
    let folder = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME");
    let base = folder("XDG_STATE_HOME").or_else(|| {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            home().map(|home| home.join(".local/state"))
        }
    });
    base.map(|base| base.join("llmobs")).ok_or(FileError::NoHome)
}

/// Tries to get a lock that nobody holds.
const ROUNDS: usize = 10_000;

/// A lock that one process holds at a time; it ends with the value, or with the process.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// The lock on a file, which is made where it is missing; `None` while another holds it.
    ///
    /// [`Lock::is_held`] shares the lock for a moment, which is not taken for another that holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FileError> {
        // Each round is lost to another process that is done at once; so many are lost to none.
        for _ in 0..ROUNDS {
            let Some(file) = open(path)? else { continue };
            if is_locked(file.try_lock(), path)? {
                if is_locked(file.try_lock_shared(), path)? {
                    return Ok(None);
                }
                std::thread::yield_now();
                continue;
            }
            // The file may have been removed by the one that held the lock before.
            if is_at(&file, path) {
                return Ok(Some(Self { file, path: path.to_owned() }));
            }
        }
        Ok(None)
    }

    /// Whether a process holds the lock; nothing is made.
    pub fn is_held(path: &Path) -> Result<bool, FileError> {
        match File::open(path) {
            Ok(file) => is_locked(file.try_lock_shared(), path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::new(Action::Lock, path, error)),
        }
    }

    /// Ends the lock and removes its file, and its folder where nothing else lies in it. Who waits for the lock, or asks
    /// for it at this moment, gets one on a new file.
    pub fn remove(self) -> Result<(), FileError> {
        super::remove(&self.path)?;
        if let Some(folder) = self.path.parent() {
            // One that holds something stays.
            drop(fs::remove_dir(folder));
        }
        drop(self.file);
        Ok(())
    }
}

fn is_locked(tried: Result<(), TryLockError>, path: &Path) -> Result<bool, FileError> {
    match tried {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(FileError::new(Action::Lock, path, error)),
    }
}

/// `None` where the folder was removed in the same moment.
fn open(path: &Path) -> Result<Option<File>, FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(Action::CreateFolder, folder)?;
    }
    match File::options().create(true).truncate(false).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.at(Action::Lock, path).map(Some),
    }
}

/// Whether the open file is the one that lies there now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => id(open) == id(there),
        _ => false,
    }
}

/// A file that is open cannot be replaced there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_state_folder_follows_the_environment() {
        #[track_caller]
        fn check(variables: &[(&str, &str)], expect: Option<&str>) {
            let env =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(state_dir(env).ok(), expect.map(PathBuf::from));
        }
        check(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")], Some("/s/llmobs"));
        check(&[("HOME", "/h")], Some("/h/.local/state/llmobs"));
        check(&[("XDG_STATE_HOME", "rel"), ("HOME", "/h")], Some("/h/.local/state/llmobs"));
        check(&[("XDG_STATE_HOME", ""), ("HOME", "")], None);
        check(&[], None);
    }

    #[test]
    fn one_holds_the_lock_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/lock");
        let held = Lock::try_acquire(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop(held);
        drop(Lock::try_acquire(&path).unwrap());
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn who_asks_does_not_stand_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/lock");
        assert!(!Lock::is_held(&path).unwrap());
        assert!(!path.parent().unwrap().exists(), "asking makes nothing");
        let held = Lock::try_acquire(&path).unwrap();
        assert!(Lock::is_held(&path).unwrap());
        drop(held);
        assert!(!Lock::is_held(&path).unwrap());
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| (0..2_000).all(|_| Lock::is_held(&path).is_ok()));
            for _ in 0..2_000 {
                assert!(Lock::try_acquire(&path).unwrap().is_some());
            }
            assert!(asking.join().unwrap());
        });
    }

    #[test]
    fn a_removed_lock_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/lock");
        let held = Lock::try_acquire(&path).unwrap().unwrap();
        let file = open(&path).unwrap().unwrap();
        held.remove().unwrap();
        assert!(!path.parent().unwrap().exists());
        file.try_lock().unwrap();
        assert!(!is_at(&file, &path), "the lock of a file that is gone is worth nothing");
        let again = Lock::try_acquire(&path).unwrap().unwrap();
        assert!(Lock::is_held(&path).unwrap());
        fs::File::create(path.with_file_name("other")).unwrap();
        again.remove().unwrap();
        assert!(path.parent().unwrap().exists() && !path.exists());
    }
}
