//! What can go wrong between us and the engine.

use std::fmt;

/// What the engine was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    AskVersion,
    ListContainers,
    ListVolumes,
    ListNetworks,
    ListImages,
    InspectImage(String),
    InspectContainer(String),
    PullImage(String),
    LoadImage,
    CreateNetwork(String),
    CreateVolume(String),
    CreateContainer(String),
    Upload(String),
    Download(String),
    Start(String),
    Stop(String),
    Kill(String),
    Restart(String),
    RemoveContainer(String),
    RemoveVolume(String),
    RemoveNetwork(String),
    RemoveImage(String),
    ReadLogs(String),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AskVersion => write!(f, "ask the engine for its version"),
            Self::ListContainers => write!(f, "list containers"),
            Self::ListVolumes => write!(f, "list volumes"),
            Self::ListNetworks => write!(f, "list networks"),
            Self::ListImages => write!(f, "list images"),
            Self::InspectImage(name) => write!(f, "inspect image `{name}`"),
            Self::InspectContainer(name) => write!(f, "inspect container `{name}`"),
            Self::PullImage(name) => write!(f, "pull image `{name}`"),
            Self::LoadImage => write!(f, "load an image"),
            Self::CreateNetwork(name) => write!(f, "create network `{name}`"),
            Self::CreateVolume(name) => write!(f, "create volume `{name}`"),
            Self::CreateContainer(name) => write!(f, "create container `{name}`"),
            Self::Upload(name) => write!(f, "upload files to container `{name}`"),
            Self::Download(name) => write!(f, "read files of container `{name}`"),
            Self::Start(name) => write!(f, "start container `{name}`"),
            Self::Stop(name) => write!(f, "stop container `{name}`"),
            Self::Kill(name) => write!(f, "signal container `{name}`"),
            Self::Restart(name) => write!(f, "restart container `{name}`"),
            Self::RemoveContainer(name) => write!(f, "remove container `{name}`"),
            Self::RemoveVolume(name) => write!(f, "remove volume `{name}`"),
            Self::RemoveNetwork(name) => write!(f, "remove network `{name}`"),
            Self::RemoveImage(name) => write!(f, "remove image `{name}`"),
            Self::ReadLogs(name) => write!(f, "read the log of container `{name}`"),
        }
    }
}

/// A failed call, told apart by what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("`DOCKER_HOST` is `{value}`, which is no address that llmobs can use")]
    BadAddress { value: String },
    #[error("cannot reach Docker: there is no socket at `{path}`")]
    SocketAbsent { path: String },
    #[error("cannot reach Docker: permission denied on the socket `{path}`")]
    SocketForbidden { path: String },
    #[error("cannot reach Docker: nothing answers at `{address}`: connection refused")]
    Refused { address: String },
    #[error("cannot reach Docker at `{address}`: {cause}")]
    Unreachable { address: String, cause: String },
    #[error("cannot {operation}: no answer in time")]
    Timeout { operation: Operation },
    #[error("cannot {operation}: a port is taken: {message}")]
    PortTaken { operation: Operation, message: String },
    #[error("cannot {operation}: the registry has no such image: {message}")]
    ImageUnknown { operation: Operation, message: String },
    #[error("cannot {operation}: the registry's limit of pulls is reached: {message}")]
    PullLimit { operation: Operation, message: String },
    #[error("cannot {operation}: the registry cannot be reached: {message}")]
    RegistryUnreachable { operation: Operation, message: String },
    #[error("cannot {operation}: it is not there: {message}")]
    NotFound { operation: Operation, message: String },
    /// In use, or a name that is taken.
    #[error("cannot {operation}: {message}")]
    Conflict { operation: Operation, message: String },
    #[error("cannot {operation}: {message}")]
    Failed { operation: Operation, message: String },
}

