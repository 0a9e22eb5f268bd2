//! Groups made ready for evaluation: labels merged, templates parsed, what each rule reads and writes.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    promql::{
        eval,
        syntax::{self, ValueType},
    },
    series::{Labels, METRIC_NAME},
};

use super::{
    alert::{AlertState, Holds},
    depend::{ALERT_NAMES, Reading, Writing},
    group::{Group, Rule},
    template::{Template, TemplateError},
};

/// A rule by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    pub group: usize,
    pub rule: usize,
}

/// What rules are evaluated with, besides data.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For templates.
    pub external_labels: Labels,
    /// For templates: what `$externalURL` stands for.
    pub external_url: String,
    /// For templates: what the functions `externalURL` and `pathPrefix` speak of. promtool's unit tests have none, and
    /// the functions fail there.
    pub server_url: Option<String>,
    /// How queries in templates are read.
    pub syntax: syntax::Options,
    pub eval: eval::Options<'static>,
}

/// A template of a rule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{name}`: {error}")]
pub struct ProgramError {
    pub rule: RuleId,
    pub what: TemplatePlace,
    /// Of the label or annotation.
    pub name: String,
    pub error: TemplateError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplatePlace {
    Label,
    Annotation,
}

impl std::fmt::Display for TemplatePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Label => "label",
            Self::Annotation => "annotation",
        })
    }
}

/// Groups of rules, ready to be evaluated.
#[derive(Debug)]
pub struct Program {
    pub(super) groups: Vec<Group>,
    pub(super) settings: Settings,
    /// In the order of the groups and of their rules.
    pub(super) rules: Vec<Compiled>,
    /// The place of each group's first rule among all rules.
    starts: Vec<usize>,
}

/// A rule, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) id: RuleId,
    /// Milliseconds.
    pub(super) offset: i64,
    pub(super) limit: usize,
    /// Whether the expression gives a vector or a scalar.
    pub(super) gives_vector: bool,
    pub(super) reading: Reading,
    pub(super) writing: Writing,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// The name among the labels.
    Recording(Vec<(Arc<str>, Arc<str>)>),
    Alerting(Alerting),
}

#[derive(Debug)]
pub(super) struct Alerting {
    pub(super) name: Arc<str>,
    pub(super) holds: Holds,
    pub(super) labels: Vec<(Arc<str>, Template)>,
    pub(super) annotations: Vec<(String, Template)>,
    /// What its series have where an alert has no such label: the texts of the templates.
    pub(super) base: Labels,
    pub(super) stability: Stability,
}

impl Alerting {
    /// The labels of the series that an alert writes.
    pub(super) fn series(&self, alert: &Labels) -> [Labels; 3] {
        let series = |name: &str, state: Option<AlertState>| {
            let mut labels = self.base.edit();
            for (name, value) in alert.iter() {
                labels.set(name, value);
            }
            labels.set("__name__", name).set("alertname", self.name.clone());
            if let Some(state) = state {
                labels.set("alertstate", state.text());
            }
            labels.finish()
        };
        [
            series("ALERTS", Some(AlertState::Pending)),
            series("ALERTS", Some(AlertState::Firing)),
            series("ALERTS_FOR_STATE", None),
        ]
    }
}

/// How often the labels of an alert have to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stability {
    /// Once for each series of results.
    Series,
    /// For each value.
    Value,
    /// At each instant.
    Instant,
}

impl Program {
    /// All templates that are none are told at once.
    pub fn new(groups: Vec<Group>, settings: Settings) -> Result<Self, Vec<ProgramError>> {
        let mut mistakes = Vec::new();
        let (mut rules, mut starts) = (Vec::new(), Vec::new());
        for (index, group) in groups.iter().enumerate() {
            starts.push(rules.len());
            for (place, rule) in group.rules.iter().enumerate() {
                let id = RuleId { group: index, rule: place };
                rules.push(compile(id, group, rule, &mut mistakes));
            }
        }
        if mistakes.is_empty() { Ok(Self { groups, settings, rules, starts }) } else { Err(mistakes) }
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The rule at a place.
    ///
    /// # Panics
    /// Where there is no such rule.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.groups[id.group].rules[id.rule]
    }

    /// All rules in the order in which they are evaluated at an instant.
    pub fn ids(&self) -> impl Iterator<Item = RuleId> {
        self.rules.iter().map(|rule| rule.id)
    }

    /// The place among all rules.
    pub(super) fn flat(&self, id: RuleId) -> usize {
        self.starts[id.group] + id.rule
    }

    /// The places of a group's rules among all rules.
    pub(super) fn of_group(&self, group: usize) -> std::ops::Range<usize> {
        let start = self.starts[group];
        start..start + self.groups[group].rules.len()
    }
}

fn compile(id: RuleId, group: &Group, rule: &Rule, mistakes: &mut Vec<ProgramError>) -> Compiled {
    let mut labels = group.labels.clone();
    labels.extend(rule.labels().clone());
    let gives_vector = matches!(rule.expr().value_type(), ValueType::Scalar | ValueType::InstantVector);
    let mut reading = Reading::of(rule.expr());
    let mut known = BTreeMap::new();
    let (names, kind) = match rule {
        Rule::Recording(rule) => {
            known.extend(labels.clone());
            let mut pairs: Vec<(Arc<str>, Arc<str>)> =
                vec![(METRIC_NAME.into(), rule.record.as_str().into())];
            pairs.extend(labels.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())));
            (vec![rule.record.clone()], Kind::Recording(pairs))
        }
        Rule::Alerting(rule) => {
            let template_name = format!("__alert_{}", rule.alert);
            let mut parse = |what: TemplatePlace, texts: &BTreeMap<String, String>| {
                let mut parsed = Vec::new();
                for (name, text) in texts {
                    match Template::parse(&template_name, text) {
                        Ok(template) => parsed.push((name.clone(), template)),
                        Err(error) => {
                            mistakes.push(ProgramError { rule: id, what, name: name.clone(), error });
                        }
                    }
                }
                parsed
            };
            let templates = parse(TemplatePlace::Label, &labels);
            let annotations = parse(TemplatePlace::Annotation, &rule.annotations);
            let mut stability = Stability::Series;
            for (name, template) in &templates {
                let reads = template.reads();
                if reads.query {
                    // Which series the query reads is not known before it is expanded.
                    reading = Reading::everything();
                }
                stability = stability.max(match (reads.query || reads.now, reads.value) {
                    (true, _) => Stability::Instant,
                    (false, true) => Stability::Value,
                    (false, false) => Stability::Series,
                });
                if let Some(text) = template.constant() {
                    known.insert(name.clone(), text.to_owned());
                }
            }
            known.insert("alertname".to_owned(), rule.alert.clone());
            let alerting = Alerting {
                name: rule.alert.as_str().into(),
                holds: Holds::new(rule.hold, rule.keep_firing_for),
                labels: templates.into_iter().map(|(name, template)| (name.into(), template)).collect(),
                annotations,
                base: labels.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect(),
                stability,
            };
            (ALERT_NAMES.map(str::to_owned).to_vec(), Kind::Alerting(alerting))
        }
    };
    Compiled {
        id,
        offset: i64::try_from(group.query_offset.as_millis()).unwrap_or(i64::MAX),
        limit: group.limit,
        gives_vector,
        reading,
        writing: Writing { names, known },
        kind,
    }
}
