//! Label to series, of what is in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{series::Labels, tsdb::postings::Postings};

/// Label name to value to the slots of the series that carry it, sorted. Its keys are the texts that all label sets
/// in memory share.
#[derive(Debug, Default)]
pub(crate) struct Index {
    names: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<u32>>>,
    /// Slots that hold a series, sorted.
    all: Vec<u32>,
}

impl Index {
    /// Adds a series; gives its labels back with shared texts.
    pub(super) fn insert(&mut self, labels: &Labels, slot: u32) -> Labels {
        insert_sorted(&mut self.all, slot);
        let pairs = labels.iter().map(|(name, value)| {
            let name = match self.names.get_key_value(name) {
                Some((name, _)) => name.clone(),
                None => Arc::from(name),
            };
            let values = self.names.entry(name.clone()).or_default();
            let value = match values.get_key_value(value) {
                Some((value, _)) => value.clone(),
                None => Arc::from(value),
            };
            insert_sorted(values.entry(value.clone()).or_default(), slot);
            (name, value)
        });
        pairs.collect()
    }

    /// Takes series out.
    pub(super) fn remove(&mut self, series: &[(u32, Labels)]) {
        let gone: BTreeSet<u32> = series.iter().map(|(slot, _)| *slot).collect();
        let pairs: BTreeSet<(&str, &str)> = series.iter().flat_map(|(_, labels)| labels.iter()).collect();
        self.all.retain(|slot| !gone.contains(slot));
        for (name, value) in pairs {
            let Some(values) = self.names.get_mut(name) else { continue };
            if let Some(slots) = values.get_mut(value) {
                slots.retain(|slot| !gone.contains(slot));
                if slots.is_empty() {
                    values.remove(value);
                }
            }
            if values.is_empty() {
                self.names.remove(name);
            }
        }
    }

    pub(crate) fn slots(&self) -> &[u32] {
        &self.all
    }

    /// Each label name with its values and their series, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeMap<Arc<str>, Vec<u32>>)> {
        self.names.iter()
    }

    pub(crate) fn values(&self, name: &str) -> Option<&BTreeMap<Arc<str>, Vec<u32>>> {
        self.names.get(name)
    }
}

fn insert_sorted(slots: &mut Vec<u32>, slot: u32) {
    if slots.last().is_none_or(|last| *last < slot) {
        slots.push(slot);
    } else if let Err(place) = slots.binary_search(&slot) {
        slots.insert(place, slot);
    }
}

impl Postings for Index {
    fn all(&self) -> Vec<u32> {
        self.all.clone()
    }

    fn equal(&self, name: &str, value: &str, out: &mut Vec<u32>) {
        if let Some(slots) = self.names.get(name).and_then(|values| values.get(value)) {
            out.extend_from_slice(slots);
        }
    }

    fn accepted(&self, name: &str, accept: &mut dyn FnMut(&str) -> bool, out: &mut Vec<u32>) {
        for (value, slots) in self.names.get(name).into_iter().flatten() {
            if accept(value) {
                out.extend_from_slice(slots);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        series::{MatchOp, Matcher},
        tsdb::postings::matching,
    };

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn index() -> Index {
        let mut index = Index::default();
        index.insert(&labels(&[("n", "a"), ("x", "1")]), 3);
        index.insert(&labels(&[("n", "a"), ("x", "2")]), 1);
        index.insert(&labels(&[("n", "b"), ("x", "1")]), 2);
        index.insert(&labels(&[("n", "c")]), 0);
        index
    }

    #[track_caller]
    fn check(matchers: &[(&str, MatchOp, &str)], expect: &[u32]) {
        let matchers: Vec<_> =
            matchers.iter().map(|(name, op, value)| Matcher::new(*name, *op, *value).unwrap()).collect();
        assert_eq!(matching(&index(), &matchers), expect);
    }

    #[test]
    fn series_are_found_by_matchers() {
        use MatchOp::{Equal, Matches, NotEqual, NotMatches};
        check(&[], &[0, 1, 2, 3]);
        check(&[("n", Equal, "a")], &[1, 3]);
        check(&[("n", Equal, "a"), ("x", NotEqual, "1")], &[1]);
        check(&[("n", Equal, "a"), ("x", Equal, "1")], &[3]);
        check(&[("x", Equal, "")], &[0]);
        check(&[("x", NotEqual, "")], &[1, 2, 3]);
        check(&[("x", Matches, "1|")], &[0, 2, 3]);
        check(&[("x", Matches, ".+")], &[1, 2, 3]);
        check(&[("x", Matches, "2|1|2")], &[1, 2, 3]);
        check(&[("x", NotMatches, "[12]")], &[0]);
        check(&[("x", NotMatches, "1.*"), ("n", NotEqual, "c")], &[1]);
        check(&[("n", Equal, "z")], &[]);
        check(&[("y", NotEqual, "z")], &[0, 1, 2, 3]);
    }

    #[test]
    fn removed_series_leave_nothing_behind() {
        let mut index = index();
        let series = [(3, labels(&[("n", "a"), ("x", "1")])), (0, labels(&[("n", "c")]))];
        index.remove(&series);
        assert_eq!(index.slots(), [1, 2]);
        let shown: Vec<_> = index.names().map(|(name, values)| (&**name, values.len())).collect();
        assert_eq!(shown, [("n", 2), ("x", 2)]);
        assert_eq!(matching(&index, &[Matcher::equal("x", "1")]), [2]);
        index.remove(&[(1, labels(&[("n", "a"), ("x", "2")])), (2, labels(&[("n", "b"), ("x", "1")]))]);
        assert_eq!(index.names().count(), 0);
    }
}
