//! What `llmobs test --unit` has to say of the tests that it ran.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    cli::Format,
    promql,
    text::{Source, Span},
    ui::{Tone, Ui},
    unit_test::{Difference, Failure, FailureKind, Pairs, ShownAlert, ShownSample},
};

pub(super) struct RanFile {
    pub(super) source: Source,
    pub(super) tests: Vec<Ran>,
}

/// A test that was run.
pub(super) struct Ran {
    pub(super) name: Option<String>,
    pub(super) place: Span,
    pub(super) failures: Vec<Failure>,
}

pub(super) fn report(files: &[RanFile], format: Format, ui: &Ui) -> anyhow::Result<()> {
    if format == Format::Json {
        ui.answer(&serde_json::to_string_pretty(&facts(files))?);
        return Ok(());
    }
    let palette = ui.palette();
    for file in files {
        for test in &file.tests {
            let verdict = if test.failures.is_empty() {
                palette.paint(Tone::Good, "ok  ")
            } else {
                palette.paint(Tone::Bad, "FAIL")
            };
            let name = test.name.as_deref().unwrap_or("(no name)");
            ui.answer(&format!("{verdict}  {}  {name}", place(&file.source, test.place)));
            for failure in &test.failures {
                ui.answer(&shown(failure, &file.source, ui).join("\n"));
            }
        }
    }
    let all = files.iter().map(|file| file.tests.len()).sum::<usize>();
    let failed = count_failed(files);
    let tests = if all == 1 { "1 test".to_owned() } else { format!("{all} tests") };
    match failed {
        0 => ui.say(&format!("{tests} passed")),
        failed => ui.say(&format!("{failed} of {tests} failed")),
    }
    Ok(())
}

fn count_failed(files: &[RanFile]) -> usize {
    files.iter().flat_map(|file| &file.tests).filter(|test| !test.failures.is_empty()).count()
}

fn place(source: &Source, span: Span) -> String {
    format!("{}:{}", source.name(), source.position(span.start).line)
}

/// The lines of a failure.
fn shown(failure: &Failure, source: &Source, ui: &Ui) -> Vec<String> {
    let palette = ui.palette();
    let place = palette.paint(Tone::Dim, &place(source, failure.place));
    let head = |what: &str, name: &str| {
        let mut lines = name.lines();
        let first = lines.next().unwrap_or_default();
        let mut head = vec![format!("  {what} {first}")];
        head.extend(lines.map(|line| format!("  {}{line}", " ".repeat(what.len() + 1))));
        if let Some(last) = head.last_mut() {
            *last = format!("{last}  at {}  {place}", failure.at);
        }
        head
    };
    match &failure.kind {
        FailureKind::Alerts { alertname, difference } => {
            let mut lines = head("alert", alertname);
            lines.extend(differing(difference, ui, alert_lines));
            lines
        }
        FailureKind::Samples { expr, difference } => {
            let mut lines = head("expr", expr);
            lines.extend(differing(difference, ui, |sample| vec![sample_line(sample)]));
            if difference
                .pairs
                .iter()
                .any(|(expected, _)| expected.as_ref().is_some_and(|sample| sample.value.is_nan()))
            {
                lines.push("    NaN equals nothing, itself included; test `EXPR != EXPR` instead".to_owned());
            }
            lines
        }
        FailureKind::Expr { expr, message } => {
            let mut lines = head("expr", expr);
            lines.push(format!("    error     {message}"));
            lines
        }
        FailureKind::Rule { rule, message } => {
            let mut lines = head("rule", rule);
            lines.push(format!("    error     {message}"));
            lines
        }
    }
}

/// What was expected above what came, in columns.
fn differing<T>(difference: &Difference<T>, ui: &Ui, lines_of: impl Fn(&T) -> Vec<String>) -> Vec<String> {
    let palette = ui.palette();
    let mut lines = Vec::new();
    for (expected, got) in &difference.pairs {
        for (item, word, tone) in [(expected, "expected", Tone::Good), (got, "got     ", Tone::Bad)] {
            let texts = item.as_ref().map_or_else(|| vec!["nothing".to_owned()], &lines_of);
            for (index, text) in texts.iter().enumerate() {
                let word = if index == 0 { palette.paint(tone, word) } else { " ".repeat(word.len()) };
                lines.push(format!("    {word}  {text}"));
            }
        }
    }
    match difference.as_expected {
        0 => {}
        1 => lines.push("    and 1 as expected".to_owned()),
        more => lines.push(format!("    and {more} as expected")),
    }
    lines
}

