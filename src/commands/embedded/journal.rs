//! What the services of the process say: written to the log, and the last of it kept for the screen.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    diagnostic::Severity,
    files::{FileError, LogFile},
    time::Timestamp,
};

use super::manage::PROMETHEUS;

/// Bytes after which the log is set aside; two such files are kept.
const LIMIT: u64 = 4 << 20;
const KEPT: usize = 50;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) service: &'static str,
    pub(super) severity: Severity,
    pub(super) text: String,
}

impl Entry {
    /// As a line of the log: `2026-11-26T10:00:00Z prometheus | warning: …`.
    fn line(&self) -> String {
        let at = Timestamp(self.at.0 / 1000 * 1000);
        let severity = match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
            Severity::Note => "",
        };
        format!("{at} {} | {severity}{}", self.service, self.text)
    }
}

/// Shared by all that speak.
#[derive(Clone)]
pub(super) struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    clock: fn() -> Timestamp,
    inner: Mutex<Inner>,
}

struct Inner {
    log: LogFile,
    recent: VecDeque<Entry>,
}

impl Journal {
    pub(super) fn open(path: &Path, clock: fn() -> Timestamp) -> anyhow::Result<Self> {
        let inner = Inner { log: LogFile::open(path, LIMIT)?, recent: VecDeque::new() };
        Ok(Self { shared: Arc::new(Shared { clock, inner: Mutex::new(inner) }) })
    }

    pub(super) fn say(&self, service: &'static str, severity: Severity, text: impl Into<String>) {
        let entry = Entry { at: (self.shared.clock)(), service, severity, text: text.into() };
        let mut inner = self.lock();
        // A full disk must not end the process; the screen still shows the line.
        drop(inner.log.line(&entry.line()));
        inner.recent.push_back(entry);
        if inner.recent.len() > KEPT {
            inner.recent.pop_front();
        }
    }

    /// Has panics written, too: where a panic ends the process, and nobody reads its standard error, they are its last
    /// words. Whoever panics may hold the journal, so they go past it.
    pub(super) fn hear_panics(&self, path: &Path) {
        let (clock, path) = (self.shared.clock, path.to_owned());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            drop(last_words(&path, clock(), &panic.to_string()));
            before(panic);
        }));
    }

    /// The last entries, oldest first.
    pub(super) fn recent(&self) -> Vec<Entry> {
        self.lock().recent.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_words(path: &Path, at: Timestamp, text: &str) -> Result<(), FileError> {
    let entry = Entry { at, service: PROMETHEUS, severity: Severity::Error, text: text.to_owned() };
    LogFile::open(path, u64::MAX)?.line(&entry.line())
}

/// The service that a line of the log is of, and what it says.
pub(super) fn service_of(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(' ')?;
    rest.split_once(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn what_is_said_is_kept_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let journal = Journal::open(&path, || Timestamp(1_500)).unwrap();
        for number in 0..60 {
            journal.say("prometheus", Severity::Warning, format!("n {number}"));
        }
        journal.say("exporter", Severity::Note, "ready");
        let lines = files::tail(&path, 2).unwrap();
        assert_eq!(
            lines,
            ["1970-01-01T00:00:01Z prometheus | warning: n 59", "1970-01-01T00:00:01Z exporter | ready"]
        );
        assert_eq!(service_of(&lines[1]), Some(("exporter", "ready")));
        let recent = journal.recent();
        assert_eq!((recent.len(), recent[0].text.as_str()), (KEPT, "n 11"));
        // A panic is written while the journal is in use.
        let _speaking = journal.lock();
        last_words(&path, Timestamp(2_000), "panicked at x.rs:1:1:\nno").unwrap();
        let last = "1970-01-01T00:00:02Z prometheus | error: panicked at x.rs:1:1: no";
        assert_eq!(files::tail(&path, 1).unwrap(), [last]);
    }
}
