//! Twenty rules over half a day of three hundred series: every alert at every evaluation.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use serde_json::Value as Json;

use super::{
    cases::Case,
    ours::said,
    test_file,
    verdict::{self, Verdict},
};
use crate::judge::promtool;

const RULES: &str = "rules.yml";
const TEST: &str = "test-0.5d.yml";
/// Seconds.
const STEP: u64 = 15;
const HALF_A_DAY: u64 = 12 * 3600;

#[derive(Debug)]
pub(super) struct Anchored {
    pub(super) evaluations: usize,
    pub(super) alerts: usize,
    /// Alerts that fire, summed over the evaluations.
    pub(super) firing: usize,
    pub(super) verdict: Verdict,
}

pub(super) fn judge(anchor: &Path, folder: &Path) -> anyhow::Result<Anchored> {
    let read = |name: &str| -> anyhow::Result<Json> {
        let text = fs::read_to_string(anchor.join(name)).with_context(|| format!("cannot read `{name}`"))?;
        serde_yaml::from_str(&text).with_context(|| format!("`{name}` is no YAML"))
    };
    let (rules, test) = (read(RULES)?, read(TEST)?);
    let mut group = test["tests"][0].as_object().context("no group of tests")?.clone();
    group.remove("alert_rule_test");
    let rules_of = || {
        rules["groups"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|group| group["rules"].as_array().into_iter().flatten())
    };
    let names = |field: &str| -> Vec<String> {
        rules_of().filter_map(|rule| rule[field].as_str()).map(str::to_owned).collect()
    };
    let alerts = names("alert");
    ensure!(!alerts.is_empty(), "there are no alerts");
    let instants: Vec<u64> = (0..HALF_A_DAY / STEP).map(|step| step * STEP).collect();
    let case = Case {
        rules,
        test: group,
        evaluation_interval: test["evaluation_interval"].as_str().unwrap_or("15s").to_owned(),
        group_order: Vec::new(),
        alerts,
        // What they record is looked at in the generated cases; here it would be millions of samples.
        records: Vec::new(),
        instants,
        pairs: 0,
    };
    let mut said = said(&case)?;
    said.expressions.clear();
    fs::copy(anchor.join(RULES), folder.join("anchor.rules.yml")).context("cannot copy the rules")?;
    let file = "anchor.test.yml";
    fs::write(folder.join(file), test_file(&case, &said, "anchor.rules.yml").to_string())?;
    let words = promtool(folder, &["test".to_owned(), "rules".to_owned(), file.to_owned()])?;
    let firing = said.alerts.iter().map(|at| at.firing.len()).sum();
    let verdict = verdict::verdicts(&words, &[(file.to_owned(), said)]).remove(0);
    Ok(Anchored { evaluations: case.instants.len(), alerts: case.alerts.len(), firing, verdict })
}
