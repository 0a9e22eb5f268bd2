//! Seeded groups of rules, and series for them to look at.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::templates::{ANNOTATIONS, LABELS};
use crate::random::Random;

/// Seconds between two samples, and between two evaluations.
pub(super) const INTERVALS: [u64; 4] = [15, 30, 60, 20];
/// Samples of a series.
const SAMPLES: usize = 160;
/// At how many instants each alert and each recorded series is looked at.
const INSTANTS: usize = 24;

/// A file of rules and what a file of tests says beside the expectations.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// The rules' file.
    pub(super) rules: Json,
    /// A test file's group without tests: `interval`, `input_series`, `external_labels`, `external_url`.
    pub(super) test: Map<String, Json>,
    pub(super) evaluation_interval: String,
    pub(super) group_order: Vec<String>,
    pub(super) alerts: Vec<String>,
    pub(super) records: Vec<String>,
    /// Seconds from the start.
    pub(super) instants: Vec<u64>,
    /// Rules × series.
    pub(super) pairs: usize,
}

/// The case of a number.
pub(super) fn case(seed: u64, number: u64) -> Case {
    let mut random = Random::new(seed.wrapping_mul(1000).wrapping_add(number));
    let interval = *random.pick(&INTERVALS);
    // Mostly rules are evaluated as often as series are sampled.
    let evaluation = if random.chance(0.7) { interval } else { *random.pick(&INTERVALS) };
    let series = series(&mut random);
    let mut maker = Maker { random, alerts: Vec::new(), records: Vec::new(), number: 0 };
    let groups: Vec<Json> = (0..=maker.random.below(3)).map(|index| maker.group(index)).collect();
    let rules: usize = groups.iter().filter_map(|group| group["rules"].as_array()).map(Vec::len).sum();
    let mut group_order: Vec<String> = Vec::new();
    if maker.random.chance(0.6) {
        group_order = groups.iter().filter_map(|group| group["name"].as_str()).map(str::to_owned).collect();
        if maker.random.chance(0.5) {
            group_order.reverse();
        }
    } else if groups.len() > 1 {
        // Without an order promtool takes groups as they come out of a map.
        group_order = groups.iter().filter_map(|group| group["name"].as_str()).map(str::to_owned).collect();
    }
    let span = interval * SAMPLES as u64;
    let mut instants: Vec<u64> = (0..INSTANTS).map(|_| seconds(&mut maker.random, span)).collect();
    // At the evaluations themselves, and between them.
    for (index, instant) in instants.iter_mut().enumerate() {
        if index % 4 != 0 {
            *instant -= *instant % evaluation;
        }
    }
    instants.sort_unstable();
    instants.dedup();
    let mut test = Map::new();
    test.insert("interval".to_owned(), json!(format!("{interval}s")));
    let pairs = rules * series.len();
    let series: Vec<Json> =
        series.into_iter().map(|(series, values)| json!({"series": series, "values": values})).collect();
    test.insert("input_series".to_owned(), json!(series));
    if maker.random.chance(0.3) {
        test.insert("external_labels".to_owned(), json!({"cluster": "west", "replica": "a"}));
    }
    if maker.random.chance(0.3) {
        test.insert("external_url".to_owned(), json!("https://prometheus.example/base"));
    }
    Case {
        rules: json!({"groups": groups}),
        test,
        evaluation_interval: format!("{evaluation}s"),
        group_order,
        alerts: maker.alerts,
        records: maker.records,
        instants,
        pairs,
    }
}

/// A whole number of seconds, below a bound.
fn seconds(random: &mut Random, bound: u64) -> u64 {
    random.bits() % bound
}

