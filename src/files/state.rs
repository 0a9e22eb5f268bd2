//! The state folder, and locks in it.

use std::{
    fs::{self, File, TryLockError},
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

/// A lock that one process holds at a time; it ends with the value, or with the process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// The lock on a file, which is made where it is missing; `None` while another holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(FileError::new(Action::Lock, path, error)),
        }
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(Action::CreateFolder, folder)?;
    }
    File::options().create(true).truncate(false).write(true).open(path).at(Action::Lock, path)
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
}
