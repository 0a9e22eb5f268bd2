//! `remote_write`: where samples are sent on to.

use std::sync::LazyLock;

use crate::{
    diagnostic::Diagnostic,
    formats::reader::{Keys, Reader, first_line},
    promql::syntax::Spanned,
    time::PromDuration,
    yaml::{Entry, Node},
};

use super::{Credential, Header, HttpClient, Names, Relabel, Secret, http, relabel};

const OWN: &[&str] = &[
    "url",
    "remote_timeout",
    "headers",
    "write_relabel_configs",
    "name",
    "send_exemplars",
    "send_native_histograms",
    "round_robin_dns",
    "protobuf_message",
    "failed_request_logging",
    "queue_config",
    "metadata_config",
    "sigv4",
    "azuread",
    "google_iam",
    "convert_nhcb_to_classic",
];
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| [OWN, http::CLIENT].concat());
const QUEUE: &[&str] = &[
    "capacity",
    "max_shards",
    "min_shards",
    "max_samples_per_send",
    "batch_send_deadline",
    "min_backoff",
    "max_backoff",
    "retry_on_http_429",
    "sample_age_limit",
];

/// A server that takes remote write 1.0.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteWrite {
    pub url: String,
    /// Empty where the file does not say.
    pub name: String,
    /// 30 seconds by default.
    pub remote_timeout: PromDuration,
    /// Sent along; sorted by name.
    pub headers: Vec<Header>,
    pub write_relabel: Vec<Relabel>,
    pub queue: Queue,
    pub client: HttpClient,
}

/// How samples wait to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Samples of a shard; 10000 by default.
    pub capacity: usize,
    /// How many shards there is room for, of which one sends; 50 by default.
    pub max_shards: usize,
    /// 2000 by default.
    pub max_samples_per_send: usize,
    /// 5 seconds by default.
    pub batch_send_deadline: PromDuration,
    /// 30 milliseconds by default.
    pub min_backoff: PromDuration,
    /// 5 seconds by default.
    pub max_backoff: PromDuration,
    /// Whether samples that a server has no time for are kept; no by default.
    pub retry_on_http_429: bool,
    /// Older samples are dropped; 0 is no limit.
    pub sample_age_limit: PromDuration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            max_shards: 50,
            max_samples_per_send: 2_000,
            batch_send_deadline: PromDuration::from_secs(5),
            min_backoff: PromDuration::from_millis(30),
            max_backoff: PromDuration::from_secs(5),
            retry_on_http_429: false,
            sample_age_limit: PromDuration::default(),
        }
    }
}

pub(super) fn remote_writes(
    reader: &mut Reader<'_>,
    entry: Option<&Entry>,
    names: Names,
) -> Vec<RemoteWrite> {
    let mut writes: Vec<Spanned<RemoteWrite>> = Vec::new();
    for node in reader.list(entry) {
        if node.is_null() {
            let span = first_line(reader.source, node.origin.span);
            reader.mistake(span, "empty or null remote write config section", "remove it, or write its keys");
            continue;
        }
        let Some(keys) = reader.keys(node, "a remote write", &KEYS) else { continue };
        let write = remote_write(reader, keys, node, names);
        let name = &write.node.name;
        if let Some(first) = writes.iter().find(|other| !name.is_empty() && other.node.name == *name) {
            reader.mistakes.push(
                Diagnostic::error(format!("found multiple remote write configs with job name `{name}`"))
                    .at(reader.source, write.span, "again here")
                    .at(reader.source, first.span, "first here"),
            );
        }
        writes.push(write);
    }
    writes.into_iter().map(|write| write.node).collect()
}

