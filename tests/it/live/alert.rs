//! A target that is down: the alert fires, and everybody is told.

use std::{collections::BTreeMap, time::Duration};

use super::{
    grafana,
    panels::questions,
    project::{Project, eventually},
    prometheus::query,
};

#[test]
fn a_target_that_is_down_is_told() {
    let Some(project) = Project::new("alert") else { return };
    // The discard port: nothing listens there.
    project.write(
        "llmobs.yaml",
        "targets:\n  - {job: chat, source: llmobs, endpoints: [\"host.docker.internal:9\"], scrape_interval: 5s}\n",
    );
    let ran = project.up(&[]).done();
    assert!(ran.stderr.contains("host.docker.internal:9 (chat) is down: "), "{}", ran.stderr);

    let endpoint = project.prometheus();
    let firing = "ALERTS{alertname=\"LLMServiceDown\",alertstate=\"firing\"}";
    eventually(Duration::from_secs(100), || match query(&endpoint, firing)?.len() {
        0 => Err(format!("not firing: {:?}", query(&endpoint, "ALERTS")?)),
        _ => Ok(()),
    });

    let dashboard = grafana::dashboard(&project).unwrap();
    let questions = questions(&dashboard, 5);
    let table = questions.iter().find(|question| question.panel == "Alerts").unwrap();
    let rows = table.ask(&endpoint).unwrap();
    let expect: BTreeMap<String, String> = [
        ("__name__", "ALERTS"),
        ("alertname", "LLMServiceDown"),
        ("alertstate", "firing"),
        ("instance", "host.docker.internal:9"),
        ("job", "chat"),
        ("service", "llm-service"),
        ("severity", "critical"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    assert_eq!(rows.into_iter().map(|row| row.labels).collect::<Vec<_>>(), [expect]);
    // Every other expression still answers, with or without data.
    for question in &questions {
        question.ask(&endpoint).unwrap();
    }

    let status = project.run(&["status"]).ended_with(1);
    assert!(status.stdout.contains("\nfiring: LLMServiceDown\n"), "{}", status.stdout);
    let status = project.run(&["status", "--format", "json"]).ended_with(1);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["alerts_firing"], serde_json::json!(["LLMServiceDown"]));
    assert_eq!(status["targets"]["down"][0]["instance"], "host.docker.internal:9");
    project.down_to_nothing();
}
