//! `llmobs sources`: what each metric source can give.

use std::{ffi::OsStr, path::Path};

use serde::Serialize;

use crate::{
    cli::{Format, Sources as Args},
    sources::{self, Quantity, Source},
    text::nearest,
    ui::{Align, Cell, Table, Tone, Ui},
};

use super::{Exit, configure::load_source, exit::Hinted};

pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    match &args.name {
        None => list(args.format, ui),
        Some(name) => show(&find(name)?, args.format, ui),
    }
}

fn find(name: &str) -> anyhow::Result<Source> {
    if let Some(source) = sources::builtin(name) {
        return Ok(source.clone());
    }
    let path = Path::new(name);
    let is_yaml = |extension: &OsStr| extension == "yaml" || extension == "yml";
    if name.contains('/') || path.extension().is_some_and(is_yaml) {
        return load_source(path);
    }
    let names = sources::builtin_names();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}; a file of your own goes by its path", names.join(", ")),
    };
    Err(Hinted::new(format!("there is no source `{name}`"), hint).into())
}

/// One source as scripts read it.
#[derive(Serialize)]
struct SourceFacts<'a> {
    version: u32,
    name: &'a str,
    title: &'a str,
    upstream: &'a str,
    gives: Vec<&'static str>,
    /// What llmobs computes from the others.
    derived: Vec<&'static str>,
    lacks: Vec<&'static str>,
    families: Vec<&'a str>,
}

fn facts(source: &Source) -> SourceFacts<'_> {
    let of = |wanted: Giving| {
        let all = Quantity::ALL.into_iter().filter(|quantity| giving(source, *quantity) == wanted);
        all.map(Quantity::name).collect()
    };
    SourceFacts {
        version: 1,
        name: &source.name,
        title: &source.title,
        upstream: &source.upstream,
        gives: of(Giving::Itself),
        derived: of(Giving::Derived),
        lacks: of(Giving::Not),
        families: source.families.iter().map(|family| family.name.as_str()).collect(),
    }
}

fn list(format: Format, ui: &Ui) -> anyhow::Result<Exit> {
    let shipped: Vec<&Source> = sources::builtin_names().into_iter().filter_map(sources::builtin).collect();
    if format == Format::Json {
        let all: Vec<_> = shipped.iter().map(|source| facts(source)).collect();
        ui.answer(&serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Done);
    }
    let mut columns = vec![("Quantity", Align::Left)];
    columns.extend(sources::builtin_names().into_iter().map(|name| (name, Align::Left)));
    let mut table = Table::new(columns);
    for quantity in Quantity::ALL {
        let mut row = vec![Cell::new(Tone::Plain, quantity.name())];
        row.extend(shipped.iter().map(|source| answer(source, quantity)));
        table.row(row);
    }
    ui.answer_table(&table);
    ui.say("");
    ui.say("Next:  llmobs sources vllm");
    Ok(Exit::Done)
}

/// How a source comes to a quantity.
#[derive(PartialEq, Eq)]
enum Giving {
    Itself,
    Derived,
    Not,
}

fn giving(source: &Source, quantity: Quantity) -> Giving {
    if source.gives(quantity) {
        Giving::Itself
    } else if quantity == Quantity::Cost && source.prices_its_tokens() {
        Giving::Derived
    } else {
        Giving::Not
    }
}

fn answer(source: &Source, quantity: Quantity) -> Cell {
    match giving(source, quantity) {
        Giving::Itself => Cell::new(Tone::Good, "yes"),
        Giving::Derived => Cell::new(Tone::Plain, "from tokens and prices"),
        Giving::Not => Cell::new(Tone::Dim, "-"),
    }
}

fn show(source: &Source, format: Format, ui: &Ui) -> anyhow::Result<Exit> {
    if format == Format::Json {
        ui.answer(&serde_json::to_string_pretty(&facts(source))?);
        return Ok(Exit::Done);
    }
    ui.answer(&format!("{}: {}\nread from {}\n\n", source.name, source.title, source.upstream));
    let mut table = Table::new([("Family", Align::Left), ("Type", Align::Left), ("What it is", Align::Left)]);
    for family in &source.families {
        table.row([
            Cell::new(Tone::Plain, &family.name),
            Cell::new(Tone::Plain, family.kind.name()),
            Cell::new(Tone::Dim, &family.help),
        ]);
    }
    ui.answer_table(&table);
    let facts = facts(source);
    ui.answer("");
    let lines = [
        ("Gives", &facts.gives, ""),
        ("Derived", &facts.derived, " (from tokens and prices)"),
        ("Lacks", &facts.lacks, ""),
    ];
    for (name, quantities, how) in lines.into_iter().filter(|(_, quantities, _)| !quantities.is_empty()) {
        ui.answer(&format!("{name}: {}{how}", quantities.join(", ")));
    }
    Ok(Exit::Done)
}
