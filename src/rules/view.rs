//! A store as it was at an instant, and for one of the rules.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    series::{Columns, Labels, Matcher, Select, SelectError, Selected, TimeSpan},
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
    /// The instants of the input in series that rules write, too.
    pub(super) input: HashMap<Labels, Vec<Timestamp>>,
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

    /// The last instant of a series that can be seen.
    fn end(&self, labels: &Labels) -> i64 {
        let Some((written, reader)) = self.rules else { return self.at.0 };
        let Some(writer) = written.series.get(labels) else { return self.at.0 };
        let offset = written.offsets.get(*writer).copied().unwrap_or(0);
        self.at.0.saturating_sub(offset).saturating_sub(i64::from(*writer >= reader))
    }

    /// Takes away what was written after the first `seen` samples; what was input stays.
    fn shorten(&self, series: &mut Selected<'_>, seen: usize) {
        let input = self.rules.and_then(|(written, _)| written.input.get(&series.labels));
        let Some(input) = input else {
            shorten(&mut series.times, seen);
            shorten(&mut series.values, seen);
            return;
        };
        let stays = |index: usize, time: &Timestamp| index < seen || input.binary_search(time).is_ok();
        let kept: Vec<usize> =
            (0..series.times.len()).filter(|index| stays(*index, &series.times[*index])).collect();
        series.times = kept.iter().map(|index| series.times[*index]).collect();
        series.values = kept.iter().map(|index| series.values[*index]).collect();
    }
}

impl Select for AsOf<'_> {
    fn select(&self, matchers: &[Matcher], span: TimeSpan) -> Result<Vec<Selected<'_>>, SelectError> {
        let span = TimeSpan { from: span.from, to: span.to.min(self.at) };
        let mut found = self.columns.select(matchers, span)?;
        found.retain_mut(|series| {
            let end = self.end(&series.labels);
            let seen = series.times.partition_point(|time| time.0 <= end);
            if seen < series.times.len() {
                self.shorten(series, seen);
            }
            !series.times.is_empty()
        });
        Ok(found)
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
            let found = view.select(&[], span).unwrap();
            assert_eq!(found.iter().map(|series| series.times.len()).collect::<Vec<_>>(), expect);
            assert!(found.iter().all(|series| series.times.len() == series.values.len()));
        };
        let input = HashMap::new();
        let mut written = Written { series, offsets: vec![2, 0, 0], input };
        check(&AsOf::instant(&columns, Timestamp(5)), [6, 6, 6]);
        check(&AsOf::rule(&columns, Timestamp(5), &written, 1), [6, 4, 5]);
        written.input.insert(labels("earlier"), vec![Timestamp(2), Timestamp(5), Timestamp(7)]);
        check(&AsOf::rule(&columns, Timestamp(5), &written, 1), [6, 5, 5]);
    }
}
