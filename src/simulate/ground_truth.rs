//! The mock held against the figures that its traffic is meant to have.

use rand::SeedableRng as _;
use rand_pcg::Pcg64;

use super::{
    Health, Mock, MockConfig, MockModel, Volume, health::ErrorShares, request::Outcome, request::Request,
};
use crate::{
    series::{Format, Gather, Sample, parse},
    time::Timestamp,
};

/// 2026-11-23, a Monday, 00:00 UTC.
pub(super) const START: Timestamp = Timestamp(20_780 * 86_400_000);
const DAY: i64 = 86_400_000;

pub(super) fn models() -> Vec<MockModel> {
    let model = |name: &str, provider: &str, share, input_price, output_price| MockModel {
        name: name.to_owned(),
        provider: provider.to_owned(),
        share,
        input_price,
        output_price,
        context_window: Some(128_000),
    };
    vec![
        model("gpt-4o", "openai", 0.4, 2.5, 10.0),
        model("gpt-4o-mini", "openai", 0.3, 0.15, 0.6),
        model("claude-sonnet-4-5", "anthropic", 0.3, 3.0, 15.0),
    ]
}

fn mock(volume: Volume) -> Mock {
    Mock::new(MockConfig { volume, ..MockConfig::healthy(models(), 42, START) }).unwrap()
}

fn page(mock: &mut Mock, at: Timestamp) -> Vec<Sample> {
    let mut out = Vec::new();
    mock.gather(at, Format::Text, &mut out);
    parse(&String::from_utf8(out).unwrap()).unwrap()
}

fn after(millis: i64) -> Timestamp {
    Timestamp(START.0 + millis)
}

/// The sum of a family's samples that have these labels.
fn total(page: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted = |s: &&Sample| s.name == name && labels.iter().all(|(n, v)| s.labels.get(n) == Some(*v));
    page.iter().filter(wanted).map(|sample| sample.value).sum()
}

#[track_caller]
fn check_near(what: &str, got: f64, expect: f64, tolerance: f64) {
    assert!((got / expect - 1.0).abs() <= tolerance, "{what}: {got}, not within {tolerance} of {expect}");
}

/// Output tokens per second and dollars per hour of a day of traffic. The 1.33 % of requests that fail carry no
/// output, and all but the filtered ones cost nothing.
#[track_caller]
fn check_day(volume: Volume, output_tokens: f64, dollars: f64) {
    let mut mock = mock(volume);
    let end = page(&mut mock, after(DAY));
    let tokens = total(&end, "llm_tokens_total", &[("type", "output")]) / 86_400.0;
    check_near("output tokens per second", tokens, output_tokens * 0.9867, 0.02);
    check_near("dollars per hour", total(&end, "llm_cost_usd_total", &[]) / 24.0, dollars, 0.02);
    let finished = total(&end, "llm_request_duration_seconds_count", &[]);
    let slow = finished - total(&end, "llm_request_duration_seconds_bucket", &[("le", "5")]);
    assert!(slow / finished < 0.003, "share over 5 s: {}", slow / finished);
    let streamed = total(&end, "llm_time_to_first_token_seconds_count", &[]);
    let late = streamed - total(&end, "llm_time_to_first_token_seconds_bucket", &[("le", "2")]);
    assert!(late / streamed < 0.001, "share of first tokens over 2 s: {}", late / streamed);
}

#[test]
fn a_weekday_has_the_stated_volume() {
    check_day(Volume::Daily, 636.0, 44.6 * 0.9897);
}

#[test]
fn a_day_at_the_peak_has_the_stated_volume() {
    check_day(Volume::Steady { multiplier: 1.34 }, 852.0, 59.7 * 0.9897);
}

#[test]
fn requests_are_as_stated() {
    let (health, mut rng) = (Health::chat(), Pcg64::seed_from_u64(11));
    let count = 500_000;
    let requests: Vec<Request> = (0..count).map(|_| Request::draw(&health, &mut rng)).collect();
    let share = |wanted: &dyn Fn(&Request) -> bool| {
        requests.iter().filter(|r| wanted(r)).count() as f64 / f64::from(count)
    };
    let ErrorShares { server_error, timeout, rate_limit, content_filter } = health.errors;
    check_near("failures", server_error + timeout, 0.0003, 1e-9);
    let stated = [1.0 - 0.0133, server_error, timeout, rate_limit, content_filter];
    for (outcome, expect) in Outcome::ALL.into_iter().zip(stated) {
        let tolerance = 5.0 / (expect * f64::from(count)).sqrt();
        check_near(outcome.error_class(), share(&|r| r.outcome == outcome), expect, tolerance);
    }
    let streamed: Vec<&Request> = requests.iter().filter(|r| r.outcome == Outcome::Success).collect();
    let successes = streamed.len() as f64;
    let mean = |of: fn(&Request) -> u64| streamed.iter().map(|r| of(r) as f64).sum::<f64>() / successes;
    check_near("mean input tokens", mean(|r| r.input_tokens), 1178.0, 0.01);
    check_near("mean output tokens", mean(|r| r.output_tokens), 212.0, 0.01);
    let mut outputs: Vec<u64> = streamed.iter().map(|r| r.output_tokens).collect();
    outputs.sort_unstable();
    check_near("P99 of output tokens", outputs[outputs.len() * 99 / 100] as f64, 540.0, 0.02);
    let mut durations: Vec<f64> = requests.iter().map(|r| r.duration).collect();
    durations.sort_by(f64::total_cmp);
    check_near("P99 of the duration", durations[durations.len() * 99 / 100], 4.2, 0.02);
    check_near("share over 5 s", share(&|r| r.duration > 5.0), 0.0014, 0.2);
    check_near("first tokens over 2 s", share(&|r| r.first_token > Some(2.0)), 0.0007, 0.2);
}

