//! From an expression that both sides answer differently to the smallest one that still does so.

use super::{compare::Kind, grammar::Case};
use crate::judge::{Query, When};

/// How many expressions are tried for one case.
const TRIES: usize = 400;

/// The smallest case found, with the same kind of difference. `differs` asks both sides.
pub(crate) fn shrink(
    case: &Case,
    kind: Kind,
    mut differs: impl FnMut(&Query) -> anyhow::Result<Option<Kind>>,
) -> anyhow::Result<Query> {
    let mut tries = 0;
    let mut holds = |query: &Query| {
        tries += 1;
        if tries > TRIES { Ok(false) } else { anyhow::Ok(differs(query)? == Some(kind)) }
    };
    let mut when = case.when;
    let mut node = case.node.clone();
    'smaller: loop {
        for simpler in simpler_times(when) {
            if holds(&Query { expr: node.print(), when: simpler })? {
                when = simpler;
                continue 'smaller;
            }
        }
        for smaller in node.smaller() {
            if holds(&Query { expr: smaller.print(), when })? {
                node = smaller;
                continue 'smaller;
            }
        }
        return Ok(Query { expr: node.print(), when });
    }
}

/// An instant query at the start, at the middle or the end of a range; half of a range.
fn simpler_times(when: When) -> Vec<When> {
    let When::Range { start, end, step } = when else { return Vec::new() };
    let steps = (end - start) / step;
    let last = start + steps * step;
    let middle = start + steps / 2 * step;
    let mut times = vec![When::At(start), When::At(last), When::At(middle)];
    if steps > 0 {
        times.push(When::Range { start, end: middle, step });
        times.push(When::Range { start: middle + step, end: last, step });
        times.push(When::Range { start: last, end: last, step });
    }
    if last != end {
        times.push(When::Range { start, end: last, step });
    }
    times
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evidence_promql::node::Node;

    #[test]
    fn what_does_not_matter_goes() {
        let inner = Node::vector().text("a").optional("{b=\"c\"}").optional(" offset 5m");
        let node = Node::vector().text("abs(").child(inner).text(")");
        let when = When::Range { start: 0, end: 105, step: 10 };
        let case = Case { node, when, tags: BTreeSet::new() };
        let at_70 = |when| match when {
            When::At(at) => at == 70,
            When::Range { start, end, .. } => (start..=end).contains(&70),
        };
        let differs =
            |query: &Query| Ok((query.expr.contains("offset") && at_70(query.when)).then_some(Kind::Values));
        let smallest = shrink(&case, Kind::Values, differs).unwrap();
        assert_eq!(smallest.expr, "a offset 5m");
        assert!(matches!(smallest.when, When::At(70) | When::Range { start: 70, end: 70, .. }));
    }
}
