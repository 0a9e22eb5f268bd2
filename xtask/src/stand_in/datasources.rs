//! Data sources as provisioning files declare them, and what Grafana refuses of them.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value, json};

use super::provisioning::{Provisioned, check_organisation, check_uid, flag, string};

/// The types that come with Grafana; a plugin would have to be installed first.
const KNOWN_TYPES: [&str; 20] = [
    "alertmanager",
    "cloudwatch",
    "elasticsearch",
    "grafana-azure-monitor-datasource",
    "grafana-postgresql-datasource",
    "grafana-pyroscope-datasource",
    "grafana-testdata-datasource",
    "graphite",
    "influxdb",
    "jaeger",
    "loki",
    "mssql",
    "mysql",
    "opentsdb",
    "parca",
    "postgres",
    "prometheus",
    "stackdriver",
    "tempo",
    "zipkin",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Datasource {
    pub(super) uid: String,
    pub(super) name: String,
    /// One of [`KNOWN_TYPES`].
    pub(super) kind: String,
    pub(super) url: String,
    pub(super) access: String,
    pub(super) is_default: bool,
    pub(super) editable: bool,
    pub(super) options: Value,
}

/// All data sources of the files, or the first reason for which Grafana would not start.
pub(super) fn read(files: &[Provisioned]) -> anyhow::Result<Vec<Datasource>> {
    let mut found: Vec<Datasource> = Vec::new();
    for file in files {
        for entry in file.entries("deleteDatasources")? {
            ensure!(
                !string(entry, "name")?.is_empty(),
                "`{}`: `deleteDatasources` without a name",
                file.name
            );
        }
        for entry in file.entries("datasources")? {
            let source = datasource(entry).with_context(|| {
                format!("`{}`: data source {}", file.name, entry.get("name").unwrap_or(&Value::Null))
            })?;
            found.push(source);
        }
    }
    let mut uids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for source in &found {
        ensure!(uids.insert(&source.uid), "two data sources have the uid `{}`", source.uid);
        ensure!(names.insert(&source.name), "two data sources have the name `{}`", source.name);
    }
    ensure!(
        found.iter().filter(|source| source.is_default).count() < 2,
        "datasource.yaml config is invalid. Only one datasource per organization can be marked as default"
    );
    Ok(found)
}

fn datasource(entry: &Map<String, Value>) -> anyhow::Result<Datasource> {
    check_organisation(entry)?;
    let (name, kind, uid) = (string(entry, "name")?, string(entry, "type")?, string(entry, "uid")?);
    ensure!(!name.is_empty(), "has no name");
    ensure!(!kind.is_empty(), "has no type");
    ensure!(KNOWN_TYPES.contains(&kind.as_str()), "type `{kind}` is unknown");
    // Grafana would make one up, and no dashboard could name it.
    ensure!(!uid.is_empty(), "has no uid");
    check_uid(&uid)?;
    let access = match string(entry, "access")?.as_str() {
        "" | "proxy" => "proxy",
        "direct" => "direct",
        other => bail!("access `{other}` is neither `proxy` nor `direct`"),
    };
    let options = match entry.get("jsonData") {
        None | Some(Value::Null) => json!({}),
        Some(options @ Value::Object(_)) => options.clone(),
        Some(_) => bail!("`jsonData` is no mapping"),
    };
    let (is_default, editable) = (flag(entry, "isDefault")?, flag(entry, "editable")?);
    let access = access.to_owned();
    Ok(Datasource { uid, name, kind, url: string(entry, "url")?, access, is_default, editable, options })
}

impl Datasource {
    /// As the API shows it; `id` counts from 1 in the order of the files.
    pub(super) fn shown(&self, id: usize) -> Value {
        json!({
            "id": id, "uid": self.uid, "orgId": 1, "name": self.name, "type": self.kind, "typeName": self.kind,
            "access": self.access, "url": self.url, "user": "", "database": "", "basicAuth": false,
            "isDefault": self.is_default, "jsonData": self.options, "readOnly": !self.editable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::{provisioning::parse, settings::Environment};

    fn read_texts(texts: &[&str]) -> anyhow::Result<Vec<Datasource>> {
        let environment = Environment::from([("URL".to_owned(), "http://p:9090".to_owned())]);
        let files: Vec<Provisioned> = texts
            .iter()
            .enumerate()
            .map(|(n, text)| parse(&format!("{n}.yaml"), &format!("apiVersion: 1\n{text}"), &environment))
            .collect::<anyhow::Result<_>>()?;
        read(&files)
    }

    #[track_caller]
    fn check(texts: &[&str], expect: &str) {
        assert_eq!(format!("{:#}", read_texts(texts).unwrap_err()), expect);
    }

    #[test]
    fn a_good_file_is_read() {
        let file = "prune: true\ndeleteDatasources: [{name: Old, orgId: 1}]\ndatasources:\n  - {name: Prometheus, \
                    type: prometheus, uid: prometheus, url: $URL, isDefault: 'true', jsonData: {httpMethod: POST}}\n";
        let expect = Datasource {
            uid: "prometheus".to_owned(),
            name: "Prometheus".to_owned(),
            kind: "prometheus".to_owned(),
            url: "http://p:9090".to_owned(),
            access: "proxy".to_owned(),
            is_default: true,
            editable: false,
            options: json!({"httpMethod": "POST"}),
        };
        assert_eq!(read_texts(&[file]).unwrap(), [expect]);
        assert_eq!(read_texts(&["datasources:\n"]).unwrap(), []);
    }

    #[test]
    fn what_grafana_refuses_is_refused() {
        let one = |entry: &str| format!("datasources: [{{{entry}}}]");
        let check_one = |entry: &str, expect: &str| check(&[&one(entry)], expect);
        check_one("type: loki, uid: l", "`0.yaml`: data source null: has no name");
        check_one("name: P, uid: p", "`0.yaml`: data source \"P\": has no type");
        check_one("name: P, type: '', uid: p", "`0.yaml`: data source \"P\": has no type");
        check_one(
            "name: P, type: promethius, uid: p",
            "`0.yaml`: data source \"P\": type `promethius` is unknown",
        );
        check_one("name: P, type: loki", "`0.yaml`: data source \"P\": has no uid");
        check_one(
            "name: P, type: loki, uid: a/b",
            "`0.yaml`: data source \"P\": uid `a/b` contains illegal characters",
        );
        check_one(
            "name: P, type: loki, uid: p, orgId: 2",
            "`0.yaml`: data source \"P\": organisation 2 does not exist",
        );
        check_one(
            "name: P, type: loki, uid: p, isDefault: maybe",
            "`0.yaml`: data source \"P\": `isDefault` is \"maybe\", neither true nor false",
        );
        check_one("name: [P], type: loki, uid: p", "`0.yaml`: data source [\"P\"]: `name` is no text");
        check_one(
            "name: P, type: loki, uid: p, jsonData: [1]",
            "`0.yaml`: data source \"P\": `jsonData` is no mapping",
        );
        check(&["datasources: {name: P}"], "`0.yaml`: `datasources` is no list");
        check(&["deleteDatasources: [{orgId: 1}]"], "`0.yaml`: `deleteDatasources` without a name");
    }

    #[test]
    fn files_are_judged_together() {
        let source = |name: &str, uid: &str, default: &str| {
            format!("datasources: [{{name: {name}, type: loki, uid: {uid}, isDefault: {default}}}]")
        };
        let (a, b) = (source("A", "a", "true"), source("B", "b", "true"));
        check(
            &[&a, &b],
            "datasource.yaml config is invalid. Only one datasource per organization can be marked as default",
        );
        check(&[&a, &source("B", "a", "false")], "two data sources have the uid `a`");
        check(&[&a, &source("A", "b", "false")], "two data sources have the name `A`");
    }
}
