//! Random small configurations: every valid one renders, and what is rendered can be read back.

use llmobs::formats;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use crate::project::Project;

const CASES: u64 = 40;

fn pick<'a, T: ?Sized>(rng: &mut Pcg64Mcg, of: &[&'a T]) -> &'a T {
    of[rng.random_range(0..of.len())]
}

/// A valid configuration. JSON is YAML too.
fn config(rng: &mut Pcg64Mcg) -> Value {
    let mut config = json!({
        "service": pick(rng, &["chat", "a.b", "x_1-y"]),
        "objectives": {
            "availability": pick(rng, &["99%", "99.95%", "50%"]),
            "latency": {"threshold": pick(rng, &["250ms", "4s", "5s", "6s", "1m"]), "share": pick(rng, &["90%", "99.9%"])},
            "first_token": {"threshold": pick(rng, &["100ms", "2s", "2500ms", "9s"])},
        },
        "cost": {
            "ceiling_per_hour": pick(rng, &["0.01", "80", "1234567.89"]).parse::<f64>().unwrap(),
            "approaching": pick(rng, &["1%", "80%", "99.9%"]),
        },
        "errors": {"alert_above": pick(rng, &["0.1%", "5%", "33.3%"]), "for": pick(rng, &["1m", "5m", "2h"])},
        "tokens": {"spike_per_second": rng.random_range(1..100_000)},
    });
    if rng.random_bool(0.3) {
        config["cost"]["budget_per_month"] = json!(rng.random_range(1..1_000_000));
    }
    if rng.random_bool(0.6) {
        let price = json!({"input": rng.random_range(0..5000), "output": 0.000_1});
        let models: [Value; 3] = [
            json!("gpt-4o"),
            json!({"name": "own/model \"7b\"", "provider": "me", "price": price}),
            json!("claude-sonnet-4-5"),
        ];
        config["models"] = json!(models[..rng.random_range(1..=3)]);
    }
    let targets = rng.random_range(0..4);
    if targets > 0 {
        let target = |index: usize| {
            let endpoint = |port: usize| format!("host-{index}:{port}");
            let first_is_entry = if index == 0 { "entry" } else { pick(rng, &["entry", "backend"]) };
            json!({
                "job": format!("job_{index}"),
                "source": pick(rng, &["llmobs", "vllm"]),
                "role": first_is_entry,
                "scrape_interval": pick(rng, &["1s", "15s", "5m"]),
                "endpoints": (1..=rng.random_range(1..4)).map(endpoint).collect::<Vec<_>>(),
            })
        };
        config["targets"] = (0..targets).map(target).collect();
        let sets =
            [json!(["prometheus"]), json!(["prometheus", "grafana"]), json!(["prometheus", "exporter"])];
        if rng.random_bool(0.5) {
            config["stack"] = json!({"components": sets[rng.random_range(0..sets.len())]});
        }
    }
    config
}

#[test]
fn every_valid_configuration_renders_and_reads_back() {
    for seed in 0..CASES {
        let config = config(&mut Pcg64Mcg::seed_from_u64(seed)).to_string();
        let project = Project::with(&config);
        let ran = project.run("render --out out");
        assert_eq!(ran.code, Some(0), "seed {seed}: {config}\n{ran}");
        for (path, text) in project.tree("out") {
            let read = match path.rsplit_once('.') {
                _ if path.ends_with("rules/llmobs.yml") => formats::rules::check(&text),
                Some((_, "json")) => formats::json(&text).map(drop),
                Some((_, "yml" | "yaml")) => formats::yaml(&text).map(drop),
                _ => Ok(()),
            };
            assert!(read.is_ok(), "seed {seed}: {path}: {read:?}\n{config}");
            assert!(!text.contains("NaN") && !text.contains("inf,"), "seed {seed}: {path}");
        }
        assert_eq!(project.run("render --out out --check").code, Some(0), "seed {seed}");
    }
}
