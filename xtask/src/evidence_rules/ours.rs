//! What llmobs says that the rules of a case do.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use llmobs::{
    formats::notation,
    promql::{
        eval::{self, Answer},
        syntax::{self, parse},
    },
    rules::{
        AlertState, AlertingRule, Group, History, Pace, Program, RecordingRule, Rule, Settings, Timeline,
    },
    series::{Columns, Labels, METRIC_NAME},
    time::{PromDuration, Timestamp},
};
use serde_json::Value as Json;

use super::cases::Case;

const SYNTAX: syntax::Options = syntax::Options { experimental: false, variables: false };

type Pairs = BTreeMap<String, String>;

/// The alerts of one name that fire at one time.
#[derive(Debug, Clone)]
pub(super) struct FiringAt {
    /// Seconds from the start.
    pub(super) at: u64,
    pub(super) alert: String,
    /// Labels and annotations.
    pub(super) firing: Vec<(Pairs, Pairs)>,
}

/// What an expression gives at one time.
#[derive(Debug, Clone)]
pub(super) struct SamplesAt {
    pub(super) at: u64,
    pub(super) expr: String,
    pub(super) samples: Vec<(Labels, f64)>,
}

/// Everything that llmobs says of a case.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) alerts: Vec<FiringAt>,
    pub(super) expressions: Vec<SamplesAt>,
    /// Rules that fail, at the first instant at which any does: name and message. promtool ends there.
    pub(super) failures: Vec<(String, String)>,
    /// Seconds from the start.
    pub(super) failed_at: u64,
}

pub(super) fn said(case: &Case) -> anyhow::Result<Said> {
    let interval = duration(&case.test["interval"])?;
    let step: PromDuration = case.evaluation_interval.parse()?;
    let mut columns = columns(&case.test["input_series"], interval)?;
    let program = program(case, step)?;
    let last = case.instants.iter().copied().max().unwrap_or(0);
    let end = Timestamp(i64::try_from(last * 1000)?);
    let timeline = Timeline { start: Timestamp(0), end, pace: Pace::Every(step) };
    let history = program.evaluate_span(timeline, &mut columns);

    let mut said = Said::default();
    let mut until = u64::MAX;
    if let Some(first) = history.failures().first() {
        let at = first.first;
        said.failed_at = u64::try_from(at.0)? / 1000;
        // What is asked for at a later evaluation is never looked at.
        until = said.failed_at;
        let at_once = history.failures().into_iter().filter(|failure| failure.first == at);
        said.failures = at_once
            .map(|failure| (program.rule(failure.rule).name().to_owned(), failure.message.clone()))
            .collect();
    }
    for at in case.instants.iter().copied() {
        for alert in &case.alerts {
            if at >= until {
                continue;
            }
            let firing = firing(&program, &history, &columns, alert, at)?;
            said.alerts.push(FiringAt { at, alert: alert.clone(), firing });
        }
    }
    if said.failures.is_empty() {
        let options = eval_options(step);
        for at in case.instants.iter().copied() {
            for expr in expressions(case) {
                let samples = samples(&expr, &columns, at, &options)?;
                said.expressions.push(SamplesAt { at, expr, samples });
            }
        }
    }
    Ok(said)
}

/// What is asked of the series that rules write. promtool takes no NaN for another, so those are asked for apart.
fn expressions(case: &Case) -> Vec<String> {
    let mut all = vec!["ALERTS".to_owned(), "ALERTS_FOR_STATE".to_owned()];
    for record in &case.records {
        all.push(format!("round({record}, 1e-6) > -Inf"));
        all.push(format!("{record} != bool {record}"));
    }
    all
}

fn eval_options(step: PromDuration) -> eval::Options<'static> {
    let subquery_step_millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    eval::Options { subquery_step_millis, ..eval::Options::default() }
}

fn samples(
    expr: &str,
    columns: &Columns,
    at: u64,
    options: &eval::Options<'_>,
) -> anyhow::Result<Vec<(Labels, f64)>> {
    let tree = parse(expr, &SYNTAX).map_err(|errors| anyhow!("{}", errors.first()))?;
    let at = Timestamp(i64::try_from(at * 1000)?);
    let evaluated = eval::instant(&tree, columns, at, options).with_context(|| format!("`{expr}`"))?;
    let Answer::Vector(block) = evaluated.answer else { bail!("`{expr}` gives no vector") };
    Ok(block.rows().map(|(labels, values)| (labels.clone(), values[0])).collect())
}

