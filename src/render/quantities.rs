//! What the service as a whole gives: joined sums, and the ratios, quantiles and money derived from them.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    config::Role,
    series::MatchOp,
    sources::{
        Primitive, Quantity,
        primitive::{Match, Window},
    },
    time::PromDuration,
};

use super::{
    escape::one_of,
    join::{Aggregate, Part, join},
    number::number,
    records::{PRICE_RECORD, SPEND_INTEGRATED, SPEND_NOW},
    service::{Job, Service},
};

/// Where an expression will stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a rule: jobs are written out.
    Rule,
    /// In a dashboard: jobs and models come from its variables.
    Dashboard,
}

/// Why an expression cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QuantityError {
    /// No target that counts can give it; what depends on it is left out.
    #[error("no target gives {}", .0.name())]
    Unavailable(Quantity),
    /// The template asks for something that is not configured.
    #[error("it does not apply")]
    DoesNotApply,
    #[error("there is no job `{0}`")]
    NoSuchJob(String),
    #[error("`{0}` is no window: a Prometheus duration or a Grafana variable")]
    Window(String),
}

/// Expressions over the service's targets, for one scope.
#[derive(Debug)]
pub(super) struct Quantities {
    service: Arc<Service>,
    scope: Scope,
    /// In milliseconds.
    longest_window: AtomicU64,
}

type Expression = Result<String, QuantityError>;

impl Quantities {
    pub(super) fn new(service: Arc<Service>, scope: Scope) -> Self {
        Self { service, scope, longest_window: AtomicU64::new(0) }
    }

    /// The longest fixed window that was asked for so far.
    pub(super) fn longest_window(&self) -> PromDuration {
        PromDuration::from_millis(self.longest_window.load(Ordering::Relaxed))
    }

    /// Whether any target that counts gives it.
    pub(super) fn has(&self, quantity: Quantity) -> bool {
        self.jobs_for(quantity).next().is_some()
    }

    /// A joined sum: per second for counters, requests for gauges. It is over the targets that give the other quantities
    /// too, so that a ratio speaks of the same targets above and below its line.
    pub(super) fn sum_of_those_with(
        &self,
        quantity: Quantity,
        others: &[Quantity],
        window: &str,
        by: &[&str],
    ) -> Expression {
        let window = self.window(window)?;
        Ok(join(&self.parts(quantity, others, None)?, aggregate(quantity), window.as_ref(), by))
    }

    /// US dollars spent within a fixed window. A recorded rate is summed step by step, so that what was spent
    /// at an old price stays as it was, and a gap is no spend.
    pub(super) fn spent(&self, window: &str, by: &[&str]) -> Expression {
        let span: PromDuration = window.parse().map_err(|_| QuantityError::Window(window.to_owned()))?;
        let window = self.window(window)?;
        let mut parts = self.parts(Quantity::Cost, &[], None)?;
        for part in &mut parts {
            part.primitive = match part.source {
                Some(_) => Cow::Owned(part.primitive.times(span.as_secs_f64())),
                None => Cow::Borrowed(&*SPEND_INTEGRATED),
            };
        }
        Ok(join(&parts, Aggregate::Sum, window.as_ref(), by))
    }

    /// Failed requests over all requests, 0 to 1; nothing where there is no traffic.
    pub(super) fn error_ratio(&self, window: &str, by: &[&str]) -> Expression {
        let errors = self.sum_of_those_with(Quantity::Errors, &[Quantity::Requests], window, by)?;
        let requests = self.sum_of_those_with(Quantity::Requests, &[Quantity::Errors], window, by)?;
        let none = if by.is_empty() { "vector(0)".to_owned() } else { format!("0 * {}", indent(&requests)) };
        Ok(ratio(&format!("{}\n  or\n  {none}", indent(&errors)), &format!("{} > 0", indent(&requests))))
    }

