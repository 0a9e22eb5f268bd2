//! `compose.yaml`: the same desired state, as a file that `docker compose` takes.
//!
//! Two things differ from what `up` makes. Each config volume is a read-only bind of the rendered folder, and Grafana's
//! password comes from an environment variable.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    docker::{ContainerSpec, LOG_MAX_FILES, LOG_MAX_SIZE, Mount, RootFs},
    stack::{
        desired::{Component, Desired, Service},
        settings::PASSWORD_FILE_VARIABLE,
    },
};

/// A compose file; see <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComposeFile {
    name: String,
    services: BTreeMap<&'static str, ComposeService>,
    volumes: BTreeMap<String, ComposeVolume>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ComposeVolume {
    driver: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ComposeService {
    image: String,
    user: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, String>,
    ports: Vec<String>,
    volumes: Vec<String>,
    extra_hosts: Vec<String>,
    read_only: bool,
    cap_drop: Vec<&'static str>,
    security_opt: Vec<&'static str>,
    restart: &'static str,
    mem_limit: u64,
    stop_grace_period: String,
    logging: Logging,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Logging {
    driver: &'static str,
    options: BTreeMap<&'static str, &'static str>,
}

/// The stack as a compose file that stands in the folder of the rendered files.
pub fn compose(desired: &Desired) -> ComposeFile {
    ComposeFile {
        name: desired.project.to_string(),
        services: desired
            .services
            .iter()
            .map(|service| (service.component.name(), compose_service(desired, service)))
            .collect(),
        volumes: desired
            .volumes
            .iter()
            .map(|volume| (short_name(desired, &volume.name).to_owned(), ComposeVolume { driver: "local" }))
            .collect(),
    }
}

fn compose_service(desired: &Desired, service: &Service) -> ComposeService {
    // Named one by one, so that a setting that is added there is missed here by nobody.
    let ContainerSpec {
        name: _,
        image,
        user,
        command,
        env,
        labels: _,
        network: _,
        aliases: _,
        ports,
        mounts,
        extra_hosts,
        root,
        memory,
        stop_timeout,
    } = &service.container;
    let mut environment: BTreeMap<_, _> =
        env.iter().map(|(name, value)| (name.clone(), literal(value))).collect();
    if environment.remove(PASSWORD_FILE_VARIABLE).is_some() {
        environment.insert(
            "GF_SECURITY_ADMIN_PASSWORD".to_owned(),
            "${GRAFANA_PASSWORD:?set GRAFANA_PASSWORD to the password of Grafana's admin}".to_owned(),
        );
    }
    ComposeService {
        image: literal(image),
        user: user.clone(),
        command: command.iter().map(|argument| literal(argument)).collect(),
        environment,
        ports: ports
            .iter()
            .map(|port| {
                // An IPv6 address needs brackets beside colons.
                let ip = if port.ip.is_ipv6() { format!("[{}]", port.ip) } else { port.ip.to_string() };
                format!("{ip}:{}:{}", port.host, port.container)
            })
            .collect(),
        volumes: mounts.iter().map(|mount| volume(desired, service, mount)).collect(),
        extra_hosts: extra_hosts.clone(),
        read_only: *root == RootFs::ReadOnly,
        cap_drop: vec!["ALL"],
        security_opt: vec!["no-new-privileges"],
        restart: "unless-stopped",
        mem_limit: *memory,
        stop_grace_period: format!("{}s", stop_timeout.as_secs()),
        logging: Logging {
            driver: "json-file",
            options: BTreeMap::from([("max-size", LOG_MAX_SIZE), ("max-file", LOG_MAX_FILES)]),
        },
    }
}

fn volume(desired: &Desired, service: &Service, mount: &Mount) -> String {
    if mount.volume == service.config_volume.name {
        let folder = match service.component {
            Component::Prometheus => "./prometheus",
            Component::Grafana => "./grafana/provisioning",
            Component::Exporter => "./exporter",
        };
        format!("{folder}:{}:ro", mount.target)
    } else {
        format!("{}:{}", short_name(desired, &mount.volume), mount.target)
    }
}

/// Compose puts the project's name before it.
fn short_name<'a>(desired: &Desired, volume: &'a str) -> &'a str {
    volume.strip_prefix(desired.project.as_str()).and_then(|rest| rest.strip_prefix('_')).unwrap_or(volume)
}

/// Text in which compose finds no variable.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::scenario::Scenario;

    #[test]
    fn the_file_says_what_up_makes() {
        let mut scenario = Scenario::new();
        scenario.spec.exporter = None;
        let prometheus = scenario.spec.prometheus.take();
        let grafana = serde_json::to_value(compose(&scenario.desired())).unwrap();
        assert_eq!(
            grafana["services"]["grafana"]["environment"].get("GF_SECURITY_ADMIN_PASSWORD__FILE"),
            None
        );
        assert_eq!(
            grafana["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"],
            json!("${GRAFANA_PASSWORD:?set GRAFANA_PASSWORD to the password of Grafana's admin}")
        );

        scenario.spec.grafana = None;
        scenario.spec.prometheus = prometheus;
        assert_eq!(
            serde_json::to_value(compose(&scenario.desired())).unwrap(),
            json!({
                "name": "llmobs",
                "services": { "prometheus": {
                    "image": "prom/prometheus:v3",
                    "user": "65534:65534",
                    "command": [
                        "--config.file=/etc/prometheus/prometheus.yml",
                        "--storage.tsdb.path=/prometheus",
                        "--scrape.discovery-reload-interval=200ms",
                        "--enable-feature=exemplar-storage",
                    ],
                    "ports": ["127.0.0.1:1:9090"],
                    "volumes": ["./prometheus:/etc/prometheus:ro", "prometheus-data:/prometheus"],
                    "extra_hosts": ["host.docker.internal:host-gateway"],
                    "read_only": true,
                    "cap_drop": ["ALL"],
                    "security_opt": ["no-new-privileges"],
                    "restart": "unless-stopped",
                    "mem_limit": 1_073_741_824,
                    "stop_grace_period": "30s",
                    "logging": { "driver": "json-file", "options": { "max-size": "10m", "max-file": "3" } },
                }},
                "volumes": { "prometheus-data": { "driver": "local" } },
            })
        );
    }

    #[test]
    fn dollars_are_no_variables() {
        assert_eq!(literal("a$b"), "a$$b");
    }
}