fn alert_lines(alert: &ShownAlert) -> Vec<String> {
    let mut lines = vec![labels(&alert.labels)];
    let width = alert.annotations.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.extend(alert.annotations.iter().map(|(name, text)| format!("  {name:width$} = {text:?}")));
    lines
}

fn sample_line(sample: &ShownSample) -> String {
    format!("{} {}", labels(&sample.labels), value(sample.value))
}

/// As in a query: the name in front of the braces.
fn labels(pairs: &Pairs) -> String {
    let name = pairs.iter().find(|(name, _)| name == "__name__").map_or("", |(_, value)| value);
    let rest = pairs.iter().filter(|(name, _)| name != "__name__");
    let rest: Vec<String> = rest.map(|(name, value)| format!("{name}={value:?}")).collect();
    if rest.is_empty() && !name.is_empty() {
        name.to_owned()
    } else {
        format!("{name}{{{}}}", rest.join(", "))
    }
}

fn value(value: f64) -> String {
    promql::syntax::Number { value, is_duration: false }.to_string()
}

#[derive(Serialize)]
struct Facts<'a> {
    version: u32,
    passed: usize,
    failed: usize,
    files: Vec<FileFacts<'a>>,
}

#[derive(Serialize)]
struct FileFacts<'a> {
    path: &'a str,
    tests: Vec<TestFacts<'a>>,
}

#[derive(Serialize)]
struct TestFacts<'a> {
    name: Option<&'a str>,
    line: usize,
    passed: bool,
    failures: Vec<FailureFacts<'a>>,
}

#[derive(Serialize, Default)]
struct FailureFacts<'a> {
    /// `alert`, `expr` or `rule`.
    kind: &'static str,
    /// Of the alert or the rule, or the expression.
    what: &'a str,
    at: String,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Vec<ItemFacts<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<Vec<ItemFacts<'a>>>,
}

#[derive(Serialize)]
struct ItemFacts<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

fn facts(files: &[RanFile]) -> Facts<'_> {
    let failed = count_failed(files);
    let file_facts = files.iter().map(|file| FileFacts {
        path: file.source.name(),
        tests: file.tests.iter().map(|test| test_facts(test, &file.source)).collect(),
    });
    let all = files.iter().map(|file| file.tests.len()).sum::<usize>();
    Facts { version: 1, passed: all - failed, failed, files: file_facts.collect() }
}

fn test_facts<'a>(test: &'a Ran, source: &Source) -> TestFacts<'a> {
    let line = |span: Span| source.position(span.start).line;
    TestFacts {
        name: test.name.as_deref(),
        line: line(test.place),
        passed: test.failures.is_empty(),
        failures: test.failures.iter().map(|failure| failure_facts(failure, line(failure.place))).collect(),
    }
}

fn failure_facts(failure: &Failure, line: usize) -> FailureFacts<'_> {
    let base = FailureFacts { at: failure.at.to_string(), line, ..FailureFacts::default() };
    match &failure.kind {
        FailureKind::Alerts { alertname, difference } => {
            let item = |alert| alert_facts(alert);
            let (expected, got) = sides(difference, item);
            FailureFacts { kind: "alert", what: alertname, expected, got, ..base }
        }
        FailureKind::Samples { expr, difference } => {
            let (expected, got) = sides(difference, sample_facts);
            FailureFacts { kind: "expr", what: expr, expected, got, ..base }
        }
        FailureKind::Expr { expr, message } => {
            FailureFacts { kind: "expr", what: expr, error: Some(message), ..base }
        }
        FailureKind::Rule { rule, message } => {
            FailureFacts { kind: "rule", what: rule, error: Some(message), ..base }
        }
    }
}

type Side<'a> = Option<Vec<ItemFacts<'a>>>;

/// What differs; what came as expected is left out.
fn sides<'a, T>(
    difference: &'a Difference<T>,
    facts: impl Fn(&'a T) -> ItemFacts<'a>,
) -> (Side<'a>, Side<'a>) {
    let expected = difference.pairs.iter().filter_map(|(expected, _)| expected.as_ref().map(&facts));
    let got = difference.pairs.iter().filter_map(|(_, got)| got.as_ref().map(&facts));
    (Some(expected.collect()), Some(got.collect()))
}

fn map(pairs: &Pairs) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn alert_facts(alert: &ShownAlert) -> ItemFacts<'_> {
    ItemFacts { labels: map(&alert.labels), annotations: Some(map(&alert.annotations)), value: None }
}

fn sample_facts(sample: &ShownSample) -> ItemFacts<'_> {
    ItemFacts { labels: map(&sample.labels), annotations: None, value: Some(value(sample.value)) }
}
