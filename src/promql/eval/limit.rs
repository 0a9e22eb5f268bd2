//! Aggregations that choose among the series: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::{cmp::Ordering, collections::HashMap};

use crate::{
    promql::syntax::AggregateOp,
    series::{Labels, is_stale},
};

use super::{EvalError, aggregate::Groups, block::Block, guard::Guard};

/// Chosen series with their labels and names. For one step they come in the order of the choice.
pub(super) fn limited(
    op: AggregateOp,
    block: &Block,
    groups: &Groups,
    param: &[f64],
    guard: Guard<'_>,
) -> Result<Block, EvalError> {
    let members = groups.members();
    let mut result = Block::new(block.steps);
    let mut rows: HashMap<usize, usize> = HashMap::new();
    let offsets: Vec<f64> = if op == AggregateOp::LimitRatio {
        block.labels.iter().map(sample_offset).collect()
    } else {
        Vec::new()
    };
    for step in 0..block.steps {
        guard.go_on()?;
        let param = param.get(step).copied().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let most = (param.max(0.0) as usize).min(block.len());
        for members in &members {
            let present = members.iter().copied().filter(|series| !is_stale(block.row(*series)[step]));
            let value = |series: usize| block.row(series)[step];
            let chosen = match op {
                AggregateOp::LimitRatio => by_ratio(present, &offsets, param, value),
                AggregateOp::LimitK => {
                    let mut heap = Heap::new(|a, b| less(value(a), value(b)));
                    present.take(most).for_each(|series| heap.push(series));
                    heap.items
                }
                AggregateOp::BottomK => ranked(present, most, value, greater, Ordering::is_gt),
                _ => ranked(present, most, value, less, Ordering::is_lt),
            };
            for series in chosen {
                let row = *rows.entry(series).or_insert_with(|| {
                    result.push(block.labels[series].clone());
                    result.len() - 1
                });
                result.row_mut(row)[step] = value(series);
            }
        }
    }
    Ok(result)
}

/// The first `most` by rank, the first one foremost; NaN ranks last.
fn ranked(
    present: impl Iterator<Item = usize>,
    most: usize,
    value: impl Fn(usize) -> f64 + Copy,
    less: impl Fn(f64, f64) -> bool + Copy,
    is_worse: impl Fn(Ordering) -> bool,
) -> Vec<usize> {
    if most == 0 {
        return Vec::new();
    }
    let mut heap = Heap::new(move |a, b| less(value(a), value(b)));
    for series in present {
        if heap.items.len() < most {
            heap.push(series);
            continue;
        }
        let (worst, new) = (value(heap.items[0]), value(series));
        if worst.partial_cmp(&new).is_some_and(&is_worse) || (worst.is_nan() && !new.is_nan()) {
            heap.items[0] = series;
            heap.down(0);
        }
    }
    let mut chosen = heap.items;
    chosen.sort_by(|a, b| {
        let (a, b) = (value(*a), value(*b));
        // What comes first in the heap is last in rank.
        a.is_nan().cmp(&b.is_nan()).then_with(|| match (less(b, a), less(a, b)) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => Ordering::Equal,
        })
    });
    chosen
}

/// Series whose hash falls into the ratio; a negative ratio takes the others.
fn by_ratio(
    present: impl Iterator<Item = usize>,
    offsets: &[f64],
    ratio: f64,
    value: impl Fn(usize) -> f64 + Copy,
) -> Vec<usize> {
    if ratio == 0.0 {
        return Vec::new();
    }
    let ratio = ratio.clamp(-1.0, 1.0);
    let mut heap = Heap::new(move |a, b| less(value(a), value(b)));
    for series in present {
        let offset = offsets[series];
        if (ratio >= 0.0 && offset < ratio) || (ratio < 0.0 && offset >= 1.0 + ratio) {
            heap.push(series);
        }
    }
    heap.items
}

/// NaN comes before everything.
fn less(a: f64, b: f64) -> bool {
    a.is_nan() || a < b
}

/// NaN comes before everything here too.
fn greater(a: f64, b: f64) -> bool {
    a.is_nan() || a > b
}

/// A binary heap that moves its items as Go's `container/heap` does: the order of what is chosen shows it.
struct Heap<L> {
    items: Vec<usize>,
    less: L,
}

impl<L: Fn(usize, usize) -> bool> Heap<L> {
    fn new(less: L) -> Self {
        Self { items: Vec::new(), less }
    }

