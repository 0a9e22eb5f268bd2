//! Every expression that llmobs renders, over series of the services that its configuration speaks of.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, anyhow, bail, ensure};
use llmobs::{
    config::{self, Layers, SourceRef},
    render::{Input, Service, render},
    series::{Columns, METRIC_NAME},
    sources,
    text::Source,
};
use serde_json::Value as Json;

use super::{
    service::{self, SPAN, START, Target},
    sides::{Judged, Sides, Verdict},
    tally::{Disagreement, Tally},
};
use crate::judge::{Connection, Outcome, Query, Recorded, Server, Value, When, columns};

/// The configurations whose bundles the tests hold as a whole, and the default.
const CONFIGS: [(&str, &str); 4] = [
    ("default", ""),
    ("gateway_and_vllm", include_str!("../../../tests/it/golden/gateway_and_vllm.yaml")),
    ("vllm", include_str!("../../../tests/it/golden/vllm.yaml")),
    ("two_entries_and_mock", include_str!("../../../tests/it/golden/two_entries_and_mock.yaml")),
];
const DASHBOARD: &str = "grafana/provisioning/dashboards/llmobs/llm-service-overview.json";
const RULES: &str = "prometheus/rules/llmobs.yml";
/// Seconds between two evaluations of the rules.
const RULE_STEP: i64 = 15_000;

/// What was asked of one configuration.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) config: &'static str,
    pub(crate) expressions: usize,
    pub(crate) tally: Tally,
}

/// Names and texts of labels.
type Pairs = Vec<(String, String)>;

/// What a rendered bundle asks of Prometheus.
#[derive(Debug, Default)]
struct Expressions {
    /// Name, labels and expression, in the order of their evaluation.
    records: Vec<(String, Pairs, String)>,
    alerts: Vec<String>,
    panels: Vec<String>,
}

pub(crate) fn run() -> anyhow::Result<Vec<Rendered>> {
    CONFIGS.iter().map(|(name, text)| one(name, text)).collect()
}

fn one(config: &'static str, text: &str) -> anyhow::Result<Rendered> {
    let bundle = bundle(text).with_context(|| format!("`{config}`"))?;
    let expressions = expressions(&bundle.files)?;
    let server = Server::start_for_any_order()?;
    let mut series = service::series(&bundle.targets, &bundle.models)?;
    server.load(&series)?;
    let mut connection = server.connect()?;
    for (name, labels, expr) in &expressions.records {
        let recorded = record(&mut connection, name, labels, expr)?;
        server.load(&recorded)?;
        series.extend(recorded);
    }
    let columns: Columns = columns(&series)?;
    let mut sides = Sides { theirs: connection, ours: &columns };
    let records = expressions.records.iter().map(|(_, _, expr)| expr);
    let all: Vec<&String> = records.chain(&expressions.alerts).chain(&expressions.panels).collect();
    let mut tally = Tally::default();
    for expr in &all {
        for when in times() {
            let query = Query { expr: (*expr).clone(), when };
            let Judged { theirs, ours, verdict } = sides.judge(&query)?;
            tally.add(&[].into(), &theirs, &ours, matches!(verdict, Verdict::Different(_)));
            match verdict {
                Verdict::Same => {}
                Verdict::Excused(rule) => *tally.excused.entry(rule).or_default() += 1,
                Verdict::Different(difference) => {
                    let number = tally.asked();
                    tally.disagreements.push(Disagreement { number, query, difference, smallest: None });
                }
            }
        }
    }
    Ok(Rendered { config, expressions: all.len(), tally })
}

/// Instants of calm and of a restart, and the ranges that a dashboard asks for.
fn times() -> Vec<When> {
    let minute = 60_000;
    let at = |minutes: i64, rest: i64| When::At(START + minutes * minute + rest);
    let range = |from: i64, to: i64, step: i64| When::Range {
        start: START + from * minute,
        end: START + to * minute,
        step,
    };
    let end = SPAN / minute;
    vec![
        at(1, 0),
        at(30, 0),
        at(96, 7_001),
        at(end, 0),
        at(end + 4, 0),
        range(0, end, minute),
        range(80, 110, 15_000),
        range(20, 140, 97_000),
    ]
}

/// A configuration, rendered.
struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    targets: Vec<Target>,
    models: Vec<String>,
}

