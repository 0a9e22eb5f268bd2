//! `llmobs fmt`: what is rewritten, what stays, what is refused.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use insta::assert_snapshot;

use crate::project::Project;

const UNFORMATTED: &str = r"# Rules of the gateway.
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
";

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
    assert_snapshot!(project.run("fmt rules.yml"), @r"
    exit 0
    ----- stdout
    formatted  rules.yml  (3 expressions)
    ----- stderr
    note: the expression of `Kept` is left as it is: it holds a comment, for which the formatted text has no place
      --> rules.yml:18:11
       |
    18 |           up  # scraped by hand
       |           ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: move the comment in front of the rule

    1 file formatted
    ");
    assert_eq!(project.read("rules.yml"), FORMATTED);
    assert_snapshot!(project.run("fmt rules.yml"), @r"
    exit 0
    ----- stderr
    note: the expression of `Kept` is left as it is: it holds a comment, for which the formatted text has no place
      --> rules.yml:20:11
       |
    20 |           up  # scraped by hand
       |           ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: move the comment in front of the rule

    1 file is formatted already
    ");
    assert_eq!(project.read("rules.yml"), FORMATTED);
    assert_eq!(project.run("fmt --check rules.yml").code, Some(0));
}

#[test]
fn check_shows_what_would_change_and_writes_nothing() {
    let project = Project::new().file("a/rules.yml", UNFORMATTED).file("a/good.yaml", "groups: []\n");
    assert_snapshot!(project.run("fmt --check a"), @r#"
    exit 1
    ----- stdout
    --- a/rules.yml
    +++ a/rules.yml formatted
    @@ -3,16 +3,18 @@
       - name: errors   # one group
         rules:
           - record: model:errors:ratio_rate5m
    -        expr: sum by(model)(rate(llm_requests_total{code=~'5..'}[5m]))/sum by(model)(rate(llm_requests_total[5m]))  # ratio
    +        expr: |-  # ratio
    +          sum by (model) (rate(llm_requests_total{code=~"5.."}[5m]))
    +          /
    +          sum by (model) (rate(llm_requests_total[5m]))
           - alert: Errors
             expr: |
    -          model:errors:ratio_rate5m
    -            >0.05
    +          model:errors:ratio_rate5m > 0.05
     
             for: 2m
             labels: {severity: page}
     
    -      - {alert: Down, expr: 'up==0'}
    +      - {alert: Down, expr: 'up == 0'}
           - alert: Kept
             expr: |
               up  # scraped by hand
    ----- stderr
    note: the expression of `Kept` is left as it is: it holds a comment, for which the formatted text has no place
      --> a/rules.yml:18:11
       |
    18 |           up  # scraped by hand
       |           ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: move the comment in front of the rule

    1 of 2 files is not formatted
    "#);
    assert_eq!(project.read("a/rules.yml"), UNFORMATTED);
    assert_snapshot!(project.run("fmt --check a/good.yaml"), @r"
    exit 0
    ----- stderr
    1 file is formatted
    ");
    assert_snapshot!(project.run("fmt --check a --format json"), @r#"
    exit 1
    ----- stdout
    {
      "version": 1,
      "formatted": false,
      "files": [
        {
          "path": "a/good.yaml",
          "state": "unchanged",
          "expressions_changed": 0,
          "left_alone": []
        },
        {
          "path": "a/rules.yml",
          "state": "differs",
          "expressions_changed": 3,
          "left_alone": [
            {
              "line": 18,
              "column": 11,
              "message": "the expression of `Kept` is left as it is: it holds a comment, for which the formatted text has no place"
            }
          ]
        }
      ]
    }
    ----- stderr
    note: the expression of `Kept` is left as it is: it holds a comment, for which the formatted text has no place
      --> a/rules.yml:18:11
       |
    18 |           up  # scraped by hand
       |           ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: move the comment in front of the rule
    "#);
}

#[test]
fn a_folder_is_searched_for_rule_files() {
    let project = Project::new()
        .file("a/deep/rules.yml", "groups:\n- name: a\n  rules:\n  - {record: x, expr: a+b}\n")
        .file("a/values.yaml", "image: {{ .Values.image }}\n")
        .file("a/notes.txt", "groups:\n");
    assert_snapshot!(project.run("fmt a --format json"), @r#"
    exit 0
    ----- stdout
    {
      "version": 1,
      "formatted": true,
      "files": [
        {
          "path": "a/deep/rules.yml",
          "state": "formatted",
          "expressions_changed": 1,
          "left_alone": []
        }
      ]
    }
    "#);
    assert_snapshot!(project.read("a/deep/rules.yml"), @r"
    groups:
    - name: a
      rules:
      - {record: x, expr: a + b}
    ");
    project.remove("a/deep/rules.yml");
    assert_snapshot!(project.run("fmt a"), @r"
    exit 2
    ----- stderr
    error: there is no rule file below `a`
    hint: rule files end in `.yml` or `.yaml` and have a key `groups`
    ");
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
    assert_snapshot!(project.run("fmt good.yml bad.yml"), @r#"
    exit 2
    ----- stderr
    error: expected type range vector in call to function "rate", got instant vector
     --> bad.yml:7:18
      |
    7 |             rate(http_requests_total)
      |                  ^^^^^^^^^^^^^^^^^^^

    error: a recording rule has no `for`
     --> bad.yml:9:9
      |
    9 |         for: 5m
      |         ^^^
      |
      = help: remove it; only alerts have it

    error: unknown key `exp` in a rule
      --> bad.yml:11:9
       |
    11 |         exp: up
       |         ^^^
       |
       = help: did you mean `expr`?

    error: unclosed left parenthesis
      --> bad.yml:12:43
       |
    12 |         expr: 'up{job=''a''} == on(instnce'
       |                                           ^

    error: function "mad_over_time" is not enabled
      --> bad.yml:14:15
       |
    14 |         expr: mad_over_time(up[5m])
       |               ^^^^^^^^^^^^^
       |
       = help: Prometheus has it behind a feature flag; accept it with `--experimental`

    5 errors in bad.yml
    "#);
    assert_eq!(project.read("good.yml"), UNFORMATTED);
    assert_snapshot!(project.run("fmt none.yml"), @r"
    exit 2
    ----- stderr
    error: cannot read `none.yml`: it does not exist
    ");
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
        let _ = writeln!(all, "$ llmobs {args:?}\n{}", project.run_args(args));
    }
    assert_snapshot!(all, @r#"
    $ llmobs ["fmt", "--expr", "sum(rate(x[5m]))by(job)"]
    exit 0
    ----- stdout
    sum by (job) (rate(x[5m]))

    $ llmobs ["fmt", "--expr", "-1"]
    exit 0
    ----- stdout
    -1

    $ llmobs ["fmt", "--expr", "a # why\n+ b"]
    exit 0
    ----- stdout
    a # why
    + b
    ----- stderr
    note: the expression is left as it is: it holds a comment
     --> --expr:1:1
      |
    1 | / a # why
    2 | | + b
      | |___^


    $ llmobs ["fmt", "--expr", "sum by (model) (rate(llm_requests_total{code=~'5..'}[5m])) / sum by (model) (rate(llm_requests_total[5m])) > 0.05"]
    exit 0
    ----- stdout
        sum by (model) (rate(llm_requests_total{code=~"5.."}[5m]))
      /
        sum by (model) (rate(llm_requests_total[5m]))
    >
      0.05

    $ llmobs ["fmt", "--expr", "a+b", "--format", "json"]
    exit 0
    ----- stdout
    {
      "version": 1,
      "expr": "a + b",
      "line": "a + b"
    }

    $ llmobs ["fmt", "--expr", "rate(up) + sum(nope(x)"]
    exit 2
    ----- stderr
    error: unknown function with name "nope"
     --> --expr:1:16
      |
    1 | rate(up) + sum(nope(x)
      |                ^^^^

    error: unclosed left parenthesis
     --> --expr:1:23
      |
    1 | rate(up) + sum(nope(x)
      |                       ^

    error: expected type range vector in call to function "rate", got instant vector
     --> --expr:1:6
      |
    1 | rate(up) + sum(nope(x)
      |      ^^

    3 errors in --expr

    $ llmobs ["fmt", "--expr", ""]
    exit 2
    ----- stderr
    error: no expression found in input
     --> --expr:1:1
      |
    1 |
      | ^

    1 error in --expr

    $ llmobs ["fmt", "--expr", "up", "rules.yml"]
    exit 2
    ----- stderr
    error: the argument '--expr <EXPR>' cannot be used with '[FILE]...'

    Usage: llmobs fmt --expr <EXPR> [FILE]...

    For more information, try '--help'.

    $ llmobs ["fmt", "--expr", "up", "--check"]
    exit 2
    ----- stderr
    error: the argument '--expr <EXPR>' cannot be used with '--check'

    Usage: llmobs fmt --expr <EXPR> [FILE]...

    For more information, try '--help'.

    $ llmobs ["fmt"]
    exit 2
    ----- stderr
    error: the following required arguments were not provided:
      <FILE>...

    Usage: llmobs fmt <FILE>...

    For more information, try '--help'.

    $ llmobs ["fmt", "-", "rules.yml"]
    exit 2
    ----- stderr
    error: standard input `-` cannot be mixed with files
    hint: format the files in a call of their own
    "#);
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
    assert_snapshot!(piped(project.command(&["fmt", "-"]), rules), @r"
    Some(0)
    groups:
    - name: a
      rules:
      - {record: x, expr: a + b}
    ----
    ");
    assert_snapshot!(piped(project.command(&["fmt", "--check", "-"]), rules), @r"
    Some(1)
    --- stdin
    +++ stdin formatted
    @@ -1,4 +1,4 @@
     groups:
     - name: a
       rules:
    -  - {record: x, expr: a+b}
    +  - {record: x, expr: a + b}
    ----
    1 of 1 file is not formatted
    ");
    assert_snapshot!(piped(project.command(&["fmt", "-"]), "groups: {}"), @r"
    Some(2)
    ----
    error: `groups` takes a list, not keys
     --> stdin:1:9
      |
    1 | groups: {}
      |         ^^
      |
      = help: begin each item with `- `

    1 error in stdin
    ");
    assert_snapshot!(piped(project.command(&["fmt", "--expr", "-"]), "a+b\n"), @r"
    Some(0)
    a + b
    ----
    ");
}
