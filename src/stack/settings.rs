//! How each service's container is set up: command, environment, user, limits.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use sha2::{Digest as _, Sha256};

use crate::{
    docker::{ContainerSpec, Entry, EntryKind, Labels, Mount, PublishedPort, RootFs, Seed, VolumeSpec},
    remote::Endpoint,
    stack::{
        desired::{
            Component, ExporterSpec, GrafanaSpec, ImageOrigin, Probe, Project, PrometheusSpec, Service,
            entries, network_name,
        },
        labels,
    },
};

const MIB: u64 = 1 << 20;
/// The user `nobody`, which the images of Prometheus and of our exporter run as.
const NOBODY: &str = "65534:65534";
/// The user `grafana` of Grafana's image; its group is root's.
const GRAFANA_UID: u32 = 472;
/// File that holds Grafana's first password, in its config volume.
const PASSWORD_FILE: &str = ".admin-password";
/// The environment variable that names [`PASSWORD_FILE`].
pub(super) const PASSWORD_FILE_VARIABLE: &str = "GF_SECURITY_ADMIN_PASSWORD__FILE";

/// What differs from service to service.
struct Setup<'a> {
    component: Component,
    image: &'a str,
    user: &'a str,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    host_port: u16,
    container_port: u16,
    config_target: &'a str,
    data_target: Option<&'a str>,
    root: RootFs,
    memory: u64,
    stop_timeout: Duration,
}

pub(super) fn prometheus(project: &Project, bind: IpAddr, spec: &PrometheusSpec) -> Service {
    let command = [
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        // A new target is first scraped after the next round of discovery, which is every 5 s by default.
        "--scrape.discovery-reload-interval=200ms",
        "--enable-feature=exemplar-storage",
    ];
    let setup = Setup {
        component: Component::Prometheus,
        image: &spec.image,
        user: NOBODY,
        command: command.map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        host_port: spec.host_port,
        container_port: 9090,
        config_target: "/etc/prometheus",
        data_target: Some("/prometheus"),
        root: RootFs::ReadOnly,
        memory: 1024 * MIB,
        // A log of samples that is torn by SIGKILL is repaired at the next start, at the cost of the newest samples.
        stop_timeout: Duration::from_secs(30),
    };
    service(
        project,
        bind,
        setup,
        ImageOrigin::Registry,
        entries(&spec.files, &[]),
        Probe::Prometheus { jobs: spec.jobs.clone() },
    )
}

