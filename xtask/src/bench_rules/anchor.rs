//! The rules and series that speed is measured with: 20 rules over 300 series at 15 s, with two incidents a model.

use std::fmt::Write as _;

/// Samples a day.
const A_DAY: f64 = 5760.0;
/// Between samples and between evaluations, in seconds.
pub(super) const STEP: u32 = 15;

const MODELS: [&str; 5] = ["a", "b", "c", "d", "e"];
const ZONES: [&str; 4] = ["z1", "z2", "z3", "z4"];
/// Bounds of the latencies' buckets, with the shares of requests in them on good days and on slow ones.
const BUCKETS: [(&str, f64, f64); 8] = [
    ("0.1", 0.30, 0.05),
    ("0.25", 0.60, 0.10),
    ("0.5", 0.85, 0.30),
    ("1", 0.95, 0.55),
    ("2.5", 0.99, 0.80),
    ("5", 0.997, 0.92),
    ("10", 0.9999, 0.97),
    ("+Inf", 1.0, 1.0),
];

/// Recording rules: name and expression.
const RECORDED: [(&str, &str); 2] = [
    ("model:tokens:rate5m", "sum by (model, kind) (rate(llm_tokens_total[5m]))"),
    (
        "model:latency:p99_5m",
        "histogram_quantile(0.99, sum by (model, le) (rate(llm_request_duration_seconds_bucket[5m])))",
    ),
];

/// Alerts: name, expression, `for`.
const ALERTS: [(&str, &str, &str); 14] = [
    ("ErrorBudgetFast", "model:errors:ratio_rate1h > 0.0144 and model:errors:ratio_rate5m > 0.0144", "2m"),
    ("ErrorBudgetSlow", "model:errors:ratio_rate6h > 0.006 and model:errors:ratio_rate30m > 0.006", "15m"),
    (
        "ErrorRatioByZone",
        "sum by (model, zone) (rate(llm_requests_total{code=~\"5..\"}[5m])) / ignoring (code) \
         sum by (model, zone) (rate(llm_requests_total[5m])) > 0.05",
        "2m",
    ),
    ("LatencyP99High", "model:latency:p99_5m > 5", "5m"),
    (
        "LatencyP95ByZone",
        "histogram_quantile(0.95, sum by (model, zone, le) (rate(llm_request_duration_seconds_bucket[10m]))) > 4",
        "2m",
    ),
    (
        "SlowShare",
        "1 - sum by (model) (rate(llm_request_duration_seconds_bucket{le=\"2.5\"}[5m])) / \
         sum by (model) (rate(llm_request_duration_seconds_count[5m])) > 0.1",
        "2m",
    ),
    ("Throttled", "sum by (model) (increase(llm_requests_total{code=\"429\"}[10m])) > 10000", "2m"),
    ("QueueDeep", "avg_over_time(llm_queue_depth[5m]) > 30", "2m"),
    ("QueueGrowth", "deriv(llm_queue_depth[15m]) > 0.05", "5m"),
    ("QueueForecast", "predict_linear(llm_queue_depth[30m], 3600) > 200", "5m"),
    (
        "TrafficDrop",
        "sum by (model) (rate(llm_requests_total[5m])) < 0.5 * sum by (model) (rate(llm_requests_total[5m] offset 1h))",
        "5m",
    ),
    (
        "TokenSurge",
        "model:tokens:rate5m{kind=\"output\"} > 2 * avg_over_time(model:tokens:rate5m{kind=\"output\"}[1h])",
        "2m",
    ),
    ("NoTraffic", "sum by (model) (rate(llm_requests_total[5m])) == 0", "5m"),
    ("Absent", "absent(llm_requests_total{code=\"200\"})", "5m"),
];

/// Names of the alerts.
pub(super) fn alerts() -> impl Iterator<Item = &'static str> {
    ALERTS.iter().map(|(name, _, _)| *name)
}

