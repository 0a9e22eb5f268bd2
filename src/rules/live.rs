//! Groups of rules evaluated one instant after the other, over a store that others write to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    promql::eval::Grid,
    series::{Labels, METRIC_NAME, Matcher, STALE, Select, TimeSpan},
    time::{PromDuration, Timestamp},
};

use super::{
    alert::{Activity, AlertState, Restart, advance, restored_active_at},
    ask::{NO_VECTOR, ask},
    group::Rule,
    history::Alert,
    pass::SAME_ALERTS,
    program::{Alerting, Compiled, Kind, Program},
    run::{SAME_RECORDS, by_labels},
};

const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// A sample that a rule gives.
pub type RuleSample = (Labels, Timestamp, f64);

/// The store that live rules read and write.
pub trait Ledger {
    /// What is in the store now.
    fn read(&self) -> Box<dyn Select + '_>;

    /// Appends samples; tells which were refused (by their place), and why, as Prometheus words it.
    fn write(&mut self, samples: &[RuleSample]) -> Vec<(usize, String)>;
}

/// What the rules of one group keep from one evaluation to the next: its size is that of the last results and of the
/// alerts of the last quarter of an hour.
#[derive(Debug, Clone)]
pub struct LiveGroup {
    group: usize,
    rules: Vec<LiveRule>,
}

#[derive(Debug, Clone, Default)]
struct LiveRule {
    /// The series that the last evaluation wrote.
    written: BTreeSet<Labels>,
    /// By labels, `alertname` among them.
    alerts: BTreeMap<Labels, LiveAlert>,
    /// Whether alerts write their series. After a restart they do not before their beginnings are restored, which the
    /// series tell.
    restored: bool,
    error: Option<String>,
}

#[derive(Debug, Clone)]
struct LiveAlert {
    activity: Option<Activity>,
    /// Of the last result.
    annotations: Vec<(String, String)>,
    sent_at: Option<Timestamp>,
}

/// An alert that is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct DueAlert {
    pub alert: Alert,
    /// When it is over if nothing more is heard of it.
    pub valid_until: Timestamp,
}

/// A result that is an alert.
struct Outcome {
    value: f64,
    annotations: Vec<(String, String)>,
}

impl Program {
    /// A group before its first evaluation. One that goes on after a restart is to be [`Program::restore`]d before its
    /// alerts write anything.
    pub fn live(&self, group: usize, restarts: bool) -> LiveGroup {
        let rule = || LiveRule { restored: !restarts, ..LiveRule::default() };
        LiveGroup { group, rules: self.groups[group].rules.iter().map(|_| rule()).collect() }
    }

    /// Evaluates a rule of the group at an instant and writes what it gives. One that fails keeps what it failed with,
    /// see [`LiveGroup::health`].
    pub fn evaluate(&self, live: &mut LiveGroup, rule: usize, at: Timestamp, ledger: &mut dyn Ledger) {
        let compiled = &self.rules[self.of_group(live.group).start + rule];
        let state = &mut live.rules[rule];
        let behind = Timestamp(at.0.saturating_sub(compiled.offset));
        let given = self.given(compiled, state, at, &*ledger.read());
        state.error = match given {
            Ok(samples) => write(&mut state.written, samples, behind, ledger),
            Err(message) => Some(message),
        };
    }

    /// What a rule gives at an instant: labels and values, sorted.
    fn given(
        &self,
        compiled: &Compiled,
        state: &mut LiveRule,
        at: Timestamp,
        store: &dyn Select,
    ) -> Result<Vec<(Labels, f64)>, String> {
        if !compiled.gives_vector {
            return Err(NO_VECTOR.to_owned());
        }
        let asked = Grid::instant(Timestamp(at.0.saturating_sub(compiled.offset)));
        let block = ask(self.rule(compiled.id).expr(), store, asked, &self.settings.eval)?;
        let rows = by_labels(&block);
        let results = rows.iter().map(|row| (&block.labels[*row], block.row(*row)[0]));
        match &compiled.kind {
            Kind::Recording(labels) => recorded(results, labels, compiled.limit),
            Kind::Alerting(alerting) => {
                let mut found: BTreeMap<Labels, Outcome> = BTreeMap::new();
                for (result, value) in results {
                    let labels = self.alert_labels(alerting, result, value, at, store);
                    let annotations = self.annotations(alerting, result, value, at, store);
                    if found.insert(labels, Outcome { value, annotations }).is_some() {
                        return Err(SAME_ALERTS.to_owned());
                    }
                }
                alerted(compiled, alerting, state, found, at)
            }
        }
    }

