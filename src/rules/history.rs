//! What became of alerts and rules over a span of time.

use crate::{
    series::{Columns, Labels, Select},
    time::Timestamp,
};

use super::{
    alert::AlertState,
    ask::{ask, query},
    program::{Alerting, Kind, Program, RuleId},
    state::{AlertEntry, State},
    template::Context,
    view::AsOf,
};

use crate::promql::eval::Grid;

/// A time for which an alert was pending or firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    pub rule: RuleId,
    /// With `alertname`.
    pub labels: Labels,
    /// The instant at which it became pending.
    pub active_at: Timestamp,
    /// The instant at which it began to fire; `None` where it never did.
    pub fired_at: Option<Timestamp>,
    /// The first instant at which it was neither pending nor firing; `None` where it still was at the end.
    pub ended_at: Option<Timestamp>,
    /// While it was kept firing without a result.
    pub gaps: Vec<Gap>,
}

/// A time for which an alert was kept firing without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The instant of the last result before.
    pub seen_at: Timestamp,
    pub from: Timestamp,
    /// The instant at which the result was there again, or the alert ended.
    pub to: Option<Timestamp>,
}

/// Instants in a row at which a rule failed in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFailure {
    pub rule: RuleId,
    pub first: Timestamp,
    pub last: Timestamp,
    /// As Prometheus words it.
    pub message: String,
    /// Whether the evaluation as a whole failed, not only that of a sample.
    pub(super) is_whole: bool,
    /// Whether the last instant of what is evaluated so far is among them.
    pub(super) goes_on: bool,
}

/// An alert at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub state: AlertState,
    /// With `alertname`.
    pub labels: Labels,
    /// By name; empty ones, too.
    pub annotations: Vec<(String, String)>,
    /// Of the last result.
    pub value: f64,
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub keep_firing_since: Option<Timestamp>,
}

/// What rules did over a span of time.
#[derive(Debug)]
pub struct History {
    pub(super) state: State,
    /// The instants of each group.
    pub(super) grids: Vec<Grid>,
}

impl History {
    /// The last instant at which a group was evaluated: what the input has after it was not looked at.
    pub fn last_instant(&self) -> Option<Timestamp> {
        let ends = self.grids.iter().filter(|grid| grid.count > 0).map(|grid| Timestamp(grid.end()));
        ends.max()
    }

    /// The last instant at or before `at` at which a rule was evaluated.
    pub fn instant_before(&self, rule: RuleId, at: Timestamp) -> Option<Timestamp> {
        let grid = self.grids.get(rule.group).filter(|grid| grid.count > 0 && grid.start <= at.0)?;
        Some(Timestamp(grid.end().min(at.0 - (at.0 - grid.start) % grid.step)))
    }

    /// What rules failed with, in the order of the first instants.
    pub fn failures(&self) -> Vec<&RuleFailure> {
        let mut failures: Vec<_> = self.state.rules.iter().flat_map(|rule| &rule.failures).collect();
        failures.sort_by_key(|failure| (failure.first, failure.rule));
        failures
    }

    /// All times for which alerts were pending or firing: by rule, then by labels, then by time.
    pub fn episodes(&self) -> Vec<&Episode> {
        let mut episodes = Vec::new();
        for rule in &self.state.rules {
            let mut alerts: Vec<&AlertEntry> = rule.alerts.iter().collect();
            alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
            episodes.extend(alerts.into_iter().flat_map(|alert| &alert.episodes));
        }
        episodes
    }

