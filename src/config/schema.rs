//! Every key of the configuration in one table: what it takes and what it is for.
//!
//! The table feeds the check for unknown keys, the names of the environment variables, `--set` and the file that
//! `llmobs init` writes.

use crate::text::nearest;

/// A key, by its path. `[]` in a path is any item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub path: &'static str,
    pub kind: Kind,
    /// One line: what the key is for.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Further keys.
    Section,
    /// A list of items that have keys.
    Items,
    /// A list of items that have keys, or of plain names.
    ItemsOrNames,
    /// A list of single values.
    Names,
    Text,
    /// A share of a whole, written in percent.
    Share,
    Duration,
    /// An amount of US dollars.
    Usd,
    Number,
    Switch,
    Port,
    Address,
    Image,
}

impl Kind {
    /// What is expected, for messages.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Section => "keys",
            Self::Items => "a list of targets",
            Self::ItemsOrNames => "a list of models",
            Self::Names => "a list",
            Self::Text => "a text",
            Self::Share => "a share such as `99.9%`",
            Self::Duration => "a duration such as `5s`",
            Self::Usd => "an amount of US dollars such as `100`",
            Self::Number => "a number",
            Self::Switch => "`true` or `false`",
            Self::Port => "a port such as `9090`",
            Self::Address => "an IP address such as `127.0.0.1`",
            Self::Image => "an image such as `prom/prometheus:v3.16.0`",
        }
    }

    /// A list of single values that the environment and flags may write with commas.
    pub(super) fn takes_commas(self) -> bool {
        matches!(self, Self::Names | Self::ItemsOrNames)
    }

    fn is_scalar(self) -> bool {
        !matches!(self, Self::Section | Self::Items | Self::ItemsOrNames | Self::Names)
    }
}

const fn key(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { path, kind, doc }
}

/// All keys, each section before its keys, in the order in which `llmobs init` writes them.
pub const KEYS: &[Key] = &[
    key("service", Kind::Text, "name of the service, in titles and alerts"),
    key("targets", Kind::Items, "what is scraped; none: the mock service of llmobs itself"),
    key("targets[].job", Kind::Text, "the `job` label; unique"),
    key(
        "targets[].source",
        Kind::Text,
        "what the target speaks: a name of `llmobs sources`, or a file of your own",
    ),
    key("targets[].endpoints", Kind::Names, "`host:port` of each instance"),
    key(
        "targets[].role",
        Kind::Text,
        "`entry` (the default) counts in totals, `backend` feeds the infrastructure panels",
    ),
    key("targets[].scrape_interval", Kind::Duration, "1s to 5m; 15s unless given"),
    key(
        "models",
        Kind::ItemsOrNames,
        "what the service offers; prices come from the built-in table unless given",
    ),
    key("models[].name", Kind::Text, "as it stands in the model label; unique"),
    key("models[].provider", Kind::Text, "who runs the model; from the built-in table unless given"),
    key("models[].price", Kind::Section, "US dollars per million tokens"),
    key("models[].price.input", Kind::Usd, "per million input tokens"),
    key("models[].price.output", Kind::Usd, "per million output tokens"),
    key(
        "models[].price.cached_input",
        Kind::Usd,
        "per million input tokens from a cache; as `input` unless given",
    ),
    key("objectives", Kind::Section, "what the service promises"),
    key("objectives.availability", Kind::Share, "share of requests without 5xx or time-out"),
    key("objectives.latency", Kind::Section, "time to the whole answer"),
    key("objectives.latency.threshold", Kind::Duration, "longer is slow"),
    key("objectives.latency.share", Kind::Share, "share of requests that must be faster"),
    key("objectives.latency.exact", Kind::Switch, "refuse a threshold that is no bucket bound of a target"),
    key("objectives.first_token", Kind::Section, "time to the first token"),
    key("objectives.first_token.threshold", Kind::Duration, "longer is slow"),
    key("objectives.first_token.share", Kind::Share, "share of requests that must be faster"),
    key(
        "objectives.first_token.exact",
        Kind::Switch,
        "refuse a threshold that is no bucket bound of a target",
    ),
    key("errors", Kind::Section, "when alerts speak"),
    key(
        "errors.alert_above",
        Kind::Share,
        "share of all requests that fail, rate limits and filters included",
    ),
    key(
        "errors.for",
        Kind::Duration,
        "how long the condition of an alert must hold; of the other alerts too",
    ),
    key("cost", Kind::Section, "what the tokens may cost"),
    key("cost.ceiling_per_hour", Kind::Usd, "US dollars per hour"),
    key("cost.approaching", Kind::Share, "share of the ceiling that is worth a warning"),
    key("cost.budget_per_month", Kind::Usd, "US dollars per calendar month; none unless given"),
    key("tokens", Kind::Section, "how fast tokens may flow"),
    key("tokens.spike_per_second", Kind::Number, "output tokens per second that are worth a note"),
    key("include", Kind::Section, "your own files that go along untouched, relative to this file"),
    key("include.rules", Kind::Names, "Prometheus rule files"),
    key("include.dashboards", Kind::Names, "Grafana dashboards"),
    key("include.scrape", Kind::Names, "files of Prometheus scrape configurations"),
    key("stack", Kind::Section, "what `llmobs up` starts"),
    key(
        "stack.engine",
        Kind::Text,
        "`docker` for containers, `embedded` for this one process, `auto` for Docker where it answers",
    ),
    key(
        "stack.components",
        Kind::Names,
        "which of prometheus, grafana and exporter; with `targets` the exporter only where it is named here",
    ),
    key("stack.bind", Kind::Address, "address of the host that the ports are opened on"),
    key("stack.ports", Kind::Section, "ports of the host"),
    key("stack.ports.prometheus", Kind::Port, "Prometheus"),
    key("stack.ports.grafana", Kind::Port, "Grafana"),
    key("stack.ports.exporter", Kind::Port, "the mock service and the runbooks"),
    key("stack.images", Kind::Section, "image references with a tag or a digest"),
    key("stack.images.prometheus", Kind::Image, "Prometheus"),
    key("stack.images.grafana", Kind::Image, "Grafana"),
];