#[test]
fn littles_law_holds() {
    let mut mock = mock(Volume::Steady { multiplier: 1.0 });
    let mut active_seconds = 0;
    for second in 1..=86_400 {
        mock.advance(after(second * 1000));
        active_seconds += mock.ledgers.iter().map(|ledger| ledger.active).sum::<u64>();
    }
    let end = page(&mut mock, after(DAY));
    // Rate times mean duration is the sum of the durations over the time.
    let expect = total(&end, "llm_request_duration_seconds_sum", &[]) / 86_400.0;
    check_near("mean active requests", active_seconds as f64 / 86_400.0, expect, 0.03);
}

#[test]
fn every_page_is_true() {
    let mut mock = mock(Volume::Daily);
    let mut last: Vec<Sample> = page(&mut mock, START);
    let zero = |s: &&Sample| s.name.starts_with("llm_") && s.name != "llm_model_info" && s.value != 0.0;
    assert_eq!(last.iter().find(zero), None);
    // 3 models: 75 requests, 30 tokens, 15 costs, 17 + 15 + 15 lines of histograms each, 3 active, 3 infos; 1 process.
    assert_eq!(last.len(), 75 + 30 + 15 + 3 * (17 + 15 + 15) + 3 + 3 + 1);
    for step in 1..=40 {
        let now = page(&mut mock, after(step * 15_000));
        for (before, after) in last.iter().zip(&now) {
            assert_eq!((&before.name, &before.labels), (&after.name, &after.labels));
            let may_fall = after.name == "llm_active_requests";
            assert!(may_fall || after.value >= before.value, "{after:?} after {before:?}");
        }
        check_page(&now);
        last = now;
    }
    assert!(total(&last, "llm_requests_total", &[]) > 1000.0);
}

/// Cost is tokens times price, buckets are monotone, `+Inf` is the count.
#[track_caller]
fn check_page(page: &[Sample]) {
    for model in models() {
        let name = ("model", model.name.as_str());
        let tokens = |kind| total(page, "llm_tokens_total", &[name, ("type", kind)]);
        let cost = (tokens("input") * model.input_price + tokens("output") * model.output_price) / 1e6;
        assert!((total(page, "llm_cost_usd_total", &[name]) - cost).abs() <= 1e-12 * cost);
        let finished = total(page, "llm_requests_total", &[name]);
        let durations = total(page, "llm_request_duration_seconds_count", &[name]);
        assert_eq!(durations.to_bits(), finished.to_bits());
        let succeeded = total(page, "llm_requests_total", &[name, ("status", "success")]);
        let first_tokens = total(page, "llm_time_to_first_token_seconds_count", &[name]);
        assert_eq!(first_tokens.to_bits(), succeeded.to_bits());
        for family in ["request_duration", "time_to_first_token", "time_per_output_token"] {
            let bucket = format!("llm_{family}_seconds_bucket");
            let mine = |s: &&Sample| s.name == bucket && s.labels.get("model") == Some(name.1);
            let buckets: Vec<f64> = page.iter().filter(mine).map(|s| s.value).collect();
            assert!(buckets.is_sorted(), "{buckets:?}");
            let count = total(page, &format!("llm_{family}_seconds_count"), &[name]);
            assert_eq!(buckets.last(), Some(&count));
        }
    }
}

#[test]
fn the_largest_tenant_has_most_of_the_traffic() {
    let end = page(&mut mock(Volume::Daily), after(DAY));
    let share = |tenant| {
        total(&end, "llm_tokens_total", &[("tenant", tenant)]) / total(&end, "llm_tokens_total", &[])
    };
    check_near("largest tenant", share("acme"), 0.438, 0.03);
    check_near("smallest tenant", share("ember"), 0.0876, 0.03);
}

#[test]
fn equal_seeds_give_equal_bytes_however_time_is_cut() {
    let bytes = |seed, steps: &[i64]| {
        let mut mock = Mock::new(MockConfig::healthy(models(), seed, START)).unwrap();
        for step in steps {
            mock.advance(after(*step));
        }
        let mut out = Vec::new();
        mock.gather(after(600_000), Format::OpenMetrics, &mut out);
        out
    };
    assert_eq!(bytes(1, &[]), bytes(1, &[]));
    assert_eq!(bytes(1, &[]), bytes(1, &[1, 333, 5_000, 4_000, 599_999]));
    assert_ne!(bytes(1, &[]), bytes(2, &[]));
}

#[test]
fn a_long_sleep_costs_no_more_than_a_day() {
    let mut mock = mock(Volume::Steady { multiplier: 0.1 });
    let end = page(&mut mock, after(3650 * DAY));
    check_near("requests", total(&end, "llm_requests_total", &[]), 0.3 * 86_400.0, 0.05);
}
