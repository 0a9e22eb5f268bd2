//! What the API is told by its caller.

use std::time::Duration;

use crate::promql::syntax;

/// What Prometheus has as flags, and what only the caller knows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--web.enable-admin-api`: series can be deleted.
    pub admin: bool,
    /// `--web.enable-lifecycle`: `/-/reload` works.
    pub lifecycle: bool,
    /// `--web.enable-remote-write-receiver`.
    pub remote_write: bool,
    /// `--query.timeout`.
    pub query_timeout: Duration,
    /// `--query.max-samples`.
    pub max_samples: usize,
    /// `--query.lookback-delta`.
    pub lookback: Duration,
    /// Which part of the language is taken.
    pub syntax: syntax::Options,
    /// The Prometheus whose API this is: clients find out by it what they may ask for.
    pub version: String,
    /// This program and its version, where Prometheus names a commit.
    pub revision: String,
    /// What `status/flags` answers, sorted by name.
    pub flags: Vec<(String, String)>,
    /// `scheme://host:port` at which users reach this server; the host of it stands for `localhost` in the URLs of
    /// targets.
    pub external_url: String,
    /// The port of this server.
    pub port: u16,
    /// Name of this machine.
    pub hostname: String,
    /// Where `/` leads; a plain page of links where there is none.
    pub viewer: Option<String>,
    /// Host names of the public DNS by which this server may be called.
    pub hosts: Vec<String>,
    /// Lines of exposition text about the process (`process_*`), asked for at each scrape of `/metrics`.
    pub process: fn() -> String,
}

impl Default for Settings {
    /// As Prometheus has them, for port 9090.
    fn default() -> Self {
        Self {
            admin: false,
            lifecycle: false,
            remote_write: true,
            query_timeout: Duration::from_mins(2),
            max_samples: 50_000_000,
            lookback: Duration::from_mins(5),
            syntax: syntax::Options::default(),
            version: "3.16.0".to_owned(),
            revision: concat!("llmobs-", env!("CARGO_PKG_VERSION")).to_owned(),
            flags: Vec::new(),
            external_url: "http://localhost:9090".to_owned(),
            port: 9090,
            hostname: "localhost".to_owned(),
            viewer: None,
            hosts: Vec::new(),
            process: String::new,
        }
    }
}
