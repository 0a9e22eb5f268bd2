//! Reads a file of unit tests; refuses what promtool would refuse before it runs one.

use crate::{
    diagnostic::{Diagnostic, Severity},
    promql::syntax::{Options, Spanned},
    text::Source,
    time::{PromDuration, Timestamp},
    yaml::Node,
};

use super::{
    AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, TestFile, TestGroup, instant::instant,
};
use crate::formats::{
    Text,
    notation::{self, Mistake},
    reader::{Keys, Reader, first_line},
};

const FILE: &[&str] = &["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"];
const TEST: &[&str] = &[
    "name",
    "interval",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
    "start_timestamp",
];
const SERIES: &[&str] = &["series", "values"];
const ALERT_TEST: &[&str] = &["eval_time", "alertname", "exp_alerts"];
const ALERT: &[&str] = &["exp_labels", "exp_annotations"];
const EXPR_TEST: &[&str] = &["expr", "eval_time", "exp_samples"];
const SAMPLE: &[&str] = &["labels", "value", "histogram"];

/// Where nothing else is said.
const MINUTE: PromDuration = PromDuration::from_secs(60);

/// Reads a file of tests, and with it what is worth a warning. `Err` holds every mistake at once.
pub fn read(source: &Source, options: &Options) -> Result<(TestFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    let file = reader.root().and_then(|root| file(&mut reader, &root, *options));
    let mistakes = reader.finish();
    match file {
        Some(file) if mistakes.iter().all(|mistake| mistake.severity != Severity::Error) => {
            Ok((file, mistakes))
        }
        _ => Err(mistakes),
    }
}

fn file(reader: &mut Reader<'_>, root: &Node, options: Options) -> Option<TestFile> {
    let keys = reader.keys(root, "a file of unit tests", FILE)?;
    let rule_files = reader.texts(keys.get("rule_files"));
    let evaluation_interval = interval(reader, keys, "evaluation_interval").unwrap_or(MINUTE);
    let group_eval_order = reader.texts(keys.get("group_eval_order"));
    for (index, name) in group_eval_order.iter().enumerate() {
        if let Some(first) = group_eval_order[..index].iter().find(|other| other.as_str() == name.as_str()) {
            reader.mistakes.push(
                Diagnostic::error(format!("the group `{}` is named twice", name.as_str()))
                    .at(reader.source, name.span(), "again here")
                    .at(reader.source, first.span(), "first here")
                    .help("a group has one place in the order"),
            );
        }
    }
    let fuzzy_compare = reader.switch(keys.get("fuzzy_compare")).unwrap_or(false);
    let mut tests = Vec::new();
    for node in reader.list(keys.get("tests")) {
        tests.extend(test(reader, node, evaluation_interval, options));
    }
    Some(TestFile { rule_files, evaluation_interval, group_eval_order, fuzzy_compare, tests })
}

/// A duration above 0; 0 counts as not given.
fn interval(reader: &mut Reader<'_>, keys: Keys<'_>, key: &str) -> Option<PromDuration> {
    reader.duration(keys.get(key)).map(|interval| interval.node).filter(|interval| interval.as_millis() > 0)
}

fn test(
    reader: &mut Reader<'_>,
    node: &Node,
    evaluation_interval: PromDuration,
    options: Options,
) -> Option<TestGroup> {
    let keys = reader.keys(node, "a test", TEST)?;
    let name = reader.text(keys.get("name"));
    let interval = interval(reader, keys, "interval").unwrap_or(evaluation_interval);
    let start = start(reader, keys);
    let mut input_series: Vec<InputSeries> = Vec::new();
    for node in reader.list(keys.get("input_series")) {
        let Some(series) = series(reader, node) else { continue };
        match input_series.iter_mut().find(|other| other.metric == series.metric) {
            Some(first) => {
                reader.mistakes.push(
                    Diagnostic::warning("this series is given twice; the first time is left out")
                        .at(reader.source, first_line(reader.source, series.span), "this counts")
                        .at(reader.source, first_line(reader.source, first.span), "this does not"),
                );
                *first = series;
            }
            None => input_series.push(series),
        }
    }
    let mut alert_tests = Vec::new();
    for node in reader.list(keys.get("alert_rule_test")) {
        alert_tests.extend(alert_test(reader, node));
    }
    let mut expr_tests = Vec::new();
    for node in reader.list(keys.get("promql_expr_test")) {
        expr_tests.extend(expr_test(reader, node, options));
    }
    let external_labels = reader.pairs(keys.get("external_labels"));
    let external_url = reader.text(keys.get("external_url"));
    Some(TestGroup {
        name: name.filter(|name| !name.as_str().is_empty()),
        interval,
        start,
        input_series,
        alert_tests,
        expr_tests,
        external_labels,
        external_url: external_url.map(|url| url.as_str().to_owned()).unwrap_or_default(),
        span: node.origin.span,
    })
}