/// Keys that a reader of the plans may write already, and that this version refuses by name.
const LATER: [&str; 4] = ["alerts", "proof", "lint", "targets[].bearer_token_file"];

/// The key at a path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names of the keys directly below a path; of the top where it is empty.
pub(super) fn children(path: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(move |key| {
        let (parent, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        (parent == path).then_some(name)
    })
}

/// What to do about a key `name` that is not known below `parent`.
pub(super) fn help_for_unknown(parent: &str, name: &str) -> String {
    let path = join(parent, name);
    if LATER.contains(&path.as_str()) {
        return format!("this version of llmobs does not have `{name}` yet; remove it");
    }
    if let (Some(_), Some((section, key))) = (find(&path), name.split_once('.')) {
        return format!("write it nested: `{section}:` and below it `{key}:`");
    }
    if let Some(meant) = nearest(name, children(parent)).or_else(|| abbreviated(name, children(parent))) {
        return format!("did you mean `{meant}`?");
    }
    let elsewhere = KEYS.iter().find_map(|key| {
        let (parent, last) = key.path.rsplit_once('.')?;
        (last == name).then_some(parent)
    });
    if let Some(parent) = elsewhere {
        return format!("`{name}` belongs below `{parent}`");
    }
    let known = children(parent).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    format!("keys known here: {}", known.join(", "))
}

/// The candidate whose first words are nearest to what was typed: `celing` → `ceiling_per_hour`.
fn abbreviated(typed: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let words = typed.split(['_', '-']).count();
    let shortened = candidates.map(|whole| {
        let end = whole.match_indices('_').nth(words - 1).map_or(whole.len(), |(at, _)| at);
        (&whole[..end], whole)
    });
    let shortened = shortened.collect::<Vec<_>>();
    let meant = nearest(typed, shortened.iter().map(|(short, _)| *short))?;
    shortened.into_iter().find(|(short, _)| *short == meant).map(|(_, whole)| whole)
}

pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// The environment variable that sets a key, for the keys that have one: single values and lists of names.
pub(super) fn variable(key: &Key) -> Option<String> {
    let takes_one = key.kind.is_scalar() || key.kind.takes_commas();
    (takes_one && !key.path.contains("[]"))
        .then(|| format!("LLMOBS_{}", key.path.replace('.', "_").to_uppercase()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{
        config::{Layers, load},
        text::Source,
    };

    use super::*;

    #[test]
    fn keys_are_unique_and_follow_their_section() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            if let Some((parent, _)) = key.path.rsplit_once('.') {
                assert!(seen.contains(parent.trim_end_matches("[]")), "{} before its section", key.path);
            }
            assert!(seen.insert(key.path), "{} twice", key.path);
            assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "{}", key.path);
        }
    }

    #[test]
    fn variables_are_unique() {
        let variables = KEYS.iter().filter_map(variable).collect::<Vec<_>>();
        assert_eq!(variables.iter().collect::<BTreeSet<_>>().len(), variables.len());
        assert_eq!(variable(find("cost.ceiling_per_hour").unwrap()).unwrap(), "LLMOBS_COST_CEILING_PER_HOUR");
        assert_eq!(variable(find("models").unwrap()).unwrap(), "LLMOBS_MODELS");
        assert_eq!(variable(find("targets").unwrap()), None);
        assert_eq!(variable(find("targets[].job").unwrap()), None);
    }

    #[track_caller]
    fn check(parent: &str, name: &str, expect: &str) {
        assert_eq!(help_for_unknown(parent, name), expect);
    }

    #[test]
    fn unknown_keys_are_answered_with_the_best_guess() {
        check("cost", "celing_per_hour", "did you mean `ceiling_per_hour`?");
        check("cost", "celing", "did you mean `ceiling_per_hour`?");
        check("", "stack.bind", "write it nested: `stack:` and below it `bind:`");
        check("", "ceiling_per_hour", "`ceiling_per_hour` belongs below `cost`");
        check("", "objectivs", "did you mean `objectives`?");
        check("", "alerts", "this version of llmobs does not have `alerts` yet; remove it");
        check("", "proof", "this version of llmobs does not have `proof` yet; remove it");
        check("tokens", "colour", "keys known here: `spike_per_second`");
    }

    #[test]
    fn every_key_of_the_table_is_read() {
        // What no key takes: a list in a list where a value belongs, and a hostile value where a list belongs.
        for key in KEYS {
            let wrong = match key.kind {
                Kind::Section => "5",
                _ => "[[\"\\u0007\"]]",
            };
            let (before, name) = key.path.split_once("[].").unwrap_or(("", key.path));
            let nested = format!("{{{}: ", name.replace('.', ": {"));
            let value = format!("{nested}{wrong}{}", "}".repeat(name.matches('.').count() + 1));
            let text = if before.is_empty() { value } else { format!("{before}: [{value}]") };
            let mistakes =
                load(&Layers { file: Some(Source::new("f", text.as_str())), env: &[], settings: &[] }, &[])
                    .unwrap_err();
            let path = format!("`{}", key.path.replace("[]", ""));
            assert!(mistakes.iter().any(|m| m.message.contains(&path)), "{text}: {mistakes:?}");
        }
    }
}
