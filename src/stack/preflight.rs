//! What stands in the way of a stack, found before the first change and all at once.

use std::{io, net::IpAddr};

use crate::{
    docker::{Container, PublishedPort, State},
    stack::{
        desired::{Desired, ImageOrigin, Service},
        observed::Observed,
    },
};

/// One thing in the way, and how to clear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub hint: String,
}

/// When images are pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    Never,
    Missing,
    Always,
}

/// What is known besides the engine.
#[expect(missing_debug_implementations, reason = "it lends a function")]
pub struct Facts<'a> {
    pub pull: PullPolicy,
    /// Tries to bind a port of this machine, and lets go of it.
    pub bind: &'a dyn Fn(IpAddr, u16) -> io::Result<()>,
    /// What our binary is made for, in Go's words: `linux` and `amd64`.
    pub binary_os: &'a str,
    pub binary_architecture: &'a str,
}

/// Everything that would make [`apply`](crate::stack::apply) fail and can be known now.
pub fn preflight(desired: &Desired, observed: &Observed, facts: &Facts<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    foreign_names(&mut problems, desired, observed);
    for (index, service) in desired.services.iter().enumerate() {
        for port in &service.container.ports {
            let earlier = desired.services[..index]
                .iter()
                .find(|other| other.container.ports.iter().any(|theirs| theirs.host == port.host));
            problems.extend(match earlier {
                Some(other) => Some(same_port(service, other, *port)),
                None => taken_port(service, *port, observed, facts),
            });
        }
        problems.extend(image(service, observed, facts));
    }
    problems
}

fn foreign_names(problems: &mut Vec<Problem>, desired: &Desired, observed: &Observed) {
    let mut push = |kind: &str, name: &str, remove: &str| {
        problems.push(Problem {
            message: format!("the name `{name}` is taken by a {kind} that is not ours"),
            hint: format!(
                "run a stack of another name with `--project NAME`, or remove it if nothing needs it: `{remove} {name}`"
            ),
        });
    };
    for service in &desired.services {
        let name = &service.container.name;
        if observed.containers.iter().any(|found| found.name == *name && !observed.is_ours(&found.labels)) {
            push("container", name, "docker rm");
        }
    }
    let config_volumes = desired.services.iter().map(|service| &service.config_volume);
    for volume in desired.volumes.iter().chain(config_volumes) {
        let name = &volume.name;
        if observed.volumes.iter().any(|found| found.name == *name && !observed.is_ours(&found.labels)) {
            push("volume", name, "docker volume rm");
        }
    }
    let name = &desired.network.name;
    if observed.networks.iter().any(|found| found.name == *name && !observed.is_ours(&found.labels)) {
        push("network", name, "docker network rm");
    }
}

fn same_port(service: &Service, other: &Service, port: PublishedPort) -> Problem {
    let (service, other) = (service.component.name(), other.component.name());
    Problem {
        message: format!("port {} is asked for twice: by {other} and by {service}", port.host),
        hint: format!("give one of them another port: `stack.ports.{service}`"),
    }
}

fn taken_port(
    service: &Service,
    port: PublishedPort,
    observed: &Observed,
    facts: &Facts<'_>,
) -> Option<Problem> {
    let overlaps = |ip: IpAddr| ip == port.ip || ip.is_unspecified() || port.ip.is_unspecified();
    let mut holders = observed.containers.iter().filter(|container| {
        container.ports.iter().any(|theirs| theirs.host == port.host && overlaps(theirs.ip))
    });
    let name = service.component.name();
    let on_its_way = |container: &Container| {
        matches!(container.state, State::Created | State::Restarting)
            && container.name == service.container.name
    };
    let hint = format!("use other ports with `--port-offset N`, or set `stack.ports.{name}`");
    match holders.next() {
        // What we hold ourselves is let go of in time.
        Some(holder) if observed.is_ours(&holder.labels) => None,
        Some(holder) => Some(Problem {
            message: format!("port {} for {name} is taken by the container `{}`", port.host, holder.name),
            hint: format!("stop it with `docker stop {}`, or {hint}", holder.name),
        }),
        // It may hold its port at this moment: the engine binds ports before it says that a container runs, and goes
        // on with a start whose asker was killed. The listing does not tell, and the plan replaces or restarts it.
        None if observed.ours().any(on_its_way) => None,
        None => {
            let error = (facts.bind)(port.ip, port.host).err()?;
            let (message, hint) = match error.kind() {
                io::ErrorKind::AddrInUse => (
                    format!("port {} for {name} is taken by another program", port.host),
                    format!("stop it (`ss -ltnp 'sport = :{}'` names it), or {hint}", port.host),
                ),
                io::ErrorKind::AddrNotAvailable => (
                    format!("the address {} for {name} is none of this machine's", port.ip),
                    "set `stack.bind` to `127.0.0.1` or to an address of this machine".to_owned(),
                ),
                // The engine may do what we may not: low ports are root's.
                io::ErrorKind::PermissionDenied => return None,
                _ => (format!("port {} for {name} cannot be bound: {error}", port.host), hint),
            };
            Some(Problem { message, hint })
        }
    }
}