    /// Requests that ended in a server error or a time-out over all requests, 0 to 1: what the availability objective
    /// speaks of.
    pub(super) fn failure_ratio(&self, window: &str, by: &[&str]) -> Expression {
        const FAILURES: [&str; 2] = ["server_error", "timeout"];
        let filled = self.window(window)?;
        let mut parts = self.parts(Quantity::Errors, &[Quantity::Requests], None)?;
        parts.retain(|part| {
            let class = part.constants.iter().find(|(label, _)| *label == "error_class");
            class.is_none_or(|(_, class)| FAILURES.contains(&class.as_str()))
        });
        for part in &mut parts {
            let label = part.source.and_then(|source| source.primitives.errors.as_ref()?.label.as_deref());
            if let Some(label) = label {
                part.selector.push(one_of(label, &FAILURES));
            }
        }
        if parts.is_empty() {
            return Err(QuantityError::Unavailable(Quantity::Errors));
        }
        let failures = join(&parts, Aggregate::Sum, filled.as_ref(), by);
        let requests = self.sum_of_those_with(Quantity::Requests, &[Quantity::Errors], window, by)?;
        Ok(ratio(&format!("{}\n  or\n  vector(0)", indent(&failures)), &format!("{} > 0", indent(&requests))))
    }

    /// Requests under the bucket bound nearest to a threshold over all requests, 0 to 1.
    pub(super) fn share_under(
        &self,
        quantity: Quantity,
        threshold: PromDuration,
        window: &str,
        by: &[&str],
    ) -> Expression {
        let under = self.joined_under(quantity, threshold, window, by)?;
        let all = self.joined(quantity, window, by, Some(&one_of("le", &["+Inf"])))?;
        Ok(ratio(&indent(&under), &format!("{} > 0", indent(&all))))
    }

    /// A quantile in seconds. Where targets have different buckets, which cannot be added up, one for each job.
    pub(super) fn quantile(&self, q: f64, quantity: Quantity, window: &str, by: &[&str]) -> Expression {
        let mut by: Vec<&str> = by.to_vec();
        if !self.uniform_buckets(quantity) && !by.contains(&"job") {
            by.insert(0, "job");
        }
        by.push("le");
        let buckets = self.joined(quantity, window, &by, None)?;
        Ok(format!("histogram_quantile({}, {buckets})", number(q)))
    }

    /// Whether all targets that give a histogram have the same buckets.
    pub(super) fn uniform_buckets(&self, quantity: Quantity) -> bool {
        let mut all = self.jobs_for(quantity).map(|job| job.source.buckets(quantity));
        let first = all.next();
        all.all(|buckets| Some(buckets) == first)
    }

    /// Matchers for the service's own targets, entries and backends.
    pub(super) fn own_jobs(&self) -> String {
        let jobs: Vec<_> = self.service.own().map(|job| job.target.job.as_str()).collect();
        one_of("job", &jobs).to_string()
    }

    /// The rule that records a job's spend from its tokens and the price table, in US dollars per second by job,
    /// model and provider. Cached tokens are part of the input; what they save is taken off where it is known.
    pub(super) fn spend(&self, job: &str) -> Expression {
        let job = self
            .service
            .jobs
            .iter()
            .find(|candidate| candidate.target.job == job)
            .ok_or_else(|| QuantityError::NoSuchJob(job.to_owned()))?;
        let four_scrapes = job.target.scrape_interval.as_millis() * 4;
        let window = Window::Fixed(PromDuration::from_millis(four_scrapes.max(60_000)));
        let selector = [one_of("job", &[&job.target.job])];
        let tokens = |quantity: Quantity, kind: &str| {
            let parts =
                Self::parts_of(job, quantity, &selector).ok_or(QuantityError::Unavailable(quantity))?;
            let rate = join(&parts, Aggregate::Sum, Some(&window), &["job", "model"]);
            Ok::<_, QuantityError>(format!(
                "label_replace({}, \"type\", \"{kind}\", \"\", \"\")",
                indent(&rate)
            ))
        };
        let priced = |quantity: Quantity, kind: &str| {
            let rate = tokens(quantity, kind)?;
            Ok(format!("{rate}\n  * on (model, type) group_left (provider) {PRICE_RECORD}"))
        };
        let mut terms = Vec::new();
        for (quantity, kind) in [(Quantity::InputTokens, "input"), (Quantity::OutputTokens, "output")] {
            terms.push(priced(quantity, kind)?);
        }
        let discounted = self.service.config.models.iter().any(|model| model.price.cached_input.is_some());
        let within_input = job.source.overlap.get("cached_input").is_some_and(|whole| whole == "input");
        if job.source.gives(Quantity::CachedInputTokens) && !within_input {
            terms.push(priced(Quantity::CachedInputTokens, "cached_input")?);
        } else if job.source.gives(Quantity::CachedInputTokens) && discounted {
            let saved = format!(
                "{PRICE_RECORD}{{type=\"cached_input\"}}\n    - ignoring (type) {PRICE_RECORD}{{type=\"input\"}}"
            );
            terms.push(format!(
                "{}\n  * on (model) group_left (provider) (\n    {saved}\n  )",
                tokens(Quantity::CachedInputTokens, "cached_input")?
            ));
        }
        Ok(format!("sum by (job, model, provider) (\n  {}\n)", terms.join("\n  or\n  ")))
    }

