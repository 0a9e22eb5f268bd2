//! What the engine has and what it is asked to make, as plain values.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// Labels of a container, volume, network or image.
pub type Labels = BTreeMap<String, String>;

/// `json-file` logs of every container rotate at this size.
pub const LOG_MAX_SIZE: &str = "10m";
/// And this many files are kept.
pub const LOG_MAX_FILES: &str = "3";

/// What answers at the other end of the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    pub version: String,
    pub api_version: String,
    /// As Go calls it: `linux`.
    pub os: String,
    /// As Go calls it: `amd64`, `arm64`.
    pub architecture: String,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made, never started.
    Created,
    Running,
    Paused,
    /// Ended, and about to be started again by its restart policy.
    Restarting,
    Exited,
    Removing,
    /// Could not be removed.
    Dead,
}

/// A container as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// The id of the image it was made from, `sha256:…`.
    pub image_id: String,
    pub state: State,
    pub labels: Labels,
    /// Published TCP ports; empty unless it runs.
    pub ports: Vec<PublishedPort>,
    /// Network name → network id; the id is empty while the container has never been started.
    pub networks: BTreeMap<String, String>,
}

/// A TCP port of a container on an address of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishedPort {
    pub ip: IpAddr,
    pub host: u16,
    pub container: u16,
}

/// How a container fares, from an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub state: State,
    pub exit_code: i64,
    pub oom_killed: bool,
    pub restart_count: i64,
    /// RFC 3339 with nanoseconds, as the engine writes it.
    pub started_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    pub labels: Labels,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub labels: Labels,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…`.
    pub id: String,
    pub tags: Vec<String>,
    pub labels: Labels,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    pub name: String,
    pub labels: Labels,
}

/// A bridge network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    pub name: String,
    pub labels: Labels,
}

/// A container to make.
///
/// What never differs is not said here: each one drops all capabilities, may gain no privileges, restarts unless
/// stopped, and has its logs limited by [`LOG_MAX_SIZE`] and [`LOG_MAX_FILES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    pub name: String,
    /// Image reference.
    pub image: String,
    /// `uid:gid`.
    pub user: String,
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub labels: Labels,
    /// The one network it is on.
    pub network: String,
    /// Names that other containers on the network find it by.
    pub aliases: Vec<String>,
    pub ports: Vec<PublishedPort>,
    pub mounts: Vec<Mount>,
    /// `name:address`.
    pub extra_hosts: Vec<String>,
    pub root: RootFs,
    /// Bytes.
    pub memory: u64,
    pub stop_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootFs {
    ReadOnly,
    Writable,
}

/// A named volume in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub volume: String,
    /// Absolute path in the container.
    pub target: String,
    pub seed: Seed,
}

/// What an empty volume holds when it is first mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// What the image has at that path, with its owner.
    Image,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Hangup,
}

impl Signal {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
        }
    }
}

/// How far one layer of a pull has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullProgress {
    /// Short id of the layer.
    pub layer: String,
    /// As the engine says it: `Downloading`, `Extracting`, `Pull complete`.
    pub status: String,
    /// Bytes.
    pub current: u64,
    /// Bytes; absent where the engine does not know.
    pub total: Option<u64>,
}

/// Which lines of a container's log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSelection {
    /// The last so many lines; all of them when absent.
    pub tail: Option<u32>,
    /// Seconds since the Unix epoch.
    pub since: Option<i32>,
    pub follow: Follow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Stop at the end of what is there.
    No,
    /// Go on until the container ends.
    Yes,
}

/// Which of a process' streams wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Out,
    Err,
}

/// A line of a container's log, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub stream: Stream,
    pub text: String,
}
