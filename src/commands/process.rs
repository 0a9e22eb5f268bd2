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

/// Watches for SIGHUP: a terminal says so that it is closed, and who has none asks so that files are read again.
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

/// Whether SIGHUP means that the terminal of this process is closed. What was started with `nohup` outlives its
/// terminal.
pub(super) fn hangup_ends() -> bool {
    let ignored = crate::files::read_text(std::path::Path::new("/proc/self/status"))
        .is_ok_and(|status| ignores_hangups(&status));
    // Only a process that has a terminal can open it by this name.
    !ignored && std::fs::File::open("/dev/tty").is_ok()
}

/// Reads `/proc/PID/status` (`proc_pid_status(5)`), to be asked before hangups are watched.
fn ignores_hangups(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: &str, expect: bool) {
        assert_eq!(ignores_hangups(status), expect);
    }

    #[test]
    fn a_process_of_nohup_is_known() {
        check("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n", true);
        check("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false);
        check("SigIgn:\t?\n", false);
        check("", false);
    }
}
