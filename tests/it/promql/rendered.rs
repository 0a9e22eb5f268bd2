//! Every expression that llmobs renders is one, and its canonical form is stable.

use llmobs::{
    formats::rules,
    promql::syntax::{Options, parse},
    text::Source,
};
use serde_json::Value;

use crate::{
    golden::{GATEWAY_AND_VLLM, TWO_ENTRIES_AND_MOCK, VLLM},
    project::Project,
};

const RULE: Options = Options { experimental: false, variables: false };
const PANEL: Options = Options { experimental: false, variables: true };

/// All expressions of a rendered tree, with the options that they are read with.
fn expressions(config: &str) -> Vec<(String, Options)> {
    let project = Project::with(config);
    project.run("render --out out").done();
    let mut found = Vec::new();
    for (path, text) in project.tree("out") {
        if path.starts_with("prometheus/rules/") {
            let (file, _) = rules::read(&Source::new(path, text), &RULE).unwrap();
            let rules = file.groups.into_iter().flat_map(|group| group.rules);
            found.extend(rules.map(|rule| (rule.expr.text.as_str().to_owned(), RULE)));
        } else if path.ends_with(".json") {
            panel_expressions(&serde_json::from_str(&text).unwrap(), &mut found);
        }
    }
    found
}

fn panel_expressions(value: &Value, found: &mut Vec<(String, Options)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| panel_expressions(item, found)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(expr) if key == "expr" => found.push((expr.to_owned(), PANEL)),
                    _ => panel_expressions(field, found),
                }
            }
        }
        _ => {}
    }
}

#[track_caller]
fn check(config: &str, least: usize) {
    let found = expressions(config);
    assert!(found.len() >= least, "only {} expressions", found.len());
    for (text, options) in found {
        let printed = parse(&text, &options).unwrap_or_else(|errors| panic!("{text}\n{errors}")).to_string();
        let again = parse(&printed, &options).unwrap().to_string();
        assert_eq!(again, printed, "{text}");
    }
}

#[test]
fn what_is_rendered_can_be_read() {
    check("", 40);
    check(GATEWAY_AND_VLLM, 40);
    check(VLLM, 30);
    check(TWO_ENTRIES_AND_MOCK, 40);
}
