//! The page of a scripted service: the families of the `llmobs` source, as functions of the time.

use std::fmt::Write as _;

use super::script::{Mood, Script};

/// Name, provider, and requests per second.
const MODELS: [(&str, &str, f64); 3] =
    [("gpt-4o", "openai", 41.0), ("gpt-4o-mini", "openai", 23.0), ("claude-sonnet-4-5", "anthropic", 17.0)];
/// The model that is missing where there are fewer.
const LOST: &str = "claude-sonnet-4-5";
/// Upper bounds of buckets, and the share of answers below them: as a rule, and where the service lags.
const BUCKETS: [(&str, f64, f64); 8] = [
    ("0.5", 0.31, 0.02),
    ("1", 0.62, 0.05),
    ("2.5", 0.9, 0.11),
    ("5", 0.999, 0.2),
    ("7.5", 1.0, 0.4),
    ("10", 1.0, 0.7),
    ("30", 1.0, 0.97),
    ("+Inf", 1.0, 1.0),
];
/// Milliseconds.
const HOUR: i64 = 3_600_000;

/// The page at a time; `size` makes services differ.
pub(super) fn page(script: &Script, now: i64, size: f64) -> String {
    let (act, _) = script.at(now);
    let born = script.born(now);
    let spent = |mood| script.spent(mood, born, now) as f64 / 1000.0;
    let life = (now - born).max(0) as f64 / 1000.0;
    let (failing, lagging) = (spent(Mood::Failing), spent(Mood::Lagging));
    // Time as the number of requests has it.
    let life = life + 3.0 * spent(Mood::Busy);
    let mut page = Page::default();
    let models = || MODELS.iter().filter(|(name, ..)| act.mood != Mood::Fewer || *name != LOST);

    page.family("llm_requests_total", "counter");
    for (model, provider, rate) in models() {
        let rate = rate * size;
        let of = |status: &str, class: &str| {
            format!(
                "status=\"{status}\",error_class=\"{class}\",model=\"{model}\",provider=\"{provider}\",tenant=\"a\""
            )
        };
        let failed = rate * (0.002 * (life - failing) + 0.33 * failing);
        page.sample("llm_requests_total", &of("error", "server_error"), failed.floor());
        page.sample("llm_requests_total", &of("success", ""), (rate * life - failed).floor());
    }
    page.family("llm_tokens_total", "counter");
    for (model, provider, rate) in models() {
        for (kind, each) in [("input", 812.0), ("output", 95.0)] {
            let labels = format!("type=\"{kind}\",model=\"{model}\",provider=\"{provider}\",tenant=\"a\"");
            page.sample("llm_tokens_total", &labels, (rate * size * life * each).floor());
        }
    }
    page.family("llm_cost_usd_total", "counter");
    for (model, provider, rate) in models() {
        let labels = format!("model=\"{model}\",provider=\"{provider}\",tenant=\"a\"");
        page.sample("llm_cost_usd_total", &labels, rate * size * life * 0.000_293);
    }
    page.family("llm_request_duration_seconds", "histogram");
    for (model, provider, rate) in models() {
        let labels = format!("model=\"{model}\",provider=\"{provider}\"");
        let mut below = 0.0;
        for (bound, share, lagging_share) in BUCKETS {
            below = (rate * size * ((life - lagging) * share + lagging * lagging_share)).floor();
            page.sample("llm_request_duration_seconds_bucket", &format!("{labels},le=\"{bound}\""), below);
        }
        page.sample("llm_request_duration_seconds_sum", &labels, below * 1.1 + rate * size * lagging * 7.0);
        page.sample("llm_request_duration_seconds_count", &labels, below);
    }
    page.family("llm_active_requests", "gauge");
    for (model, provider, rate) in models() {
        let crowd = if act.mood == Mood::Crowded { 100.0 } else { 0.0 };
        // A triangle wave of 7 s.
        let wave = (now.rem_euclid(7_000) - 3_500).abs() as f64 / 500.0;
        let labels = format!("model=\"{model}\",provider=\"{provider}\"");
        page.sample("llm_active_requests", &labels, (rate * size / 4.0 + wave).floor() + crowd);
    }
    page.family("llm_model_info", "gauge");
    for (model, provider, _) in models() {
        page.sample("llm_model_info", &format!("model=\"{model}\",provider=\"{provider}\""), 1.0);
    }
    // What the service stamps itself: half a second old as a rule.
    page.family("scripted_reported", "gauge");
    let backdated = act.mood == Mood::Backdated;
    let stamp = if backdated { act.from - 500 } else { now - 500 };
    page.stamped("scripted_reported", "kind=\"recent\"", (now % 1_000) as f64, stamp);
    if backdated {
        page.stamped("scripted_reported", "kind=\"old\"", 1.0, now - 2 * HOUR);
    }
    page.family("scripted_time_milliseconds", "gauge");
    page.sample("scripted_time_milliseconds", "", now as f64);
    if act.mood == Mood::Garbled {
        page.0.truncate(page.0.len() * 2 / 3);
        page.0.push_str("\nllm_requests_total{model=\"");
    }
    page.0
}

#[derive(Debug, Default)]
struct Page(String);

impl Page {
    // Writing to a string cannot fail.
    fn family(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn stamped(&mut self, name: &str, labels: &str, value: f64, at: i64) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value} {at}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llmobs::series::parse;

    #[test]
    fn pages_are_exposition() {
        for script in Script::troubled(3, 0, 200_000) {
            for act in script.acts() {
                let read = parse(&page(&script, act.from + 1_500, 1.0));
                assert_eq!(read.is_err(), act.mood == Mood::Garbled, "{act:?}");
            }
        }
    }

    #[test]
    fn counters_never_fall_but_for_a_restart() {
        let script = &Script::troubled(1, 0, 150_000)[0];
        let mut last = 0.0;
        for now in (0..140_000).step_by(250) {
            let (act, _) = script.at(now);
            if act.mood == Mood::Garbled {
                continue;
            }
            let text = page(script, now, 1.3);
            let total: f64 = parse(&text)
                .unwrap()
                .iter()
                .filter(|sample| {
                    sample.name.ends_with("_bucket") && sample.labels.get("model") == Some("gpt-4o")
                })
                .map(|sample| sample.value)
                .sum();
            assert!(total >= last || act.mood == Mood::Restarted, "{now}: {total} after {last}");
            last = total;
        }
    }
}