impl EngineError {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadAddress { .. } => {
                "use `unix:///path/to/docker.sock` or `tcp://host:port`, or unset `DOCKER_HOST`".to_owned()
            }
            Self::SocketAbsent { .. } => {
                "install Docker and start it, or set `DOCKER_HOST` to the address of your engine".to_owned()
            }
            Self::SocketForbidden { .. } => {
                "add yourself to the group that owns it (`sudo usermod -aG docker $USER`, then log in again), or set \
                 `DOCKER_HOST` to a rootless engine's socket"
                    .to_owned()
            }
            Self::Refused { .. } => {
                "start Docker (`sudo systemctl start docker`, or Docker Desktop), then try again".to_owned()
            }
            Self::Unreachable { .. } => "check `DOCKER_HOST`, and that the engine runs".to_owned(),
            Self::PortTaken { .. } => {
                "stop what holds the port, or choose others: `--port-offset N` or `stack.ports`".to_owned()
            }
            Self::ImageUnknown { .. } => "check the reference in `stack.images`".to_owned(),
            Self::PullLimit { .. } => {
                "wait, or run `docker login` and `docker pull` the image, then `--pull never`".to_owned()
            }
            Self::RegistryUnreachable { .. } => {
                "check the network of the Docker daemon and its proxy, or bring the image there with `docker load` \
                 and use `--pull never`"
                    .to_owned()
            }
            Self::Timeout { .. } | Self::NotFound { .. } | Self::Conflict { .. } | Self::Failed { .. } => return None,
        };
        Some(hint)
    }
}

/// Sorts an engine's answer by what it says; wording differs between Docker, its Desktop and Podman.
pub(super) fn from_answer(operation: Operation, status: u16, message: &str) -> EngineError {
    let message = message.trim().to_owned();
    let says = |needles: &[&str]| needles.iter().any(|needle| message.contains(needle));
    let registry = matches!(operation, Operation::PullImage(_));
    if says(&[
        "port is already allocated",
        "address already in use",
        "ports are not available",
        "cannot listen on the TCP port",
    ]) {
        EngineError::PortTaken { operation, message }
    } else if registry && says(&["toomanyrequests", "rate limit"]) {
        EngineError::PullLimit { operation, message }
    } else if registry
        && (status == 404
            || says(&["manifest unknown", "not found", "access denied", "does not exist", "denied:"]))
    {
        EngineError::ImageUnknown { operation, message }
    } else if registry
        && says(&[
            "connection refused",
            "no such host",
            "i/o timeout",
            "Client.Timeout",
            "TLS handshake",
            "unreachable",
        ])
    {
        EngineError::RegistryUnreachable { operation, message }
    } else if status == 404 {
        EngineError::NotFound { operation, message }
    } else if status == 409
        || says(&["already in use", "already exists", "is in use", "already used", "is ambiguous"])
    {
        EngineError::Conflict { operation, message }
    } else {
        EngineError::Failed { operation, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: Operation, status: u16, message: &str, expect: &str) {
        assert_eq!(from_answer(operation, status, message).to_string(), expect);
    }

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        let start = || Operation::Start("llmobs-prometheus-1".to_owned());
        let pull = || Operation::PullImage("prom/prometheus:v9".to_owned());
        check(
            start(),
            500,
            "Bind for 127.0.0.1:9090 failed: port is already allocated",
            "cannot start container `llmobs-prometheus-1`: a port is taken: Bind for 127.0.0.1:9090 failed: port is \
             already allocated",
        );
        check(
            pull(),
            404,
            "manifest unknown",
            "cannot pull image `prom/prometheus:v9`: the registry has no such image: manifest unknown",
        );
        check(
            pull(),
            500,
            "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
            "cannot pull image `prom/prometheus:v9`: the registry cannot be reached: Get \
             \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
        );
        check(
            pull(),
            429,
            "toomanyrequests: You have reached your unauthenticated pull rate limit",
            "cannot pull image `prom/prometheus:v9`: the registry's limit of pulls is reached: toomanyrequests: You \
             have reached your unauthenticated pull rate limit",
        );
        check(
            Operation::CreateContainer("a".to_owned()),
            500,
            "the container name \"a\" is already in use by 1",
            "cannot create container `a`: the container name \"a\" is already in use by 1",
        );
        check(
            Operation::Upload("a".to_owned()),
            404,
            "No such container: a",
            "cannot upload files to container `a`: it is not there: No such container: a",
        );
    }
}
