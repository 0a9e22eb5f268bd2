//! The address of an engine.

use std::fmt;

use crate::docker::EngineError;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Where the engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Path of a Unix socket.
    Unix(String),
    /// `host:port`.
    Tcp(String),
}

impl Address {
    /// Reads the value of `DOCKER_HOST`; without one it is the default socket.
    pub fn from_docker_host(value: Option<&str>) -> Result<Self, EngineError> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(Self::Unix(DEFAULT_SOCKET.to_owned()));
        };
        let refused = || EngineError::BadAddress { value: value.to_owned() };
        match value.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.to_owned())),
            Some(("tcp" | "http", authority)) => {
                let authority = authority.trim_end_matches('/');
                if authority.is_empty() || authority.contains('/') {
                    return Err(refused());
                }
                let with_port =
                    authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                Ok(Self::Tcp(if with_port { authority.to_owned() } else { format!("{authority}:2375") }))
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: Option<&str>, expect: Option<&str>) {
        let address = Address::from_docker_host(value).ok().map(|address| address.to_string());
        assert_eq!(address.as_deref(), expect);
    }

    #[test]
    fn docker_host_is_a_socket_or_a_tcp_address() {
        check(None, Some("/var/run/docker.sock"));
        check(Some(""), Some("/var/run/docker.sock"));
        check(Some("unix:///run/user/1000/docker.sock"), Some("/run/user/1000/docker.sock"));
        check(Some("tcp://127.0.0.1:2375"), Some("tcp://127.0.0.1:2375"));
        check(Some("tcp://box/"), Some("tcp://box:2375"));
        check(Some("http://[::1]:99"), Some("tcp://[::1]:99"));
        check(Some("unix://relative"), None);
        check(Some("ssh://me@box"), None);
        check(Some("tcp://box/path"), None);
        check(Some("/var/run/docker.sock"), None);
    }
}
