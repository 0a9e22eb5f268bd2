//! Series in memory: interned label sets, a column of values each, columns of times that series share.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::time::Timestamp;

use super::{
    Labels, METRIC_NAME, MatchOp, Matcher, Select, SelectError, Selected, Selection,
    select::{Span, is_stale},
};

/// A series of one [`Columns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u32);

/// Why a sample cannot be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("a sample at {} ms is older than the last one, at {} ms", .at.0, .last.0)]
    OutOfOrder { at: Timestamp, last: Timestamp },
    #[error("there is another sample at {} ms", .at.0)]
    Duplicate { at: Timestamp },
}

/// A store without a bound on its memory: 8 bytes a sample, where series share their times.
///
/// Series that are sampled at the same instants share one column of times; one that leaves the common pace gets a
/// copy of its own.
#[derive(Debug, Default)]
pub struct Columns {
    series: Vec<Series>,
    ids: HashMap<Labels, SeriesId>,
    /// Label name to value to the series that carry it, in the order of their making.
    index: HashMap<Arc<str>, BTreeMap<Arc<str>, Vec<SeriesId>>>,
    symbols: HashSet<Arc<str>>,
    times: Vec<Vec<Timestamp>>,
    /// The column of times that was last appended to.
    pace: usize,
}

#[derive(Debug)]
struct Series {
    labels: Labels,
    /// Index of its column of times, and where in it the series begins.
    times: usize,
    start: usize,
    values: Vec<f64>,
}

