//! What the process was started with: environment and clock, read here and nowhere else.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;

use crate::time::Timestamp;

/// The environment as it was at the start.
#[derive(Debug)]
pub(super) struct Process {
    env: BTreeMap<String, String>,
}

impl Process {
    /// Variables that are not UTF-8 are left out; none of ours can be among them.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(super) fn of_this_process() -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { env }
    }

    /// A variable that is set and not empty.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn variables(&self) -> Vec<(String, String)> {
        self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// All of standard input, as text.
pub(super) fn standard_input() -> anyhow::Result<String> {
    std::io::read_to_string(std::io::stdin()).context("cannot read standard input")
}

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(super) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Why the process is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Watches for Ctrl-C and SIGTERM from this call on, and ends with the first of them.
///
/// From here a signal no longer ends the process by itself. Where signals cannot be watched it waits for ever. To be
/// called within a runtime.
#[cfg(unix)]
pub(super) fn signal() -> impl Future<Output = Signal> {
    use tokio::signal::unix::{self, SignalKind};
    let next = async |watched: std::io::Result<unix::Signal>| match watched {
        Ok(mut watched) => drop(watched.recv().await),
        Err(_) => std::future::pending().await,
    };
    let interrupt = unix::signal(SignalKind::interrupt());
    let terminate = unix::signal(SignalKind::terminate());
    async move {
        tokio::select! {
            () = next(interrupt) => Signal::Interrupt,
            () = next(terminate) => Signal::Terminate,
        }
    }
}

/// Watches for Ctrl-C; where it cannot be watched it waits for ever.
#[cfg(not(unix))]
pub(super) async fn signal() -> Signal {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Signal::Interrupt,
        Err(_) => std::future::pending().await,
    }
}

/// Watches for SIGHUP, which asks a server to read its files again.
#[cfg(unix)]
pub(super) struct Hangups(Option<tokio::signal::unix::Signal>);

/// Watches from this call on; to be called within a runtime.
#[cfg(unix)]
pub(super) fn hangups() -> Hangups {
    use tokio::signal::unix::{self, SignalKind};
    Hangups(unix::signal(SignalKind::hangup()).ok())
}

#[cfg(unix)]
impl Hangups {
    /// The next one; where they cannot be watched there is none.
    pub(super) async fn next(&mut self) {
        match &mut self.0 {
            Some(watched) => drop(watched.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// There is no such signal.
#[cfg(not(unix))]
pub(super) struct Hangups;

#[cfg(not(unix))]
pub(super) fn hangups() -> Hangups {
    Hangups
}

#[cfg(not(unix))]
impl Hangups {
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
