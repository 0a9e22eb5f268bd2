//! A log of lines: written whole, kept within a size, read from its end, followed.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{Action, FileError, error::At};

/// A log that is written to. Once it is larger than its limit it is set aside, in place of the one set aside before.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    limit: u64,
}

impl LogFile {
    /// Opens a log to write at its end, and makes it and its folder where they are missing. Only its owner can read it.
    pub fn open(path: &Path, limit: u64) -> Result<Self, FileError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).at(Action::CreateFolder, folder)?;
        }
        let file = append(path)?;
        let bytes = file.metadata().at(Action::Write, path)?.len();
        Ok(Self { path: path.to_owned(), file, bytes, limit })
    }

    /// Writes a line; a line end within it becomes a blank.
    pub fn line(&mut self, text: &str) -> Result<(), FileError> {
        let line = text.replace(['\n', '\r'], " ") + "\n";
        if self.bytes > self.limit {
            let aside = set_aside(&self.path);
            fs::rename(&self.path, &aside).at(Action::Write, &aside)?;
            self.file = append(&self.path)?;
            self.bytes = 0;
        }
        self.file.write_all(line.as_bytes()).at(Action::Write, &self.path)?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

fn set_aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn append(path: &Path) -> Result<File, FileError> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).at(Action::Write, path)
}

/// Up to so many lines from the end of a log, the part that was set aside included; what is no UTF-8 is replaced. A log
/// that is not there has no lines.
pub fn tail(path: &Path, count: usize) -> Result<Vec<String>, FileError> {
    let mut lines: Vec<String> = Vec::new();
    for path in [set_aside(path), path.to_owned()] {
        match fs::read(&path) {
            Ok(bytes) => lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new(Action::Read, &path, error)),
        }
    }
    lines.drain(..lines.len().saturating_sub(count));
    Ok(lines)
}

/// Reads what comes to a log.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<File>,
    at: u64,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl Follower {
    /// From the end of the log on.
    pub fn from_end(path: &Path) -> Self {
        let file = File::open(path).ok();
        let at = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len());
        Self { path: path.to_owned(), file, at, begun: Vec::new() }
    }

    /// The lines that came since the last call.
    pub fn lines(&mut self) -> Result<Vec<String>, FileError> {
        let mut bytes = std::mem::take(&mut self.begun);
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(self.at)).at(Action::Read, &self.path)?;
            self.at += file.read_to_end(&mut bytes).at(Action::Read, &self.path)? as u64;
        }
        // A log that was set aside has been read to its end above; the new one is read from its start.
        let is_new = fs::metadata(&self.path).is_ok_and(|found| self.file.is_none() || found.len() < self.at);
        if is_new {
            let mut file = File::open(&self.path).at(Action::Read, &self.path)?;
            self.at = file.read_to_end(&mut bytes).at(Action::Read, &self.path)? as u64;
            self.file = Some(file);
        }
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.begun = bytes.split_off(end);
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_within_a_size_and_can_be_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/log");
        assert_eq!(tail(&path, 5).unwrap(), [""; 0]);
        let mut follower = Follower::from_end(&path);
        assert_eq!(follower.lines().unwrap(), [""; 0]);
        let mut log = LogFile::open(&path, 20).unwrap();
        let mut came = Vec::new();
        for number in 0..10 {
            log.line(&format!("line\n{number}")).unwrap();
            came.extend(follower.lines().unwrap());
        }
        let all: Vec<String> = (0..10).map(|number| format!("line {number}")).collect();
        assert_eq!(came, all);
        assert_eq!(tail(&path, 3).unwrap(), all[7..]);
        // 3 lines are over 20 bytes: the last of them set aside, and one begun.
        assert_eq!(tail(&path, 100).unwrap(), all[6..]);

        let mut log = LogFile::open(&path, 1000).unwrap();
        let mut follower = Follower::from_end(&path);
        log.file.write_all(b"half").unwrap();
        assert_eq!(follower.lines().unwrap(), [""; 0]);
        log.line(" and half").unwrap();
        assert_eq!(follower.lines().unwrap(), ["half and half"]);
    }
}