    /// Gives the alerts of a group that are active again after a restart the beginnings that their series tell; from
    /// now on they write them.
    pub fn restore(&self, live: &mut LiveGroup, now: Timestamp, restart: Restart, store: &dyn Select) {
        for (compiled, state) in self.rules[self.of_group(live.group)].iter().zip(&mut live.rules) {
            if state.restored {
                continue;
            }
            state.restored = true;
            let Kind::Alerting(alerting) = &compiled.kind else { continue };
            let Rule::Alerting(rule) = self.rule(compiled.id) else { continue };
            let tolerance = i64::try_from(restart.outage_tolerance.as_millis()).unwrap_or(i64::MAX);
            let span = TimeSpan { from: Timestamp(now.0.saturating_sub(tolerance)), to: now };
            let matchers =
                [Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE), Matcher::equal("alertname", &*alerting.name)];
            // What cannot be read is not restored: the alerts begin anew.
            let Ok(found) = store.select(&matchers, span) else { continue };
            let last: HashMap<Labels, (Timestamp, f64)> = found
                .filter_map(|series| {
                    let end = series.times.partition_point(|time| *time <= now).checked_sub(1)?;
                    Some((series.labels, (series.times[end], series.values[end])))
                })
                .collect();
            for (labels, alert) in &mut state.alerts {
                let [_, _, beginning] = alerting.series(labels);
                let Some(activity) =
                    alert.activity.as_mut().filter(|alert| alert.state != AlertState::Inactive)
                else {
                    continue;
                };
                let known = last.get(&beginning).copied();
                let restored = known.and_then(|last| restored_active_at(last, now, rule.hold, restart));
                if let Some(active_at) = restored {
                    activity.active_at = active_at;
                }
            }
        }
    }
}

/// Takes the alerts of a rule through an instant.
fn alerted(
    compiled: &Compiled,
    alerting: &Alerting,
    state: &mut LiveRule,
    found: BTreeMap<Labels, Outcome>,
    at: Timestamp,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut values = HashMap::new();
    for (labels, outcome) in found {
        values.insert(labels.clone(), outcome.value);
        let entry = state.alerts.entry(labels);
        entry.or_insert(LiveAlert { activity: None, annotations: Vec::new(), sent_at: None }).annotations =
            outcome.annotations;
    }
    let (mut samples, mut active) = (Vec::new(), 0);
    state.alerts.retain(|labels, alert| {
        let value = values.get(labels).copied();
        if advance(&mut alert.activity, at, value, alerting.holds) {
            active += 1;
            if let Some(activity) = alert.activity {
                let [pending, firing, beginning] = alerting.series(labels);
                let is_firing = activity.state == AlertState::Firing;
                samples.push((if is_firing { firing } else { pending }, 1.0));
                samples.push((beginning, activity.active_at.0.div_euclid(1000) as f64));
            }
        }
        alert.activity.is_some()
    });
    if compiled.limit > 0 && active > compiled.limit {
        state.alerts.clear();
        return Err(format!("exceeded limit of {} with {active} alerts", compiled.limit));
    }
    if !state.restored {
        samples.clear();
    }
    Ok(samples)
}

impl LiveGroup {
    /// What a rule failed with at its last evaluation.
    pub fn health(&self, rule: usize) -> Option<&str> {
        self.rules[rule].error.as_deref()
    }

    /// The alerts of a rule, sorted by labels: those that are pending or firing, and those that were until lately.
    pub fn alerts(&self, rule: usize) -> Vec<Alert> {
        let alerts = self.rules[rule].alerts.iter();
        alerts.filter_map(|(labels, alert)| Some(alert.shown(labels, alert.activity?))).collect()
    }

