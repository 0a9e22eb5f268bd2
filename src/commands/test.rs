//! `llmobs test --unit`: promtool's unit tests for rules.

use crate::{cli::Test as Args, ui::Ui};

use super::{Exit, exit::Hinted, process::Process};

pub(super) fn run(args: &Args, _process: &Process, _ui: &Ui) -> anyhow::Result<Exit> {
    if !args.unit {
        let hint = "write `llmobs test --unit FILE…` to run promtool's unit tests";
        return Err(Hinted::new("`llmobs test` has no tests of its own yet", hint).into());
    }
    Ok(Exit::Done)
}
