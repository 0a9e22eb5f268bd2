//! An image made from an executable, as a docker-archive that Docker and Podman load.
//!
//! Equal executables and equal settings give equal bytes, and so the same image id everywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::docker::{Entry, EntryKind, Labels, archive, executable::Executable};

/// The layout below has this number in the hash: change it whenever an equal executable must give a new image.
const LAYOUT: &str = "1";

/// What an image is besides its executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSpec {
    /// The tag that it is loaded under, `name:version`.
    pub tag: String,
    /// Absolute path of the executable, which is the entrypoint too.
    pub program: String,
    /// Arguments that a container's command replaces.
    pub arguments: Vec<String>,
    /// `uid` or `uid:gid`.
    pub user: String,
    /// TCP.
    pub ports: Vec<u16>,
    pub env: BTreeMap<String, String>,
    pub labels: Labels,
    /// The label that gets the [`contents_hash`].
    pub hash_label: String,
    /// Folders to make.
    pub folders: Vec<Folder>,
}

/// An empty folder in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Absolute; missing parents are root's, 0755.
    pub path: String,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
}

/// What an image with this executable and these settings holds, as a hash (hexadecimal); quick, since nothing is packed.
pub fn contents_hash(spec: &ImageSpec, executable: &Executable) -> String {
    let mut hash = Sha256::new();
    let mut feed = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    feed(LAYOUT.as_bytes());
    feed(format!("{spec:?}").as_bytes());
    feed(executable.architecture.as_bytes());
    feed(&executable.bytes);
    for (path, bytes) in &executable.libraries {
        feed(path.as_bytes());
        feed(bytes);
    }
    hex(&hash.finalize())
}

/// The image as a docker-archive: `manifest.json`, the configuration and one layer.
pub fn archive(spec: &ImageSpec, executable: &Executable) -> io::Result<Vec<u8>> {
    let layer = archive::pack(&layer(spec, executable))?;
    let layer_hash = hex(&Sha256::digest(&layer));
    let mut labels = spec.labels.clone();
    labels.insert(spec.hash_label.clone(), contents_hash(spec, executable));
    let mut env = spec.env.clone();
    let library_folders: BTreeSet<_> =
        executable.libraries.keys().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    if !library_folders.is_empty() {
        // A distribution may keep libraries where only its /etc/ld.so.cache leads, which is not in the image.
        let folders: Vec<_> = library_folders.into_iter().collect();
        env.insert("LD_LIBRARY_PATH".to_owned(), folders.join(":"));
    }
    let ports: BTreeMap<_, _> = spec.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    let config = json!({
        "architecture": executable.architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": spec.user,
            "ExposedPorts": ports,
            "Env": env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            "Entrypoint": [spec.program],
            "Cmd": spec.arguments,
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_hash}")] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "llmobs" }],
    })
    .to_string();
    let config_name = format!("{}.json", hex(&Sha256::digest(config.as_bytes())));
    let manifest =
        json!([{ "Config": config_name, "RepoTags": [spec.tag], "Layers": ["layer.tar"] }]).to_string();
    archive::pack(&[
        file("manifest.json", 0o644, manifest.into_bytes()),
        file(&config_name, 0o644, config.into_bytes()),
        file("layer.tar", 0o644, layer),
    ])
}

fn layer(spec: &ImageSpec, executable: &Executable) -> Vec<Entry> {
    let mut files = BTreeMap::new();
    // Programs ask for the name and home of their user, and for how to resolve names; a root of nothing says neither.
    files.insert(
        "etc/passwd",
        file("etc/passwd", 0o644, b"root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\n".to_vec()),
    );
    files.insert("etc/group", file("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n".to_vec()));
    files.insert("etc/nsswitch.conf", file("etc/nsswitch.conf", 0o644, b"hosts: files dns\n".to_vec()));
    let program = relative(&spec.program);
    files.insert(program, file(program, 0o755, executable.bytes.clone()));
    for (path, bytes) in &executable.libraries {
        files.insert(relative(path), file(relative(path), 0o755, bytes.clone()));
    }
    let mut folders = BTreeMap::new();
    for path in files.keys().copied().chain(spec.folders.iter().map(|folder| relative(&folder.path))) {
        for (end, _) in path.match_indices('/') {
            folders.insert(&path[..end], folder(&path[..end], 0, 0, 0o755));
        }
    }
    folders.insert("tmp", folder("tmp", 0, 0, 0o1777));
    for asked in &spec.folders {
        let path = relative(&asked.path);
        folders.insert(path, folder(path, asked.uid, asked.gid, asked.mode));
    }
    folders.into_values().chain(files.into_values()).collect()
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn file(path: &str, mode: u32, bytes: Vec<u8>) -> Entry {
    Entry { path: path.to_owned(), uid: 0, gid: 0, mode, kind: EntryKind::File(bytes) }
}

fn folder(path: &str, uid: u32, gid: u32, mode: u32) -> Entry {
    Entry { path: path.to_owned(), uid, gid, mode, kind: EntryKind::Folder }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ImageSpec {
        ImageSpec {
            tag: "llmobs-exporter:0.1.0".to_owned(),
            program: "/llmobs".to_owned(),
            arguments: Vec::new(),
            user: "65534".to_owned(),
            ports: vec![9091],
            env: BTreeMap::new(),
            labels: Labels::new(),
            hash_label: "dev.llmobs.image".to_owned(),
            folders: vec![Folder { path: "/var/lib/x".to_owned(), uid: 472, gid: 0, mode: 0o770 }],
        }
    }

    fn executable(bytes: &[u8]) -> Executable {
        Executable {
            bytes: bytes.to_vec(),
            architecture: "amd64".to_owned(),
            libraries: BTreeMap::from([("/lib/x/libc.so.6".to_owned(), b"libc".to_vec())]),
        }
    }

    #[test]
    fn equal_input_gives_equal_bytes_and_any_change_another_hash() {
        let one = archive(&spec(), &executable(b"a")).unwrap();
        assert_eq!(one, archive(&spec(), &executable(b"a")).unwrap());
        let hash = contents_hash(&spec(), &executable(b"a"));
        assert_ne!(hash, contents_hash(&spec(), &executable(b"b")));
        assert_ne!(hash, contents_hash(&ImageSpec { user: "0".to_owned(), ..spec() }, &executable(b"a")));
    }

    #[test]
    fn the_layer_has_folders_before_files() {
        let paths: Vec<_> = layer(&spec(), &executable(b"a"))
            .into_iter()
            .map(|entry| format!("{:o} {}:{} {}", entry.mode, entry.uid, entry.gid, entry.path))
            .collect();
        assert_eq!(
            paths,
            [
                "755 0:0 etc",
                "755 0:0 lib",
                "755 0:0 lib/x",
                "1777 0:0 tmp",
                "755 0:0 var",
                "755 0:0 var/lib",
                "770 472:0 var/lib/x",
                "644 0:0 etc/group",
                "644 0:0 etc/nsswitch.conf",
                "644 0:0 etc/passwd",
                "755 0:0 lib/x/libc.so.6",
                "755 0:0 llmobs",
            ]
        );
    }
}
