//! A service whose every rate is known, as series for promtool, and what each panel has to say of it.
//!
//! Counters grow by the same amount every 15 s, so a rate over any window is exact.
//!
//! Gateway (source `llmobs`): 3 requests/s, of which 0.1 rate limits and 0.02 server errors, so 0.04 fail; 3000 input and
//! 600 output tokens/s; $0.009 and $0.0035 a second. Half of the durations are within 1 s, 80 % within 2, 99 % within 5;
//! first token and time per token have the same shape on other bounds.
//!
//! vLLM, two engines added up: 0.95 answered, 0.03 failed, 0.02 refused a second, so 0.05 of 1.0 fail; 1000 input tokens/s
//! of which 400 cached, 300 output. At $2, $0.5 cached and $10 a million: 1000 × 2 + 300 × 10 - 400 × 1.5 = 4400 µ$/s,
//! which are $15.84 an hour.

use std::fmt::Write as _;

/// Series of one source as lines of promtool's `input_series`.
pub(super) struct Series {
    text: String,
}

impl Series {
    pub(super) fn new(job: &str) -> Self {
        let mut series = Self { text: String::new() };
        series.add(&format!("up{{job=\"{job}\",instance=\"{job}:1\"}}"), "1x80");
        series
    }

    /// A counter that grows by `rate` a second.
    pub(super) fn counter(&mut self, name: &str, rate: f64) {
        self.add(name, &format!("0+{}x80", rate * 15.0));
    }

    pub(super) fn gauge(&mut self, name: &str, value: f64) {
        self.add(name, &format!("{value}x80"));
    }

    /// Buckets of a histogram in which half of `rate` a second is within the first bound, 80 % within the second, 99 %
    /// within the third and all within the fourth.
    fn histogram(&mut self, name: &str, labels: &str, bounds: [&str; 4], rate: f64) {
        let shares = [0.5, 0.8, 0.99, 1.0];
        let buckets: Vec<_> =
            bounds.into_iter().zip(shares).map(|(bound, share)| (bound, rate * share)).collect();
        self.buckets(name, labels, &buckets);
    }

    /// Buckets of a histogram: bounds, and how many observations a second are within each. The last has them all.
    pub(super) fn buckets(&mut self, name: &str, labels: &str, buckets: &[(&str, f64)]) {
        let all = buckets.last().map(|(_, rate)| ("+Inf", *rate));
        for (bound, rate) in buckets.iter().copied().chain(all) {
            self.counter(&format!("{name}_bucket{{{labels},le=\"{bound}\"}}"), rate);
        }
    }