    fn joined(&self, quantity: Quantity, window: &str, by: &[&str], extra: Option<&Match>) -> Expression {
        let window = self.window(window)?;
        Ok(join(&self.parts(quantity, &[], extra)?, aggregate(quantity), window.as_ref(), by))
    }

    fn joined_under(
        &self,
        quantity: Quantity,
        threshold: PromDuration,
        window: &str,
        by: &[&str],
    ) -> Expression {
        let window = self.window(window)?;
        let mut parts = self.parts(quantity, &[], None)?;
        for part in &mut parts {
            let bound = part.source.and_then(|source| Service::bound(source, quantity, threshold));
            let bound = bound.ok_or(QuantityError::Unavailable(quantity))?;
            part.selector.push(le_matcher(bound));
        }
        Ok(join(&parts, Aggregate::Sum, window.as_ref(), by))
    }

    fn jobs_for(&self, quantity: Quantity) -> impl Iterator<Item = &Job> {
        let infrastructure = matches!(quantity, Quantity::Queued | Quantity::CacheUse);
        self.service
            .own()
            .filter(move |job| infrastructure || job.target.role == Role::Entry)
            .filter(move |job| Service::job_gives(job, quantity))
    }

    /// One part for each source (and error class) among the jobs that give the quantity.
    fn parts(
        &self,
        quantity: Quantity,
        others: &[Quantity],
        extra: Option<&Match>,
    ) -> Result<Vec<Part<'_>>, QuantityError> {
        let mut groups: Vec<(&Job, Vec<&str>)> = Vec::new();
        let gives_all = |job: &&Job| others.iter().all(|other| Service::job_gives(job, *other));
        for job in self.jobs_for(quantity).filter(gives_all) {
            match groups.iter_mut().find(|(first, _)| first.target.source == job.target.source) {
                Some((_, jobs)) => jobs.push(&job.target.job),
                None => groups.push((job, vec![&job.target.job])),
            }
        }
        let infrastructure = matches!(quantity, Quantity::Queued | Quantity::CacheUse);
        let shared = share_a_family(&groups);
        let mut parts = Vec::new();
        for (index, (job, names)) in groups.into_iter().enumerate() {
            let mut selector = match self.scope {
                // Two sources that read one family would both find the other's series.
                Scope::Dashboard if !infrastructure && shared => {
                    vec![chosen("job", "$job"), one_of("job", &names)]
                }
                Scope::Dashboard if !infrastructure => vec![chosen("job", "$job")],
                _ => vec![one_of("job", &names)],
            };
            if self.scope == Scope::Dashboard {
                let carried =
                    if job.source.gives(quantity) { job.source.label("model") } else { Some("model") };
                selector.extend(carried.map(|label| chosen(label, "$model")));
            }
            selector.extend(extra.cloned());
            let group = Self::parts_of(job, quantity, &selector).unwrap_or_default();
            parts.extend(group.into_iter().map(|part| Part { group: index, ..part }));
        }
        if parts.is_empty() { Err(QuantityError::Unavailable(quantity)) } else { Ok(parts) }
    }

    fn parts_of<'j>(job: &'j Job, quantity: Quantity, selector: &[Match]) -> Option<Vec<Part<'j>>> {
        let source = &job.source;
        let p = &source.primitives;
        let part = |primitive: &'j Primitive| Part {
            primitive: Cow::Borrowed(primitive),
            source: Some(source),
            group: 0,
            selector: selector.to_owned(),
            constants: source.provider.iter().map(|provider| ("provider", provider.clone())).collect(),
        };
        let one = |expr: Option<&'j Primitive>| expr.map(|expr| vec![part(expr)]);
        match quantity {
            Quantity::Models => one(p.models.as_ref()),
            Quantity::Requests => one(p.requests.as_ref()),
            Quantity::InputTokens => one(p.tokens.get("input")),
            Quantity::OutputTokens => one(p.tokens.get("output")),
            Quantity::CachedInputTokens => one(p.tokens.get("cached_input")),
            Quantity::Duration => one(p.duration.as_ref().map(|h| &h.expr)),
            Quantity::FirstToken => one(p.first_token.as_ref().map(|h| &h.expr)),
            Quantity::PerOutputToken => one(p.per_output_token.as_ref().map(|h| &h.expr)),
            Quantity::Active => one(p.active.as_ref()),
            Quantity::Queued => one(p.queued.as_ref()),
            Quantity::CacheUse => one(p.cache_use.as_ref()),
            Quantity::Cost if Service::cost_is_derived(job) => Some(vec![Part {
                primitive: Cow::Borrowed(&*SPEND_NOW),
                source: None,
                group: 0,
                selector: selector.to_owned(),
                constants: Vec::new(),
            }]),
            Quantity::Cost => one(p.cost.as_ref()),
            Quantity::Errors => {
                let errors = p.errors.as_ref()?;
                let mut parts: Vec<_> = errors.expr.iter().map(part).collect();
                for (class, expr) in &errors.classes {
                    let mut one = part(expr);
                    one.constants.push(("error_class", class.clone()));
                    parts.push(one);
                }
                Some(parts)
            }
        }
    }

    /// A window as templates write it; the empty one is none. Fixed ones are remembered.
    fn window(&self, text: &str) -> Result<Option<Window>, QuantityError> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.starts_with('$') {
            return Ok(Some(Window::Variable(text.to_owned())));
        }
        let span: PromDuration = text.parse().map_err(|_| QuantityError::Window(text.to_owned()))?;
        self.longest_window.fetch_max(span.as_millis(), Ordering::Relaxed);
        Ok(Some(Window::Fixed(span)))
    }
}

