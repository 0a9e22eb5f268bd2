//! Everything that is made for one configuration: the rendered files, and the stack that carries them.

use std::collections::BTreeMap;

use anyhow::Context as _;

use crate::{
    config::{Component, Config},
    diagnostic::Diagnostic,
    formats,
    remote::Credentials,
    render::{self, Rendered},
    stack::{self, Desired, ExporterSpec, Files, GrafanaSpec, Project, PrometheusSpec, StackSpec},
};

use super::{configure::Configured, exit::Hinted, exporter_image};

/// Dashboard that Grafana opens with, below its provisioning folder.
pub(super) const HOME_DASHBOARD: &str = "dashboards/llmobs/llm-service-overview.json";

/// What a bundle is made for.
pub(super) struct Purpose {
    pub(super) project: Project,
    /// Added to every host port.
    pub(super) port_offset: u16,
    /// Grafana's admin.
    pub(super) credentials: Credentials,
    /// Hash of the exporter's image; empty where no container is made.
    pub(super) exporter_hash: String,
}

impl Purpose {
    /// For a folder of files: nothing in them depends on a password or on this binary.
    pub(super) fn folder() -> anyhow::Result<Self> {
        Ok(Self {
            project: Project::new("llmobs")?,
            port_offset: 0,
            credentials: Credentials { user: "admin".to_owned(), password: String::new() },
            exporter_hash: String::new(),
        })
    }
}

/// The stack with all its files, and what is worth knowing about it.
pub(super) struct Bundle {
    /// By path with `/`, `compose.yaml` among them.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) desired: Desired,
    pub(super) notes: Vec<Diagnostic>,
}

impl Bundle {
    pub(super) fn make(configured: Configured, purpose: Purpose) -> anyhow::Result<Self> {
        let mut configured = configured;
        shift_ports(&mut configured.config, purpose.port_offset)?;
        let (input, mut notes) = configured.input()?;
        let Rendered { mut files, notes: rendered } = render::render(&input)?;
        notes.extend(rendered);
        let desired = stack::desired(&spec(&configured.config, &files, purpose));
        let compose = formats::yaml_to_string(&stack::compose(&desired))?;
        formats::yaml(&compose).context("`compose.yaml` came out broken")?;
        files.insert("compose.yaml".to_owned(), compose.into_bytes());
        Ok(Self { files, desired, notes })
    }
}

fn spec(config: &Config, files: &Files, purpose: Purpose) -> StackSpec {
    let has = |component| config.stack.components.contains(&component);
    let stack = &config.stack;
    StackSpec {
        project: purpose.project,
        bind: stack.bind,
        prometheus: has(Component::Prometheus).then(|| PrometheusSpec {
            image: stack.images.prometheus.clone(),
            host_port: stack.ports.prometheus,
            files: below(files, "prometheus/"),
            jobs: config
                .targets
                .iter()
                .map(|target| (target.job.clone(), target.endpoints.iter().cloned().collect()))
                .collect(),
        }),
        grafana: has(Component::Grafana).then(|| GrafanaSpec {
            image: stack.images.grafana.clone(),
            host_port: stack.ports.grafana,
            files: below(files, "grafana/provisioning/"),
            home_dashboard: Some(HOME_DASHBOARD.to_owned()),
            credentials: purpose.credentials,
            datasources: if has(Component::Prometheus) { vec!["prometheus".to_owned()] } else { Vec::new() },
        }),
        exporter: has(Component::Exporter).then(|| ExporterSpec {
            tag: exporter_image::TAG.to_owned(),
            contents_hash: purpose.exporter_hash,
            host_port: stack.ports.exporter,
            files: below(files, "exporter/"),
        }),
    }
}

fn below(files: &Files, folder: &str) -> Files {
    files
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix(folder)?.to_owned(), bytes.clone())))
        .collect()
}

/// Moves every host port; the rendered files speak of the moved ones.
fn shift_ports(config: &mut Config, offset: u16) -> anyhow::Result<()> {
    let ports = &mut config.stack.ports;
    for (name, port) in [
        ("prometheus", &mut ports.prometheus),
        ("grafana", &mut ports.grafana),
        ("exporter", &mut ports.exporter),
    ] {
        *port = port.checked_add(offset).ok_or_else(|| {
            Hinted::new(
                format!("port {port} of {name} and an offset of {offset} are beyond 65535"),
                "choose a smaller `--port-offset`",
            )
        })?;
    }
    Ok(())
}
