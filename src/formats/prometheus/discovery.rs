//! Where targets come from: lists in the file, other files, HTTP servers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    diagnostic::Diagnostic,
    formats::{
        Text,
        reader::{Keys, Reader, first_line},
    },
    text::Source,
    time::PromDuration,
    yaml::{Entry, Node},
};

use super::{HttpClient, http};

/// Every way to find targets that Prometheus 3.16 has.
pub(super) const DISCOVERIES: &[&str] = &[
    "static_configs",
    "file_sd_configs",
    "http_sd_configs",
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "elasticache_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "msk_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "rds_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];
const DONE: usize = 3;
const GROUP: &[&str] = &["targets", "labels"];
const FILE: &[&str] = &["files", "refresh_interval"];
const HTTP: &[&str] = &["url", "refresh_interval"];

/// Where the targets of a job, or Alertmanagers, come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    pub groups: Vec<TargetGroup>,
    pub files: Vec<FileDiscovery>,
    pub http: Vec<HttpDiscovery>,
}

/// Targets that share labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// Each becomes `__address__`.
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// Target groups in files that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiscovery {
    /// Patterns; each ends in `.json`, `.yml` or `.yaml`.
    pub files: Vec<PathBuf>,
    /// 5 minutes by default.
    pub refresh_interval: PromDuration,
}

/// Target groups from an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpDiscovery {
    pub url: String,
    pub client: HttpClient,
    /// 1 minute by default.
    pub refresh_interval: PromDuration,
}

impl Discovery {
    pub(super) fn set_directory(&mut self, folder: &Path) {
        for file in self.files.iter_mut().flat_map(|discovery| &mut discovery.files) {
            *file = folder.join(&*file);
        }
        for discovery in &mut self.http {
            discovery.client.set_directory(folder);
        }
    }
}

/// What finds targets among the keys of a scrape configuration. Static targets have to be `host:port`, unless they are
/// relabelled.
pub(super) fn discovery(reader: &mut Reader<'_>, keys: Keys<'_>, is_relabelled: bool) -> Discovery {
    reader.not_done(keys, &DISCOVERIES[DONE..]);
    let mut discovery = Discovery::default();
    for node in reader.list(keys.get("static_configs")) {
        let Some((group, texts)) = group(reader, node) else { continue };
        for target in texts.iter().filter(|text| !is_relabelled && text.as_str().contains('/')) {
            let message = format!("`{}` is not a valid hostname", target.as_str());
            reader.mistake(
                target.span(),
                message,
                "write `host:port`; scheme and path have keys of their own",
            );
        }
        discovery.groups.push(group);
    }
    for node in reader.list(keys.get("file_sd_configs")) {
        let Some(keys) = reader.keys(node, "a file discovery", FILE) else { continue };
        let texts = reader.texts(keys.get("files"));
        if texts.is_empty() && !keys.is_told("files") {
            let span = first_line(reader.source, node.origin.span);
            let message = "file service discovery config must contain at least one path name";
            reader.mistake(span, message, "add `files:` with a list");
        }
        for text in texts.iter().filter(|text| !is_file_pattern(text.as_str())) {
            let message = format!("path name `{}` is not valid for file discovery", text.as_str());
            let help = "end it in `.json`, `.yml` or `.yaml`; a `*` may stand in the last part only";
            reader.mistake(text.span(), message, help);
        }
        discovery.files.push(FileDiscovery {
            files: texts.iter().map(|text| text.as_str().into()).collect(),
            refresh_interval: reader.duration_or(keys.get("refresh_interval"), PromDuration::from_secs(300)),
        });
    }
    let known = [HTTP, http::CLIENT].concat();
    for node in reader.list(keys.get("http_sd_configs")) {
        let Some(keys) = reader.keys(node, "an HTTP discovery", &known) else { continue };
        let url = reader.text(keys.get("url"));
        match &url {
            Some(url) => http::refuse_no_url(reader, url),
            None if keys.is_told("url") => {}
            None => {
                let span = first_line(reader.source, node.origin.span);
                reader.mistake(span, "URL is missing", "add `url:`");
            }
        }
        discovery.http.push(HttpDiscovery {
            url: url.map(|url| url.as_str().to_owned()).unwrap_or_default(),
            client: http::client(reader, keys),
            refresh_interval: reader.duration_or(keys.get("refresh_interval"), PromDuration::from_secs(60)),
        });
    }
    discovery
}

