//! `scrape_configs`.

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use crate::{
    formats::{
        Text,
        reader::{Keys, Reader, first_line},
    },
    promql::syntax::Spanned,
    time::PromDuration,
    yaml::{Node, Value},
};

use super::{
    Discovery, Escaping, Global, HttpClient, Limits, Names, Relabel, ScrapeProtocol, discovery, global, http,
    relabel,
};

const OWN: &[&str] = &[
    "job_name",
    "honor_labels",
    "honor_timestamps",
    "track_timestamps_staleness",
    "params",
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "fallback_scrape_protocol",
    "scrape_native_histograms",
    "always_scrape_classic_histograms",
    "convert_classic_histograms_to_nhcb",
    "scrape_failure_log_file",
    "metrics_path",
    "scheme",
    "enable_compression",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "extra_scrape_metrics",
    "relabel_configs",
    "metric_relabel_configs",
];
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| [OWN, http::CLIENT, discovery::DISCOVERIES].concat());

/// What is scraped, and how; what the file leaves out is filled in from `global`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeConfig {
    pub job_name: String,
    pub honor_labels: bool,
    /// Yes by default.
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub params: BTreeMap<String, Vec<String>>,
    pub scrape_interval: PromDuration,
    /// At most the interval.
    pub scrape_timeout: PromDuration,
    /// Most wanted first.
    pub scrape_protocols: Vec<ScrapeProtocol>,
    /// What a page without a known content type is read as; `None`: it is an error.
    pub fallback_scrape_protocol: Option<ScrapeProtocol>,
    /// `/metrics` by default.
    pub metrics_path: String,
    /// `http` by default.
    pub scheme: String,
    /// Yes by default.
    pub enable_compression: bool,
    pub limits: Limits,
    pub names: Names,
    pub escaping: Escaping,
    pub extra_scrape_metrics: bool,
    pub client: HttpClient,
    pub discovery: Discovery,
    pub relabel: Vec<Relabel>,
    pub metric_relabel: Vec<Relabel>,
}

impl ScrapeConfig {
    pub(super) fn set_directory(&mut self, folder: &Path) {
        self.client.set_directory(folder);
        self.discovery.set_directory(folder);
    }
}

/// The configurations of a list, with the place of each name.
pub(super) fn scrape_configs(
    reader: &mut Reader<'_>,
    keys: Keys<'_>,
    global: &Global,
) -> Vec<Spanned<ScrapeConfig>> {
    let mut configs: Vec<Spanned<ScrapeConfig>> = Vec::new();
    for node in reader.list(keys.get("scrape_configs")) {
        let Some(config) = scrape_config(reader, node, global) else { continue };
        let name = &config.node.job_name;
        if configs.iter().any(|other| other.node.job_name == *name) {
            let message = format!("found multiple scrape configs with job name `{name}`");
            reader.mistake(config.span, message, "give each job a name of its own");
        }
        configs.push(config);
    }
    configs
}

