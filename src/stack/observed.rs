//! What the engine has: everything that a decision needs, in one look.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use crate::{
    docker::{Container, Engine, EngineError, EngineVersion, Image, Labels, Network, State, Volume},
    stack::{
        config_volume::ConfigContents,
        desired::{Desired, Project},
        labels,
    },
};

/// How much to look at.
#[derive(Debug, Clone)]
pub struct Scope {
    pub project: Project,
    /// The images that are asked for, by reference.
    pub images: Vec<String>,
    pub contents: Contents,
}

impl Scope {
    /// Everything that a plan for `desired` needs.
    pub fn of(desired: &Desired) -> Self {
        Self {
            project: desired.project.clone(),
            images: desired.services.iter().map(|service| service.container.image.clone()).collect(),
            contents: Contents::Read,
        }
    }
}

/// Whether the files of the config volumes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    Read,
    Skip,
}

/// A picture of the engine; nothing is asked after it is taken.
#[derive(Debug, Clone)]
pub struct Observed {
    pub project: Project,
    pub version: EngineVersion,
    /// All containers, ours and others'.
    pub containers: Vec<Container>,
    /// All volumes, ours and others'.
    pub volumes: Vec<Volume>,
    /// All networks, ours and others'.
    pub networks: Vec<Network>,
    /// Those of the asked images that are there, by reference.
    pub images: BTreeMap<String, Image>,
    /// Every image that some llmobs made.
    pub made_images: Vec<Image>,
    /// Name of a container of ours → what its config volume holds.
    pub(super) configs: BTreeMap<String, ConfigContents>,
}

impl Observed {
    /// The project's containers.
    pub fn ours(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| self.is_ours(&container.labels))
    }

    /// The project's container of a service, if it has the name that it should have.
    pub(super) fn container_of(&self, service: &str, name: &str) -> Option<&Container> {
        self.ours().find(|container| container.name == name && service_of(container) == service)
    }

    pub(super) fn is_ours(&self, labels: &Labels) -> bool {
        labels.get(labels::PROJECT).map(String::as_str) == Some(self.project.as_str())
    }

    /// Somebody else's container that was made from an image.
    pub(super) fn foreign_user_of(&self, image: &Image) -> Option<&Container> {
        self.containers
            .iter()
            .find(|container| !self.is_ours(&container.labels) && container.image_id == image.id)
    }
}

/// Which service a container of ours is.
pub(super) fn service_of(container: &Container) -> &str {
    container.labels.get(labels::SERVICE).map_or("", String::as_str)
}

/// Takes the picture, with as few questions as there can be and all that can be at once.
pub async fn observe(engine: &impl Engine, scope: &Scope) -> Result<Observed, EngineError> {
    let images = try_join_all(scope.images.iter().map(|reference| engine.image(reference)));
    let (version, containers, volumes, networks, made_images, images) = tokio::try_join!(
        engine.version(),
        engine.containers(),
        engine.volumes(),
        engine.networks(),
        engine.images_with_label(labels::IMAGE),
        images,
    )?;
    let mut observed = Observed {
        project: scope.project.clone(),
        version,
        containers,
        volumes,
        networks,
        images: scope
            .images
            .iter()
            .cloned()
            .zip(images)
            .filter_map(|(reference, image)| Some((reference, image?)))
            .collect(),
        made_images: made_images.into_iter().filter(labels::is_made_by_us).collect(),
        configs: BTreeMap::new(),
    };
    if scope.contents == Contents::Read {
        observed.configs = read_configs(engine, &observed).await?;
    }
    Ok(observed)
}

async fn read_configs(
    engine: &impl Engine,
    observed: &Observed,
) -> Result<BTreeMap<String, ConfigContents>, EngineError> {
    let readable = |state| matches!(state, State::Running | State::Restarting | State::Exited);
    let reads = observed.ours().filter(|container| readable(container.state)).filter_map(|container| {
        let target = container.labels.get(labels::CONFIG)?;
        Some(async move {
            let entries = match engine.download(&container.id, target).await {
                // It may be removed while we look.
                Ok(None) | Err(EngineError::NotFound { .. }) => Vec::new(),
                Ok(Some(entries)) => entries,
                Err(error) => return Err(error),
            };
            Ok((container.name.clone(), ConfigContents::read(entries)))
        })
    });
    Ok(try_join_all(reads).await?.into_iter().collect())
}