fn bundle(text: &str) -> anyhow::Result<Bundle> {
    let file = Some(Source::new("llmobs.yaml", text));
    let layers = Layers { file, env: &[], settings: &[] };
    let loaded = config::load(&layers, &sources::builtin_names());
    let (config, _) = loaded.map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let (mut by_reference, mut targets) = (BTreeMap::new(), Vec::new());
    for target in &config.targets {
        let SourceRef::Builtin(name) = &target.source else { bail!("a source of its own") };
        let source = sources::builtin(name).with_context(|| format!("no source `{name}`"))?;
        by_reference.insert(target.source.clone(), source.clone());
        let endpoints = target.endpoints.clone();
        targets.push(Target { job: target.job.clone(), source: name.clone(), endpoints });
    }
    let models = config.models.iter().map(|model| model.name.clone()).collect();
    let (service, _) = Service::resolve(&config, &by_reference)?;
    let (rules, dashboards, scrape) = (Vec::new(), Vec::new(), Vec::new());
    let input = Input { service: Arc::new(service), rules, dashboards, scrape };
    Ok(Bundle { files: render(&input)?.files, targets, models })
}

fn expressions(files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Expressions> {
    let text = |path: &str| -> anyhow::Result<&str> {
        let bytes = files.get(path).with_context(|| format!("`{path}` is not rendered"))?;
        Ok(std::str::from_utf8(bytes)?)
    };
    let mut found = Expressions::default();
    let rules: Json = serde_yaml::from_str(text(RULES)?)?;
    for rule in list(&rules["groups"]).flat_map(|group| list(&group["rules"])) {
        let expr = rule["expr"].as_str().context("a rule without an expression")?.to_owned();
        let Some(name) = rule["record"].as_str() else {
            found.alerts.push(expr);
            continue;
        };
        let labels = rule["labels"].as_object().into_iter().flatten();
        let labels =
            labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        found.records.push((name.to_owned(), labels.collect(), expr));
    }
    let dashboard: Json = serde_json::from_str(text(DASHBOARD)?)?;
    for (window, model) in [("1m", None), ("5m", Some("gpt-4o|llama-3\\.3-70b"))] {
        for expr in panels(&dashboard, window, "1h", model)? {
            if !found.panels.contains(&expr) {
                found.panels.push(expr);
            }
        }
    }
    Ok(found)
}

/// What the panels and variables of a dashboard ask, as Grafana fills its variables in; without a model, for all.
pub(crate) fn panels(
    dashboard: &Json,
    window: &str,
    range: &str,
    model: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let variables: Vec<&Json> = list(&dashboard["templating"]["list"]).collect();
    let all = |name: &str| {
        let variable = variables.iter().find(|variable| variable["name"] == name);
        variable.and_then(|variable| variable["allValue"].as_str()).unwrap_or(".*").to_owned()
    };
    let (jobs, any_model) = (all("job"), all("model"));
    let queries = variables.iter().filter_map(|variable| {
        variable["query"].as_str()?.strip_prefix("label_values(")?.strip_suffix(", model)")
    });
    let targets = list(&dashboard["panels"]).flat_map(|panel| list(&panel["targets"]));
    let model = model.unwrap_or(&any_model);
    for expr in targets.filter_map(|target| target["expr"].as_str()).chain(queries) {
        // As Grafana puts them into a string of the language.
        let expr = expr.replace("$__rate_interval", window).replace("$__range", range);
        let filled =
            expr.replace("$job", &jobs.replace('\\', "\\\\")).replace("$model", &model.replace('\\', "\\\\"));
        // `$1` is a group of `label_replace`.
        let mut after = filled.split('$').skip(1);
        let unfilled =
            after.any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "_{".contains(c)));
        ensure!(!unfilled, "`{filled}` has a variable that nothing fills");
        if !found.contains(&filled) {
            found.push(filled);
        }
    }
    Ok(found)
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

/// What a recording rule would have written, from the judge's own answers.
fn record(
    connection: &mut Connection,
    name: &str,
    labels: &[(String, String)],
    expr: &str,
) -> anyhow::Result<Vec<Recorded>> {
    let when = When::Range { start: START, end: START + SPAN, step: RULE_STEP };
    let answer: Outcome = connection.ask(&Query { expr: expr.to_owned(), when })?;
    let answer = answer.map_err(|failure| anyhow::anyhow!("`{expr}` fails: {}", failure.text))?;
    let Value::Matrix(rows) = answer.value else { anyhow::bail!("`{expr}` gives no matrix") };
    let of_row = |row: crate::judge::Row| {
        let mut edit = row.labels.edit();
        edit.set(METRIC_NAME, name);
        for (name, value) in labels {
            edit.set(name.as_str(), value.as_str());
        }
        Recorded { labels: edit.finish(), samples: row.points }
    };
    Ok(rows.into_iter().map(of_row).collect())
}
