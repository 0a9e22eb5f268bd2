//! From what was discovered to what is scraped: labels, relabelling, the URL
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>).

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use crate::{
    engine::{
        fetch::{Url, UrlError},
        relabel::{Relabelling, Verdict},
    },
    formats::prometheus::ScrapeConfig,
    series::{Labels, LabelsEdit},
    text::{form_encoded, percent_encoded},
    time::{ParseDurationError, PromDuration},
};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";
/// Native histograms are not scraped; the labels are there as in Prometheus, to be relabelled on.
const HISTOGRAMS: [(&str, &str); 3] = [
    ("__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb"),
    ("__always_scrape_classic_histograms__", "always scrape classic histograms"),
    ("__scrape_native_histograms__", "scrape native histograms"),
];

/// A target that is scraped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScrapeTarget {
    /// Before relabelling.
    pub(super) discovered: Labels,
    /// After it, with those that begin with `__`.
    all: Labels,
    /// What its series carry.
    pub(super) labels: Labels,
    pub(super) url: Url,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

/// Two targets of a job that are equal in this are one.
pub(super) type TargetKey = (Labels, String);

/// What became of a discovered target.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Target(Box<ScrapeTarget>),
    /// By relabelling.
    Dropped(Labels),
}

/// Why a discovered target cannot be scraped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum TargetError {
    #[error("no address")]
    NoAddress,
    #[error("\"{0}\" is not a valid hostname")]
    Host(String),
    #[error("error parsing scrape {what}: {cause}")]
    Duration { what: &'static str, cause: ParseDurationError },
    #[error("scrape {0} cannot be 0")]
    Zero(&'static str),
    #[error("scrape timeout cannot be greater than scrape interval (\"{timeout}\" > \"{interval}\")")]
    Timeout { timeout: String, interval: String },
    #[error("error parsing {what}: \"{text}\" is no boolean")]
    Switch { what: &'static str, text: String },
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl ScrapeTarget {
    pub(super) fn key(&self) -> TargetKey {
        (self.all.clone(), self.url.to_string())
    }

    /// A number that spreads the targets over the interval; the same for a target in each run.
    pub(super) fn spread(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.key().hash(&mut hasher);
        hasher.finish()
    }
}

/// Labels as they are before relabelling: the target's own, its group's, what the configuration says.
fn discovered(config: &ScrapeConfig, address: &str, group: &BTreeMap<String, String>) -> LabelsEdit {
    let mut labels = LabelsEdit::default();
    for (name, value) in group {
        labels.set(name.as_str(), value.as_str());
    }
    labels.set(ADDRESS, address);
    let mut default = |name: &str, value: &str| {
        if labels.get(name).is_none() {
            labels.set(name, value);
        }
    };
    default("job", &config.job_name);
    default(INTERVAL, &config.scrape_interval.to_string());
    default(TIMEOUT, &config.scrape_timeout.to_string());
    default(PATH, &config.metrics_path);
    default(SCHEME, &config.scheme);
    for (name, _) in HISTOGRAMS {
        default(name, "false");
    }
    for (name, values) in &config.params {
        if let Some(first) = values.first() {
            default(&format!("{PARAM}{name}"), first);
        }
    }
    labels
}

/// The target of an address in a group with labels.
pub(super) fn target(
    config: &ScrapeConfig,
    relabelling: &Relabelling,
    address: &str,
    group: &BTreeMap<String, String>,
) -> Result<Found, TargetError> {
    let mut labels = discovered(config, address, group);
    let discovered = labels.clone().finish();
    if relabelling.run(&mut labels) == Verdict::Dropped {
        return Ok(Found::Dropped(discovered));
    }
    let address = labels.get(ADDRESS).ok_or(TargetError::NoAddress)?.to_owned();
    if address.contains('/') {
        return Err(TargetError::Host(address));
    }
    let (interval, interval_text) = duration(&labels, INTERVAL, "interval")?;
    let (timeout, timeout_text) = duration(&labels, TIMEOUT, "timeout")?;
    if timeout > interval {
        return Err(TargetError::Timeout { timeout: timeout_text, interval: interval_text });
    }
    for (name, what) in HISTOGRAMS {
        let text = labels.get(name).unwrap_or("false");
        if !matches!(
            text,
            "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
        ) {
            return Err(TargetError::Switch { what, text: text.to_owned() });
        }
    }
    labels.retain(|name| !name.starts_with("__meta_"));
    if labels.get("instance").is_none() {
        labels.set("instance", address.as_str());
    }
    let all = labels.finish();
    let url = url(config, &all)?;
    let labels = all.retain(|name| !name.starts_with("__"));
    Ok(Found::Target(Box::new(ScrapeTarget { discovered, all, labels, url, interval, timeout })))
}

fn duration(labels: &LabelsEdit, name: &str, what: &'static str) -> Result<(Duration, String), TargetError> {
    let text = labels.get(name).unwrap_or_default().to_owned();
    let duration: PromDuration = text.parse().map_err(|cause| TargetError::Duration { what, cause })?;
    if duration.as_millis() == 0 {
        return Err(TargetError::Zero(what));
    }
    Ok((Duration::from_millis(duration.as_millis()), text))
}

fn url(config: &ScrapeConfig, labels: &Labels) -> Result<Url, UrlError> {
    let mut params: BTreeMap<&str, Vec<&str>> = config
        .params
        .iter()
        .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()))
        .collect();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix(PARAM) else { continue };
        let values = params.entry(name).or_default();
        match values.first_mut() {
            Some(first) => *first = value,
            None => values.push(value),
        }
    }
    let mut target = String::new();
    let path = labels.get(PATH).unwrap_or_default();
    if !path.starts_with('/') {
        target.push('/');
    }
    target.push_str(&percent_encoded(path, b"$&+,/:;=@"));
    let mut separator = '?';
    for (name, values) in params {
        for value in values {
            target.push(separator);
            separator = '&';
            target.push_str(&form_encoded(name));
            target.push('=');
            target.push_str(&form_encoded(value));
        }
    }
    Url::new(labels.get(SCHEME).unwrap_or_default(), labels.get(ADDRESS).unwrap_or_default(), &target)
}

