//! One side fed by the other: the same samples, so the same answers.

use anyhow::{Context as _, bail};
use llmobs::series::Labels;

use super::rules::JOB;
use crate::{
    evidence_promql::{Order, difference},
    judge::{Connection, Query, Row, Value, When},
};

/// What is sent: not what rules make.
const SCRAPED: &str = "__name__=~\"llm_.+|scripted_.+|scrape_.+|up\"";
/// What a dashboard asks of counters, histograms and gauges; `J` is the job.
const EXPRESSIONS: [&str; 22] = [
    "rate(llm_requests_total{J}[10s])",
    "rate(llm_requests_total{J}[1m])",
    "irate(llm_tokens_total{J}[10s])",
    "increase(llm_cost_usd_total{J}[30s])",
    "delta(llm_active_requests{J}[15s])",
    "deriv(llm_active_requests{J}[15s])",
    "resets(llm_requests_total{J}[30s])",
    "changes(up{J}[1m])",
    "sum by (model) (rate(llm_requests_total{J,status=\"error\"}[10s])) / \
     sum by (model) (rate(llm_requests_total{J}[10s]))",
    "histogram_quantile(0.5, sum by (le) (rate(llm_request_duration_seconds_bucket{J}[10s])))",
    "histogram_quantile(0.99, sum by (le, model) (rate(llm_request_duration_seconds_bucket{J}[1m])))",
    "histogram_quantile(0.9, rate(llm_request_duration_seconds_bucket{J}[7s]))",
    "quantile_over_time(0.95, llm_active_requests{J}[20s])",
    "avg_over_time(llm_active_requests{J}[20s])",
    "stddev_over_time(llm_active_requests{J}[20s])",
    "sum by (instance) (llm_active_requests{J})",
    "count by (instance) ({J,SCRAPED})",
    "absent(llm_model_info{J,model=\"claude-sonnet-4-5\"})",
    "topk(2, sum by (instance) (rate(llm_cost_usd_total{J}[30s])))",
    "timestamp(up{J})",
    "present_over_time(scripted_reported{J}[5s])",
    "predict_linear(llm_requests_total{J}[20s], 60)",
];

/// What was the same, and what was not.
#[derive(Debug, Clone, Default)]
pub(super) struct Fed {
    pub(super) series: usize,
    pub(super) samples: usize,
    pub(super) expressions: usize,
    /// Points of the answers of all expressions.
    pub(super) points: usize,
    /// The most that two numbers differ, against the larger.
    pub(super) furthest: f64,
    pub(super) faults: Vec<String>,
}

/// Compares samples bit for bit and answers to 1e-9, over a span that both sides have wholly.
pub(super) fn compare(
    theirs: &mut Connection,
    ours: &mut Connection,
    (from, to): (i64, i64),
) -> anyhow::Result<Fed> {
    let mut fed = Fed::default();
    let job = format!("job=\"{JOB}\"");
    let all = Query { expr: format!("{{{job},{SCRAPED}}}[{}ms]", to - from), when: When::At(to) };
    let (expected, got) = (samples(theirs, &all)?, samples(ours, &all)?);
    fed.series = expected.len();
    fed.samples = expected.iter().map(|row| row.points.len()).sum();
    if expected.len() != got.len() {
        fed.faults.push(format!("{} series were sent, {} are there", expected.len(), got.len()));
    }
    for row in &expected {
        let there = got.binary_search_by(|other| other.labels.cmp(&row.labels)).map(|place| &got[place]);
        let bits =
            |row: &Row| row.points.iter().map(|(at, value)| (*at, value.to_bits())).collect::<Vec<_>>();
        match there {
            Ok(other) if bits(other) == bits(row) => {}
            Ok(other) => fed.faults.push(format!(
                "{}: {} samples were sent, {} are there or others",
                row.labels,
                row.points.len(),
                other.points.len()
            )),
            Err(_) => fed.faults.push(format!("{} is not there", row.labels)),
        }
    }
    for expr in EXPRESSIONS {
        let expr = expr.replace('J', &job).replace("SCRAPED", SCRAPED);
        let query = Query { expr: expr.clone(), when: When::Range { start: from, end: to, step: 1_000 } };
        let (expected, got) = (theirs.ask(&query)?, ours.ask(&query)?);
        fed.expressions += 1;
        if let Some(difference) = difference(&expected, &got, Order::Any) {
            fed.faults.push(format!("`{expr}`: {}", difference.note));
        }
        let (Ok(expected), Ok(got)) = (expected, got) else { continue };
        fed.points += expected.value.points();
        fed.furthest = fed.furthest.max(furthest(&expected.value, &got.value));
    }
    Ok(fed)
}

fn samples(connection: &mut Connection, query: &Query) -> anyhow::Result<Vec<Row>> {
    let answer = connection.ask(query)?;
    let answer = answer.map_err(|failure| anyhow::anyhow!("`{}`: {}", query.expr, failure.text))?;
    let Value::Matrix(mut rows) = answer.value else { bail!("`{}` gives no matrix", query.expr) };
    rows.sort_by(|one, other| one.labels.cmp(&other.labels));
    (!rows.is_empty()).then_some(rows).context("nothing was sent")
}

fn furthest(expected: &Value, got: &Value) -> f64 {
    let (Value::Matrix(expected), Value::Matrix(got)) = (expected, got) else { return 0.0 };
    let of = |labels: &Labels| got.iter().find(|row| row.labels == *labels);
    let rows = expected.iter().filter_map(|row| Some((row, of(&row.labels)?)));
    let pairs = rows.flat_map(|(row, other)| row.points.iter().zip(&other.points));
    let apart = pairs.map(|((_, expected), (_, got))| {
        let larger = expected.abs().max(got.abs());
        if larger > 0.0 && larger.is_finite() { (expected - got).abs() / larger } else { 0.0 }
    });
    apart.fold(0.0, f64::max)
}
