//! A healthy day of the mock at its daily peak, as the simulator makes it: nothing fires.

#![expect(clippy::disallowed_methods, reason = "tests set up and look at files themselves")]

use std::{collections::BTreeMap, fmt::Write as _, fs};

use llmobs::{
    series::{Format, Gather},
    simulate::{DEFAULT_MODELS, Mock, MockConfig, MockModel, Volume},
    time::Timestamp,
};

use super::{
    judge::{is_here, passes, promtool},
    rendered::bundles,
};

/// Monday, so that no weekend thins the traffic.
const START: i64 = 1_795_392_000_000;
const SCRAPES: i64 = 24 * 60 * 4;
/// Only what the rules read, to keep promtool within half a minute.
const READ_BY_RULES: [&str; 4] = [
    "llm_requests_total{",
    "llm_tokens_total{",
    "llm_cost_usd_total{",
    "llm_request_duration_seconds_bucket{",
];

fn mock() -> Mock {
    let prices = [("openai", 2.5, 10.0), ("openai", 0.15, 0.6), ("anthropic", 3.0, 15.0)];
    let models =
        DEFAULT_MODELS.iter().zip(prices).map(|((name, share), (provider, input, output))| MockModel {
            name: (*name).to_owned(),
            provider: provider.to_owned(),
            share: *share,
            input_price: input,
            output_price: output,
            context_window: None,
        });
    let mut config = MockConfig::healthy(models.collect(), 20_261_123, Timestamp(START));
    config.volume = Volume::Steady { multiplier: 1.34 };
    Mock::new(config).unwrap()
}

/// A day scraped every 15 s, as promtool's input series.
fn a_day() -> String {
    let mut mock = mock();
    let mut series: BTreeMap<String, String> = BTreeMap::new();
    let mut page = Vec::new();
    for scrape in 0..=SCRAPES {
        page.clear();
        mock.gather(Timestamp(START + scrape * 15_000), Format::Text, &mut page);
        let lines = std::str::from_utf8(&page).unwrap().lines();
        for line in lines.filter(|line| READ_BY_RULES.iter().any(|read| line.starts_with(read))) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            if let Some(values) = series.get_mut(name) {
                values.extend([" ", value]);
            } else {
                series.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    assert_eq!(series.len(), 3 * (5 * 5 + 2 * 5 + 5 + 15), "models times tenants and buckets");
    let mut text =
        String::from("- {series: 'up{job=\"mock\",instance=\"exporter:9091\"}', values: '1x5760'}\n");
    for (name, values) in series {
        let labelled = name.replacen('{', "{job=\"mock\",", 1);
        writeln!(text, "- {{series: '{labelled}', values: '{values}'}}").unwrap();
    }
    text
}

#[test]
fn nothing_fires_in_a_simulated_day_at_the_peak() {
    if !is_here() {
        return;
    }
    let mut quiet = String::new();
    for quarter in 1..=96 {
        for alert in [
            "LLMServiceDown",
            "LLMHighErrorRate",
            "LLMHighLatency",
            "LLMCostCeilingApproaching",
            "LLMCostCeilingExceeded",
            "LLMTokenUsageSpike",
        ] {
            let minutes = quarter * 15;
            writeln!(quiet, "- {{alertname: {alert}, eval_time: {minutes}m, exp_alerts: []}}").unwrap();
        }
    }
    let head = "rule_files: [default.rules.yml]\nevaluation_interval: 15s\ntests:\n- interval: 15s\n  input_series:\n";
    let text = format!(
        "{head}{}  alert_rule_test:\n{}  promql_expr_test:\n{FIRED}",
        moved_in(&a_day()),
        moved_in(&quiet)
    );
    fs::write(bundles().join("day.yml"), text).unwrap();
    passes(bundles(), &["test", "rules", "day.yml"]);
}

/// Between the quarters too: no sample of the whole day says that an alert fired.
const FIRED: &str =
    "  - {expr: 'count_over_time(ALERTS{alertstate=\"firing\"}[24h])', eval_time: 24h, exp_samples: []}\n";

fn moved_in(lines: &str) -> String {
    let mut moved = String::new();
    lines.lines().for_each(|line| moved.extend(["  ", line, "\n"]));
    moved
}

#[test]
fn the_exporters_page_is_clean() {
    if !is_here() {
        return;
    }
    let mut page = Vec::new();
    mock().gather(Timestamp(START + 3_600_000), Format::Text, &mut page);
    let verdict = promtool(bundles(), &["check", "metrics"], std::str::from_utf8(&page).unwrap());
    assert_eq!((verdict.clean, verdict.words.as_str()), (true, ""));
}
