//! `llmobs fmt`: expressions laid out, in rule files and alone.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    cli::{Fmt as Args, Format},
    diagnostic::{Diagnostic, Severity},
    files,
    formats::rules::{self, Formatted},
    promql::syntax::{self, Options},
    text::{Source, Span},
    ui::Ui,
};

use super::{
    Exit,
    exit::{Hinted, Refused},
    fmt_report::{self, Outcome},
    process,
};

/// The name of standard input among files.
const STDIN: &str = "-";

pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let options = Options { experimental: args.experimental, variables: false };
    if let Some(text) = &args.expr {
        return expression(text, options, args.format, ui);
    }
    let inputs = inputs(&args.files)?;
    let mut mistakes = Vec::new();
    let mut done = Vec::new();
    for input in inputs {
        match formatted(&input.source, options) {
            Ok((formatted, warnings)) => {
                mistakes.extend(warnings);
                done.push((input, formatted));
            }
            Err(more) => mistakes.extend(more),
        }
    }
    // Half of a change is worse than none: nothing is written unless every file can be.
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        return Err(Refused::of_rules(mistakes).into());
    }
    ui.diagnostics(&mistakes);
    let mut outcomes = Vec::new();
    for (input, formatted) in done {
        let differs = formatted.text != input.source.text();
        if let (true, false, Some(path)) = (differs, args.check, &input.path) {
            files::replace(path, formatted.text.as_bytes())?;
        }
        if input.path.is_none() && !args.check && args.format == Format::Text {
            ui.answer_bytes(formatted.text.as_bytes());
        }
        ui.diagnostics(&formatted.left_alone);
        outcomes.push(Outcome { source: input.source, formatted, differs, is_file: input.path.is_some() });
    }
    fmt_report::report(&outcomes, args, ui)?;
    let unformatted = args.check && outcomes.iter().any(|outcome| outcome.differs);
    Ok(if unformatted { Exit::No } else { Exit::Done })
}

struct Input {
    /// None for standard input.
    path: Option<PathBuf>,
    source: Source,
}

fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    if paths.len() > 1 && paths.iter().any(|path| path == Path::new(STDIN)) {
        let hint = "format the files in a call of their own";
        return Err(Hinted::new("standard input `-` cannot be mixed with files", hint).into());
    }
    let mut inputs = Vec::new();
    for path in paths {
        if path == Path::new(STDIN) {
            inputs.push(Input { path: None, source: Source::new("stdin", process::standard_input()?) });
        } else if path.is_dir() {
            let before = inputs.len();
            for path in files::find(path, &[".yml", ".yaml"])? {
                let text = files::read_text(&path)?;
                if is_rule_file(&text) {
                    inputs.push(Input::file(path, text));
                }
            }
            if inputs.len() == before {
                let message = format!("there is no rule file below `{}`", path.display());
                let hint = "rule files end in `.yml` or `.yaml` and have a key `groups`";
                return Err(Hinted::new(message, hint).into());
            }
        } else {
            inputs.push(Input::file(path.clone(), files::read_text(path)?));
        }
    }
    Ok(inputs)
}

impl Input {
    fn file(path: PathBuf, text: String) -> Self {
        let source = Source::new(path.display().to_string(), text);
        Self { path: Some(path), source }
    }
}

/// In a folder there may be YAML of all kinds, and templates that are none.
fn is_rule_file(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("groups:"))
}

fn formatted(source: &Source, options: Options) -> Result<(Formatted, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (file, warnings) = rules::read(source, &options)?;
    Ok((rules::format(source, &file, &options)?, warnings))
}

#[derive(Serialize)]
struct Facts<'a> {
    version: u32,
    /// In the lines that the text format shows.
    expr: &'a str,
    line: &'a str,
}

fn expression(text: &str, options: Options, format: Format, ui: &Ui) -> anyhow::Result<Exit> {
    let source = if text == STDIN {
        Source::new("stdin", process::standard_input()?)
    } else {
        Source::new("--expr", text)
    };
    let expr = match syntax::parse(source.text(), &options) {
        Ok(expr) => expr,
        Err(errors) => return Err(Refused::of_rules(errors.diagnostics(&source, |span| span)).into()),
    };
    let has_comment = rules::has_comment(source.text());
    if has_comment {
        let note = Diagnostic::note("the expression is left as it is: it holds a comment").at(
            &source,
            Span::new(0, source.text().len()),
            "",
        );
        ui.diagnostics(&[note]);
    }
    let pretty =
        if has_comment { source.text().trim().to_owned() } else { syntax::pretty(&expr, syntax::WIDTH) };
    match format {
        Format::Text => ui.answer(&pretty),
        Format::Json => {
            let line = expr.to_string();
            ui.answer(&serde_json::to_string_pretty(&Facts { version: 1, expr: &pretty, line: &line })?);
        }
    }
    Ok(Exit::Done)
}
