//! Where `info()` looks for info series.

use crate::promql::syntax::{Expr, ExprKind, Modifiers, ValueType};

use super::EvalError;

/// Which instants are looked at: `@` and offset, both in milliseconds.
type Reference = (Option<i64>, i64);

/// What the modifiers of a selector or subquery say.
pub(in crate::promql::eval) type Resolve<'a> = &'a dyn Fn(&Modifiers) -> Result<Reference, EvalError>;

/// Where info series are to be looked at: as all selectors of the first argument do, or else at the step's instant.
pub(in crate::promql::eval) fn info_reference(
    arg: &Expr,
    resolve: Resolve<'_>,
) -> Result<Reference, EvalError> {
    let mut found = References { resolve, first: None, is_uniform: true };
    let selects = found.inspect(arg, &mut Vec::new())?;
    Ok(match found.first {
        Some(first) if selects && found.is_uniform => first,
        _ => (None, 0),
    })
}

struct References<'a> {
    resolve: Resolve<'a>,
    first: Option<Reference>,
    is_uniform: bool,
}

impl References<'_> {
    /// Whether the expression's vectors come from selectors; `within` are the subqueries around it.
    fn inspect<'a>(&mut self, expr: &'a Expr, within: &mut Vec<&'a Modifiers>) -> Result<bool, EvalError> {
        if !matches!(expr.value_type(), ValueType::InstantVector | ValueType::RangeVector) {
            return Ok(false);
        }
        let selects = match &expr.kind {
            ExprKind::Selector(selector) => self.note(&selector.modifiers, within)?,
            ExprKind::Range(range) => self.note(&range.selector.modifiers, within)?,
            ExprKind::Subquery(subquery) => {
                within.push(&subquery.modifiers);
                let selects = self.inspect(&subquery.expr, within)?;
                within.pop();
                selects
            }
            ExprKind::Paren(inner) => self.inspect(inner, within)?,
            ExprKind::Unary(unary) => self.inspect(&unary.expr, within)?,
            ExprKind::Aggregate(aggregate) => self.inspect(&aggregate.expr, within)?,
            ExprKind::Binary(binary) => {
                let left = self.inspect(&binary.lhs, within)?;
                self.inspect(&binary.rhs, within)? || left
            }
            ExprKind::Call(call) => {
                // The second argument of `info` is no vector, though it is written as one.
                let count = if call.function.name == "info" { 1 } else { call.args.len() };
                let mut selects = false;
                for arg in call.args.iter().take(count) {
                    selects |= self.inspect(arg, within)?;
                }
                selects
            }
            ExprKind::Number(_) | ExprKind::String(_) => false,
        };
        // A vector out of nothing is of the step's instant.
        self.is_uniform &= selects;
        Ok(selects)
    }

    fn note(&mut self, modifiers: &Modifiers, within: &[&Modifiers]) -> Result<bool, EvalError> {
        let (mut at, mut offset) = (self.resolve)(modifiers)?;
        for outer in within.iter().rev() {
            if at.is_some() {
                break;
            }
            let (outer_at, outer_offset) = (self.resolve)(outer)?;
            offset = offset.saturating_add(outer_offset);
            at = outer_at;
        }
        let first = *self.first.get_or_insert((at, offset));
        self.is_uniform &= match (first, (at, offset)) {
            ((None, a), (None, b)) => a == b,
            ((Some(at), a), (Some(other), b)) => at.saturating_sub(a) == other.saturating_sub(b),
            _ => false,
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        promql::syntax::{Call, DurationExpr, DurationKind, Number, Spanned, VectorSelector, function},
        text::Span,
    };

    fn selector(offset: Option<f64>) -> Expr {
        let span = Span::new(0, 0);
        let offset = offset.map(|value| Spanned {
            node: DurationExpr { kind: DurationKind::Literal(Number { value, is_duration: true }), span },
            span,
        });
        let selector = VectorSelector {
            name: None,
            matchers: Vec::new(),
            holes: Vec::new(),
            modifiers: Modifiers { offset, at: None },
            extension: None,
        };
        Expr { kind: ExprKind::Selector(Box::new(selector)), span }
    }

    fn call(name: &str, args: Vec<Expr>) -> Expr {
        let span = Span::new(0, 0);
        Expr { kind: ExprKind::Call(Call { function: function(name).unwrap(), name_span: span, args }), span }
    }

    #[track_caller]
    fn check_reference(arg: &Expr, expect: Reference) {
        let resolve = |modifiers: &Modifiers| {
            Ok(match &modifiers.offset {
                Some(Spanned { node: DurationExpr { kind: DurationKind::Literal(number), .. }, .. }) => {
                    (Some(9), if number.value > 0.0 { 1000 } else { -1000 })
                }
                _ => (None, 0),
            })
        };
        assert_eq!(info_reference(arg, &resolve), Ok(expect));
    }

    #[test]
    fn info_series_are_looked_at_as_the_argument_is() {
        check_reference(&selector(None), (None, 0));
        check_reference(&call("abs", vec![selector(Some(1.0))]), (Some(9), 1000));
        check_reference(&call("clamp", vec![selector(Some(1.0)), call("pi", vec![])]), (Some(9), 1000));
        check_reference(&call("info", vec![selector(Some(1.0)), selector(None)]), (Some(9), 1000));
        // Two selectors of different times, and a vector out of a number.
        check_reference(&call("label_join", vec![selector(Some(1.0)), selector(Some(-1.0))]), (None, 0));
        check_reference(
            &call("label_join", vec![selector(Some(1.0)), call("vector", vec![call("pi", vec![])])]),
            (None, 0),
        );
    }
}
