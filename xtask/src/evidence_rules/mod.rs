//! `cargo xtask evidence rules`: what llmobs says that rules do, judged by a real `promtool test rules`.
//!
//! Owns: the generated groups of rules and their series ([`cases`]), the files of tests whose expectations are llmobs'
//! own answers, the page.
//! Must not know: how rules are evaluated.
//! Invariants: a seed gives the same cases on every machine; every expectation comes from llmobs, every verdict from
//! promtool.
//! Start reading at: [`run`].

mod anchor;
mod cases;
mod ours;
mod page;
mod templates;
mod verdict;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::{Value as Json, json};

use self::{
    cases::{Case, case},
    ours::{Said, said, series_text},
    page::Counts,
    verdict::Verdict,
};
use crate::judge::promtool;

const PAGE: &str = "assets/evidence/rules.md";

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many files of rules.
    #[arg(long, default_value_t = 120)]
    count: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Judge, and write no page.
    #[arg(long)]
    check: bool,
    /// A folder with `rules.yml` and a promtool test of it, `test-0.5d.yml`: every alert at every evaluation.
    #[arg(long)]
    anchor: Option<PathBuf>,
    /// Keep the files of rules and tests here.
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub(crate) fn run(repository: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let folder = match &options.keep {
        Some(folder) => folder.clone(),
        None => env::temp_dir().join(format!("llmobs-rules-{}", std::process::id())),
    };
    fs::create_dir_all(&folder).context("cannot create a folder")?;
    let judged = judge(&folder, options);
    let anchored = options.anchor.as_deref().map(|anchor| anchor::judge(anchor, &folder)).transpose();
    if options.keep.is_none() {
        fs::remove_dir_all(&folder).context("cannot remove the folder")?;
    }
    let (counts, verdicts) = judged?;
    let anchored = anchored?;
    let bad: Vec<&Verdict> =
        verdicts.iter().chain(anchored.as_ref().map(|anchored| &anchored.verdict)).collect();
    let bad: Vec<&Verdict> = bad.into_iter().filter(|verdict| !verdict.differences.is_empty()).collect();
    for verdict in &bad {
        println!("{}: {} differences", verdict.file, verdict.differences.len());
        if let Some(first) = verdict.differences.first() {
            println!("{first}");
        }
    }
    let page = page::page(repository, options.seed, &counts, &verdicts, anchored.as_ref())?;
    if options.check {
        print!("{}", page::summary(&counts, &verdicts));
    } else {
        fs::write(repository.join(PAGE), page).with_context(|| format!("cannot write `{PAGE}`"))?;
        println!("{PAGE}: {} of {} files differ", bad.len(), verdicts.len());
    }
    Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(folder: &Path, options: &Options) -> anyhow::Result<(Counts, Vec<Verdict>)> {
    let mut counts = Counts::default();
    let mut args = vec!["test".to_owned(), "rules".to_owned()];
    let mut all = Vec::new();
    for number in 0..options.count {
        let case = case(options.seed, number);
        let said = said(&case).with_context(|| format!("case {number}"))?;
        counts.add(&case, &said);
        fs::write(folder.join(format!("{number}.rules.yml")), case.rules.to_string())?;
        let file = format!("{number}.test.yml");
        fs::write(folder.join(&file), test_file(&case, &said, &format!("{number}.rules.yml")).to_string())?;
        args.push(file.clone());
        all.push((file, said));
    }
    let words = promtool(folder, &args)?;
    Ok((counts, verdict::verdicts(&words, &all)))
}

/// A file of tests that expects what llmobs says.
fn test_file(case: &Case, said: &Said, rules: &str) -> Json {
    let mut test = case.test.clone();
    let alerts = said.alerts.iter().map(|at| {
        let firing = at
            .firing
            .iter()
            .map(|(labels, annotations)| json!({"exp_labels": labels, "exp_annotations": annotations}));
        let firing: Vec<Json> = firing.collect();
        json!({"eval_time": format!("{}s", at.at), "alertname": at.alert, "exp_alerts": firing})
    });
    let mut alerts: Vec<Json> = alerts.collect();
    // promtool evaluates as far as it is asked to look; where a rule fails, that has to be as far as the failure.
    if !said.failures.is_empty() {
        let eval_time = format!("{}s", case.instants.iter().max().unwrap_or(&0));
        alerts.push(json!({"eval_time": eval_time, "alertname": "Nobody", "exp_alerts": []}));
    }
    test.insert("alert_rule_test".to_owned(), json!(alerts));
    let expressions = said.expressions.iter().map(|at| {
        let sample = |(labels, value): &(llmobs::series::Labels, f64)| {
            json!({"labels": series_text(labels), "value": number(*value)})
        };
        let samples: Vec<Json> = at.samples.iter().map(sample).collect();
        json!({"expr": at.expr, "eval_time": format!("{}s", at.at), "exp_samples": samples})
    });
    test.insert("promql_expr_test".to_owned(), json!(expressions.collect::<Vec<_>>()));
    json!({
        "rule_files": [rules],
        "evaluation_interval": case.evaluation_interval,
        "group_eval_order": case.group_order,
        "fuzzy_compare": true,
        "tests": [test],
    })
}

/// A number as YAML has it, where JSON has none.
fn number(value: f64) -> Json {
    if value.is_finite() { json!(value) } else { Json::String(format!("{value:?}").replace("inf", "Inf")) }
}
