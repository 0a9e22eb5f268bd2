//! One rule evaluated: at an instant, or over many at once.

use std::{borrow::Cow, ops::Range};

use crate::{
    promql::eval::{Block, Grid},
    series::{Columns, Labels, is_stale},
    time::Timestamp,
};

use super::{
    ask::{NO_VECTOR, ask},
    pass::AlertPass,
    program::{Kind, Program},
    state::{Collision, Journal, Sheet, State},
    view::AsOf,
};

pub(super) const SAME_RECORDS: &str =
    "vector contains metrics with the same labelset after applying rule labels";

impl Program {
    /// Evaluates a rule at all instants of a grid. Its `peers` are the rules that are evaluated instant by instant
    /// together with it.
    pub(super) fn run(
        &self,
        rule: usize,
        peers: &Range<usize>,
        grid: Grid,
        state: &mut State,
        columns: &mut Columns,
        journal: &mut Journal,
    ) -> Result<(), Collision> {
        let compiled = &self.rules[rule];
        let instants: Vec<Timestamp> = grid.instants().map(Timestamp).collect();
        let mut sheet = Sheet::default();
        if !compiled.gives_vector {
            sheet.mistakes = (0..grid.count).map(|step| (step, NO_VECTOR.to_owned())).collect();
            state.judge(rule, &instants, &mut sheet);
            return Ok(());
        }
        let behind = |at: i64| at.saturating_sub(compiled.offset);
        let asked = Grid { start: behind(grid.start), ..grid };
        let expr = self.rule(compiled.id).expr();
        let answer = if compiled.reading.instant && grid.count == 1 {
            ask(expr, &AsOf::instant(columns, instants[0]), asked, &self.settings.eval)
        } else {
            ask(expr, &*columns, asked, &self.settings.eval)
        };
        let block = match answer {
            Ok(block) => block,
            Err(message) if grid.count == 1 => {
                sheet.mistakes.insert(0, message);
                state.judge(rule, &instants, &mut sheet);
                return Ok(());
            }
            // One instant that fails must not take the others with it.
            Err(_) => {
                for at in instants {
                    self.run(rule, peers, Grid::instant(at), state, columns, journal)?;
                }
                return Ok(());
            }
        };
        let times: Vec<Timestamp> = instants.iter().map(|at| Timestamp(behind(at.0))).collect();
        match &compiled.kind {
            Kind::Recording(labels) => {
                let labelled = |result: &Labels| {
                    let mut edit = result.edit();
                    for (name, value) in labels {
                        edit.set(name.clone(), value.clone());
                    }
                    edit.finish()
                };
                record(rule, compiled.limit, labelled, &block, &mut sheet, state, columns);
            }
            Kind::Alerting(alerting) => {
                let mut pass = AlertPass { program: self, compiled, alerting, rule, instants: &instants };
                pass.run(&block, &mut sheet, state, columns);
            }
        }
        state.flush(rule, peers, &times, &mut sheet, columns, journal)?;
        state.judge(rule, &instants, &mut sheet);
        Ok(())
    }
}

/// Puts the results of a recording rule under the labels of its series.
fn record<'b>(
    rule: usize,
    limit: usize,
    labelled: impl Fn(&Labels) -> Labels,
    block: &'b Block,
    sheet: &mut Sheet<'b>,
    state: &mut State,
    columns: &mut Columns,
) {
    for index in by_appearance(block) {
        let (result, row) = (&block.labels[index], block.row(index));
        let known = state.rules[rule].targets.get(result).copied();
        let target = known.unwrap_or_else(|| {
            let target = state.output(rule, &labelled(result), columns);
            state.rules[rule].targets.insert(result.clone(), target);
            target
        });
        let place = &mut state.rules[rule].outputs[target].column;
        let Some(column) = *place else {
            *place = Some(sheet.columns.len());
            sheet.columns.push(Cow::Borrowed(row));
            continue;
        };
        merge(&mut sheet.columns[column], row, |step| {
            sheet.mistakes.insert(step, SAME_RECORDS.to_owned());
        });
    }
    if limit > 0 && sheet.columns.len() > limit {
        for step in 0..block.steps {
            let given = sheet.columns.iter().filter(|column| !is_stale(column[step])).count();
            if given > limit {
                let message = || format!("exceeded limit of {limit} with {given} series");
                sheet.mistakes.entry(step).or_insert_with(message);
            }
        }
    }
}

/// The series of a block, sorted by labels.
pub(super) fn by_labels(block: &Block) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..block.len()).collect();
    rows.sort_by(|a, b| block.labels[*a].cmp(&block.labels[*b]));
    rows
}

/// The series of a block as they come one instant after the other, at each sorted by labels: what they are written to
/// is made in this order, live and over a span.
pub(super) fn by_appearance(block: &Block) -> Vec<usize> {
    let mut rows = by_labels(block);
    rows.sort_by_key(|row| block.row(*row).iter().position(|value| !is_stale(*value)));
    rows
}

/// Adds the values of a row to a column; tells where both have one.
pub(super) fn merge(column: &mut Cow<'_, [f64]>, row: &[f64], mut meets: impl FnMut(usize)) {
    let column = column.to_mut();
    for (step, value) in row.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
        if is_stale(column[step]) {
            column[step] = *value;
        } else {
            meets(step);
        }
    }
}
