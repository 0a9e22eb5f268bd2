//! How a command ends.

use std::process::ExitCode;

use crate::diagnostic::Diagnostic;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done and clean.
    Done,
    /// It worked, and the answer is no.
    No,
    /// It could not be done.
    Failed,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Failed => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// Mistakes in what the user wrote, to be drawn with their places.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has mistakes")]
pub(super) struct Refused(pub(super) Vec<Diagnostic>);

impl Refused {
    /// Mistakes in rules or expressions, where what is not enabled can be by a flag.
    pub(super) fn of_rules(mut mistakes: Vec<Diagnostic>) -> Self {
        for mistake in &mut mistakes {
            if mistake.help.is_none() && mistake.message.ends_with("not enabled") {
                mistake.help = Some(
                    "Prometheus has it behind a feature flag; accept it with `--experimental`".to_owned(),
                );
            }
        }
        Self(mistakes)
    }
}

/// A failure and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Hinted {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Hinted {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}
