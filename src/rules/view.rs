//! A store as it was at an instant, and for one of the rules.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use crate::{
    series::{Columns, Labels, Matcher, Select, SelectError, Selected, Selection, TimeSpan},
    time::Timestamp,
};

/// A store without what came later.
#[derive(Debug)]
pub(super) struct AsOf<'a> {
    columns: &'a Columns,
    at: Timestamp,
    /// What rules have written, and the rule that looks.
    rules: Option<(&'a Written, usize)>,
}

/// Which rule writes which series.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) series: HashMap<Labels, usize>,
    /// How far behind its evaluation each rule writes, in milliseconds.
    pub(super) offsets: Vec<i64>,
    /// In series of several writers: the samples that are not of the rule in `series`, by the rule, or of the input.
    pub(super) others: HashMap<Labels, BTreeMap<Timestamp, Option<usize>>>,
}

impl<'a> AsOf<'a> {
    /// All that is not after the instant.
    pub(super) fn instant(columns: &'a Columns, at: Timestamp) -> Self {
        Self { columns, at, rules: None }
    }

    /// What a rule has seen at its evaluation at that instant: of itself and later rules only what they wrote before.
    pub(super) fn rule(columns: &'a Columns, at: Timestamp, written: &'a Written, rule: usize) -> Self {
        Self { columns, at, rules: Some((written, rule)) }
    }

    /// The last instant of what a rule has written that can be seen.
    fn end(&self, written: &Written, reader: usize, writer: usize) -> i64 {
        let offset = written.offsets.get(writer).copied().unwrap_or(0);
        self.at.0.saturating_sub(offset).saturating_sub(i64::from(writer >= reader))
    }

    /// Takes away what cannot be seen.
    fn restrict(&self, series: &mut Selected<'_>) {
        let mut end = self.at.0;
        if let Some((written, reader)) = self.rules {
            let own = written.series.get(&series.labels);
            end = own.map_or(end, |writer| self.end(written, reader, *writer));
            if let Some(others) = written.others.get(&series.labels) {
                let seen = |time: &Timestamp| match others.get(time) {
                    None => time.0 <= end,
                    Some(None) => time.0 <= self.at.0,
                    Some(Some(writer)) => time.0 <= self.end(written, reader, *writer),
                };
                let kept: Vec<usize> =
                    (0..series.times.len()).filter(|index| seen(&series.times[*index])).collect();
                series.times = kept.iter().map(|index| series.times[*index]).collect();
                series.values = kept.iter().map(|index| series.values[*index]).collect();
                return;
            }
        }
        let seen = series.times.partition_point(|time| time.0 <= end);
        if seen < series.times.len() {
            shorten(&mut series.times, seen);
            shorten(&mut series.values, seen);
        }
    }
}

impl Select for AsOf<'_> {
    fn select(&self, matchers: &[Matcher], span: TimeSpan) -> Result<Selection<'_>, SelectError> {
        let span = TimeSpan { from: span.from, to: span.to.min(self.at) };
        let found = self.columns.select(matchers, span)?.filter_map(|mut series| {
            self.restrict(&mut series);
            (!series.times.is_empty()).then_some(series)
        });
        Ok(Box::new(found))
    }
}

fn shorten<T: Clone>(column: &mut Cow<'_, [T]>, length: usize) {
    match column {
        Cow::Borrowed(slice) => *slice = &slice[..length],
        Cow::Owned(values) => values.truncate(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_sees_what_was_written_before_it() {
        let labels = |name: &str| -> Labels { [("__name__", name)].into_iter().collect() };
        let mut columns = Columns::new();
        for name in ["input", "earlier", "later"] {
            let id = columns.series(&labels(name));
            for time in 0..10_i32 {
                columns.append(id, Timestamp(i64::from(time)), f64::from(time)).unwrap();
            }
        }
        let series = [(labels("earlier"), 0), (labels("later"), 2)].into_iter().collect();
        let check = |view: &AsOf<'_>, expect: [usize; 3]| {
            let span = TimeSpan { from: Timestamp(0), to: Timestamp(100) };
            let found: Vec<_> = view.select(&[], span).unwrap().collect();
            assert_eq!(found.iter().map(|series| series.times.len()).collect::<Vec<_>>(), expect);
            assert!(found.iter().all(|series| series.times.len() == series.values.len()));
        };
        let mut written = Written { series, offsets: vec![2, 0, 0], others: HashMap::new() };
        check(&AsOf::instant(&columns, Timestamp(5)), [6, 6, 6]);
        check(&AsOf::rule(&columns, Timestamp(5), &written, 1), [6, 4, 5]);
        let others =
            [(Timestamp(2), None), (Timestamp(4), Some(2)), (Timestamp(5), None), (Timestamp(7), None)];
        written.others.insert(labels("earlier"), others.into_iter().collect());
        check(&AsOf::rule(&columns, Timestamp(5), &written, 1), [6, 6, 5]);
        check(&AsOf::rule(&columns, Timestamp(4), &written, 1), [5, 3, 4]);
    }
}
