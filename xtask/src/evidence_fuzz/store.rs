//! A small store of series that are hard on an evaluation: resets, gaps, ends, NaN, infinities, odd buckets.

use anyhow::Context as _;
use llmobs::{
    series::{Columns, Labels, STALE},
    time::Timestamp,
};

/// The first sample, in milliseconds.
pub(super) const START: i64 = 1_700_000_000_000;
/// Between samples.
const STEP: i64 = 30_000;
/// Of a series without gaps.
const SAMPLES: i64 = 30;

/// Builds the store.
struct Store(Columns);

/// The same store each time.
pub(super) fn store() -> anyhow::Result<Columns> {
    let mut store = Store(Columns::new());
    store.traffic()?;
    store.gauges()?;
    store.latency()?;
    store.nasty()?;
    Ok(store.0)
}

impl Store {
    /// One series: its value at each index; none where it has no sample.
    fn add(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl Fn(i64) -> Option<f64>,
    ) -> anyhow::Result<()> {
        let labels: Labels = labels.iter().copied().chain([("__name__", name)]).collect();
        let id = self.0.series(&labels);
        for index in 0..SAMPLES {
            if let Some(value) = value(index) {
                self.0
                    .append(id, Timestamp(START + index * STEP), value)
                    .with_context(|| format!("the store's `{name}` cannot be built"))?;
            }
        }
        Ok(())
    }

    /// Counters, as a gateway has them.
    fn traffic(&mut self) -> anyhow::Result<()> {
        let models = ["gpt-4o", "claude-sonnet-4"];
        for (number, model) in (1_i64..).zip(models) {
            for (status, class, pace) in
                [("success", "", 7), ("error", "rate_limit", 1), ("error", "server_error", 0)]
            {
                let labels = [
                    ("job", "gateway"),
                    ("instance", "gateway:9091"),
                    ("model", model),
                    ("status", status),
                    ("error_class", class),
                    ("zone", "z1"),
                ];
                // Each begins anew once.
                self.add("llm_requests_total", &labels, |i| {
                    Some(float((i % (10 + number * 4)) * pace * number))
                })?;
            }
            for (kind, pace) in [("input", 900), ("output", 220)] {
                let labels = [("job", "gateway"), ("model", model), ("type", kind), ("zone", "z1")];
                self.add("llm_tokens_total", &labels, |i| Some(float(i * pace * number)))?;
                let labels = [("model", model), ("type", kind), ("provider", "openai")];
                self.add("llm_model_price_usd_per_token", &labels, |_| Some(float(pace) * 1e-8))?;
            }
            let own = [("job", "gateway"), ("model", model)];
            self.add("llm_cost_usd_total", &own, |i| Some(float(i * number) * 0.37))?;
            self.add("model:errors:ratio_rate5m", &own, |i| Some(float(i) / 100.0))?;
            self.add("model:errors:ratio_rate1h", &own, |i| Some(float(i) / 200.0))?;
            let info =
                [("job", "gateway"), ("instance", "gateway:9091"), ("model", model), ("provider", "openai")];
            self.add("llm_model_info", &info, |_| Some(1.0))?;
        }
        let served = [("job", "vllm"), ("model_name", "llama-3.3-70b")];
        self.add("vllm:num_requests_waiting", &served, |i| Some(float(i % 4)))?;
        self.add("vllm:request_success_total", &served, |i| Some(float(i * 3)))?;
        self.add("vllm:num_requests_running", &served, |i| Some(float(i % 9)))?;
        self.add("vllm:prompt_tokens_total", &served, |i| Some(float(i * 800)))?;
        self.add("vllm:generation_tokens_total", &served, |i| Some(float(i * 90)))?;
        self.add("vllm:admission_rejections_total", &served, |i| Some(float(i / 5)))?;
        for (le, share) in [("0.5", 3), ("5.0", 5), ("+Inf", 6)] {
            let labels = [("job", "vllm"), ("model_name", "llama-3.3-70b"), ("le", le)];
            for name in ["vllm:e2e_request_latency_seconds_bucket", "vllm:time_to_first_token_seconds_bucket"]
            {
                self.add(name, &labels, |i| Some(float(i * share)))?;
            }
        }
        let spent = [("job", "vllm"), ("model", "llama-3.3-70b")];
        self.add("llmobs:spend_usd:per_second", &spent, |i| Some(float(i) * 1e-5))
    }

