//! Our types from and to bollard's.

use std::{collections::HashMap, net::IpAddr};

use bollard::models;

use crate::docker::{
    Container, ContainerSpec, Image, LOG_MAX_FILES, LOG_MAX_SIZE, Labels, Mount, Network, PublishedPort,
    RootFs, Seed, State,
};

pub(super) fn labels(labels: Option<HashMap<String, String>>) -> Labels {
    labels.unwrap_or_default().into_iter().collect()
}

pub(super) fn container(summary: models::ContainerSummary) -> Container {
    let name = summary.names.unwrap_or_default().into_iter().next().unwrap_or_default();
    let mut ports: Vec<_> = summary.ports.unwrap_or_default().iter().filter_map(published_port).collect();
    ports.sort_unstable();
    let networks = summary.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    Container {
        id: summary.id.unwrap_or_default(),
        name: name.trim_start_matches('/').to_owned(),
        image_id: summary.image_id.unwrap_or_default(),
        state: summary.state.map_or(State::Dead, summary_state),
        labels: labels(summary.labels),
        ports,
        networks: networks
            .into_iter()
            .map(|(name, endpoint)| (name, endpoint.network_id.unwrap_or_default()))
            .collect(),
    }
}

fn published_port(port: &models::PortSummary) -> Option<PublishedPort> {
    if port.typ != Some(models::PortSummaryTypeEnum::TCP) {
        return None;
    }
    Some(PublishedPort {
        ip: port.ip.as_deref().unwrap_or("0.0.0.0").parse::<IpAddr>().ok()?,
        host: port.public_port?,
        container: port.private_port,
    })
}

fn summary_state(state: models::ContainerSummaryStateEnum) -> State {
    use models::ContainerSummaryStateEnum as Summary;
    match state {
        Summary::CREATED => State::Created,
        Summary::RUNNING | Summary::STOPPING => State::Running,
        Summary::PAUSED => State::Paused,
        Summary::RESTARTING => State::Restarting,
        Summary::EXITED => State::Exited,
        Summary::REMOVING => State::Removing,
        Summary::DEAD | Summary::EMPTY => State::Dead,
    }
}

pub(super) fn inspected_state(state: models::ContainerStateStatusEnum) -> State {
    use models::ContainerStateStatusEnum as Status;
    match state {
        Status::CREATED => State::Created,
        Status::RUNNING | Status::STOPPING => State::Running,
        Status::PAUSED => State::Paused,
        Status::RESTARTING => State::Restarting,
        Status::EXITED => State::Exited,
        Status::REMOVING => State::Removing,
        Status::DEAD | Status::EMPTY => State::Dead,
    }
}

pub(super) fn network(network: models::Network) -> Network {
    Network {
        id: network.id.unwrap_or_default(),
        name: network.name.unwrap_or_default(),
        labels: labels(network.labels),
    }
}

pub(super) fn listed_image(image: models::ImageSummary) -> Image {
    Image { id: image.id, tags: tags(image.repo_tags), labels: image.labels.into_iter().collect() }
}

pub(super) fn inspected_image(image: models::ImageInspect) -> Image {
    Image {
        id: image.id.unwrap_or_default(),
        tags: tags(image.repo_tags.unwrap_or_default()),
        labels: labels(image.config.and_then(|config| config.labels)),
    }
}

fn tags(mut tags: Vec<String>) -> Vec<String> {
    tags.retain(|tag| tag != "<none>:<none>");
    tags.sort_unstable();
    tags
}

pub(super) fn create_body(spec: &ContainerSpec) -> models::ContainerCreateBody {
    let mut port_bindings = models::PortMap::new();
    for port in &spec.ports {
        port_bindings
            .entry(format!("{}/tcp", port.container))
            .or_insert_with(|| Some(Vec::new()))
            .get_or_insert_default()
            .push(models::PortBinding {
                host_ip: Some(port.ip.to_string()),
                host_port: Some(port.host.to_string()),
            });
    }
    let host_config = models::HostConfig {
        network_mode: Some(spec.network.clone()),
        port_bindings: Some(port_bindings),
        mounts: Some(spec.mounts.iter().map(mount).collect()),
        extra_hosts: Some(spec.extra_hosts.clone()),
        readonly_rootfs: Some(spec.root == RootFs::ReadOnly),
        memory: Some(i64::try_from(spec.memory).unwrap_or(i64::MAX)),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        restart_policy: Some(models::RestartPolicy {
            name: Some(models::RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        log_config: Some(models::HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), LOG_MAX_SIZE.to_owned()),
                ("max-file".to_owned(), LOG_MAX_FILES.to_owned()),
            ])),
        }),
        ..models::HostConfig::default()
    };
    let endpoint = models::EndpointSettings {
        aliases: Some(spec.aliases.clone()),
        ..models::EndpointSettings::default()
    };
    models::ContainerCreateBody {
        image: Some(spec.image.clone()),
        user: Some(spec.user.clone()),
        cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        exposed_ports: Some(spec.ports.iter().map(|port| format!("{}/tcp", port.container)).collect()),
        stop_timeout: Some(i64::try_from(spec.stop_timeout.as_secs()).unwrap_or(i64::MAX)),
        host_config: Some(host_config),
        networking_config: Some(models::NetworkingConfig {
            endpoints_config: Some(HashMap::from([(spec.network.clone(), endpoint)])),
        }),
        ..models::ContainerCreateBody::default()
    }
}

fn mount(mount: &Mount) -> models::Mount {
    models::Mount {
        typ: Some(models::MountType::VOLUME),
        source: Some(mount.volume.clone()),
        target: Some(mount.target.clone()),
        volume_options: Some(models::MountVolumeOptions {
            no_copy: Some(mount.seed == Seed::Nothing),
            ..models::MountVolumeOptions::default()
        }),
        ..models::Mount::default()
    }
}