/// Whether two of the groups' sources have a family in common.
fn share_a_family(groups: &[(&Job, Vec<&str>)]) -> bool {
    groups.iter().enumerate().any(|(index, (job, _))| {
        let others = groups[..index].iter();
        others.into_iter().any(|(other, _)| {
            job.source.families.iter().any(|family| other.source.family(&family.name).is_some())
        })
    })
}

/// What the user of a dashboard chose for a label.
fn chosen(label: &str, variable: &str) -> Match {
    Match { label: label.to_owned(), op: MatchOp::Matches, value: variable.to_owned() }
}

fn aggregate(quantity: Quantity) -> Aggregate {
    match quantity {
        Quantity::CacheUse => Aggregate::Max,
        Quantity::Models => Aggregate::Group,
        _ => Aggregate::Sum,
    }
}

/// Prometheus 3 stores `le="5"` as `5.0`, older servers as it was exposed.
fn le_matcher(bound: f64) -> Match {
    let shortest = number(bound);
    let (op, value) = if shortest.contains('.') {
        (MatchOp::Equal, shortest)
    } else {
        (MatchOp::Matches, format!(r"{shortest}|{shortest}\.0"))
    };
    Match { label: "le".to_owned(), op, value }
}

fn ratio(numerator: &str, denominator: &str) -> String {
    format!("(\n  {numerator}\n)\n/\n(\n  {denominator}\n)")
}

/// Further lines of an expression moved in by two, for a place inside parentheses.
fn indent(expr: &str) -> String {
    expr.replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_matches_both_ways_of_writing_it() {
        assert_eq!(le_matcher(5.0).to_string(), r#"le=~"5|5\\.0""#);
        assert_eq!(le_matcher(2.5).to_string(), r#"le="2.5""#);
    }
}
