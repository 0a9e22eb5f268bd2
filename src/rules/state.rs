//! What rules keep from one evaluation to the next.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use crate::{
    series::{AppendError, Columns, Labels, STALE, SeriesId, is_stale},
    time::Timestamp,
};

use super::{
    alert::Activity,
    history::{Episode, RuleFailure},
    program::{Program, RuleId},
    template::float_text,
    view::Written,
};

/// What the rules of a [`Program`] keep from one evaluation to the next.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) rules: Vec<RuleState>,
    pub(super) written: Written,
}

#[derive(Debug, Clone)]
pub(super) struct RuleState {
    pub(super) id: RuleId,
    pub(super) outputs: Vec<Output>,
    by_series: HashMap<SeriesId, usize>,
    /// For the labels of a result its place among the outputs, or the alerts.
    pub(super) targets: HashMap<Labels, usize>,
    pub(super) alerts: Vec<AlertEntry>,
    pub(super) by_labels: HashMap<Labels, usize>,
    /// What the last evaluation failed with.
    pub(super) error: Option<String>,
    pub(super) failures: Vec<RuleFailure>,
}

/// A series that a rule writes.
#[derive(Debug, Clone)]
pub(super) struct Output {
    id: SeriesId,
    /// Whether the last evaluation wrote it.
    present: bool,
    /// Its column in the sheet that is being filled.
    pub(super) column: Option<usize>,
}

/// An alert that is there, or has been.
#[derive(Debug, Clone)]
pub(super) struct AlertEntry {
    pub(super) labels: Labels,
    /// Labels of its last result.
    pub(super) result: Labels,
    pub(super) activity: Option<Activity>,
    /// Its series, once it has them: pending, firing, the state's beginning.
    pub(super) outputs: Option<[usize; 3]>,
    pub(super) episodes: Vec<Episode>,
}

/// Two rules, or a rule and the input, write the same series; what was written can only be told instant by instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Collision {
    pub(super) rule: usize,
    /// `None` is the input.
    pub(super) other: Option<usize>,
}

/// What is appended of a rule: columns of values, a value for each instant.
#[derive(Debug, Default)]
pub(super) struct Sheet<'a> {
    pub(super) columns: Vec<Cow<'a, [f64]>>,
    /// The instants at which the rule failed as a whole.
    pub(super) mistakes: BTreeMap<usize, String>,
    /// The instants at which a sample could not be written.
    pub(super) complaints: BTreeMap<usize, String>,
}

/// The series that were appended to, and from when on.
pub(super) type Journal = Vec<(SeriesId, Timestamp)>;

impl State {
    pub(super) fn new(program: &Program) -> Self {
        let rule = |rule: &super::program::Compiled| RuleState {
            id: rule.id,
            outputs: Vec::new(),
            by_series: HashMap::new(),
            targets: HashMap::new(),
            alerts: Vec::new(),
            by_labels: HashMap::new(),
            error: None,
            failures: Vec::new(),
        };
        let offsets = program.rules.iter().map(|rule| rule.offset).collect();
        let written = Written { series: HashMap::new(), offsets, others: HashMap::new() };
        Self { rules: program.rules.iter().map(rule).collect(), written }
    }

    /// The place among a rule's outputs of the series with these labels.
    pub(super) fn output(&mut self, rule: usize, labels: &Labels, columns: &mut Columns) -> usize {
        let id = columns.series(labels);
        let state = &mut self.rules[rule];
        if let Some(index) = state.by_series.get(&id) {
            return *index;
        }
        let index = state.outputs.len();
        state.outputs.push(Output { id, present: false, column: None });
        state.by_series.insert(id, index);
        index
    }

