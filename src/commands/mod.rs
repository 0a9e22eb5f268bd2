//! One file per verb: resolve what was typed, wire the rooms together, report.
//!
//! Owns: the process' edges: arguments, environment, clock, working folder, exit code.
//! Must not know: nothing; but no decision of the domain is made here.
//! Invariants: a command returns its outcome and never ends the process itself.
//! Start reading at: [`main`].

mod bundle;
mod choose;
mod completions;
mod configure;
mod down;
mod embedded;
mod engine;
mod exit;
mod exporter;
mod exporter_image;
mod fmt;
mod fmt_report;
mod image;
mod init;
mod logs;
mod process;
mod progress;
mod query;
mod render;
mod sources;
mod state;
mod status;
mod test;
mod test_report;
mod up;
mod urls;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Color, Command, ImageCommand},
    docker::EngineError,
    ui::{ColorChoice, Terminal, Ui},
};

pub use exit::Exit;
use exit::{Hinted, Refused};
use process::Process;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let process = Process::of_this_process();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap decides between stdout with 0 (help, version) and stderr with 2.
        Err(shown) => {
            let code = if shown.use_stderr() { Exit::Failed } else { Exit::Done };
            // A closed pipe is no failure of ours.
            let _ = shown.print();
            return code.into();
        }
    };
    let choice = match cli.global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let ui = Ui::new(choice, Terminal::of_this_process(|name| process.env(name).map(str::to_owned)));
    let exit = run(&cli, &process, &ui).unwrap_or_else(|error| {
        report(&ui, &error);
        Exit::Failed
    });
    // An answer that could not be written is no answer.
    let exit = if ui.failure().is_some() { Exit::Failed } else { exit };
    exit.into()
}

fn run(cli: &Cli, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Up(args) => up::run(args, global, process, ui),
        Command::Down(args) => down::run(args, global, process, ui),
        Command::Status(args) => status::run(args, global, process, ui),
        Command::Logs(args) => logs::run(args, global, process, ui),
        Command::Image { command: ImageCommand::Load } => image::load(process, ui),
        Command::Query(args) => query::run(args, global, process, ui),
        Command::Render(args) => render::run(args, global, process, ui),
        Command::Init(args) => init::run(args, global, ui),
        Command::Sources(args) => sources::run(args, ui),
        Command::Fmt(args) => fmt::run(args, ui),
        Command::Test(args) => test::run(args, ui),
        Command::Exporter(args) => exporter::run(args, global, process, ui),
        Command::Completions { shell } => Ok(completions::run(*shell, ui)),
    }
}

/// Says why a command could not do its work: what, then why, then what to do.
fn report(ui: &Ui, error: &anyhow::Error) {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        ui.diagnostics(&refused.0);
        return;
    }
    ui.error(&format!("{error:#}"));
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            ui.hint(&hinted.hint);
        } else if let Some(hint) = cause.downcast_ref::<EngineError>().and_then(EngineError::hint) {
            ui.hint(&hint);
        }
    }
}
