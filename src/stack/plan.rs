//! What `up` does: from what should be and what is to the steps between.

use std::time::Duration;

use crate::{
    docker::{Container, Network},
    stack::{
        desired::{Desired, ImageOrigin, Service},
        labels,
        observed::{Observed, service_of},
        service_plan::{OurNetwork, is_made_for, is_on, plan_service},
        step::{Action, Plan, Stage},
    },
};

/// What `up` has to do.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    let network = plan_network(&mut plan, desired, observed);
    for volume in &desired.volumes {
        if !observed.volumes.iter().any(|existing| existing.name == volume.name) {
            plan.push(Stage::Create, Action::CreateVolume(volume.clone()), "missing");
        }
    }
    for service in &desired.services {
        plan_service(&mut plan, service, observed, &network);
    }
    plan_orphans(&mut plan, desired, observed);
    plan_old_images(&mut plan, desired, observed);
    plan.sorted()
}

/// Pulls every image that comes from a registry, there or not; after it, look again and [`plan`].
pub fn plan_pulls(desired: &Desired) -> Plan {
    let mut plan = Plan::default();
    for service in desired.services.iter().filter(|service| service.image == ImageOrigin::Registry) {
        let reference = service.container.image.clone();
        plan.push(Stage::Pulls, Action::Pull { reference }, "asked for by `--pull always`");
    }
    plan
}

fn plan_network<'a>(plan: &mut Plan, desired: &Desired, observed: &'a Observed) -> OurNetwork<'a> {
    let mut ours: Vec<_> = observed
        .networks
        .iter()
        .filter(|network| network.name == desired.network.name && observed.is_ours(&network.labels))
        .collect();
    // Old engines make a second network of the same name when two are asked at once. The one in use is kept.
    let members = |network: &Network| observed.ours().filter(|container| is_on(container, network)).count();
    ours.sort_by(|a, b| (members(b), &a.id).cmp(&(members(a), &b.id)));
    let Some((kept, surplus)) = ours.split_first() else {
        plan.push(Stage::Create, Action::CreateNetwork(desired.network.clone()), "missing");
        return OurNetwork::New;
    };
    for network in surplus {
        let action = Action::RemoveNetwork { id: network.id.clone(), name: network.name.clone() };
        plan.push(Stage::RemoveNetworks, action, "a second one of that name");
    }
    OurNetwork::Existing { id: &kept.id, surplus: surplus.to_vec() }
}

pub(super) fn remove(container: &Container, grace: Duration) -> Action {
    Action::RemoveContainer { container: container.id.clone(), name: container.name.clone(), grace }
}

/// Containers and config volumes of ours that no service asks for.
fn plan_orphans(plan: &mut Plan, desired: &Desired, observed: &Observed) {
    for container in observed.ours() {
        let wanted = desired.services.iter().any(|service| {
            service.container.name == container.name && service.component.name() == service_of(container)
        });
        if !wanted {
            plan.push(Stage::RemoveContainers, remove(container, ORPHAN_GRACE), "no such service any more");
        }
    }
    for volume in observed.volumes.iter().filter(|volume| observed.is_ours(&volume.labels)) {
        let is_config = volume.labels.get(labels::VOLUME).map(String::as_str) == Some(labels::VOLUME_CONFIG);
        let wanted = desired.services.iter().any(|service| service.config_volume.name == volume.name);
        if is_config && !wanted {
            let action = Action::RemoveVolume { name: volume.name.clone() };
            plan.push(Stage::CleanUp, action, "no such service any more");
        }
    }
}

/// Nothing is known of an orphan, so it gets what the slowest service needs.
pub(super) const ORPHAN_GRACE: Duration = Duration::from_secs(30);

/// Images that we made before and that lose their tag to a new one, or have lost it.
fn plan_old_images(plan: &mut Plan, desired: &Desired, observed: &Observed) {
    let made = |service: &&Service| service.image != ImageOrigin::Registry;
    let loaded: Vec<_> = desired
        .services
        .iter()
        .filter(made)
        .map(|service| &service.container.image)
        .filter(|reference| {
            plan.steps
                .iter()
                .any(|step| matches!(&step.action, Action::LoadImage { reference: r } if r == *reference))
        })
        .collect();
    let old: Vec<_> = observed
        .made_images
        .iter()
        .filter(|image| image.tags.iter().all(|tag| loaded.contains(&tag)))
        // Ours may have lost the tag to another binary's; it is still the one that is wanted.
        .filter(|image| !desired.services.iter().any(|service| is_made_for(image, service)))
        .filter(|image| observed.foreign_user_of(image).is_none())
        .collect();
    for image in old {
        let name = image.tags.first().cloned().unwrap_or_else(|| short_id(&image.id).to_owned());
        plan.push(
            Stage::CleanUp,
            Action::RemoveImage { id: image.id.clone(), name },
            "replaced by a newer one",
        );
    }
}