/// Series in promtool's notation: name with labels, and values.
fn series(random: &mut Random) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let models = ["gpt-4o", "llama", "claude-sonnet-4"];
    let count = 1 + random.below(3);
    for model in &models[..count] {
        for status in ["success", "error"] {
            let most = if status == "success" { 60 } else { 9 };
            all.push((
                format!("llm_requests_total{{model=\"{model}\",status=\"{status}\"}}"),
                counter(random, most),
            ));
        }
        for instance in ["a:9091", "b:9091"] {
            let labels = format!("model=\"{model}\",instance=\"{instance}\"");
            all.push((format!("queue_depth{{{labels}}}"), gauge(random)));
        }
        for le in ["0.5", "1", "5", "+Inf"] {
            let growth = match le {
                "0.5" => 3,
                "1" => 6,
                "5" => 9,
                _ => 10,
            };
            let name = format!("duration_seconds_bucket{{model=\"{model}\",le=\"{le}\"}}");
            all.push((name, format!("0+{growth}x60 {}+{}x90", growth * 60, growth + random.below(2) * 7)));
        }
    }
    for instance in ["a:9091", "b:9091"] {
        all.push((format!("up{{job=\"gateway\",instance=\"{instance}\"}}"), presence(random)));
    }
    all.push((
        "level{kind=\"odd\"}".to_owned(),
        "NaN 1 NaN Inf -Inf 0 -0 1e300 1e-300x20 NaN NaN NaN NaN NaN NaN 5x60".to_owned(),
    ));
    all
}

/// Rises, stalls, is reset, misses samples or goes stale.
fn counter(random: &mut Random, most: i64) -> String {
    let mut out = String::new();
    let (mut value, mut steps) = (0, 0);
    while steps < SAMPLES {
        let length = 5 + random.below(40);
        let part = match random.below(12) {
            0 => format!("_x{length}"),
            1 => {
                value = 0;
                format!("0x{length}")
            }
            2 => format!("stale _x{length}"),
            3 => format!("{value}x{length}"),
            _ => {
                let growth = random.between(0, most);
                let first = value;
                value += growth * i64::try_from(length).unwrap_or(0);
                format!("{first}+{growth}x{length}")
            }
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{part} ");
        steps += length;
    }
    out.trim_end().to_owned()
}

/// Flaps about 30.
fn gauge(random: &mut Random) -> String {
    let mut out = String::new();
    let mut steps = 0;
    while steps < SAMPLES {
        let length = 1 + random.below(20);
        let part = match random.below(10) {
            0 => format!("_x{length}"),
            1 => "stale".to_owned(),
            2 => format!("10+3x{length}"),
            3 => format!("70-4x{length}"),
            4..=6 => format!("{}x{length}", random.between(31, 60)),
            _ => format!("{}x{length}", random.between(0, 30)),
        };
        let _ = write!(out, "{part} ");
        steps += length;
    }
    out.trim_end().to_owned()
}

fn presence(random: &mut Random) -> String {
    let mut out = String::new();
    let mut steps = 0;
    while steps < SAMPLES {
        let length = 3 + random.below(30);
        let part = *random.pick(&["1", "1", "1", "0", "_"]);
        let _ = write!(out, "{part}x{length} ");
        steps += length;
    }
    out.trim_end().to_owned()
}

struct Maker {
    random: Random,
    alerts: Vec<String>,
    records: Vec<String>,
    number: usize,
}

/// What alerts ask.
const CONDITIONS: [&str; 28] = [
    "queue_depth > 30",
    "queue_depth > 45 or queue_depth < 5",
    "sum by (model) (queue_depth) > 60",
    "avg by (model) (queue_depth) > 30",
    "max_over_time(queue_depth[3m]) > 50",
    "avg_over_time(queue_depth[2m]) > 30 unless on (model) queue_depth{instance=\"a:9091\"} > 55",
    "deriv(queue_depth[3m]) > 0.05",
    "predict_linear(queue_depth[3m], 600) > 80",
    "up == 0",
    "up == 0 or absent(up{instance=\"a:9091\"})",
    "absent(up{job=\"gateway\",instance=\"b:9091\"})",
    "absent(llm_requests_total{status=\"missing\",model=~\".+\"})",
    "absent_over_time(up{instance=\"a:9091\"}[2m])",
    "sum by (model) (rate(llm_requests_total{status=\"error\"}[3m])) / sum by (model) (rate(llm_requests_total[3m])) > 0.1",
    "increase(llm_requests_total{status=\"error\"}[4m]) > 20",
    "rate(llm_requests_total[2m]) == 0",
    "resets(llm_requests_total[10m]) > 0",
    "changes(up[5m]) > 0",
    "histogram_quantile(0.9, sum by (model, le) (rate(duration_seconds_bucket[5m]))) > 3",
    "count by (model) (queue_depth > 20) > 1",
    "sum(topk(1, queue_depth)) > 20",
    "level == level",
    "level > 1e200",
    "level != level",
    "vector(1) and on () (hour() >= 0)",
    "vector(time()) > 600",
    "count_over_time(ALERTS{alertstate=\"firing\"}[3m]) > 2",
    "llm_requests_total - llm_requests_total offset 2m < 10",
];

/// What recording rules record.
const RECORDINGS: [&str; 14] = [
    "sum by (model) (rate(llm_requests_total[3m]))",
    "sum(rate(llm_requests_total{status=\"error\"}[3m])) / sum(rate(llm_requests_total[3m]))",
    "avg by (instance) (queue_depth)",
    "queue_depth * 2",
    "histogram_quantile(0.5, sum by (le) (rate(duration_seconds_bucket[5m])))",
    "max(queue_depth) by (model) - min(queue_depth) by (model)",
    "count(up == 1) or vector(0)",
    "vector(3)",
    "label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")",
    "increase(llm_requests_total[5m])",
    "stddev(queue_depth)",
    "count_values(\"depth\", queue_depth)",
    "avg_over_time(queue_depth[4m:30s])",
    "quantile by (model) (0.5, queue_depth)",
];

