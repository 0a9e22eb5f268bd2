//! Questions to Prometheus, as its users ask them.

use std::collections::BTreeMap;

use llmobs::remote::{Answer, Credentials, Endpoint};
use serde_json::Value;

/// A series of an answer: its labels and its values, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) labels: BTreeMap<String, String>,
    /// Seconds since the Unix epoch, and the value.
    pub(super) samples: Vec<(f64, f64)>,
}

impl Series {
    pub(super) fn last(&self) -> f64 {
        self.samples.last().expect("a series has a sample").1
    }
}

pub(super) fn get(
    endpoint: &Endpoint,
    path: &str,
    credentials: Option<&Credentials>,
) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(endpoint.get(path, credentials)).map_err(|error| error.to_string())
}

/// The `data` of an answer of Prometheus.
pub(super) fn data(endpoint: &Endpoint, path: &str) -> Result<Value, String> {
    let answer = get(endpoint, path, None)?;
    let mut body: Value = serde_json::from_slice(&answer.body).map_err(|error| format!("{path}: {error}"))?;
    if body["status"] == "success" { Ok(body["data"].take()) } else { Err(format!("{path}: {body}")) }
}

/// The value of each series now.
pub(super) fn query(endpoint: &Endpoint, expr: &str) -> Result<Vec<Series>, String> {
    let data = data(endpoint, &format!("/api/v1/query?query={}", encode(expr)))?;
    series(&data)
}

/// The values of each series over the last hour.
pub(super) fn query_hour(
    endpoint: &Endpoint,
    expr: &str,
    now: f64,
    step: u64,
) -> Result<Vec<Series>, String> {
    let start = now - 3600.0;
    let expr = encode(expr);
    series(&data(endpoint, &format!("/api/v1/query_range?query={expr}&start={start}&end={now}&step={step}"))?)
}

fn series(data: &Value) -> Result<Vec<Series>, String> {
    let sample =
        |pair: &Value| -> Option<(f64, f64)> { Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?)) };
    let one = |entry: &Value| -> Option<Series> {
        let labels = entry["metric"].as_object()?;
        let labels = labels.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let samples = match entry["values"].as_array() {
            Some(pairs) => pairs.iter().map(sample).collect::<Option<_>>()?,
            None => vec![sample(&entry["value"])?],
        };
        Some(Series { labels: labels.collect::<Option<_>>()?, samples })
    };
    let result = data["result"].as_array().ok_or_else(|| format!("no result: {data}"))?;
    result.iter().map(one).collect::<Option<_>>().ok_or_else(|| format!("cannot be read: {data}"))
}

/// The sum of all series now.
pub(super) fn sum(endpoint: &Endpoint, expr: &str) -> Result<f64, String> {
    Ok(query(endpoint, expr)?.iter().map(Series::last).sum())
}

/// All targets must be up; returns how many there are.
pub(super) fn targets_up(endpoint: &Endpoint) -> Result<usize, String> {
    let data = data(endpoint, "/api/v1/targets?state=active")?;
    let targets = data["activeTargets"].as_array().ok_or("no targets")?;
    match targets.iter().find(|target| target["health"] != "up") {
        Some(target) => Err(format!("a target is not up: {target}")),
        None => Ok(targets.len()),
    }
}

/// All rules must have been evaluated without error; returns their names.
pub(super) fn rules_healthy(endpoint: &Endpoint) -> Result<Vec<String>, String> {
    let data = data(endpoint, "/api/v1/rules")?;
    let groups = data["groups"].as_array().ok_or("no groups")?;
    let rules: Vec<&Value> = groups.iter().filter_map(|group| group["rules"].as_array()).flatten().collect();
    match rules.iter().find(|rule| rule["health"] != "ok") {
        Some(rule) => Err(format!("a rule is not healthy: {rule}")),
        None => Ok(rules.iter().filter_map(|rule| Some(rule["name"].as_str()?.to_owned())).collect()),
    }
}

/// The expression of a rule as it is loaded.
pub(super) fn rule(endpoint: &Endpoint, name: &str) -> Option<String> {
    let data = data(endpoint, "/api/v1/rules").ok()?;
    let groups = data["groups"].as_array()?;
    let mut rules = groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
    let rule = rules.find(|rule| rule["name"] == name)?;
    Some(rule["query"].as_str()?.to_owned())
}

/// Percent-encodes a part of a query.
pub(super) fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
