//! A fresh `up`: everything is scraped, every panel has numbers, and the numbers are true.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use llmobs::series;

use super::{
    engine::gateway,
    grafana,
    panels::{Question, all_have_data, number, questions},
    project::{Project, eventually},
    prometheus::{self, query, rules_healthy, sum, targets_up},
    vllm::{self, MODEL, Vllm},
};

/// From the end of `up` until everything is to be seen.
const LIMIT: Duration = Duration::from_mins(1);

/// Everything that a fresh stack must show; returns the dashboard's questions.
#[track_caller]
fn check_overview(project: &Project, targets: usize, scrape: u64) -> Vec<Question> {
    let begun = Instant::now();
    let endpoint = project.prometheus();
    // `up` has waited for the first scrape, so there is nothing to wait for.
    assert_eq!(targets_up(&endpoint), Ok(targets));
    let dashboard = grafana::dashboard(project).unwrap();
    let questions = questions(&dashboard, scrape);
    eventually(LIMIT, || all_have_data(&endpoint, &questions));
    let rules = eventually(LIMIT.saturating_sub(begun.elapsed()), || rules_healthy(&endpoint));
    assert!(rules.len() > 6, "{rules:?}");
    // A rule is healthy, too, when it was evaluated before the first scrape and gave nothing.
    eventually(LIMIT.saturating_sub(begun.elapsed()), || offers_models(project, &dashboard));
    println!("everything shown {:.1} s after `up`", begun.elapsed().as_secs_f64());
    questions
}

/// Whether the variable `$model` offers models.
fn offers_models(project: &Project, dashboard: &serde_json::Value) -> Result<(), String> {
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let job = variables.iter().find(|variable| variable["name"] == "job").unwrap();
    let model = variables.iter().find(|variable| variable["name"] == "model").unwrap();
    let asked = model["query"].as_str().unwrap().replace("$job", job["allValue"].as_str().unwrap());
    let (series, label) = asked
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|inner| inner.rsplit_once(", "))
        .unwrap();
    let path = format!("/api/v1/label/{label}/values?match[]={}", prometheus::encode(series));
    let offered = prometheus::data(&project.prometheus(), &path)?;
    if offered.as_array().is_some_and(|values| !values.is_empty()) {
        Ok(())
    } else {
        Err(format!("{asked} offers nothing"))
    }
}

/// A number must be within `tolerance` (a share) of the truth.
#[track_caller]
fn check_near(what: &str, seen: f64, truth: f64, tolerance: f64) {
    if let Err(difference) = near(what, seen, truth, tolerance) {
        panic!("{difference}");
    }
}

fn near(what: &str, seen: f64, truth: f64, tolerance: f64) -> Result<(), String> {
    if (seen - truth).abs() <= tolerance * truth.abs() {
        Ok(())
    } else {
        Err(format!("{what}: {seen}, in truth {truth}"))
    }
}

#[test]
fn default_stack_shows_everything() {
    let Some(project) = Project::new("default") else { return };
    let ran = project.up(&[]).done();
    let urls =
        |service: &str, port: u16| format!("{service:<12}http://127.0.0.1:{}\n", port + project.offset);
    let expect = urls("prometheus", 9090) + &urls("grafana", 3000) + &urls("exporter", 9091);
    assert_eq!(ran.stdout, expect);
    println!("`up` took {:.1} s", ran.wall.as_secs_f64());

    let questions = check_overview(&project, 1, 5);
    let endpoint = project.prometheus();
    let raw = |name: &str| raw_rate(&project, name);
    eventually(LIMIT, || {
        let seen = number(&endpoint, &questions, "Requests / s")?;
        near("requests per second", seen, raw("llm_requests_total")?, 0.25)
    });
    eventually(LIMIT, || {
        let seen = number(&endpoint, &questions, "Cost / h")?;
        near("cost per hour", seen, raw("llm_cost_usd_total")? * 3600.0, 0.35)
    });
    // The healthy default is quiet.
    assert_eq!(query(&endpoint, "ALERTS"), Ok(Vec::new()));
    check_mock_cost(&project);

    let status = project.run(&["status", "--format", "json"]).done();
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["targets"], serde_json::json!({"up": 1, "total": 1, "down": []}));
    assert_eq!(status["alerts_firing"], serde_json::json!([]));
    check_asked(&project);
    project.down_to_nothing();
}

