//! Binary operators between instant vectors: which series belong together, and what comes of them.

use std::collections::{HashMap, HashSet};

use crate::{
    promql::syntax::{Binary, BinaryOp, Group, Matching},
    series::{Labels, is_stale},
};

use super::{
    EvalError,
    binary::{calculated, holds},
    block::Block,
    functions,
    guard::Guard,
    selector::HOLE,
};

/// Which labels tell what belongs together.
#[derive(Debug)]
struct Signature<'a> {
    on: bool,
    names: Vec<&'a str>,
}

impl<'a> Signature<'a> {
    fn new(matching: Option<&'a Matching>) -> Self {
        let names = matching.into_iter().flat_map(|matching| &matching.labels);
        Self {
            on: matching.is_some_and(|matching| matching.on),
            names: names.map(|label| label.node.as_str()).collect(),
        }
    }

    /// What has to be equal of two series.
    fn of(&self, labels: &Labels) -> Labels {
        if self.on {
            labels.only(&self.names)
        } else {
            labels.retain(|name| !functions::is_metadata(name) && !self.names.contains(&name))
        }
    }

    /// The number of each series' match group, equal for those that belong together, and how many groups there are.
    fn groups(&self, lhs: &Block, rhs: &Block) -> (Vec<usize>, Vec<usize>, usize) {
        let mut numbers: HashMap<Labels, usize> = HashMap::new();
        let mut number = |labels: &Labels| {
            let next = numbers.len();
            *numbers.entry(self.of(labels)).or_insert(next)
        };
        let left = lhs.labels.iter().map(&mut number).collect();
        let right = rhs.labels.iter().map(&mut number).collect();
        (left, right, numbers.len())
    }
}

/// `and`, `or`, `unless`.
pub(super) fn set(op: BinaryOp, mut lhs: Block, rhs: &Block, matching: Option<&Matching>) -> Block {
    let steps = lhs.steps;
    let (left, right, groups) = Signature::new(matching).groups(&lhs, rhs);
    let (deciding, numbers) = if op == BinaryOp::Or { (&lhs, &left) } else { (rhs, &right) };
    let mut present = vec![false; groups * steps];
    for (series, number) in numbers.iter().enumerate() {
        let present = &mut present[number * steps..(number + 1) * steps];
        for (present, value) in present.iter_mut().zip(deciding.row(series)) {
            *present |= !is_stale(*value);
        }
    }
    let present = |number: usize| &present[number * steps..(number + 1) * steps];
    if op == BinaryOp::Or {
        for (series, number) in right.iter().enumerate() {
            let row = lhs.push(rhs.labels[series].clone());
            let values = rhs.row(series).iter().zip(present(*number));
            for (place, (value, present)) in row.iter_mut().zip(values) {
                if !present {
                    *place = *value;
                }
            }
            if row.iter().all(|value| is_stale(*value)) {
                lhs.pop();
            }
        }
    } else {
        for (series, number) in left.iter().enumerate() {
            for (value, present) in lhs.row_mut(series).iter_mut().zip(present(*number)) {
                if *present != (op == BinaryOp::And) {
                    *value = HOLE;
                }
            }
        }
        lhs.drop_empty();
    }
    lhs
}

/// How many series of a side may belong to one of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
}

/// An arithmetic operator or comparison, and how its operands are paired.
#[derive(Debug)]
struct Pairing<'a> {
    op: BinaryOp,
    as_bool: bool,
    cardinality: Cardinality,
    signature: Signature<'a>,
    include: Vec<&'a str>,
    /// What stands for a series that is not there, on the many side and on the one side.
    fill_many: Option<f64>,
    fill_one: Option<f64>,
}

