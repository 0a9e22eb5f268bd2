//! Runs relabelling rules over labels
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>).

use md5::{Digest as _, Md5};

use crate::{
    formats::prometheus::{Action, Names, Relabel},
    series::{LabelsEdit, Pattern, Replacement},
};

/// Rules, compiled; they run in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Relabelling {
    rules: Vec<Rule>,
}

/// What the rules decided of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    Dropped,
}

#[derive(Debug, Clone)]
struct Rule {
    written: Relabel,
    pattern: Pattern,
    target: Replacement,
    replacement: Replacement,
    /// Whether neither pattern nor replacement nor target depend on what is matched, so that an empty text sets a
    /// constant: the shape of rules that only add a label.
    is_constant: bool,
}

impl PartialEq for Relabelling {
    fn eq(&self, other: &Self) -> bool {
        let written = |rule: &Rule| rule.written.clone();
        self.rules.iter().map(written).eq(other.rules.iter().map(written))
    }
}

impl Relabelling {
    /// A rule whose pattern does not compile, which the reader of the file refuses, is left out.
    pub(super) fn new(rules: &[Relabel]) -> Self {
        let compiled = rules.iter().filter_map(|rule| {
            let is_constant =
                rule.regex == "(.*)" && !rule.target_label.contains('$') && !rule.replacement.contains('$');
            Some(Rule {
                pattern: Pattern::new(&rule.regex).ok()?,
                target: Replacement::new(&rule.target_label),
                replacement: Replacement::new(&rule.replacement),
                is_constant,
                written: rule.clone(),
            })
        });
        Self { rules: compiled.collect() }
    }

    /// Labels that are dropped are left as they were when the rule said so.
    pub(super) fn run(&self, labels: &mut LabelsEdit) -> Verdict {
        let is_kept = self.rules.iter().all(|rule| rule.run(labels) == Verdict::Kept);
        if is_kept { Verdict::Kept } else { Verdict::Dropped }
    }
}

impl Rule {
    fn run(&self, labels: &mut LabelsEdit) -> Verdict {
        let rule = &self.written;
        let sources: Vec<&str> =
            rule.source_labels.iter().map(|name| labels.get(name).unwrap_or_default()).collect();
        let value = sources.join(&rule.separator);
        let target = rule.target_label.as_str();
        let keep_if = |is_kept: bool| if is_kept { Verdict::Kept } else { Verdict::Dropped };
        match rule.action {
            Action::Keep => return keep_if(self.pattern.is_match(&value)),
            Action::Drop => return keep_if(!self.pattern.is_match(&value)),
            Action::KeepEqual => return keep_if(labels.get(target).unwrap_or_default() == value),
            Action::DropEqual => return keep_if(labels.get(target).unwrap_or_default() != value),
            Action::Replace => self.replace(&value, labels),
            Action::Lowercase => drop(labels.set(target, simple_case(&value, char::to_lowercase))),
            Action::Uppercase => drop(labels.set(target, simple_case(&value, char::to_uppercase))),
            Action::HashMod => drop(labels.set(target, hash_mod(&value, rule.modulus).to_string())),
            Action::LabelMap => self.map(labels),
            Action::LabelDrop => drop(labels.retain(|name| !self.pattern.is_match(name))),
            Action::LabelKeep => drop(labels.retain(|name| self.pattern.is_match(name))),
        }
        Verdict::Kept
    }

    fn replace(&self, value: &str, labels: &mut LabelsEdit) {
        if value.is_empty() && self.is_constant {
            labels.set(self.written.target_label.as_str(), self.written.replacement.as_str());
            return;
        }
        let Some(groups) = self.pattern.groups(value) else { return };
        let target = self.target.fill(&groups);
        if self.written.names.allows(&target) {
            labels.set(target, self.replacement.fill(&groups));
        }
    }

    fn map(&self, labels: &mut LabelsEdit) {
        let mapped: Vec<(String, String)> = labels
            .iter()
            .filter_map(|(name, value)| {
                let groups = self.pattern.groups(name)?;
                Some((self.replacement.fill(&groups), value.to_owned()))
            })
            .collect();
        for (name, value) in mapped {
            // An empty name is none in the end: Prometheus refuses the series when it is appended.
            if Names::Utf8.allows(&name) {
                labels.set(name, value);
            }
        }
    }
}

/// The last eight bytes of the MD5 hash, modulo.
fn hash_mod(value: &str, modulus: u64) -> u64 {
    let hash = Md5::digest(value.as_bytes());
    let number = hash[8..].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number.checked_rem(modulus).unwrap_or(0)
}

/// Each letter by its own, as Go maps them: one that becomes several stays as it is.
fn simple_case<I: Iterator<Item = char>>(text: &str, map: impl Fn(char) -> I) -> String {
    let single = |c: char| {
        let mut mapped = map(c);
        match (mapped.next(), mapped.next()) {
            (Some(one), None) => one,
            // The one letter whose simple mapping is not among its full ones.
            (Some('i'), Some('\u{307}')) => 'i',
            _ => c,
        }
    };
    text.chars().map(single).collect()
}

#[cfg(test)]
mod tests {
    use crate::{formats::prometheus, text::Source};

