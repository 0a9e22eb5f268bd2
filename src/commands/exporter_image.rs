//! The exporter's container image, made from the binary that runs now.

use std::{collections::BTreeMap, io};

use anyhow::Context as _;

use crate::{
    docker::{
        executable::{Executable, read_executable},
        image::{self, Folder, ImageSpec},
    },
    stack::labels,
};

/// Goes by our version, as `compose.yaml` names it.
pub(super) const TAG: &str = concat!("llmobs-exporter:", env!("CARGO_PKG_VERSION"));

/// What the image is made of.
pub(super) struct ExporterImage {
    spec: ImageSpec,
    executable: Executable,
}

impl ExporterImage {
    /// Reads this binary and the shared libraries it loads.
    pub(super) fn read() -> anyhow::Result<Self> {
        let path = std::env::current_exe().context("cannot tell where this binary is")?;
        let executable = read_executable(&path)?;
        let spec = ImageSpec {
            tag: TAG.to_owned(),
            program: "/llmobs".to_owned(),
            arguments: vec!["exporter".to_owned(), "--bind".to_owned(), "0.0.0.0".to_owned()],
            user: "65534:65534".to_owned(),
            ports: vec![9091],
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            hash_label: labels::IMAGE.to_owned(),
            folders: vec![Folder { path: "/etc/llmobs".to_owned(), uid: 0, gid: 0, mode: 0o755 }],
        };
        Ok(Self { spec, executable })
    }

    pub(super) fn hash(&self) -> String {
        image::contents_hash(&self.spec, &self.executable)
    }

    /// A docker-archive.
    pub(super) fn archive(&self) -> io::Result<Vec<u8>> {
        image::archive(&self.spec, &self.executable)
    }

    /// As Docker names architectures.
    pub(super) fn architecture(&self) -> &str {
        &self.executable.architecture
    }
}
