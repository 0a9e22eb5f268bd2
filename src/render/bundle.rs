//! The whole set of files.

use std::{collections::BTreeMap, sync::Arc};

use minijinja::{Environment, Value, context};

use crate::{
    config::{Component, Config, Role},
    diagnostic::Diagnostic,
    formats::{self, FormatError},
    sources::Quantity,
    time::PromDuration,
};

use super::{
    dashboard,
    environment::environment,
    escape,
    expression::{self, LeftOut, register},
    included::{self, Included},
    number,
    quantities::{Quantities, Scope},
    records::RULE_INTERVAL,
    service::{Job, Service},
    templates::{ALERTS, DASHBOARDS},
};

/// What is rendered.
#[derive(Debug)]
pub struct Input {
    pub service: Arc<Service>,
    pub rules: Vec<Included>,
    pub dashboards: Vec<Included>,
    pub scrape: Vec<Included>,
}

/// The set of files, by path with `/`, and what is worth knowing about it.
#[derive(Debug)]
pub struct Rendered {
    pub files: BTreeMap<String, Vec<u8>>,
    pub notes: Vec<Diagnostic>,
}

/// Why nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("template `{name}` cannot be rendered: {error}")]
    Template { name: String, error: minijinja::Error },
    #[error("`{file}` came out broken: {error}")]
    Unreadable { file: String, error: FormatError },
    #[error(
        "included file `{0}` cannot be used: another file of that name goes into the same folder, rename yours"
    )]
    SameName(String),
    #[error("included file `{file}` cannot be used: {error}")]
    Included { file: String, error: FormatError },
}

impl RenderError {
    pub(super) fn left_out(&self) -> Option<LeftOut> {
        match self {
            Self::Template { error, .. } => expression::left_out(error),
            _ => None,
        }
    }
}

/// Days that Prometheus keeps beyond the longest window that an expression looks back over.
const SPARE_DAYS: u64 = 10;

/// Renders every file of the bundle but `compose.yaml`, which the stack writes.
pub fn render(input: &Input) -> Result<Rendered, RenderError> {
    included::check(input)?;
    let service = &input.service;
    let mut files = Files::default();
    let mut notes = Vec::new();

    let in_dashboards = Arc::new(Quantities::new(Arc::clone(service), Scope::Dashboard));
    let mut dashboards = environment();
    register(&mut dashboards, &in_dashboards);
    let in_rules = Arc::new(Quantities::new(Arc::clone(service), Scope::Rule));
    let mut rules = environment();
    register(&mut rules, &in_rules);

    let facts = facts(&service.config, service);
    for name in DASHBOARDS {
        let built = dashboard::build(&dashboards, name, &facts)?;
        notes.extend(left_out(&built.left_out));
        let path = format!("grafana/provisioning/dashboards/llmobs/{name}.json");
        files.checked(path, built.json, |text| formats::dashboard::parse(text).map(drop))?;
    }

    let mut alerts = Vec::new();
    for name in ALERTS {
        match render_template(&rules, &format!("alerts/{name}.yml"), &facts) {
            Ok(rule) => {
                let page = render_template(&rules, &format!("runbooks/{name}.md"), &facts)?;
                files.put(format!("{}/{name}.md", runbook_folder(&service.config)), page.into_bytes());
                alerts.push(with_runbook(rule, name, &service.config));
            }
            Err(error) => match error.left_out() {
                Some(LeftOut::Unavailable(quantity)) => notes.push(Diagnostic::warning(format!(
                    "alert `{name}` is left out: no target where requests enter gives {}",
                    quantity.name()
                ))),
                _ => return Err(error),
            },
        }
    }
    let facts = context! { alerts, ..facts };
    let text = render_template(&rules, "prometheus/rules.yml", &facts)?;
    files.checked("prometheus/rules/llmobs.yml", text, formats::rules::check)?;

    let mut rule_files = vec!["rules/llmobs.yml".to_owned()];
    for file in &input.rules {
        rule_files.push(files.include("prometheus", "rules", file)?);
    }
    let mut scrape_files = Vec::new();
    for file in &input.scrape {
        scrape_files.push(files.include("prometheus", "scrape", file)?);
    }
    for file in &input.dashboards {
        files.include("grafana/provisioning/dashboards", "llmobs", file)?;
    }
    let longest = in_rules.longest_window().max(in_dashboards.longest_window());
    let facts = context! { rule_files, scrape_files, retention => retention(longest), ..facts };
    for (template, path) in [
        ("prometheus/prometheus.yml", "prometheus/prometheus.yml"),
        ("grafana/datasources.yml", "grafana/provisioning/datasources/llmobs.yaml"),
        ("grafana/dashboards.yml", "grafana/provisioning/dashboards/llmobs.yaml"),
    ] {
        let text = render_template(&rules, template, &facts)?;
        files.checked(path, text, |text| formats::yaml(text).map(drop))?;
    }
    if service.config.stack.components.contains(&Component::Exporter) {
        let text = render_template(&rules, "exporter/llmobs.yml", &facts)?;
        files.checked("exporter/llmobs.yaml", text, |text| formats::yaml(text).map(drop))?;
    }
    notes.extend(partial_totals(service));
    Ok(Rendered { files: files.0, notes })
}

