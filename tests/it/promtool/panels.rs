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

/// Whether the table speaks of every query of the dashboard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Whole,
    Part,
}

/// Expressions by query, variables filled in as Grafana fills them.
fn expressions(config: &str) -> BTreeMap<Query, String> {
    let path =
        bundles().join(config).join("grafana/provisioning/dashboards/llmobs/llm-service-overview.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let all = |name: &str| {
        let variable = variables.iter().find(|variable| variable["name"] == name).unwrap();
        variable["allValue"].as_str().unwrap().to_owned()
    };
    let (job, model) = (all("job").replace('\\', "\\\\"), all("model"));
    let mut found = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            let expr = expr.replace("$__rate_interval", "5m").replace("$__range", "10m");
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

#[track_caller]
fn check(config: &str, series: Vec<truth::Series>, table: &str, coverage: Coverage) {
    if !is_here() {
        return;
    }
    let expressions = expressions(config);
    let expected = expected(table);
    if coverage == Coverage::Whole {
        let (drawn, known): (Vec<_>, Vec<_>) = (expressions.keys().collect(), expected.keys().collect());
        assert_eq!(drawn, known, "every query has its truth");
    }
    let mut text =
        format!("rule_files: [{config}.rules.yml]\nevaluation_interval: 15s\nfuzzy_compare: true\n");
    text.push_str(
        "group_eval_order: [llmobs.records, llmobs.alerts]\ntests:\n- interval: 15s\n  input_series:\n",
    );
    text.extend(series.into_iter().map(truth::Series::text));
    text.push_str("  promql_expr_test:\n");
    for (query, samples) in expected {
        // Rounded to a millionth: the order of a sum of floats is Prometheus' own.
        let expr = serde_json::to_string(&format!("round({}, 1e-6)", expressions[&query])).unwrap();
        let none = if samples.is_empty() { " []" } else { "" };
        writeln!(text, "  - expr: {expr}\n    eval_time: 20m\n    exp_samples:{none}").unwrap();
        for (labels, value) in &samples {
            writeln!(text, "    - {{labels: '{labels}', value: {value}}}").unwrap();
        }
    }
    let name = format!("{config}.panels.yml");
    fs::write(bundles().join(&name), text).unwrap();
    passes(bundles(), &["test", "rules", &name]);
}

#[test]
fn the_mock_alone() {
    check("default", vec![truth::gateway("mock")], truth::DEFAULT, Coverage::Whole);
}

#[test]
fn vllm_alone() {
    check("vllm", vec![truth::vllm("vllm")], truth::VLLM, Coverage::Whole);
}

#[test]
fn two_entries() {
    let series = vec![truth::gateway("gateway.eu"), truth::vllm("vllm.gpu-1")];
    check("both", series, truth::BOTH, Coverage::Whole);
}

#[test]
fn a_backend_counts_in_no_total() {
    let series = vec![truth::gateway("gateway"), truth::vllm("vllm")];
    check("gateway", series, truth::GATEWAY, Coverage::Part);
}
