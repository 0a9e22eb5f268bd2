//! `llmobs test --unit`: promtool's unit tests for rules.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use regex::Regex;

use crate::{
    cli::Test as Args,
    diagnostic::{Diagnostic, Severity},
    files,
    formats::{
        rules::{self, RuleFile},
        unit_test::{self as format, TestFile, TestGroup},
    },
    promql::syntax::Options,
    text::{Source, Span},
    ui::Ui,
    unit_test,
};

use super::{
    Exit,
    exit::{Hinted, Refused},
    test_report::{self, Ran, RanFile},
};

pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    if !args.unit {
        let hint = "run promtool's unit tests for rules with `llmobs test --unit FILE…`";
        return Err(Hinted::new("`llmobs test` has only unit tests yet", hint).into());
    }
    if args.files.is_empty() {
        let hint = "name files as they are given to `promtool test rules`: `llmobs test --unit tests/*.yml`";
        return Err(Hinted::new("no file of unit tests is named", hint).into());
    }
    let wanted = wanted(&args.run)?;
    let options = Options { experimental: args.experimental, variables: false };
    let mut mistakes = Vec::new();
    let mut suites = Vec::new();
    for path in &args.files {
        suites.extend(Suite::load(path, options, &mut mistakes)?);
    }
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        return Err(Refused::of_rules(mistakes).into());
    }
    ui.diagnostics(&mistakes);
    let mut ran = Vec::new();
    for suite in suites {
        ran.push(suite.run(wanted.as_ref(), options)?);
    }
    if ran.iter().all(|file| file.tests.is_empty()) {
        ui.warn("no test was run: none is there, or none has a name that `--run` matches");
    }
    test_report::report(&ran, args.format, ui)?;
    let failed = ran.iter().flat_map(|file| &file.tests).any(|test| !test.failures.is_empty());
    Ok(if failed { Exit::No } else { Exit::Done })
}

/// Which names are run; all where nothing is said. As in promtool, a part of the name is enough.
fn wanted(patterns: &[String]) -> anyhow::Result<Option<Regex>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let joined = patterns.join("|");
    let wanted = Regex::new(&joined).map_err(|error| {
        Hinted::new(
            format!("`--run {joined}` is no regular expression: {error}"),
            "write a part of a test's name",
        )
    })?;
    Ok(Some(wanted))
}

/// A file of tests with the rules that it names.
struct Suite {
    source: Source,
    file: TestFile,
    rules: Vec<RuleFile>,
}

impl Suite {
    /// `None` where the tests or their rules have mistakes; these are added.
    fn load(path: &Path, options: Options, mistakes: &mut Vec<Diagnostic>) -> anyhow::Result<Option<Self>> {
        let source = Source::new(path.display().to_string(), files::read_text(path)?);
        let file = match format::read(&source, &options) {
            Ok((file, warnings)) => {
                mistakes.extend(warnings);
                file
            }
            Err(more) => {
                mistakes.extend(more);
                return Ok(None);
            }
        };
        let mut rules = Vec::new();
        for path in rule_files(path, &source, &file, mistakes)? {
            let text = files::read_text(&path).context("cannot load the rules under test")?;
            match rules::read(&Source::new(path.display().to_string(), text), &options) {
                Ok((file, warnings)) => {
                    mistakes.extend(warnings);
                    rules.push(file);
                }
                Err(more) => mistakes.extend(more),
            }
        }
        Ok(Some(Self { source, file, rules }))
    }

    fn run(self, wanted: Option<&Regex>, options: Options) -> anyhow::Result<RanFile> {
        let groups: Vec<_> = self.rules.iter().flat_map(RuleFile::groups).collect();
        let is_wanted = |test: &&TestGroup| {
            let name = test.name.as_ref().map_or("", |name| name.as_str());
            wanted.is_none_or(|wanted| wanted.is_match(name))
        };
        let mut tests = Vec::new();
        for test in self.file.tests.iter().filter(is_wanted) {
            let failures = unit_test::run(&self.file, test, &groups, options).map_err(|mistakes| {
                let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
                anyhow::anyhow!("the rules under test cannot be run: {first}")
            })?;
            let name = test.name.as_ref().map(|name| name.as_str().to_owned());
            tests.push(Ran { name, place: test.span, failures });
        }
        Ok(RanFile { source: self.source, tests })
    }
}

/// The files that the patterns of a test file name, each once; relative to its folder.
fn rule_files(
    path: &Path,
    source: &Source,
    file: &TestFile,
    mistakes: &mut Vec<Diagnostic>,
) -> anyhow::Result<Vec<PathBuf>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found: Vec<PathBuf> = Vec::new();
    for pattern in &file.rule_files {
        let at = |mistake: Diagnostic| mistake.at(source, first_line(source, pattern.span()), "");
        let matched = match files::glob(&folder.join(pattern.as_str())) {
            Ok(matched) => matched,
            Err(error @ files::FileError::Pattern { .. }) => {
                mistakes.push(at(Diagnostic::error(error.to_string())));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if matched.is_empty() {
            let message = format!("`{}` names no file", pattern.as_str());
            mistakes.push(at(Diagnostic::warning(message)).help("paths are relative to the file of tests"));
        }
        for path in matched {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn first_line(source: &Source, span: Span) -> Span {
    let line = source.slice(span).lines().next().unwrap_or_default();
    Span::new(span.start, span.start + line.len())
}