/// Arithmetic and comparison between vectors.
pub(super) fn arithmetic(
    lhs: &Block,
    rhs: &Block,
    binary: &Binary,
    guard: Guard<'_>,
) -> Result<Block, EvalError> {
    let matching = binary.matching.as_ref();
    let cardinality = match matching.and_then(|matching| matching.group.as_ref()).map(|group| group.node) {
        None => Cardinality::OneToOne,
        Some(Group::Left) => Cardinality::ManyToOne,
        Some(Group::Right) => Cardinality::OneToMany,
    };
    let include = matching.into_iter().flat_map(|matching| &matching.include);
    let (fill_left, fill_right) =
        matching.map_or((None, None), |matching| (matching.fill_left, matching.fill_right));
    let swapped = cardinality == Cardinality::OneToMany;
    let pairing = Pairing {
        op: binary.op.node,
        as_bool: binary.return_bool.is_some(),
        cardinality,
        signature: Signature::new(matching),
        include: include.map(|label| label.node.as_str()).collect(),
        fill_many: if swapped { fill_right } else { fill_left },
        fill_one: if swapped { fill_left } else { fill_right },
    };
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let (many_groups, one_groups, groups) = pairing.signature.groups(many, one);
    let sides = Sides { many, one, many_groups: &many_groups, one_groups: &one_groups, groups };
    match pairing.pairs(&sides) {
        Some(pairs) => Ok(pairing.paired(&sides, &pairs)),
        None => pairing.stepwise(&sides, guard),
    }
}

/// The operands, the one side being that of which one series belongs to each of the other's.
#[derive(Debug)]
struct Sides<'a> {
    many: &'a Block,
    one: &'a Block,
    /// The match group of each series.
    many_groups: &'a [usize],
    one_groups: &'a [usize],
    groups: usize,
}

