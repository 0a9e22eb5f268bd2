//! Reads a rule file; refuses what Prometheus would refuse.

use crate::{
    diagnostic::{Diagnostic, Severity},
    promql::syntax::{Options, Spanned},
    rules::Template,
    series::METRIC_NAME,
    text::Source,
    yaml::Node,
};

use super::{Group, Rule, RuleFile, RuleKind};
use crate::formats::{
    Pair, Text,
    reader::{Keys, Reader, first_line},
};

const FILE: &[&str] = &["groups"];
const GROUP: &[&str] = &["name", "interval", "query_offset", "limit", "labels", "rules"];
const RULE: &[&str] = &["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];

/// Reads a rule file, and with it what is worth a warning. `Err` holds every mistake at once.
pub fn read(source: &Source, options: &Options) -> Result<(RuleFile, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    let mut file = RuleFile::default();
    if let Some(root) = reader.root() {
        let keys = reader.keys(&root, "a rule file", FILE);
        for node in keys.map(|keys| reader.list(keys.get("groups"))).unwrap_or_default() {
            let group = group(&mut reader, node, *options);
            if let Some(group) = group {
                repeated(&mut reader, &file.groups, &group);
                file.groups.push(group);
            }
        }
    }
    let mistakes = reader.finish();
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        Err(mistakes)
    } else {
        Ok((file, mistakes))
    }
}

fn repeated(reader: &mut Reader<'_>, groups: &[Group], group: &Group) {
    let name = &group.name;
    if let Some(first) = groups.iter().find(|other| other.name.node == name.node) {
        reader.mistakes.push(
            Diagnostic::error(format!("the group `{}` is there twice", name.node))
                .at(reader.source, name.span, "again here")
                .at(reader.source, first.name.span, "first here")
                .help("names of groups are unique within a file"),
        );
    }
}

fn group(reader: &mut Reader<'_>, node: &Node, options: Options) -> Option<Group> {
    let keys = reader.keys(node, "a group", GROUP)?;
    let start = first_line(reader.source, node.origin.span);
    let name = reader.text(keys.get("name")).filter(|name| !name.as_str().is_empty());
    if name.is_none() && !keys.is_told("name") {
        reader.mistake(
            start,
            "the group has no name",
            "add `name:` with a name that is unique within the file",
        );
    }
    let interval = reader.duration(keys.get("interval"));
    let query_offset = reader.duration(keys.get("query_offset"));
    let limit = reader.limit(keys.get("limit")).unwrap_or(0);
    let labels = labels(reader, keys);
    let mut rules = Vec::new();
    for node in reader.list(keys.get("rules")) {
        rules.extend(rule(reader, node, options));
    }
    if let Some(alert) = rules.iter().find(|rule: &&Rule| rule.kind == RuleKind::Alerting) {
        let name = alert.name.node.clone();
        templates(reader, &name, labels.iter());
    }
    let name = name.map_or(Spanned { node: String::new(), span: start }, |name| spanned(&name));
    let group = Group { name, interval, limit, query_offset, labels, rules, span: node.origin.span };
    (!group.name.node.is_empty()).then_some(group)
}

fn rule(reader: &mut Reader<'_>, node: &Node, options: Options) -> Option<Rule> {
    let keys = reader.keys(node, "a rule", RULE)?;
    let start = first_line(reader.source, node.origin.span);
    let filled = |text: &Text| !text.as_str().is_empty();
    let record = reader.text(keys.get("record")).filter(filled);
    let alert = reader.text(keys.get("alert")).filter(filled);
    let expr = reader.expression(keys, "the rule", start, options);
    let hold = reader.duration(keys.get("for"));
    let keep_firing_for = reader.duration(keys.get("keep_firing_for"));
    let labels = labels(reader, keys);
    let annotations = reader.pairs(keys.get("annotations"));
    for pair in annotations.iter().filter(|pair| pair.name.node.is_empty()) {
        reader.mistake(pair.name.span, "an annotation has no name", "write a name before the `:`");
    }
    let (kind, name) = match (record, alert) {
        (Some(record), None) => {
            record_name(reader, &record);
            for (key, value) in [("for", &hold), ("keep_firing_for", &keep_firing_for)] {
                if value.as_ref().is_some_and(|value| value.node.as_millis() > 0) {
                    of_alerts_only(reader, keys, key);
                }
            }
            if !annotations.is_empty() {
                of_alerts_only(reader, keys, "annotations");
            }
            (RuleKind::Recording, spanned(&record))
        }
        (None, Some(alert)) => {
            templates(reader, alert.as_str(), labels.iter().chain(&annotations));
            (RuleKind::Alerting, spanned(&alert))
        }
        (Some(record), Some(alert)) => {
            reader.mistakes.push(
                Diagnostic::error("a rule has either `record` or `alert`, not both")
                    .at(reader.source, alert.span(), "")
                    .at(reader.source, record.span(), "")
                    .help("make two rules of it"),
            );
            return None;
        }
        (None, None) => {
            let told = keys.is_told("record") || keys.is_told("alert");
            if !told {
                reader.mistake(
                    start,
                    "the rule has neither `record` nor `alert`",
                    "add `record:` with the name of a series, or `alert:` with the name of an alert",
                );
            }
            return None;
        }
    };
    Some(Rule { kind, name, expr: expr?, hold, keep_firing_for, labels, annotations, span: node.origin.span })
}

/// Labels and annotations of an alert are templates.
fn templates<'a>(reader: &mut Reader<'_>, alert: &str, pairs: impl Iterator<Item = &'a Pair>) {
    let name = format!("__alert_{alert}");
    for pair in pairs {
        if let Err(error) = Template::parse(&name, pair.text.as_str()) {
            let place = pair.text.place(error.span);
            let message = format!("the template of `{}` is wrong: {}", pair.name.node, error.reason);
            reader.mistakes.push(Diagnostic::error(message).at(reader.source, place, ""));
        }
    }
}

fn record_name(reader: &mut Reader<'_>, record: &Text) {
    if record.as_str().contains(['{', '}']) {
        let message = format!("the name `{}` has braces", record.as_str());
        reader.mistake(record.span(), message, "a name is no selector; add labels with `labels:`");
    }
}

fn of_alerts_only(reader: &mut Reader<'_>, keys: Keys<'_>, key: &str) {
    if let Some(entry) = keys.get(key) {
        let message = format!("a recording rule has no `{key}`");
        reader.mistake(entry.key_origin.span, message, "remove it; only alerts have it");
    }
}

fn labels(reader: &mut Reader<'_>, keys: Keys<'_>) -> Vec<Pair> {
    let pairs = reader.pairs(keys.get("labels"));
    for pair in &pairs {
        match pair.name.node.as_str() {
            "" => reader.mistake(pair.name.span, "a label has no name", "write a name before the `:`"),
            METRIC_NAME => reader.mistake(
                pair.name.span,
                format!("the label `{METRIC_NAME}` cannot be set"),
                "a series is named by `record:`",
            ),
            _ => {}
        }
    }
    pairs
}

fn spanned(text: &Text) -> Spanned<String> {
    Spanned { span: text.span(), node: text.as_str().to_owned() }
}
