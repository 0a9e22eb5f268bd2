//! Ways through a tree, for those who look for something in it or change it.

use std::collections::BTreeSet;

use crate::{
    series::{METRIC_NAME, MatchOp},
    text::Span,
};

use super::ast::{DurationExpr, Expr, ExprKind, VectorSelector};

/// A selector where it stands in a tree.
#[derive(Debug, Clone, Copy)]
pub struct SelectorRef<'a> {
    pub selector: &'a VectorSelector,
    /// Of the selector without its range.
    pub span: Span,
    /// What stands in its brackets.
    pub range: Option<&'a DurationExpr>,
}

impl Expr {
    /// The expressions that stand directly in this one, in the order in which they are written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => {
                Vec::new()
            }
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
            ExprKind::Call(call) => call.args.iter().collect(),
            ExprKind::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
            ExprKind::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            ExprKind::Unary(unary) => vec![&unary.expr],
            ExprKind::Paren(inner) => vec![inner],
        }
    }

    /// As [`Expr::children`], to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => {
                Vec::new()
            }
            ExprKind::Subquery(subquery) => vec![&mut subquery.expr],
            ExprKind::Call(call) => call.args.iter_mut().collect(),
            ExprKind::Aggregate(aggregate) => {
                aggregate.param.iter_mut().chain([&mut aggregate.expr]).collect()
            }
            ExprKind::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            ExprKind::Unary(unary) => vec![&mut unary.expr],
            ExprKind::Paren(inner) => vec![inner],
        }
    }

    /// Visits every expression, each before what stands in it, with the expressions around it, the outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self, &[&'a Self])) {
        self.walk_below(&mut Vec::new(), visit);
    }

    fn walk_below<'a>(&'a self, around: &mut Vec<&'a Self>, visit: &mut dyn FnMut(&'a Self, &[&'a Self])) {
        visit(self, around);
        around.push(self);
        for child in self.children() {
            child.walk_below(around, visit);
        }
        around.pop();
    }

    /// Visits every expression to change it, each after what stands in it.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        for child in self.children_mut() {
            child.walk_mut(visit);
        }
        visit(self);
    }

    /// All selectors, with and without a range, in the order in which they are written.
    pub fn selectors(&self) -> Vec<SelectorRef<'_>> {
        let mut found = Vec::new();
        self.walk(&mut |expr, _| match &expr.kind {
            ExprKind::Selector(selector) => {
                found.push(SelectorRef { selector, span: expr.span, range: None });
            }
            ExprKind::Range(range) => found.push(SelectorRef {
                selector: &range.selector,
                span: range.selector_span,
                range: Some(&range.range),
            }),
            _ => {}
        });
        found
    }

    /// Visits every selector to change it.
    pub fn selectors_mut(&mut self, visit: &mut dyn FnMut(&mut VectorSelector)) {
        self.walk_mut(&mut |expr| match &mut expr.kind {
            ExprKind::Selector(selector) => visit(selector),
            ExprKind::Range(range) => visit(&mut range.selector),
            _ => {}
        });
    }

    /// Visits every duration to change it: ranges, steps and offsets, each as a whole.
    pub fn durations_mut(&mut self, visit: &mut dyn FnMut(&mut DurationExpr)) {
        self.walk_mut(&mut |expr| {
            let modifiers = match &mut expr.kind {
                ExprKind::Selector(selector) => &mut selector.modifiers,
                ExprKind::Range(range) => {
                    visit(&mut range.range);
                    &mut range.selector.modifiers
                }
                ExprKind::Subquery(subquery) => {
                    visit(&mut subquery.range);
                    subquery.step.iter_mut().for_each(&mut *visit);
                    &mut subquery.modifiers
                }
                _ => return,
            };
            if let Some(offset) = &mut modifiers.offset {
                visit(&mut offset.node);
            }
        });
    }

    /// The names of the metrics that it selects by name.
    pub fn metric_names(&self) -> BTreeSet<&str> {
        self.selectors().into_iter().flat_map(|found| found.selector.metric_names()).collect()
    }
}

impl VectorSelector {
    /// The names that it wants, whether they stand as name or as matcher; two different ones select nothing.
    pub fn metric_names(&self) -> Vec<&str> {
        let named = self.matchers.iter().filter(|matcher| {
            matcher.name.node == METRIC_NAME
                && matcher.op.node == MatchOp::Equal
                && !matcher.value.node.is_empty()
        });
        let name = self.name.iter().map(|name| name.node.as_str());
        name.chain(named.map(|matcher| matcher.value.node.as_str())).collect()
    }
}

impl DurationExpr {
    /// Visits it and every duration in it, each after what stands in it.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        use super::ast::DurationKind as D;
        match &mut self.kind {
            D::Literal(_) | D::Step | D::Range | D::Variable(_) => {}
            D::Negated(inner) | D::Plus(inner) | D::Paren(inner) => inner.walk_mut(visit),
            D::Binary { lhs, rhs, .. } | D::MinOf(lhs, rhs) | D::MaxOf(lhs, rhs) => {
                lhs.walk_mut(visit);
                rhs.walk_mut(visit);
            }
        }
        visit(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::syntax::{DurationKind, Number, Options, parse};

    fn parsed() -> Expr {
        let text = "topk(scalar(k), a{x=\"1\"} / on (x) max_over_time({__name__=\"b\"}[5m:1m] offset 2m)) + rate(a[3m])";
        parse(text, &Options::default()).unwrap()
    }

    #[test]
    fn selectors_and_names_are_found() {
        let expr = parsed();
        let found: Vec<String> = expr.selectors().iter().map(|found| found.selector.to_string()).collect();
        assert_eq!(found, ["k", "a{x=\"1\"}", "{__name__=\"b\"}", "a"]);
        assert_eq!(expr.metric_names(), ["a", "b", "k"].into());
        assert_eq!(expr.selectors()[3].range.map(ToString::to_string).as_deref(), Some("3m"));
    }

    #[test]
    fn a_walk_knows_what_is_around() {
        let mut depths = Vec::new();
        let expr = parsed();
        expr.walk(&mut |expr, around| {
            assert!(
                around
                    .last()
                    .is_none_or(|parent| parent.children().iter().any(|child| std::ptr::eq(*child, expr)))
            );
            depths.push(around.len());
        });
        assert_eq!(depths, [0, 1, 2, 3, 2, 3, 3, 4, 5, 1, 2]);
    }

    #[test]
    fn parts_can_be_changed() {
        let mut expr = parsed();
        expr.selectors_mut(&mut |selector| selector.matchers.clear());
        let hour = DurationKind::Literal(Number { value: 3600.0, is_duration: true });
        expr.durations_mut(&mut |duration| duration.kind = hour.clone());
        expr.walk_mut(&mut |expr| {
            if let ExprKind::Call(call) = &expr.kind
                && call.function.name == "scalar"
            {
                *expr = call.args[0].clone();
            }
        });
        let changed = "topk(k, a / on (x) max_over_time({}[1h:1h] offset 1h)) + rate(a[1h])";
        assert_eq!(expr.to_string(), changed);
    }
}
