//! `llmobs test --unit`: verdicts, failures, refusals.

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
          - {labels: 'llm_requests_total{model="a",code="200"}', value: 180}
          - {labels: 'llm_requests_total{model="a",code="500"}', value: 0}
          - {labels: 'llm_requests_total{model="b",code="200"}', value: 60}
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
    assert_snapshot!(project.run("test --unit errors.test.yml"), @"");
    assert_snapshot!(project.run("test --unit errors.test.yml --format json"), @"");
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
    assert_snapshot!(project.run("test --unit failing.yml"), @"");
    assert_snapshot!(project.run("test --unit failing.yml --run right"), @"");
    assert_snapshot!(project.run("test --unit failing.yml --run wrong --run xyz --format json"), @"");
    assert_snapshot!(project.run("test --unit failing.yml --run xyz"), @"");
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
    assert_snapshot!(project.run("test --unit t.yml"), @"");
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
    assert_snapshot!(project.run("test --unit t.yml"), @"");
}

#[test]
fn mistakes_in_tests_and_rules_are_told_together() {
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
    let rules = "groups:\n- name: a\n  rules:\n  - alert: Down\n    expr: up == 0\n    annotations: {text: '{{ $labels.job'}\n";
    let project = Project::new().file("t.yml", tests).file("rules/r.yml", rules);
    assert_snapshot!(project.run("test --unit t.yml"), @"");
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
        all += &format!("$ llmobs {words}\n{}\n", project.run(words));
    }
    assert_snapshot!(all, @"");
    project.write("t.yml", "rule_files: [none.yml, '[']\ntests: []\n");
    assert_snapshot!(project.run("test --unit t.yml"), @"");
    project.write("t.yml", "rule_files: [none.yml]\n");
    assert_snapshot!(project.run("test --unit t.yml"), @"");
}