    /// Appends what a rule gives at `times`, and marks as stale what it gave before and gives no more.
    ///
    /// Series that others write, too, are only written with rules that are evaluated instant by instant together with
    /// this one: `peers`. At more than one instant there are none.
    pub(super) fn flush(
        &mut self,
        rule: usize,
        peers: &Range<usize>,
        times: &[Timestamp],
        sheet: &mut Sheet<'_>,
        columns: &mut Columns,
        journal: &mut Journal,
    ) -> Result<(), Collision> {
        let state = &mut self.rules[rule];
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
        let (mut at, mut values) = (Vec::new(), Vec::new());
        for output in &mut state.outputs {
            let column = output.column.take();
            if column.is_none() && !output.present {
                continue;
            }
            let labels = columns.labels(output.id);
            let other = self.written.series.get(labels).copied();
            let is_shared = other.is_some_and(|other| other != rule);
            let is_stranger = other.is_some_and(|other| other != rule && !peers.contains(&other));
            let is_behind = columns.samples_of(output.id).0.last().is_some_and(|have| have >= first);
            if is_stranger || (first != last && (is_shared || is_behind)) {
                return Err(Collision { rule, other: other.filter(|_| is_shared) });
            }
            if other.is_none() {
                self.written.series.insert(labels.clone(), rule);
            }
            journal.push((output.id, *first));
            let column = column.map(|column| &*sheet.columns[column]);
            match column {
                Some(column) if sheet.mistakes.is_empty() && !column.iter().any(|value| is_stale(*value)) => {
                    at.clear();
                    output.present = true;
                    if first != last {
                        let appended = columns.extend(output.id, times, column);
                        appended
                            .expect("the series has nothing after the first instant, and instants ascend");
                        continue;
                    }
                    at.push(*first);
                    values.clear();
                    values.push(column[0]);
                }
                _ => output.fill(times, column, &sheet.mistakes, &mut at, &mut values),
            }
            if first != last {
                let appended = columns.extend(output.id, &at, &values);
                appended.expect("the series has nothing after the first instant, and instants ascend");
                continue;
            }
            for (at, value) in at.iter().zip(&values) {
                let before = columns.samples_of(output.id).0.len();
                if let Err(complaint) = append(columns, output.id, *at, *value) {
                    // The rule that writes a series now is not to be disturbed by one that gave it up.
                    if !is_stale(*value) {
                        sheet.complaints.insert(0, complaint);
                    }
                    output.present = false;
                } else if is_shared && columns.samples_of(output.id).0.len() > before {
                    let others = self.written.others.entry(columns.labels(output.id).clone()).or_default();
                    others.insert(*at, Some(rule));
                }
            }
        }
        Ok(())
    }

    /// Keeps what a rule failed with at each of these instants, or that it did not.
    pub(super) fn judge(&mut self, rule: usize, instants: &[Timestamp], sheet: &mut Sheet<'_>) {
        let state = &mut self.rules[rule];
        let whole = |(step, message): (usize, String), is_whole: bool| (step, (message, is_whole));
        let complaints = std::mem::take(&mut sheet.complaints).into_iter().map(|entry| whole(entry, false));
        let mistakes = std::mem::take(&mut sheet.mistakes).into_iter().map(|entry| whole(entry, true));
        let failures: BTreeMap<usize, (String, bool)> = complaints.chain(mistakes).collect();
        let last = instants.len().wrapping_sub(1);
        state.error = failures.get(&last).map(|(message, _)| message.clone());
        let mut previous = None;
        for (step, (message, is_whole)) in failures {
            let follows = step == 0 || previous == Some(step - 1);
            previous = Some(step);
            let at = instants[step];
            match state.failures.last_mut() {
                Some(failure) if follows && failure.goes_on && failure.message == message => {
                    failure.last = at;
                }
                _ => state.failures.push(RuleFailure {
                    rule: state.id,
                    first: at,
                    last: at,
                    message,
                    is_whole,
                    goes_on: true,
                }),
            }
        }
        if let Some(failure) = state.failures.last_mut().filter(|_| previous != Some(last)) {
            failure.goes_on = false;
        }
    }
}

impl Output {
    /// The samples of a column, and a marker wherever the series ends.
    fn fill(
        &mut self,
        times: &[Timestamp],
        column: Option<&[f64]>,
        mistakes: &BTreeMap<usize, String>,
        at: &mut Vec<Timestamp>,
        values: &mut Vec<f64>,
    ) {
        at.clear();
        values.clear();
        for (step, time) in times.iter().enumerate() {
            if !mistakes.is_empty() && mistakes.contains_key(&step) {
                continue;
            }
            let value = column.map_or(STALE, |column| column[step]);
            let has_value = !is_stale(value);
            if has_value || self.present {
                at.push(*time);
                values.push(value);
            }
            self.present = has_value;
        }
    }
}

/// Appends a sample as Prometheus' head does: the same one again is no mistake.
pub(super) fn append(columns: &mut Columns, id: SeriesId, at: Timestamp, value: f64) -> Result<(), String> {
    match columns.append(id, at, value) {
        Ok(()) => Ok(()),
        Err(AppendError::OutOfOrder { .. }) => Err("out of order sample".to_owned()),
        Err(AppendError::Duplicate { .. }) => {
            let existing = columns.samples_of(id).1.last().copied().unwrap_or(STALE);
            if existing.to_bits() == value.to_bits() {
                return Ok(());
            }
            if at.0 == 0 {
                return Err("duplicate sample for timestamp".to_owned());
            }
            let (existing, new) = (float_text(existing), float_text(value));
            Err(format!(
                "duplicate sample for timestamp {}; overrides not allowed: existing {existing}, new value {new}",
                at.0
            ))
        }
    }
}
