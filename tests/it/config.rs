//! Configuration as a user meets it: mistakes with their places, and the order of the layers.

use insta::assert_snapshot;

use crate::project::{Project, Ran};

/// What a user is told of this file and these flags; a refusal leaves no folder.
#[track_caller]
fn render(config: &str, flags: &str) -> String {
    told(&Project::with(config), flags)
}

#[track_caller]
pub(crate) fn told(project: &Project, flags: &str) -> String {
    let ran = project.run(&format!("render --out out {flags}"));
    assert_eq!(project.has("out"), ran.code == Some(0), "{ran}");
    Ran { stdout: String::new(), ..ran }.to_string()
}

#[test]
fn all_mistakes_are_listed_at_once() {
    let config = "\
service: my service
targets:
  - job: gateway
    source: lmobs
    endpoints: [\"gateway\"]
  - {job: gateway, source: vllm, endpoints: [], rol: backend}
models: [gpt-4o, gpt-4o, my-own-model]
objectives:
  availability: 120%
  latency: {threshold: 5, exact: maybe}
cost:
  celing_per_hour: 80
  approaching: 0.8
  budget_per_month: -5
stack:
  bind: localhost
  ports: {grafana: 99999}
  components: [prometheus, grafanna]
";
    assert_snapshot!(render(config, ""), @r#"
    exit 2
    ----- stderr
    error: `my service` is no name for a service
     --> llmobs.yaml:1:10
      |
    1 | service: my service
      |          ^^^^^^^^^^
      |
      = help: use letters, digits, `.`, `_` and `-`, at most 63, such as `my-service`

    error: `lmobs` is no metric source
     --> llmobs.yaml:4:13
      |
    4 |     source: lmobs
      |             ^^^^^
      |
      = help: did you mean `llmobs`?

    error: `gateway` has no port
     --> llmobs.yaml:5:17
      |
    5 |     endpoints: ["gateway"]
      |                 ^^^^^^^^^
      |
      = help: write `gateway:8000` with the port of its metrics

    error: the job `gateway` is listed twice
     --> llmobs.yaml:6:11
      |
    3 |   - job: gateway
      |          ------- first here
    ...
    6 |   - {job: gateway, source: vllm, endpoints: [], rol: backend}
      |           ^^^^^^^ again here
      |
      = help: remove one of them

    error: `endpoints` is empty
     --> llmobs.yaml:6:45
      |
    6 |   - {job: gateway, source: vllm, endpoints: [], rol: backend}
      |                                             ^^
      |
      = help: write `host:port` of at least one instance

    error: unknown key `rol` in `targets`
     --> llmobs.yaml:6:49
      |
    6 |   - {job: gateway, source: vllm, endpoints: [], rol: backend}
      |                                                 ^^^
      |
      = help: did you mean `role`?

    error: the model `gpt-4o` is listed twice
     --> llmobs.yaml:7:18
      |
    7 | models: [gpt-4o, gpt-4o, my-own-model]
      |          ------  ^^^^^^ again here
      |          |
      |          first here
      |
      = help: remove one of them

    error: no price is known of the model `my-own-model`
     --> llmobs.yaml:7:26
      |
    7 | models: [gpt-4o, gpt-4o, my-own-model]
      |                          ^^^^^^^^^^^^
      |
      = help: give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free

    error: `120%` is not between 0% and 100%
     --> llmobs.yaml:9:17
      |
    9 |   availability: 120%
      |                 ^^^^
      |
      = help: write a share above `0%` and below `100%`, such as `99.9%`

    error: `5` has no unit
      --> llmobs.yaml:10:24
       |
    10 |   latency: {threshold: 5, exact: maybe}
       |                        ^
       |
       = help: write `5s`

    error: `maybe` is neither `true` nor `false`
      --> llmobs.yaml:10:34
       |
    10 |   latency: {threshold: 5, exact: maybe}
       |                                  ^^^^^
       |
       = help: write `true` or `false`

    error: unknown key `celing_per_hour` in `cost`
      --> llmobs.yaml:12:3
       |
    12 |   celing_per_hour: 80
       |   ^^^^^^^^^^^^^^^
       |
       = help: did you mean `ceiling_per_hour`?

    error: `0.8` has no `%`
      --> llmobs.yaml:13:16
       |
    13 |   approaching: 0.8
       |                ^^^
       |
       = help: write `80%`

    error: `-5` is negative, and an amount of money cannot be
      --> llmobs.yaml:14:21
       |
    14 |   budget_per_month: -5
       |                     ^^
       |
       = help: write `5`, or 0 for what is free

    error: `localhost` is no IP address
      --> llmobs.yaml:16:9
       |
    16 |   bind: localhost
       |         ^^^^^^^^^
       |
       = help: write `127.0.0.1`

    error: `99999` is no port
      --> llmobs.yaml:17:20
       |
    17 |   ports: {grafana: 99999}
       |                    ^^^^^
       |
       = help: write a number from 1 to 65535, such as `9090`

    error: `grafanna` is no component
      --> llmobs.yaml:18:28
       |
    18 |   components: [prometheus, grafanna]
       |                            ^^^^^^^^
       |
       = help: did you mean `grafana`?

    17 errors in llmobs.yaml
    "#);
}

#[test]
fn a_file_that_is_no_yaml() {
    assert_snapshot!(render("cost: {ceiling_per_hour: 5\n", ""), @r"
    exit 2
    ----- stderr
    error: this is no YAML: unclosed bracket '{'
     --> llmobs.yaml:1:7
      |
    1 | cost: {ceiling_per_hour: 5
      |       ^
      |
      = note: nothing after this place can be read, so other mistakes may be found once it is mended

    1 error in llmobs.yaml
    ");
    assert_snapshot!(render("\tcost: 1\n", ""), @r"
    exit 2
    ----- stderr
    error: `cost` takes keys, not a single value
     --> llmobs.yaml:1:8
      |
    1 |     cost: 1
      |           ^
      |
      = help: write keys below it: `ceiling_per_hour`, `approaching`, `budget_per_month`

    1 error in llmobs.yaml
    ");
    assert_snapshot!(render("just words\n", ""), @r"
    exit 2
    ----- stderr
    error: the file holds a single value, not keys
     --> llmobs.yaml:1:1
      |
    1 | just words
      | ^^^^^^^^^^
      |
      = help: write keys such as `service: chat-api`; `llmobs init` writes a file to start from

    1 error in llmobs.yaml
    ");
}

#[test]
fn an_empty_file_is_the_defaults() {
    let with = |text: &str| {
        let project = Project::with(text);
        project.run("render --out out").done();
        project.tree("out")
    };
    let none = Project::new();
    none.run("render --out out").done();
    for text in ["", "\n", "# nothing\n", "---\n", "cost:\n"] {
        assert!(with(text) == none.tree("out"), "{text:?}");
    }
}

#[test]
fn spend_that_has_no_price_is_warned_of() {
    let vllm = "targets:\n  - {job: vllm, source: vllm, endpoints: [\"10.0.0.5:8000\"]}\n";
    let warned = "warning: job `vllm` reports tokens but no cost, and only `gpt-4o`, `gpt-4o-mini`, `claude-sonnet-4-5` have a \
                  price: spend of other models is not seen";
    assert!(render(vllm, "").lines().any(|line| line == warned));
    assert!(!render(vllm, "--models gpt-4o").contains("reports tokens but no cost"));
}

#[test]
fn a_threshold_that_is_no_bucket_bound() {
    let vllm = "targets:\n  - {job: vllm, source: vllm, endpoints: [\"10.0.0.5:8000\"]}\n";
    assert_snapshot!(render(vllm, "--latency-threshold 6s --models gpt-4o"), @r"
    exit 0
    ----- stderr
    note: `objectives.latency.threshold` of 6 s is no bucket bound of the duration of job `vllm`: shares are counted at its nearest bound, 5 s
     --> --latency-threshold:1:1
      |
    1 | 6s
      | ^^

    12 files in out

    Next:  GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
    assert_snapshot!(render(&format!("{vllm}objectives:\n  latency: {{threshold: 6s, exact: true}}\n"), ""), @r"
    exit 2
    ----- stderr
    error: `objectives.latency.threshold` of 6 s is no bucket bound of the duration of job `vllm`
     --> llmobs.yaml:4:24
      |
    4 |   latency: {threshold: 6s, exact: true}
      |                        ^^
      |
      = note: `exact: true` asks for a share that is counted, not estimated
      = help: its nearest bound is 5 s

    1 error in llmobs.yaml
    ");
    assert_snapshot!(render(vllm, "--latency-threshold 3h"), @r"
    exit 2
    ----- stderr
    error: `objectives.latency.threshold` of 3 h is not below the largest bucket bound of job `vllm`
     --> --latency-threshold:1:1
      |
    1 | 3h
      | ^^
      |
      = note: no quantile of its duration can read more than 7680 s, so nothing could ever be seen to be slower
      = help: choose a threshold below 7680 s, or give the histogram larger buckets

    1 error in --latency-threshold
    ");
}

#[test]
fn a_configuration_file_that_is_named_must_be_there() {
    assert_snapshot!(Project::new().run("render --out out --config none.yaml"), @r"
    exit 2
    ----- stderr
    error: cannot read `none.yaml`: it does not exist
    hint: write one with `llmobs init`, or leave out `--config` to use the defaults
    ");
    assert_snapshot!(Project::new().file("conf/x", "").run("render --out out --config conf"), @r"
    exit 2
    ----- stderr
    error: cannot read `conf`: it is a folder
    ");
}

#[test]
fn a_model_without_a_price_needs_one() {
    assert_snapshot!(render("models: [my-own-model]\n", ""), @r"
    exit 2
    ----- stderr
    error: no price is known of the model `my-own-model`
     --> llmobs.yaml:1:10
      |
    1 | models: [my-own-model]
      |          ^^^^^^^^^^^^
      |
      = help: give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free

    1 error in llmobs.yaml
    ");
    assert_snapshot!(render("models: [gpt-4o-mnii]\n", ""), @r"
    exit 2
    ----- stderr
    error: no price is known of the model `gpt-4o-mnii`
     --> llmobs.yaml:1:10
      |
    1 | models: [gpt-4o-mnii]
      |          ^^^^^^^^^^^
      |
      = help: did you mean `gpt-4o-mini`? Otherwise give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free

    1 error in llmobs.yaml
    ");
}
