//! Writing files whole or not at all.

use std::{fs, io::Write, path::Path};

use tempfile::NamedTempFile;

use super::{Action, FileError, error::At};

/// What a write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Written,
    /// The file held these bytes already and was not touched.
    Unchanged,
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whom the user's umask lets.
    Everyone,
    Owner,
}

/// Replaces a file by these bytes in one step, if they differ. The folder must exist.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<Outcome, FileError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(Outcome::Unchanged);
    }
    persist(temporary(path, bytes, Readers::Everyone)?, path)?;
    Ok(Outcome::Written)
}

/// Replaces the bytes of a file that is there, in one step: where it is a link, those of the file behind it; who may
/// read and write it stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let path = fs::canonicalize(path).at(Action::Write, path)?;
    let permissions = fs::metadata(&path).at(Action::Write, &path)?.permissions();
    if permissions.readonly() {
        // Renaming would go around what the user has set.
        return Err(FileError::PermissionDenied { action: Action::Write, path });
    }
    let file = temporary(&path, bytes, Readers::Owner)?;
    fs::set_permissions(file.path(), permissions).at(Action::Write, &path)?;
    persist(file, &path)
}

/// Writes a file that only its owner can read, and the folders that it lies in.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(Action::CreateFolder, folder)?;
    }
    persist(temporary(path, bytes, Readers::Owner)?, path)
}

/// Removes a file; one that is not there is no failure.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, path),
    }
}

/// Removes a folder with all that is in it; one that is not there is no failure.
pub fn remove_folder(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, path),
    }
}

/// The bytes in a temporary file beside `path`, which is removed unless it is persisted.
pub(super) fn temporary(path: &Path, bytes: &[u8], readers: Readers) -> Result<NamedTempFile, FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".llmobs-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match readers {
            Readers::Everyone => 0o666,
            Readers::Owner => 0o600,
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = readers;
    let mut file = builder.tempfile_in(folder).at(Action::Write, path)?;
    file.write_all(bytes).at(Action::Write, path)?;
    Ok(file)
}

pub(super) fn persist(file: NamedTempFile, path: &Path) -> Result<(), FileError> {
    file.persist(path).map(drop).map_err(|error| FileError::new(Action::Write, path, error.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_it_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(write_atomic(&path, b"1").unwrap(), Outcome::Written);
        assert_eq!(write_atomic(&path, b"1").unwrap(), Outcome::Unchanged);
        assert_eq!(write_atomic(&path, b"2").unwrap(), Outcome::Written);
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left");
        let error = write_atomic(&folder.path().join("none/a"), b"1").unwrap_err();
        assert!(matches!(error, FileError::NotFound { action: Action::Write, .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_link_and_its_mode() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "1").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        replace(&link, b"2").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"2");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        let error = replace(&file, b"3").unwrap_err();
        assert!(matches!(error, FileError::PermissionDenied { .. }), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"2");
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_the_owner_alone_and_other_files_are_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let secret = folder.path().join("deep/er/password");
        write_secret(&secret, b"x").unwrap();
        assert_eq!(mode(&secret), 0o600);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        write_secret(&secret, b"y").unwrap();
        assert_eq!((mode(&secret), fs::read(&secret).unwrap()), (0o600, b"y".to_vec()));
        let open = folder.path().join("open");
        write_atomic(&open, b"x").unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"x").unwrap();
        assert_eq!(mode(&open), mode(&plain));
    }
}
