//! The `global` section, and what scrape configurations share with it.

use crate::{
    formats::{
        Text,
        reader::{Keys, Reader},
    },
    promql::syntax::Spanned,
    time::PromDuration,
    yaml::Entry,
};

pub(super) const GLOBAL: &[&str] = &[
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "evaluation_interval",
    "rule_query_offset",
    "query_log_file",
    "query_max_series",
    "query_max_samples_read",
    "query_max_duration",
    "scrape_failure_log_file",
    "external_labels",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "scrape_native_histograms",
    "convert_classic_histograms_to_nhcb",
    "always_scrape_classic_histograms",
    "extra_scrape_metrics",
];

/// What holds where nothing else says more.
#[derive(Debug, Clone, PartialEq)]
pub struct Global {
    /// 1 minute by default.
    pub scrape_interval: PromDuration,
    /// 10 seconds, or the interval where that is shorter.
    pub scrape_timeout: PromDuration,
    /// 1 minute by default.
    pub evaluation_interval: PromDuration,
    pub rule_query_offset: PromDuration,
    /// In their order; values as written, until the caller puts those of [`Global::expand`] here.
    pub external_labels: Vec<(String, String)>,
    pub limits: Limits,
    /// `None` where the file does not say.
    pub scrape_protocols: Option<Vec<ScrapeProtocol>>,
    pub names: Names,
    pub escaping: Option<Escaping>,
    pub extra_scrape_metrics: bool,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            scrape_interval: PromDuration::from_secs(60),
            scrape_timeout: PromDuration::from_secs(10),
            evaluation_interval: PromDuration::from_secs(60),
            rule_query_offset: PromDuration::default(),
            external_labels: Vec::new(),
            limits: Limits::default(),
            scrape_protocols: None,
            names: Names::Utf8,
            escaping: None,
            extra_scrape_metrics: false,
        }
    }
}

/// What a scrape may bring; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of a page, uncompressed.
    pub body_size: u64,
    /// Samples that are left after metric relabelling.
    pub samples: usize,
    /// Targets of a job that are left after relabelling.
    pub targets: usize,
    pub labels: usize,
    /// Bytes.
    pub label_name_length: usize,
    /// Bytes.
    pub label_value_length: usize,
    /// Dropped targets of a job that are kept, to be shown.
    pub dropped_targets: usize,
}

/// A format that a scrape may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Not spoken by this program; it is left out of what is asked for.
    Proto,
    Text004,
    Text100,
    OpenMetrics001,
    OpenMetrics100,
    /// Not spoken by this program; it is left out of what is asked for.
    OpenMetrics200,
}

impl ScrapeProtocol {
    /// What is asked for where the file does not say, most wanted first.
    pub const DEFAULT: [Self; 4] = [Self::OpenMetrics100, Self::OpenMetrics001, Self::Text100, Self::Text004];

    const ALL: [Self; 6] = [
        Self::OpenMetrics001,
        Self::OpenMetrics100,
        Self::OpenMetrics200,
        Self::Proto,
        Self::Text004,
        Self::Text100,
    ];

    /// As the file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proto => "PrometheusProto",
            Self::Text004 => "PrometheusText0.0.4",
            Self::Text100 => "PrometheusText1.0.0",
            Self::OpenMetrics001 => "OpenMetricsText0.0.1",
            Self::OpenMetrics100 => "OpenMetricsText1.0.0",
            Self::OpenMetrics200 => "OpenMetricsText2.0.0",
        }
    }

    fn is_spoken(self) -> bool {
        !matches!(self, Self::Proto | Self::OpenMetrics200)
    }
}

/// Which texts are names of metrics and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Names {
    /// Any text but the empty one.
    Utf8,
    /// Labels are `[a-zA-Z_][a-zA-Z0-9_]*`; metrics may have colons.
    Legacy,
}

impl Names {
    /// Whether a text is the name of a label.
    pub fn allows(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy(name, false),
        }
    }

    /// Whether a text is the name of a metric.
    pub fn allows_metric(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy(name, true),
        }
    }

    /// Whether a text with `$1`, `$name` and `${name}` in it may become the name of a label.
    pub(super) fn allows_template(self, template: &str) -> bool {
        match self {
            Self::Utf8 => !template.is_empty(),
            Self::Legacy => is_legacy_template(template),
        }
    }
}

fn is_legacy(name: &str, is_metric: bool) -> bool {
    let start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || is_metric && byte == b':';
    name.bytes().next().is_some_and(start) && name.bytes().all(|byte| start(byte) || byte.is_ascii_digit())
}

/// Letters, digits and variables; a digit does not come first.
fn is_legacy_template(template: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut rest = template.as_bytes();
    if rest.first().is_none_or(u8::is_ascii_digit) {
        return false;
    }
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after.first()) {
            (b'$', Some(b'{')) => {
                let name = after[1..].iter().take_while(|byte| word(byte)).count();
                match after.get(1 + name) {
                    Some(b'}') if name > 0 => &after[name + 2..],
                    _ => return false,
                }
            }
            (b'$', Some(next)) if word(next) => {
                let name = after.iter().take_while(|byte| word(byte)).count();
                &after[name..]
            }
            (byte, _) if word(byte) => after,
            _ => return false,
        };
    }
    true
}

