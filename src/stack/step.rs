//! The steps of a plan, as data: what they are and how they read.

use std::{fmt, time::Duration};

use crate::{
    docker::{ContainerSpec, Entry, NetworkSpec, VolumeSpec},
    remote::{Credentials, Endpoint},
};

/// Steps in the order in which they are carried out; nothing to do when there are none.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Sorted by stage.
    pub steps: Vec<Step>,
    /// What is left alone, and why.
    pub notes: Vec<String>,
}

/// One thing to do, with its cause.
#[derive(Debug, Clone)]
pub struct Step {
    pub stage: Stage,
    pub action: Action,
    pub cause: String,
}

/// Steps of one stage do not depend on each other; a stage begins when the one before it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// First, so that a failed pull leaves everything as it is.
    Pulls,
    /// Those of our own making; not before the pulls, so that a failed one leaves none of ours behind.
    Images,
    RemoveContainers,
    RemoveNetworks,
    Create,
    Containers,
    Run,
    CleanUp,
}

#[derive(Debug, Clone)]
pub enum Action {
    Pull {
        reference: String,
    },
    /// Loads the image that is made from our binary.
    LoadImage {
        reference: String,
    },
    RemoveContainer {
        container: String,
        name: String,
        grace: Duration,
    },
    RemoveNetwork {
        id: String,
        name: String,
    },
    RemoveVolume {
        name: String,
    },
    RemoveImage {
        id: String,
        name: String,
    },
    CreateNetwork(NetworkSpec),
    CreateVolume(VolumeSpec),
    /// Makes a container with a new config volume and uploads its files.
    CreateContainer(Box<NewContainer>),
    Start {
        name: String,
    },
    /// Uploads files that are read when the container starts, or each time they are needed.
    Upload {
        name: String,
        target: String,
        files: Vec<Entry>,
        count: usize,
    },
    /// Uploads files to a container that runs, and has them read.
    Reload(Box<Reloading>),
}

#[derive(Debug, Clone)]
pub struct NewContainer {
    /// Id of the container that it takes the place of.
    pub replaces: Option<String>,
    pub spec: ContainerSpec,
    /// Name of the config volume of before, which is ours.
    pub discards: Option<String>,
    pub config_volume: VolumeSpec,
    pub config_target: String,
    pub files: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub struct Reloading {
    pub container: String,
    pub how: Reload,
    pub target: String,
    /// To upload first; empty when all are there already.
    pub files: Vec<Entry>,
    /// How many of them differ.
    pub count: usize,
    /// To upload once they are read.
    pub mark: Entry,
    pub grace: Duration,
}

/// How a running service is made to read its files.
#[derive(Debug, Clone)]
pub enum Reload {
    /// Prometheus, by SIGHUP; it tells by its metrics whether it took them.
    Hangup {
        endpoint: Endpoint,
    },
    /// Grafana, through its API; by a restart if it does not let us.
    Provisioning {
        endpoint: Endpoint,
        credentials: Credentials,
    },
    Restart,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn push(&mut self, stage: Stage, action: Action, cause: impl Into<String>) {
        self.steps.push(Step { stage, action, cause: cause.into() });
    }

    pub(super) fn sorted(mut self) -> Self {
        self.steps.sort_by_key(|step| step.stage);
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.cause)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = |count: usize| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        match self {
            Self::Pull { reference } => write!(f, "pull image {reference}"),
            Self::LoadImage { reference } => write!(f, "load image {reference}"),
            Self::RemoveContainer { name, .. } => write!(f, "remove container {name}"),
            Self::RemoveNetwork { name, .. } => write!(f, "remove network {name}"),
            Self::RemoveVolume { name } => write!(f, "remove volume {name}"),
            Self::RemoveImage { name, .. } => write!(f, "remove image {name}"),
            Self::CreateNetwork(spec) => write!(f, "create network {}", spec.name),
            Self::CreateVolume(spec) => write!(f, "create volume {}", spec.name),
            Self::CreateContainer(new) => {
                let verb = if new.replaces.is_some() { "recreate" } else { "create" };
                write!(f, "{verb} container {}", new.spec.name)
            }
            Self::Start { name } => write!(f, "start container {name}"),
            Self::Upload { name, count, .. } => write!(f, "upload {} to {name}", files(*count)),
            Self::Reload(reload) => {
                if reload.count > 0 {
                    write!(f, "upload {} to {}, ", files(reload.count), reload.container)?;
                }
                match reload.how {
                    Reload::Hangup { .. } => write!(f, "reload {} (SIGHUP)", reload.container),
                    Reload::Provisioning { .. } => {
                        write!(f, "reload {} (provisioning API)", reload.container)
                    }
                    Reload::Restart => write!(f, "restart {}", reload.container),
                }
            }
        }
    }
}
