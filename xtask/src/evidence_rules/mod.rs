//! `cargo xtask evidence rules`: what llmobs says that rules do, judged by a real `promtool test rules`.
//!
//! Owns: the generated groups of rules and their series ([`cases`]), the files of tests whose expectations are llmobs'
//! own answers, the page.
//! Must not know: how rules are evaluated.
//! Invariants: a seed gives the same cases on every machine; every expectation comes from llmobs, every verdict from
//! promtool.
//! Start reading at: [`run`].

mod cases;
mod templates;

use std::{env, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use self::cases::{Case, case};
use crate::judge::promtool;

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many files of rules.
    #[arg(long, default_value_t = 120)]
    count: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(_repository: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let folder = env::temp_dir().join(format!("llmobs-rules-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut pairs = 0;
    let mut args = vec!["test".to_owned(), "rules".to_owned()];
    for number in 0..options.count {
        let case = case(options.seed, number);
        pairs += case.pairs;
        fs::write(folder.join(format!("{number}.rules.yml")), case.rules.to_string())?;
        fs::write(folder.join(format!("{number}.test.yml")), test_file(&case, number).to_string())?;
        args.push(format!("{number}.test.yml"));
    }
    let (clean, words) = promtool(&folder, &args).context("x")?;
    println!("{words}");
    println!("{pairs} {clean}");
    Ok(ExitCode::SUCCESS)
}

fn test_file(case: &Case, number: u64) -> Json {
    let mut test = case.test.clone();
    let mut alert_tests = Vec::new();
    for alert in &case.alerts {
        for at in &case.instants {
            alert_tests.push(json!({"eval_time": format!("{at}s"), "alertname": alert, "exp_alerts": []}));
        }
    }
    test.insert("alert_rule_test".to_owned(), json!(alert_tests));
    json!({
        "rule_files": [format!("{number}.rules.yml")],
        "evaluation_interval": case.evaluation_interval,
        "group_eval_order": case.group_order,
        "fuzzy_compare": true,
        "tests": [test],
    })
}
