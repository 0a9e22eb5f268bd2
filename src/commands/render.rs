//! `llmobs render`: the whole bundle as a folder.

use serde::Serialize;

use crate::{
    cli::{Format, Global, Render as Args},
    files::{self, Conflict, ConflictKind, OutputError, Overwrite, StaleKind, Written},
    stack::{Component, Desired},
    ui::{Align, Cell, Table, Tone, Ui},
};

use super::{
    Exit,
    bundle::{Bundle, Purpose},
    configure::configure,
    exit::Hinted,
    process::Process,
};

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let configured = configure(global, &args.overrides, process)?;
    ui.diagnostics(&configured.warnings);
    let bundle = Bundle::make(configured, Purpose::folder()?)?;
    if args.check {
        return check(args, &bundle, ui);
    }
    let overwrite = if args.force { Overwrite::Force } else { Overwrite::Refuse };
    let written =
        files::write_output(&args.out, &bundle.files, overwrite).map_err(|error| refused(&error))?;
    ui.diagnostics(&bundle.notes);
    report(args, &written, &bundle.desired, ui)
}

fn refused(error: &OutputError) -> anyhow::Error {
    let is_edited = |conflict: &Conflict| conflict.kind == ConflictKind::Edited;
    let hint = match error {
        OutputError::Refused { conflicts, .. }
            if error.can_be_forced() && conflicts.iter().any(is_edited) =>
        {
            "move your changes into files of your own (`include:` in llmobs.yaml), or overwrite with `--force`"
        }
        _ if error.can_be_forced() => "choose another folder with `--out`, or overwrite with `--force`",
        _ => "choose another folder with `--out`, or move what is in the way",
    };
    Hinted::new(error.to_string(), hint).into()
}

#[derive(Serialize)]
struct WrittenFacts<'a> {
    version: u32,
    written: &'a [String],
    removed: &'a [String],
    unchanged: usize,
}

fn report(args: &Args, written: &Written, desired: &Desired, ui: &Ui) -> anyhow::Result<Exit> {
    if args.format == Format::Json {
        let facts = WrittenFacts {
            version: 1,
            written: &written.written,
            removed: &written.removed,
            unchanged: written.unchanged,
        };
        ui.answer(&serde_json::to_string_pretty(&facts)?);
        return Ok(Exit::Done);
    }
    for path in &written.written {
        ui.answer(&format!("wrote    {}", args.out.join(path).display()));
    }
    for path in &written.removed {
        ui.answer(&format!("removed  {}", args.out.join(path).display()));
    }
    let (count, out) = (written.written.len() + written.unchanged, args.out.display());
    match written.unchanged {
        0 => ui.say(&format!("{count} files in {out}")),
        all if all == count => ui.say(&format!("{count} files in {out}, all unchanged")),
        some => ui.say(&format!("{count} files in {out}, {some} of them unchanged")),
    }
    let has = |component| desired.services.iter().any(|service| service.component == component);
    let image = if has(Component::Exporter) { "llmobs image load && " } else { "" };
    let password = if has(Component::Grafana) { "GRAFANA_PASSWORD=… " } else { "" };
    let compose = args.out.join("compose.yaml");
    ui.say("");
    ui.say(&format!("Next:  {image}{password}docker compose -f {} up", compose.display()));
    ui.say("       or without the folder: llmobs up");
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct StaleFacts<'a> {
    version: u32,
    up_to_date: bool,
    stale: Vec<StaleFile<'a>>,
}

#[derive(Serialize)]
struct StaleFile<'a> {
    path: &'a str,
    kind: &'static str,
}

fn check(args: &Args, bundle: &Bundle, ui: &Ui) -> anyhow::Result<Exit> {
    let stale = files::check_output(&args.out, &bundle.files).map_err(|error| refused(&error))?;
    let exit = if stale.is_empty() { Exit::Done } else { Exit::No };
    let name = |kind: StaleKind| match kind {
        StaleKind::Changed => "changed",
        StaleKind::Missing => "missing",
        StaleKind::Extra => "extra",
    };
    if args.format == Format::Json {
        let facts = StaleFacts {
            version: 1,
            up_to_date: stale.is_empty(),
            stale: stale.iter().map(|file| StaleFile { path: &file.path, kind: name(file.kind) }).collect(),
        };
        ui.answer(&serde_json::to_string_pretty(&facts)?);
        return Ok(exit);
    }
    if stale.is_empty() {
        ui.say(&format!("{} is up to date", args.out.display()));
        return Ok(exit);
    }
    let mut table = Table::new([("File", Align::Left), ("State", Align::Left)]);
    for file in &stale {
        table.row([Cell::new(Tone::Plain, &file.path), Cell::new(Tone::Warning, name(file.kind))]);
    }
    ui.answer_table(&table);
    ui.say("");
    ui.say(&format!("{} is out of date", args.out.display()));
    ui.say("");
    ui.say(&format!("Next:  llmobs render --out {}", args.out.display()));
    Ok(exit)
}