/// `llmobs query` finds the stack's Prometheus by itself.
#[track_caller]
fn check_asked(project: &Project) {
    let at = |format: &str| project.run(&["query", "sum(up)", "--format", format]).done();
    let body: serde_json::Value = serde_json::from_str(&at("json").stdout).unwrap();
    assert_eq!(body["data"]["result"][0]["value"][1], "1");
    assert_eq!(at("text").stdout, "1\n");
    let missing = project.run(&["query", "llm_request_total"]).done();
    let hint = "hint: there is no metric `llm_request_total`; did you mean `llm_requests_total`?";
    assert!(missing.stderr.lines().any(|line| line == hint), "{}", missing.stderr);
    let drawn =
        project.run(&["query", "sum(rate(llm_requests_total[20s]))", "--from", "-1m", "--chart"]).done();
    assert!(drawn.stdout.contains('┤'), "{}", drawn.stdout);
}

/// What a counter grows by in a second, from the very samples of the last 20 s.
fn raw_rate(project: &Project, name: &str) -> Result<f64, String> {
    let series = query(&project.prometheus(), &format!("{name}{{job=\"mock\"}}[20s]"))?;
    let one = |series: &prometheus::Series| {
        let (first, last) = (series.samples.first()?, series.samples.last()?);
        (last.0 > first.0).then(|| (last.1 - first.1) / (last.0 - first.0))
    };
    series.iter().map(one).sum::<Option<f64>>().ok_or_else(|| format!("{name} has one sample only"))
}

/// On one page of the mock: cost is tokens times the prices that the rules have.
#[track_caller]
fn check_mock_cost(project: &Project) {
    let answer = prometheus::get(&project.exporter(), "/metrics", None).unwrap();
    let samples = series::parse(std::str::from_utf8(&answer.body).unwrap()).unwrap();
    let mut totals: BTreeMap<(String, String), f64> = BTreeMap::new();
    for sample in samples {
        let label = |name: &str| sample.labels.get(name).unwrap_or_default().to_owned();
        match sample.name.as_str() {
            "llm_tokens_total" => *totals.entry((label("model"), label("type"))).or_default() += sample.value,
            "llm_cost_usd_total" => {
                *totals.entry((label("model"), "cost".to_owned())).or_default() += sample.value;
            }
            _ => {}
        }
    }
    let prices = query(&project.prometheus(), "llm_model_price_usd_per_token").unwrap();
    let price = |model: &str, kind: &str| {
        let of =
            |series: &&prometheus::Series| series.labels["model"] == model && series.labels["type"] == kind;
        prices.iter().find(of).map_or(0.0, prometheus::Series::last)
    };
    let models: Vec<_> =
        totals.keys().filter(|(_, kind)| kind == "cost").map(|(model, _)| model.clone()).collect();
    assert_eq!(models, ["claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini"]);
    for model in models {
        let of = |kind: &str| totals.get(&(model.clone(), kind.to_owned())).copied().unwrap_or_default();
        let cached = of("cached_input");
        let truth = (of("input") - cached) * price(&model, "input")
            + cached * price(&model, "cached_input")
            + of("output") * price(&model, "output");
        check_near(&model, of("cost"), truth, 1e-6);
    }
}

const PRICED: &str = "models:
  - {name: meta-llama/Llama-3.1-8B-Instruct, provider: own, price: {input: 20, output: 80, cached_input: 10}}
  - gpt-4o
cost: {budget_per_month: 5000}
";