    fn push(&mut self, item: usize) {
        self.items.push(item);
        let mut child = self.items.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if !(self.less)(self.items[child], self.items[parent]) {
                break;
            }
            self.items.swap(child, parent);
            child = parent;
        }
    }

    fn down(&mut self, start: usize) {
        let mut parent = start;
        loop {
            let left = 2 * parent + 1;
            if left >= self.items.len() {
                break;
            }
            let right = left + 1;
            let right_is_less = right < self.items.len() && (self.less)(self.items[right], self.items[left]);
            let child = if right_is_less { right } else { left };
            if !(self.less)(self.items[child], self.items[parent]) {
                break;
            }
            self.items.swap(parent, child);
            parent = child;
        }
    }
}

/// Where a series lies between 0 and 1: its hash as Prometheus makes it, so that both choose the same series.
fn sample_offset(labels: &Labels) -> f64 {
    let mut bytes = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        let length = text.len();
        if length < 255 {
            bytes.push(length.to_le_bytes()[0]);
        } else {
            bytes.push(255);
            bytes.extend_from_slice(&length.to_le_bytes()[..3]);
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    xxh64(&bytes) as f64 / u64::MAX as f64
}

/// XXH64 with seed 0 (<https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>).
fn xxh64(bytes: &[u8]) -> u64 {
    const P1: u64 = 0x9E37_79B1_85EB_CA87;
    const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
    const P3: u64 = 0x1656_67B1_9E37_79F9;
    const P4: u64 = 0x85EB_CA77_C2B2_AE63;
    const P5: u64 = 0x27D4_EB2F_1656_67C5;
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
    let round =
        |lane: u64, input: u64| lane.wrapping_add(input.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    let stripes = bytes.chunks_exact(32);
    let mut rest = stripes.remainder();
    let mut hash = if bytes.len() >= 32 {
        let mut lanes = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
        for stripe in stripes {
            for (lane, input) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, word(input));
            }
        }
        let turns = [1, 7, 12, 18];
        let mixed = lanes
            .iter()
            .zip(turns)
            .fold(0_u64, |hash, (lane, turn)| hash.wrapping_add(lane.rotate_left(turn)));
        lanes.iter().fold(mixed, |hash, lane| (hash ^ round(0, *lane)).wrapping_mul(P1).wrapping_add(P4))
    } else {
        P5
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    while rest.len() >= 8 {
        hash = (hash ^ round(0, word(&rest[..8]))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        rest = &rest[8..];
    }
    if rest.len() >= 4 {
        hash = (hash ^ word(&rest[..4]).wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        rest = &rest[4..];
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_specification() {
        assert_eq!(xxh64(b""), 0xEF46_DB37_51D8_E999);
        assert_eq!(xxh64(b"a"), 0xD24E_C4F1_A98C_6E5B);
        assert_eq!(xxh64(b"abc"), 0x44BC_2CF5_AD77_0999);
        assert_eq!(xxh64(b"Nobody inspects the spammish repetition"), 0xFBCE_A83C_8A37_8BF1);
    }

    #[track_caller]
    fn check(op: AggregateOp, values: &[f64], most: f64, expect: &[&str]) {
        let options = crate::promql::eval::Options::default();
        let guard = Guard { options: &options, held: 0 };
        let mut block = Block::new(1);
        for (index, value) in values.iter().enumerate() {
            block.push([("n", index.to_string())].into_iter().collect())[0] = *value;
        }
        let chosen = limited(op, &block, &Groups::new(&block, None), &[most], guard).unwrap();
        let names: Vec<_> = chosen.labels.iter().map(|labels| labels.get("n").unwrap().to_owned()).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn the_best_come_first_and_nan_last() {
        check(AggregateOp::TopK, &[1.0, f64::NAN, 3.0, 2.0], 2.0, &["2", "3"]);
        check(AggregateOp::TopK, &[1.0, f64::NAN, 3.0, 2.0], 9.0, &["2", "3", "0", "1"]);
        check(AggregateOp::BottomK, &[1.0, f64::NAN, 3.0, 2.0], 3.0, &["0", "3", "2"]);
        check(AggregateOp::TopK, &[1.0], 0.0, &[]);
        check(AggregateOp::TopK, &[f64::NEG_INFINITY, f64::INFINITY], 1.9, &["1"]);
        check(AggregateOp::LimitK, &[3.0, 1.0, 2.0], 2.0, &["1", "0"]);
    }
}
