//! Relabelling rules as they are written; `engine` runs them.

use std::fmt;

use crate::{
    formats::reader::{Keys, Reader, first_line},
    series::anchored,
    yaml::{Entry, Node},
};

use super::Names;

const KEYS: &[&str] =
    &["source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action"];

/// A rule of `relabel_configs` and its kin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relabel {
    pub source_labels: Vec<String>,
    /// Stands between the values of the source labels; `;` by default.
    pub separator: String,
    /// Has to match the whole text; `(.*)` by default. It compiles.
    pub regex: String,
    /// 0 only where the action is another than `hashmod`.
    pub modulus: u64,
    /// May hold `$1` where the action is `replace`.
    pub target_label: String,
    /// `$1` by default.
    pub replacement: String,
    pub action: Action,
    /// Which names are label names.
    pub names: Names,
}

impl Default for Relabel {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: Action::Replace,
            names: Names::Utf8,
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl Action {
    const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rules of a list; what is wrong with one leaves it out.
pub(super) fn rules(reader: &mut Reader<'_>, entry: Option<&Entry>, names: Names) -> Vec<Relabel> {
    let mut rules = Vec::new();
    for node in reader.list(entry) {
        if node.is_null() {
            let span = first_line(reader.source, node.origin.span);
            reader.mistake(span, "the relabelling rule is empty", "remove it, or write its keys");
            continue;
        }
        let Some(keys) = reader.keys(node, "a relabelling rule", KEYS) else { continue };
        rules.extend(rule(reader, keys, node, names));
    }
    rules
}

fn rule(reader: &mut Reader<'_>, keys: Keys<'_>, node: &Node, names: Names) -> Option<Relabel> {
    let before = reader.mistakes.len();
    let default = Relabel::default();
    let text = |reader: &mut Reader<'_>, key: &str, default: String| {
        reader.text(keys.get(key)).map_or(default, |text| text.as_str().to_owned())
    };
    let mut rule = Relabel {
        separator: text(reader, "separator", default.separator),
        regex: text(reader, "regex", default.regex),
        modulus: reader.whole(keys.get("modulus")),
        target_label: text(reader, "target_label", default.target_label),
        replacement: text(reader, "replacement", default.replacement),
        names,
        ..Relabel::default()
    };
    for label in reader.texts(keys.get("source_labels")) {
        if !Names::Utf8.allows(label.as_str()) {
            let message = format!("`{}` is no label name", label.as_str());
            reader.mistake(label.span(), message, "name a label");
        }
        rule.source_labels.push(label.as_str().to_owned());
    }
    if let Some(action) = reader.text(keys.get("action")) {
        let word = action.as_str().to_lowercase();
        if let Some(action) = Action::ALL.into_iter().find(|action| action.name() == word) {
            rule.action = action;
        } else {
            let message = format!("unknown relabel action `{}`", action.as_str());
            let all = Action::ALL.map(|action| format!("`{action}`")).join(", ");
            reader.mistake(action.span(), message, format!("there are {all}"));
        }
    }
    if let Some(regex) = reader.text(keys.get("regex"))
        && let Err(error) = anchored(regex.as_str())
    {
        reader.mistake(regex.span(), error.to_string(), "write a regular expression as RE2 reads it");
    }
    if before == reader.mistakes.len()
        && let Err((key, message)) = rule.check(keys.get("source_labels").is_some())
    {
        let span = keys.get(key).map_or_else(
            || first_line(reader.source, node.origin.span),
            |entry| first_line(reader.source, entry.value.origin.span),
        );
        reader.mistake(span, message, format!("see the rules for the action `{}`", rule.action));
    }
    (before == reader.mistakes.len()).then_some(rule)
}

impl Relabel {
    /// What Prometheus demands of each action; `Err` names the key that is wrong, and how.
    fn check(&self, has_sources: bool) -> Result<(), (&'static str, String)> {
        use Action::{
            DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase,
        };
        let action = self.action;
        let default = Self::default();
        let has_target = matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
        let folds = matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual);
        if self.modulus == 0 && action == HashMod {
            let message = "relabel configuration for hashmod requires non-zero modulus".to_owned();
            return Err(("modulus", message));
        }
        if has_target && self.target_label.is_empty() {
            let message = format!("relabel configuration for {action} action requires `target_label` value");
            return Err(("target_label", message));
        }
        let target_is_name = match action {
            Replace if self.target_label.contains('$') => self.names.allows_template(&self.target_label),
            _ => self.names.allows(&self.target_label),
        };
        if has_target && !target_is_name {
            let message = format!("`{}` is invalid `target_label` for {action} action", self.target_label);
            return Err(("target_label", message));
        }
        if folds && self.replacement != default.replacement {
            return Err(("replacement", format!("`replacement` can not be set for {action} action")));
        }
        if action == LabelMap && !self.names.allows_template(&self.replacement) {
            let message = format!("`{}` is invalid `replacement` for {action} action", self.replacement);
            return Err(("replacement", message));
        }
        let common = [
            ("modulus", self.modulus != 0),
            ("separator", self.separator != default.separator),
            ("replacement", self.replacement != default.replacement),
        ];
        let (only, more): (&str, &[(&'static str, bool)]) = match action {
            DropEqual | KeepEqual => {
                ("`source_labels` and `target_label`", &[("regex", self.regex != default.regex)])
            }
            LabelDrop | LabelKeep => (
                "`regex`",
                &[("source_labels", has_sources), ("target_label", !self.target_label.is_empty())],
            ),
            _ => return Ok(()),
        };
        match common.iter().chain(more).find(|(_, is_set)| *is_set) {
            Some((key, _)) => {
                Err((key, format!("{action} action requires only {only}, and no other fields")))
            }
            None => Ok(()),
        }
    }
}
