//! `llmobs completions`: a completion script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, ui::Ui};

use super::Exit;

pub(super) fn run(shell: Shell, ui: &Ui) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "llmobs", &mut script);
    ui.answer_bytes(&script);
    Exit::Done
}
