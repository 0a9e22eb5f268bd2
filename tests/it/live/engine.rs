//! The container engine as its own command line shows it: a judge that shares no code with us.

use std::process::Command;

use serde_json::Value;

/// The label on everything that a project owns.
pub(super) const PROJECT_LABEL: &str = "dev.llmobs.project";

/// Runs `docker` and returns what it printed; it must succeed.
#[track_caller]
pub(super) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs `docker`, whatever comes of it.
pub(super) fn docker_if_it_can(args: &[&str]) {
    Command::new("docker").args(args).output().unwrap();
}

/// What carries the label of a project, as `kind name`, sorted.
pub(super) fn objects_of(project: &str) -> Vec<String> {
    let filter = format!("label={PROJECT_LABEL}={project}");
    let lists: [(&str, &[&str]); 3] = [
        ("container", &["ps", "--all", "--format", "{{.Names}}"]),
        ("network", &["network", "ls", "--format", "{{.Name}}"]),
        ("volume", &["volume", "ls", "--format", "{{.Name}}"]),
    ];
    let mut found = Vec::new();
    for (kind, list) in lists {
        let args = [list, &["--filter", &filter]].concat();
        found.extend(docker(&args).lines().map(|name| format!("{kind} {name}")));
    }
    found.sort();
    found
}

/// Names of everything that the engine has: containers, networks, volumes.
pub(super) fn all_names() -> Vec<String> {
    let mut found = Vec::new();
    for list in [
        ["ps", "--all", "--format", "{{.Names}}"].as_slice(),
        &["network", "ls", "--format", "{{.Name}}"],
        &["volume", "ls", "--format", "{{.Name}}"],
    ] {
        found.extend(docker(list).lines().map(str::to_owned));
    }
    found
}

/// Ids of the images that some llmobs made.
pub(super) fn made_images() -> Vec<String> {
    let shown = docker(&["images", "--all", "--quiet", "--filter", "label=dev.llmobs.image"]);
    let mut ids: Vec<_> = shown.lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

#[track_caller]
pub(super) fn inspect(container: &str) -> Value {
    let text = docker(&["inspect", "--type", "container", container]);
    let mut all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.remove(0)
}

/// The address of this machine that containers reach as `host.docker.internal`.
pub(super) fn gateway() -> String {
    let format = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}";
    let shown = docker(&["network", "inspect", "bridge", "--format", format]);
    let (gateway, subnet) = shown.split_once(' ').unwrap();
    if !gateway.is_empty() && gateway != "<no value>" {
        return gateway.to_owned();
    }
    // A daemon that has chosen the network itself names no gateway: it is the first address.
    let (network, _) = subnet.split_once('/').unwrap();
    let (start, _) = network.rsplit_once('.').unwrap();
    format!("{start}.1")
}