fn image(service: &Service, observed: &Observed, facts: &Facts<'_>) -> Option<Problem> {
    let reference = &service.container.image;
    match service.image {
        ImageOrigin::Registry => {
            let missing = facts.pull == PullPolicy::Never && !observed.images.contains_key(reference);
            missing.then(|| Problem {
                message: format!("the image `{reference}` is missing, and pulling is switched off"),
                hint: "drop `--pull never`, or bring it there with `docker pull` or `docker load`".to_owned(),
            })
        }
        ImageOrigin::Made { .. } => {
            let version = &observed.version;
            let fits = (version.os.as_str(), version.architecture.as_str())
                == (facts.binary_os, facts.binary_architecture);
            (!fits).then(|| Problem {
                message: format!(
                    "the exporter's image cannot be made: this binary is for {}/{}, and the engine runs {}/{}",
                    facts.binary_os, facts.binary_architecture, version.os, version.architecture
                ),
                hint: "use an llmobs binary that was made for the engine's machine, or leave the exporter out: \
                       `stack.components: [prometheus, grafana]`"
                    .to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        docker::{Labels, Network, Volume},
        stack::scenario::Scenario,
    };

    const FREE: &dyn Fn(IpAddr, u16) -> io::Result<()> = &|_, _| Ok(());
    const TAKEN: &dyn Fn(IpAddr, u16) -> io::Result<()> = &|_, _| Err(io::ErrorKind::AddrInUse.into());

    #[track_caller]
    fn check(
        scenario: &Scenario,
        pull: PullPolicy,
        bind: &dyn Fn(IpAddr, u16) -> io::Result<()>,
        expect: &[&str],
    ) {
        let facts = Facts { pull, bind, binary_os: "linux", binary_architecture: "amd64" };
        let problems = preflight(&scenario.desired(), &scenario.observe(), &facts);
        let shown: Vec<_> =
            problems.iter().map(|problem| format!("{}; {}", problem.message, problem.hint)).collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn nothing_stands_in_the_way() {
        check(&Scenario::new(), PullPolicy::Missing, FREE, &[]);
    }

    #[test]
    fn our_own_ports_are_not_in_the_way() {
        check(&Scenario::up_and_running(), PullPolicy::Never, TAKEN, &[]);
    }

    #[test]
    fn a_container_of_ours_that_is_being_started_may_hold_its_port() {
        let scenario = Scenario::up_and_running();
        scenario.set_state("llmobs-prometheus-1", State::Created);
        scenario.set_state("llmobs-grafana-1", State::Restarting);
        check(&scenario, PullPolicy::Missing, TAKEN, &[]);
    }

    #[test]
    fn missing_images_and_taken_ports_come_together() {
        let mut scenario = Scenario::new();
        scenario.spec.grafana.as_mut().unwrap().host_port = 1;
        scenario.spec.exporter = None;
        check(
            &scenario,
            PullPolicy::Never,
            TAKEN,
            &[
                "port 1 for prometheus is taken by another program; stop it (`ss -ltnp 'sport = :1'` names it), or \
                 use other ports with `--port-offset N`, or set `stack.ports.prometheus`",
                "the image `prom/prometheus:v3` is missing, and pulling is switched off; drop `--pull never`, or \
                 bring it there with `docker pull` or `docker load`",
                "port 1 is asked for twice: by prometheus and by grafana; give one of them another port: \
                 `stack.ports.grafana`",
                "the image `grafana/grafana:13` is missing, and pulling is switched off; drop `--pull never`, or \
                 bring it there with `docker pull` or `docker load`",
            ],
        );
    }

    #[test]
    fn names_and_ports_of_others_are_told() {
        let mut scenario = Scenario::new();
        scenario.spec.grafana = None;
        scenario.spec.exporter = None;
        scenario.add_foreign("llmobs-prometheus-1", "sha256:x");
        scenario.add_foreign("web", "sha256:x");
        {
            let mut world = scenario.engine.world.borrow_mut();
            let port = PublishedPort { ip: "0.0.0.0".parse().unwrap(), host: 1, container: 80 };
            world.containers.get_mut("web").unwrap().ports.push(port);
            let name = "llmobs_prometheus-data".to_owned();
            world.volumes.insert(name.clone(), Volume { name, labels: Labels::new() });
            let name = "llmobs_default".to_owned();
            world.networks.push(Network { id: "n".to_owned(), name, labels: Labels::new() });
        }
        let fix = "run a stack of another name with `--project NAME`, or remove it if nothing needs it:";
        check(
            &scenario,
            PullPolicy::Missing,
            FREE,
            &[
                &format!(
                    "the name `llmobs-prometheus-1` is taken by a container that is not ours; {fix} `docker rm \
                     llmobs-prometheus-1`"
                ),
                &format!(
                    "the name `llmobs_prometheus-data` is taken by a volume that is not ours; {fix} `docker volume \
                     rm llmobs_prometheus-data`"
                ),
                &format!(
                    "the name `llmobs_default` is taken by a network that is not ours; {fix} `docker network rm \
                     llmobs_default`"
                ),
                "port 1 for prometheus is taken by the container `web`; stop it with `docker stop web`, or use other \
                 ports with `--port-offset N`, or set `stack.ports.prometheus`",
            ],
        );
    }
}
