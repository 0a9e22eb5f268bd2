//! `up` on a stack that stands: it changes what differs and nothing else.

use serde_json::Value;

use super::{
    grafana,
    project::{Project, Ran},
    prometheus::{rule, rules_healthy},
};

const PROMETHEUS: usize = 0;
const GRAFANA: usize = 1;
const EXPORTER: usize = 2;

/// The plan of an `up` with these flags, which must not be carried out.
#[track_caller]
fn plan(project: &Project, args: &[&str]) -> String {
    let before = project.containers();
    let Ran { stdout, .. } = project.up(&[&["--dry-run"], args].concat()).done();
    assert_eq!(project.containers(), before, "a dry run changed a container");
    stdout.replace(&project.name, "NAME")
}

/// Value of the red threshold of the panel with the cost.
fn ceiling(dashboard: &Value) -> Option<f64> {
    let panels = dashboard["panels"].as_array()?;
    let panel = panels.iter().find(|panel| panel["title"] == "Cost / h")?;
    panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array()?.last()?["value"].as_f64()
}

#[test]
fn up_again_changes_what_differs_and_nothing_else() {
    let Some(project) = Project::new("again") else { return };
    let exceeded = || rule(&project.prometheus(), "LLMCostCeilingExceeded").unwrap_or_default();

    // Before there is anything, a dry run leaves no trace either.
    let shown = project.up(&["--dry-run"]).done().stdout.replace(&project.name, "NAME");
    assert!(shown.contains("create container NAME-prometheus-1: missing\n"), "{shown}");
    assert_eq!(project.objects(), Vec::<String>::new());
    assert!(!project.state_dir().join(&project.name).join("grafana-password").exists());

    project.up(&[]).done();
    let first = project.containers();
    assert!(exceeded().ends_with("> 100"), "{}", exceeded());

    assert_eq!(plan(&project, &[]), "nothing to do\n");
    let again = project.up(&[]).done();
    println!("`up` that changes nothing took {} ms", again.wall.as_millis());
    assert_eq!(project.containers(), first);

    // The plan of another ceiling, then the ceiling.
    let planned = plan(&project, &["--cost-ceiling", "42"]);
    assert!(planned.contains("reload NAME-prometheus-1 (SIGHUP)"), "{planned}");
    assert!(planned.contains("reload NAME-grafana-1 (provisioning API)"), "{planned}");
    assert!(exceeded().ends_with("> 100"), "{}", exceeded());

    let dashboard = grafana::dashboard(&project).unwrap();
    assert_eq!(ceiling(&dashboard), Some(100.0));
    project.up(&["--cost-ceiling", "42"]).done();
    assert!(exceeded().ends_with("> 42"), "{}", exceeded());
    let dashboard = grafana::dashboard(&project).unwrap();
    assert_eq!(ceiling(&dashboard), Some(42.0));
    let second = project.containers();
    assert_eq!((&second[PROMETHEUS], &second[GRAFANA]), (&first[PROMETHEUS], &first[GRAFANA]));
    assert_eq!(second[EXPORTER].0, first[EXPORTER].0, "the exporter's container is a new one");
    assert_eq!(plan(&project, &["--cost-ceiling", "42"]), "nothing to do\n");

    // Other models: the mock starts anew with them, in the same container.
    project.up(&["--cost-ceiling", "42", "--models", "gpt-4o"]).done();
    let third = project.containers();
    assert_eq!((&third[PROMETHEUS], &third[GRAFANA]), (&first[PROMETHEUS], &first[GRAFANA]));
    assert_eq!(third[EXPORTER].0, first[EXPORTER].0);
    assert_ne!(third[EXPORTER].1, second[EXPORTER].1, "the exporter was not restarted");
    let rules = super::project::eventually(std::time::Duration::from_secs(40), || {
        rules_healthy(&project.prometheus())
    });
    let prices = rules.iter().filter(|name| *name == "llm_model_price_usd_per_token").count();
    assert_eq!(prices, 3, "input, output and cached input of one model");

    project.down_to_nothing();
}