fn start(reader: &mut Reader<'_>, keys: Keys<'_>) -> Timestamp {
    let Some(text) = reader.text(keys.get("start_timestamp")) else { return Timestamp(0) };
    instant(text.as_str()).unwrap_or_else(|| {
        reader.mistake(
            text.span(),
            format!("`{}` is no time", text.as_str()),
            "write seconds since the epoch or a time such as `2026-01-31T12:00:00Z`",
        );
        Timestamp(0)
    })
}

fn series(reader: &mut Reader<'_>, node: &Node) -> Option<InputSeries> {
    let keys = reader.keys(node, "an input series", SERIES)?;
    let (series, values) = (reader.text(keys.get("series")), reader.text(keys.get("values")));
    let start = first_line(reader.source, node.origin.span);
    if keys.get("series").is_none() && !keys.is_told("series") {
        reader.mistake(start, "an input series has no `series`", "add `series: 'name{label=\"value\"}'`");
    }
    let metric = series.and_then(|text| {
        let metric = noted(reader, &text, notation::metric(text.as_str()))?;
        if metric.labels().is_empty() {
            reader.mistake(text.span(), "a series has a label at least", "write `name{label=\"value\"}`");
            return None;
        }
        Some(metric)
    });
    let values = match values {
        Some(text) => {
            if text.as_str().contains('\n') {
                reader.mistakes.push(
                    Diagnostic::warning("the values go over a line end")
                        .at(reader.source, first_line(reader.source, text.span()), "")
                        .because("promtool takes what follows for another series, or leaves out the series that follow")
                        .help("write them on one line, or as a block behind `>-`"),
                );
            }
            noted(reader, &text, notation::values(text.as_str()))
        }
        None => Some(notation::Values::default()),
    };
    Some(InputSeries { metric: metric?, values: values?, span: node.origin.span })
}

/// Tells the mistakes of a notation in their places.
fn noted<T>(reader: &mut Reader<'_>, text: &Text, read: Result<T, Vec<Mistake>>) -> Option<T> {
    read.map_err(|mistakes| {
        let place = text.places();
        for mistake in mistakes {
            let mut diagnostic =
                Diagnostic::error(mistake.message).at(reader.source, place(mistake.span), "");
            if let Some(help) = mistake.help {
                diagnostic = diagnostic.help(help);
            }
            reader.mistakes.push(diagnostic);
        }
    })
    .ok()
}

fn eval_time(reader: &mut Reader<'_>, keys: Keys<'_>) -> PromDuration {
    reader.duration(keys.get("eval_time")).map(|time| time.node).unwrap_or_default()
}

fn alert_test(reader: &mut Reader<'_>, node: &Node) -> Option<AlertTest> {
    let keys = reader.keys(node, "a test of an alert", ALERT_TEST)?;
    let eval_time = eval_time(reader, keys);
    let alertname = reader.text(keys.get("alertname")).filter(|name| !name.as_str().is_empty());
    let mut expected = Vec::new();
    for node in reader.list(keys.get("exp_alerts")) {
        let Some(keys) = reader.keys(node, "an expected alert", ALERT) else { continue };
        let labels = reader.pairs(keys.get("exp_labels"));
        expected.push(ExpectedAlert { labels, annotations: reader.pairs(keys.get("exp_annotations")) });
    }
    let Some(alertname) = alertname else {
        if !keys.is_told("alertname") {
            let start = first_line(reader.source, node.origin.span);
            reader.mistake(start, "the test names no alert", "add `alertname:` with the name of an alert");
        }
        return None;
    };
    let alertname = Spanned { span: alertname.span(), node: alertname.as_str().to_owned() };
    Some(AlertTest { eval_time, alertname, expected, span: node.origin.span })
}

