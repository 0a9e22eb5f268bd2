//! What has been counted so far, and its families.

use super::{
    request::{Outcome, Request},
    roster::{MockModel, TENANTS},
};
use crate::{
    series::{Family, Histogram, Kind, Labels, Values},
    time::Timestamp,
};

/// Seconds; thresholds of 1 to 5 s are bounds, so that shares under them are exact.
const DURATION_BOUNDS: [f64; 14] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0];
const FIRST_TOKEN_BOUNDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];
const PER_TOKEN_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25];

/// The counts of one model.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    input_price: f64,
    output_price: f64,
    tenants: [TenantLedger; TENANTS.len()],
    duration: Histogram,
    first_token: Histogram,
    per_token: Histogram,
    pub(super) active: u64,
}

#[derive(Debug, Clone, Default)]
struct TenantLedger {
    /// In the order of [`Outcome::ALL`].
    requests: [u64; Outcome::ALL.len()],
    input_tokens: u64,
    output_tokens: u64,
}

impl Ledger {
    pub(super) fn new(model: &MockModel) -> Self {
        Self {
            input_price: model.input_price,
            output_price: model.output_price,
            tenants: Default::default(),
            duration: Histogram::new(&DURATION_BOUNDS),
            first_token: Histogram::new(&FIRST_TOKEN_BOUNDS),
            per_token: Histogram::new(&PER_TOKEN_BOUNDS),
            active: 0,
        }
    }

    /// Counts a request that has ended.
    pub(super) fn finish(&mut self, tenant: usize, request: &Request) {
        let counts = &mut self.tenants[tenant];
        counts.requests[request.outcome as usize] += 1;
        counts.input_tokens += request.input_tokens;
        counts.output_tokens += request.output_tokens;
        self.duration.observe(request.duration);
        if let Some(first_token) = request.first_token {
            self.first_token.observe(first_token);
        }
        if let Some(per_token) = request.per_token {
            self.per_token.observe(per_token);
        }
        self.active -= 1;
    }
}

/// The families of the page; [`fill`] gives their values in the same order.
pub(super) fn families(models: &[MockModel]) -> Vec<Family> {
    let tenant_labels = |extra: &[(&str, &str)]| {
        let each = |model: &MockModel, tenant: &str| {
            let labels = [("model", &*model.name), ("provider", &*model.provider), ("tenant", tenant)];
            known_labels(labels.into_iter().chain(extra.iter().copied()))
        };
        models.iter().flat_map(|model| TENANTS.map(|tenant| each(model, tenant))).collect::<Vec<_>>()
    };
    let model_labels = || {
        let labels =
            |model: &MockModel| known_labels([("model", &*model.name), ("provider", &*model.provider)]);
        models.iter().map(labels).collect::<Vec<_>>()
    };
    let info_labels = |model: &MockModel| {
        let window = model.context_window.map(|tokens| tokens.to_string()).unwrap_or_default();
        known_labels([("model", &*model.name), ("provider", &*model.provider), ("context_window", &*window)])
    };
    let by_outcome = Outcome::ALL.iter().flat_map(|outcome| {
        tenant_labels(&[("status", outcome.status()), ("error_class", outcome.error_class())])
    });
    let by_type = ["input", "output"].iter().flat_map(|kind| tenant_labels(&[("type", kind)]));
    let family = |name: &str, help: &str, kind, series| Family {
        name: name.to_owned(),
        help: help.to_owned(),
        kind,
        series,
    };
    let histogram = |bounds: &[f64]| Kind::Histogram { bounds: bounds.to_vec() };
    vec![
        family("llm_requests_total", "Finished requests.", Kind::Counter, by_outcome.collect()),
        family("llm_tokens_total", "Billed tokens.", Kind::Counter, by_type.collect()),
        family("llm_cost_usd_total", "Billed tokens times their price.", Kind::Counter, tenant_labels(&[])),
        family(
            "llm_request_duration_seconds",
            "Time from a request's arrival to its end, failed requests included.",
            histogram(&DURATION_BOUNDS),
            model_labels(),
        ),
        family(
            "llm_time_to_first_token_seconds",
            "Time from a request's arrival to its first token, successes only.",
            histogram(&FIRST_TOKEN_BOUNDS),
            model_labels(),
        ),
        family(
            "llm_time_per_output_token_seconds",
            "Time for each token after the first, one observation per success.",
            histogram(&PER_TOKEN_BOUNDS),
            model_labels(),
        ),
        family("llm_active_requests", "Requests that have not ended yet.", Kind::Gauge, model_labels()),
        family(
            "llm_model_info",
            "Models that are offered.",
            Kind::Info,
            models.iter().map(info_labels).collect(),
        ),
        family(
            "process_start_time_seconds",
            "Start of the process, in seconds since the Unix epoch.",
            Kind::Gauge,
            vec![Labels::default()],
        ),
    ]
}

/// The values of [`families`].
pub(super) fn fill(ledgers: &[Ledger], start: Timestamp, values: &mut Values) {
    values.clear();
    let tenants = || ledgers.iter().flat_map(|ledger| &ledger.tenants);
    for outcome in Outcome::ALL {
        tenants().for_each(|counts| values.integer(counts.requests[outcome as usize]));
    }
    tenants().for_each(|counts| values.integer(counts.input_tokens));
    tenants().for_each(|counts| values.integer(counts.output_tokens));
    for ledger in ledgers {
        for counts in &ledger.tenants {
            let input = counts.input_tokens as f64 * ledger.input_price;
            let output = counts.output_tokens as f64 * ledger.output_price;
            values.float((input + output) / 1e6);
        }
    }
    let histograms: [fn(&Ledger) -> &Histogram; 3] =
        [|ledger| &ledger.duration, |ledger| &ledger.first_token, |ledger| &ledger.per_token];
    for histogram in histograms {
        for ledger in ledgers {
            values.histogram(histogram(ledger));
        }
    }
    for ledger in ledgers {
        values.integer(ledger.active);
    }
    values.float(start.as_secs_f64());
}

fn known_labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
    Labels::new(pairs).expect("the names are written in this file, each once")
}