    fn gauges(&mut self) -> anyhow::Result<()> {
        for (job, up) in [("gateway", 1.0), ("vllm", 0.0)] {
            let instance = format!("{job}:9091");
            self.add("up", &[("job", job), ("instance", &instance)], |_| Some(up))?;
        }
        for (number, (model, zone)) in (1_i64..).zip([
            ("gpt-4o", "z1"),
            ("gpt-4o", "z2"),
            ("claude-sonnet-4", "z1"),
            ("claude-sonnet-4", "z2"),
        ]) {
            let labels = [("job", "gateway"), ("instance", "gateway:9091"), ("model", model), ("zone", zone)];
            self.add("llm_queue_depth", &labels, |i| Some(float((i * number) % 13)))?;
            if number != 2 {
                self.add("llm_active_requests", &labels, |i| (i % 5 != number).then(|| float(i)))?;
            }
        }
        self.add("llm_quantile", &[], |_| Some(0.9))?;
        self.add("llm_last_success_timestamp_seconds", &[("job", "gateway")], |i| {
            Some(float(START + i / 7 * 7 * STEP) / 1000.0)
        })?;
        self.add("llm.gpu.temperature", &[("gpu.name", "A 100"), ("job", "vllm")], |i| {
            Some(70.0 + float(i))
        })?;
        self.add(":odd:name:", &[], |i| Some(float(i)))?;
        let firing = [("alertname", "LLMHighErrorRate"), ("alertstate", "firing"), ("model", "gpt-4o")];
        self.add("ALERTS", &firing, |i| (i > 10).then_some(1.0))
    }

    fn latency(&mut self) -> anyhow::Result<()> {
        for (number, model) in (1_i64..).zip(["gpt-4o", "claude-sonnet-4"]) {
            let bounds = [("0.5", 2), ("1", 5), ("2.5", 8), ("5", 9), ("+Inf", 10)];
            for (le, share) in bounds {
                let labels = [("job", "gateway"), ("model", model), ("le", le)];
                self.add("llm_request_duration_seconds_bucket", &labels, |i| {
                    Some(float(i * share * number))
                })?;
            }
            let own = [("job", "gateway"), ("model", model)];
            self.add("llm_request_duration_seconds_count", &own, |i| Some(float(i * 10 * number)))?;
            self.add("llm_request_duration_seconds_sum", &own, |i| Some(float(i * 13 * number)))?;
        }
        let odd =
            [("-1", 3.0), ("0", 2.0), ("1", f64::NAN), ("1.0", 4.0), ("x", 5.0), ("", 6.0), ("+Inf", 1.0)];
        for (le, value) in odd {
            self.add("llm_odd_buckets_bucket", &[("le", le)], |i| Some(value * float(i)))?;
            if le != "+Inf" {
                self.add("llm_odd_buckets_bucket", &[("le", le), ("part", "open")], |_| Some(value))?;
            }
        }
        Ok(())
    }

    fn nasty(&mut self) -> anyhow::Result<()> {
        let values = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::MAX,
            f64::MIN,
            5e-324,
            1e16,
            1.0,
            -1.0,
        ];
        for (shift, value) in values.into_iter().enumerate() {
            let name = format!("{shift}");
            self.add("llm_nasty", &[("n", &name), ("kind", "steady")], |_| Some(value))?;
        }
        for shift in 0..4 {
            let name = format!("{shift}");
            self.add("llm_nasty", &[("n", &name), ("kind", "mixed")], |i| {
                Some(values[usize::try_from(i * 3 + shift).unwrap_or(0) % values.len()])
            })?;
            // Short lives, each ended by a marker.
            self.add("llm_churn", &[("pod", &name)], |i| match i - shift * 6 {
                0..9 => Some(float(i)),
                9 => Some(STALE),
                _ => None,
            })?;
        }
        self.add("llm_resets_total", &[], |i| Some(float(i * 17 % 23)))?;
        self.add("llm_gaps_total", &[], |i| (i * 7 % 11 > 4).then(|| float(i)))?;
        self.add("llm_stale", &[], |i| Some(if i % 3 == 2 { STALE } else { float(i) }))
    }
}

/// Small whole numbers.
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_small() {
        let store = store().unwrap();
        assert!((60..150).contains(&store.len()), "{}", store.len());
        assert!(store.samples() < 5000, "{}", store.samples());
    }
}
