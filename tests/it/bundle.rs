//! What holds for every rendered bundle, whatever the configuration.

use std::collections::BTreeSet;

use llmobs::formats;
use serde_json::Value;

use crate::{
    golden::{GATEWAY_AND_VLLM, TWO_ENTRIES_AND_MOCK, VLLM},
    project::Project,
};

const CONFIGS: [&str; 4] = ["", GATEWAY_AND_VLLM, VLLM, TWO_ENTRIES_AND_MOCK];

fn rendered(config: &str) -> Project {
    let project = Project::with(config);
    project.run("render --out out").done();
    project
}

/// Every string in a value.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Names of alerts in the rule file.
fn alerts(project: &Project) -> BTreeSet<String> {
    let rules = formats::yaml(&project.read("out/prometheus/rules/llmobs.yml")).unwrap();
    let rules =
        rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    rules.filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    for config in CONFIGS {
        let project = rendered(config);
        let pages = project.tree("out").into_keys().filter_map(|path| {
            let (folder, name) = path.strip_suffix(".md")?.rsplit_once('/')?;
            assert!(folder == "runbooks" || folder == "exporter/runbooks", "{path}");
            Some(name.to_owned())
        });
        assert_eq!(pages.collect::<BTreeSet<_>>(), alerts(&project), "{config}");
        assert_eq!(alerts(&project).len(), 6, "{config}");
    }
}

#[test]
fn runbooks_speak_of_panels_that_are_there() {
    let project = rendered("");
    let dashboard = project.read("out/grafana/provisioning/dashboards/llmobs/llm-service-overview.json");
    let mut named = 0;
    for (path, page) in project.tree("out/exporter/runbooks") {
        for line in page.lines().filter(|line| line.contains("anel") || line.contains("Table *")) {
            // Every second part stands between asterisks; menus of Prometheus have an arrow.
            for name in line.split('*').skip(1).step_by(2).filter(|name| !name.contains('→')) {
                assert!(dashboard.contains(&format!("\"{name}\"")), "{path} speaks of {name}");
                named += 1;
            }
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn a_link_to_a_runbook_is_there_where_something_serves_it() {
    let rules = rendered("stack: {ports: {exporter: 19091}}\n").read("out/prometheus/rules/llmobs.yml");
    for alert in alerts(&rendered("")) {
        assert!(
            rules.contains(&format!("runbook_url: http://127.0.0.1:19091/runbooks/{alert}\n")),
            "{alert}"
        );
    }
    assert!(!rendered(VLLM).read("out/prometheus/rules/llmobs.yml").contains("runbook_url"));
}

#[test]
fn no_hole_is_left_in_any_file() {
    for config in CONFIGS {
        for (path, text) in rendered(config).tree("out") {
            for hole in ["$by", "$selector", "$window", "<<", ">>", "<%", "undefined"] {
                assert!(!text.contains(hole), "{hole} in {path} of {config}");
            }
        }
    }
}

#[test]
fn every_number_stands_once() {
    // Figures that nothing else in the bundle has.
    let config = |ceiling: &str, latency: &str, spike: &str, errors: &str| {
        format!(
            "cost: {{ceiling_per_hour: {ceiling}, approaching: 50%}}\nobjectives: {{latency: {{threshold: {latency}}}}}\n\
             tokens: {{spike_per_second: {spike}}}\nerrors: {{alert_above: {errors}}}\n"
        )
    };
    let before = rendered(&config("347", "7s", "1913", "13%")).tree("out");
    let after = rendered(&config("459", "11s", "1723", "17%")).tree("out");
    let mut changed = BTreeSet::new();
    for (path, text) in &before {
        if *text == after[path] || path == llmobs::files::MANIFEST {
            continue;
        }
        changed.insert(path.rsplit('/').next().unwrap());
        // As rule, text, panel and page write them.
        let old = ["347", "173.5", "1913", "0.13", "0.87", "13%", "7 s", "> 7\n", ": 7\n", "7.5", "7s"];
        for number in old {
            assert!(!after[path].contains(number), "{number} is left in {path}:\n{}", after[path]);
        }
    }
    let expect = [
        "LLMCostCeilingApproaching.md",
        "LLMCostCeilingExceeded.md",
        "LLMHighErrorRate.md",
        "LLMHighLatency.md",
        "LLMTokenUsageSpike.md",
        "llm-service-overview.json",
        "llmobs.yml",
    ];
    assert_eq!(changed, expect.into());
}

#[test]
fn a_ceiling_reaches_rule_text_panel_and_runbook() {
    let tree = rendered("cost: {ceiling_per_hour: 123, approaching: 50%}\n").tree("out");
    let has = |name: &str, text: &str| {
        let (path, content) = tree.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        assert!(content.contains(text), "no {text:?} in {path}");
    };
    has("rules/llmobs.yml", "> 123\n");
    has("rules/llmobs.yml", "the ceiling is $123.");
    has("rules/llmobs.yml", "> 61.5\n");
    has("rules/llmobs.yml", "the warning is at $61.50, the ceiling at $123.");
    has("LLMCostCeilingExceeded.md", "$123 an hour");
    let dashboard = tree.iter().find(|(path, _)| path.ends_with("overview.json")).unwrap().1;
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let steps = |title: &str| {
        let panel = dashboard["panels"].as_array().unwrap().iter().find(|panel| panel["title"] == title);
        let steps = panel.unwrap()["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
        steps.iter().map(|step| step["value"].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(steps("Cost / h"), "null 61.5 123");
    assert_eq!(steps("Cost per hour by model"), "null 61.5 123");
    let mut texts = Vec::new();
    strings(&dashboard, &mut texts);
    assert!(!texts.iter().any(|text| text.contains("$100") || text.contains("$80")));
}
