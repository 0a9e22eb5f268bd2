//! Names that mean something in a language that they land in.

use insta::assert_snapshot;
use llmobs::formats;
use serde_json::{Value, json};

use crate::{config::told, project::Project};

const HOSTILE: [&str; 12] = [
    "meta-llama/Llama-3.1-70B",
    "a\"b",
    "j|k.*",
    "c\\d",
    "é中",
    "{{ x }}",
    "<< x >>",
    "$f",
    "${DS}",
    "</script>",
    "yes",
    "007",
];

/// A configuration with these models, each at a price.
fn with_models(names: &[&str]) -> Project {
    let model = |name: &&str| json!({"name": name, "provider": name, "price": {"input": 1, "output": 2}});
    let models: Vec<Value> = names.iter().map(model).collect();
    Project::with(&json!({ "models": models }).to_string())
}

#[test]
fn every_rendered_file_gives_back_exactly_the_name() {
    let project = with_models(&HOSTILE);
    project.run("render --out out").done();
    for (path, text) in project.tree("out") {
        let parsed = match path.rsplit('.').next() {
            Some("json") => formats::json(&text).map(drop),
            Some("yml" | "yaml") => formats::yaml(&text).map(drop),
            _ => Ok(()),
        };
        parsed.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    let rules = formats::yaml(&project.read("out/prometheus/rules/llmobs.yml")).unwrap();
    let rules =
        rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let prices = rules.filter(|rule| rule["record"] == "llm_model_price_usd_per_token");
    let input = prices.filter(|rule| rule["labels"]["type"] == "input");
    let seen: Vec<_> = input.map(|rule| [&rule["labels"]["model"], &rule["labels"]["provider"]]).collect();
    assert_eq!(json!(seen), json!(HOSTILE.map(|name| [name, name])));

    let exporter = formats::yaml(&project.read("out/exporter/llmobs.yaml")).unwrap();
    let models = exporter["models"].as_array().unwrap().iter();
    let seen: Vec<_> = models.map(|model| [&model["name"], &model["provider"]]).collect();
    assert_eq!(json!(seen), json!(HOSTILE.map(|name| [name, name])));
}

#[test]
fn the_exporters_own_configuration_can_be_loaded() {
    let project = with_models(&HOSTILE);
    project.run("render --out out").done();
    project.run("render --config out/exporter/llmobs.yaml --out again").done();
    assert_eq!(project.read("again/exporter/llmobs.yaml"), project.read("out/exporter/llmobs.yaml"));
}

#[test]
fn names_with_control_characters_are_refused_with_their_place() {
    assert_snapshot!(told(&with_models(&["a\nb"]), ""), @r#"
    exit 2
    ----- stderr
    error: the name `a\nb` holds a control character
     --> llmobs.yaml:1:20
      |
    1 | {"models":[{"name":"a\nb","price":{"input":1,"output":2},"provider":"a\nb"}]}
      |                    ^^^^^^
      |
      = help: remove line breaks, tabs and other control characters

    error: the name `a\nb` holds a control character
     --> llmobs.yaml:1:69
      |
    1 | {"models":[{"name":"a\nb","price":{"input":1,"output":2},"provider":"a\nb"}]}
      |                                                                     ^^^^^^
      |
      = help: remove line breaks, tabs and other control characters

    2 errors in llmobs.yaml
    "#);
    assert_snapshot!(told(&Project::with("models:\n  - {name: \"a\\u0007\", price: {input: 1, output: 1}}\n"), ""), @r#"
    exit 2
    ----- stderr
    error: the name `a\u{7}` holds a control character
     --> llmobs.yaml:2:12
      |
    2 |   - {name: "a\u0007", price: {input: 1, output: 1}}
      |            ^^^^^^^^^
      |
      = help: remove line breaks, tabs and other control characters

    1 error in llmobs.yaml
    "#);
    assert_snapshot!(told(&Project::with("models:\n  - {name: \"\", price: {input: 1, output: 1}}\n"), ""), @r#"
    exit 2
    ----- stderr
    error: the name is empty
     --> llmobs.yaml:2:12
      |
    2 |   - {name: "", price: {input: 1, output: 1}}
      |            ^^
      |
      = help: write the name as it stands in the metrics

    1 error in llmobs.yaml
    "#);
}

#[test]
fn other_names_are_plain_or_refused() {
    assert_snapshot!(told(&Project::with("service: a\"b\n"), ""), @r#"
    exit 2
    ----- stderr
    error: `a\"b` is no name for a service
     --> llmobs.yaml:1:10
      |
    1 | service: a"b
      |          ^^^
      |
      = help: use letters, digits, `.`, `_` and `-`, at most 63, such as `a-b`

    1 error in llmobs.yaml
    "#);
    assert_snapshot!(told(&Project::with("targets: [{job: \"a b\", source: vllm, endpoints: [\"a/b:1\"]}]\n"), ""), @r#"
    exit 2
    ----- stderr
    error: `a b` is no name for a job
     --> llmobs.yaml:1:17
      |
    1 | targets: [{job: "a b", source: vllm, endpoints: ["a/b:1"]}]
      |                 ^^^^^
      |
      = help: use letters, digits, `.`, `_` and `-`, at most 63, such as `a-b`

    error: `a/b:1` has no port
     --> llmobs.yaml:1:50
      |
    1 | targets: [{job: "a b", source: vllm, endpoints: ["a/b:1"]}]
      |                                                  ^^^^^^^
      |
      = help: write `a:8000` with the port of its metrics

    2 errors in llmobs.yaml
    "#);
    assert_snapshot!(told(&Project::with("targets: [{job: mock, source: vllm, endpoints: [\"a:0\"]}]\n"), ""), @r#"
    exit 2
    ----- stderr
    error: the job name `mock` belongs to the mock service of llmobs
     --> llmobs.yaml:1:17
      |
    1 | targets: [{job: mock, source: vllm, endpoints: ["a:0"]}]
      |                 ^^^^
      |
      = help: choose another name for your job

    error: `a:0` is not `host:port`
     --> llmobs.yaml:1:49
      |
    1 | targets: [{job: mock, source: vllm, endpoints: ["a:0"]}]
      |                                                 ^^^^^
      |
      = help: write an address such as `10.0.0.5:8000` or `[::1]:8000`

    2 errors in llmobs.yaml
    "#);
}
