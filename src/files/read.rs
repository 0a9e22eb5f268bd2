//! Reading files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{Action, FileError, error::At};

/// A whole file as text.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        FileError::NotText { path: path.to_owned(), line }
    })
}

/// A whole file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).at(Action::Read, path)
}

/// Every regular file below a folder by its relative path with `/`, in order. Symbolic links are not followed.
pub fn read_tree(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, FileError> {
    let mut files = BTreeMap::new();
    let mut open: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder).at(Action::Read, &folder)? {
            let entry = entry.at(Action::Read, &folder)?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().at(Action::Read, &path)?;
            if kind.is_dir() {
                open.push((path, format!("{name}/")));
            } else if kind.is_file() {
                files.insert(name, read_bytes(&path)?);
            }
        }
    }
    Ok(files)
}

/// Regular files below a folder whose names end so, in order. Symbolic links are not followed.
pub fn find(folder: &Path, ends: &[&str]) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).at(Action::Read, &folder)? {
            let entry = entry.at(Action::Read, &folder)?;
            let path = entry.path();
            let kind = entry.file_type().at(Action::Read, &path)?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() && ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &Path, expect: Result<&str, &str>) {
        let got = read_text(path).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn a_file_is_read_or_the_reason_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("good"), "é\n").unwrap();
        fs::write(path("bad"), b"a\nb\xff\n").unwrap();
        check(&path("good"), Ok("é\n"));
        let named = |name: &str| path(name).display().to_string();
        check(&path("none"), Err(&format!("cannot read `{}`: it does not exist", named("none"))));
        check(&path("bad"), Err(&format!("cannot read `{}`: line 2 is not UTF-8 text", named("bad"))));
        check(folder.path(), Err(&format!("cannot read `{}`: it is a folder", folder.path().display())));
        let below = path("good/below");
        let why = "a part of the path is a file, not a folder";
        check(&below, Err(&format!("cannot read `{}`: {why}", below.display())));
    }

    #[test]
    fn files_are_found_by_their_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b.yml")).unwrap();
        for name in ["a/b.yml/c.yaml", "z.yml", "x.txt", "a/d.yml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(folder.path(), &[".yml", ".yaml"]).unwrap();
        let expect = ["a/b.yml/c.yaml", "a/d.yml", "z.yml"].map(|name| folder.path().join(name));
        assert_eq!(found, expect);
    }

    #[test]
    fn a_tree_is_read_in_order_with_slashes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/c"), "1").unwrap();
        fs::write(folder.path().join("z"), "2").unwrap();
        let tree = read_tree(folder.path()).unwrap();
        let expect = [("a/b/c".to_owned(), b"1".to_vec()), ("z".to_owned(), b"2".to_vec())];
        assert_eq!(tree.into_iter().collect::<Vec<_>>(), expect);
    }
}