/// The numbers of vLLM's job, which are known exactly; shares of several jobs are not asked.
fn vllm_is_true(project: &Project, job: &str) -> Result<(), String> {
    let endpoint = project.prometheus();
    let requests = vllm::per_second("vllm:request_success_total", "");
    let of = |expr: String| sum(&endpoint, &expr.replace("JOB", job));
    near("requests", of("rate(vllm:request_success_total{job=\"JOB\"}[30s])".to_owned())?, requests, 0.02)?;
    let tokens = |name: &str| vllm::per_second(name, MODEL);
    let (input, cached) = (tokens("vllm:prompt_tokens_total"), tokens("vllm:prompt_tokens_cached_total"));
    let output = tokens("vllm:generation_tokens_total");
    let spend = ((input - cached) * 20.0 + cached * 10.0 + output * 80.0) / 1e6;
    let seen = of("llmobs:spend_usd:per_second{job=\"JOB\"}".to_owned())?;
    near("recorded spend per second", seen, spend, 0.03)
}

#[test]
fn vllm_shows_everything() {
    let Some(project) = Project::new("vllm") else { return };
    let server = Vllm::start(&gateway());
    let port = server.port();
    project.write(
        "llmobs.yaml",
        &format!(
            "targets:\n  - {{job: vllm, source: vllm, endpoints: [\"host.docker.internal:{port}\"], scrape_interval: 5s}}\n{PRICED}"
        ),
    );
    project.up(&[]).done();
    let questions = check_overview(&project, 1, 5);
    let endpoint = project.prometheus();

    let requests = vllm::per_second("vllm:request_success_total", "");
    let errors = vllm::per_second("vllm:request_success_total", "finished_reason=\"error\"");
    let output = vllm::per_second("vllm:generation_tokens_total", "");
    let shown = |panel: &str| number(&endpoint, &questions, panel);
    eventually(LIMIT, || near("requests / s", shown("Requests / s")?, requests, 0.03));
    eventually(LIMIT, || near("success rate", shown("Success rate")?, 1.0 - errors / requests, 0.001));
    eventually(LIMIT, || {
        let question = questions.iter().filter(|question| question.panel == "Tokens / s by type").nth(1);
        let series = question.unwrap().ask(&endpoint)?;
        near("output tokens / s", series.first().ok_or("nothing")?.last(), output, 0.03)
    });
    // Spend is recorded over a minute, which must have passed.
    eventually(Duration::from_mins(2), || vllm_is_true(&project, "vllm"));
    eventually(Duration::from_mins(1), || {
        let spend = sum(&endpoint, "llmobs:spend_usd:per_second")? * 3600.0;
        near("cost / h", shown("Cost / h")?, spend, 0.05)
    });
    project.down_to_nothing();
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn two_sources_together_show_everything() {
    let Some(project) = Project::new("both") else { return };
    let server = Vllm::start(&gateway());
    let app_port = TcpListener::bind((gateway().as_str(), 0)).unwrap().local_addr().unwrap().port();
    project.write(
        "llmobs.yaml",
        &format!(
            "targets:
  - {{job: vllm, source: vllm, endpoints: [\"host.docker.internal:{}\"], scrape_interval: 5s}}
  - {{job: app, source: llmobs, endpoints: [\"host.docker.internal:{app_port}\"], scrape_interval: 5s}}
{PRICED}",
            server.port()
        ),
    );
    let app = ["exporter", "--bind", &gateway(), "--port", &app_port.to_string(), "--models", "gpt-4o"];
    let app = project.command(&app).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _app = Running(app);
    project.up(&[]).done();
    let questions = check_overview(&project, 2, 5);
    let endpoint = project.prometheus();
    // The total is the sum of the parts.
    eventually(LIMIT, || {
        let app = sum(&endpoint, "rate(llm_requests_total{job=\"app\"}[20s])")?;
        let truth = app + vllm::per_second("vllm:request_success_total", "");
        near("requests / s", number(&endpoint, &questions, "Requests / s")?, truth, 0.05)
    });
    let rows = questions
        .iter()
        .find(|question| question.panel == "Models, mean over the range shown")
        .unwrap()
        .ask(&endpoint)
        .unwrap();
    let mut names: Vec<_> =
        rows.iter().map(|row| (row.labels["job"].as_str(), row.labels["model"].as_str())).collect();
    names.sort_unstable();
    assert_eq!(names, [("app", "gpt-4o"), ("vllm", MODEL)]);
    project.down_to_nothing();
}
