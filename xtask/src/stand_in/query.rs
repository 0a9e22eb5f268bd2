//! `POST /api/ds/query`: expressions, sent on to Prometheus, answered as frames.
//!
//! The answer has the shape of Grafana's, cut down to what a test asks for:
//!
//! ```json
//! {"results": {"A": {"status": 200, "frames": [{
//!   "schema": {"refId": "A", "fields": [
//!     {"name": "Time", "type": "time"},
//!     {"name": "Value", "type": "number", "labels": {"job": "mock"}}]},
//!   "data": {"values": [[1700000000000], [1.5]], "entities": [null, null]}}]}}}
//! ```
//!
//! There is a frame per series; times are milliseconds. A number that JSON cannot hold is `null` in `values` and named
//! in `entities`, as `{"NaN": [0], "Inf": [], "NegInf": []}`. A query that fails has `"error"` and no frames, and the
//! whole answer the status 400.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use llmobs::time::PromDuration;
use serde_json::{Map, Value, json};

use super::{
    datasources::Datasource,
    upstream::{encode, get},
};

/// The scrape interval that Grafana assumes where the data source has no `timeInterval`, in milliseconds.
const ASSUMED_INTERVAL: u64 = 15_000;

/// The times of a request in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: u64,
    to: u64,
}

/// The status and the body of the answer.
pub(super) async fn answer(request: &Value, datasources: &[Datasource]) -> (u16, Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let queries = request["queries"].as_array().filter(|queries| !queries.is_empty());
    let range = moment(&request["from"], now, "now-1h")
        .and_then(|from| Ok(Range { from, to: moment(&request["to"], now, "now")? }));
    let (Some(queries), Ok(range)) = (queries, range) else {
        return (400, json!({"message": "no queries found, or no time range understood"}));
    };
    let mut results = Map::new();
    let mut status = 200;
    for query in queries {
        let name = query["refId"].as_str().unwrap_or("A").to_owned();
        let result = match ask(query, range, datasources).await {
            Ok(frames) => json!({"status": 200, "frames": frames}),
            Err(error) => {
                status = 400;
                json!({"status": 400, "error": format!("{error:#}"), "errorSource": "downstream", "frames": []})
            }
        };
        results.insert(name, result);
    }
    (status, json!({"results": results}))
}

async fn ask(query: &Value, range: Range, datasources: &[Datasource]) -> anyhow::Result<Vec<Value>> {
    let uid = query["datasource"]["uid"].as_str().context("the query names no data source")?;
    let source = datasources.iter().find(|source| source.uid == uid);
    let source = source.with_context(|| format!("data source `{uid}` not found"))?;
    ensure!(source.kind == "prometheus", "the stand-in queries only Prometheus, `{uid}` is {}", source.kind);
    let expression =
        query["expr"].as_str().filter(|text| !text.is_empty()).context("the query has no `expr`")?;
    let scrape = source.options["timeInterval"].as_str().and_then(|text| text.parse().ok());
    let scrape = scrape.map_or(ASSUMED_INTERVAL, PromDuration::as_millis);
    let step = query["intervalMs"].as_u64().unwrap_or(scrape).max(1);
    let expression = encode(&fill_in(expression, range, step, scrape));
    let seconds = |millis: u64| millis as f64 / 1000.0;
    let path = if query["instant"].as_bool() == Some(true) {
        format!("/api/v1/query?query={expression}&time={}", seconds(range.to))
    } else {
        let (from, to, step) = (seconds(range.from), seconds(range.to), seconds(step));
        format!("/api/v1/query_range?query={expression}&start={from}&end={to}&step={step}")
    };
    let reply = get(&source.url, &path).await?;
    let body: Value = serde_json::from_slice(&reply.body)
        .with_context(|| format!("`{}` answered {} and no JSON", source.url, reply.status))?;
    if body["status"] != "success" {
        let (kind, error) = (&body["errorType"], &body["error"]);
        bail!("{}: {}", kind.as_str().unwrap_or("unknown"), error.as_str().unwrap_or("no reason given"));
    }
    frames(query["refId"].as_str().unwrap_or("A"), &body["data"])
}

/// The interval variables, which Grafana's data source fills in itself, each also in braces.
fn fill_in(expression: &str, range: Range, step: u64, scrape: u64) -> String {
    let span = range.to.saturating_sub(range.from);
    let duration = |millis: u64| PromDuration::from_millis(millis).to_string();
    let variables = [
        ("__rate_interval_ms", (step + scrape).max(4 * scrape).to_string()),
        ("__rate_interval", duration((step + scrape).max(4 * scrape))),
        ("__interval_ms", step.to_string()),
        ("__interval", duration(step)),
        ("__range_ms", span.to_string()),
        ("__range_s", span.div_ceil(1000).to_string()),
        ("__range", format!("{}s", span.div_ceil(1000))),
    ];
    variables.iter().fold(expression.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    })
}

