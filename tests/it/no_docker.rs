//! Commands that need Docker, where there is none, and mistakes that are found before Docker is asked.

use insta::assert_snapshot;

use crate::project::Project;

fn without_docker() -> Project {
    let project = Project::new();
    let socket = format!("unix://{}", project.join("docker.sock").display());
    project.env("DOCKER_HOST", &socket)
}

#[test]
fn a_daemon_that_is_not_there() {
    let project = without_docker();
    // Nothing was ever started, so there is nothing to ask Docker for.
    assert_snapshot!(project.run("status"), @r"
    exit 1
    ----- stderr
    nothing of the stack `llmobs` runs

    Next:  llmobs up
    ");
    for command in ["up --engine docker --dry-run", "down", "logs", "image load"] {
        let ran = project.run(command);
        assert_eq!((ran.code, &ran.stdout), (Some(2), &String::new()), "{command}: {ran}");
        let first = ran.stderr.lines().find(|line| line.starts_with("error: "));
        assert_eq!(
            first,
            Some("error: cannot reach Docker: there is no socket at `[project]/docker.sock`"),
            "{command}"
        );
    }
    assert_snapshot!(project.run("up --engine docker"), @r"
    exit 2
    ----- stderr
    note: left out, because no target gives it: queued requests, KV cache use
    error: cannot reach Docker: there is no socket at `[project]/docker.sock`
    hint: install Docker and start it, or set `DOCKER_HOST` to the address of your engine
    ");
}

#[test]
fn an_address_of_a_daemon_that_is_none() {
    assert_snapshot!(Project::new().env("DOCKER_HOST", "ssh://host").run("status"), @r"
    exit 2
    ----- stderr
    error: `DOCKER_HOST` is `ssh://host`, which is no address that llmobs can use
    hint: use `unix:///path/to/docker.sock` or `tcp://host:port`, or unset `DOCKER_HOST`
    ");
    assert_snapshot!(Project::new().env("DOCKER_HOST", "tcp://127.0.0.1:1").run("down"), @r"
    exit 2
    ----- stderr
    error: cannot reach Docker: nothing answers at `tcp://127.0.0.1:1`: connection refused
    hint: start Docker (`sudo systemctl start docker`, or Docker Desktop), then try again
    ");
}

#[test]
fn mistakes_are_found_before_docker_is_asked() {
    let project = without_docker();
    assert_snapshot!(project.run("up --project Staging"), @r"
    exit 2
    ----- stderr
    error: `Staging` cannot name a project: it takes lower-case letters, digits, `-` and `_`, and begins with a letter or digit
    ");
    assert_snapshot!(project.run("up --timeout soon"), @r"
    exit 2
    ----- stderr
    error: `--timeout soon`: `soon` is no duration
    hint: write a duration: `--timeout 120s`
    ");
    assert_snapshot!(project.run("up --engine docker --port-offset 60000"), @r"
    exit 2
    ----- stderr
    error: port 9090 of prometheus and an offset of 60000 are beyond 65535
    hint: choose a smaller `--port-offset`
    ");
    assert_snapshot!(project.run("up --port-offset 70000"), @r"
    exit 2
    ----- stderr
    error: invalid value '70000' for '--port-offset <N>': 70000 is not in 0..=65535

    For more information, try '--help'.
    ");
    assert_snapshot!(project.run("up --cost-ceiling=-1"), @r"
    exit 2
    ----- stderr
    error: `-1` is negative, and an amount of money cannot be
     --> --cost-ceiling:1:1
      |
    1 | -1
      | ^^
      |
      = help: write `1`, or 0 for what is free

    1 error in --cost-ceiling
    ");
    assert_snapshot!(project.run("down --project ../x"), @r"
    exit 2
    ----- stderr
    error: `../x` cannot name a project: it takes lower-case letters, digits, `-` and `_`, and begins with a letter or digit
    ");
}

#[test]
fn a_stack_keeps_its_state_where_the_platform_says() {
    let project = without_docker();
    project.run("up --engine docker --project one");
    project.run("up --engine docker --project two --state-dir elsewhere");
    let password = project.read(".state/llmobs/one/grafana-password");
    assert_eq!(password.trim_end().len(), 24);
    assert_ne!(password, project.read("elsewhere/two/grafana-password"));
    project.run("up --engine docker --project one");
    assert_eq!(project.read(".state/llmobs/one/grafana-password"), password, "it is made once");
}

#[test]
fn a_dry_run_remembers_nothing() {
    let project = without_docker();
    project.run("up --engine docker --dry-run --port-offset 100");
    assert_eq!(project.tree(".").into_keys().collect::<Vec<_>>(), [".state/llmobs/llmobs/lock"]);
}

#[test]
fn two_at_once_do_not_work_on_one_stack() {
    let project = without_docker();
    let lock = project.join(".state/llmobs/llmobs/lock");
    let held = llmobs::files::Lock::try_acquire(&lock).unwrap();
    assert!(held.is_some());
    assert_snapshot!(project.run("up"), @r"
    exit 2
    ----- stderr
    error: another llmobs is at work on the stack `llmobs`
    hint: wait until it has ended, or use another stack with `--project NAME`
    ");
    assert_snapshot!(project.run("down"), @r"
    exit 2
    ----- stderr
    error: another llmobs is at work on the stack `llmobs`
    hint: wait until it has ended, or use another stack with `--project NAME`
    ");
    drop(held);
}