/// Renders one template; plain errors name the template, the line and the missing value.
pub(super) fn render_template(
    env: &Environment<'_>,
    name: &str,
    context: &Value,
) -> Result<String, RenderError> {
    env.get_template(name)
        .and_then(|template| template.render(context))
        .map_err(|error| RenderError::Template { name: name.to_owned(), error })
}

/// The values that templates take from the configuration.
fn facts(config: &Config, service: &Service) -> Value {
    let entries: Vec<String> = service.entries().map(|job| job.target.job.clone()).collect();
    let entry_regexes: Vec<_> = entries.iter().map(|job| escape::regex_literal(job)).collect();
    let own_matchers: Vec<_> =
        service.own().map(|job| escape::one_of("job", &[&job.target.job]).to_string()).collect();
    let spend_jobs: Vec<_> =
        service.own().filter(|job| Service::cost_is_derived(job)).map(|job| job.target.job.clone()).collect();
    let window = service.alert_window();
    let objective = |objective: &crate::config::LatencyObjective| {
        context! {
            threshold => objective.threshold.to_string(),
            seconds => objective.threshold.as_secs_f64(),
            text => number::spoken(objective.threshold),
            share => objective.share,
        }
    };
    let models: Vec<Value> = config
        .models
        .iter()
        .map(|model| {
            context! {
                name => model.name.as_str(),
                provider => model.provider.as_str(),
                input => model.price.input,
                output => model.price.output,
                cached_input => model.price.cached_input,
            }
        })
        .collect();
    context! {
        service => config.service.as_str(),
        window => window.to_string(),
        window_text => number::spoken(window),
        rule_interval => RULE_INTERVAL.to_string(),
        time_interval => service.time_interval().to_string(),
        latency => objective(&config.objectives.latency),
        availability => config.objectives.availability,
        first_token => objective(&config.objectives.first_token),
        error_limits => context! {
            alert_above => config.errors.alert_above,
            hold => config.errors.for_.to_string(),
            hold_text => number::spoken(config.errors.for_),
        },
        down => context! {
            hold => service.down_hold().to_string(),
            hold_text => number::spoken(service.down_hold()),
        },
        cost_limits => context! {
            ceiling => config.cost.ceiling_per_hour,
            approaching => config.cost.approaching,
            approaching_at => config.cost.ceiling_per_hour * config.cost.approaching,
            budget => config.cost.budget_per_month,
        },
        token_limits => context! { spike => config.tokens.spike_per_second },
        entry_jobs => entries,
        entry_jobs_regex => entry_regexes.join("|"),
        own_job_names => own_matchers,
        spend_jobs,
        jobs => service.jobs.iter().map(scrape_job).collect::<Vec<_>>(),
        prices => prices(config),
        models_list => models,
    }
}

fn scrape_job(job: &Job) -> Value {
    let interval = job.target.scrape_interval;
    context! {
        name => job.target.job.as_str(),
        interval => interval.to_string(),
        timeout => interval.min(PromDuration::from_secs(10)).to_string(),
        endpoints => job.target.endpoints.clone(),
    }
}

/// US dollars per token for each model and type; a cached token costs what an input token does unless said.
fn prices(config: &Config) -> Vec<Value> {
    let mut prices = Vec::new();
    for model in &config.models {
        let price = model.price;
        let per_type = [
            ("input", price.input),
            ("output", price.output),
            ("cached_input", price.cached_input.unwrap_or(price.input)),
        ];
        for (kind, usd_per_million) in per_type {
            prices.push(context! {
                model => model.name.as_str(),
                provider => model.provider.as_str(),
                type => kind,
                usd_per_token => usd_per_million / 1e6,
            });
        }
    }
    prices
}

/// The longest window plus ten days, in whole days.
fn retention(longest: PromDuration) -> String {
    let day = 86_400_000;
    let days = longest.as_millis().div_ceil(day) + SPARE_DAYS;
    PromDuration::from_millis(days * day).to_string()
}

