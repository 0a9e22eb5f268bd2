//! The configured service with its sources resolved: which jobs count, what they can give, which bucket bounds
//! serve the objectives.

use std::collections::BTreeMap;

use crate::{
    config::{Config, LatencyObjective, Role, SourceRef, Target},
    diagnostic::Diagnostic,
    sources::{Quantity, Source},
    time::PromDuration,
};

use super::{number::spoken, records::RULE_INTERVAL};

/// A configuration whose targets know their sources.
#[derive(Debug)]
pub struct Service {
    pub(super) config: Config,
    pub(super) jobs: Vec<Job>,
}

/// A target and the source it speaks.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) target: Target,
    pub(super) source: Source,
}

/// Why the configured service cannot be observed as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("source of job `{job}` was not loaded")]
    SourceNotLoaded { job: String },
    #[error("the objectives do not fit the targets' histograms")]
    Objectives(Vec<Diagnostic>),
}

impl Service {
    /// Joins the configuration with the sources that its targets name.
    pub fn resolve(
        config: &Config,
        sources: &BTreeMap<SourceRef, Source>,
    ) -> Result<(Self, Vec<Diagnostic>), ServiceError> {
        let mut jobs = Vec::new();
        for target in &config.targets {
            let source = sources
                .get(&target.source)
                .ok_or_else(|| ServiceError::SourceNotLoaded { job: target.job.clone() })?;
            jobs.push(Job { target: target.clone(), source: source.clone() });
        }
        let service = Self { config: config.clone(), jobs };
        let notes = service.check_bounds()?;
        Ok((service, notes))
    }

    /// Jobs that count in totals.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.target.role == Role::Entry)
    }

    /// Jobs that belong to the service: entries and what stands behind them.
    pub(super) fn own(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.target.role != Role::Mock)
    }

    /// Whether a job can give a quantity, cost from tokens and prices included.
    pub(super) fn job_gives(job: &Job, quantity: Quantity) -> bool {
        job.source.gives(quantity) || (quantity == Quantity::Cost && Self::cost_is_derived(job))
    }

    /// Whether a job's cost comes from its tokens and the price table.
    pub(super) fn cost_is_derived(job: &Job) -> bool {
        job.source.prices_its_tokens()
    }

    /// The longest scrape interval, which every window has to span four times.
    pub(super) fn longest_scrape_interval(&self) -> PromDuration {
        self.own().map(|job| job.target.scrape_interval).max().unwrap_or_default()
    }

    /// How long a target may be silent: a minute, or a scrape where that takes longer, because a Prometheus that has
    /// just started knows no target before its first scrape.
    pub(super) fn down_hold(&self) -> PromDuration {
        self.longest_scrape_interval().max(PromDuration::from_secs(60))
    }

    /// The shortest step that panels may look at: the longest scrape interval, and that of the rules where panels stand
    /// on recorded series.
    pub(super) fn time_interval(&self) -> PromDuration {
        let recorded = self.own().any(Self::cost_is_derived);
        self.longest_scrape_interval().max(if recorded { RULE_INTERVAL } else { PromDuration::default() })
    }

    /// The window of alert expressions: five minutes, or four scrapes where those take longer.
    pub(super) fn alert_window(&self) -> PromDuration {
        let four_scrapes = self.longest_scrape_interval().as_millis() * 4;
        PromDuration::from_millis(four_scrapes.max(300_000))
    }

    /// The bucket bound of a source nearest to an objective's threshold, in seconds.
    pub(super) fn bound(source: &Source, quantity: Quantity, threshold: PromDuration) -> Option<f64> {
        let wanted = threshold.as_secs_f64();
        source
            .buckets(quantity)
            .iter()
            .copied()
            .min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()))
    }

    fn check_bounds(&self) -> Result<Vec<Diagnostic>, ServiceError> {
        let objectives = &self.config.objectives;
        let pairs = [
            ("objectives.latency.threshold", Quantity::Duration, &objectives.latency),
            ("objectives.first_token.threshold", Quantity::FirstToken, &objectives.first_token),
        ];
        let (mut notes, mut errors) = (Vec::new(), Vec::new());
        for (path, quantity, objective) in pairs {
            for job in self.entries().filter(|job| job.source.gives(quantity)) {
                match self.check_bound(path, quantity, objective, job) {
                    Some(found) if found.severity == crate::diagnostic::Severity::Error => errors.push(found),
                    Some(found) => notes.push(found),
                    None => {}
                }
            }
        }
        if errors.is_empty() { Ok(notes) } else { Err(ServiceError::Objectives(errors)) }
    }

    fn check_bound(
        &self,
        path: &str,
        quantity: Quantity,
        objective: &LatencyObjective,
        job: &Job,
    ) -> Option<Diagnostic> {
        let buckets = job.source.buckets(quantity);
        let (wanted, last) = (objective.threshold.as_secs_f64(), *buckets.last()?);
        let name = quantity.name();
        let job_name = &job.target.job;
        let threshold = spoken(objective.threshold);
        let found = if wanted >= last {
            Diagnostic::error(format!(
                "`{path}` of {threshold} is not below the largest bucket bound of job `{job_name}`"
            ))
            .because(format!(
                "no quantile of its {name} can read more than {last} s, so nothing could ever be seen to be slower"
            ))
            .help(format!("choose a threshold below {last} s, or give the histogram larger buckets"))
        } else {
            let bound = Self::bound(&job.source, quantity, objective.threshold)?;
            // Both come from decimal text, so equal means equal.
            if (bound - wanted).abs() < 1e-9 {
                return None;
            }
            let message =
                format!("`{path}` of {threshold} is no bucket bound of the {name} of job `{job_name}`");
            if objective.exact {
                Diagnostic::error(message)
                    .because("`exact: true` asks for a share that is counted, not estimated")
                    .help(format!("its nearest bound is {bound} s"))
            } else if quantity == Quantity::FirstToken {
                // Quantiles are held against it, but no share is counted.
                return None;
            } else {
                Diagnostic::note(format!("{message}: shares are counted at its nearest bound, {bound} s"))
            }
        };
        Some(match self.config.origins.get(path) {
            Some(origin) => found.at(&origin.source, origin.span, ""),
            None => found,
        })
    }
}
