//! Log lines in Grafana's form, on stdout.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// One line: who says it, how bad it is, and what.
pub(super) fn log(logger: &str, level: Level, message: impl fmt::Display) {
    println!("logger={logger} level={level} msg={:?}", message.to_string());
}
