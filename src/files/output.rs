//! The folder that `render` writes.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Action, FileError, MANIFEST, OutputError, Stale, StaleKind,
    error::At,
    manifest::Manifest,
    survey::survey,
    write::{Readers, persist, temporary},
};

/// What to do with files that were changed, or that are not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Write nothing at all.
    Refuse,
    /// Replace them.
    Force,
}

/// What was done; paths are relative to the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    pub written: Vec<String>,
    pub removed: Vec<String>,
    /// Files that held the right bytes already.
    pub unchanged: usize,
}

/// Makes a folder hold these files, by relative path with `/`, and none that an earlier call made and this does not.
///
/// Files of others stay. Everything that stands in the way is listed before the first change. New contents are
/// written beside their places first, then renamed into them, so that a full disk or a folder without permission
/// leaves all as it was.
pub fn write_output(
    folder: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    overwrite: Overwrite,
) -> Result<Written, OutputError> {
    let survey = survey(folder, files)?;
    if survey.has_conflict_to_refuse(overwrite) {
        return Err(OutputError::Refused { folder: folder.to_owned(), conflicts: survey.conflicts });
    }
    if survey.manifest_is_current && survey.write.is_empty() && survey.remove.is_empty() {
        return Ok(Written { unchanged: survey.unchanged, ..Written::default() });
    }
    let mut folders = NewFolders::default();
    folders.make(folder)?;
    let mut staged = Vec::with_capacity(survey.write.len());
    for (path, _) in &survey.write {
        let place = place(folder, path);
        if let Some(parent) = place.parent() {
            folders.make(parent)?;
        }
        // A name that the file system does not take would show itself only when the file is renamed.
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new(Action::Write, &place, error).into());
            }
            Ok(_) | Err(_) => {}
        }
        staged.push((temporary(&place, &files[path], Readers::Everyone)?, place));
    }
    let manifest = Manifest::of(files).to_bytes();
    // The manifest is staged too: a disk that has no room for it must say so now.
    let manifest_place = folder.join(MANIFEST);
    let staged_manifest = temporary(&manifest_place, &manifest, Readers::Everyone)?;
    folders.keep();
    for (file, place) in staged {
        persist(file, &place)?;
    }
    for path in &survey.remove {
        let place = place(folder, path);
        fs::remove_file(&place).at(Action::Remove, &place)?;
        remove_empty_folders(folder, &place);
    }
    persist(staged_manifest, &manifest_place)?;
    Ok(Written {
        written: survey.write.into_iter().map(|(path, _)| path).collect(),
        removed: survey.remove,
        unchanged: survey.unchanged,
    })
}

/// What [`write_output`] would change; empty when the folder is up to date. Nothing is written.
pub fn check_output(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Stale>, OutputError> {
    let survey = survey(folder, files)?;
    let mut stale = survey.write.into_iter().map(|(path, kind)| Stale { path, kind }).collect::<Vec<_>>();
    stale.extend(survey.remove.into_iter().map(|path| Stale { path, kind: StaleKind::Extra }));
    if stale.is_empty() && !survey.manifest_is_current {
        stale.push(Stale { path: MANIFEST.to_owned(), kind: StaleKind::Changed });
    }
    stale.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(stale)
}

fn place(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_owned(), |place, part| place.join(part))
}

