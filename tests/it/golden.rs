//! Rendered trees, whole: what a change to a template or to an expression really changes.

use std::fmt::Write;

use insta::assert_snapshot;
use serde_json::Value;

use crate::{project::Project, redact::redact};

const DASHBOARD: &str = "grafana/provisioning/dashboards/llmobs/llm-service-overview.json";

/// A service of its own with vLLM behind it, and a budget.
pub(crate) const GATEWAY_AND_VLLM: &str = include_str!("golden/gateway_and_vllm.yaml");

/// vLLM where requests enter, and nothing else.
pub(crate) const VLLM: &str = include_str!("golden/vllm.yaml");

/// Two ways in, and the mock beside them.
pub(crate) const TWO_ENTRIES_AND_MOCK: &str = include_str!("golden/two_entries_and_mock.yaml");

/// Every file of the tree, one below the other; of the dashboard what its panels are.
fn tree(config: &str) -> String {
    let project = Project::with(config);
    let told = project.run("render --out out").done().stderr;
    let mut all = format!("===== told\n{told}");
    for (path, text) in project.tree("out") {
        let text = match path.as_str() {
            DASHBOARD => outline(&text),
            // Hashes of what stands here already.
            llmobs::files::MANIFEST => continue,
            _ => text,
        };
        let _ = write!(all, "\n===== {path}\n{text}");
    }
    redact(&all, project.path())
}

/// Panels with their places, limits and queries.
fn outline(dashboard: &str) -> String {
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let mut text = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        let title = panel["title"].as_str().unwrap();
        let kind = panel["type"].as_str().unwrap();
        let _ = writeln!(text, "{kind} \"{title}\" at {},{} of {}x{}", at("x"), at("y"), at("w"), at("h"));
        let defaults = &panel["fieldConfig"]["defaults"];
        for step in defaults["thresholds"]["steps"].as_array().into_iter().flatten().skip(1) {
            let unit = defaults["unit"].as_str().unwrap_or_default();
            let _ = writeln!(text, "  {} from {} {unit}", step["color"].as_str().unwrap(), step["value"]);
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            let expr = target["expr"].as_str().unwrap().replace('\n', "\n    ");
            let _ = writeln!(text, "  {} [{legend}]\n    {expr}", target["refId"].as_str().unwrap());
        }
    }
    text
}

#[test]
fn the_default() {
    assert_snapshot!("default", tree(""));
}

#[test]
fn the_dashboard_of_the_default() {
    let project = Project::new();
    project.run("render --out out").done();
    assert_snapshot!("dashboard", project.read(&format!("out/{DASHBOARD}")));
}

#[test]
fn a_gateway_with_vllm_behind_it() {
    assert_snapshot!("gateway_and_vllm", tree(GATEWAY_AND_VLLM));
}

#[test]
fn vllm_alone() {
    assert_snapshot!("vllm", tree(VLLM));
}

#[test]
fn two_entries_and_the_mock() {
    assert_snapshot!("two_entries_and_mock", tree(TWO_ENTRIES_AND_MOCK));
}