/// The rule file.
pub(super) fn rules() -> String {
    let mut text = "groups:\n  - name: llm\n    interval: 15s\n    rules:\n".to_owned();
    let mut record = |name: &str, expr: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, "      - record: {name}\n        expr: {expr}\n");
    };
    for window in ["5m", "30m", "1h", "6h"] {
        let expr = format!(
            "sum by (model) (rate(llm_requests_total{{code=\"500\"}}[{window}])) / \
             sum by (model) (rate(llm_requests_total[{window}]))"
        );
        record(&format!("model:errors:ratio_rate{window}"), &expr);
    }
    for (name, expr) in RECORDED {
        record(name, expr);
    }
    for (name, expr, hold) in ALERTS {
        let _ = write!(
            text,
            "      - alert: {name}\n        expr: {expr}\n        for: {hold}\n        labels: {{severity: page}}\n"
        );
    }
    text
}

/// The beginning of a test file: the rules, and the series over so many days, half a one at least.
pub(super) fn tests(days: f64) -> String {
    let mut text =
        "rule_files: [rules.yml]\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    input_series:\n"
            .to_owned();
    for (metric, values) in series(samples(days)) {
        let _ = write!(text, "      - series: '{metric}'\n        values: '{values}'\n");
    }
    text.push_str("    alert_rule_test:\n");
    text
}

/// Of each series.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some weeks of samples")]
pub(super) fn samples(days: f64) -> u32 {
    (days * A_DAY) as u32
}

/// Metrics with their values, in the notation of promtool's tests.
fn series(samples: u32) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (model_number, model) in (0_u32..).zip(MODELS) {
        // In samples: five hours and more after the start.
        let incident = 1200 + 100 * model_number;
        for (zone_number, zone) in (0_u32..).zip(ZONES) {
            let labels = format!("model=\"{model}\",zone=\"{zone}\"");
            let base = f64::from(30 + 7 * model_number + 3 * zone_number);
            for (code, normal, bad) in [
                ("200", base, base * 0.8),
                ("429", base * 0.02, base * 0.02),
                ("500", base * 0.001, base * 0.2),
            ] {
                let parts = [(normal, incident), (bad, 120), (normal, samples - incident - 120)];
                all.push((format!("llm_requests_total{{{labels},code=\"{code}\"}}"), counter(&parts)));
            }
            for (le, good, slow) in BUCKETS {
                let parts = [
                    (base * good, incident + 600),
                    (base * slow, 240),
                    (base * good, samples - incident - 840),
                ];
                all.push((
                    format!("llm_request_duration_seconds_bucket{{{labels},le=\"{le}\"}}"),
                    counter(&parts),
                ));
            }
            all.push((
                format!("llm_request_duration_seconds_count{{{labels}}}"),
                counter(&[(base, samples)]),
            ));
            for (kind, tokens) in [("input", 900.0), ("output", 220.0)] {
                all.push((
                    format!("llm_tokens_total{{{labels},kind=\"{kind}\"}}"),
                    counter(&[(base * tokens, samples)]),
                ));
            }
            let (usual, deep) = (model_number + zone_number, 40 + model_number);
            let rest = samples - incident - 122;
            all.push((
                format!("llm_queue_depth{{{labels}}}"),
                format!("{usual}x{incident} {deep}x119 {usual}x{rest}"),
            ));
        }
    }
    all
}

/// A counter that grows by so much in each of so many samples, one part after the other.
fn counter(parts: &[(f64, u32)]) -> String {
    let mut value = 0.0;
    let mut runs = Vec::new();
    for (growth, count) in parts {
        runs.push(format!("{value}+{growth}x{}", count - 1));
        value += growth * f64::from(*count);
    }
    runs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchor_has_its_size() {
        assert_eq!(series(samples(0.5)).len(), 300);
        assert_eq!(samples(7.0), 40_320);
        assert_eq!(rules().matches("expr: ").count(), 20);
        assert_eq!(counter(&[(2.0, 3), (0.5, 2)]), "0+2x2 6+0.5x1");
    }
}
