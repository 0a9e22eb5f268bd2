//! Prometheus rule files
//! (<https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::FormatError;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    #[serde(default)]
    pub interval: Option<String>,
    #[serde(default)]
    pub limit: Option<u64>,
    #[serde(default)]
    pub query_offset: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A recording rule (`record`) or an alerting rule (`alert`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    pub record: Option<String>,
    #[serde(default)]
    pub alert: Option<String>,
    pub expr: String,
    #[serde(default, rename = "for")]
    pub for_: Option<String>,
    #[serde(default)]
    pub keep_firing_for: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Reads a rule file; each rule is either a recording or an alerting one.
pub fn parse(text: &str) -> Result<RuleFile, FormatError> {
    let file: RuleFile = serde_yaml::from_str(text)
        .map_err(|error| FormatError::Shape(error.without_snippet().to_string()))?;
    for rule in file.groups.iter().flat_map(|group| &group.rules) {
        if rule.record.is_some() == rule.alert.is_some() {
            let shown = rule.expr.lines().next().unwrap_or_default();
            return Err(FormatError::Shape(format!(
                "the rule with `expr: {shown}` needs either `record` or `alert`"
            )));
        }
    }
    Ok(file)
}
