//! `llmobs test --unit`: verdicts, failures, refusals.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::project::Project;

const RULES: &str = r#"
groups:
  - name: errors
    interval: 30s
    rules:
      - record: model:errors:ratio_rate5m
        expr: |
          sum by (model) (rate(llm_requests_total{code="500"}[5m]))
          / sum by (model) (rate(llm_requests_total[5m]))
      - alert: ErrorRate
        expr: model:errors:ratio_rate5m > 0.05
        for: 2m
        labels: {severity: page}
        annotations:
          summary: '{{ $labels.model }} fails {{ $value | humanizePercentage }} of its requests'
          source: '{{ $externalLabels.cluster }} {{ $externalURL }}'
"#;

const TESTS: &str = r#"
rule_files: ["rules/*.yml"]
evaluation_interval: 1m
tests:
  - name: burst of errors
    interval: 30s
    external_labels: {cluster: eu}
    external_url: http://prometheus.example.org
    input_series:
      - {series: 'llm_requests_total{model="a",code="200"}', values: '0+90x40'}
      - {series: 'llm_requests_total{model="a",code="500"}', values: '0x10 10+10x29'}
      - {series: 'llm_requests_total{model="b",code="200"}', values: '0+30x40'}
    alert_rule_test:
      - {eval_time: 5m, alertname: ErrorRate}
      - eval_time: 12m
        alertname: ErrorRate
        exp_alerts:
          - exp_labels: {severity: page, model: a}
            exp_annotations:
              summary: a fails 10% of its requests
              source: eu http://prometheus.example.org
    promql_expr_test:
      - expr: llm_requests_total
        eval_time: 90s
        exp_samples:
          - {labels: 'llm_requests_total{model="a",code="200"}', value: 270}
          - {labels: 'llm_requests_total{model="a",code="500"}', value: 0}
          - {labels: 'llm_requests_total{model="b",code="200"}', value: 90}
      - expr: sum(ALERTS{alertstate="firing"}) or vector(0)
        eval_time: 20m
        exp_samples: [{value: 1}]
      - expr: model:errors:ratio_rate5m
        eval_time: 20m
        exp_samples: [{labels: 'model:errors:ratio_rate5m{model="a"}', value: 0.1}]
      - {expr: 'absent(absent(up)) + 1', eval_time: 1m}
      - {expr: '3 * 4', eval_time: 1m, exp_samples: [{labels: '{}', value: 12}]}
"#;

fn project() -> Project {
    Project::new().file("rules/errors.yml", RULES)
}

