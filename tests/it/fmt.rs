//! `llmobs fmt`: what is rewritten, what stays, what is refused.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use insta::assert_snapshot;

use crate::project::Project;

const UNFORMATTED: &str = r#"# Rules of the gateway.
groups:
  - name: errors   # one group
    rules:
      - record: model:errors:ratio_rate5m
        expr: sum by(model)(rate(llm_requests_total{code=~'5..'}[5m]))/sum by(model)(rate(llm_requests_total[5m]))  # ratio
      - alert: Errors
        expr: |
          model:errors:ratio_rate5m
            >0.05

        for: 2m
        labels: {severity: page}

      - {alert: Down, expr: 'up==0'}
      - alert: Kept
        expr: |
          up  # scraped by hand
          == 0
"#;

const FORMATTED: &str = r#"# Rules of the gateway.
groups:
  - name: errors   # one group
    rules:
      - record: model:errors:ratio_rate5m
        expr: |-  # ratio
          sum by (model) (rate(llm_requests_total{code=~"5.."}[5m]))
          /
          sum by (model) (rate(llm_requests_total[5m]))
      - alert: Errors
        expr: |
          model:errors:ratio_rate5m > 0.05

        for: 2m
        labels: {severity: page}

      - {alert: Down, expr: 'up == 0'}
      - alert: Kept
        expr: |
          up  # scraped by hand
          == 0
"#;

#[test]
fn a_file_is_rewritten_once() {
    let project = Project::new().file("rules.yml", UNFORMATTED);
    assert_snapshot!(project.run("fmt rules.yml"), @"");
    assert_eq!(project.read("rules.yml"), FORMATTED);
    assert_snapshot!(project.run("fmt rules.yml"), @"");
    assert_eq!(project.read("rules.yml"), FORMATTED);
    assert_eq!(project.run("fmt --check rules.yml").code, Some(0));
}

#[test]
fn check_shows_what_would_change_and_writes_nothing() {
    let project = Project::new().file("a/rules.yml", UNFORMATTED).file("a/good.yaml", "groups: []\n");
    assert_snapshot!(project.run("fmt --check a"), @"");
    assert_eq!(project.read("a/rules.yml"), UNFORMATTED);
    assert_snapshot!(project.run("fmt --check a/good.yaml"), @"");
    assert_snapshot!(project.run("fmt --check a --format json"), @"");
}

#[test]
fn a_folder_is_searched_for_rule_files() {
    let project = Project::new()
        .file("a/deep/rules.yml", "groups:\n- name: a\n  rules:\n  - {record: x, expr: a+b}\n")
        .file("a/values.yaml", "image: {{ .Values.image }}\n")
        .file("a/notes.txt", "groups:\n");
    assert_snapshot!(project.run("fmt a --format json"), @"");
    assert_snapshot!(project.read("a/deep/rules.yml"), @"");
    project.remove("a/deep/rules.yml");
    assert_snapshot!(project.run("fmt a"), @"");
}

#[test]
fn files_with_mistakes_are_refused_and_no_other_is_written() {
    let project = Project::new().file("good.yml", UNFORMATTED).file(
        "bad.yml",
        "\
groups:
  - name: a
    rules:
      - record: x
        expr: |
          sum by (job) (
            rate(http_requests_total)
          )
        for: 5m
      - alert: y
        exp: up
        expr: 'up{job=''a''} == on(instnce'
      - alert: z
        expr: mad_over_time(up[5m])
",
    );
    assert_snapshot!(project.run("fmt good.yml bad.yml"), @"");
    assert_eq!(project.read("good.yml"), UNFORMATTED);
    assert_snapshot!(project.run("fmt none.yml"), @"");
}

#[test]
fn functions_behind_a_flag_need_one() {
    let text = "groups:\n- name: a\n  rules:\n  - {record: x, expr: 'mad_over_time(up[5m])'}\n";
    let project = Project::new().file("rules.yml", text);
    assert_eq!(project.run("fmt --check rules.yml").code, Some(2));
    assert_eq!(project.run("fmt --check --experimental rules.yml").code, Some(0));
}

#[test]
fn single_expressions() {
    let project = Project::new();
    let mut all = String::new();
    for args in [
        &["fmt", "--expr", "sum(rate(x[5m]))by(job)"][..],
        &["fmt", "--expr", "-1"],
        &["fmt", "--expr", "a # why\n+ b"],
        &[
            "fmt",
            "--expr",
            "sum by (model) (rate(llm_requests_total{code=~'5..'}[5m])) / sum by (model) (rate(llm_requests_total[5m])) > 0.05",
        ],
        &["fmt", "--expr", "a+b", "--format", "json"],
        &["fmt", "--expr", "rate(up) + sum(nope(x)"],
        &["fmt", "--expr", ""],
        &["fmt", "--expr", "up", "rules.yml"],
        &["fmt", "--expr", "up", "--check"],
        &["fmt"],
        &["fmt", "-", "rules.yml"],
    ] {
        all += &format!("$ llmobs {args:?}\n{}\n", project.run_args(args));
    }
    assert_snapshot!(all, @"");
}

fn piped(mut command: Command, input: &str) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}----\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn standard_input_goes_to_standard_output() {
    let project = Project::new();
    let rules = "groups:\n- name: a\n  rules:\n  - {record: x, expr: a+b}\n";
    assert_snapshot!(piped(project.command(&["fmt", "-"]), rules), @"");
    assert_snapshot!(piped(project.command(&["fmt", "--check", "-"]), rules), @"");
    assert_snapshot!(piped(project.command(&["fmt", "-"]), "groups: {}"), @"");
    assert_snapshot!(piped(project.command(&["fmt", "--expr", "-"]), "a+b\n"), @"");
}