/// How a target is asked to write names that are not legacy ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escaping {
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

impl Escaping {
    const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// As the file and the `Accept` header name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// What holds where the file does not say.
    pub(super) fn of(names: Names) -> Self {
        match names {
            Names::Utf8 => Self::AllowUtf8,
            Names::Legacy => Self::Underscores,
        }
    }
}

pub(super) fn global(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Global {
    let default = Global::default();
    let Some(entry) = entry else { return default };
    let Some(keys) = reader.keys(&entry.value, "`global`", GLOBAL) else { return default };
    reader.not_done(keys, &["query_log_file", "query_max_series", "query_max_samples_read"]);
    reader.not_done(keys, &["query_max_duration", "scrape_failure_log_file"]);
    reader.not_done_if_on(keys, "scrape_native_histograms");
    reader.not_done_if_on(keys, "convert_classic_histograms_to_nhcb");
    reader.not_done_if_on(keys, "always_scrape_classic_histograms");
    let interval = reader.duration_or(keys.get("scrape_interval"), default.scrape_interval);
    let timeout = timeout(reader, keys, interval, default.scrape_timeout);
    Global {
        scrape_interval: interval,
        scrape_timeout: timeout,
        evaluation_interval: reader.duration_or(keys.get("evaluation_interval"), default.evaluation_interval),
        rule_query_offset: reader.duration_or(keys.get("rule_query_offset"), default.rule_query_offset),
        external_labels: external_labels(reader, keys),
        limits: limits(reader, keys, Limits::default()),
        scrape_protocols: protocols(reader, keys.get("scrape_protocols")),
        names: names(reader, keys).unwrap_or(Names::Utf8),
        escaping: escaping(reader, keys).map(|escaping| escaping.node),
        extra_scrape_metrics: reader.switch_or(keys.get("extra_scrape_metrics"), false),
    }
}

/// The time that a scrape may take: at most its interval.
pub(super) fn timeout(
    reader: &mut Reader<'_>,
    keys: Keys<'_>,
    interval: PromDuration,
    default: PromDuration,
) -> PromDuration {
    match reader.duration(keys.get("scrape_timeout")).filter(|timeout| timeout.node.as_millis() > 0) {
        None => default.min(interval),
        Some(timeout) if timeout.node <= interval => timeout.node,
        Some(timeout) => {
            let message = format!("the scrape timeout is greater than the scrape interval, {interval}");
            reader.mistake(timeout.span, message, "write one that is at most the interval");
            interval
        }
    }
}

/// The limits that are written, each 0 replaced by the default.
pub(super) fn limits(reader: &mut Reader<'_>, keys: Keys<'_>, default: Limits) -> Limits {
    let or = |written: usize, default: usize| if written == 0 { default } else { written };
    let mut count = |key: &str, default: usize| or(reader.count(keys.get(key)), default);
    let limits = Limits {
        body_size: 0,
        samples: count("sample_limit", default.samples),
        targets: count("target_limit", default.targets),
        labels: count("label_limit", default.labels),
        label_name_length: count("label_name_length_limit", default.label_name_length),
        label_value_length: count("label_value_length_limit", default.label_value_length),
        dropped_targets: count("keep_dropped_targets", default.dropped_targets),
    };
    let body_size = match reader.bytes(keys.get("body_size_limit")) {
        0 => default.body_size,
        bytes => bytes,
    };
    Limits { body_size, ..limits }
}

pub(super) fn names(reader: &mut Reader<'_>, keys: Keys<'_>) -> Option<Names> {
    let text = reader.text(keys.get("metric_name_validation_scheme"))?;
    match text.as_str() {
        "" => None,
        "utf8" => Some(Names::Utf8),
        "legacy" => Some(Names::Legacy),
        other => {
            let message = format!("`{other}` is no validation scheme");
            reader.mistake(text.span(), message, "write `utf8` or `legacy`");
            None
        }
    }
}

pub(super) fn escaping(reader: &mut Reader<'_>, keys: Keys<'_>) -> Option<Spanned<Escaping>> {
    let text =
        reader.text(keys.get("metric_name_escaping_scheme")).filter(|text| !text.as_str().is_empty())?;
    let found = Escaping::ALL.into_iter().find(|escaping| escaping.name() == text.as_str());
    if found.is_none() {
        let message = format!("`{}` is no escaping scheme", text.as_str());
        reader.mistake(text.span(), message, "write `allow-utf-8`, `underscores`, `dots` or `values`");
    }
    found.map(|node| Spanned { node, span: text.span() })
}

/// `None` where the key is not there.
pub(super) fn protocols(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Option<Vec<ScrapeProtocol>> {
    let texts = reader.texts(Some(entry?));
    let mut protocols: Vec<ScrapeProtocol> = Vec::new();
    if texts.is_empty() {
        let span = entry?.key_origin.span;
        reader.mistake(span, "scrape_protocols cannot be empty", "remove it, or name a protocol");
    }
    for text in texts {
        let Some(protocol) = protocol(reader, &text) else { continue };
        if protocols.contains(&protocol) {
            let message = format!("duplicated protocol `{}` in scrape_protocols", protocol.name());
            reader.mistake(text.span(), message, "name each once");
        }
        protocols.push(protocol);
    }
    Some(protocols)
}

pub(super) fn protocol(reader: &mut Reader<'_>, text: &Text) -> Option<ScrapeProtocol> {
    let found = ScrapeProtocol::ALL.into_iter().find(|protocol| protocol.name() == text.as_str());
    match found {
        Some(protocol) if !protocol.is_spoken() => {
            reader.undone(text.span(), &format!("the scrape protocol `{}`", protocol.name()));
        }
        Some(_) => {}
        None => {
            let message = format!("unknown scrape protocol `{}`", text.as_str());
            let all = ScrapeProtocol::ALL.map(|protocol| format!("`{}`", protocol.name())).join(", ");
            reader.mistake(text.span(), message, format!("there are {all}"));
        }
    }
    found
}

fn external_labels(reader: &mut Reader<'_>, keys: Keys<'_>) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    for pair in reader.pairs(keys.get("external_labels")) {
        if pair.name.node.is_empty() {
            reader.mistake(pair.name.span, "a label has no name", "write a name before the `:`");
        }
        labels.push((pair.name.node, pair.text.as_str().to_owned()));
    }
    labels.sort();
    labels
}

impl Global {
    /// The external labels with `$NAME` and `${NAME}` replaced by what `lookup` says of the name, `$$` by `$`; what it
    /// does not know is empty, and is given back in the second list.
    pub fn expand(&self, lookup: impl Fn(&str) -> Option<String>) -> (Vec<(String, String)>, Vec<String>) {
        let mut missing = Vec::new();
        let labels = self
            .external_labels
            .iter()
            .map(|(name, value)| (name.clone(), expand(value, &lookup, &mut missing)));
        (labels.collect(), missing)
    }
}

/// As Go's `os.Expand`.
fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, left) = variable(after);
        rest = left;
        match name {
            Some("$") => expanded.push('$'),
            Some(name) => match lookup(name).filter(|value| !value.is_empty()) {
                Some(value) => expanded.push_str(&value),
                None => missing.push(name.to_owned()),
            },
            None if left == after => expanded.push('$'),
            None => {}
        }
    }
    expanded + rest
}