    use super::*;

    /// Runs rules, written as in the file, over labels `a=1,b=2`.
    #[track_caller]
    fn check(labels: &str, rules: &str, expect: Option<&str>) {
        let file = format!("scrape_configs: [{{job_name: t, relabel_configs: [{rules}]}}]");
        let (config, _) = prometheus::read(&Source::new("t", file.as_str()))
            .unwrap_or_else(|mistakes| panic!("{rules}: {mistakes:#?}"));
        let mut edit = LabelsEdit::default();
        for (name, value) in labels.split(',').filter_map(|pair| pair.split_once('=')) {
            edit.set(name, value);
        }
        let verdict = Relabelling::new(&config.scrape_configs[0].relabel).run(&mut edit);
        let shown = edit.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        assert_eq!((verdict == Verdict::Kept).then_some(shown.as_str()), expect, "{rules}");
    }

    #[test]
    fn replace() {
        check(
            "a=gpt-4o,b=x",
            "{source_labels: [a], target_label: d, regex: gpt-(.*), replacement: '$1/$1'}",
            Some("a=gpt-4o,b=x,d=4o/4o"),
        );
        check(
            "a=vllm,b=8000p",
            "{source_labels: [a, b], target_label: a, regex: '(.*);(.*)p', replacement: '$2$1'}",
            Some("a=8000vllm,b=8000p"),
        );
        check("a=foo", "{source_labels: [a], target_label: b, regex: x}", Some("a=foo"));
        check("a=foo", "{source_labels: [a], target_label: b}", Some("a=foo,b=foo"));
        check("a=foo", "{target_label: b, replacement: x}", Some("a=foo,b=x"));
        check("a=foo", "{source_labels: [none], target_label: b, replacement: x}", Some("a=foo,b=x"));
        check("a=foo", "{source_labels: [a], target_label: a, regex: foo, replacement: ''}", Some(""));
        check("a=foo", "{source_labels: [none], target_label: a}", Some(""));
        check(
            "a=x-y",
            "{source_labels: [a], regex: '(.*)-(.*)', target_label: 'k_$1', replacement: '${2}z'}",
            Some("a=x-y,k_x=yz"),
        );
        check(
            "a=x",
            "{source_labels: [a], regex: '(x)(y)?', target_label: '$2', replacement: z}",
            Some("a=x"),
        );
        check(
            "a=foo,b=bar",
            "{source_labels: [a, b], separator: '', target_label: c}",
            Some("a=foo,b=bar,c=foobar"),
        );
        check("a=foo", "{source_labels: [a], target_label: c, regex: 'a|foo'}", Some("a=foo"));
    }

    #[test]
    fn keep_and_drop() {
        check("a=foo", "{source_labels: [a], regex: f.*, action: drop}", None);
        check("a=foo", "{source_labels: [a], regex: o, action: drop}", Some("a=foo"));
        check("a=foo", "{source_labels: [a], regex: f.., action: keep}", Some("a=foo"));
        check("a=foo", "{source_labels: [a], regex: no, action: keep}", None);
        check("a=foo", "{source_labels: [none], regex: '', action: keep}", Some("a=foo"));
        check("a=1,b=1", "{source_labels: [a], target_label: b, action: keepequal}", Some("a=1,b=1"));
        check("a=1,b=2", "{source_labels: [a], target_label: b, action: keepequal}", None);
        check("a=1,b=1", "{source_labels: [a], target_label: b, action: dropequal}", None);
        check("a=1,b=2", "{source_labels: [a], target_label: b, action: dropequal}", Some("a=1,b=2"));
        check("a=1", "{source_labels: [x], target_label: y, action: dropequal}", None);
        check(
            "a=foo",
            "{source_labels: [a], regex: f.*, action: drop}, {target_label: b, replacement: c}",
            None,
        );
    }

    #[test]
    fn whole_label_sets() {
        check("__meta_a=1,b=2", "{regex: '__meta_(.+)', action: labelmap}", Some("__meta_a=1,a=1,b=2"));
        check(
            "__meta_a=1,b=2",
            "{regex: '__meta_(.+)', replacement: 'my_$1', action: labelmap}",
            Some("__meta_a=1,b=2,my_a=1"),
        );
        check("a=1,b1=2,b2=3", "{regex: 'b.*', action: labeldrop}", Some("a=1"));
        check("a=1,b1=2,b2=3", "{regex: 'b.*', action: labelkeep}", Some("b1=2,b2=3"));
    }

    #[test]
    fn hashes_and_cases() {
        check(
            "a=exporter:9091",
            "{source_labels: [a], target_label: d, action: hashmod, modulus: 7}",
            Some("a=exporter:9091,d=0"),
        );
        check(
            "a=\n",
            "{source_labels: [a, b], target_label: b, action: hashmod, modulus: 10007}",
            Some("a=\n,b=316"),
        );
        check(
            "a=Straße",
            "{source_labels: [a], target_label: b, action: uppercase}",
            Some("a=Straße,b=STRAßE"),
        );
        check("a=İΣ", "{source_labels: [a], target_label: b, action: lowercase}", Some("a=İΣ,b=iσ"));
    }
}
