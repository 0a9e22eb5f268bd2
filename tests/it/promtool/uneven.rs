//! The panels once more, over a service in which nothing is like its neighbour: models with different shapes, one without
//! traffic, one without errors, servers of unequal load, one that is down, and what shows when the reader chooses.
//!
//! So a mean in place of a sum, a label too many or a job taken for another gives another number.
//!
//! Gateway, a second:
//!   gpt-4o             1.00 + 0.88 answered for two tenants, 0.03 failed of each class; 2000 in, 400 out; $0.009
//!   claude-sonnet-4-5  1.00 answered; 1000 in, 200 out; $0.006
//!   gpt-4o-mini        offered, and nobody asks
//! vLLM, a second; $2 in, $0.5 cached, $10 out and for qwen $1 and $4 a million:
//!   llama, on a and b  0.96 answered, 0.02 aborted, 0.02 failed; 1000 in, of which 600 cached, 100 out: 2100 µ$ each
//!                      and 0.20 refused on a
//!   qwen, on b         1.00 answered; 500 in, of which 300 cached, 50 out: 700 µ$
//!   server c           down

use super::{
    panels::{Case, Chosen, Coverage, check},
    truth::Series,
};

fn gateway(job: &str) -> Series {
    let mut series = Series::new(job);
    let gpt = format!("job=\"{job}\",model=\"gpt-4o\",provider=\"openai\"");
    let mini = format!("job=\"{job}\",model=\"gpt-4o-mini\",provider=\"openai\"");
    let claude = format!("job=\"{job}\",model=\"claude-sonnet-4-5\",provider=\"anthropic\"");
    for (who, tenant, answered, failed) in [
        (&gpt, "acme", 1.0, 0.03),
        (&gpt, "birch", 0.88, 0.0),
        (&claude, "acme", 1.0, 0.0),
        (&mini, "acme", 0.0, 0.0),
    ] {
        let requests = format!("llm_requests_total{{{who},tenant=\"{tenant}\"");
        series.counter(&format!("{requests},status=\"success\"}}"), answered);
        for class in ["server_error", "timeout", "rate_limit", "content_filter"] {
            series.counter(&format!("{requests},status=\"error\",error_class=\"{class}\"}}"), failed);
        }
    }
    let duration = "llm_request_duration_seconds";
    series.buckets(duration, &gpt, &[("0.5", 0.0), ("1.0", 1.0), ("2.0", 1.8), ("5.0", 1.99), ("7.5", 2.0)]);
    series.buckets(
        duration,
        &claude,
        &[("0.5", 0.0), ("1.0", 0.0), ("2.0", 0.0), ("5.0", 0.995), ("7.5", 1.0)],
    );
    series.buckets(duration, &mini, &[("0.5", 0.0), ("1.0", 0.0), ("2.0", 0.0), ("5.0", 0.0), ("7.5", 0.0)]);
    for (who, input, output, cost, half, streamed, measured, active) in [
        (&gpt, 2000.0, 400.0, 0.009, 0.94, 1.88, 1.0, 4.0),
        (&claude, 1000.0, 200.0, 0.006, 0.0, 1.0, 0.0, 3.0),
        (&mini, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ] {
        for (kind, rate) in [("input", input), ("output", output), ("reasoning_output", output / 2.0)] {
            series.counter(&format!("llm_tokens_total{{{who},type=\"{kind}\"}}"), rate);
        }
        series.counter(&format!("llm_cost_usd_total{{{who}}}"), cost);
        let first_token = [("0.25", 0.0), ("0.5", half), ("1.0", streamed)];
        series.buckets("llm_time_to_first_token_seconds", who, &first_token);
        let per_token = [("0.005", 0.0), ("0.01", measured)];
        series.buckets("llm_time_per_output_token_seconds", who, &per_token);
        series.gauge(&format!("llm_active_requests{{{who}}}"), active);
        series.gauge(&format!("llm_model_info{{{who},context_window=\"1\"}}"), 1.0);
    }
    series
}

fn vllm(job: &str) -> Series {
    let mut series = Series::new(job);
    series.gauge(&format!("up{{job=\"{job}\",instance=\"vllm-c:8000\"}}"), 0.0);
    for (instance, model, answered, amiss, cached, running, waiting, used) in [
        ("vllm-a:8000", "llama-3.3-70b", 0.96, 0.02, 600.0, 3.0, 5.0, 0.4),
        ("vllm-b:8000", "llama-3.3-70b", 0.96, 0.02, 600.0, 4.0, 0.0, 0.7),
        ("vllm-b:8000", "qwen3-8b", 1.0, 0.0, 300.0, 2.0, 0.0, 0.2),
    ] {
        let who = format!("job=\"{job}\",instance=\"{instance}\",model_name=\"{model}\",engine=\"0\"");
        for (reason, rate) in [("stop", answered), ("abort", amiss), ("error", amiss)] {
            series
                .counter(&format!("vllm:request_success_total{{{who},finished_reason=\"{reason}\"}}"), rate);
        }
        let llama = model.starts_with("llama");
        let (input, output) = if llama { (1000.0, 100.0) } else { (500.0, 50.0) };
        series.counter(&format!("vllm:prompt_tokens_total{{{who}}}"), input);
        series.counter(&format!("vllm:prompt_tokens_cached_total{{{who}}}"), cached);
        series.counter(&format!("vllm:generation_tokens_total{{{who}}}"), output);
        let slow = [("0.8", 0.0), ("1.0", 0.5), ("2.5", 0.9), ("5.0", 0.99), ("10.0", 1.0)];
        let quick = [("0.8", 0.0), ("1.0", 1.0), ("2.5", 1.0), ("5.0", 1.0), ("10.0", 1.0)];
        series.buckets("vllm:e2e_request_latency_seconds", &who, if llama { &slow } else { &quick });
        let first_token = [("0.08", 0.0), ("0.1", if llama { 0.5 } else { 1.0 }), ("0.25", 1.0)];
        series.buckets("vllm:time_to_first_token_seconds", &who, &first_token);
        let per_token = [("0.01", 0.0), ("0.025", if llama { 0.0 } else { 1.0 })];
        series.buckets("vllm:request_time_per_output_token_seconds", &who, &per_token);
        series.gauge(&format!("vllm:num_requests_running{{{who}}}"), running);
        series.gauge(&format!("vllm:num_requests_waiting{{{who}}}"), waiting);
        series.gauge(&format!("vllm:kv_cache_usage_perc{{{who}}}"), used);
    }
    let refused = "instance=\"vllm-a:8000\",model_name=\"llama-3.3-70b\",reason=\"max_num_queued_reqs\"";
    series.counter(&format!("vllm:admission_rejections_total{{job=\"{job}\",{refused}}}"), 0.2);
    series
}

/// The gateway's numbers, whether or not a backend stands behind it.
///
/// Durations of all models, cumulative: 1.0 within 1 s, 1.8 within 2, 2.985 within 5, 3.0 within 7.5. P99 is number 2.97:
/// 2 + 3 × (2.97 - 1.8) / 1.185. First tokens: 0.94 within 0.5 s, 2.88 within 1 s.
const GATEWAY: &str = r#"
Success rate  A  {}  0.96
Availability  A  {}  0.98
P99 latency  A  {}  4.962025
Within 5 s  A  {}  0.995
P95 first token  A  {}  0.962887
Requests / s  A  {}  3
Cost / h  A  {}  54
Models, mean over the range shown  A  {model="gpt-4o"}  2
Models, mean over the range shown  A  {model="gpt-4o-mini"}  0
Models, mean over the range shown  A  {model="claude-sonnet-4-5"}  1
Models, mean over the range shown  B  {model="gpt-4o"}  6
Models, mean over the range shown  B  {model="claude-sonnet-4-5"}  0
Models, mean over the range shown  C  {model="gpt-4o"}  3.578947
Models, mean over the range shown  C  {model="gpt-4o-mini"}  NaN
Models, mean over the range shown  C  {model="claude-sonnet-4-5"}  4.864322
Models, mean over the range shown  D  {model="gpt-4o"}  0.95
Models, mean over the range shown  D  {model="gpt-4o-mini"}  NaN
Models, mean over the range shown  D  {model="claude-sonnet-4-5"}  0.975
Models, mean over the range shown  E  {model="gpt-4o"}  400
Models, mean over the range shown  E  {model="gpt-4o-mini"}  0
Models, mean over the range shown  E  {model="claude-sonnet-4-5"}  200
Models, mean over the range shown  F  {model="gpt-4o"}  32.4
Models, mean over the range shown  F  {model="gpt-4o-mini"}  0
Models, mean over the range shown  F  {model="claude-sonnet-4-5"}  21.6
Models, mean over the range shown  G  {model="gpt-4o"}  4.5
Models, mean over the range shown  G  {model="claude-sonnet-4-5"}  6
Requests by model  A  {model="gpt-4o"}  2
Requests by model  A  {model="gpt-4o-mini"}  0
Requests by model  A  {model="claude-sonnet-4-5"}  1
Errors by class  A  {error_class="content_filter"}  0.03
Errors by class  A  {error_class="rate_limit"}  0.03
Errors by class  A  {error_class="server_error"}  0.03
Errors by class  A  {error_class="timeout"}  0.03
Active requests  A  {model="gpt-4o"}  4
Active requests  A  {model="gpt-4o-mini"}  0
Active requests  A  {model="claude-sonnet-4-5"}  3
Latency  A  {}  1.625
Latency  B  {}  4.658228
Latency  C  {}  4.962025
Time to first token  A  {}  0.628866
Time to first token  B  {}  0.962887
Time to first token  C  {}  0.992577
Time per output token  A  {}  0.0075
Time per output token  B  {}  0.00975
Time per output token  C  {}  0.00995
Tokens / s by type  A  {}  3000
Tokens / s by type  B  {}  600
Cost per hour by model  A  {model="gpt-4o"}  32.4
Cost per hour by model  A  {model="gpt-4o-mini"}  0
Cost per hour by model  A  {model="claude-sonnet-4-5"}  21.6
"#;

/// The mock alone, in health.
const MOCK: &str = r#"
$model  A  {job="mock",model="gpt-4o",provider="openai"}  1
$model  A  {job="mock",model="gpt-4o-mini",provider="openai"}  1
$model  A  {job="mock",model="claude-sonnet-4-5",provider="anthropic"}  1
Targets down  A  {}  0
Firing alerts  A  {}  0
Alerts  A  -
"#;

/// The backend behind the gateway: it gives no number above, but its down server and its queue show.
const BACKEND: &str = r#"
$model  A  {job="gateway",model="gpt-4o",provider="openai"}  1
$model  A  {job="gateway",model="gpt-4o-mini",provider="openai"}  1
$model  A  {job="gateway",model="claude-sonnet-4-5",provider="anthropic"}  1
Targets down  A  {}  1
Firing alerts  A  {}  1
Alerts  A  {alertname="LLMServiceDown",alertstate="firing",instance="vllm-c:8000",job="vllm",service="chat",severity="critical"}  1
Spent in 30 days of $20,000  A  {}  18
Queued requests  A  {job="vllm"}  5
KV cache use  A  {job="vllm",model="llama-3.3-70b"}  0.7
KV cache use  A  {job="vllm",model="qwen3-8b"}  0.2
"#;

/// 0.24 of 3.2 requests fail. Durations: 2.0 within 1 s, 2.8 within 2.5, 2.98 within 5, 3.0 within 10; P99 is number 2.97.
/// Spent: 78.5 × 15 s × $0.0049, as the other table explains.
const VLLM: &str = r#"
$model  A  {job="vllm",model="llama-3.3-70b",provider="self-hosted"}  1
$model  A  {job="vllm",model="qwen3-8b",provider="self-hosted"}  1
Success rate  A  {}  0.925
Availability  A  {}  0.9875
P99 latency  A  {}  4.861111
Within 5 s  A  {}  0.993333
P95 first token  A  {}  0.2275
Requests / s  A  {}  3.2
Cost / h  A  {}  17.64
Targets down  A  {}  1
Firing alerts  A  {}  2
Alerts  A  {alertname="LLMHighErrorRate",alertstate="firing",service="chat",severity="critical"}  1
Alerts  A  {alertname="LLMServiceDown",alertstate="firing",instance="vllm-c:8000",job="vllm",service="chat",severity="critical"}  1
Models, mean over the range shown  A  {model="llama-3.3-70b"}  2.2
Models, mean over the range shown  A  {model="qwen3-8b"}  1
Models, mean over the range shown  B  {model="llama-3.3-70b"}  10.909091
Models, mean over the range shown  B  {model="qwen3-8b"}  0
Models, mean over the range shown  C  {model="llama-3.3-70b"}  3.888889
Models, mean over the range shown  C  {model="qwen3-8b"}  0.99
Models, mean over the range shown  D  {model="llama-3.3-70b"}  0.235
Models, mean over the range shown  D  {model="qwen3-8b"}  0.099
Models, mean over the range shown  E  {model="llama-3.3-70b"}  200
Models, mean over the range shown  E  {model="qwen3-8b"}  50
Models, mean over the range shown  F  {model="llama-3.3-70b"}  15.12
Models, mean over the range shown  F  {model="qwen3-8b"}  2.52
Models, mean over the range shown  G  {model="llama-3.3-70b"}  1.909091
Models, mean over the range shown  G  {model="qwen3-8b"}  0.7
Requests by model  A  {model="llama-3.3-70b"}  2.2
Requests by model  A  {model="qwen3-8b"}  1
Errors by class  A  {error_class="rate_limit"}  0.2
Errors by class  A  {error_class="server_error"}  0.04
Active requests  A  {model="llama-3.3-70b"}  7
Active requests  A  {model="qwen3-8b"}  2
Latency  A  {}  0.95
Latency  B  {}  3.194444
Latency  C  {}  4.861111
Time to first token  A  {}  0.095
Time to first token  B  {}  0.2275
Time to first token  C  {}  0.2455
Time per output token  A  {}  0.0175
Time per output token  B  {}  0.02425
Time per output token  C  {}  0.02485
Tokens / s by type  A  {}  2500
Tokens / s by type  B  {}  250
Tokens / s by type  C  {}  1500
Cost per hour by model  A  {model="llama-3.3-70b"}  15.12
Cost per hour by model  A  {model="qwen3-8b"}  2.52
Spent in 30 days of $20,000  A  {}  5.76975
Queued requests  A  {job="vllm"}  5
KV cache use  A  {job="vllm",model="llama-3.3-70b"}  0.7
KV cache use  A  {job="vllm",model="qwen3-8b"}  0.2
"#;

/// Both as entries: 0.36 of 6.2 requests fail, 5.965 of 6 durations are within 5 s, and each job has its own quantiles.
const BOTH: &str = r#"
Success rate  A  {}  0.941935
Availability  A  {}  0.983871
P99 latency  A  {job="gateway.eu"}  4.962025
P99 latency  A  {job="vllm.gpu-1"}  4.861111
Within 5 s  A  {}  0.994167
P95 first token  A  {job="gateway.eu"}  0.962887
P95 first token  A  {job="vllm.gpu-1"}  0.2275
Requests / s  A  {}  6.2
Cost / h  A  {}  71.64
Targets down  A  {}  1
Firing alerts  A  {}  2
Models, mean over the range shown  G  {job="gateway.eu",model="gpt-4o"}  4.5
Models, mean over the range shown  G  {job="gateway.eu",model="claude-sonnet-4-5"}  6
Models, mean over the range shown  G  {job="vllm.gpu-1",model="llama-3.3-70b"}  1.909091
Models, mean over the range shown  G  {job="vllm.gpu-1",model="qwen3-8b"}  0.7
Errors by class  A  {error_class="content_filter"}  0.03
Errors by class  A  {error_class="rate_limit"}  0.23
Errors by class  A  {error_class="server_error"}  0.07
Errors by class  A  {error_class="timeout"}  0.03
Latency  B  {job="gateway.eu"}  4.658228
Latency  B  {job="vllm.gpu-1"}  3.194444
Tokens / s by type  A  {}  5500
Tokens / s by type  B  {}  850
Tokens / s by type  C  {}  1500
Spent in 30 days of $20,000  A  {}  23.76975
"#;

/// Of the two entries, the vLLM alone.
const ONE_JOB: &str = r#"
$model  A  {job="vllm.gpu-1",model="llama-3.3-70b",provider="self-hosted"}  1
$model  A  {job="vllm.gpu-1",model="qwen3-8b",provider="self-hosted"}  1
Success rate  A  {}  0.925
Availability  A  {}  0.9875
P99 latency  A  {job="vllm.gpu-1"}  4.861111
Within 5 s  A  {}  0.993333
Requests / s  A  {}  3.2
Cost / h  A  {}  17.64
Models, mean over the range shown  A  {job="vllm.gpu-1",model="llama-3.3-70b"}  2.2
Models, mean over the range shown  A  {job="vllm.gpu-1",model="qwen3-8b"}  1
Errors by class  A  {error_class="rate_limit"}  0.2
Errors by class  A  {error_class="server_error"}  0.04
Active requests  A  {model="llama-3.3-70b"}  7
Active requests  A  {model="qwen3-8b"}  2
Tokens / s by type  B  {}  250
Cost per hour by model  A  {model="llama-3.3-70b"}  15.12
Cost per hour by model  A  {model="qwen3-8b"}  2.52
"#;

/// Of both entries, one model that only the vLLM serves.
const ONE_MODEL: &str = r#"
Success rate  A  {}  1
Requests / s  A  {}  1
P99 latency  A  {job="vllm.gpu-1"}  0.998
Within 5 s  A  {}  1
Cost / h  A  {}  2.52
Models, mean over the range shown  B  {job="vllm.gpu-1",model="qwen3-8b"}  0
Requests by model  A  {model="qwen3-8b"}  1
Active requests  A  {model="qwen3-8b"}  2
Tokens / s by type  A  {}  500
Tokens / s by type  B  {}  50
Cost per hour by model  A  {model="qwen3-8b"}  2.52
KV cache use  A  {job="vllm.gpu-1",model="qwen3-8b"}  0.2
"#;

fn both() -> Vec<Series> {
    vec![gateway("gateway.eu"), vllm("vllm.gpu-1")]
}

#[test]
fn the_mock_alone() {
    check(Case {
        name: "uneven-default",
        config: "default",
        series: vec![gateway("mock")],
        chosen: Chosen::Everything,
        table: [GATEWAY, MOCK].concat(),
        coverage: Coverage::Whole,
    });
}

#[test]
fn a_gateway_and_its_backend() {
    check(Case {
        name: "uneven-gateway",
        config: "gateway",
        series: vec![gateway("gateway"), vllm("vllm")],
        chosen: Chosen::Everything,
        table: [GATEWAY, BACKEND].concat(),
        coverage: Coverage::Whole,
    });
}

#[test]
fn vllm_alone() {
    check(Case {
        name: "uneven-vllm",
        config: "vllm",
        series: vec![vllm("vllm")],
        chosen: Chosen::Everything,
        table: VLLM.to_owned(),
        coverage: Coverage::Whole,
    });
}

#[test]
fn two_entries() {
    check(Case {
        name: "uneven-both",
        config: "both",
        series: both(),
        chosen: Chosen::Everything,
        table: BOTH.to_owned(),
        coverage: Coverage::Part,
    });
}

#[test]
fn one_job_of_two() {
    check(Case {
        name: "one-job",
        config: "both",
        series: both(),
        chosen: Chosen::Job(r"vllm\.gpu-1"),
        table: ONE_JOB.to_owned(),
        coverage: Coverage::Part,
    });
}

#[test]
fn one_model_of_five() {
    check(Case {
        name: "one-model",
        config: "both",
        series: both(),
        chosen: Chosen::Model("qwen3-8b"),
        table: ONE_MODEL.to_owned(),
        coverage: Coverage::Part,
    });
}
