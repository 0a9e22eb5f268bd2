//! What a config volume holds besides its files: a list of them, and whether the service has read them.
//!
//! Files can be uploaded but not deleted, so the list tells which files of a volume were ours. The mark is set after the
//! service has read them: an `up` that dies between upload and reload is found out by the next one.

use std::collections::BTreeMap;

use crate::docker::{Entry, EntryKind};

const LIST: &str = ".llmobs";

/// Whether the service runs with the files that are in its volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaded {
    Yes,
    NotYet,
}

/// The contents of a config volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ConfigContents {
    /// All files but the list.
    files: BTreeMap<String, Entry>,
    /// Paths that we uploaded at some time.
    listed: Vec<String>,
    loaded: bool,
}

impl ConfigContents {
    pub(super) fn read(entries: Vec<Entry>) -> Self {
        let mut contents = Self::default();
        for entry in entries {
            match &entry.kind {
                EntryKind::Folder => {}
                EntryKind::File(bytes) if entry.path == LIST => {
                    let text = String::from_utf8_lossy(bytes);
                    let mut lines = text.lines().map(str::to_owned);
                    contents.loaded = lines.next().as_deref() == Some(mark(Loaded::Yes));
                    contents.listed = lines.collect();
                }
                EntryKind::File(_) => {
                    contents.files.insert(entry.path.clone(), entry);
                }
            }
        }
        contents
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// The paths that differ or are missing.
    pub(super) fn differing(&self, wanted: &[Entry]) -> Vec<String> {
        files(wanted)
            .filter(|entry| self.files.get(&entry.path) != Some(entry))
            .map(|entry| entry.path.clone())
            .collect()
    }

    /// A path that was ours, is there and is no longer wanted.
    pub(super) fn unwanted(&self, wanted: &[Entry]) -> Option<&str> {
        let is_wanted = |path: &str| files(wanted).any(|entry| entry.path == path);
        self.listed.iter().map(String::as_str).find(|path| self.files.contains_key(*path) && !is_wanted(path))
    }
}

/// The list alone, to set the mark.
pub(super) fn list(wanted: &[Entry], loaded: Loaded) -> Entry {
    let mut text = format!("{}\n", mark(loaded));
    for entry in files(wanted) {
        text.push_str(&entry.path);
        text.push('\n');
    }
    Entry { path: LIST.to_owned(), uid: 0, gid: 0, mode: 0o444, kind: EntryKind::File(text.into_bytes()) }
}

/// Everything to upload; the list comes first, so that no file is ever there without being listed.
pub(super) fn upload(wanted: &[Entry], loaded: Loaded) -> Vec<Entry> {
    let mut entries = vec![list(wanted, loaded)];
    entries.extend_from_slice(wanted);
    entries
}

fn files(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File(_)))
}

fn mark(loaded: Loaded) -> &'static str {
    match loaded {
        Loaded::Yes => "loaded",
        Loaded::NotYet => "uploaded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::desired::{Files, entries};

    fn wanted(files: &[(&str, &str)]) -> Vec<Entry> {
        let files: Files =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        entries(&files, &[])
    }

    #[track_caller]
    fn check(before: &[(&str, &str)], after: &[(&str, &str)], differing: &[&str], unwanted: Option<&str>) {
        let contents = ConfigContents::read(upload(&wanted(before), Loaded::Yes));
        assert!(contents.is_loaded());
        assert_eq!(contents.differing(&wanted(after)), differing);
        assert_eq!(contents.unwanted(&wanted(after)), unwanted);
    }

    #[test]
    fn volumes_are_compared_by_content() {
        check(&[("a/b", "1")], &[("a/b", "1")], &[], None);
        check(&[("a/b", "1")], &[("a/b", "2"), ("c", "")], &["a/b", "c"], None);
        check(&[("a", "1"), ("b", "1")], &[("a", "1")], &[], Some("b"));
        check(&[], &[], &[], None);
    }

    #[test]
    fn files_of_others_are_not_unwanted() {
        let mut entries = upload(&wanted(&[("a", "1")]), Loaded::NotYet);
        entries.extend(wanted(&[("sample.yml", "")]));
        let contents = ConfigContents::read(entries);
        assert_eq!(contents.unwanted(&wanted(&[("a", "1")])), None);
        assert!(!contents.is_loaded());
    }
}