fn scrape_config(reader: &mut Reader<'_>, node: &Node, global: &Global) -> Option<Spanned<ScrapeConfig>> {
    let start = first_line(reader.source, node.origin.span);
    if node.is_null() {
        reader.mistake(start, "empty or null scrape config section", "remove it, or write its keys");
        return None;
    }
    let keys = reader.keys(node, "a scrape configuration", &KEYS)?;
    reader.not_done(keys, &["scrape_failure_log_file", "native_histogram_bucket_limit"]);
    reader.not_done(keys, &["native_histogram_min_bucket_factor"]);
    for key in
        ["scrape_native_histograms", "always_scrape_classic_histograms", "convert_classic_histograms_to_nhcb"]
    {
        reader.not_done_if_on(keys, key);
    }
    let job = reader.text(keys.get("job_name")).filter(|job| !job.as_str().is_empty());
    if job.is_none() && !keys.is_told("job_name") {
        reader.mistake(start, "job_name is empty", "add `job_name:` with a name that no other job has");
    }
    let scrape_interval = reader.duration_or(keys.get("scrape_interval"), global.scrape_interval);
    let scrape_timeout = global::timeout(reader, keys, scrape_interval, global.scrape_timeout);
    let (names, escaping) = naming(reader, keys, global);
    let relabel = relabel::rules(reader, keys.get("relabel_configs"), names);
    let has_rules = keys.get("relabel_configs").is_some_and(|entry| entry.value.is_collection());
    let config = ScrapeConfig {
        job_name: job.as_ref().map(|job| job.as_str().to_owned()).unwrap_or_default(),
        honor_labels: reader.switch_or(keys.get("honor_labels"), false),
        honor_timestamps: reader.switch_or(keys.get("honor_timestamps"), true),
        track_timestamps_staleness: reader.switch_or(keys.get("track_timestamps_staleness"), false),
        params: params(reader, keys),
        scrape_interval,
        scrape_timeout,
        scrape_protocols: global::protocols(reader, keys.get("scrape_protocols"))
            .or_else(|| global.scrape_protocols.clone())
            .unwrap_or_else(|| ScrapeProtocol::DEFAULT.to_vec()),
        fallback_scrape_protocol: reader
            .text(keys.get("fallback_scrape_protocol"))
            .filter(|text| !text.as_str().is_empty())
            .and_then(|text| global::protocol(reader, &text)),
        metrics_path: text_or(reader.text(keys.get("metrics_path")), "/metrics"),
        scheme: scheme(reader, keys),
        enable_compression: reader.switch_or(keys.get("enable_compression"), true),
        limits: global::limits(reader, keys, global.limits),
        names,
        escaping,
        extra_scrape_metrics: reader.switch_or(keys.get("extra_scrape_metrics"), global.extra_scrape_metrics),
        client: http::client(reader, keys),
        discovery: discovery::discovery(reader, keys, has_rules),
        relabel,
        metric_relabel: relabel::rules(reader, keys.get("metric_relabel_configs"), names),
    };
    Some(Spanned { node: config, span: job?.span() })
}

pub(super) fn text_or(text: Option<Text>, default: &str) -> String {
    text.map_or(default.to_owned(), |text| text.as_str().to_owned())
}

/// `http` or `https`. Prometheus takes any text here and fails at the scrape.
pub(super) fn scheme(reader: &mut Reader<'_>, keys: Keys<'_>) -> String {
    let text = reader.text(keys.get("scheme"));
    if let Some(text) = text.as_ref().filter(|text| !matches!(text.as_str(), "http" | "https")) {
        let message = format!("`{}` is no scheme that can be asked", text.as_str());
        reader.mistake(text.span(), message, "write `http` or `https`");
    }
    text_or(text, "http")
}

/// Validation and escaping of names; what the job says of validation decides its escaping before the file does.
fn naming(reader: &mut Reader<'_>, keys: Keys<'_>, global: &Global) -> (Names, Escaping) {
    let own = global::names(reader, keys);
    let names = own.unwrap_or(global.names);
    let written = global::escaping(reader, keys);
    let inherited = match own {
        Some(own) => Escaping::of(own),
        None => global.escaping.unwrap_or(Escaping::of(global.names)),
    };
    let escaping = written.as_ref().map_or(inherited, |written| written.node);
    if escaping == Escaping::AllowUtf8 && names == Names::Legacy {
        let key = ["metric_name_escaping_scheme", "metric_name_validation_scheme", "job_name"];
        if let Some(entry) = key.iter().find_map(|key| keys.get(key)) {
            let message = "utf8 metric names requested but validation scheme is not set to UTF8";
            reader.mistake(
                entry.key_origin.span,
                message,
                "write `metric_name_escaping_scheme: underscores`",
            );
        }
    }
    (names, escaping)
}

fn params(reader: &mut Reader<'_>, keys: Keys<'_>) -> BTreeMap<String, Vec<String>> {
    let Some(entry) = keys.get("params") else { return BTreeMap::new() };
    let Value::Map(entries) = &entry.value.value else {
        let span = first_line(reader.source, entry.value.origin.span);
        reader.mistake(span, "`params` has names with lists of values", "write `name: [value]`");
        return BTreeMap::new();
    };
    let mut params = BTreeMap::new();
    for param in entries {
        let values = if param.value.is_null() { Vec::new() } else { reader.texts(Some(param)) };
        params.insert(param.key.clone(), values.iter().map(|text| text.as_str().to_owned()).collect());
    }
    params
}