fn expr_test(reader: &mut Reader<'_>, node: &Node, options: Options) -> Option<ExprTest> {
    let keys = reader.keys(node, "a test of an expression", EXPR_TEST)?;
    let start = first_line(reader.source, node.origin.span);
    let expr = reader.expression(keys, "the test", start, options);
    let eval_time = eval_time(reader, keys);
    let mut expected = Vec::new();
    for node in reader.list(keys.get("exp_samples")) {
        expected.extend(sample(reader, node));
    }
    Some(ExprTest { expr: expr?, eval_time, expected, span: node.origin.span })
}

fn sample(reader: &mut Reader<'_>, node: &Node) -> Option<ExpectedSample> {
    let keys = reader.keys(node, "an expected sample", SAMPLE)?;
    let labels = match reader.text(keys.get("labels")) {
        Some(text) => noted(reader, &text, notation::metric(text.as_str())),
        None => Some(notation::Metric::default()),
    };
    if let Some(histogram) = reader.text(keys.get("histogram")).filter(|text| !text.as_str().is_empty()) {
        reader.mistake(
            histogram.span(),
            "native histograms are not supported",
            "test a quantile or a count that is taken of the histogram",
        );
    }
    let value = match keys.get("value") {
        Some(entry) => reader.number(Some(entry)),
        None => Some(0.0),
    };
    Some(ExpectedSample { labels: labels?, value: value? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let source = Source::new("t", text);
        let (mut got, mistakes) = match read(&source, &Options { experimental: false, variables: false }) {
            Ok((file, warnings)) => (vec![shown(&file)], warnings),
            Err(mistakes) => (Vec::new(), mistakes),
        };
        for mistake in mistakes {
            let place = source.position(mistake.labels[0].span.start);
            let under = source.slice(mistake.labels[0].span);
            got.push(format!("{}:{} {} <{under}>", place.line, place.column, mistake.message));
        }
        assert_eq!(got.join("\n"), expect);
    }

    fn shown(file: &TestFile) -> String {
        let texts =
            |texts: &[Text]| texts.iter().map(|text| text.as_str().to_owned()).collect::<Vec<_>>().join(",");
        let head = format!(
            "files [{}] every {} order [{}] fuzzy {}",
            texts(&file.rule_files),
            file.evaluation_interval,
            texts(&file.group_eval_order),
            file.fuzzy_compare
        );
        let groups = file.tests.iter().map(|test| {
            let name = test.name.as_ref().map_or("-", |name| name.as_str());
            let (every, from, to) = (test.interval, test.start.0, test.last_eval_time());
            let mut parts = vec![format!("; test {name} every {every} from {from} to {to}")];
            parts.extend(
                test.input_series
                    .iter()
                    .map(|series| format!("series {} x{}", series.metric, series.values.len())),
            );
            parts.extend(test.alert_tests.iter().map(|alert| {
                let pairs = |alert: &ExpectedAlert| alert.labels.len() * 10 + alert.annotations.len();
                let (count, pairs) = (alert.expected.len(), alert.expected.iter().map(pairs).sum::<usize>());
                format!("alert {} at {} expects {count} {pairs}", alert.alertname.node, alert.eval_time)
            }));
            for expr in &test.expr_tests {
                parts.push(format!("expr {} at {}", expr.expr.text.as_str(), expr.eval_time));
                parts
                    .extend(expr.expected.iter().map(|sample| format!("{}={}", sample.labels, sample.value)));
            }
            parts.push(format!("external {} {:?}", test.external_labels.len(), test.external_url));
            parts.join(" ")
        });
        head + &groups.collect::<String>()
    }

    #[test]
    fn a_whole_file_is_read() {
        check(
            "\
rule_files: [a.yml, 'b/*.yml']
evaluation_interval: 30s
group_eval_order: [one, two]
fuzzy_compare: true
tests:
  - name: first
    interval: 15s
    start_timestamp: 1970-01-01T00:01:00Z
    input_series:
      - {series: 'up{job=\"a\"}', values: '0 1x3'}
      - series: up
        values: >-
          1
          2
    alert_rule_test:
      - eval_time: 5m
        alertname: Down
        exp_alerts:
          - exp_labels: {job: a, n: 1}
            exp_annotations: {text: x}
          -
    promql_expr_test:
      - expr: up == 1
        eval_time: 10m
        exp_samples: [{labels: 'up{job=\"a\"}', value: 1}, {labels: '{}', value: -.inf}, {value: 2}]
    external_labels: {a: b}
    external_url: http://x
  - {}
",
            "files [a.yml,b/*.yml] every 30s order [one,two] fuzzy true; \
             test first every 15s from 60000 to 10m series {__name__=\"up\", job=\"a\"} x5 series {__name__=\"up\"} x2 \
             alert Down at 5m expects 2 21 \
             expr up == 1 at 10m {__name__=\"up\", job=\"a\"}=1 {}=-inf {}=2 external 1 \"http://x\"; \
             test - every 30s from 0 to 0s external 0 \"\"",
        );
        check("", "files [] every 1m order [] fuzzy false");
        check("evaluation_interval: 0s\ntests:", "files [] every 1m order [] fuzzy false");
    }

    #[test]
    fn mistakes_are_told_all_at_once_in_their_places() {
        check(
            "\
rules: x
evaluation_interval: 5
group_eval_order: [a, b, a]
fuzzy_compare: 'true'
tests:
  - name: [x]
    interval: 1x
    start_timestamp: yesterday
    input_series:
      - series: 'up{a=1}'
        values: '1 oops 2'
      - values: '1'
      - 5
    alert_rule_test:
      - {eval_time: 1m}
      - {alertname: A, exp_alerts: {}}
    promql_expr_test:
      - {eval_time: 1m, exp_samples: [{value: NaN}, {histogram: '{{}}'}, {labels: '{'}]}
",
            "1:1 unknown key `rules` in a file of unit tests <rules>
2:22 `5` has no unit <5>
3:26 the group `a` is named twice <a>
4:16 `true` is neither `true` nor `false` <'true'>
6:11 `name` takes a text, not a list <[x]>
7:15 `1x` is no duration <1x>
8:22 `yesterday` is no time <yesterday>
10:23 a label's value is in quotes <1>
11:20 `oops` is no value <oops>
12:9 an input series has no `series` <values: '1'>
13:9 an input series has keys; this is a single value <5>
15:9 the test names no alert <{eval_time: 1m}>
16:36 `exp_alerts` takes a list, not keys <{}>
18:9 the test has no `expr` <{eval_time: 1m, exp_samples: [{value: NaN}, {histogram: '{{}}'}, {labels: '{'}]}>
18:47 `NaN` is no number <NaN>
18:65 native histograms are not supported <'{{}}'>
18:85 the labels have no `}` <>",
        );
    }

    #[test]
    fn what_promtool_would_take_otherwise_is_warned_of() {
        check(
            "tests:\n  - input_series:\n      - {series: a, values: '1'}\n      - {series: 'a{}', values: '2 3'}\n",
            "files [] every 1m order [] fuzzy false; test - every 1m from 0 to 0s series {__name__=\"a\"} x2 external 0 \"\"\n\
             4:9 this series is given twice; the first time is left out <{series: 'a{}', values: '2 3'}>",
        );
        check(
            "tests:\n  - input_series:\n      - series: a\n        values: |\n          1\n          2\n",
            "files [] every 1m order [] fuzzy false; test - every 1m from 0 to 0s series {__name__=\"a\"} x2 external 0 \"\"\n\
             5:11 the values go over a line end <1>",
        );
    }
}