/// `^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$`.
fn is_file_pattern(path: &str) -> bool {
    let ends = ["json", "yml", "yaml", "JSON", "YML", "YAML"];
    let Some((stem, end)) = path.rsplit_once('.') else { return false };
    let star_is_last = stem.split_once('*').is_none_or(|(_, after)| !after.contains('/'));
    ends.contains(&end) && star_is_last
}

fn group(reader: &mut Reader<'_>, node: &Node) -> Option<(TargetGroup, Vec<Text>)> {
    let keys = reader.keys(node, "a target group", GROUP)?;
    let texts = reader.texts(keys.get("targets"));
    let labels = labels(reader, keys.get("labels"));
    let targets = texts.iter().map(|text| text.as_str().to_owned()).collect();
    Some((TargetGroup { targets, labels }, texts))
}

fn labels(reader: &mut Reader<'_>, entry: Option<&Entry>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for pair in reader.pairs(entry) {
        if pair.name.node.is_empty() {
            reader.mistake(pair.name.span, "a label has no name", "write a name before the `:`");
        }
        labels.insert(pair.name.node, pair.text.as_str().to_owned());
    }
    labels
}

/// Target groups of a file of file discovery in YAML. `Err` holds every mistake.
pub fn read_groups(source: &Source) -> Result<Vec<TargetGroup>, Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    let mut groups = Vec::new();
    if let Some(root) = reader.root().filter(|root| !root.is_null()) {
        if let crate::yaml::Value::List(nodes) = &root.value {
            for node in nodes {
                groups.extend(group(&mut reader, node).map(|(group, _)| group));
            }
        } else {
            let span = first_line(source, root.origin.span);
            let message = format!("target groups are a list; this is {}", root.kind());
            reader.mistake(span, message, "begin each group with `- targets:`");
        }
    }
    let mistakes = reader.finish();
    if mistakes.is_empty() { Ok(groups) } else { Err(mistakes) }
}

/// As [`read_groups`], in JSON: what file and HTTP discovery take.
pub fn read_groups_json(text: &str) -> Result<Vec<TargetGroup>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Group {
        #[serde(default)]
        targets: Option<Vec<String>>,
        #[serde(default)]
        labels: Option<BTreeMap<String, String>>,
    }
    let groups: Option<Vec<Group>> = serde_json::from_str(text)?;
    let group = |group: Group| TargetGroup {
        targets: group.targets.unwrap_or_default(),
        labels: group.labels.unwrap_or_default(),
    };
    Ok(groups.unwrap_or_default().into_iter().map(group).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_file_discovery() {
        for (pattern, expect) in [
            ("a.json", true),
            ("dir/*.yml", true),
            ("dir/a*b?.YAML", true),
            ("*/a.yml", false),
            ("a.txt", false),
            ("json", false),
            ("a*.b*.yaml", true),
            ("", false),
        ] {
            assert_eq!(is_file_pattern(pattern), expect, "{pattern}");
        }
    }

    #[test]
    fn groups_are_read_from_yaml_and_json() {
        let expect = vec![TargetGroup {
            targets: vec!["a:1".to_owned(), "b:2".to_owned()],
            labels: BTreeMap::from([("x".to_owned(), "1".to_owned())]),
        }];
        let yaml = Source::new("t.yml", "- targets: [a:1, 'b:2']\n  labels: {x: 1}\n");
        assert_eq!(read_groups(&yaml).unwrap(), expect);
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"x": "1"}}]"#;
        assert_eq!(read_groups_json(json).unwrap(), expect);
        assert_eq!(read_groups(&Source::new("t.yml", "")).unwrap(), []);
        assert_eq!(read_groups_json("null").unwrap(), []);
        assert!(read_groups_json(r#"[{"target": []}]"#).is_err());
        assert!(read_groups(&Source::new("t.yml", "targets: []")).is_err());
        assert!(read_groups(&Source::new("t.yml", "- target: []")).is_err());
    }
}
