//! The labels that say what is ours, and those that group it in other tools.

use crate::docker::{Image, Labels};

/// On everything that we make; its value is the project's name. What lacks it is never touched.
pub const PROJECT: &str = "dev.llmobs.project";
/// On containers: which service it is.
pub const SERVICE: &str = "dev.llmobs.service";
/// On containers: the hash of what it was made from, without the uploaded files.
pub const SPEC: &str = "dev.llmobs.spec";
/// On containers: where its config volume is mounted.
pub const CONFIG: &str = "dev.llmobs.config";
/// On volumes: [`VOLUME_CONFIG`] or [`VOLUME_DATA`].
pub const VOLUME: &str = "dev.llmobs.volume";
/// Holds nothing but what was uploaded, and goes with its container.
pub const VOLUME_CONFIG: &str = "config";
/// Holds what a service wrote.
pub const VOLUME_DATA: &str = "data";
/// On images that we make: the hash of their contents.
pub const IMAGE: &str = "dev.llmobs.image";

// Docker Desktop, editors and `docker compose ls` group by these;
// see pkg/api/labels.go in https://github.com/docker/compose.
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";
const COMPOSE_NUMBER: &str = "com.docker.compose.container-number";
const COMPOSE_ONEOFF: &str = "com.docker.compose.oneoff";
const COMPOSE_HASH: &str = "com.docker.compose.config-hash";
const COMPOSE_FILES: &str = "com.docker.compose.project.config_files";
const COMPOSE_VOLUME: &str = "com.docker.compose.volume";
const COMPOSE_NETWORK: &str = "com.docker.compose.network";

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn of_network(project: &str) -> Labels {
    labels([(PROJECT, project), (COMPOSE_PROJECT, project), (COMPOSE_NETWORK, "default")])
}

pub(super) fn of_volume(project: &str, short_name: &str, kind: &str) -> Labels {
    labels([(PROJECT, project), (VOLUME, kind), (COMPOSE_PROJECT, project), (COMPOSE_VOLUME, short_name)])
}

pub(super) fn of_container(project: &str, service: &str, config_target: &str, spec_hash: &str) -> Labels {
    labels([
        (PROJECT, project),
        (SERVICE, service),
        (SPEC, spec_hash),
        (CONFIG, config_target),
        (COMPOSE_PROJECT, project),
        (COMPOSE_SERVICE, service),
        (COMPOSE_NUMBER, "1"),
        (COMPOSE_ONEOFF, "False"),
        (COMPOSE_HASH, spec_hash),
        (COMPOSE_FILES, "llmobs.yaml"),
    ])
}

/// The name that images of ours go by.
pub const MADE_REPOSITORY: &str = "llmobs-exporter";

/// Whether an image is the one that we made, and not one that somebody else made from it or gave a name to: those keep
/// the label.
pub(super) fn is_made_by_us(image: &Image) -> bool {
    image.tags.iter().all(|tag| {
        // Podman puts names without a registry under `localhost/`.
        let name = tag.strip_prefix("localhost/").unwrap_or(tag);
        name.strip_prefix(MADE_REPOSITORY).is_some_and(|version| version.starts_with(':'))
    })
}
