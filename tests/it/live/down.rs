//! `down`: what goes, what stays, and what is none of ours.

use std::fs;

use super::{
    engine::{PROJECT_LABEL, all_names, docker, docker_if_it_can, inspect, made_images},
    gate::PROMETHEUS_IMAGE,
    grafana,
    project::Project,
    prometheus::query,
};

#[test]
fn down_keeps_data_and_password_until_told_otherwise() {
    let Some(project) = Project::new("down") else { return };
    project.write("llmobs.yaml", "service: keeps\n");
    project.up(&[]).done();
    let password = grafana::admin(&project).password;
    let image = inspect(&project.container("exporter"))["Image"].as_str().unwrap().to_owned();
    let name = project.name.clone();

    project.down(&[]).done();
    assert_eq!(
        project.objects(),
        [format!("volume {name}_grafana-data"), format!("volume {name}_prometheus-data")]
    );
    let shown = project.run(&["status", "--show-password"]);
    assert_eq!(shown.code, Some(1), "a stack that does not run is not healthy");

    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    // The offset is remembered.
    project.change(&["up", "--engine", "docker"]).done();
    assert_eq!(grafana::admin(&project).password, password);
    grafana::dashboard(&project).unwrap();
    let samples = query(&project.prometheus(), "up{job=\"mock\"}[1h]").unwrap();
    assert!(
        samples.iter().any(|series| series.samples[0].0 < started),
        "nothing is left from before: {samples:?}"
    );

    // Neither the file nor a state folder is needed to take it away.
    fs::remove_file(project.path().join("llmobs.yaml")).unwrap();
    fs::remove_dir_all(project.state_dir()).unwrap();
    project.down_to_nothing();
    let left = docker(&["images", "--all", "--no-trunc", "--quiet"]).contains(&image);
    let used = !docker(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={image}")]).is_empty();
    assert_eq!(left, used, "the image stays only where another stack uses it");
    // An image that another stack has left would go too.
    if made_images().is_empty() {
        let again = project.down(&["--volumes"]).done();
        assert_eq!(again.stderr, format!("there is nothing to remove of the stack `{name}`\n"));
    }
}

/// What somebody else has, removed at the end.
struct Foreign {
    containers: Vec<String>,
    networks: Vec<String>,
    volumes: Vec<String>,
}

impl Foreign {
    fn make(containers: Vec<String>, networks: Vec<String>, volumes: Vec<String>) -> Self {
        let foreign = Self { containers, networks, volumes };
        for name in &foreign.containers {
            docker(&["create", "--name", name, PROMETHEUS_IMAGE]);
        }
        for name in &foreign.networks {
            docker(&["network", "create", "--label", &format!("{PROJECT_LABEL}.else=x"), name]);
        }
        for name in &foreign.volumes {
            docker(&["volume", "create", "--label", &format!("{PROJECT_LABEL}=somebody"), name]);
        }
        foreign
    }

    fn all_there(&self) -> bool {
        let there = all_names();
        [&self.containers, &self.networks, &self.volumes]
            .into_iter()
            .flatten()
            .all(|name| there.contains(name))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        for name in &self.containers {
            docker_if_it_can(&["rm", "--force", "--volumes", name]);
        }
        for name in &self.networks {
            docker_if_it_can(&["network", "rm", name]);
        }
        for name in &self.volumes {
            docker_if_it_can(&["volume", "rm", name]);
        }
    }
}

#[test]
fn what_is_not_ours_is_never_touched() {
    let Some(project) = Project::new("foreign") else { return };
    let neighbour = Project::new("foreign-b").unwrap();
    let name = &project.name;
    let similar = Foreign::make(
        vec![format!("{name}-prometheus-1x"), format!("{name}-grafana-2"), format!("x{name}-exporter-1")],
        vec![format!("{name}_default2"), format!("{name}-default")],
        vec![format!("{name}_prometheus-data2"), format!("{name}-grafana-config")],
    );

    // The very names: everything is told at once, and nothing is made.
    let same = Foreign::make(
        vec![format!("{name}-prometheus-1")],
        vec![format!("{name}_default")],
        vec![format!("{name}_grafana-data"), format!("{name}_exporter-config")],
    );
    let refused = project.up(&[]).ended_with(2);
    let problems: Vec<_> =
        refused.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect();
    let taken =
        |what: &str, kind: &str| format!("the name `{name}{what}` is taken by a {kind} that is not ours");
    let expect = [
        taken("-prometheus-1", "container"),
        taken("_grafana-data", "volume"),
        taken("_exporter-config", "volume"),
        taken("_default", "network"),
    ];
    assert_eq!(problems, expect, "{}", refused.stderr);
    assert!(refused.stderr.ends_with("\nnothing was changed\n"), "{}", refused.stderr);
    assert_eq!(project.objects(), Vec::<String>::new());
    project.down(&["--volumes"]).done();
    assert!(same.all_there());
    drop(same);

    // Side by side with another stack and with names that are nearly ours.
    project.up(&[]).done();
    neighbour.up(&[]).done();
    project.run(&["status"]).done();
    project.down_to_nothing();
    assert!(similar.all_there());
    neighbour.run(&["status"]).done();
    assert_eq!(neighbour.up(&["--dry-run"]).done().stdout, "nothing to do\n");
    neighbour.down_to_nothing();
    assert!(similar.all_there());
}
