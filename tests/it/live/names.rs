//! Model names that mean something in every language they pass through.

use std::{collections::BTreeSet, time::Duration};

use llmobs::render::escape::{promql_regex, promql_string};

use super::{
    grafana,
    panels::{all_have_data, ask_with, questions},
    project::{Project, eventually},
    prometheus::{query, rules_healthy},
};

/// Each with a decoy that a careless expression would select too.
const NAMES: [(&str, &str); 9] = [
    ("meta-llama/Llama-3.1-70B", "meta-llama/Llama-3x1-70B"),
    ("a\"b", "a"),
    ("j|k.*", "k1"),
    ("c\\d", "c5"),
    ("é中", "é"),
    ("{{ x }}", "x"),
    ("$f", "f"),
    ("</script>", "script"),
    ("${__rate_interval}", "$1"),
];

#[track_caller]
fn check_selects(project: &Project, metric: &str, model: &str) {
    for matcher in [format!("={}", promql_string(model)), format!("=~{}", promql_regex(model))] {
        let found = query(&project.prometheus(), &format!("{metric}{{model{matcher}}}")).unwrap();
        let models: BTreeSet<_> = found.iter().map(|series| series.labels["model"].as_str()).collect();
        assert_eq!(models, BTreeSet::from([model]), "{metric}{{model{matcher}}}");
    }
}

#[test]
fn hostile_names_select_their_own_series() {
    let Some(project) = Project::new("names") else { return };
    let names: Vec<&str> = NAMES.into_iter().flat_map(|(name, decoy)| [name, decoy]).collect();
    let models: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({"name": name, "provider": "p", "price": {"input": 1, "output": 2}}))
        .collect();
    // JSON is YAML.
    project.write("llmobs.yaml", &serde_json::json!({"models": models}).to_string());
    project.up(&[]).done();

    let endpoint = project.prometheus();
    eventually(Duration::from_mins(1), || rules_healthy(&endpoint));
    for name in &names {
        check_selects(&project, "llm_requests_total", name);
        check_selects(&project, "llm_model_price_usd_per_token", name);
    }
    let expect: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
    eventually(Duration::from_secs(40), || {
        let found = query(&endpoint, "llmobs:model:info")?;
        let offered: BTreeSet<_> = found.iter().map(|series| series.labels["model"].clone()).collect();
        if offered == expect { Ok(()) } else { Err(format!("{offered:?} are offered")) }
    });

    // The dashboard, with everything and with one of them chosen, as Grafana puts a single value in.
    let dashboard = grafana::dashboard(&project).unwrap();
    let everything = questions(&dashboard, 5);
    eventually(Duration::from_mins(1), || all_have_data(&endpoint, &everything));
    for question in ask_with(&dashboard, 5, "mock", "j\\\\|k\\\\.\\\\*") {
        let series = question.ask(&endpoint).unwrap();
        let models: BTreeSet<_> = series.iter().filter_map(|series| series.labels.get("model")).collect();
        assert!(models.iter().all(|model| *model == "j|k.*"), "{}: {models:?}", question.panel);
    }
    project.down_to_nothing();
}
