//! Metric sources: what is shipped, and a third dialect that needs no Rust.

use insta::assert_snapshot;

use crate::project::Project;

/// A gateway that counts requests, tokens and durations, but names neither models nor cost.
pub(crate) const TINY: &str = r#"
name: tiny
title: Tiny gateway
upstream: https://example.org/tiny/metrics
default_port: 8080
provider: example
families:
  - {name: tiny_requests_total, type: counter, unit: requests, help: Finished requests., labels: {code: ["2xx", "4xx", "5xx"]}}
  - {name: tiny_tokens_total, type: counter, unit: tokens, help: Tokens., labels: {direction: [in, out]}}
  - {name: tiny_seconds, type: histogram, unit: seconds, help: Duration of requests., buckets: [0.5, 1, 2, 4, 8, 16]}
primitives:
  requests: sum by ($by) (rate(tiny_requests_total{$selector}[$window]))
  errors:
    classes:
      server_error: sum by ($by) (rate(tiny_requests_total{code="5xx",$selector}[$window]))
  tokens:
    output: sum by ($by) (rate(tiny_tokens_total{direction="out",$selector}[$window]))
  duration:
    family: tiny_seconds
    expr: sum by ($by) (rate(tiny_seconds_bucket{$selector}[$window]))
"#;

const TINY_TARGET: &str =
    "models: [gpt-4o]\ntargets:\n  - {job: tiny, source: ./tiny.yaml, endpoints: [\"tiny:8080\"]}\n";

