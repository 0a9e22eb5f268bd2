//! What `down` does: everything of ours goes, found by label alone, in whatever state it is.

use crate::stack::{
    labels,
    observed::Observed,
    plan::{ORPHAN_GRACE, remove, short_id},
    step::{Action, Plan, Stage},
};

/// What becomes of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumesOnDown {
    /// The data volumes stay, and so do the images.
    Keep,
    /// The data volumes go, and the images that we made.
    Remove,
}

const CAUSE: &str = "down";

/// What `down` has to do; needs no configuration.
pub fn plan_down(observed: &Observed, volumes: VolumesOnDown) -> Plan {
    let mut plan = Plan::default();
    for container in observed.ours() {
        plan.push(Stage::RemoveContainers, remove(container, ORPHAN_GRACE), CAUSE);
    }
    for network in observed.networks.iter().filter(|network| observed.is_ours(&network.labels)) {
        let action = Action::RemoveNetwork { id: network.id.clone(), name: network.name.clone() };
        plan.push(Stage::RemoveNetworks, action, CAUSE);
    }
    for volume in observed.volumes.iter().filter(|volume| observed.is_ours(&volume.labels)) {
        let is_config = volume.labels.get(labels::VOLUME).map(String::as_str) == Some(labels::VOLUME_CONFIG);
        // What a config volume holds is rendered anew by the next `up`.
        if is_config || volumes == VolumesOnDown::Remove {
            plan.push(Stage::CleanUp, Action::RemoveVolume { name: volume.name.clone() }, CAUSE);
        }
    }
    if volumes == VolumesOnDown::Remove {
        for image in &observed.made_images {
            let name = image.tags.first().map_or_else(|| short_id(&image.id), String::as_str).to_owned();
            match observed.foreign_user_of(image) {
                Some(user) => {
                    plan.notes.push(format!("image {name} stays: container {} uses it", user.name));
                }
                None => {
                    plan.push(Stage::CleanUp, Action::RemoveImage { id: image.id.clone(), name }, CAUSE);
                }
            }
        }
    }
    plan.sorted()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::scenario::Scenario;

    #[track_caller]
    fn check(scenario: &Scenario, volumes: VolumesOnDown, expect: &str) {
        let plan = plan_down(&scenario.observe(), volumes);
        assert_eq!(plan.to_string(), expect);
        scenario.apply(&plan).unwrap();
        assert!(plan_down(&scenario.observe(), volumes).is_empty());
    }

    #[test]
    fn down_keeps_the_data() {
        check(
            &Scenario::up_and_running(),
            VolumesOnDown::Keep,
            "\
remove container llmobs-exporter-1: down
remove container llmobs-grafana-1: down
remove container llmobs-prometheus-1: down
remove network llmobs_default: down
remove volume llmobs_exporter-config: down
remove volume llmobs_grafana-config: down
remove volume llmobs_prometheus-config: down
",
        );
    }

    #[test]
    fn down_with_volumes_leaves_nothing_of_ours() {
        let scenario = Scenario::up_and_running();
        check(
            &scenario,
            VolumesOnDown::Remove,
            "\
remove container llmobs-exporter-1: down
remove container llmobs-grafana-1: down
remove container llmobs-prometheus-1: down
remove network llmobs_default: down
remove volume llmobs_exporter-config: down
remove volume llmobs_grafana-config: down
remove volume llmobs_grafana-data: down
remove volume llmobs_prometheus-config: down
remove volume llmobs_prometheus-data: down
remove image llmobs-exporter:0.1.0: down
",
        );
        let world = scenario.engine.world.borrow();
        assert!(world.containers.is_empty() && world.volumes.is_empty() && world.networks.is_empty());
        assert_eq!(world.images.len(), 2);
    }

    #[test]
    fn an_image_that_another_stack_uses_stays() {
        let scenario = Scenario::up_and_running();
        scenario.add_foreign("llmobs-b-exporter-1", "sha256:e1");
        scenario.engine.world.borrow_mut().volumes.clear();
        check(
            &scenario,
            VolumesOnDown::Remove,
            "\
remove container llmobs-exporter-1: down
remove container llmobs-grafana-1: down
remove container llmobs-prometheus-1: down
remove network llmobs_default: down
note: image llmobs-exporter:0.1.0 stays: container llmobs-b-exporter-1 uses it
",
        );
        assert!(scenario.engine.world.borrow().containers.contains_key("llmobs-b-exporter-1"));
    }

    #[test]
    fn nothing_there_is_nothing_to_do() {
        check(&Scenario::new(), VolumesOnDown::Remove, "");
    }
}
