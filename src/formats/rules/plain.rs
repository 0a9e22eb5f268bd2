//! Rules without their places, as they are evaluated.

use std::collections::BTreeMap;

use crate::rules;

use super::{Group, Rule, RuleFile, RuleKind};
use crate::formats::Pair;

impl RuleFile {
    /// The groups as plain values.
    pub fn groups(&self) -> Vec<rules::Group> {
        self.groups.iter().map(group).collect()
    }
}

fn group(group: &Group) -> rules::Group {
    rules::Group {
        name: group.name.node.clone(),
        interval: group.interval.as_ref().map(|interval| interval.node),
        limit: group.limit,
        query_offset: group.query_offset.as_ref().map(|offset| offset.node).unwrap_or_default(),
        labels: texts(&group.labels),
        rules: group.rules.iter().map(rule).collect(),
    }
}

fn rule(rule: &Rule) -> rules::Rule {
    let (name, expr, labels) = (rule.name.node.clone(), rule.expr.tree.clone(), texts(&rule.labels));
    match rule.kind {
        RuleKind::Recording => rules::Rule::Recording(rules::RecordingRule { record: name, expr, labels }),
        RuleKind::Alerting => rules::Rule::Alerting(rules::AlertingRule {
            alert: name,
            expr,
            hold: rule.hold.as_ref().map(|hold| hold.node).unwrap_or_default(),
            keep_firing_for: rule.keep_firing_for.as_ref().map(|keep| keep.node).unwrap_or_default(),
            labels,
            annotations: texts(&rule.annotations),
        }),
    }
}

fn texts(pairs: &[Pair]) -> BTreeMap<String, String> {
    pairs.iter().map(|pair| (pair.name.node.clone(), pair.text.as_str().to_owned())).collect()
}
