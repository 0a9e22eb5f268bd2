//! The `alerting` section: which Alertmanagers are told, and how.

use std::{path::Path, sync::LazyLock};

use crate::{
    formats::reader::{Keys, Reader, first_line},
    time::PromDuration,
    yaml::Entry,
};

use super::{Discovery, HttpClient, Names, Relabel, discovery, http, relabel, scrape};

const ALERTING: &[&str] = &["alert_relabel_configs", "alertmanagers"];
const OWN: &[&str] =
    &["sigv4", "scheme", "path_prefix", "timeout", "api_version", "relabel_configs", "alert_relabel_configs"];
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| [OWN, http::CLIENT, discovery::DISCOVERIES].concat());

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// Run over the labels of each alert before it is sent.
    pub alert_relabel: Vec<Relabel>,
    pub alertmanagers: Vec<Alertmanager>,
}

/// Alertmanagers that are reached alike, over the second version of their API.
#[derive(Debug, Clone, PartialEq)]
pub struct Alertmanager {
    /// `http` by default.
    pub scheme: String,
    /// Stands before `/api/v2/alerts`; empty by default.
    pub path_prefix: String,
    /// 10 seconds by default.
    pub timeout: PromDuration,
    pub client: HttpClient,
    pub discovery: Discovery,
    /// Run over the labels of what was discovered.
    pub relabel: Vec<Relabel>,
    /// Run after [`Alerting::alert_relabel`].
    pub alert_relabel: Vec<Relabel>,
}

impl Alerting {
    pub(super) fn set_directory(&mut self, folder: &Path) {
        for alertmanager in &mut self.alertmanagers {
            alertmanager.client.set_directory(folder);
            alertmanager.discovery.set_directory(folder);
        }
    }
}

pub(super) fn alerting(reader: &mut Reader<'_>, entry: Option<&Entry>, names: Names) -> Alerting {
    let keys = entry.and_then(|entry| reader.keys(&entry.value, "`alerting`", ALERTING));
    let Some(keys) = keys else { return Alerting::default() };
    let mut alertmanagers = Vec::new();
    for node in reader.list(keys.get("alertmanagers")) {
        if node.is_null() {
            let span = first_line(reader.source, node.origin.span);
            reader.mistake(span, "the Alertmanager is empty", "remove it, or write its keys");
            continue;
        }
        let Some(keys) = reader.keys(node, "an Alertmanager", &KEYS) else { continue };
        alertmanagers.push(alertmanager(reader, keys, names));
    }
    Alerting {
        alert_relabel: relabel::rules(reader, keys.get("alert_relabel_configs"), names),
        alertmanagers,
    }
}

fn alertmanager(reader: &mut Reader<'_>, keys: Keys<'_>, names: Names) -> Alertmanager {
    reader.not_done(keys, &["sigv4"]);
    if let Some(version) = reader.text(keys.get("api_version")).filter(|text| text.as_str() != "v2") {
        let message = format!("expected Alertmanager api version to be `v2` but got `{}`", version.as_str());
        reader.mistake(version.span(), message, "remove it");
    }
    let has_rules = keys.get("relabel_configs").is_some_and(|entry| entry.value.is_collection());
    Alertmanager {
        scheme: scrape::scheme(reader, keys),
        path_prefix: reader.words(keys.get("path_prefix")),
        timeout: reader.duration_or(keys.get("timeout"), PromDuration::from_secs(10)),
        client: http::client(reader, keys),
        discovery: discovery::discovery(reader, keys, has_rules),
        relabel: relabel::rules(reader, keys.get("relabel_configs"), names),
        alert_relabel: relabel::rules(reader, keys.get("alert_relabel_configs"), names),
    }
}