pub(super) fn grafana(project: &Project, bind: IpAddr, spec: &GrafanaSpec) -> Service {
    const PROVISIONING: &str = "/etc/grafana/provisioning";
    let mut env: BTreeMap<String, String> = [
        ("GF_SECURITY_ADMIN_USER", spec.credentials.user.as_str()),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
        // Nothing is sent anywhere, and nothing is fetched.
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_ANALYTICS_FEEDBACK_LINKS_ENABLED", "false"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SNAPSHOTS_EXTERNAL_ENABLED", "false"),
        // A failed update unloads the bundled Prometheus plugin while Grafana's health stays green;
        // see https://github.com/grafana/grafana/pull/132528.
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_PLUGINS_PREINSTALL_AUTO_UPDATE", "false"),
        ("GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED", "true"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    env.insert(PASSWORD_FILE_VARIABLE.to_owned(), format!("{PROVISIONING}/{PASSWORD_FILE}"));
    if let Some(path) = &spec.home_dashboard {
        env.insert("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH".to_owned(), format!("{PROVISIONING}/{path}"));
    }
    let user = format!("{GRAFANA_UID}:0");
    let setup = Setup {
        component: Component::Grafana,
        image: &spec.image,
        user: &user,
        command: Vec::new(),
        env,
        host_port: spec.host_port,
        container_port: 3000,
        config_target: PROVISIONING,
        data_target: Some("/var/lib/grafana"),
        // Bundled plugins are unpacked at the start.
        root: RootFs::Writable,
        memory: 1024 * MIB,
        stop_timeout: Duration::from_secs(10),
    };
    // The mount hides these folders of the image, and Grafana logs an error for each that is missing.
    let mut config =
        entries(&spec.files, &["access-control", "alerting", "dashboards", "datasources", "plugins"]);
    config.push(Entry {
        path: PASSWORD_FILE.to_owned(),
        uid: GRAFANA_UID,
        gid: 0,
        mode: 0o400,
        kind: EntryKind::File(spec.credentials.password.clone().into_bytes()),
    });
    let probe =
        Probe::Grafana { credentials: spec.credentials.clone(), datasources: spec.datasources.clone() };
    service(project, bind, setup, ImageOrigin::Registry, config, probe)
}

pub(super) fn exporter(project: &Project, bind: IpAddr, spec: &ExporterSpec) -> Service {
    let command = [
        "exporter",
        "--port",
        "9091",
        "--bind",
        "0.0.0.0",
        "--config",
        "/etc/llmobs/llmobs.yaml",
        "--runbooks",
        "/etc/llmobs/runbooks",
    ];
    let setup = Setup {
        component: Component::Exporter,
        image: &spec.tag,
        user: NOBODY,
        command: command.map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        host_port: spec.host_port,
        container_port: 9091,
        config_target: "/etc/llmobs",
        data_target: None,
        root: RootFs::ReadOnly,
        memory: 128 * MIB,
        stop_timeout: Duration::from_secs(10),
    };
    let origin = ImageOrigin::Made { contents_hash: spec.contents_hash.clone() };
    service(project, bind, setup, origin, entries(&spec.files, &["runbooks"]), Probe::Exporter)
}

fn service(
    project: &Project,
    bind: IpAddr,
    setup: Setup<'_>,
    image: ImageOrigin,
    config: Vec<Entry>,
    probe: Probe,
) -> Service {
    let name = setup.component.name();
    let config_short = format!("{name}-config");
    let config_volume = VolumeSpec {
        name: format!("{project}_{config_short}"),
        labels: labels::of_volume(project.as_str(), &config_short, labels::VOLUME_CONFIG),
    };
    // Writable, since what is mounted read-only takes no upload; the folders and files are root's.
    let mut mounts = vec![Mount {
        volume: config_volume.name.clone(),
        target: setup.config_target.to_owned(),
        seed: Seed::Nothing,
    }];
    mounts.extend(setup.data_target.map(|target| Mount {
        volume: format!("{project}_{name}-data"),
        target: target.to_owned(),
        // The image's folder has the owner that the service writes as.
        seed: Seed::Image,
    }));
    let mut container = ContainerSpec {
        name: format!("{project}-{name}-1"),
        image: setup.image.to_owned(),
        user: setup.user.to_owned(),
        command: setup.command,
        env: setup.env,
        labels: Labels::new(),
        network: network_name(project),
        aliases: vec![name.to_owned()],
        ports: vec![PublishedPort { ip: bind, host: setup.host_port, container: setup.container_port }],
        mounts,
        extra_hosts: vec!["host.docker.internal:host-gateway".to_owned()],
        root: setup.root,
        memory: setup.memory,
        stop_timeout: setup.stop_timeout,
    };
    container.labels =
        labels::of_container(project.as_str(), name, setup.config_target, &spec_hash(&container));
    Service {
        component: setup.component,
        container,
        image,
        config_volume,
        config_target: setup.config_target.to_owned(),
        config,
        endpoint: Endpoint::of_published(bind, setup.host_port),
        probe,
    }
}

/// A hash of everything that a container is made from; taken before it has labels.
///
/// The debug text names every field, also those to come. Should its form ever change, containers are made anew once.
fn spec_hash(spec: &ContainerSpec) -> String {
    use std::fmt::Write as _;
    Sha256::digest(format!("{spec:?}")).iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