impl Pairing<'_> {
    /// The labels of a result.
    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let drops_name = !self.op.is_comparison() || self.as_bool;
        let mut labels = if drops_name { functions::without_metadata(many) } else { many.clone() };
        if self.cardinality == Cardinality::OneToOne {
            labels = if self.signature.on {
                labels.only(&self.signature.names)
            } else {
                labels.without(&self.signature.names)
            };
        }
        if self.include.is_empty() {
            return labels;
        }
        let mut edit = labels.edit();
        for name in &self.include {
            edit.set(*name, one.get(name).unwrap_or_default());
        }
        edit.finish()
    }

    /// A result, or a hole where a filter drops it.
    #[inline]
    fn value(&self, many: f64, one: f64) -> f64 {
        let (left, right) =
            if self.cardinality == Cardinality::OneToMany { (one, many) } else { (many, one) };
        if !self.op.is_comparison() {
            return calculated(self.op, left, right);
        }
        match (holds(self.op, left, right), self.as_bool) {
            (true, false) => left,
            (false, false) => HOLE,
            (true, true) => 1.0,
            (false, true) => 0.0,
        }
    }

    /// Which series go together, with the labels of what comes of them; none where that is not the same at all steps.
    fn pairs(&self, sides: &Sides<'_>) -> Option<Vec<(usize, usize, Labels)>> {
        if self.fill_many.is_some() || self.fill_one.is_some() {
            return None;
        }
        let mut one_of: Vec<Option<usize>> = vec![None; sides.groups];
        for (series, group) in sides.one_groups.iter().enumerate() {
            if one_of[*group].replace(series).is_some() {
                return None;
            }
        }
        let mut taken = vec![false; sides.groups];
        let mut seen = HashSet::new();
        let mut pairs = Vec::with_capacity(sides.many.len());
        for (series, group) in sides.many_groups.iter().enumerate() {
            let Some(one) = one_of[*group] else { continue };
            if self.cardinality == Cardinality::OneToOne && std::mem::replace(&mut taken[*group], true) {
                return None;
            }
            let labels = self.labels(&sides.many.labels[series], &sides.one.labels[one]);
            if !seen.insert(labels.clone()) {
                return None;
            }
            pairs.push((series, one, labels));
        }
        Some(pairs)
    }

    fn paired(&self, sides: &Sides<'_>, pairs: &[(usize, usize, Labels)]) -> Block {
        let mut block = Block::new(sides.many.steps);
        block.values.reserve_exact(pairs.len() * block.steps);
        for (many, one, labels) in pairs {
            let row = block.push(labels.clone());
            let operands = sides.many.row(*many).iter().zip(sides.one.row(*one));
            let mut any = false;
            for (place, (many, one)) in row.iter_mut().zip(operands) {
                if !is_stale(*many) && !is_stale(*one) {
                    *place = self.value(*many, *one);
                    any |= !is_stale(*place);
                }
            }
            if !any {
                block.pop();
            }
        }
        block
    }

    /// Step by step, as what belongs together changes, or does not match and has to be told.
    fn stepwise(&self, sides: &Sides<'_>, guard: Guard<'_>) -> Result<Block, EvalError> {
        let steps = sides.many.steps;
        let mut block = Block::new(steps);
        let mut rows: HashMap<Labels, usize> = HashMap::new();
        let mut known: HashMap<(usize, Option<usize>), Labels> = HashMap::new();
        for step in 0..steps {
            guard.go_on()?;
            let mut one_of: Vec<Option<usize>> = vec![None; sides.groups];
            let has_many = (0..sides.many.len()).any(|series| !is_stale(sides.many.row(series)[step]));
            let has_one = (0..sides.one.len()).any(|series| !is_stale(sides.one.row(series)[step]));
            let fills = self.fill_many.is_some() || self.fill_one.is_some();
            if !(has_many && has_one || fills && (has_many || has_one)) {
                continue;
            }
            for (series, group) in sides.one_groups.iter().enumerate() {
                if is_stale(sides.one.row(series)[step]) {
                    continue;
                }
                if let Some(other) = one_of[*group].replace(series) {
                    return Err(self.duplicate(&sides.one.labels[series], &sides.one.labels[other]));
                }
            }
            let mut taken: Vec<HashSet<Labels>> = vec![HashSet::new(); sides.groups];
            let mut emit = |labels: Labels, group: usize, value: f64| -> Result<(), EvalError> {
                let multiple =
                    |what: &str| Err(EvalError::execution(format!("multiple matches for labels: {what}")));
                if self.cardinality == Cardinality::OneToOne {
                    if !taken[group].is_empty() {
                        return multiple("many-to-one matching must be explicit (group_left/group_right)");
                    }
                    taken[group].insert(labels.clone());
                } else if !taken[group].insert(labels.clone()) {
                    return multiple("grouping labels must ensure unique matches");
                }
                if is_stale(value) {
                    return Ok(());
                }
                let row = if let Some(row) = rows.get(&labels) {
                    *row
                } else {
                    guard.room(&block)?;
                    block.push(labels.clone());
                    rows.insert(labels, block.len() - 1);
                    block.len() - 1
                };
                let place = &mut block.row_mut(row)[step];
                if !is_stale(*place) {
                    return Err(EvalError::execution("vector cannot contain metrics with the same labelset"));
                }
                *place = value;
                Ok(())
            };
            for (series, group) in sides.many_groups.iter().enumerate() {
                let many = sides.many.row(series)[step];
                if is_stale(many) {
                    continue;
                }
                let value = match (one_of[*group], self.fill_one) {
                    (Some(one), _) => self.value(many, sides.one.row(one)[step]),
                    (None, Some(fill)) => self.value(many, fill),
                    (None, None) => continue,
                };
                let labels = known.entry((series, one_of[*group])).or_insert_with(|| {
                    let labels = &sides.many.labels[series];
                    match one_of[*group] {
                        Some(one) => self.labels(labels, &sides.one.labels[one]),
                        None => self.labels(labels, &self.signature.of(labels)),
                    }
                });
                emit(labels.clone(), *group, value)?;
            }
            let Some(fill) = self.fill_many else { continue };
            let mut matched = vec![false; sides.groups];
            for (series, group) in sides.many_groups.iter().enumerate() {
                matched[*group] |= !is_stale(sides.many.row(series)[step]);
            }
            for (series, group) in sides.one_groups.iter().enumerate() {
                let one = sides.one.row(series)[step];
                if is_stale(one) || matched[*group] {
                    continue;
                }
                let labels = &sides.one.labels[series];
                emit(self.labels(&self.signature.of(labels), labels), *group, self.value(fill, one))?;
            }
        }
        Ok(block)
    }

    fn duplicate(&self, one: &Labels, other: &Labels) -> EvalError {
        let side = if self.cardinality == Cardinality::OneToMany { "left" } else { "right" };
        let (mut first, mut second) = (shown(one), shown(other));
        if first > second {
            std::mem::swap(&mut first, &mut second);
        }
        let group = shown(&self.signature.of(one));
        EvalError::execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
             [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }
}

/// Labels as Prometheus shows them in messages: `{__name__="up", job="a"}`.
pub(super) fn shown(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let name = if is_plain(name) { name.to_owned() } else { functions::quoted(name) };
            format!("{name}={}", functions::quoted(value))
        })
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
