//! Where a stack's services are found, for people.

use crate::{
    docker::Container,
    remote::Endpoint,
    stack::{Desired, Project},
};

/// Name and address of each service.
pub(super) fn of_desired(desired: &Desired) -> Vec<(String, String)> {
    desired
        .services
        .iter()
        .map(|service| {
            (service.component.name().to_owned(), format!("http://{}", service.endpoint.address()))
        })
        .collect()
}

/// Where a running container is reached.
pub(super) fn endpoint(container: &Container) -> Option<Endpoint> {
    container.ports.first().map(|port| Endpoint::of_published(port.ip, port.host))
}

/// The flag that names a project, where it is not the default one.
pub(super) fn project_flag(project: &Project) -> String {
    if project.as_str() == "llmobs" { String::new() } else { format!(" --project {project}") }
}
