//! The manifest: which files of a folder are ours, and what we wrote into them.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Action, FileError, OutputError, read_bytes};

/// The file that lists what llmobs wrote into a folder.
pub const MANIFEST: &str = ".llmobs-manifest.json";

const VERSION: u32 = 1;

/// SHA-256 of each file by its relative path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    version: u32,
    pub(super) files: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn of(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let files = files.iter().map(|(path, bytes)| (path.clone(), sha256(bytes))).collect();
        Self { version: VERSION, files }
    }

    /// The manifest of a folder; empty where there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, OutputError> {
        let path = folder.join(MANIFEST);
        let bytes = match read_bytes(&path) {
            Ok(bytes) => bytes,
            Err(FileError::NotFound { .. }) => return Ok(Self { version: VERSION, files: BTreeMap::new() }),
            // What is wrong is the folder, and the user knows nothing of a manifest in it.
            Err(FileError::NotAFolder { .. }) => {
                return Err(FileError::NotAFolder { action: Action::Write, path: folder.to_owned() }.into());
            }
            Err(error) => return Err(error.into()),
        };
        let bad = |why: String| OutputError::BadManifest { path: path.clone(), why };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        if manifest.version != VERSION {
            return Err(bad(format!("its version is {}, not {VERSION}", manifest.version)));
        }
        match manifest.files.keys().find(|path| !is_inside(path)) {
            Some(outside) => Err(bad(format!("it lists `{outside}`, which is not inside the folder"))),
            None => Ok(manifest),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings and a number: there is nothing in it that JSON cannot say.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Whether a relative path with `/` names a file inside a folder, and not the manifest.
pub(super) fn is_inside(path: &str) -> bool {
    let odd = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\\', '\0', ':']);
    path != MANIFEST && !path.split('/').any(odd)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_sorted_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = BTreeMap::from([("b".to_owned(), vec![]), ("a/c".to_owned(), b"abc".to_vec())]);
        let manifest = Manifest::of(&files);
        let text = String::from_utf8(manifest.to_bytes()).unwrap();
        assert_eq!(
            text,
            "\
{
  \"version\": 1,
  \"files\": {
    \"a/c\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",
    \"b\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"
  }
}
"
        );
        crate::files::write_atomic(&folder.path().join(MANIFEST), text.as_bytes()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MANIFEST);
        crate::files::write_atomic(&path, text.as_bytes()).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().to_string();
        assert_eq!(error, format!("cannot use the manifest `{}`: {expect}", path.display()));
    }

    #[test]
    fn a_manifest_that_is_not_ours_is_refused() {
        check("{", "EOF while parsing an object at line 1 column 1");
        check("{\"version\": 2, \"files\": {}}", "its version is 2, not 1");
        for outside in ["../x", "/x", "a/../../x", "", "a//b", MANIFEST] {
            let why = format!("it lists `{outside}`, which is not inside the folder");
            check(&format!("{{\"version\": 1, \"files\": {{\"{outside}\": \"\"}}}}"), &why);
        }
    }
}