    /// The alerts of a rule that are to be sent after the evaluation at `at`, in milliseconds `interval` apart: those
    /// that fire or were resolved, and have not been sent for `resend_delay`. They count as sent.
    pub fn due(
        &mut self,
        rule: usize,
        at: Timestamp,
        resend_delay: PromDuration,
        interval: PromDuration,
    ) -> Vec<DueAlert> {
        let millis = |duration: PromDuration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let (delay, interval) = (millis(resend_delay), millis(interval));
        // Two evaluations, or two attempts to send, may fail.
        let valid_until = Timestamp(at.0.saturating_add(delay.max(interval).saturating_mul(4)));
        let mut due = Vec::new();
        for (labels, alert) in &mut self.rules[rule].alerts {
            let Some(activity) = alert.activity.filter(|activity| activity.state != AlertState::Pending)
            else {
                continue;
            };
            let news =
                activity.resolved_at.is_some_and(|resolved| alert.sent_at.is_none_or(|sent| resolved > sent));
            if news || alert.sent_at.is_none_or(|sent| sent.0.saturating_add(delay) < at.0) {
                alert.sent_at = Some(at);
                due.push(DueAlert { alert: alert.shown(labels, activity), valid_until });
            }
        }
        due
    }

    /// Takes over what the same rule kept in a group that is replaced.
    pub fn take_over(&mut self, rule: usize, old: &mut Self, old_rule: usize) {
        self.rules[rule] = std::mem::take(&mut old.rules[old_rule]);
    }

    /// The series that the last evaluations wrote: where nobody goes on with them, they are to be marked stale.
    pub fn series(&self) -> impl Iterator<Item = &Labels> {
        self.rules.iter().flat_map(|rule| &rule.written)
    }
}

impl LiveAlert {
    fn shown(&self, labels: &Labels, activity: Activity) -> Alert {
        Alert {
            state: activity.state,
            labels: labels.clone(),
            annotations: self.annotations.clone(),
            value: activity.value,
            active_at: activity.active_at,
            fired_at: activity.fired_at,
            resolved_at: activity.resolved_at,
            keep_firing_since: activity.keep_firing_since,
        }
    }
}

/// The results of a recording rule under the labels of its series.
fn recorded<'a>(
    results: impl Iterator<Item = (&'a Labels, f64)>,
    labels: &[(Arc<str>, Arc<str>)],
    limit: usize,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut samples: BTreeMap<Labels, f64> = BTreeMap::new();
    for (result, value) in results {
        let mut edit = result.edit();
        for (name, value) in labels {
            edit.set(name.clone(), value.clone());
        }
        if samples.insert(edit.finish(), value).is_some() {
            return Err(SAME_RECORDS.to_owned());
        }
    }
    if limit > 0 && samples.len() > limit {
        return Err(format!("exceeded limit of {limit} with {} series", samples.len()));
    }
    Ok(samples.into_iter().collect())
}

/// Writes what a rule gives, and marks as stale what it gave before and gives no more. What could not be written last.
fn write(
    written: &mut BTreeSet<Labels>,
    given: Vec<(Labels, f64)>,
    at: Timestamp,
    ledger: &mut dyn Ledger,
) -> Option<String> {
    let mut complaint = None;
    let mut own: HashMap<Labels, u64> = HashMap::new();
    let mut samples: Vec<RuleSample> = Vec::with_capacity(given.len());
    for (labels, value) in given {
        // Two alerts with the same series: fine as long as they say the same.
        match own.insert(labels.clone(), value.to_bits()) {
            None => samples.push((labels, at, value)),
            Some(before) if before == value.to_bits() => {}
            Some(before) => {
                own.insert(labels, before);
                complaint = Some("duplicate sample for timestamp".to_owned());
            }
        }
    }
    let refused: HashMap<usize, String> = ledger.write(&samples).into_iter().collect();
    let last = refused.keys().max().and_then(|index| refused.get(index)).cloned();
    let now: BTreeSet<Labels> = samples
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !refused.contains_key(index))
        .map(|(_, (labels, ..))| labels)
        .collect();
    let ended: Vec<RuleSample> = written.difference(&now).map(|labels| (labels.clone(), at, STALE)).collect();
    // The rule that writes a series now is not to be disturbed by one that gave it up.
    drop(ledger.write(&ended));
    *written = now;
    last.or(complaint)
}

#[cfg(test)]
mod tests;