    /// The alerts of a rule that are pending or firing at an instant, as they are after the evaluation at or before it;
    /// sorted by labels. `columns` are those that the rules were evaluated over. The message is that of a query that
    /// fails now and did not then.
    pub fn alerts_at(
        &self,
        program: &Program,
        columns: &Columns,
        rule: RuleId,
        at: Timestamp,
    ) -> Result<Vec<Alert>, String> {
        let index = program.flat(rule);
        let compiled = &program.rules[index];
        let Kind::Alerting(alerting) = &compiled.kind else { return Ok(Vec::new()) };
        let Some(instant) = self.instant_before(rule, at) else { return Ok(Vec::new()) };
        let state = &self.state.rules[index];
        let mut alerts = Vec::new();
        for episode in state.alerts.iter().flat_map(|alert| &alert.episodes) {
            if episode.active_at > instant || episode.ended_at.is_some_and(|end| end <= instant) {
                continue;
            }
            let fired_at = episode.fired_at.filter(|fired| *fired <= instant);
            let gap =
                episode.gaps.iter().find(|gap| gap.from <= instant && gap.to.is_none_or(|to| to > instant));
            let seen_at = match gap {
                Some(gap) => gap.seen_at,
                None => self.judged(index, rule, instant).unwrap_or(instant),
            };
            let alert = Alert {
                state: if fired_at.is_some() { AlertState::Firing } else { AlertState::Pending },
                labels: episode.labels.clone(),
                annotations: Vec::new(),
                value: f64::NAN,
                active_at: episode.active_at,
                fired_at,
                resolved_at: None,
                keep_firing_since: gap.map(|gap| gap.from),
            };
            alerts.push((seen_at, alert));
        }
        alerts.sort_by(|(seen, a), (other, b)| seen.cmp(other).then_with(|| a.labels.cmp(&b.labels)));
        for same in alerts.chunk_by_mut(|(seen, _), (other, _)| seen == other) {
            let seen_at = same[0].0;
            let view = AsOf::rule(columns, seen_at, &self.state.written, index);
            let expr = program.rule(rule).expr();
            let asked = Timestamp(seen_at.0.saturating_sub(compiled.offset));
            let block = ask(expr, &view, Grid::instant(asked), &program.settings.eval)?;
            for (result, row) in block.rows() {
                let labels = program.alert_labels(alerting, result, row[0], seen_at, &view);
                if let Ok(found) = same.binary_search_by(|(_, alert)| alert.labels.cmp(&labels)) {
                    let alert = &mut same[found].1;
                    alert.value = row[0];
                    alert.annotations = program.annotations(alerting, result, row[0], seen_at, &view);
                }
            }
        }
        let mut alerts: Vec<Alert> = alerts.into_iter().map(|(_, alert)| alert).collect();
        alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(alerts)
    }

    /// The last instant up to this one at which the rule did not fail.
    fn judged(&self, index: usize, rule: RuleId, instant: Timestamp) -> Option<Timestamp> {
        let failures = &self.state.rules[index].failures;
        let mut instant = instant;
        for failure in failures.iter().rev().filter(|failure| failure.is_whole) {
            if failure.first <= instant && instant <= failure.last {
                instant = self.instant_before(rule, Timestamp(failure.first.0 - 1))?;
            }
        }
        Some(instant)
    }
}

impl Program {
    /// The labels of the alert of a result.
    pub(super) fn alert_labels(
        &self,
        alerting: &Alerting,
        result: &Labels,
        value: f64,
        at: Timestamp,
        store: &dyn Select,
    ) -> Labels {
        let mut labels = result.edit();
        labels.remove(crate::series::METRIC_NAME);
        self.with_context(result, value, at, store, |context| {
            for (name, template) in &alerting.labels {
                labels.set(name.clone(), template.expand_or_tell(context));
            }
        });
        labels.set("alertname", alerting.name.clone());
        labels.finish()
    }

    pub(super) fn annotations(
        &self,
        alerting: &Alerting,
        result: &Labels,
        value: f64,
        at: Timestamp,
        store: &dyn Select,
    ) -> Vec<(String, String)> {
        self.with_context(result, value, at, store, |context| {
            let expanded = alerting.annotations.iter();
            expanded.map(|(name, template)| (name.clone(), template.expand_or_tell(context))).collect()
        })
    }

    fn with_context<T>(
        &self,
        labels: &Labels,
        value: f64,
        now: Timestamp,
        store: &dyn Select,
        run: impl FnOnce(&Context<'_>) -> T,
    ) -> T {
        let settings = &self.settings;
        run(&Context {
            labels,
            value,
            external_labels: &settings.external_labels,
            external_url: &settings.external_url,
            server_url: settings.server_url.as_deref(),
            now,
            query: &|text| query(text, store, now, settings.syntax, &settings.eval),
        })
    }
}
