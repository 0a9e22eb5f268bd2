//! What `llmobs fmt` has to say of the files it was given.

use serde::Serialize;

use crate::{
    cli::{Fmt as Args, Format},
    formats::rules::Formatted,
    text::{Change, Source, diff},
    ui::{Tone, Ui},
};

/// A file and what became of it.
pub(super) struct Outcome {
    pub(super) source: Source,
    pub(super) formatted: Formatted,
    pub(super) differs: bool,
    /// Not standard input.
    pub(super) is_file: bool,
}

/// Lines around each difference.
const CONTEXT: usize = 3;

pub(super) fn report(outcomes: &[Outcome], args: &Args, ui: &Ui) -> anyhow::Result<()> {
    if args.format == Format::Json {
        return json(outcomes, args, ui);
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.differs) {
        if args.check {
            show_diff(outcome, ui);
        } else if outcome.is_file {
            let changed = count(outcome.formatted.changed, "expression");
            ui.answer(&format!("formatted  {}  ({changed})", outcome.source.name()));
        }
    }
    let files = outcomes.iter().filter(|outcome| outcome.is_file).count();
    let differ = outcomes.iter().filter(|outcome| outcome.differs).count();
    match (args.check, differ) {
        (true, 0) => ui.say(&format!("{} formatted", are(outcomes.len()))),
        (true, differ) => {
            let are = if differ == 1 { "is" } else { "are" };
            ui.say(&format!("{differ} of {} {are} not formatted", count(outcomes.len(), "file")));
        }
        (false, _) if files == 0 => {}
        (false, 0) => ui.say(&format!("{} formatted already", are(files))),
        (false, differ) if differ == files => ui.say(&format!("{} formatted", count(files, "file"))),
        (false, differ) => ui.say(&format!("{differ} of {} formatted", count(files, "file"))),
    }
    Ok(())
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn are(files: usize) -> String {
    format!("{} {}", count(files, "file"), if files == 1 { "is" } else { "are" })
}

fn show_diff(outcome: &Outcome, ui: &Ui) {
    let (name, palette) = (outcome.source.name(), ui.palette());
    let mut lines = vec![
        palette.paint(Tone::Strong, &format!("--- {name}")),
        palette.paint(Tone::Strong, &format!("+++ {name} formatted")),
    ];
    for hunk in diff(outcome.source.text(), &outcome.formatted.text, CONTEXT) {
        let length = |left_out| hunk.lines.iter().filter(|(change, _)| *change != left_out).count();
        let (old, new) = (length(Change::Added), length(Change::Removed));
        lines.push(format!("@@ -{},{old} +{},{new} @@", hunk.old_line, hunk.new_line));
        lines.extend(hunk.lines.iter().map(|(change, line)| match change {
            Change::Same if line.is_empty() => String::new(),
            Change::Same => format!(" {line}"),
            Change::Removed => palette.paint(Tone::Bad, &format!("-{line}")),
            Change::Added => palette.paint(Tone::Good, &format!("+{line}")),
        }));
    }
    ui.answer(&lines.join("\n"));
}

#[derive(Serialize)]
struct Facts<'a> {
    version: u32,
    formatted: bool,
    files: Vec<FileFacts<'a>>,
}

#[derive(Serialize)]
struct FileFacts<'a> {
    path: &'a str,
    /// `unchanged`, `formatted`, or with `--check` `differs`.
    state: &'static str,
    expressions_changed: usize,
    left_alone: Vec<LeftAlone<'a>>,
    /// The text that came out of standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct LeftAlone<'a> {
    line: usize,
    column: usize,
    message: &'a str,
}

fn json(outcomes: &[Outcome], args: &Args, ui: &Ui) -> anyhow::Result<()> {
    let files = outcomes.iter().map(|outcome| FileFacts {
        path: outcome.source.name(),
        state: match (outcome.differs, args.check) {
            (false, _) => "unchanged",
            (true, false) => "formatted",
            (true, true) => "differs",
        },
        expressions_changed: outcome.formatted.changed,
        left_alone: outcome
            .formatted
            .left_alone
            .iter()
            .map(|note| {
                let at = note.labels.first().map_or(0, |label| label.span.start);
                let at = outcome.source.position(at);
                LeftAlone { line: at.line, column: at.column, message: &note.message }
            })
            .collect(),
        text: (!outcome.is_file).then_some(outcome.formatted.text.as_str()),
    });
    let facts = Facts {
        version: 1,
        formatted: !args.check || outcomes.iter().all(|outcome| !outcome.differs),
        files: files.collect(),
    };
    ui.answer(&serde_json::to_string_pretty(&facts)?);
    Ok(())
}