/// The name after a `$`, and what follows it; bad syntax in braces is eaten without a name.
fn variable(after: &str) -> (Option<&str>, &str) {
    let is_special =
        |byte: u8| matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-') || byte.is_ascii_digit();
    let word =
        |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    match after.as_bytes() {
        [b'{', special, b'}', ..] if is_special(*special) => (Some(&after[1..2]), &after[3..]),
        [b'{', b'}', ..] => (None, &after[2..]),
        [b'{', ..] => match after.find('}') {
            Some(end) => (Some(&after[1..end]), &after[end + 1..]),
            None => (None, &after[1..]),
        },
        [special, ..] if is_special(*special) => (Some(&after[..1]), &after[1..]),
        _ => match word(after) {
            0 => (None, after),
            length => (Some(&after[..length]), &after[length..]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str, missed: &[&str]) {
        let mut missing = Vec::new();
        let lookup = |name: &str| match name {
            "HOME" => Some("/root".to_owned()),
            "1" => Some("one".to_owned()),
            _ => None,
        };
        assert_eq!(expand(text, lookup, &mut missing), expect, "{text}");
        assert_eq!(missing, missed, "{text}");
    }

    #[test]
    fn variables_are_expanded_as_go_does() {
        check("", "", &[]);
        check("a", "a", &[]);
        check("a$HOME-b", "a/root-b", &[]);
        check("${HOME}b", "/rootb", &[]);
        check("$$HOME", "$HOME", &[]);
        check("$NO.x", ".x", &["NO"]);
        check("$1x", "onex", &[]);
        check("${1}x", "onex", &[]);
        check("a$", "a$", &[]);
        check("$.", "$.", &[]);
        check("${}x", "x", &[]);
        check("${x", "x", &[]);
        check("é$HOMEé", "é/rooté", &[]);
    }

    #[test]
    fn legacy_names_and_templates() {
        for (template, expect) in [
            ("a", true),
            ("$1", true),
            ("${1}_x9", true),
            ("a$b${c}9", true),
            ("", false),
            ("9a", false),
            ("$", false),
            ("${", false),
            ("${}", false),
            ("a-b", false),
            ("é", false),
        ] {
            assert_eq!(Names::Legacy.allows_template(template), expect, "{template}");
        }
        assert!(Names::Legacy.allows("a_9") && !Names::Legacy.allows("a:b") && !Names::Legacy.allows(""));
        assert!(Names::Legacy.allows_metric("a:b") && Names::Utf8.allows("é") && !Names::Utf8.allows(""));
    }
}
