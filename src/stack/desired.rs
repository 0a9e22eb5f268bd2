//! What the stack should be: every name, volume, port and file, derived from plain values.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use crate::{
    docker::{ContainerSpec, Entry, EntryKind, NetworkSpec, VolumeSpec},
    remote::{Credentials, Endpoint},
    stack::{labels, settings},
};

/// Rendered files: path relative to the service's configuration folder → bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Jobs of Prometheus: name → endpoints, `host:port`.
pub type Jobs = BTreeMap<String, BTreeSet<String>>;

/// A project's name: lower-case letters, digits, `-` and `_`, beginning with a letter or digit, as compose has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Project(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot name a project: it takes lower-case letters, digits, `-` and `_`, and begins with a letter or digit"
)]
pub struct ProjectError {
    name: String,
}

impl Project {
    pub fn new(name: &str) -> Result<Self, ProjectError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = name.starts_with(plain) && name.chars().all(|c| plain(c) || c == '-' || c == '_');
        if fits { Ok(Self(name.to_owned())) } else { Err(ProjectError { name: name.to_owned() }) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of the services that a stack can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    Prometheus,
    Grafana,
    Exporter,
}

impl Component {
    /// The service's name, and the name that the others find it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
            Self::Exporter => "exporter",
        }
    }
}

/// What a stack is made of; each component may be absent.
#[derive(Debug, Clone)]
pub struct StackSpec {
    pub project: Project,
    /// The host's address that ports are published on.
    pub bind: IpAddr,
    pub prometheus: Option<PrometheusSpec>,
    pub grafana: Option<GrafanaSpec>,
    pub exporter: Option<ExporterSpec>,
}

#[derive(Debug, Clone)]
pub struct PrometheusSpec {
    /// Image reference with tag.
    pub image: String,
    pub host_port: u16,
    /// Go to `/etc/prometheus`; `prometheus.yml` among them.
    pub files: Files,
    /// The jobs with their endpoints, `host:port`, whose first scrape is waited for.
    pub jobs: Jobs,
}

#[derive(Debug, Clone)]
pub struct GrafanaSpec {
    /// Image reference with tag.
    pub image: String,
    pub host_port: u16,
    /// Go to `/etc/grafana/provisioning`.
    pub files: Files,
    /// The dashboard shown at `/`: a path in `files`.
    pub home_dashboard: Option<String>,
    /// Of the user `admin`; Grafana takes it at the first start and keeps it in its data volume.
    pub credentials: Credentials,
    /// The uids of the data sources whose health is waited for.
    pub datasources: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ExporterSpec {
    /// The tag of the image that is made from our binary.
    pub tag: String,
    /// Its [`contents_hash`](crate::docker::image::contents_hash).
    pub contents_hash: String,
    pub host_port: u16,
    /// Go to `/etc/llmobs`: `llmobs.yaml` and `runbooks/`.
    pub files: Files,
}

/// The whole stack as it should be.
#[derive(Debug, Clone)]
pub struct Desired {
    pub project: Project,
    pub network: NetworkSpec,
    /// The data volumes; each service has its config volume besides.
    pub volumes: Vec<VolumeSpec>,
    /// In the order prometheus, grafana, exporter.
    pub services: Vec<Service>,
}

/// A service as it should be.
#[derive(Debug, Clone)]
pub struct Service {
    pub component: Component,
    pub container: ContainerSpec,
    pub image: ImageOrigin,
    pub config_volume: VolumeSpec,
    /// Where the config volume is mounted.
    pub config_target: String,
    /// What the config volume holds: folders before what is in them.
    pub config: Vec<Entry>,
    /// Where this machine reaches it.
    pub endpoint: Endpoint,
    pub probe: Probe,
}

impl Service {
    /// Whether a configuration file is read each time it is needed, so that the service need not be told of a change.
    pub(super) fn reads_anew(&self, path: &str) -> bool {
        self.component == Component::Exporter && path.starts_with("runbooks/")
    }
}

/// Where an image comes from when it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageOrigin {
    /// A registry.
    Registry,
    /// We make it; with the hash of its contents.
    Made { contents_hash: String },
}

/// How to tell that a service is ready.
#[derive(Debug, Clone)]
pub enum Probe {
    Prometheus { jobs: Jobs },
    Grafana { credentials: Credentials, datasources: Vec<String> },
    Exporter,
}

/// Derives the whole stack.
pub fn desired(spec: &StackSpec) -> Desired {
    let project = &spec.project;
    let services = [
        spec.prometheus.as_ref().map(|part| settings::prometheus(project, spec.bind, part)),
        spec.grafana.as_ref().map(|part| settings::grafana(project, spec.bind, part)),
        spec.exporter.as_ref().map(|part| settings::exporter(project, spec.bind, part)),
    ];
    let data = |component: Component| {
        let short = format!("{}-data", component.name());
        VolumeSpec {
            name: format!("{project}_{short}"),
            labels: labels::of_volume(project.as_str(), &short, labels::VOLUME_DATA),
        }
    };
    let has_data = |service: &&Service| service.component != Component::Exporter;
    let services: Vec<_> = services.into_iter().flatten().collect();
    Desired {
        project: project.clone(),
        network: NetworkSpec { name: network_name(project), labels: labels::of_network(project.as_str()) },
        volumes: services.iter().filter(has_data).map(|service| data(service.component)).collect(),
        services,
    }
}

pub(super) fn network_name(project: &Project) -> String {
    format!("{project}_default")
}

/// Files with the folders that they need, readable by everybody.
pub(super) fn entries(files: &Files, further_folders: &[&str]) -> Vec<Entry> {
    let mut folders: BTreeSet<&str> = further_folders.iter().copied().collect();
    for path in files.keys() {
        folders.extend(path.match_indices('/').map(|(end, _)| &path[..end]));
    }
    let folders = folders.into_iter().map(|path| entry(path, 0o755, EntryKind::Folder));
    let files = files.iter().map(|(path, bytes)| entry(path, 0o444, EntryKind::File(bytes.clone())));
    folders.chain(files).collect()
}

fn entry(path: &str, mode: u32, kind: EntryKind) -> Entry {
    Entry { path: path.to_owned(), uid: 0, gid: 0, mode, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, fits: bool) {
        assert_eq!(Project::new(name).is_ok(), fits, "{name}");
    }

    #[test]
    fn project_names_are_those_of_compose() {
        check("llmobs", true);
        check("llmobs-2_b", true);
        check("0x", true);
        check("", false);
        check("-a", false);
        check("_a", false);
        check("Llmobs", false);
        check("a b", false);
        check("é", false);
    }

    #[test]
    fn folders_come_before_their_files() {
        let files = Files::from([("a/b/c.yml".to_owned(), b"x".to_vec()), ("z.yml".to_owned(), Vec::new())]);
        let seen: Vec<_> =
            entries(&files, &["plugins"]).into_iter().map(|entry| (entry.path, entry.mode)).collect();
        let expect =
            [("a", 0o755), ("a/b", 0o755), ("plugins", 0o755), ("a/b/c.yml", 0o444), ("z.yml", 0o444)];
        assert_eq!(seen, expect.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