fn remote_write(reader: &mut Reader<'_>, keys: Keys<'_>, node: &Node, names: Names) -> Spanned<RemoteWrite> {
    let start = first_line(reader.source, node.origin.span);
    reader.not_done(keys, &["sigv4", "azuread", "google_iam", "round_robin_dns", "metadata_config"]);
    for key in
        ["send_exemplars", "send_native_histograms", "failed_request_logging", "convert_nhcb_to_classic"]
    {
        reader.not_done_if_on(keys, key);
    }
    match reader.text(keys.get("protobuf_message")).as_ref().map(|text| (text.as_str(), text.span())) {
        None | Some(("prometheus.WriteRequest", _)) => {}
        Some(("io.prometheus.write.v2.Request", span)) => {
            reader.undone(span, "remote write 2.0; 1.0 is sent, it");
        }
        Some((other, span)) => {
            let message = format!("invalid protobuf_message value `{other}`");
            reader.mistake(span, message, "write `prometheus.WriteRequest`");
        }
    }
    let url = reader.text(keys.get("url"));
    match &url {
        Some(url) => http::refuse_no_url(reader, url),
        None if keys.is_told("url") => {}
        None => reader.mistake(start, "url for remote_write is empty", "add `url:`"),
    }
    let name = reader.text(keys.get("name"));
    let write = RemoteWrite {
        url: url.map(|url| url.as_str().to_owned()).unwrap_or_default(),
        name: name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        remote_timeout: reader.duration_or(keys.get("remote_timeout"), PromDuration::from_secs(30)),
        headers: headers(reader, keys.get("headers")),
        write_relabel: relabel::rules(reader, keys.get("write_relabel_configs"), names),
        queue: queue(reader, keys.get("queue_config")),
        client: http::client(reader, keys),
    };
    Spanned { node: write, span: name.map_or(start, |name| name.span()) }
}

fn headers(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Vec<Header> {
    let mut headers = Vec::new();
    for pair in reader.pairs(entry) {
        http::refuse_reserved(reader, &pair.name.node, pair.name.span);
        let value = Credential::Inline(Secret::new(pair.text.as_str()));
        headers.push(Header { name: pair.name.node, values: vec![value] });
    }
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    headers
}

fn queue(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Queue {
    let default = Queue::default();
    let keys = entry.and_then(|entry| reader.keys(&entry.value, "`queue_config`", QUEUE));
    let (Some(entry), Some(keys)) = (entry, keys) else { return default };
    let mut positive = |key: &str, default: usize| match keys.get(key) {
        None => default,
        Some(entry) => {
            let before = reader.mistakes.len();
            let count = reader.count(Some(entry));
            if count == 0 && before == reader.mistakes.len() {
                let message = format!("remote write queue {key} must be positive");
                reader.mistake(entry.value.origin.span, message, "write 1 or more");
            }
            if count == 0 { default } else { count }
        }
    };
    let min_shards = positive("min_shards", 1);
    let queue = Queue {
        capacity: positive("capacity", default.capacity),
        max_shards: positive("max_shards", default.max_shards),
        max_samples_per_send: positive("max_samples_per_send", default.max_samples_per_send),
        ..default
    };
    let queue = Queue {
        batch_send_deadline: reader.duration_or(keys.get("batch_send_deadline"), default.batch_send_deadline),
        min_backoff: reader.duration_or(keys.get("min_backoff"), default.min_backoff),
        max_backoff: reader.duration_or(keys.get("max_backoff"), default.max_backoff),
        retry_on_http_429: reader.switch_or(keys.get("retry_on_http_429"), false),
        sample_age_limit: reader.duration_or(keys.get("sample_age_limit"), default.sample_age_limit),
        ..queue
    };
    if min_shards > queue.max_shards {
        let message = "remote write queue min_shards must not be greater than max_shards";
        reader.mistake(entry.key_origin.span, message, "change one of them");
    } else if min_shards > 1 {
        reader.not_done(keys, &["min_shards"]);
    }
    if queue.max_backoff < queue.min_backoff {
        let message = "remote write queue max_backoff must not be less than min_backoff";
        reader.mistake(entry.key_origin.span, message, "change one of them");
    }
    queue
}
