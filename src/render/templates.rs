//! The table of everything under `templates/`.

/// Alerts in the order in which they are rendered; each has a rule (`alerts/NAME.yml`) and a page
/// (`runbooks/NAME.md`).
pub(super) const ALERTS: [&str; 6] = [
    "LLMServiceDown",
    "LLMHighErrorRate",
    "LLMHighLatency",
    "LLMCostCeilingApproaching",
    "LLMCostCeilingExceeded",
    "LLMTokenUsageSpike",
];

/// Dashboards; each is a frame (`dashboards/NAME.json`) whose rows name the panels.
pub(super) const DASHBOARDS: [&str; 1] = ["llm-service-overview"];

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        /// Name and text of every template.
        pub(super) const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../templates/", $name)))),*];
    };
}

templates!(
    "alerts/LLMCostCeilingApproaching.yml",
    "alerts/LLMCostCeilingExceeded.yml",
    "alerts/LLMHighErrorRate.yml",
    "alerts/LLMHighLatency.yml",
    "alerts/LLMServiceDown.yml",
    "alerts/LLMTokenUsageSpike.yml",
    "dashboards/llm-service-overview.json",
    "exporter/llmobs.yml",
    "grafana/dashboards.yml",
    "grafana/datasources.yml",
    "panels/active_requests.json",
    "panels/alerts_firing.json",
    "panels/availability.json",
    "panels/budget_spent.json",
    "panels/cache_use.json",
    "panels/cost_by_model.json",
    "panels/duration_quantiles.json",
    "panels/errors_by_class.json",
    "panels/firing_alerts.json",
    "panels/first_token_quantiles.json",
    "panels/macros.json",
    "panels/models_table.json",
    "panels/p95_first_token.json",
    "panels/p99_latency.json",
    "panels/per_output_token_quantiles.json",
    "panels/queued_requests.json",
    "panels/request_rate.json",
    "panels/requests_by_model.json",
    "panels/spend_per_hour.json",
    "panels/success_rate.json",
    "panels/targets_down.json",
    "panels/tokens_by_type.json",
    "panels/within_latency.json",
    "prometheus/prometheus.yml",
    "prometheus/rules.yml",
    "runbooks/LLMCostCeilingApproaching.md",
    "runbooks/LLMCostCeilingExceeded.md",
    "runbooks/LLMHighErrorRate.md",
    "runbooks/LLMHighLatency.md",
    "runbooks/LLMServiceDown.md",
    "runbooks/LLMTokenUsageSpike.md",
);