#[cfg(test)]
mod tests {
    use crate::{formats::prometheus, text::Source};

    use super::*;

    /// The target `host:1` in a group with labels `a=1,b=2`, in a job with these keys: its URL and labels.
    #[track_caller]
    fn check(keys: &str, group: &str, expect: Result<&str, &str>) {
        let file = format!("scrape_configs: [{{job_name: j, {keys}}}]");
        let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
        let config = &config.scrape_configs[0];
        let group: BTreeMap<String, String> = group
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let found = target(config, &Relabelling::new(&config.relabel), "host:1", &group);
        let got = found.map_err(|error| error.to_string()).map(|found| match found {
            Found::Dropped(labels) => format!("dropped {}", labels.get("__address__").unwrap_or_default()),
            Found::Target(target) => {
                let times = (target.interval.as_millis(), target.timeout.as_millis());
                format!("{} {} {times:?}", target.url, target.labels)
            }
        });
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{keys} {group:?}");
    }

    const PLAIN: &str = r#"http://host:1/metrics {instance="host:1",job="j"} (60000, 10000)"#;

    #[test]
    fn labels_make_the_target() {
        check("", "", Ok(PLAIN));
        check("", "__meta_x=1,__y=2", Ok(PLAIN));
        check(
            "",
            "a=1,job=k,instance=i",
            Ok(r#"http://host:1/metrics {a="1",instance="i",job="k"} (60000, 10000)"#),
        );
        check("", "__address__=other:2", Ok(PLAIN));
        check(
            "",
            "__scheme__=https,__metrics_path__=x y?",
            Ok(r#"https://host:1/x%20y%3F {instance="host:1",job="j"} (60000, 10000)"#),
        );
        check(
            "params: {b: ['1 2', '3'], a: ['é&']}",
            "__param_b=x,__param_c=y",
            Ok(r#"http://host:1/metrics?a=%C3%A9%26&b=x&b=3&c=y {instance="host:1",job="j"} (60000, 10000)"#),
        );
        check(
            "",
            "__scrape_interval__=5s,__scrape_timeout__=500ms",
            Ok(r#"http://host:1/metrics {instance="host:1",job="j"} (5000, 500)"#),
        );
        let rule = "relabel_configs: [{source_labels: [__address__], regex: '(.*):1', \
                    target_label: __address__, replacement: '$1:9'}]";
        check(rule, "", Ok(r#"http://host:9/metrics {instance="host:9",job="j"} (60000, 10000)"#));
        check(
            "relabel_configs: [{source_labels: [a], regex: '1', action: drop}]",
            "a=1",
            Ok("dropped host:1"),
        );
    }

    #[test]
    fn what_cannot_be_scraped() {
        let set = |label: &str, value: &str| {
            format!("relabel_configs: [{{target_label: {label}, replacement: '{value}'}}]")
        };
        check(&set("__address__", ""), "", Err("no address"));
        check(&set("__address__", "a/b"), "", Err("\"a/b\" is not a valid hostname"));
        check(&set("__address__", "a:x"), "", Err("invalid port \"x\""));
        check(&set("__scheme__", "ftp"), "", Err("unsupported protocol scheme \"ftp\""));
        check("", "__scrape_interval__=0s", Err("scrape interval cannot be 0"));
        check("", "__scrape_interval__=x", Err("error parsing scrape interval: `x` is no duration"));
        check(
            "",
            "__scrape_timeout__=2m",
            Err("scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")"),
        );
        check(
            "",
            "__scrape_native_histograms__=no",
            Err("error parsing scrape native histograms: \"no\" is no boolean"),
        );
    }
}
