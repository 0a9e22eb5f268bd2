//! The order of a vector: by value, or by labels in natural order.

use std::cmp::Ordering;

use crate::series::{Labels, is_stale};

use super::Block;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// The vector of the only step by value; NaN comes last in both directions.
pub(super) fn by_value(vector: &Block, direction: Direction) -> Block {
    let mut order = present(vector);
    let value = |index: &usize| vector.row(*index)[0];
    order.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        let numbers = a.partial_cmp(&b).map(|order| match direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        });
        numbers.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
    vector.ordered(&order)
}

/// The vector of the only step by these labels, then by all.
pub(super) fn by_label(vector: &Block, names: &[String], direction: Direction) -> Block {
    let mut order = present(vector);
    let compare = |a: &usize, b: &usize| {
        let order = by_names(&vector.labels[*a], &vector.labels[*b], names);
        match direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    };
    merge_sort(&mut order, &compare);
    vector.ordered(&order)
}

fn present(vector: &Block) -> Vec<usize> {
    if vector.steps != 1 {
        return (0..vector.len()).collect();
    }
    (0..vector.len()).filter(|index| !is_stale(vector.row(*index)[0])).collect()
}

fn by_names(a: &Labels, b: &Labels, names: &[String]) -> Ordering {
    for name in names {
        let (a, b) = (a.get(name).unwrap_or_default(), b.get(name).unwrap_or_default());
        if a != b {
            return if precedes(a, b) { Ordering::Less } else { Ordering::Greater };
        }
    }
    a.cmp(b)
}

/// Whether a text comes before another: runs of digits as numbers, all else as text.
///
/// This is no order where numbers differ in leading zeros or do not fit 64 bits, nor with the empty text: Prometheus'
/// is none there either.
fn precedes(a: &str, b: &str) -> bool {
    let (mut rest_a, mut rest_b) = (a, b);
    while !rest_a.is_empty() {
        if rest_b.is_empty() {
            return false;
        }
        let (chunk_a, chunk_b) = (next_chunk(&mut rest_a), next_chunk(&mut rest_b));
        let equal = match (chunk_a.parse::<i64>(), chunk_b.parse::<i64>()) {
            (Ok(a), Ok(b)) if a != b => return a < b,
            (Ok(_), Ok(_)) => true,
            _ => chunk_a == chunk_b,
        };
        if !equal {
            return chunk_a < chunk_b;
        }
        if rest_a.is_empty() {
            return true;
        }
    }
    false
}

/// Cuts off the longest beginning that is all digits or has none.
fn next_chunk<'a>(text: &mut &'a str) -> &'a str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (chunk, rest) = text.split_at(end);
    *text = rest;
    chunk
}

/// Short runs by insertion, as Go's sort does it, then merged; stable, and bears a comparison that is no order.
fn merge_sort(items: &mut [usize], compare: &impl Fn(&usize, &usize) -> Ordering) {
    const SHORT: usize = 12;
    if items.len() <= SHORT {
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && compare(&items[at], &items[at - 1]) == Ordering::Less {
                items.swap(at, at - 1);
                at -= 1;
            }
        }
        return;
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    merge_sort(left, compare);
    merge_sort(right, compare);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(left), Some(right)) if compare(right, left) == Ordering::Less => b.next(),
            (Some(_), _) => a.next(),
            (None, _) => b.next(),
        };
        let Some(next) = next else { break };
        merged.push(*next);
    }
    items.copy_from_slice(&merged);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::STALE;

    fn vector(rows: &[(&str, f64)]) -> Block {
        let mut block = Block::new(1);
        for (name, value) in rows {
            block.push([("n", *name)].into_iter().collect())[0] = *value;
        }
        block
    }

    #[track_caller]
    fn check(sorted: &Block, expect: &str) {
        let names: Vec<_> = sorted.labels.iter().map(|labels| labels.get("n").unwrap_or("-")).collect();
        assert_eq!(names.join(" "), expect);
    }

    #[test]
    fn nan_comes_last_both_ways() {
        let rows = vector(&[("a", f64::NAN), ("b", 2.0), ("c", f64::NEG_INFINITY), ("d", STALE), ("e", 7.0)]);
        check(&by_value(&rows, Direction::Ascending), "c b e a");
        check(&by_value(&rows, Direction::Descending), "e b c a");
    }

    #[test]
    fn numbers_in_labels_are_numbers() {
        let names = ["v10", "v9", "v1.2", "v1.10", "w", "v1"].map(|name| (name, 0.0));
        let by = ["n".to_owned()];
        check(&by_label(&vector(&names), &by, Direction::Ascending), "v1 v1.2 v1.10 v9 v10 w");
        check(&by_label(&vector(&names), &by, Direction::Descending), "w v10 v9 v1.10 v1.2 v1");
        check(&by_label(&vector(&names), &["x".to_owned()], Direction::Ascending), "v1 v1.10 v1.2 v10 v9 w");
    }

    #[test]
    fn many_are_sorted_whatever_the_order_is() {
        let names: Vec<String> =
            (0..100).map(|index| format!("{:01$}", index * 37 % 100, index % 3)).collect();
        let rows: Vec<_> = names.iter().map(|name| (name.as_str(), 0.0)).collect();
        let sorted = by_label(&vector(&rows), &["n".to_owned()], Direction::Ascending);
        let numbers: Vec<u32> =
            sorted.labels.iter().map(|labels| labels.get("n").unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        let odd: Vec<_> =
            (0..60).map(|index| (["", "9", "10", "10000000000000000000000"][index % 4], 0.0)).collect();
        assert_eq!(by_label(&vector(&odd), &["n".to_owned()], Direction::Ascending).len(), 60);
    }
}
