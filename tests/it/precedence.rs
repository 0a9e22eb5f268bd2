//! The layers of the configuration: file, environment, flags.

use insta::assert_snapshot;

use crate::{config::told, project::Project};

#[track_caller]
fn with_flags(flags: &str) -> String {
    told(&Project::new(), flags)
}

/// The ceiling that the rendered rule has.
#[track_caller]
fn ceiling(project: &Project, flags: &str) -> String {
    project.run(&format!("render --force --out out {flags}")).done();
    let rules = project.read("out/prometheus/rules/llmobs.yml");
    let rule = rules.split("alert: LLMCostCeilingExceeded").nth(1).expect("the alert is there");
    let limit = rule.lines().find_map(|line| line.trim().strip_prefix("> "));
    limit.expect("a comparison").to_owned()
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let project = Project::new();
    assert_eq!(ceiling(&project, ""), "100");
    let project = project.file("llmobs.yaml", "cost: {ceiling_per_hour: 11}\n");
    assert_eq!(ceiling(&project, ""), "11");
    let project = project.env("LLMOBS_COST_CEILING_PER_HOUR", "22");
    assert_eq!(ceiling(&project, ""), "22");
    assert_eq!(ceiling(&project, "--cost-ceiling 33"), "33");
    assert_eq!(ceiling(&project, "--set cost.ceiling_per_hour=44"), "44");
    assert_eq!(ceiling(&project, "--cost-ceiling 33 --set cost.ceiling_per_hour=44"), "44");
    assert_eq!(ceiling(&project, "--set cost.ceiling_per_hour=44 --set cost.ceiling_per_hour=55"), "55");
}

#[test]
fn variables_of_the_program_itself_are_no_settings() {
    let project = Project::new().env("LLMOBS_PROJECT", "other").env("LLMOBS_E2E", "required");
    assert_eq!(project.run("render --out out").done().stderr, Project::new().run("render --out out").stderr);
}

#[test]
fn mistakes_of_variables_and_flags_have_their_places() {
    assert_snapshot!(told(&Project::new().env("LLMOBS_COST_CEILNG_PER_HOUR", "1"), ""), @r"
    exit 0
    ----- stderr
    warning: the environment variable `LLMOBS_COST_CEILNG_PER_HOUR` sets nothing
     |
     = help: did you mean `LLMOBS_COST_CEILING_PER_HOUR`?

    note: left out, because no target gives it: queued requests, KV cache use
    13 files in out

    Next:  llmobs image load && GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
    assert_snapshot!(told(&Project::new().env("LLMOBS_STACK_PORTS_GRAFANA", "http"), ""), @r"
    exit 2
    ----- stderr
    error: `http` is no port
     --> LLMOBS_STACK_PORTS_GRAFANA:1:1
      |
    1 | http
      | ^^^^
      |
      = help: write a number from 1 to 65535, such as `9090`

    1 error in LLMOBS_STACK_PORTS_GRAFANA
    ");
    assert_snapshot!(with_flags("--cost-ceiling=-5"), @r"
    exit 2
    ----- stderr
    error: `-5` is negative, and an amount of money cannot be
     --> --cost-ceiling:1:1
      |
    1 | -5
      | ^^
      |
      = help: write `5`, or 0 for what is free

    1 error in --cost-ceiling
    ");
    assert_snapshot!(with_flags("--cost-ceiling -5"), @r"
    exit 2
    ----- stderr
    error: `-5` is negative, and an amount of money cannot be
     --> --cost-ceiling:1:1
      |
    1 | -5
      | ^^
      |
      = help: write `5`, or 0 for what is free

    1 error in --cost-ceiling
    ");
    assert_snapshot!(with_flags("--cost-ceiling 80$"), @r"
    exit 2
    ----- stderr
    error: `80$` is not a plain number
     --> --cost-ceiling:1:1
      |
    1 | 80$
      | ^^^
      |
      = help: write `80`; amounts are US dollars

    1 error in --cost-ceiling
    ");
    assert_snapshot!(with_flags("--set cost.ceiling=80"), @r"
    exit 2
    ----- stderr
    error: unknown key `cost.ceiling`
     --> --set cost.ceiling:1:6
      |
    1 | cost.ceiling=80
      |      ^^^^^^^
      |
      = help: did you mean `ceiling_per_hour`?

    1 error in --set cost.ceiling
    ");
    assert_snapshot!(with_flags("--set cost.ceiling_per_hour"), @r"
    exit 2
    ----- stderr
    error: `--set cost.ceiling_per_hour` has no `=`
     --> --set:1:1
      |
    1 | cost.ceiling_per_hour
      | ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write a path and a value: `--set cost.ceiling_per_hour=80`

    1 error in --set
    ");
    assert_snapshot!(with_flags("--models gpt-4o,,claude-sonnet-4-5"), @r"
    exit 2
    ----- stderr
    error: the name is empty
     --> --models:1:8
      |
    1 | gpt-4o,,claude-sonnet-4-5
      |        ^
      |
      = help: write the name as it stands in the metrics

    1 error in --models
    ");
    assert_snapshot!(with_flags("--latency-threshold fast"), @r"
    exit 2
    ----- stderr
    error: `fast` is no duration
     --> --latency-threshold:1:1
      |
    1 | fast
      | ^^^^
      |
      = help: write whole numbers with units, such as `250ms`, `5s` or `1h30m`

    1 error in --latency-threshold
    ");
}