impl Columns {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How many samples there are, staleness markers included.
    pub fn samples(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).sum()
    }

    /// The series with these labels, made where it is not there yet.
    ///
    /// # Panics
    ///
    /// With 2^32 series, which no memory holds.
    pub fn series(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let labels = self.interned(labels.iter());
        self.insert(labels)
    }

    /// As [`Columns::series`], of pairs sorted by name, each name once, no value empty.
    pub(super) fn series_of<'a>(&mut self, tidy: impl Iterator<Item = (&'a str, &'a str)>) -> SeriesId {
        let labels = self.interned(tidy);
        match self.ids.get(&labels) {
            Some(id) => *id,
            None => self.insert(labels),
        }
    }

    fn insert(&mut self, labels: Labels) -> SeriesId {
        let id = SeriesId(u32::try_from(self.series.len()).expect("fewer than 2^32 series fit in memory"));
        for (name, value) in labels.pairs() {
            let values = match self.index.get_mut(name) {
                Some(values) => values,
                None => self.index.entry(name.clone()).or_default(),
            };
            match values.get_mut(value) {
                Some(ids) => ids.push(id),
                None => drop(values.insert(value.clone(), vec![id])),
            }
        }
        self.ids.insert(labels.clone(), id);
        self.series.push(Series { labels, times: 0, start: 0, values: Vec::new() });
        id
    }

    /// Labels that share their texts with those of the other series.
    fn interned<'a>(&mut self, tidy: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
        let pairs: Vec<_> = tidy.map(|(name, value)| (self.symbol(name), self.symbol(value))).collect();
        Labels::from_tidy(pairs)
    }

    fn symbol(&mut self, text: &str) -> Arc<str> {
        if let Some(symbol) = self.symbols.get(text) {
            return symbol.clone();
        }
        let symbol: Arc<str> = text.into();
        self.symbols.insert(symbol.clone());
        symbol
    }

    /// Labels of a series.
    pub fn labels(&self, id: SeriesId) -> &Labels {
        &self.series[id.0 as usize].labels
    }

    /// Appends a sample; its time has to be after the series' last.
    pub fn append(&mut self, id: SeriesId, at: Timestamp, value: f64) -> Result<(), AppendError> {
        let series = &mut self.series[id.0 as usize];
        if series.values.is_empty() {
            (series.times, series.start) = Self::join_pace(&mut self.times, &mut self.pace, at);
            series.values.push(value);
            return Ok(());
        }
        let column = &mut self.times[series.times];
        let next = series.start + series.values.len();
        let last = column[next - 1];
        if at <= last {
            let duplicate = AppendError::Duplicate { at };
            return Err(if at == last { duplicate } else { AppendError::OutOfOrder { at, last } });
        }
        match column.get(next) {
            Some(shared) if *shared == at => {}
            None => column.push(at),
            Some(_) => {
                // Room for what will follow, so that the copy is not moved again at once.
                let mut own = Vec::with_capacity(series.values.len() * 2);
                own.extend_from_slice(&column[series.start..next]);
                own.push(at);
                (series.times, series.start) = (self.times.len(), 0);
                self.times.push(own);
            }
        }
        self.pace = series.times;
        series.values.push(value);
        Ok(())
    }

    /// Appends samples; their times ascend strictly, from after the series' last. Nothing is appended where they don't.
    pub fn extend(&mut self, id: SeriesId, times: &[Timestamp], values: &[f64]) -> Result<(), AppendError> {
        if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(AppendError::OutOfOrder { at: pair[1], last: pair[0] });
        }
        let (Some((first, times)), Some((value, values))) = (times.split_first(), values.split_first())
        else {
            return Ok(());
        };
        self.append(id, *first, *value)?;
        let series = &mut self.series[id.0 as usize];
        let column = &mut self.times[series.times];
        let next = series.start + series.values.len();
        let shared = (column.len() - next).min(times.len());
        if column[next..next + shared] == times[..shared] {
            column.extend_from_slice(&times[shared..]);
        } else {
            let mut own = Vec::with_capacity(series.values.len() + times.len());
            own.extend_from_slice(&column[series.start..next]);
            own.extend_from_slice(times);
            (series.times, series.start) = (self.times.len(), 0);
            self.times.push(own);
        }
        self.pace = series.times;
        series.values.extend_from_slice(&values[..times.len()]);
        Ok(())
    }

    /// Takes the samples from an instant on out of a series.
    pub fn split_off(&mut self, id: SeriesId, from: Timestamp) -> (Vec<Timestamp>, Vec<f64>) {
        let (times, values) = self.samples_of(id);
        let kept = times.partition_point(|time| *time < from);
        let taken = (times[kept..].to_vec(), values[kept..].to_vec());
        self.series[id.0 as usize].values.truncate(kept);
        taken
    }

    /// The series with these labels, if there is one.
    pub fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.ids.get(labels).copied()
    }

    /// The series with a metric name, in the order of their making.
    pub fn named(&self, name: &str) -> &[SeriesId] {
        let named = self.index.get(METRIC_NAME).and_then(|names| names.get(name));
        named.map_or(&[], Vec::as_slice)
    }

    /// Where a series that begins now finds its times: at the end of the common column, or in one of its own.
    fn join_pace(times: &mut Vec<Vec<Timestamp>>, pace: &mut usize, at: Timestamp) -> (usize, usize) {
        if let Some(column) = times.get_mut(*pace) {
            if let Ok(start) = column.binary_search(&at) {
                return (*pace, start);
            }
            if column.last().is_none_or(|last| *last < at) {
                column.push(at);
                return (*pace, column.len() - 1);
            }
        }
        *pace = times.len();
        times.push(vec![at]);
        (*pace, 0)
    }

    /// The samples of a series; empty for one that has none yet.
    pub fn samples_of(&self, id: SeriesId) -> (&[Timestamp], &[f64]) {
        let series = &self.series[id.0 as usize];
        let times = self.times.get(series.times).map_or(&[][..], |column| {
            let end = (series.start + series.values.len()).min(column.len());
            &column[series.start.min(end)..end]
        });
        (times, &series.values)
    }

    /// Label names, sorted.
    pub fn label_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.index.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Values of a label, sorted.
    pub fn label_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.index.get(name).into_iter().flatten().map(|(value, _)| &**value)
    }

    /// Series that all matchers accept, in the order of their making.
    fn matching(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        let nothing = BTreeMap::new();
        let values = |matcher: &Matcher| self.index.get(matcher.name()).unwrap_or(&nothing);
        let equal = matchers
            .iter()
            .filter(|matcher| matcher.op() == MatchOp::Equal && !matcher.value().is_empty())
            .map(|matcher| values(matcher).get(matcher.value()).map_or(&[][..], Vec::as_slice))
            .min_by_key(|ids| ids.len());
        let candidates: Vec<SeriesId> = if let Some(ids) = equal {
            ids.to_vec()
        } else if let Some(narrow) = matchers.iter().find(|matcher| !matcher.accepts("")) {
            let mut ids: Vec<SeriesId> = values(narrow)
                .iter()
                .filter(|(value, _)| narrow.accepts(value))
                .flat_map(|(_, ids)| ids.iter().copied())
                .collect();
            ids.sort_unstable();
            ids
        } else {
            (0..self.series.len()).map(|index| SeriesId(u32::try_from(index).unwrap_or(u32::MAX))).collect()
        };
        let accepted = |id: &SeriesId| {
            let labels = &self.series[id.0 as usize].labels;
            matchers.iter().all(|matcher| matcher.accepts_labels(labels))
        };
        candidates.into_iter().filter(accepted).collect()
    }
}