/// As `docker images` shows it.
pub(super) fn short_id(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::State;
    use crate::stack::scenario::{EXPORTER_TAG, Scenario, files, made_image};

    #[track_caller]
    fn check(scenario: &Scenario, expect: &str) {
        assert_eq!(scenario.plan().to_string(), expect);
    }

    /// The plan, and that after it there is nothing left to do.
    #[track_caller]
    fn check_to_the_end(scenario: &Scenario, expect: &str) {
        check(scenario, expect);
        scenario.apply(&scenario.plan()).unwrap();
        check(scenario, "");
    }

    #[test]
    fn everything_is_made_from_nothing() {
        check_to_the_end(
            &Scenario::new(),
            "\
pull image prom/prometheus:v3: missing
pull image grafana/grafana:13: missing
load image llmobs-exporter:0.1.0: missing
create network llmobs_default: missing
create volume llmobs_prometheus-data: missing
create volume llmobs_grafana-data: missing
create container llmobs-prometheus-1: missing
create container llmobs-grafana-1: missing
create container llmobs-exporter-1: missing
start container llmobs-prometheus-1: new
start container llmobs-grafana-1: new
start container llmobs-exporter-1: new
",
        );
    }

    #[test]
    fn a_changed_port_is_named() {
        let mut scenario = Scenario::up_and_running();
        scenario.spec.prometheus.as_mut().unwrap().host_port = 9;
        check_to_the_end(
            &scenario,
            "\
recreate container llmobs-prometheus-1: port 1 becomes 9
start container llmobs-prometheus-1: new
",
        );
    }

    #[test]
    fn changed_files_are_uploaded_and_read_anew() {
        let mut scenario = Scenario::up_and_running();
        let spec = &mut scenario.spec;
        spec.prometheus
            .as_mut()
            .unwrap()
            .files
            .insert("rules/llmobs.yml".to_owned(), b"groups: [x]".to_vec());
        spec.grafana.as_mut().unwrap().files =
            files(&[("dashboards/overview.json", "[]"), ("dashboards/x.json", "")]);
        spec.exporter.as_mut().unwrap().files.insert("llmobs.yaml".to_owned(), b"service: x".to_vec());
        check_to_the_end(
            &scenario,
            "\
upload 1 file to llmobs-prometheus-1, reload llmobs-prometheus-1 (SIGHUP): rules/llmobs.yml differs
upload 2 files to llmobs-grafana-1, reload llmobs-grafana-1 (provisioning API): dashboards/overview.json and 1 more differ
upload 1 file to llmobs-exporter-1, restart llmobs-exporter-1: llmobs.yaml differs
",
        );
    }

    #[test]
    fn a_changed_runbook_restarts_nothing() {
        let mut scenario = Scenario::up_and_running();
        let files = &mut scenario.spec.exporter.as_mut().unwrap().files;
        files.insert("runbooks/LLMServiceDown.md".to_owned(), b"# Down".to_vec());
        check_to_the_end(
            &scenario,
            "upload 1 file to llmobs-exporter-1: runbooks/LLMServiceDown.md differs\n",
        );
    }

    #[test]
    fn a_file_that_is_no_longer_wanted_takes_its_container_along() {
        let mut scenario = Scenario::up_and_running();
        scenario.spec.prometheus.as_mut().unwrap().files.remove("rules/llmobs.yml");
        check_to_the_end(
            &scenario,
            "\
recreate container llmobs-prometheus-1: rules/llmobs.yml is no longer wanted
start container llmobs-prometheus-1: new
",
        );
        let world = scenario.engine.world.borrow();
        let left: Vec<_> =
            world.files.keys().filter(|(volume, _)| volume == "llmobs_prometheus-config").collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn containers_in_every_state_come_to_run() {
        let scenario = Scenario::up_and_running();
        scenario.set_state("llmobs-prometheus-1", State::Created);
        scenario.set_state("llmobs-grafana-1", State::Exited);
        scenario.set_state("llmobs-exporter-1", State::Paused);
        check_to_the_end(
            &scenario,
            "\
recreate container llmobs-prometheus-1: left half-made
recreate container llmobs-exporter-1: paused
start container llmobs-prometheus-1: new
start container llmobs-grafana-1: stopped
start container llmobs-exporter-1: new
",
        );
    }

    #[test]
    fn a_stopped_container_gets_its_files_before_it_starts() {
        let mut scenario = Scenario::up_and_running();
        scenario.set_state("llmobs-prometheus-1", State::Exited);
        scenario.spec.prometheus.as_mut().unwrap().files.insert("prometheus.yml".to_owned(), b"x".to_vec());
        check_to_the_end(
            &scenario,
            "\
upload 1 file to llmobs-prometheus-1: prometheus.yml differs
start container llmobs-prometheus-1: stopped
",
        );
    }

    #[test]
    fn services_that_are_not_wanted_any_more_go() {
        let mut scenario = Scenario::up_and_running();
        scenario.spec.exporter = None;
        check_to_the_end(
            &scenario,
            "\
remove container llmobs-exporter-1: no such service any more
remove volume llmobs_exporter-config: no such service any more
",
        );
    }

    #[test]
    fn another_binary_gives_another_image_and_the_old_one_goes() {
        let mut scenario = Scenario::up_and_running();
        scenario.spec.exporter.as_mut().unwrap().contents_hash = "h2".to_owned();
        scenario.engine.loads = made_image("sha256:e2", "h2", &[EXPORTER_TAG]);
        check_to_the_end(
            &scenario,
            "\
load image llmobs-exporter:0.1.0: another binary
recreate container llmobs-exporter-1: image changed
start container llmobs-exporter-1: new
remove image llmobs-exporter:0.1.0: replaced by a newer one
",
        );
        assert!(!scenario.engine.world.borrow().images.iter().any(|image| image.id == "sha256:e1"));
    }

    #[test]
    fn a_tag_that_went_to_another_binary_is_no_reason_to_change() {
        let scenario = Scenario::up_and_running();
        {
            let mut world = scenario.engine.world.borrow_mut();
            world.images.iter_mut().find(|image| image.id == "sha256:e1").unwrap().tags.clear();
            world.images.push(made_image("sha256:e2", "h2", &[EXPORTER_TAG]));
        }
        scenario.add_foreign("other-exporter-1", "sha256:e2");
        check(&scenario, "");

        // A container that must be made anew takes the tag back.
        scenario.set_state("llmobs-exporter-1", State::Dead);
        check(
            &scenario,
            "\
load image llmobs-exporter:0.1.0: another binary
recreate container llmobs-exporter-1: half removed
start container llmobs-exporter-1: new
",
        );
    }

    #[test]
    fn a_second_network_of_our_name_goes() {
        let scenario = Scenario::up_and_running();
        {
            let mut world = scenario.engine.world.borrow_mut();
            let mut second = world.networks[0].clone();
            second.id = "another".to_owned();
            let on_it = world.containers.get_mut("llmobs-exporter-1").unwrap();
            on_it.networks.insert(second.name.clone(), second.id.clone());
            world.networks.push(second);
        }
        check_to_the_end(
            &scenario,
            "\
remove container llmobs-exporter-1: not on the network
remove network llmobs_default: a second one of that name
create container llmobs-exporter-1: not on the network
start container llmobs-exporter-1: new
",
        );
    }

    #[test]
    fn a_lost_network_takes_all_containers_along() {
        let scenario = Scenario::up_and_running();
        scenario.engine.world.borrow_mut().networks.clear();
        for name in ["llmobs-prometheus-1", "llmobs-grafana-1", "llmobs-exporter-1"] {
            scenario.set_state(name, State::Exited);
        }
        check_to_the_end(
            &scenario,
            "\
create network llmobs_default: missing
recreate container llmobs-prometheus-1: its network is gone
recreate container llmobs-grafana-1: its network is gone
recreate container llmobs-exporter-1: its network is gone
start container llmobs-prometheus-1: new
start container llmobs-grafana-1: new
start container llmobs-exporter-1: new
",
        );
    }

    #[test]
    fn an_image_that_was_pulled_anew_is_taken() {
        let scenario = Scenario::up_and_running();
        let pulls = plan_pulls(&scenario.desired());
        assert_eq!(
            pulls.to_string(),
            "\
pull image prom/prometheus:v3: asked for by `--pull always`
pull image grafana/grafana:13: asked for by `--pull always`
"
        );
        for image in &mut scenario.engine.world.borrow_mut().images {
            if image.tags == ["prom/prometheus:v3"] {
                image.id = "sha256:newer".to_owned();
            }
        }
        check_to_the_end(
            &scenario,
            "\
recreate container llmobs-prometheus-1: image changed
start container llmobs-prometheus-1: new
",
        );
    }

    #[test]
    fn what_is_not_ours_is_never_planned_for() {
        let scenario = Scenario::up_and_running();
        scenario.add_foreign("llmobs-loki-1", "sha256:e1");
        let mut world = scenario.engine.world.borrow_mut();
        for project in ["llmobs2", "other"] {
            let mut network = world.networks[0].clone();
            network.labels.insert(labels::PROJECT.to_owned(), project.to_owned());
            network.id = project.to_owned();
            world.networks.push(network);
        }
        drop(world);
        check(&scenario, "");
    }
}