#[test]
fn tests_that_pass() {
    let project = project().file("errors.test.yml", TESTS);
    assert_snapshot!(project.run("test --unit errors.test.yml"), @r"
    exit 0
    ----- stdout
    ok    errors.test.yml:5  burst of errors
    ----- stderr
    1 test passed
    ");
    assert_snapshot!(project.run("test --unit errors.test.yml --format json"), @r#"
    exit 0
    ----- stdout
    {
      "version": 1,
      "passed": 1,
      "failed": 0,
      "files": [
        {
          "path": "errors.test.yml",
          "tests": [
            {
              "name": "burst of errors",
              "line": 5,
              "passed": true,
              "failures": []
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn tests_that_fail_say_what_came_instead() {
    let failing = r#"
rule_files: [rules/errors.yml]
tests:
  - name: wrong everywhere
    interval: 30s
    input_series:
      - {series: 'llm_requests_total{model="a",code="200"}', values: '0+90x40'}
      - {series: 'llm_requests_total{model="a",code="500"}', values: '0+10x40'}
      - {series: 'llm_requests_total{model="b",code="500"}', values: '0+1x40'}
    alert_rule_test:
      - eval_time: 10m
        alertname: ErrorRate
        exp_alerts:
          - exp_labels: {severity: page, model: a}
            exp_annotations: {summary: a fails 9% of its requests, source: ' '}
          - exp_labels: {severity: page, model: c}
      - {eval_time: 10m, alertname: ErrorRate, exp_alerts: []}
    promql_expr_test:
      - expr: llm_requests_total
        eval_time: 1m
        exp_samples:
          - {labels: 'llm_requests_total{model="a",code="200"}', value: 180}
          - {labels: 'llm_requests_total{model="a",code="500"}', value: 21}
          - {labels: 'llm_requests_total{model="z",code="500"}', value: 21}
      - {expr: '0.1 + 0.2', eval_time: 1m, exp_samples: [{labels: '{}', value: 0.3}]}
      - {expr: vector(0) / 0, eval_time: 1m, exp_samples: [{labels: '{}', value: .nan}]}
      - expr: |
          llm_requests_total
          / on (model)
          llm_requests_total
        eval_time: 1m
      - {expr: '"text"', eval_time: 1m}
  - name: right
    promql_expr_test: [{expr: vector(1), eval_time: 1m, exp_samples: [{labels: '{}', value: 1}]}]
  - promql_expr_test: [{expr: vector(1), eval_time: 1m}]
"#;
    let project = project().file("failing.yml", failing);
    assert_snapshot!(project.run("test --unit failing.yml"), @r#"
    exit 1
    ----- stdout
    FAIL  failing.yml:4  wrong everywhere
      alert ErrorRate  at 10m  failing.yml:11
        expected  {alertname="ErrorRate", model="a", severity="page"}
                    source  = " "
                    summary = "a fails 9% of its requests"
        got       {alertname="ErrorRate", model="a", severity="page"}
                    source  = " "
                    summary = "a fails 10% of its requests"
        expected  nothing
        got       {alertname="ErrorRate", model="b", severity="page"}
                    source  = " "
                    summary = "b fails 100% of its requests"
        expected  {alertname="ErrorRate", model="c", severity="page"}
        got       nothing
      alert ErrorRate  at 10m  failing.yml:17
        expected  nothing
        got       {alertname="ErrorRate", model="a", severity="page"}
                    source  = " "
                    summary = "a fails 10% of its requests"
        expected  nothing
        got       {alertname="ErrorRate", model="b", severity="page"}
                    source  = " "
                    summary = "b fails 100% of its requests"
      expr llm_requests_total  at 1m  failing.yml:19
        expected  llm_requests_total{code="500", model="a"} 21
        got       llm_requests_total{code="500", model="a"} 20
        expected  nothing
        got       llm_requests_total{code="500", model="b"} 2
        expected  llm_requests_total{code="500", model="z"} 21
        got       nothing
        and 1 as expected
      expr 0.1 + 0.2  at 1m  failing.yml:25
        expected  {} 0.3
        got       {} 0.30000000000000004
      expr vector(0) / 0  at 1m  failing.yml:26
        expected  {} NaN
        got       {} NaN
        NaN equals nothing, itself included; test `EXPR != EXPR` instead
      expr llm_requests_total
           / on (model)
           llm_requests_total  at 1m  failing.yml:27
        error     found duplicate series for the match group {model="a"} on the right hand-side of the operation: [{__name__="llm_requests_total", code="200", model="a"}, {__name__="llm_requests_total", code="500", model="a"}];many-to-many matching not allowed: matching labels must be unique on one side
      expr "text"  at 1m  failing.yml:32
        error     rule result is not a vector or scalar
    ok    failing.yml:33  right
    FAIL  failing.yml:35  (no name)
      expr vector(1)  at 1m  failing.yml:35
        expected  nothing
        got       {} 1
    ----- stderr
    2 of 3 tests failed
    "#);
    assert_snapshot!(project.run("test --unit failing.yml --run right"), @r"
    exit 0
    ----- stdout
    ok    failing.yml:33  right
    ----- stderr
    1 test passed
    ");
    assert_snapshot!(project.run("test --unit failing.yml --run wrong --run xyz --format json"), @r#"
    exit 1
    ----- stdout
    {
      "version": 1,
      "passed": 0,
      "failed": 1,
      "files": [
        {
          "path": "failing.yml",
          "tests": [
            {
              "name": "wrong everywhere",
              "line": 4,
              "passed": false,
              "failures": [
                {
                  "kind": "alert",
                  "what": "ErrorRate",
                  "at": "10m",
                  "line": 11,
                  "expected": [
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "a",
                        "severity": "page"
                      },
                      "annotations": {
                        "source": " ",
                        "summary": "a fails 9% of its requests"
                      }
                    },
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "c",
                        "severity": "page"
                      },
                      "annotations": {}
                    }
                  ],
                  "got": [
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "a",
                        "severity": "page"
                      },
                      "annotations": {
                        "source": " ",
                        "summary": "a fails 10% of its requests"
                      }
                    },
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "b",
                        "severity": "page"
                      },
                      "annotations": {
                        "source": " ",
                        "summary": "b fails 100% of its requests"
                      }
                    }
                  ]
                },
                {
                  "kind": "alert",
                  "what": "ErrorRate",
                  "at": "10m",
                  "line": 17,
                  "expected": [],
                  "got": [
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "a",
                        "severity": "page"
                      },
                      "annotations": {
                        "source": " ",
                        "summary": "a fails 10% of its requests"
                      }
                    },
                    {
                      "labels": {
                        "alertname": "ErrorRate",
                        "model": "b",
                        "severity": "page"
                      },
                      "annotations": {
                        "source": " ",
                        "summary": "b fails 100% of its requests"
                      }
                    }
                  ]
                },
                {
                  "kind": "expr",
                  "what": "llm_requests_total",
                  "at": "1m",
                  "line": 19,
                  "expected": [
                    {
                      "labels": {
                        "__name__": "llm_requests_total",
                        "code": "500",
                        "model": "a"
                      },
                      "value": "21"
                    },
                    {
                      "labels": {
                        "__name__": "llm_requests_total",
                        "code": "500",
                        "model": "z"
                      },
                      "value": "21"
                    }
                  ],
                  "got": [
                    {
                      "labels": {
                        "__name__": "llm_requests_total",
                        "code": "500",
                        "model": "a"
                      },
                      "value": "20"
                    },
                    {
                      "labels": {
                        "__name__": "llm_requests_total",
                        "code": "500",
                        "model": "b"
                      },
                      "value": "2"
                    }
                  ]
                },
                {
                  "kind": "expr",
                  "what": "0.1 + 0.2",
                  "at": "1m",
                  "line": 25,
                  "expected": [
                    {
                      "labels": {},
                      "value": "0.3"
                    }
                  ],
                  "got": [
                    {
                      "labels": {},
                      "value": "0.30000000000000004"
                    }
                  ]
                },
                {
                  "kind": "expr",
                  "what": "vector(0) / 0",
                  "at": "1m",
                  "line": 26,
                  "expected": [
                    {
                      "labels": {},
                      "value": "NaN"
                    }
                  ],
                  "got": [
                    {
                      "labels": {},
                      "value": "NaN"
                    }
                  ]
                },
                {
                  "kind": "expr",
                  "what": "llm_requests_total\n/ on (model)\nllm_requests_total",
                  "at": "1m",
                  "line": 27,
                  "error": "found duplicate series for the match group {model=\"a\"} on the right hand-side of the operation: [{__name__=\"llm_requests_total\", code=\"200\", model=\"a\"}, {__name__=\"llm_requests_total\", code=\"500\", model=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one side"
                },
                {
                  "kind": "expr",
                  "what": "\"text\"",
                  "at": "1m",
                  "line": 32,
                  "error": "rule result is not a vector or scalar"
                }
              ]
            }
          ]
        }
      ]
    }
    "#);
    assert_snapshot!(project.run("test --unit failing.yml --run xyz"), @r"
    exit 0
    ----- stderr
    warning: no test was run: none is there, or none has a name that `--run` matches
    0 tests passed
    ");
    project.write("failing.yml", &failing.replace("tests:\n", "fuzzy_compare: true\ntests:\n"));
    let ran = project.run("test --unit failing.yml");
    assert!(!ran.stdout.contains("0.1 + 0.2"), "{ran}");
}

#[test]
fn a_rule_that_fails_ends_its_test() {
    let rules = "groups:\n- name: a\n  rules:\n  - {record: x, expr: 'a + on (b) group_left a'}\n  - {alert: Up, expr: a}\n";
    let test = "\
rule_files: [r.yml]
tests:
  - input_series: [{series: 'a{c=\"1\"}', values: '_ _ 1x9'}, {series: 'a{c=\"2\"}', values: '_ _ 1x9'}]
    alert_rule_test: [{eval_time: 1m, alertname: Up, exp_alerts: [{}]}, {eval_time: 5m, alertname: Up}]
    promql_expr_test: [{expr: '1', eval_time: 1m}]
";
    let project = Project::new().file("r.yml", rules).file("t.yml", test);
    assert_snapshot!(project.run("test --unit t.yml"), @r#"
    exit 1
    ----- stdout
    FAIL  t.yml:3  (no name)
      alert Up  at 1m  t.yml:4
        expected  {alertname="Up"}
        got       nothing
      rule x  at 2m  t.yml:3
        error     found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="a", c="1"}, {__name__="a", c="2"}];many-to-many matching not allowed: matching labels must be unique on one side
    ----- stderr
    1 of 1 test failed
    "#);
}

#[test]
fn the_order_of_groups_and_the_end_of_the_input() {
    let rules = "\
groups:
- {name: late, rules: [{record: b, expr: a}]}
- {name: early, rules: [{record: a, expr: 'seen'}]}
- {name: future, rules: [{record: ahead, expr: 'seen offset -1m'}]}
";
    let test = "\
rule_files: [r.yml]
group_eval_order: [early, late]
tests:
  - input_series: [{series: seen, values: '0+1x100'}]
    promql_expr_test:
      - {expr: 'b', eval_time: 5m, exp_samples: [{labels: b, value: 5}]}
      - {expr: 'count_over_time(seen[1h])', eval_time: 330s, exp_samples: [{labels: '{}', value: 6}]}
      - {expr: 'ahead', eval_time: 5m, exp_samples: [{labels: ahead, value: 5}]}
      - {expr: 'seen offset -10m', eval_time: 5m, exp_samples: [{labels: seen, value: 5}]}
  - name: later
    start_timestamp: 2026-01-01T00:00:00Z
    input_series: [{series: seen, values: '0+1x100'}]
    promql_expr_test:
      - {expr: 'timestamp(seen)', eval_time: 1m, exp_samples: [{labels: '{}', value: 1767225660}]}
";
    let project = Project::new().file("r.yml", rules).file("t.yml", test);
    assert_snapshot!(project.run("test --unit t.yml"), @r"
    exit 1
    ----- stdout
    FAIL  t.yml:4  (no name)
      expr seen offset -10m  at 5m  t.yml:9
        expected  seen 5
        got       nothing
    ok    t.yml:10  later
    ----- stderr
    1 of 2 tests failed
    ");
}

#[test]
fn mistakes_in_tests_are_told_all_at_once() {
    let tests = "\
rule_files: [rules/*.yml, none.yml]
tests:
  - interval: 30
    input_series:
      - series: 'up{job=gateway}'
        values: '0+1x10 nope {{schema:1}}'
    alert_rule_test:
      - eval_time: 5m
        alert_name: Down
    promql_expr_test:
      - expr: |
          sum(
            rate(up)
          )
        eval_time: 1m
";
    let project = Project::new().file("t.yml", tests);
    assert_snapshot!(project.run("test --unit t.yml"), @r#"
    exit 2
    ----- stderr
    error: `30` has no unit
     --> t.yml:3:15
      |
    3 |   - interval: 30
      |               ^^
      |
      = help: write a duration such as `30s`, `5m` or `1h30m`

    error: a label's value is in quotes
     --> t.yml:5:25
      |
    5 |       - series: 'up{job=gateway}'
      |                         ^
      |
      = help: write `name{label="value"}`

    error: `nope` is no value
     --> t.yml:6:25
      |
    6 |         values: '0+1x10 nope {{schema:1}}'
      |                         ^^^^
      |
      = help: values are numbers, `_` for a gap, `stale`, and runs: `5x3`, `0+10x100`, `1-2x3`, `_x5`

    error: native histograms are not supported
     --> t.yml:6:30
      |
    6 |         values: '0+1x10 nope {{schema:1}}'
      |                              ^^^^^^^^^^^^
      |
      = help: give the classic series `…_bucket`, `…_count` and `…_sum`

    error: unknown key `alert_name` in a test of an alert
     --> t.yml:9:9
      |
    9 |         alert_name: Down
      |         ^^^^^^^^^^
      |
      = help: did you mean `alertname`?

    error: expected type range vector in call to function "rate", got instant vector
      --> t.yml:13:18
       |
    13 |             rate(up)
       |                  ^^

    6 errors in t.yml
    "#);
}

#[test]
fn mistakes_in_rules_are_told_before_any_test_is_run() {
    let rules = "\
groups:
- name: a
  rules:
  - alert: Down
    expr: up == 0
    annotations:
      text: 'no {{ $labels.job'
      value: >-
        is
        {{ $value | humanise }}
  - {record: x, expr: 'mad_over_time(up[5m])'}
";
    let project = Project::new().file("t.yml", "rule_files: [r.yml]\n").file("r.yml", rules);
    assert_snapshot!(project.run("test --unit t.yml"), @r#"
    exit 2
    ----- stderr
    error: the template of `text` is wrong: unclosed action
     --> r.yml:7:31
      |
    7 |       text: 'no {{ $labels.job'
      |                               ^

    error: the template of `value` is wrong: function "humanise" not defined
      --> r.yml:10:21
       |
    10 |         {{ $value | humanise }}
       |                     ^^^^^^^^

    error: function "mad_over_time" is not enabled
      --> r.yml:11:24
       |
    11 |   - {record: x, expr: 'mad_over_time(up[5m])'}
       |                        ^^^^^^^^^^^^^
       |
       = help: Prometheus has it behind a feature flag; accept it with `--experimental`

    3 errors in r.yml
    "#);
    let right = rules.replace("job'", "job }}'").replace("humanise", "humanize");
    project.write("r.yml", &right);
    assert_eq!(project.run("test --unit t.yml --experimental").code, Some(0));
}

#[test]
fn what_is_missing_is_told() {
    let project = project();
    let mut all = String::new();
    for words in [
        "test",
        "test rules.yml",
        "test --unit",
        "test --unit none.yml",
        "test --unit rules/errors.yml --run (",
    ] {
        let _ = writeln!(all, "$ llmobs {words}\n{}", project.run(words));
    }
    assert_snapshot!(all, @r"
    $ llmobs test
    exit 2
    ----- stderr
    error: `llmobs test` has only unit tests yet
    hint: run promtool's unit tests for rules with `llmobs test --unit FILE…`

    $ llmobs test rules.yml
    exit 2
    ----- stderr
    error: `llmobs test` has only unit tests yet
    hint: run promtool's unit tests for rules with `llmobs test --unit FILE…`

    $ llmobs test --unit
    exit 2
    ----- stderr
    error: no file of unit tests is named
    hint: name files as they are given to `promtool test rules`: `llmobs test --unit tests/*.yml`

    $ llmobs test --unit none.yml
    exit 2
    ----- stderr
    error: cannot read `none.yml`: it does not exist

    $ llmobs test --unit rules/errors.yml --run (
    exit 2
    ----- stderr
    error: `--run (` is no regular expression: regex parse error:
        (
        ^
    error: unclosed group
    hint: write a part of a test's name
    ");
    project.write("t.yml", "rule_files: [none.yml, '[']\ntests: []\n");
    assert_snapshot!(project.run("test --unit t.yml"), @r"
    exit 2
    ----- stderr
    warning: `none.yml` names no file
     --> t.yml:1:14
      |
    1 | rule_files: [none.yml, '[']
      |              ^^^^^^^^
      |
      = help: paths are relative to the file of tests

    error: `[` is no pattern: a `[` or `\` is not complete
     --> t.yml:1:24
      |
    1 | rule_files: [none.yml, '[']
      |                        ^^^

    1 error and 1 warning in t.yml
    ");
    project.write("t.yml", "rule_files: [none.yml]\n");
    assert_snapshot!(project.run("test --unit t.yml"), @r"
    exit 0
    ----- stderr
    warning: `none.yml` names no file
     --> t.yml:1:14
      |
    1 | rule_files: [none.yml]
      |              ^^^^^^^^
      |
      = help: paths are relative to the file of tests

    warning: no test was run: none is there, or none has a name that `--run` matches
    0 tests passed
    ");
}
