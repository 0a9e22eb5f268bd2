//! What becomes of one service: image, container, files.

use crate::{
    docker::{Container, Image, Network, State},
    stack::{
        config_volume::{self, ConfigContents, Loaded},
        desired::{ImageOrigin, Probe, Service},
        labels,
        observed::Observed,
        plan::remove,
        step::{Action, NewContainer, Plan, Reload, Reloading, Stage},
    },
};

/// The network that the services' containers are to be on.
pub(super) enum OurNetwork<'a> {
    New,
    Existing { id: &'a str, surplus: Vec<&'a Network> },
}

pub(super) fn is_on(container: &Container, network: &Network) -> bool {
    container.networks.get(&network.name) == Some(&network.id)
}

/// The steps for one service.
pub(super) fn plan_service(
    plan: &mut Plan,
    service: &Service,
    observed: &Observed,
    network: &OurNetwork<'_>,
) {
    let spec = &service.container;
    let name = &spec.name;
    let Some(container) = observed.container_of(service.component.name(), name) else {
        plan_image(plan, service, observed);
        create(plan, service, observed, None, "missing");
        return;
    };
    let contents = observed.configs.get(name);
    if let Some(cause) = reason_to_recreate(service, container, observed, network, contents) {
        plan_image(plan, service, observed);
        let on_surplus = matches!(network, OurNetwork::Existing { surplus, .. }
            if surplus.iter().any(|network| is_on(container, network)));
        if on_surplus {
            // It must be gone before the second network can go, and that before a name leads to one network alone.
            plan.push(Stage::RemoveContainers, remove(container, spec.stop_timeout), cause.clone());
            create(plan, service, observed, None, &cause);
        } else {
            create(plan, service, observed, Some(container.id.clone()), &cause);
        }
        return;
    }
    plan_files(plan, service, container, contents);
}

/// Brings the image there that a container is to be made from.
fn plan_image(plan: &mut Plan, service: &Service, observed: &Observed) {
    let reference = service.container.image.clone();
    let image = observed.images.get(&reference);
    match (&service.image, image) {
        (ImageOrigin::Registry, None) => plan.push(Stage::Pulls, Action::Pull { reference }, "missing"),
        (ImageOrigin::Registry, Some(_)) => {}
        (ImageOrigin::Made { .. }, None) => {
            plan.push(Stage::Images, Action::LoadImage { reference }, "missing");
        }
        (ImageOrigin::Made { .. }, Some(image)) => {
            if !is_made_for(image, service) {
                plan.push(Stage::Images, Action::LoadImage { reference }, "another binary");
            }
        }
    }
}

/// Whether a container was made from the image that a service has now.
///
/// Of the images that we make, the contents count and not the tag: it goes from one to the other when stacks of
/// different binaries run side by side.
fn has_its_image(service: &Service, container: &Container, observed: &Observed) -> bool {
    match &service.image {
        ImageOrigin::Registry => {
            let image = observed.images.get(&service.container.image);
            image.is_some_and(|image| image.id == container.image_id)
        }
        ImageOrigin::Made { .. } => observed
            .made_images
            .iter()
            .any(|image| image.id == container.image_id && is_made_for(image, service)),
    }
}

/// Whether an image is the one that we make for a service.
pub(super) fn is_made_for(image: &Image, service: &Service) -> bool {
    match &service.image {
        ImageOrigin::Registry => false,
        ImageOrigin::Made { contents_hash } => image.labels.get(labels::IMAGE) == Some(contents_hash),
    }
}

