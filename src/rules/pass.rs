//! The alerts of a rule taken through the instants of a block of results.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    promql::eval::Block,
    series::{Columns, Labels, STALE, is_stale},
    time::Timestamp,
};

use super::{
    alert::{Activity, AlertState, advance},
    history::{Episode, Gap},
    program::{Alerting, Compiled, Program, RuleId, Stability},
    run::{by_appearance, by_labels, merge},
    state::{AlertEntry, Sheet, State},
    view::AsOf,
};

pub(super) const SAME_ALERTS: &str =
    "vector contains metrics with the same labelset after applying alert labels";

/// The alerts of a rule over the instants of a block.
pub(super) struct AlertPass<'a> {
    pub(super) program: &'a Program,
    pub(super) compiled: &'a Compiled,
    pub(super) alerting: &'a Alerting,
    pub(super) rule: usize,
    pub(super) instants: &'a [Timestamp],
}

/// The results of one alert.
struct Presence<'b> {
    column: Cow<'b, [f64]>,
    /// The series of the block that they come from.
    rows: Vec<usize>,
}

/// What an alert writes: pending, firing, the state's beginning.
type Written = [Option<Vec<f64>>; 3];

impl AlertPass<'_> {
    pub(super) fn run<'b>(
        &mut self,
        block: &'b Block,
        sheet: &mut Sheet<'b>,
        state: &mut State,
        columns: &mut Columns,
    ) {
        let presences = self.presences(block, sheet, state, columns);
        let limit = self.compiled.limit;
        let count = state.rules[self.rule].alerts.len();
        let mut written: Vec<Written> = std::iter::repeat_with(Written::default).take(count).collect();
        if limit == 0 {
            for alert in 0..count {
                let presence = presences.get(&alert);
                if presence.is_none() && state.rules[self.rule].alerts[alert].activity.is_none() {
                    continue;
                }
                for step in 0..block.steps {
                    self.step(step, alert, presence, sheet, state, &mut written);
                }
            }
        } else {
            for step in 0..block.steps {
                let mut active = 0;
                for alert in 0..count {
                    let presence = presences.get(&alert);
                    active += usize::from(self.step(step, alert, presence, sheet, state, &mut written));
                }
                if active > limit {
                    let message = format!("exceeded limit of {limit} with {active} alerts");
                    sheet.mistakes.insert(step, message);
                    self.forget(step, state);
                }
            }
        }
        for (alert, presence) in &presences {
            let last = (0..block.steps)
                .rev()
                .find(|step| !is_stale(presence.column[*step]) && !sheet.mistakes.contains_key(step));
            let row =
                last.and_then(|step| presence.rows.iter().find(|row| !is_stale(block.row(**row)[step])));
            if let Some(row) = row {
                state.rules[self.rule].alerts[*alert].result = block.labels[*row].clone();
            }
        }
        for (alert, written) in written.into_iter().enumerate() {
            if written.iter().any(Option::is_some) {
                self.hand_over(alert, written, sheet, state, columns);
            }
        }
    }

    /// The results of each alert; alerts that are new are made.
    fn presences<'b>(
        &self,
        block: &'b Block,
        sheet: &mut Sheet<'b>,
        state: &mut State,
        columns: &Columns,
    ) -> BTreeMap<usize, Presence<'b>> {
        let mut presences: BTreeMap<usize, Presence<'b>> = BTreeMap::new();
        let mut add = |alert: usize, row: usize, values: Cow<'b, [f64]>, sheet: &mut Sheet<'b>| {
            let Some(presence) = presences.get_mut(&alert) else {
                presences.insert(alert, Presence { column: values, rows: vec![row] });
                return;
            };
            presence.rows.push(row);
            merge(&mut presence.column, &values, |step| {
                sheet.mistakes.insert(step, SAME_ALERTS.to_owned());
            });
        };
        if self.alerting.stability == Stability::Series {
            for row in by_appearance(block) {
                let (result, values) = (&block.labels[row], block.row(row));
                let Some(first) = values.iter().position(|value| !is_stale(*value)) else { continue };
                let known = state.rules[self.rule].targets.get(result).copied();
                let alert = known.unwrap_or_else(|| {
                    let alert = self.alert(result, values[first], self.instants[first], state, columns);
                    state.rules[self.rule].targets.insert(result.clone(), alert);
                    alert
                });
                add(alert, row, Cow::Borrowed(values), sheet);
            }
            return presences;
        }
        // The alert may change from value to value.
        let mut parts: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        let mut last: Vec<Option<(u64, usize)>> = vec![None; block.len()];
        let rows = by_labels(block);
        for step in 0..block.steps {
            for row in &rows {
                let value = block.row(*row)[step];
                if is_stale(value) {
                    continue;
                }
                let same = last[*row].filter(|(bits, _)| {
                    self.alerting.stability == Stability::Value && *bits == value.to_bits()
                });
                let result = &block.labels[*row];
                let alert = match same {
                    Some((_, alert)) => alert,
                    None => self.alert(result, value, self.instants[step], state, columns),
                };
                last[*row] = Some((value.to_bits(), alert));
                parts.entry((alert, *row)).or_insert_with(|| vec![STALE; block.steps])[step] = value;
            }
        }
        for ((alert, row), values) in parts {
            add(alert, row, Cow::Owned(values), sheet);
        }
        presences
    }

    /// The place of the alert of a result.
    fn alert(
        &self,
        result: &Labels,
        value: f64,
        at: Timestamp,
        state: &mut State,
        columns: &Columns,
    ) -> usize {
        let store = AsOf::instant(columns, at);
        let labels = self.program.alert_labels(self.alerting, result, value, at, &store);
        let rule = &mut state.rules[self.rule];
        if let Some(alert) = rule.by_labels.get(&labels) {
            return *alert;
        }
        let alert = rule.alerts.len();
        rule.by_labels.insert(labels.clone(), alert);
        rule.alerts.push(AlertEntry {
            labels,
            result: result.clone(),
            activity: None,
            outputs: None,
            episodes: Vec::new(),
        });
        alert
    }

    /// Takes an alert through one instant; whether it is pending or firing then.
    fn step(
        &self,
        step: usize,
        alert: usize,
        presence: Option<&Presence<'_>>,
        sheet: &Sheet<'_>,
        state: &mut State,
        written: &mut [Written],
    ) -> bool {
        let value = presence.map(|presence| presence.column[step]).filter(|value| !is_stale(*value));
        let entry = &mut state.rules[self.rule].alerts[alert];
        if value.is_none() && entry.activity.is_none() {
            return false;
        }
        if !sheet.mistakes.is_empty() && sheet.mistakes.contains_key(&step) {
            return false;
        }
        let at = self.instants[step];
        let before = entry.activity;
        let active = advance(&mut entry.activity, at, value, self.alerting.holds);
        note(self.compiled.id, entry, before, at);
        let Some(activity) = entry.activity.filter(|_| active) else { return false };
        let mut write = |series: usize, value: f64| {
            let column = written[alert][series].get_or_insert_with(|| vec![STALE; self.instants.len()]);
            column[step] = value;
        };
        write(usize::from(activity.state == AlertState::Firing), 1.0);
        write(2, activity.active_at.0.div_euclid(1000) as f64);
        true
    }

    /// Too many alerts: none is known any more.
    fn forget(&self, step: usize, state: &mut State) {
        for entry in &mut state.rules[self.rule].alerts {
            let before = entry.activity.take();
            note(self.compiled.id, entry, before, self.instants[step]);
        }
    }

    /// Gives what an alert writes to its series.
    fn hand_over(
        &self,
        alert: usize,
        written: Written,
        sheet: &mut Sheet<'_>,
        state: &mut State,
        columns: &mut Columns,
    ) {
        let known = state.rules[self.rule].alerts[alert].outputs;
        let outputs = known.unwrap_or_else(|| {
            let labels = state.rules[self.rule].alerts[alert].labels.clone();
            let made = self.alerting.series(&labels).map(|labels| state.output(self.rule, &labels, columns));
            state.rules[self.rule].alerts[alert].outputs = Some(made);
            made
        });
        for (output, values) in outputs.into_iter().zip(written) {
            let Some(values) = values else { continue };
            let place = &mut state.rules[self.rule].outputs[output].column;
            let Some(column) = *place else {
                *place = Some(sheet.columns.len());
                sheet.columns.push(Cow::Owned(values));
                continue;
            };
            // Two alerts with the same series: fine as long as they say the same.
            let have = sheet.columns[column].clone();
            merge(&mut sheet.columns[column], &values, |step| {
                if have[step].to_bits() != values[step].to_bits() {
                    sheet.complaints.insert(step, "duplicate sample for timestamp".to_owned());
                }
            });
        }
    }
}

/// Keeps what became of an alert at an instant.
fn note(rule: RuleId, entry: &mut AlertEntry, before: Option<Activity>, at: Timestamp) {
    let is_active = |activity: &Activity| activity.state != AlertState::Inactive;
    let (before, after) = (before.filter(is_active), entry.activity.filter(is_active));
    match (before, after) {
        (None, None) => {}
        (None, Some(after)) => entry.episodes.push(Episode {
            rule,
            labels: entry.labels.clone(),
            active_at: after.active_at,
            fired_at: after.fired_at,
            ended_at: None,
            gaps: Vec::new(),
        }),
        (Some(before), after) => {
            let Some(episode) = entry.episodes.last_mut() else { return };
            match (before.keep_firing_since, after.and_then(|after| after.keep_firing_since)) {
                (None, Some(from)) => {
                    episode.gaps.push(Gap { seen_at: before.seen_at, from, to: None });
                }
                (Some(_), None) => {
                    if let Some(gap) = episode.gaps.last_mut() {
                        gap.to = Some(at);
                    }
                }
                _ => {}
            }
            match after {
                Some(after) => episode.fired_at = after.fired_at,
                None => episode.ended_at = Some(at),
            }
        }
    }
}
