//! What is said of series that are not there.

use crate::{
    promql::syntax::{Expr, ExprKind},
    series::{Labels, LabelsEdit, MatchOp, is_stale},
};

use super::{Block, labels::is_metadata};

/// The labels that a selector says its series have: of its `=` matchers, where there is one matcher of the label.
/// None of any other expression.
pub(in crate::promql::eval) fn absent_labels(arg: &Expr) -> Labels {
    let selector = match &arg.unparenthesised().kind {
        ExprKind::Selector(selector) => selector,
        ExprKind::Range(range) => &range.selector,
        _ => return Labels::default(),
    };
    let mut labels = LabelsEdit::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in &selector.matchers {
        let name = matcher.name.node.as_str();
        if is_metadata(name) {
            continue;
        }
        if matcher.op.node == MatchOp::Equal && !seen.contains(&name) {
            labels.set(name, matcher.value.node.as_str());
            seen.push(name);
        } else {
            labels.remove(name);
        }
    }
    labels.finish()
}

/// One where no series has a sample.
pub(super) fn absent(arg: &Expr, vector: &Block) -> Block {
    let mut block = Block::new(vector.steps);
    let mut present = vec![false; vector.steps];
    for (_, row) in vector.rows() {
        for (present, value) in present.iter_mut().zip(row) {
            *present |= !is_stale(*value);
        }
    }
    if present.iter().any(|present| !present) {
        let row = block.push(absent_labels(arg));
        for (value, _) in row.iter_mut().zip(present).filter(|(_, present)| !present) {
            *value = 1.0;
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        promql::syntax::{LabelMatcher, Modifiers, Spanned, VectorSelector},
        series::STALE,
        text::Span,
    };

    fn spanned<T>(node: T) -> Spanned<T> {
        Spanned { node, span: Span::new(0, 0) }
    }

    fn selector(matchers: &[(&str, MatchOp, &str)]) -> Expr {
        let matchers = matchers.iter().map(|(name, op, value)| LabelMatcher {
            name: spanned((*name).to_owned()),
            op: spanned(*op),
            value: spanned((*value).to_owned()),
            span: Span::new(0, 0),
        });
        let selector = VectorSelector {
            name: Some(spanned("up".to_owned())),
            matchers: matchers.collect(),
            holes: Vec::new(),
            modifiers: Modifiers::default(),
            extension: None,
        };
        let inner = Expr { kind: ExprKind::Selector(Box::new(selector)), span: Span::new(0, 0) };
        Expr { kind: ExprKind::Paren(Box::new(inner)), span: Span::new(0, 0) }
    }

    #[track_caller]
    fn check(matchers: &[(&str, MatchOp, &str)], expect: &str) {
        assert_eq!(absent_labels(&selector(matchers)).to_string(), expect);
    }

    #[test]
    fn labels_come_from_single_equal_matchers() {
        use MatchOp::{Equal, Matches, NotEqual};
        check(&[("job", Equal, "a"), ("__name__", Equal, "x"), ("b", Matches, "c")], r#"{job="a"}"#);
        check(&[("job", Equal, "a"), ("job", Equal, "b"), ("z", Equal, "c")], r#"{z="c"}"#);
        check(&[("job", Equal, "a"), ("job", NotEqual, "b")], "{}");
        check(&[("job", NotEqual, "b"), ("job", Equal, "a"), ("e", Equal, "")], r#"{job="a"}"#);
    }

    #[test]
    fn absence_is_told_for_each_step() {
        let mut vector = Block::new(3);
        vector.push(Labels::default()).copy_from_slice(&[STALE, 1.0, STALE]);
        let arg = selector(&[]);
        let told = absent(&arg, &vector);
        assert_eq!(told.row(0)[0].to_bits(), 1.0_f64.to_bits());
        assert!(is_stale(told.row(0)[1]) && told.len() == 1);
        vector.push(Labels::default()).copy_from_slice(&[f64::NAN, STALE, 0.0]);
        assert!(absent(&arg, &vector).is_empty());
    }
}