fn reason_to_recreate(
    service: &Service,
    container: &Container,
    observed: &Observed,
    network: &OurNetwork<'_>,
    contents: Option<&ConfigContents>,
) -> Option<String> {
    let spec = &service.container;
    match container.state {
        State::Created => return Some("left half-made".to_owned()),
        State::Paused => return Some("paused".to_owned()),
        State::Removing | State::Dead => return Some("half removed".to_owned()),
        State::Running | State::Restarting | State::Exited => {}
    }
    if !has_its_image(service, container, observed) {
        return Some("image changed".to_owned());
    }
    match network {
        OurNetwork::New => return Some("its network is gone".to_owned()),
        OurNetwork::Existing { id, .. } => {
            if container.networks.get(&spec.network).map(String::as_str) != Some(*id) {
                return Some("not on the network".to_owned());
            }
        }
    }
    if container.labels.get(labels::SPEC) != spec.labels.get(labels::SPEC) {
        // A container that does not run publishes nothing, so there is nothing to compare.
        let moved = container.ports.iter().zip(&spec.ports).find(|(is, wanted)| is.host != wanted.host);
        return Some(match moved {
            Some((is, wanted)) => format!("port {} becomes {}", is.host, wanted.host),
            None => "settings changed".to_owned(),
        });
    }
    let unwanted = contents?.unwanted(&service.config)?;
    Some(format!("{unwanted} is no longer wanted"))
}

fn create(plan: &mut Plan, service: &Service, observed: &Observed, replaces: Option<String>, cause: &str) {
    let name = service.container.name.clone();
    let new = NewContainer {
        replaces,
        spec: service.container.clone(),
        discards: observed
            .volumes
            .iter()
            .find(|volume| volume.name == service.config_volume.name && observed.is_ours(&volume.labels))
            .map(|volume| volume.name.clone()),
        config_volume: service.config_volume.clone(),
        config_target: service.config_target.clone(),
        files: config_volume::upload(&service.config, Loaded::Yes),
    };
    plan.push(Stage::Containers, Action::CreateContainer(Box::new(new)), cause);
    plan.push(Stage::Run, Action::Start { name }, "new");
}

fn plan_files(plan: &mut Plan, service: &Service, container: &Container, contents: Option<&ConfigContents>) {
    let name = service.container.name.clone();
    let target = service.config_target.clone();
    let differing =
        contents.map_or_else(|| vec!["everything".to_owned()], |found| found.differing(&service.config));
    let cause = match differing.as_slice() {
        [] => "uploaded before, but not read yet".to_owned(),
        [path] => format!("{path} differs"),
        [path, rest @ ..] => format!("{path} and {} more differ", rest.len()),
    };
    let count = differing.len();
    if container.state == State::Exited {
        if count > 0 {
            let files = config_volume::upload(&service.config, Loaded::Yes);
            plan.push(Stage::Containers, Action::Upload { name: name.clone(), target, files, count }, cause);
        }
        plan.push(Stage::Run, Action::Start { name }, "stopped");
        return;
    }
    let is_loaded = contents.is_some_and(ConfigContents::is_loaded);
    if count == 0 && is_loaded {
        return;
    }
    if is_loaded && differing.iter().all(|path| service.reads_anew(path)) {
        let files = config_volume::upload(&service.config, Loaded::Yes);
        plan.push(Stage::Run, Action::Upload { name, target, files, count }, cause);
        return;
    }
    let files = if count > 0 { config_volume::upload(&service.config, Loaded::NotYet) } else { Vec::new() };
    let reload = Reloading {
        container: name,
        how: how_to_reload(service, container.state),
        target,
        files,
        count,
        mark: config_volume::list(&service.config, Loaded::Yes),
        grace: service.container.stop_timeout,
    };
    plan.push(Stage::Run, Action::Reload(Box::new(reload)), cause);
}

fn how_to_reload(service: &Service, state: State) -> Reload {
    let endpoint = service.endpoint;
    match &service.probe {
        // One that crashes again and again may not be there to be asked.
        _ if state == State::Restarting => Reload::Restart,
        Probe::Prometheus { .. } => Reload::Hangup { endpoint },
        Probe::Grafana { credentials, .. } => {
            Reload::Provisioning { endpoint, credentials: credentials.clone() }
        }
        Probe::Exporter => Reload::Restart,
    }
}
