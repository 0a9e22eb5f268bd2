//! What stands in the way of `up`: said clearly, and nothing half-made.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use insta::assert_snapshot;

use super::{
    engine::{docker, docker_if_it_can, made_images},
    gate::PROMETHEUS_IMAGE,
    project::{Project, Ran, engine_lock, run},
};

/// A container that is removed at the end.
struct Holder(String);

impl Drop for Holder {
    fn drop(&mut self) {
        docker_if_it_can(&["rm", "--force", "--volumes", &self.0]);
    }
}

/// What a refused `up` said; it must have changed nothing.
#[track_caller]
fn refusal(project: &Project, ran: Ran) -> String {
    let ran = ran.ended_with(2);
    assert_eq!(project.objects(), Vec::<String>::new());
    assert_eq!(ran.stdout, "");
    let mut said =
        ran.stderr.replace(&project.name, "NAME").replace(&project.path().display().to_string(), "FOLDER");
    for (port, name) in [(9090, "9090+N"), (3000, "3000+N"), (9091, "9091+N")] {
        said = said.replace(&(port + project.offset).to_string(), name);
    }
    from_error(&said)
}

/// Without the notes before it, which other tests look at.
fn from_error(said: &str) -> String {
    said[said.find("error: ").unwrap()..].to_owned()
}

#[test]
fn taken_ports_are_all_told() {
    let Some(project) = Project::new("ports") else { return };
    let _program = TcpListener::bind((Ipv4Addr::LOCALHOST, 9090 + project.offset)).unwrap();
    let holder = Holder(format!("{}-holder", project.name));
    let publish = format!("127.0.0.1:{}:9090", 3000 + project.offset);
    docker(&["run", "--detach", "--name", &holder.0, "--publish", &publish, PROMETHEUS_IMAGE]);
    assert_snapshot!(refusal(&project, project.up(&[])), @"
    error: port 9090+N for prometheus is taken by another program
    hint: stop it (`ss -ltnp 'sport = :9090+N'` names it), or use other ports with `--port-offset N`, or set `stack.ports.prometheus`
    error: port 3000+N for grafana is taken by the container `NAME-holder`
    hint: stop it with `docker stop NAME-holder`, or use other ports with `--port-offset N`, or set `stack.ports.grafana`

    nothing was changed
    ");
    assert!(
        !project.state_dir().join(&project.name).join("port-offset").exists(),
        "the ports are remembered"
    );
}

#[test]
fn missing_images_are_told() {
    let Some(project) = Project::new("images") else { return };
    let none = [
        "--set",
        "stack.images.prometheus=llmobs-e2e/none:1",
        "--set",
        "stack.images.grafana=llmobs-e2e/none:2",
    ];
    let never = project.up(&[&["--pull", "never"], none.as_slice()].concat());
    assert_snapshot!(refusal(&project, never), @"
    error: the image `llmobs-e2e/none:1` is missing, and pulling is switched off
    hint: drop `--pull never`, or bring it there with `docker pull` or `docker load`
    error: the image `llmobs-e2e/none:2` is missing, and pulling is switched off
    hint: drop `--pull never`, or bring it there with `docker pull` or `docker load`

    nothing was changed
    ");

    // No registry listens on that port of this machine.
    let offset = project.offset.to_string();
    let images = {
        let _one_at_a_time = engine_lock();
        let before = made_images();
        let up = [
            "up",
            "--engine",
            "docker",
            "--port-offset",
            &offset,
            "--set",
            "stack.images.prometheus=127.0.0.1:1/none:1",
        ];
        let said = refusal(&project, project.run(&up));
        // Not planned where another stack has brought it.
        let said = said.replace("  load image llmobs-exporter:0.1.0\n", "");
        assert_snapshot!(said, @"
        error: cannot pull image `127.0.0.1:1/none:1`: the registry cannot be reached: Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused
        hint: check the network of the Docker daemon and its proxy, or bring the image there with `docker load` and use `--pull never`
        not done:
          pull image 127.0.0.1:1/none:1
          create network NAME_default
          create volume NAME_prometheus-data
          create volume NAME_grafana-data
          create container NAME-prometheus-1
          create container NAME-grafana-1
          create container NAME-exporter-1
          start container NAME-prometheus-1
          start container NAME-grafana-1
          start container NAME-exporter-1
        `llmobs up --project NAME` finishes it, `llmobs down --project NAME` removes it
        ");
        (before, made_images())
    };
    assert_eq!(images.0, images.1, "an image of ours is left");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told() {
    let Some(project) = Project::new("state") else { return };
    // Mode bits stop no root, but a file is no folder for anybody.
    project.write("state", "");
    assert_snapshot!(refusal(&project, project.up(&[])), @"error: cannot create the folder `FOLDER/state/NAME`: a part of the path is a file, not a folder");
}

#[test]
fn an_absent_daemon_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_llmobs"));
    up.args(["up", "--engine", "docker", "--state-dir", "state"]).current_dir(folder.path()).env_clear();
    up.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let ran = run(&mut up).ended_with(2);
    assert_snapshot!(from_error(&ran.stderr), @"
    error: cannot reach Docker: there is no socket at `/nonexistent/docker.sock`
    hint: install Docker and start it, or set `DOCKER_HOST` to the address of your engine
    ");
}

/// A user that may not touch the socket runs a copy of the binary from a folder that it can read.
#[test]
fn a_forbidden_socket_is_told() {
    let Some(project) = Project::new("socket") else { return };
    let socket = Path::new("/var/run/docker.sock");
    let copy = project.path().join("llmobs");
    fs::copy(env!("CARGO_BIN_EXE_llmobs"), &copy).unwrap();
    for path in [project.path(), &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let open_to_all = fs::metadata(socket).is_ok_and(|found| found.permissions().mode() & 0o002 != 0);
    assert!(!open_to_all, "`{}` is open to everybody", socket.display());
    let state = tempfile::tempdir().unwrap();
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut up = Command::new("setpriv");
    up.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&copy);
    up.args(["up", "--engine", "docker", "--project", &project.name, "--state-dir"])
        .arg(state.path().join("state"));
    up.current_dir(project.path()).env_remove("DOCKER_HOST").env_remove("LLMOBS_PROJECT");
    let ran = run(&mut up);
    if ran.stderr.starts_with("setpriv: ") {
        // Only root can become somebody else.
        println!("NOT RUN: {}", ran.stderr);
        return;
    }
    assert_snapshot!(refusal(&project, ran), @"
    error: cannot reach Docker: permission denied on the socket `/var/run/docker.sock`
    hint: add yourself to the group that owns it (`sudo usermod -aG docker $USER`, then log in again), or set `DOCKER_HOST` to a rootless engine's socket
    ");
}
