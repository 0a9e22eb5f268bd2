//! The alerts in their faults: the promtool unit tests that the repository carries.

#![expect(clippy::disallowed_methods, reason = "tests set up and look at files themselves")]

use std::fs;

use super::{
    judge::{is_here, passes, promtool},
    rendered::{bundles, carried},
};

#[test]
fn every_alert_fires_in_its_fault_and_no_other_time() {
    if !is_here() {
        return;
    }
    let mut tests: Vec<String> = Vec::new();
    for entry in fs::read_dir(carried()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".test.yml") {
            fs::copy(carried().join(&name), bundles().join(&name)).unwrap();
            tests.push(name);
        }
    }
    tests.sort();
    assert!(tests.len() >= 9, "{tests:?}");
    let mut args = vec!["test", "rules"];
    args.extend(tests.iter().map(String::as_str));
    passes(bundles(), &args);
}

#[test]
fn a_wrong_expectation_is_noticed() {
    if !is_here() {
        return;
    }
    let silent = "rule_files: [default.rules.yml]\nevaluation_interval: 15s\ntests:\n- interval: 15s\n  \
                  input_series: [{series: 'up{job=\"mock\",instance=\"m:1\"}', values: '0x40'}]\n  \
                  alert_rule_test: [{alertname: LLMServiceDown, eval_time: 5m, exp_alerts: []}]\n";
    fs::write(bundles().join("wrong.yml"), silent).unwrap();
    let verdict = promtool(bundles(), &["test", "rules", "wrong.yml"], "");
    assert!(!verdict.clean, "{}", verdict.words);
}