/// The exporter serves the pages from its configuration; without it they lie beside the other files.
fn runbook_folder(config: &Config) -> &'static str {
    if config.stack.components.contains(&Component::Exporter) { "exporter/runbooks" } else { "runbooks" }
}

/// Adds the address of the runbook page, where something serves it.
fn with_runbook(rule: String, name: &str, config: &Config) -> String {
    if !config.stack.components.contains(&Component::Exporter) {
        return rule;
    }
    let host = match config.stack.bind {
        bind if bind.is_unspecified() => "127.0.0.1".to_owned(),
        std::net::IpAddr::V6(bind) => format!("[{bind}]"),
        std::net::IpAddr::V4(bind) => bind.to_string(),
    };
    let port = config.stack.ports.exporter;
    format!("{}\n    runbook_url: http://{host}:{port}/runbooks/{name}\n", rule.trim_end())
}

/// One note for all the panels of a dashboard that no target can fill.
fn left_out(quantities: &[Quantity]) -> Option<Diagnostic> {
    let mut names: Vec<&str> = Vec::new();
    for quantity in quantities {
        if !names.contains(&quantity.name()) {
            names.push(quantity.name());
        }
    }
    let list = names.join(", ");
    (!names.is_empty()).then(|| Diagnostic::note(format!("left out, because no target gives it: {list}")))
}

/// Traffic without a price is no spend that anybody sees, so it is said where it is likely.
fn unpriced(service: &Service) -> Option<Diagnostic> {
    let config = &service.config;
    let models_were_set = config.origins.keys().any(|path| path.starts_with("models"));
    let job = service.own().find(|job| Service::cost_is_derived(job)).filter(|_| !models_were_set)?;
    let names: Vec<_> = config.models.iter().map(|model| format!("`{}`", model.name)).collect();
    let message = format!(
        "job `{}` reports tokens but no cost, and only {} have a price: spend of other models is not seen",
        job.target.job,
        names.join(", ")
    );
    Some(Diagnostic::warning(message).help(
        "list its models with their prices, such as `models: [{name: my-llama, provider: own, price: {input: 0.1, output: 0.4}}]`",
    ))
}

/// Totals that not every entry contributes to.
fn partial_totals(service: &Service) -> Vec<Diagnostic> {
    let totals = [
        Quantity::Requests,
        Quantity::Errors,
        Quantity::InputTokens,
        Quantity::OutputTokens,
        Quantity::Cost,
        Quantity::Duration,
        Quantity::FirstToken,
        Quantity::PerOutputToken,
        Quantity::Active,
    ];
    let mut notes = Vec::new();
    for quantity in totals {
        let (with, without): (Vec<&Job>, Vec<&Job>) =
            service.entries().partition(|job| Service::job_gives(job, quantity));
        if !with.is_empty() && !without.is_empty() {
            let names: Vec<_> = without.iter().map(|job| format!("`{}`", job.target.job)).collect();
            notes.push(Diagnostic::note(format!(
                "{} covers only some of the targets: {} cannot give it",
                quantity.name(),
                names.join(", ")
            )));
        }
    }
    notes.extend(unpriced(service));
    if service.jobs.iter().any(|job| job.target.role == Role::Mock) {
        notes.push(Diagnostic::note("job `mock` is scraped beside your targets and counts in no total"));
    }
    notes
}

#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn put(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }

    fn checked(
        &mut self,
        path: impl Into<String>,
        text: String,
        parse: impl Fn(&str) -> Result<(), FormatError>,
    ) -> Result<(), RenderError> {
        let path = path.into();
        parse(&text).map_err(|error| RenderError::Unreadable { file: path.clone(), error })?;
        self.put(path, text.into_bytes());
        Ok(())
    }

    /// Takes a user's file along under `base/folder` and returns its path below `base`.
    fn include(&mut self, base: &str, folder: &str, file: &Included) -> Result<String, RenderError> {
        let below = format!("{folder}/{}", file.name);
        let path = format!("{base}/{below}");
        if self.0.contains_key(&path) {
            return Err(RenderError::SameName(file.name.clone()));
        }
        self.put(path, file.bytes.clone());
        Ok(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_the_longest_window_and_ten_days() {
        assert_eq!(retention(PromDuration::from_secs(300)), "11d");
        assert_eq!(retention(PromDuration::from_secs(30 * 86_400)), "40d");
    }

    #[test]
    fn left_out_is_told_from_a_mistake() {
        let error = minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "x");
        assert_eq!(expression::left_out(&error), None);
    }
}