impl Maker {
    fn group(&mut self, index: usize) -> Json {
        let rules: Vec<Json> = (0..2 + self.random.below(5)).map(|_| self.rule()).collect();
        let mut group = json!({"name": format!("group {index}"), "rules": rules});
        if self.random.chance(0.3) {
            group["interval"] = json!("30s");
        }
        if self.random.chance(0.15) {
            group["query_offset"] = json!(*self.random.pick(&["30s", "1m", "0s"]));
        }
        if self.random.chance(0.2) {
            group["labels"] = json!({"team": "serving", "severity": "none"});
        }
        if self.random.chance(0.1) {
            group["limit"] = json!(1000);
        }
        group
    }

    fn rule(&mut self) -> Json {
        self.number += 1;
        if self.random.chance(0.35) {
            return self.recording();
        }
        let name = format!("Alert{}", self.number);
        // Alerts on what was recorded before, or is recorded later in the same step.
        let expr = match self.records.last() {
            Some(record) if self.random.chance(0.35) => {
                let op = *self.random.pick(&["> 0.1", "< 30", "!= 2", "> 20"]);
                format!("{record} {op}")
            }
            _ if self.random.chance(0.08) => format!("record:{} > 1", self.number + 1),
            _ => (*self.random.pick(&CONDITIONS)).to_owned(),
        };
        let mut rule = json!({"alert": name, "expr": expr});
        if self.random.chance(0.7) {
            rule["for"] = json!(*self.random.pick(&["0s", "30s", "1m", "2m", "90s", "5m"]));
        }
        if self.random.chance(0.35) {
            rule["keep_firing_for"] = json!(*self.random.pick(&["30s", "1m", "3m", "10m"]));
        }
        rule["labels"] = self.pairs(&LABELS, 0.5);
        rule["annotations"] = self.pairs(&ANNOTATIONS, 0.25);
        self.alerts.push(name);
        rule
    }

    fn recording(&mut self) -> Json {
        let name = format!("record:{}", self.number);
        let expr = match self.records.last() {
            Some(record) if self.random.chance(0.4) => {
                let form = *self.random.pick(&[
                    "R * 2",
                    "sum(R)",
                    "max_over_time(R[2m])",
                    "R > 1",
                    "R - R offset 1m",
                ]);
                form.replace('R', record)
            }
            // What it was a step before, and one more.
            _ if self.random.chance(0.12) => format!("(last_over_time({name}[2m]) or vector(0)) + 1"),
            _ => (*self.random.pick(&RECORDINGS)).to_owned(),
        };
        let mut rule = json!({"record": name, "expr": expr});
        if self.random.chance(0.4) {
            rule["labels"] = match self.random.below(3) {
                0 => json!({"source": "rules"}),
                // An empty value takes the label away: two series may become one, which fails.
                1 => json!({"job": "", "source": "rules"}),
                _ => json!({"model": "all", "kind": "recorded"}),
            };
            // One label over all series makes them the same.
            if rule["labels"]["model"] == "all" {
                rule["expr"] = json!(format!("sum({expr})"));
            }
        }
        self.records.push(name);
        rule
    }

    fn pairs(&mut self, of: &[(&str, &str)], share: f64) -> Json {
        let chosen = self.random.some(of, share);
        Json::Object(chosen.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect())
    }
}