/// Folders below `top` that a removal has left empty; one that is not empty refuses to go, and ends the way up.
fn remove_empty_folders(top: &Path, removed: &Path) {
    for folder in removed.ancestors().skip(1).take_while(|folder| *folder != top) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// Folders made for files that may never come: they are removed again unless they are kept.
#[derive(Debug, Default)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn make(&mut self, folder: &Path) -> Result<(), FileError> {
        let missing = folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let missing = missing.map(Path::to_owned).collect::<Vec<_>>();
        for folder in missing.into_iter().rev() {
            fs::create_dir(&folder).at(Action::CreateFolder, &folder)?;
            self.0.push(folder);
        }
        Ok(())
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // It is empty, or another has put something there since; then it stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::files::read_tree;

    use super::*;

    fn files(entries: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        entries.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    /// A folder that holds `a` and `d/b`, written by us.
    fn rendered() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write_output(folder.path(), &files(&[("a", "1"), ("d/b", "2")]), Overwrite::Refuse).unwrap();
        folder
    }

    /// Everything in the folder but the manifest, `path=text`.
    fn tree(folder: &Path) -> String {
        let text = |(path, bytes): (String, Vec<u8>)| format!("{path}={}", String::from_utf8_lossy(&bytes));
        let tree = read_tree(folder).unwrap().into_iter().filter(|(path, _)| path != MANIFEST);
        tree.map(text).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(folder: &Path, next: &[(&str, &str)], overwrite: Overwrite, expect: &str) {
        let got = match write_output(folder, &files(next), overwrite) {
            Ok(done) => format!("+{:?} -{:?} ={}", done.written, done.removed, done.unchanged),
            Err(OutputError::Refused { conflicts, .. }) => {
                conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(format!("{got} | {}", tree(folder)), expect);
    }

    #[test]
    fn only_what_differs_is_written_and_what_is_no_longer_made_is_removed() {
        let folder = rendered();
        let same = [("a", "1"), ("d/b", "2")];
        check(folder.path(), &same, Overwrite::Refuse, "+[] -[] =2 | a=1 d/b=2");
        let next = [("a", "3"), ("e/f/c", "4")];
        check(folder.path(), &next, Overwrite::Refuse, "+[\"a\", \"e/f/c\"] -[\"d/b\"] =0 | a=3 e/f/c=4");
        assert!(!folder.path().join("d").exists());
        check(folder.path(), &[("a", "3")], Overwrite::Refuse, "+[] -[\"e/f/c\"] =1 | a=3");
        assert!(!folder.path().join("e").exists());
    }

    #[test]
    fn what_the_user_changed_or_made_is_refused_whole() {
        let folder = rendered();
        fs::write(folder.path().join("d/b"), "mine").unwrap();
        fs::write(folder.path().join("c"), "mine").unwrap();
        fs::write(folder.path().join("other"), "mine").unwrap();
        let next = [("a", "9"), ("c", "8"), ("d/b", "7")];
        let why = "`c` was not written by llmobs; `d/b` was changed since llmobs wrote it";
        let old = "a=1 c=mine d/b=mine other=mine";
        check(folder.path(), &next, Overwrite::Refuse, &format!("{why} | {old}"));
        let removed = "`d/b` was changed since llmobs wrote it";
        check(folder.path(), &[("a", "9")], Overwrite::Refuse, &format!("{removed} | {old}"));
        let done = "+[\"a\", \"c\", \"d/b\"] -[] =0 | a=9 c=8 d/b=7 other=mine";
        check(folder.path(), &next, Overwrite::Force, done);
    }

    #[test]
    fn a_file_with_the_right_bytes_is_ours_whoever_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        check(folder.path(), &[("a", "1")], Overwrite::Refuse, "+[] -[] =1 | a=1");
        check(folder.path(), &[("a", "2")], Overwrite::Refuse, "+[\"a\"] -[] =0 | a=2");
    }

    #[test]
    fn a_folder_in_the_way_cannot_be_forced() {
        let folder = rendered();
        let why = "has a folder in the place of a file, or a file in the place of a folder";
        for overwrite in [Overwrite::Refuse, Overwrite::Force] {
            check(folder.path(), &[("d", "1")], overwrite, &format!("`d` {why} | a=1 d/b=2"));
            check(folder.path(), &[("a/x", "1")], overwrite, &format!("`a/x` {why} | a=1 d/b=2"));
        }
        check(
            folder.path(),
            &[("../x", "1")],
            Overwrite::Force,
            "`../x` does not name a file inside the folder | a=1 d/b=2",
        );
        let file = folder.path().join("a");
        let error = write_output(&file, &files(&[("x", "1")]), Overwrite::Force).unwrap_err().to_string();
        let why = "a part of the path is a file, not a folder";
        assert_eq!(error, format!("cannot write `{}`: {why}", file.display()));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_that_leads_out() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("b"), "theirs").unwrap();
        let folder = rendered();
        fs::remove_dir_all(folder.path().join("d")).unwrap();
        symlink(outside.path(), folder.path().join("d")).unwrap();
        let why = "`d/b` leads out of the folder by a symbolic link | a=1";
        check(folder.path(), &[("a", "1"), ("d/b", "5")], Overwrite::Force, why);
        check(folder.path(), &[("a", "1")], Overwrite::Force, why);
        assert_eq!(tree(outside.path()), "b=theirs");

        let folder = rendered();
        fs::remove_file(folder.path().join("a")).unwrap();
        symlink(outside.path().join("b"), folder.path().join("a")).unwrap();
        let next = [("a", "5"), ("d/b", "2")];
        check(folder.path(), &next, Overwrite::Refuse, "`a` was not written by llmobs | d/b=2");
        check(folder.path(), &next, Overwrite::Force, "+[\"a\"] -[] =1 | a=5 d/b=2");
        assert_eq!(tree(outside.path()), "b=theirs");

        fs::create_dir(folder.path().join("real")).unwrap();
        symlink(folder.path().join("real"), folder.path().join("l")).unwrap();
        let next = [("a", "5"), ("d/b", "2"), ("l/x", "1")];
        check(folder.path(), &next, Overwrite::Refuse, "+[\"l/x\"] -[] =2 | a=5 d/b=2 real/x=1");
    }

    // Both fail for root too, whom no permission stops.
    #[test]
    fn a_write_that_fails_leaves_all_as_it_was() {
        let folder = rendered();
        let below_a_file = folder.path().join("a/b/c");
        let error = write_output(&below_a_file, &files(&[("x", "1")]), Overwrite::Force).unwrap_err();
        let why = "a part of the path is a file, not a folder";
        assert_eq!(error.to_string(), format!("cannot write `{}`: {why}", below_a_file.display()));
        assert_eq!(tree(folder.path()), "a=1 d/b=2");

        // The name is too long for the file system; what sorts before it is staged by then.
        let long = "x".repeat(300);
        let next = files(&[("a", "9"), ("d/b", "8"), ("n/m/new", "7"), (&format!("n/m/{long}"), "8")]);
        write_output(folder.path(), &next, Overwrite::Refuse).unwrap_err();
        assert_eq!(tree(folder.path()), "a=1 d/b=2");
        assert!(!folder.path().join("n").exists());
    }

    #[test]
    fn a_check_lists_what_is_out_of_date_and_writes_nothing() {
        #[track_caller]
        fn check(folder: &Path, next: &[(&str, &str)], expect: &[&str]) {
            let before = read_tree(folder).unwrap();
            let stale = check_output(folder, &files(next)).unwrap();
            assert_eq!(stale.iter().map(ToString::to_string).collect::<Vec<_>>(), expect);
            assert_eq!(read_tree(folder).unwrap(), before);
        }
        let folder = rendered();
        check(folder.path(), &[("a", "1"), ("d/b", "2")], &[]);
        check(folder.path(), &[("a", "2"), ("c", "3")], &["changed a", "missing c", "extra   d/b"]);
        fs::write(folder.path().join("a"), "edited").unwrap();
        check(folder.path(), &[("a", "1"), ("d/b", "2")], &["changed a"]);
        fs::write(folder.path().join("a"), "1").unwrap();
        fs::remove_file(folder.path().join(MANIFEST)).unwrap();
        check(folder.path(), &[("a", "1"), ("d/b", "2")], &["changed .llmobs-manifest.json"]);
        let none = folder.path().join("none");
        assert_eq!(check_output(&none, &files(&[("a", "1")])).unwrap().len(), 1);
        assert!(!none.exists());
    }
}