impl Select for Columns {
    fn select(&self, matchers: &[Matcher], span: Span) -> Result<Selection<'_>, SelectError> {
        let selected = self.matching(matchers).into_iter().filter_map(move |id| {
            let (times, values) = self.samples_of(id);
            let from = times.partition_point(|time| *time < span.from);
            let to = times.partition_point(|time| *time <= span.to);
            (from < to).then(|| Selected {
                labels: self.labels(id).clone(),
                times: Cow::Borrowed(&times[from..to]),
                values: Cow::Borrowed(&values[from..to]),
            })
        });
        Ok(Box::new(selected.filter(|series| series.values.iter().any(|value| !is_stale(*value)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    fn sampled(columns: &Columns, id: SeriesId) -> Vec<(i64, f64)> {
        let (times, values) = columns.samples_of(id);
        assert_eq!(times.len(), values.len());
        times.iter().map(|time| time.0).zip(values.iter().copied()).collect()
    }

    #[test]
    fn series_at_one_pace_share_their_times() {
        let mut columns = Columns::new();
        let a = columns.series(&labels(&[("__name__", "a")]));
        let b = columns.series(&labels(&[("__name__", "b")]));
        for time in 0..10_i32 {
            columns.append(a, at(i64::from(time)), f64::from(time)).unwrap();
            columns.append(b, at(i64::from(time)), 0.0).unwrap();
        }
        let late = columns.series(&labels(&[("__name__", "c")]));
        columns.append(late, at(9), 1.0).unwrap();
        columns.append(late, at(10), 2.0).unwrap();
        columns.append(a, at(10), 10.0).unwrap();
        assert_eq!(columns.times.len(), 1);
        assert_eq!(sampled(&columns, late), [(9, 1.0), (10, 2.0)]);
        assert_eq!(sampled(&columns, b).len(), 10);
    }

    #[test]
    fn a_series_that_misses_an_instant_goes_on_alone() {
        let mut columns = Columns::new();
        let a = columns.series(&labels(&[("__name__", "a")]));
        let b = columns.series(&labels(&[("__name__", "b")]));
        columns.append(a, at(1), 1.0).unwrap();
        columns.append(b, at(1), 1.0).unwrap();
        columns.append(a, at(2), 2.0).unwrap();
        columns.append(b, at(3), 3.0).unwrap();
        columns.append(a, at(3), 3.0).unwrap();
        assert_eq!(sampled(&columns, a), [(1, 1.0), (2, 2.0), (3, 3.0)]);
        assert_eq!(sampled(&columns, b), [(1, 1.0), (3, 3.0)]);
    }

    #[test]
    fn time_goes_forward_only() {
        let mut columns = Columns::new();
        let a = columns.series(&labels(&[("__name__", "a")]));
        columns.append(a, at(5), 1.0).unwrap();
        assert_eq!(columns.append(a, at(5), 2.0), Err(AppendError::Duplicate { at: at(5) }));
        assert_eq!(columns.append(a, at(4), 2.0), Err(AppendError::OutOfOrder { at: at(4), last: at(5) }));
        assert_eq!(sampled(&columns, a), [(5, 1.0)]);
    }

    #[test]
    fn samples_are_appended_in_bulk_and_taken_back() {
        let times = |range: std::ops::Range<i64>| range.map(Timestamp).collect::<Vec<_>>();
        let mut columns = Columns::new();
        let a = columns.series(&labels(&[("__name__", "a")]));
        let b = columns.series(&labels(&[("__name__", "b")]));
        let c = columns.series(&labels(&[("__name__", "c")]));
        columns.extend(a, &times(0..5), &[0.0; 5]).unwrap();
        columns.extend(b, &times(2..8), &[1.0; 6]).unwrap();
        columns.extend(a, &times(5..8), &[2.0; 3]).unwrap();
        assert_eq!(columns.times.len(), 1);
        columns.extend(c, &[at(1), at(3)], &[7.0, 8.0]).unwrap();
        assert_eq!(columns.times.len(), 2);
        assert_eq!(sampled(&columns, c), [(1, 7.0), (3, 8.0)]);
        let before = sampled(&columns, a);
        assert_eq!((before.len(), before[7]), (8, (7, 2.0)));
        columns.extend(a, &times(7..9), &[0.0; 2]).unwrap_err();
        columns.extend(a, &[at(9), at(9)], &[0.0; 2]).unwrap_err();
        assert_eq!(sampled(&columns, a), before);
        assert_eq!(columns.split_off(a, at(6)), (times(6..8), vec![2.0, 2.0]));
        columns.append(a, at(10), 3.0).unwrap();
        assert_eq!(sampled(&columns, a)[5..], [(5, 2.0), (10, 3.0)]);
        assert_eq!(sampled(&columns, b).len(), 6);
        assert_eq!((columns.named("b"), columns.named("z").len()), (&[b][..], 0));
    }

    #[track_caller]
    fn check(matchers: &[(&str, MatchOp, &str)], expect: &[&str]) {
        let mut columns = Columns::new();
        for pairs in [
            &[("__name__", "a"), ("x", "1")][..],
            &[("__name__", "a"), ("x", "2")],
            &[("__name__", "b"), ("x", "1")],
            &[("__name__", "c")],
        ] {
            let id = columns.series(&labels(pairs));
            columns.append(id, at(1), 0.0).unwrap();
        }
        let matchers: Vec<_> =
            matchers.iter().map(|(name, op, value)| Matcher::new(*name, *op, *value).unwrap()).collect();
        let found = columns.select(&matchers, Span { from: at(0), to: at(9) }).unwrap();
        let names: Vec<_> = found
            .map(|series| {
                let label = |name| series.labels.get(name).unwrap_or_default();
                format!("{}{}", label("__name__"), label("x"))
            })
            .collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn series_are_found_by_matchers() {
        use MatchOp::{Equal, Matches, NotEqual, NotMatches};
        check(&[("__name__", Equal, "a")], &["a1", "a2"]);
        check(&[("__name__", Equal, "a"), ("x", NotEqual, "1")], &["a2"]);
        check(&[("x", Equal, "1")], &["a1", "b1"]);
        check(&[("x", Equal, "")], &["c"]);
        check(&[("x", Matches, "1|")], &["a1", "b1", "c"]);
        check(&[("x", Matches, ".+")], &["a1", "a2", "b1"]);
        check(&[("x", NotMatches, "[12]")], &["c"]);
        check(&[("__name__", Matches, "b|c")], &["b1", "c"]);
        check(&[("__name__", Equal, "z")], &[]);
        check(&[("y", NotEqual, "")], &[]);
    }

    #[test]
    fn series_without_a_sample_in_the_span_are_left_out() {
        let mut columns = Columns::new();
        let a = columns.series(&labels(&[("__name__", "a")]));
        columns.append(a, at(5), 1.0).unwrap();
        columns.append(a, at(9), crate::series::STALE).unwrap();
        let span = |from, to| columns.select(&[], Span { from: at(from), to: at(to) }).unwrap().count();
        assert_eq!((span(0, 4), span(5, 5), span(0, 9), span(6, 8), span(6, 9)), (0, 1, 1, 0, 0));
    }
}