/// Milliseconds since the epoch, as a number or its text, or `now` and `now-DURATION`.
fn moment(value: &Value, now: u64, default: &str) -> anyhow::Result<u64> {
    if let Some(millis) = value.as_u64() {
        return Ok(millis);
    }
    let text = value.as_str().unwrap_or(default);
    match text.strip_prefix("now") {
        Some("") => Ok(now),
        Some(back) => {
            let back = back.strip_prefix('-').context("only `now-DURATION` is known")?;
            Ok(now.saturating_sub(back.parse::<PromDuration>()?.as_millis()))
        }
        None => Ok(text.parse()?),
    }
}

fn frames(name: &str, data: &Value) -> anyhow::Result<Vec<Value>> {
    let result = data["result"].as_array().context("the answer has no result")?;
    match data["resultType"].as_str() {
        Some("matrix") => {
            result.iter().map(|series| frame(name, &series["metric"], &series["values"])).collect()
        }
        Some("vector") => {
            result.iter().map(|series| frame(name, &series["metric"], &json!([series["value"]]))).collect()
        }
        Some("scalar") => Ok(vec![frame(name, &json!({}), &json!([result]))?]),
        other => bail!("a result of type {other:?} makes no frame"),
    }
}

fn frame(name: &str, labels: &Value, samples: &Value) -> anyhow::Result<Value> {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    let (mut nan, mut inf, mut negative) = (Vec::new(), Vec::new(), Vec::new());
    for (index, sample) in samples.as_array().context("a series has no samples")?.iter().enumerate() {
        let time = sample[0].as_f64().context("a sample has no time")?;
        let value: f64 = sample[1].as_str().context("a sample has no value")?.parse()?;
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of our times are far below 2^53")]
        times.push((time * 1000.0).round() as i64);
        values.push(if value.is_finite() { json!(value) } else { Value::Null });
        match value {
            _ if value.is_nan() => nan.push(index),
            f64::INFINITY => inf.push(index),
            f64::NEG_INFINITY => negative.push(index),
            _ => {}
        }
    }
    let entities = if nan.is_empty() && inf.is_empty() && negative.is_empty() {
        Value::Null
    } else {
        json!({"NaN": nan, "Inf": inf, "NegInf": negative})
    };
    let fields = json!([
        {"name": "Time", "type": "time"},
        {"name": "Value", "type": "number", "labels": labels},
    ]);
    Ok(json!({
        "schema": {"refId": name, "fields": fields},
        "data": {"values": [times, values], "entities": [Value::Null, entities]},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_variables_are_filled_in() {
        let range = Range { from: 0, to: 3_600_000 };
        let check = |text: &str, expect: &str| assert_eq!(fill_in(text, range, 20_000, 5_000), expect);
        check("rate(x[$__rate_interval])", "rate(x[25s])");
        check("rate(x[${__rate_interval}])", "rate(x[25s])");
        check("x[$__interval] $__interval_ms", "x[20s] 20000");
        check("x[$__range] $__range_s ${__range_ms}", "x[3600s] 3600 3600000");
        assert_eq!(fill_in("[$__rate_interval]", range, 1_000, 15_000), "[1m]");
    }

    #[test]
    fn moments_are_absolute_or_before_now() {
        let check = |value: Value, expect: Option<u64>| {
            assert_eq!(moment(&value, 10_000_000, "now-1h").ok(), expect);
        };
        check(json!(5), Some(5));
        check(json!("5"), Some(5));
        check(json!("now"), Some(10_000_000));
        check(json!("now-5m"), Some(9_700_000));
        check(Value::Null, Some(6_400_000));
        check(json!("yesterday"), None);
        check(json!("now/d"), None);
    }

    #[test]
    fn answers_become_frames() {
        let data =
            json!({"resultType": "vector", "result": [{"metric": {"job": "a"}, "value": [1.5, "NaN"]}]});
        let expect = json!({
            "schema": {"refId": "B", "fields": [
                {"name": "Time", "type": "time"},
                {"name": "Value", "type": "number", "labels": {"job": "a"}}]},
            "data": {"values": [[1500], [null]], "entities": [null, {"NaN": [0], "Inf": [], "NegInf": []}]},
        });
        assert_eq!(frames("B", &data).unwrap(), [expect]);
        let data =
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"], [2, "+Inf"]]}]});
        let expect = json!({"values": [[1000, 2000], [2.0, null]],
            "entities": [null, {"NaN": [], "Inf": [1], "NegInf": []}]});
        assert_eq!(frames("A", &data).unwrap()[0]["data"], expect);
        let data = json!({"resultType": "scalar", "result": [1, "2"]});
        assert_eq!(frames("A", &data).unwrap()[0]["data"]["values"], json!([[1000], [2.0]]));
        let data = json!({"resultType": "string", "result": [1, "2"]});
        let error = frames("A", &data).unwrap_err().to_string();
        assert_eq!(error, "a result of type Some(\"string\") makes no frame");
    }
}
