//! Files and folders as a tar, and back.

use std::{
    fmt,
    io::{self, Read},
};

/// A file or folder that goes into a container or comes out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative, parts separated by `/`.
    pub path: String,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    pub kind: EntryKind,
}

#[derive(Clone, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    File(Vec<u8>),
}

// Files can be long and can be secret, so their bytes stay out of debug text.
impl fmt::Debug for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("Folder"),
            Self::File(bytes) => write!(f, "File({} bytes)", bytes.len()),
        }
    }
}

/// A tar of the entries in their order; equal entries give equal bytes.
pub(super) fn pack(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_uid(entry.uid.into());
        header.set_gid(entry.gid.into());
        header.set_mode(entry.mode);
        header.set_mtime(0);
        match &entry.kind {
            EntryKind::Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                builder.append_data(&mut header, format!("{}/", entry.path), io::empty())?;
            }
            EntryKind::File(bytes) => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, &entry.path, bytes.as_slice())?;
            }
        }
    }
    builder.into_inner()
}

/// The files and folders of a tar whose names all start with one folder, which is cut off.
///
/// Links and devices are left out: nothing that we upload is one.
pub(super) fn unpack_below_first(tar: &[u8]) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let Some((_, path)) = path.split_once('/') else { continue };
        let path = path.to_owned();
        let kind = match entry.header().entry_type() {
            tar::EntryType::Directory => EntryKind::Folder,
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                EntryKind::File(bytes)
            }
            _ => continue,
        };
        let header = entry.header();
        let small = |value: u64| u32::try_from(value).map_err(io::Error::other);
        entries.push(Entry {
            path,
            uid: small(header.uid()?)?,
            gid: small(header.gid()?)?,
            mode: header.mode()? & 0o7777,
            kind,
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, mode: u32, kind: EntryKind) -> Entry {
        Entry { path: path.to_owned(), uid: 472, gid: 1, mode, kind }
    }

    #[test]
    fn what_is_packed_comes_back() {
        let long = format!("top/{}/x", "n".repeat(150));
        let entries = [
            entry("top", 0o755, EntryKind::Folder),
            entry("top/a b", 0o400, EntryKind::File(b"one".to_vec())),
            entry("top/d", 0o755, EntryKind::Folder),
            entry(&long, 0o444, EntryKind::File(Vec::new())),
        ];
        let back = unpack_below_first(&pack(&entries).unwrap()).unwrap();
        let expect: Vec<_> = entries[1..]
            .iter()
            .map(|entry| Entry { path: entry.path["top/".len()..].to_owned(), ..entry.clone() })
            .collect();
        assert_eq!(back, expect);
        assert_eq!(pack(&entries).unwrap(), pack(&entries).unwrap());
    }
}