#[test]
fn the_table_of_sources() {
    assert_snapshot!(Project::new().run("sources"), @r"
    exit 0
    ----- stdout
    Quantity               llmobs  vllm
    models                 yes     yes
    requests               yes     yes
    errors by class        yes     yes
    input tokens           yes     yes
    output tokens          yes     yes
    cached input tokens    -       yes
    cost                   yes     from tokens and prices
    duration               yes     yes
    time to first token    yes     yes
    time per output token  yes     yes
    active requests        yes     yes
    queued requests        -       yes
    KV cache use           -       yes
    ----- stderr

    Next:  llmobs sources vllm
    ");
}

#[test]
fn one_source() {
    assert_snapshot!(Project::new().run("sources vllm"), @r"
    exit 0
    ----- stdout
    vllm: vLLM (V1 engine)
    read from https://github.com/vllm-project/vllm (vllm/v1/metrics/loggers.py, 0.33.0)

    Family                                      Type       What it is
    vllm:request_success_total                  counter    Requests that the engine finished, for whatever reason.
    vllm:admission_rejections_total             counter    Requests refused before they reached the engine.
    vllm:prompt_tokens_total                    counter    Input tokens, cached ones included.
    vllm:prompt_tokens_cached_total             counter    Input tokens that came from a cache.
    vllm:generation_tokens_total                counter    Output tokens.
    vllm:e2e_request_latency_seconds            histogram  From a request's arrival to its end.
    vllm:time_to_first_token_seconds            histogram  From a request's arrival to its first token.
    vllm:request_time_per_output_token_seconds  histogram  Mean time between the output tokens of a request.
    vllm:num_requests_running                   gauge      Requests that the engine works on.
    vllm:num_requests_waiting                   gauge      Requests that wait for the engine.
    vllm:kv_cache_usage_perc                    gauge      Share of the KV cache in use, 0 to 1.

    Gives: models, requests, errors by class, input tokens, output tokens, cached input tokens, duration, time to first token, time per output token, active requests, queued requests, KV cache use
    Derived: cost (from tokens and prices)
    ");
}

#[test]
fn sources_as_json() {
    let project = Project::new();
    assert_snapshot!(project.run("sources vllm --format json"), @r#"
    exit 0
    ----- stdout
    {
      "version": 1,
      "name": "vllm",
      "title": "vLLM (V1 engine)",
      "upstream": "https://github.com/vllm-project/vllm (vllm/v1/metrics/loggers.py, 0.33.0)",
      "gives": [
        "models",
        "requests",
        "errors by class",
        "input tokens",
        "output tokens",
        "cached input tokens",
        "duration",
        "time to first token",
        "time per output token",
        "active requests",
        "queued requests",
        "KV cache use"
      ],
      "derived": [
        "cost"
      ],
      "lacks": [],
      "families": [
        "vllm:request_success_total",
        "vllm:admission_rejections_total",
        "vllm:prompt_tokens_total",
        "vllm:prompt_tokens_cached_total",
        "vllm:generation_tokens_total",
        "vllm:e2e_request_latency_seconds",
        "vllm:time_to_first_token_seconds",
        "vllm:request_time_per_output_token_seconds",
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc"
      ]
    }
    "#);
    let all: serde_json::Value =
        serde_json::from_str(&project.run("sources --format json").done().stdout).unwrap();
    let one: serde_json::Value =
        serde_json::from_str(&project.run("sources vllm --format json").done().stdout).unwrap();
    let names: Vec<_> = all.as_array().unwrap().iter().map(|source| &source["name"]).collect();
    assert_eq!(names, ["llmobs", "vllm"]);
    assert_eq!(all[1], one);
}

#[test]
fn a_source_that_is_not_there() {
    let project = Project::new();
    assert_snapshot!(project.run("sources vlm"), @r"
    exit 2
    ----- stderr
    error: there is no source `vlm`
    hint: did you mean `vllm`?
    ");
    assert_snapshot!(project.run("sources prometheus"), @r"
    exit 2
    ----- stderr
    error: there is no source `prometheus`
    hint: there are llmobs, vllm; a file of your own goes by its path
    ");
    assert_snapshot!(project.run("sources none/tiny.yaml"), @r"
    exit 2
    ----- stderr
    error: cannot load a metric source: cannot read `none/tiny.yaml`: it does not exist
    ");
}

#[test]
fn a_source_of_ones_own_is_shown_like_the_others() {
    assert_snapshot!(Project::new().file("tiny.yaml", TINY).run("sources tiny.yaml"), @r"
    exit 0
    ----- stdout
    tiny: Tiny gateway
    read from https://example.org/tiny/metrics

    Family               Type       What it is
    tiny_requests_total  counter    Finished requests.
    tiny_tokens_total    counter    Tokens.
    tiny_seconds         histogram  Duration of requests.

    Gives: requests, errors by class, output tokens, duration
    Lacks: models, input tokens, cached input tokens, cost, time to first token, time per output token, active requests, queued requests, KV cache use
    ");
}

#[test]
fn a_source_of_ones_own_is_rendered_and_what_it_cannot_give_is_left_out() {
    let project = Project::with(TINY_TARGET).file("tiny.yaml", TINY);
    assert_snapshot!(project.run("render --out out"), @r"
    exit 0
    ----- stdout
    wrote    out/compose.yaml
    wrote    out/grafana/provisioning/dashboards/llmobs.yaml
    wrote    out/grafana/provisioning/dashboards/llmobs/llm-service-overview.json
    wrote    out/grafana/provisioning/datasources/llmobs.yaml
    wrote    out/prometheus/prometheus.yml
    wrote    out/prometheus/rules/llmobs.yml
    wrote    out/runbooks/LLMHighErrorRate.md
    wrote    out/runbooks/LLMHighLatency.md
    wrote    out/runbooks/LLMServiceDown.md
    wrote    out/runbooks/LLMTokenUsageSpike.md
    ----- stderr
    note: `objectives.latency.threshold` of 5 s is no bucket bound of the duration of job `tiny`: shares are counted at its nearest bound, 4 s
    note: left out, because no target gives it: time to first token, cost, active requests, time per output token, queued requests, KV cache use
    warning: alert `LLMCostCeilingApproaching` is left out: no target where requests enter gives cost
    warning: alert `LLMCostCeilingExceeded` is left out: no target where requests enter gives cost
    10 files in out

    Next:  GRAFANA_PASSWORD=… docker compose -f out/compose.yaml up
           or without the folder: llmobs up
    ");
    let rules = project.read("out/prometheus/rules/llmobs.yml");
    assert_snapshot!(rules, @r#"
    # Rendered by llmobs; the next `llmobs render` or `llmobs up` writes it again.
    groups:
      - name: llmobs.records
        interval: "15s"
        rules:
          # Prices in US dollars per token. A new price is a new value here; what was spent before stays as it was.
          - record: llm_model_price_usd_per_token
            expr: vector(0.0000025)
            labels:
              model: "gpt-4o"
              provider: "openai"
              type: "input"
          - record: llm_model_price_usd_per_token
            expr: vector(0.00001)
            labels:
              model: "gpt-4o"
              provider: "openai"
              type: "output"
          - record: llm_model_price_usd_per_token
            expr: vector(0.00000125)
            labels:
              model: "gpt-4o"
              provider: "openai"
              type: "cached_input"

      - name: llmobs.alerts
        interval: "15s"
        rules:
          - alert: LLMServiceDown
            expr: |
              up{job="tiny"} == 0
              or
              absent(up{job="tiny"})
            for: "1m"
            labels:
              severity: critical
              service: "llm-service"
            annotations:
              summary: "{{ $labels.job }} of llm-service cannot be reached"
              description: "Prometheus has had no {{ with $labels.instance }}answer from {{ . }}{{ else }}target{{ end }} of job {{ $labels.job }} for at least 1 min."
          - alert: LLMHighErrorRate
            expr: |
              (
                sum(rate(tiny_requests_total{code="5xx",job="tiny"}[5m]))
                or
                vector(0)
              )
              /
              (
                sum(rate(tiny_requests_total{job="tiny"}[5m])) > 0
              )
              > 0.05
            for: "5m"
            labels:
              severity: critical
              service: "llm-service"
            annotations:
              summary: "More than 5% of the requests to llm-service fail"
              description: "{{ $value | humanizePercentage }} of all requests of the last 5 min did not succeed (rate limits and content filters included); the limit is 5%."
          - alert: LLMHighLatency
            expr: |
              histogram_quantile(0.99, sum by (le) (rate(tiny_seconds_bucket{job="tiny"}[5m])))
              > 5
            for: "5m"
            labels:
              severity: warning
              service: "llm-service"
            annotations:
              summary: "The slowest 1% of the requests to llm-service take over 5 s"
              description: "P99 of the request duration{{ with $labels.job }} of {{ . }}{{ end }} is {{ $value | humanizeDuration }} over the last 5 min; the limit is 5 s."
          - alert: LLMTokenUsageSpike
            expr: |
              sum(rate(tiny_tokens_total{direction="out",job="tiny"}[5m]))
              > 1000
            for: "5m"
            labels:
              severity: info
              service: "llm-service"
            annotations:
              summary: "llm-service writes over 1000 output tokens per second"
              description: "{{ printf \"%.0f\" $value }} output tokens per second over the last 5 min; the limit is 1000."
    "#);
}

#[test]
fn a_source_stands_beside_the_configuration_and_not_beside_the_user() {
    let project = Project::new().file("conf/llmobs.yaml", TINY_TARGET).file("conf/tiny.yaml", TINY);
    project.run("render --config conf/llmobs.yaml --out out").done();
}

#[test]
fn a_broken_source_is_refused_with_its_place() {
    #[track_caller]
    fn broken(from: &str, to: &str) -> String {
        assert!(TINY.contains(from));
        let project = Project::with(TINY_TARGET).file("tiny.yaml", &TINY.replace(from, to));
        let ran = project.run("render --out out");
        assert!(!project.has("out"));
        assert_eq!(project.run("sources ./tiny.yaml").code, Some(2));
        ran.to_string()
    }
    assert_snapshot!(broken("title: Tiny gateway", "titel: Tiny gateway"), @r"
    exit 2
    ----- stderr
    error: unknown field `titel`, expected one of name, title, upstream, default_port, provider, labels, families, overlap, primitives
     --> ./tiny.yaml:3:1
      |
    3 | titel: Tiny gateway
      | ^^^^^

    1 error in ./tiny.yaml
    ");
    assert_snapshot!(broken("[0.5, 1, 2, 4, 8, 16]", "[0.5, 2, 1]"), @r"
    exit 2
    ----- stderr
    error: cannot use the source file `./tiny.yaml`: source `tiny`: family `tiny_seconds` needs ascending finite `buckets`
    ");
    assert_snapshot!(broken("(tiny_requests_total{$selector}[$window])", "(tiny_requests_total{$selector}[5m])"), @r"
    exit 2
    ----- stderr
    error: cannot use the source file `./tiny.yaml`: source `tiny`: primitive `requests` has no `$window`
    ");
    assert_snapshot!(broken("rate(tiny_seconds_bucket", "rate(tiny_sekonds_bucket"), @r"
    exit 2
    ----- stderr
    error: cannot use the source file `./tiny.yaml`: source `tiny`: primitive `duration` speaks of `tiny_sekonds_bucket`, which is not among its families
    ");
    assert_snapshot!(broken("rate(tiny_seconds_bucket{$selector}[$window])", "tiny_seconds_bucket{$selctor, a=}"), @r#"
    exit 2
    ----- stderr
    error: unexpected "}" in label matching, expected string
      --> ./tiny.yaml:20:57
       |
    20 |     expr: sum by ($by) (tiny_seconds_bucket{$selctor, a=})
       |                                                         ^

    1 error in ./tiny.yaml
    "#);
    assert_snapshot!(broken("(rate(tiny_requests_total{$selector}[$window]))", "(tiny_requests_total{$selector}[$window])"), @r#"
    exit 2
    ----- stderr
    error: expected type instant vector in aggregation expression, got range vector
      --> ./tiny.yaml:12:27
       |
    12 |   requests: sum by ($by) (tiny_requests_total{$selector}[$window])
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    1 error in ./tiny.yaml
    "#);
    assert_snapshot!(broken("sum by ($by) (rate(tiny_tokens", "sum by ($bye) (rate(tiny_tokens"), @r#"
    exit 2
    ----- stderr
    error: nothing fills `$bye`: holes are `$selector`, `$window` and `$by`
      --> ./tiny.yaml:17:21
       |
    17 |     output: sum by ($bye) (rate(tiny_tokens_total{direction="out",$selector}[$window]))
       |                     ^^^^

    1 error in ./tiny.yaml
    "#);
    assert_snapshot!(broken("default_port: 8080", "default_port: [8080"), @r"
    exit 2
    ----- stderr
    error: expected string scalar
     --> ./tiny.yaml:5:15
      |
    5 | default_port: [8080
      |               ^

    1 error in ./tiny.yaml
    ");
    assert_snapshot!(broken("type: histogram", "type: histogramm"), @r"
    exit 2
    ----- stderr
    error: unknown variant `histogramm`, expected one of counter, gauge, histogram
      --> ./tiny.yaml:10:32
       |
    10 |   - {name: tiny_seconds, type: histogramm, unit: seconds, help: Duration of requests., bucke...
       |                                ^^^^^^^^^^

    1 error in ./tiny.yaml
    ");
}

#[test]
fn a_source_file_that_is_not_there() {
    assert_snapshot!(Project::with(TINY_TARGET).run("render --out out"), @r"
    exit 2
    ----- stderr
    error: cannot load a metric source: cannot read `./tiny.yaml`: it does not exist
    ");
}
