//! Every expression of the dashboard against data of a known truth: it gives the number that the truth says.

#![expect(clippy::disallowed_methods, reason = "tests set up and look at files themselves")]

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::Value;

use super::{
    judge::{is_here, passes},
    rendered::bundles,
    truth,
};

/// Title of a panel and query in it.
type Query = (String, String);

/// What a table says of a series that is there and has no number, as a quantile without requests.
const NO_NUMBER: &str = "NaN";

/// Whether the table speaks of every query of the dashboard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coverage {
    Whole,
    Part,
}

/// What the reader of the dashboard has chosen, as a regex the way Grafana writes it.
#[derive(Clone, Copy)]
pub(super) enum Chosen {
    Everything,
    Job(&'static str),
    Model(&'static str),
}

/// Expressions by query, variables filled in as Grafana fills them. `$model` is the query behind the variable.
fn expressions(config: &str, chosen: Chosen, rate_interval: &str) -> BTreeMap<Query, String> {
    let path =
        bundles().join(config).join("grafana/provisioning/dashboards/llmobs/llm-service-overview.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let variable = |name: &str| variables.iter().find(|variable| variable["name"] == name).unwrap();
    let all = |name: &str| variable(name)["allValue"].as_str().unwrap().to_owned();
    let (mut job, mut model) = (all("job"), all("model"));
    match chosen {
        Chosen::Everything => {}
        Chosen::Job(name) => name.clone_into(&mut job),
        Chosen::Model(name) => name.clone_into(&mut model),
    }
    let (job, model) = (job.replace('\\', "\\\\"), model.replace('\\', "\\\\"));
    let mut found = BTreeMap::new();
    let models = variable("model")["query"].as_str().unwrap();
    let models =
        models.strip_prefix("label_values(").and_then(|query| query.strip_suffix(", model)")).unwrap();
    found.insert(("$model".to_owned(), "A".to_owned()), models.replace("$job", &job));
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            let expr = expr.replace("$__rate_interval", rate_interval).replace("$__range", "10m");
            let expr = expr.replace("$job", &job).replace("$model", &model);
            let query =
                (panel["title"].as_str().unwrap().to_owned(), target["refId"].as_str().unwrap().to_owned());
            found.insert(query, expr);
        }
    }
    found
}

/// Expected series by query: labels and value.
fn expected(table: &str) -> BTreeMap<Query, Vec<(String, String)>> {
    let mut rows: BTreeMap<Query, Vec<(String, String)>> = BTreeMap::new();
    for line in table.lines().filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split("  ").collect();
        let series = rows.entry((columns[0].to_owned(), columns[1].to_owned())).or_default();
        if let [_, _, labels, value] = columns[..] {
            series.push((labels.to_owned(), value.to_owned()));
        }
    }
    rows
}

/// A configuration, what its targets report, and what its dashboard has to say of it.
pub(super) struct Case {
    /// Names the case's file.
    pub(super) name: &'static str,
    pub(super) config: &'static str,
    pub(super) series: Vec<truth::Series>,
    pub(super) chosen: Chosen,
    pub(super) table: String,
    pub(super) coverage: Coverage,
}

/// Holds a dashboard against its table, with the shortest window that Grafana chooses and with a long one.
#[track_caller]
pub(super) fn check(case: Case) {
    if !is_here() {
        return;
    }
    let expected = expected(&case.table);
    let config = case.config;
    let mut text =
        format!("rule_files: [{config}.rules.yml]\nevaluation_interval: 15s\nfuzzy_compare: true\n");
    text.push_str(
        "group_eval_order: [llmobs.records, llmobs.alerts]\ntests:\n- interval: 15s\n  input_series:\n",
    );
    text.extend(case.series.into_iter().map(truth::Series::text));
    text.push_str("  promql_expr_test:\n");
    for rate_interval in ["1m", "5m"] {
        let expressions = expressions(config, case.chosen, rate_interval);
        if case.coverage == Coverage::Whole {
            let (drawn, known): (Vec<_>, Vec<_>) = (expressions.keys().collect(), expected.keys().collect());
            assert_eq!(drawn, known, "every query has its truth");
        }
        for (query, samples) in &expected {
            // Rounded to a millionth: the order of a sum of floats is Prometheus' own.
            let expr = format!("round({}, 1e-6)", expressions[query]);
            if samples.iter().all(|(_, value)| value != NO_NUMBER) {
                text.push_str(&expression_test(&expr, samples));
                continue;
            }
            // For promtool too no NaN is like another one, so whether it is one is asked apart.
            let numbers: Vec<_> = samples.iter().filter(|(_, value)| value != NO_NUMBER).cloned().collect();
            text.push_str(&expression_test(&format!("{expr} > -Inf"), &numbers));
            let without: Vec<_> = samples
                .iter()
                .map(|(labels, value)| (labels.clone(), u8::from(value == NO_NUMBER).to_string()))
                .collect();
            text.push_str(&expression_test(&format!("{expr} != bool {expr}"), &without));
        }
    }
    let name = format!("{}.panels.yml", case.name);
    fs::write(bundles().join(&name), text).unwrap();
    passes(bundles(), &["test", "rules", &name]);
}

/// A block of promtool's `promql_expr_test`.
fn expression_test(expr: &str, samples: &[(String, String)]) -> String {
    let expr = serde_json::to_string(expr).unwrap();
    let none = if samples.is_empty() { " []" } else { "" };
    let mut text = format!("  - expr: {expr}\n    eval_time: 20m\n    exp_samples:{none}\n");
    for (labels, value) in samples {
        writeln!(text, "    - {{labels: '{labels}', value: {value}}}").unwrap();
    }
    text
}

#[track_caller]
fn check_all(config: &'static str, series: Vec<truth::Series>, table: &str, coverage: Coverage) {
    check(Case {
        name: config,
        config,
        series,
        chosen: Chosen::Everything,
        table: table.to_owned(),
        coverage,
    });
}

#[test]
fn the_mock_alone() {
    check_all("default", vec![truth::gateway("mock")], truth::DEFAULT, Coverage::Whole);
}

#[test]
fn vllm_alone() {
    check_all("vllm", vec![truth::vllm("vllm")], truth::VLLM, Coverage::Whole);
}

#[test]
fn two_entries() {
    let series = vec![truth::gateway("gateway.eu"), truth::vllm("vllm.gpu-1")];
    check_all("both", series, truth::BOTH, Coverage::Whole);
}

#[test]
fn a_backend_counts_in_no_total() {
    let series = vec![truth::gateway("gateway"), truth::vllm("vllm")];
    check_all("gateway", series, truth::GATEWAY, Coverage::Part);
}
