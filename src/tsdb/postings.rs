//! Which series matchers accept, over lists of series by label.

use crate::series::{MatchOp, Matcher};

/// Lists of series by label; series are numbers. What is appended to a list is sorted by the reader of it.
pub(crate) trait Postings {
    fn all(&self) -> Vec<u32>;

    /// Appends the series that have this pair, sorted.
    fn equal(&self, name: &str, value: &str, out: &mut Vec<u32>);

    /// Appends the series with a value of this label that is accepted; each once, in no order.
    fn accepted(&self, name: &str, accept: &mut dyn FnMut(&str) -> bool, out: &mut Vec<u32>);
}

/// The series that all matchers accept, sorted.
pub(crate) fn matching(postings: &impl Postings, matchers: &[Matcher]) -> Vec<u32> {
    let (subtracted, required): (Vec<&Matcher>, Vec<&Matcher>) =
        matchers.iter().partition(|matcher| matcher.matches_empty());
    let mut lists: Vec<Vec<u32>> = Vec::with_capacity(required.len());
    for matcher in required {
        let mut list = Vec::new();
        match matcher.values() {
            Some(values) => {
                for value in values {
                    postings.equal(matcher.name(), value, &mut list);
                }
            }
            None if matcher.op() == MatchOp::NotEqual && matcher.value().is_empty() => {
                postings.accepted(matcher.name(), &mut |_| true, &mut list);
            }
            None => postings.accepted(matcher.name(), &mut |value| matcher.accepts(value), &mut list),
        }
        if list.is_empty() {
            return list;
        }
        list.sort_unstable();
        list.dedup();
        lists.push(list);
    }
    lists.sort_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let mut found = lists.next().unwrap_or_else(|| postings.all());
    for list in lists {
        retain(&mut found, &list, true);
    }
    for matcher in subtracted {
        let mut refused = Vec::new();
        postings.accepted(matcher.name(), &mut |value| !matcher.accepts(value), &mut refused);
        if !refused.is_empty() {
            refused.sort_unstable();
            retain(&mut found, &refused, false);
        }
    }
    found
}

/// Keeps the numbers that are in the other list, or those that are not; both are sorted.
fn retain(found: &mut Vec<u32>, other: &[u32], keep: bool) {
    let mut rest = other;
    found.retain(|id| {
        rest = &rest[gallop(rest, *id)..];
        (rest.first() == Some(id)) == keep
    });
}

/// How many numbers are below `id`; steps double, so that a short list in a long one costs little.
fn gallop(list: &[u32], id: u32) -> usize {
    let mut step = 1;
    while step < list.len() && list[step] < id {
        step *= 2;
    }
    let from = step / 2;
    let to = list.len().min(step + 1);
    from + list[from..to].partition_point(|other| *other < id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_intersected_and_subtracted() {
        let check = |found: &[u32], other: &[u32], both: &[u32], only: &[u32]| {
            let (mut kept, mut left) = (found.to_vec(), found.to_vec());
            retain(&mut kept, other, true);
            retain(&mut left, other, false);
            assert_eq!((&kept[..], &left[..]), (both, only));
        };
        check(&[], &[1], &[], &[]);
        check(&[1, 2, 3], &[], &[], &[1, 2, 3]);
        check(&[1, 2, 3], &[2], &[2], &[1, 3]);
        check(&[1, 5, 900], &(0..1000).collect::<Vec<_>>(), &[1, 5, 900], &[]);
        check(&(0..10).collect::<Vec<_>>(), &[0, 3, 9, 12], &[0, 3, 9], &[1, 2, 4, 5, 6, 7, 8]);
        let thirds: Vec<u32> = (0..300).map(|i| i * 3).collect();
        let fifths: Vec<u32> = (0..180).map(|i| i * 5).collect();
        let expect: Vec<u32> = (0..900).filter(|i| i % 15 == 0).collect();
        let mut kept = thirds;
        retain(&mut kept, &fifths, true);
        assert_eq!(kept, expect);
    }
}