fn firing(
    program: &Program,
    history: &History,
    columns: &Columns,
    name: &str,
    at: u64,
) -> anyhow::Result<Vec<(Pairs, Pairs)>> {
    let at = Timestamp(i64::try_from(at * 1000)?);
    let mut all = Vec::new();
    for id in program.ids().filter(|id| program.rule(*id).name() == name) {
        let alerts = history.alerts_at(program, columns, id, at).map_err(|message| anyhow!(message))?;
        for alert in alerts.into_iter().filter(|alert| alert.state == AlertState::Firing) {
            let labels = alert.labels.iter().filter(|(name, _)| *name != "alertname");
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            all.push((labels.collect(), alert.annotations.into_iter().collect()));
        }
    }
    Ok(all)
}

fn columns(input: &Json, interval: PromDuration) -> anyhow::Result<Columns> {
    let mut series = Vec::new();
    for line in input.as_array().into_iter().flatten() {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let line = format!("{} {}", text("series"), text("values"));
        let (metric, values) = notation::series(&line).map_err(|mistakes| anyhow!("{line}: {mistakes:?}"))?;
        series.push((metric.labels(), values));
    }
    let mut columns = Columns::new();
    let ids: Vec<_> = series.iter().map(|(labels, _)| columns.series(labels)).collect();
    let steps = series.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let mut values: Vec<_> = series.iter().map(|(_, values)| values.iter()).collect();
    for step in 0..steps {
        let at = Timestamp(i64::try_from(step * interval.as_millis())?);
        for (id, values) in ids.iter().zip(&mut values) {
            if let Some(Some(value)) = values.next() {
                columns.append(*id, at, value)?;
            }
        }
    }
    Ok(columns)
}

fn program(case: &Case, step: PromDuration) -> anyhow::Result<Program> {
    let mut groups: Vec<Group> =
        case.rules["groups"].as_array().into_iter().flatten().map(group).collect::<anyhow::Result<_>>()?;
    let place = |group: &Group| case.group_order.iter().position(|name| *name == group.name).unwrap_or(0);
    groups.sort_by_key(place);
    let settings = Settings {
        external_labels: pairs(case.test.get("external_labels")).into_iter().collect(),
        external_url: case.test.get("external_url").and_then(Json::as_str).unwrap_or_default().to_owned(),
        // promtool has none.
        server_url: None,
        syntax: SYNTAX,
        eval: eval_options(step),
    };
    Program::new(groups, settings).map_err(|errors| anyhow!("{errors:?}"))
}

fn group(json: &Json) -> anyhow::Result<Group> {
    let rules = json["rules"].as_array().into_iter().flatten().map(rule).collect::<anyhow::Result<_>>()?;
    Ok(Group {
        name: json["name"].as_str().unwrap_or_default().to_owned(),
        interval: json.get("interval").map(duration).transpose()?,
        limit: json["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0),
        query_offset: json.get("query_offset").map(duration).transpose()?.unwrap_or_default(),
        labels: pairs(json.get("labels")),
        rules,
    })
}

fn rule(json: &Json) -> anyhow::Result<Rule> {
    let text = json["expr"].as_str().context("a rule without an expression")?;
    let expr = parse(text, &SYNTAX).map_err(|errors| anyhow!("{}", errors.first()))?;
    let labels = pairs(json.get("labels"));
    if let Some(record) = json["record"].as_str() {
        return Ok(Rule::Recording(RecordingRule { record: record.to_owned(), expr, labels }));
    }
    Ok(Rule::Alerting(AlertingRule {
        alert: json["alert"].as_str().context("a rule without a name")?.to_owned(),
        expr,
        hold: json.get("for").map(duration).transpose()?.unwrap_or_default(),
        keep_firing_for: json.get("keep_firing_for").map(duration).transpose()?.unwrap_or_default(),
        labels,
        annotations: pairs(json.get("annotations")),
    }))
}

fn duration(json: &Json) -> anyhow::Result<PromDuration> {
    Ok(json.as_str().context("no duration")?.parse()?)
}

fn pairs(json: Option<&Json>) -> Pairs {
    let pairs = json.and_then(Json::as_object).into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Labels as promtool's `exp_samples` has them.
pub(super) fn series_text(labels: &Labels) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let name = labels.get(METRIC_NAME).unwrap_or_default();
    let pairs = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    format!("{name}{{{}}}", pairs.join(", "))
}