    fn add(&mut self, name: &str, values: &str) {
        writeln!(self.text, "  - {{series: '{name}', values: '{values}'}}").unwrap();
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

pub(super) fn gateway(job: &str) -> Series {
    let mut series = Series::new(job);
    for (model, provider, share, answered, failed, class, active) in [
        ("gpt-4o", "openai", 2.0, 1.9, 0.1, "rate_limit", 4.0),
        ("claude-sonnet-4-5", "anthropic", 1.0, 0.98, 0.02, "server_error", 1.0),
    ] {
        let who = format!("job=\"{job}\",model=\"{model}\",provider=\"{provider}\"");
        series.counter(&format!("llm_requests_total{{{who},status=\"success\"}}"), answered);
        series.counter(
            &format!("llm_requests_total{{{who},status=\"error\",error_class=\"{class}\"}}"),
            failed,
        );
        series.counter(&format!("llm_tokens_total{{{who},type=\"input\"}}"), 1000.0 * share);
        series.counter(&format!("llm_tokens_total{{{who},type=\"output\"}}"), 200.0 * share);
        let cost = if model == "gpt-4o" { 0.009 } else { 0.0035 };
        series.counter(&format!("llm_cost_usd_total{{{who}}}"), cost);
        series.histogram("llm_request_duration_seconds", &who, ["1.0", "2.0", "5.0", "10.0"], share);
        series.histogram("llm_time_to_first_token_seconds", &who, ["0.25", "0.5", "1.0", "2.0"], share);
        let per_token = ["0.005", "0.0075", "0.01", "0.015"];
        series.histogram("llm_time_per_output_token_seconds", &who, per_token, share);
        series.gauge(&format!("llm_active_requests{{{who}}}"), active);
        series.gauge(&format!("llm_model_info{{{who},context_window=\"1\"}}"), 1.0);
    }
    series
}

pub(super) fn vllm(job: &str) -> Series {
    let mut series = Series::new(job);
    for (engine, share) in [("0", 0.5), ("1", 0.5)] {
        let who = format!("job=\"{job}\",model_name=\"llama-3.3-70b\",engine=\"{engine}\"");
        for (reason, rate) in [("stop", 0.95), ("error", 0.03), ("abort", 0.0)] {
            let name = format!("vllm:request_success_total{{{who},finished_reason=\"{reason}\"}}");
            series.counter(&name, rate * share);
        }
        series.counter(&format!("vllm:prompt_tokens_total{{{who}}}"), 1000.0 * share);
        series.counter(&format!("vllm:prompt_tokens_cached_total{{{who}}}"), 400.0 * share);
        series.counter(&format!("vllm:generation_tokens_total{{{who}}}"), 300.0 * share);
        series.histogram("vllm:e2e_request_latency_seconds", &who, ["1.0", "2.0", "5.0", "10.0"], share);
        series.histogram("vllm:time_to_first_token_seconds", &who, ["0.25", "0.5", "1.0", "2.5"], share);
        let per_token = ["0.01", "0.025", "0.05", "0.075"];
        series.histogram("vllm:request_time_per_output_token_seconds", &who, per_token, share);
        series.gauge(&format!("vllm:num_requests_running{{{who}}}"), 3.0);
        series.gauge(&format!("vllm:num_requests_waiting{{{who}}}"), 1.0);
        let used = if engine == "0" { 0.4 } else { 0.6 };
        series.gauge(&format!("vllm:kv_cache_usage_perc{{{who}}}"), used);
    }
    let refused = format!("job=\"{job}\",model_name=\"llama-3.3-70b\",reason=\"max_num_queued_reqs\"");
    series.counter(&format!("vllm:admission_rejections_total{{{refused}}}"), 0.02);
    series
}

/// Panel, query, labels of a series, its value; columns stand two blanks apart. `-` has no series at all.
/// Values are rounded to a millionth. P95 lies 0.15 of 0.19 into the bucket between the second and the third bound.
pub(super) const DEFAULT: &str = r#"
$model  A  {job="mock",model="gpt-4o",provider="openai"}  1
$model  A  {job="mock",model="claude-sonnet-4-5",provider="anthropic"}  1
Success rate  A  {}  0.96
P99 latency  A  {}  5
Availability  A  {}  0.993333
Within 5 s  A  {}  0.99
P95 first token  A  {}  0.894737
Requests / s  A  {}  3
Cost / h  A  {}  45
Targets down  A  {}  0
Firing alerts  A  {}  0
Models, mean over the range shown  A  {model="gpt-4o"}  2
Models, mean over the range shown  A  {model="claude-sonnet-4-5"}  1
Models, mean over the range shown  B  {model="gpt-4o"}  5
Models, mean over the range shown  B  {model="claude-sonnet-4-5"}  2
Models, mean over the range shown  C  {model="gpt-4o"}  4.368421
Models, mean over the range shown  C  {model="claude-sonnet-4-5"}  4.368421
Models, mean over the range shown  D  {model="gpt-4o"}  0.894737
Models, mean over the range shown  D  {model="claude-sonnet-4-5"}  0.894737
Models, mean over the range shown  E  {model="gpt-4o"}  400
Models, mean over the range shown  E  {model="claude-sonnet-4-5"}  200
Models, mean over the range shown  F  {model="gpt-4o"}  32.4
Models, mean over the range shown  F  {model="claude-sonnet-4-5"}  12.6
Models, mean over the range shown  G  {model="gpt-4o"}  4.5
Models, mean over the range shown  G  {model="claude-sonnet-4-5"}  3.5
Alerts  A  -
Requests by model  A  {model="gpt-4o"}  2
Requests by model  A  {model="claude-sonnet-4-5"}  1
Errors by class  A  {error_class="rate_limit"}  0.1
Errors by class  A  {error_class="server_error"}  0.02
Active requests  A  {model="gpt-4o"}  4
Active requests  A  {model="claude-sonnet-4-5"}  1
Latency  A  {}  1
Latency  B  {}  4.368421
Latency  C  {}  5
Time to first token  A  {}  0.25
Time to first token  B  {}  0.894737
Time to first token  C  {}  1
Time per output token  A  {}  0.005
Time per output token  B  {}  0.009474
Time per output token  C  {}  0.01
Tokens / s by type  A  {}  3000
Tokens / s by type  B  {}  600
Cost per hour by model  A  {model="gpt-4o"}  32.4
Cost per hour by model  A  {model="claude-sonnet-4-5"}  12.6
"#;

/// Spend is recorded every 15 s as the mean of the last minute, so the first four of 80 records within 20 minutes hold a
/// quarter, half, three quarters and all of it: 78.5 × 15 s × $0.0044.
pub(super) const VLLM: &str = r#"
$model  A  {job="vllm",model="llama-3.3-70b",provider="self-hosted"}  1
Success rate  A  {}  0.95
P99 latency  A  {}  5
Availability  A  {}  0.97
Within 5 s  A  {}  0.99
P95 first token  A  {}  0.894737
Requests / s  A  {}  1
Cost / h  A  {}  15.84
Targets down  A  {}  0
Firing alerts  A  {}  0
Models, mean over the range shown  A  {model="llama-3.3-70b"}  1
Models, mean over the range shown  B  {model="llama-3.3-70b"}  5
Models, mean over the range shown  C  {model="llama-3.3-70b"}  4.368421
Models, mean over the range shown  D  {model="llama-3.3-70b"}  0.894737
Models, mean over the range shown  E  {model="llama-3.3-70b"}  300
Models, mean over the range shown  F  {model="llama-3.3-70b"}  15.84
Models, mean over the range shown  G  {model="llama-3.3-70b"}  4.4
Alerts  A  -
Requests by model  A  {model="llama-3.3-70b"}  1
Errors by class  A  {error_class="rate_limit"}  0.02
Errors by class  A  {error_class="server_error"}  0.03
Active requests  A  {model="llama-3.3-70b"}  6
Latency  A  {}  1
Latency  B  {}  4.368421
Latency  C  {}  5
Time to first token  A  {}  0.25
Time to first token  B  {}  0.894737
Time to first token  C  {}  1
Time per output token  A  {}  0.01
Time per output token  B  {}  0.044737
Time per output token  C  {}  0.05
Tokens / s by type  A  {}  1000
Tokens / s by type  B  {}  300
Tokens / s by type  C  {}  400
Cost per hour by model  A  {model="llama-3.3-70b"}  15.84
Spent in 30 days of $20,000  A  {}  5.181
Queued requests  A  {job="vllm"}  2
KV cache use  A  {job="vllm",model="llama-3.3-70b"}  0.6
"#;

/// Two entries: sums are of both, quantiles are each job's own, because their buckets differ.
pub(super) const BOTH: &str = r#"
$model  A  {job="gateway.eu",model="gpt-4o",provider="openai"}  1
$model  A  {job="gateway.eu",model="claude-sonnet-4-5",provider="anthropic"}  1
$model  A  {job="vllm.gpu-1",model="llama-3.3-70b",provider="self-hosted"}  1
Success rate  A  {}  0.9575
P99 latency  A  {job="gateway.eu"}  5
P99 latency  A  {job="vllm.gpu-1"}  5
Availability  A  {}  0.9875
Within 5 s  A  {}  0.99
P95 first token  A  {job="gateway.eu"}  0.894737
P95 first token  A  {job="vllm.gpu-1"}  0.894737
Requests / s  A  {}  4
Cost / h  A  {}  60.84
Targets down  A  {}  0
Firing alerts  A  {}  0
Models, mean over the range shown  A  {job="gateway.eu",model="gpt-4o"}  2
Models, mean over the range shown  A  {job="gateway.eu",model="claude-sonnet-4-5"}  1
Models, mean over the range shown  A  {job="vllm.gpu-1",model="llama-3.3-70b"}  1
Models, mean over the range shown  B  {job="gateway.eu",model="gpt-4o"}  5
Models, mean over the range shown  B  {job="gateway.eu",model="claude-sonnet-4-5"}  2
Models, mean over the range shown  B  {job="vllm.gpu-1",model="llama-3.3-70b"}  5
Models, mean over the range shown  C  {job="gateway.eu",model="gpt-4o"}  4.368421
Models, mean over the range shown  C  {job="gateway.eu",model="claude-sonnet-4-5"}  4.368421
Models, mean over the range shown  C  {job="vllm.gpu-1",model="llama-3.3-70b"}  4.368421
Models, mean over the range shown  D  {job="gateway.eu",model="gpt-4o"}  0.894737
Models, mean over the range shown  D  {job="gateway.eu",model="claude-sonnet-4-5"}  0.894737
Models, mean over the range shown  D  {job="vllm.gpu-1",model="llama-3.3-70b"}  0.894737
Models, mean over the range shown  E  {job="gateway.eu",model="gpt-4o"}  400
Models, mean over the range shown  E  {job="gateway.eu",model="claude-sonnet-4-5"}  200
Models, mean over the range shown  E  {job="vllm.gpu-1",model="llama-3.3-70b"}  300
Models, mean over the range shown  F  {job="gateway.eu",model="gpt-4o"}  32.4
Models, mean over the range shown  F  {job="gateway.eu",model="claude-sonnet-4-5"}  12.6
Models, mean over the range shown  F  {job="vllm.gpu-1",model="llama-3.3-70b"}  15.84
Models, mean over the range shown  G  {job="gateway.eu",model="gpt-4o"}  4.5
Models, mean over the range shown  G  {job="gateway.eu",model="claude-sonnet-4-5"}  3.5
Models, mean over the range shown  G  {job="vllm.gpu-1",model="llama-3.3-70b"}  4.4
Alerts  A  -
Requests by model  A  {model="gpt-4o"}  2
Requests by model  A  {model="claude-sonnet-4-5"}  1
Requests by model  A  {model="llama-3.3-70b"}  1
Errors by class  A  {error_class="rate_limit"}  0.12
Errors by class  A  {error_class="server_error"}  0.05
Active requests  A  {model="gpt-4o"}  4
Active requests  A  {model="claude-sonnet-4-5"}  1
Active requests  A  {model="llama-3.3-70b"}  6
Latency  A  {job="gateway.eu"}  1
Latency  A  {job="vllm.gpu-1"}  1
Latency  B  {job="gateway.eu"}  4.368421
Latency  B  {job="vllm.gpu-1"}  4.368421
Latency  C  {job="gateway.eu"}  5
Latency  C  {job="vllm.gpu-1"}  5
Time to first token  A  {job="gateway.eu"}  0.25
Time to first token  A  {job="vllm.gpu-1"}  0.25
Time to first token  B  {job="gateway.eu"}  0.894737
Time to first token  B  {job="vllm.gpu-1"}  0.894737
Time to first token  C  {job="gateway.eu"}  1
Time to first token  C  {job="vllm.gpu-1"}  1
Time per output token  A  {job="gateway.eu"}  0.005
Time per output token  A  {job="vllm.gpu-1"}  0.01
Time per output token  B  {job="gateway.eu"}  0.009474
Time per output token  B  {job="vllm.gpu-1"}  0.044737
Time per output token  C  {job="gateway.eu"}  0.01
Time per output token  C  {job="vllm.gpu-1"}  0.05
Tokens / s by type  A  {}  4000
Tokens / s by type  B  {}  900
Tokens / s by type  C  {}  400
Cost per hour by model  A  {model="gpt-4o"}  32.4
Cost per hour by model  A  {model="claude-sonnet-4-5"}  12.6
Cost per hour by model  A  {model="llama-3.3-70b"}  15.84
Spent in 30 days of $20,000  A  {}  20.181
Queued requests  A  {job="vllm.gpu-1"}  2
KV cache use  A  {job="vllm.gpu-1",model="llama-3.3-70b"}  0.6
"#;

/// The gateway's numbers alone, though the backend behind it reports the same requests; infrastructure is the backend's.
pub(super) const GATEWAY: &str = r#"
Success rate  A  {}  0.96
Requests / s  A  {}  3
Cost / h  A  {}  45
P99 latency  A  {}  5
Tokens / s by type  A  {}  3000
Tokens / s by type  B  {}  600
Spent in 30 days of $20,000  A  {}  15
Queued requests  A  {job="vllm"}  2
KV cache use  A  {job="vllm",model="llama-3.3-70b"}  0.6
"#;
