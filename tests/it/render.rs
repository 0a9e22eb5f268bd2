//! The folder that `render` writes: again, edited, foreign, out of date, in the way.

use std::{collections::BTreeMap, fs, time::SystemTime};

use insta::assert_snapshot;

use crate::project::Project;

const RULES: &str = "out/prometheus/rules/llmobs.yml";

fn rendered() -> Project {
    let project = Project::new();
    project.run("render --out out").done();
    project
}

fn changed_at(project: &Project) -> BTreeMap<String, SystemTime> {
    let time = |path: &String| fs::metadata(project.join("out").join(path)).unwrap().modified().unwrap();
    project.tree("out").keys().map(|path| (path.clone(), time(path))).collect()
}

#[test]
fn equal_input_gives_equal_bytes() {
    let (one, other) = (rendered().tree("out"), rendered().tree("out"));
    assert!(one == other);
}

#[test]
fn a_second_render_touches_nothing() {
    let project = rendered();
    let before = changed_at(&project);
    assert_snapshot!(project.run("render --out out"), @r"
    exit 0
    ----- stderr
    note: left out, because no target gives it: queued requests, KV cache use
    13 files in out, all unchanged

    Next:  llmobs image load && GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
    assert_eq!(changed_at(&project), before);
}

#[test]
fn only_what_differs_is_written() {
    let project = rendered();
    assert_snapshot!(project.run("render --out out --set tokens.spike_per_second=900"), @r"
    exit 0
    ----- stdout
    wrote    out/exporter/runbooks/LLMTokenUsageSpike.md
    wrote    out/grafana/provisioning/dashboards/llmobs/llm-service-overview.json
    wrote    out/prometheus/rules/llmobs.yml
    ----- stderr
    note: left out, because no target gives it: queued requests, KV cache use
    13 files in out, 10 of them unchanged

    Next:  llmobs image load && GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
}

#[test]
fn what_the_user_changed_is_not_overwritten() {
    let project = rendered();
    project.write(RULES, "groups: []\n");
    project.write("out/compose.yaml", "mine\n");
    let before = project.tree("out");
    assert_snapshot!(project.run("render --out out"), @r"
    exit 2
    ----- stderr
    error: nothing was written into `out`, to lose nothing:
      `compose.yaml` was changed since llmobs wrote it
      `prometheus/rules/llmobs.yml` was changed since llmobs wrote it
    hint: move your changes into files of your own (`include:` in llmobs.yaml), or overwrite with `--force`
    ");
    assert_eq!(project.tree("out"), before);
    project.run("render --out out --force").done();
    assert!(project.tree("out") == rendered().tree("out"));
}

#[test]
fn what_is_not_ours_is_not_overwritten() {
    let project = Project::new().file("out/compose.yaml", "mine\n").file("out/notes.txt", "mine\n");
    assert_snapshot!(project.run("render --out out"), @r"
    exit 2
    ----- stderr
    error: nothing was written into `out`, to lose nothing:
      `compose.yaml` was not written by llmobs
    hint: choose another folder with `--out`, or overwrite with `--force`
    ");
    assert_eq!(project.tree("out").len(), 2);
    project.run("render --out out --force").done();
    assert_ne!(project.read("out/compose.yaml"), "mine\n");
    assert_eq!(project.read("out/notes.txt"), "mine\n");
}

#[test]
fn what_is_no_longer_made_is_removed() {
    let project = rendered();
    project.write("out/exporter/runbooks/mine.md", "mine\n");
    project
        .write("llmobs.yaml", "targets: [{job: gateway, source: llmobs, endpoints: [\"gateway:9091\"]}]\n");
    assert_snapshot!(project.run("render --out out"), @r"
    exit 0
    ----- stdout
    wrote    out/compose.yaml
    wrote    out/grafana/provisioning/dashboards/llmobs/llm-service-overview.json
    wrote    out/grafana/provisioning/datasources/llmobs.yaml
    wrote    out/prometheus/prometheus.yml
    wrote    out/prometheus/rules/llmobs.yml
    wrote    out/runbooks/LLMCostCeilingApproaching.md
    wrote    out/runbooks/LLMCostCeilingExceeded.md
    wrote    out/runbooks/LLMHighErrorRate.md
    wrote    out/runbooks/LLMHighLatency.md
    wrote    out/runbooks/LLMServiceDown.md
    wrote    out/runbooks/LLMTokenUsageSpike.md
    removed  out/exporter/llmobs.yaml
    removed  out/exporter/runbooks/LLMCostCeilingApproaching.md
    removed  out/exporter/runbooks/LLMCostCeilingExceeded.md
    removed  out/exporter/runbooks/LLMHighErrorRate.md
    removed  out/exporter/runbooks/LLMHighLatency.md
    removed  out/exporter/runbooks/LLMServiceDown.md
    removed  out/exporter/runbooks/LLMTokenUsageSpike.md
    ----- stderr
    note: left out, because no target gives it: queued requests, KV cache use
    12 files in out, 1 of them unchanged

    Next:  GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
    assert!(!project.has("out/exporter/llmobs.yaml"));
    assert_eq!(project.read("out/exporter/runbooks/mine.md"), "mine\n");
}

#[test]
fn a_check_says_what_is_out_of_date_and_writes_nothing() {
    let project = rendered();
    assert_snapshot!(project.run("render --out out --check"), @r"
    exit 0
    ----- stderr
    out is up to date
    ");
    assert_snapshot!(project.run("render --out out --check --format json"), @r#"
    exit 0
    ----- stdout
    {
      "version": 1,
      "up_to_date": true,
      "stale": []
    }
    "#);
    project.write(RULES, "groups: []\n");
    project.remove("out/compose.yaml");
    let before = project.tree("out");
    assert_snapshot!(project.run("render --out out --check"), @r"
    exit 1
    ----- stdout
    File                         State
    compose.yaml                 missing
    prometheus/rules/llmobs.yml  changed
    ----- stderr

    out is out of date

    Next:  llmobs render --out out
    ");
    assert_snapshot!(project.run("render --out out --check --format json"), @r#"
    exit 1
    ----- stdout
    {
      "version": 1,
      "up_to_date": false,
      "stale": [
        {
          "path": "compose.yaml",
          "kind": "missing"
        },
        {
          "path": "prometheus/rules/llmobs.yml",
          "kind": "changed"
        }
      ]
    }
    "#);
    assert_eq!(project.tree("out"), before);
    assert_eq!(project.run("render --out none --check").code, Some(1));
    assert!(!project.has("none"));
}

#[test]
fn what_was_done_as_json() {
    let project = rendered();
    project.remove(RULES);
    assert_snapshot!(project.run("render --out out --format json"), @r#"
    exit 0
    ----- stdout
    {
      "version": 1,
      "written": [
        "prometheus/rules/llmobs.yml"
      ],
      "removed": [],
      "unchanged": 12
    }
    ----- stderr
    note: left out, because no target gives it: queued requests, KV cache use
    "#);
}

#[test]
fn a_place_that_cannot_be_written() {
    let project = Project::new().file("file", "").file("out/prometheus", "");
    assert_snapshot!(project.run("render --out file/out"), @r"
    exit 2
    ----- stderr
    error: cannot write `file/out`: a part of the path is a file, not a folder
    hint: choose another folder with `--out`, or move what is in the way
    ");
    assert_snapshot!(project.run("render --out file"), @r"
    exit 2
    ----- stderr
    error: cannot write `file`: a part of the path is a file, not a folder
    hint: choose another folder with `--out`, or move what is in the way
    ");
    assert_snapshot!(project.run("render --out file --check"), @r"
    exit 2
    ----- stderr
    error: cannot write `file`: a part of the path is a file, not a folder
    hint: choose another folder with `--out`, or move what is in the way
    ");
    assert_snapshot!(project.run("render --out out --force"), @r"
    exit 2
    ----- stderr
    error: nothing was written into `out`, to lose nothing:
      `prometheus/prometheus.yml` has a folder in the place of a file, or a file in the place of a folder
      `prometheus/rules/llmobs.yml` has a folder in the place of a file, or a file in the place of a folder
    hint: choose another folder with `--out`, or move what is in the way
    ");
    assert_eq!(project.tree(".").keys().collect::<Vec<_>>(), ["file", "out/prometheus"]);
    assert_snapshot!(project.run_args(&["render", "--out", ""]), @r"
    exit 2
    ----- stderr
    error: a value is required for '--out <DIR>' but none was supplied

    For more information, try '--help'.
    ");
}

#[test]
fn included_files_go_along_untouched() {
    let rules = "groups: # mine\n- {name: mine, rules: [{alert: Mine, expr: up == 0}]}\n";
    let scrape =
        "scrape_configs:   # mine\n- {job_name: node, static_configs: [{targets: [\"node:9100\"]}]}\n";
    let dashboard = "{ \"title\": \"Mine\",  \"uid\": \"mine\", \"panels\": [] }";
    let project = Project::new()
        .file("conf/llmobs.yaml", "include: {rules: [my/r.yml], scrape: [s.yml], dashboards: [./d.json]}\n")
        .file("conf/my/r.yml", rules)
        .file("conf/s.yml", scrape)
        .file("conf/d.json", dashboard);
    project.run("render --out out -c conf/llmobs.yaml").done();
    assert_eq!(project.read("out/prometheus/rules/r.yml"), rules);
    assert_eq!(project.read("out/prometheus/scrape/s.yml"), scrape);
    assert_eq!(project.read("out/grafana/provisioning/dashboards/llmobs/d.json"), dashboard);
    let main = project.read("out/prometheus/prometheus.yml");
    let files = main.split("rule_files:").nth(1).and_then(|rest| rest.split("scrape_configs:").next());
    assert_snapshot!(files.unwrap(), @r#"
      - "rules/llmobs.yml"
      - "rules/r.yml"

    scrape_config_files:
      - "scrape/s.yml"
    "#);
}

#[test]
fn a_broken_included_file_is_refused_by_name() {
    #[track_caller]
    fn refused(key: &str, file: &str, text: &str) -> String {
        let project = Project::new().file(file, text);
        let ran = project.run(&format!("render --out out --set include.{key}={file}"));
        assert!(!project.has("out"));
        ran.to_string()
    }
    assert_snapshot!(refused("rules", "r.yml", "groups: [\n"), @r"
    exit 2
    ----- stderr
    error: included file `r.yml` cannot be used: line 1, column 9: this is no YAML: unclosed bracket '['
    ");
    assert_snapshot!(refused("rules", "r.yml", "groups:\n- {name: a, rules: [{alrt: A, expr: up}]}\n"), @r"
    exit 2
    ----- stderr
    error: included file `r.yml` cannot be used: line 2, column 22: unknown key `alrt` in a rule
    ");
    assert_snapshot!(refused("dashboards", "d.json", "{\"title\": 1"), @r"
    exit 2
    ----- stderr
    error: included file `d.json` cannot be used: it is not JSON: EOF while parsing an object at line 1 column 11
    ");
    assert_snapshot!(refused("dashboards", "d.json", "[]"), @r"
    exit 2
    ----- stderr
    error: included file `d.json` cannot be used: it has no `title`
    ");
    assert_snapshot!(refused("scrape", "s.yml", "- job_name: a\n"), @r"
    exit 2
    ----- stderr
    error: included file `s.yml` cannot be used: it has no list `scrape_configs`
    ");
    assert_snapshot!(refused("rules", "llmobs.yml", "groups: []\n"), @r"
    exit 2
    ----- stderr
    error: included file `llmobs.yml` cannot be used: another file of that name goes into the same folder, rename yours
    ");
    assert_snapshot!(Project::new().run("render --out out --set include.rules=none.yml"), @r"
    exit 2
    ----- stderr
    error: cannot take an included file along: cannot read `none.yml`: it does not exist
    ");
}
