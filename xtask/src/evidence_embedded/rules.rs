//! The rules of the trial: the rendered alerts with short times, and some of our own.

use anyhow::Context as _;
use serde_json::{Value as Json, json};

/// The job of the scripted services.
pub(super) const JOB: &str = "gateway";
/// Groups with the same rules, each with its own phase, told apart by the label `group`.
pub(super) const GROUPS: usize = 4;

/// The file of rules, from the rendered one.
pub(super) fn file(rendered: &str) -> anyhow::Result<String> {
    let rendered: Json = serde_yaml::from_str(rendered).context("the rendered rules are no YAML")?;
    let groups = rendered["groups"].as_array().context("no groups")?;
    let alerts =
        groups.iter().find(|group| group["name"] == "llmobs.alerts").context("no group of alerts")?;
    let alerts: Vec<&Json> = alerts["rules"].as_array().context("no alerts")?.iter().collect();
    let group = |number: usize| {
        let rules = own().into_iter().chain(alerts.iter().map(|rule| shortened(rule)));
        let rules: Vec<Json> = rules.map(|rule| labelled(rule, number)).collect();
        json!({"name": format!("trial-{number}"), "interval": "1s", "rules": rules})
    };
    let file = json!({"groups": (0..GROUPS).map(group).collect::<Vec<_>>()});
    // JSON is YAML.
    Ok(serde_json::to_string_pretty(&file)? + "\n")
}

/// A rendered alert over seconds instead of minutes.
fn shortened(rule: &Json) -> Json {
    let mut rule = rule.clone();
    if let Some(expr) = rule["expr"].as_str() {
        rule["expr"] = expr.replace("[5m]", "[10s]").into();
    }
    rule["for"] = "2s".into();
    rule
}

/// A rule of one group, which reads only what that group records.
fn labelled(mut rule: Json, number: usize) -> Json {
    if let Some(expr) = rule["expr"].as_str() {
        rule["expr"] = expr.replace("{OWN}", &format!("{{group=\"trial-{number}\"}}")).into();
    }
    rule["labels"]["group"] = format!("trial-{number}").into();
    rule
}

fn own() -> Vec<Json> {
    let job = format!("{{job=\"{JOB}\"}}");
    let alert = |name: &str, expr: String, more: Json| {
        let mut rule = json!({"alert": name, "expr": expr, "annotations": {"is": "{{ $value }} on {{ $labels.instance }}"}});
        let more = more.as_object().cloned().unwrap_or_default();
        for (name, value) in more {
            rule[name] = value;
        }
        rule
    };
    let record = |name: &str, expr: String| json!({"record": name, "expr": expr});
    vec![
        record(
            "trial:requests:rate",
            format!("sum by (instance, model) (rate(llm_requests_total{job}[10s]))"),
        ),
        record(
            "trial:latency:p90",
            format!(
                "histogram_quantile(0.9, sum by (le, instance) (rate(llm_request_duration_seconds_bucket{job}[10s])))"
            ),
        ),
        record("trial:up:count", format!("count by (job) (up{job} == 1)")),
        alert("Down", format!("up{job} == 0"), json!({})),
        alert("DownFor", format!("up{job} == 0"), json!({"for": "3s"})),
        alert("Crowded", format!("llm_active_requests{job} > 90"), json!({"for": "2s"})),
        alert(
            "CrowdedKept",
            format!("llm_active_requests{job} > 90"),
            json!({"for": "1s", "keep_firing_for": "3s"}),
        ),
        alert("ModelGone", format!("count by (instance) (llm_model_info{job}) < 3"), json!({})),
        alert(
            "Restarted",
            format!("sum by (instance) (resets(llm_requests_total{job}[8s])) > 0"),
            json!({"for": "1s"}),
        ),
        alert("Slow", "trial:latency:p90{OWN} > 6".to_owned(), json!({"for": "2s"})),
        alert(
            "Failing",
            format!(
                "sum by (instance) (rate(llm_requests_total{{job=\"{JOB}\",status=\"error\"}}[10s])) / \
             sum by (instance) (rate(llm_requests_total{job}[10s])) > 0.05"
            ),
            json!({"for": "2s"}),
        ),
        alert(
            "NoReport",
            format!(
                "up{job} unless on (instance) present_over_time(scripted_reported{{job=\"{JOB}\",kind=\"recent\"}}[3s])"
            ),
            json!({}),
        ),
        alert("FewUp", "trial:up:count{OWN} < 3".to_owned(), json!({"for": "1s"})),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shortened() {
        let rendered =
            "groups:\n- name: llmobs.alerts\n  rules:\n  - {alert: A, expr: 'rate(x[5m]) > 1', for: 5m}\n";
        let file: Json = serde_json::from_str(&file(rendered).unwrap()).unwrap();
        let last = file["groups"][1]["rules"].as_array().unwrap().last().unwrap();
        let expect =
            json!({"alert": "A", "expr": "rate(x[10s]) > 1", "for": "2s", "labels": {"group": "trial-1"}});
        assert_eq!(last, &expect);
    }
}
