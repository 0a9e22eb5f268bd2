//! What must hold of a tree that was read: where its parts lie, and that its print is read as the same tree.

use llmobs::{
    promql::syntax::{
        Aggregate, Binary, Call, DurationExpr, DurationKind, Expr, ExprKind, Grouping, Matching, Modifiers,
        Spanned, VectorSelector,
    },
    text::Span,
};

/// Whether two trees say the same. Spans do not count, nor what the canonical form does not keep: the order of
/// matchers, where the name stands, a `+` before a duration and doubled parentheses of it, an offset of nothing, an empty `by` and `ignoring`.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Number(a), ExprKind::Number(b)) => same_number(a.value, b.value),
        (ExprKind::String(a), ExprKind::String(b)) => a == b,
        (ExprKind::Selector(a), ExprKind::Selector(b)) => same_selector(a, b),
        (ExprKind::Range(a), ExprKind::Range(b)) => {
            same_selector(&a.selector, &b.selector) && same_duration(&a.range, &b.range)
        }
        (ExprKind::Subquery(a), ExprKind::Subquery(b)) => {
            same(&a.expr, &b.expr)
                && same_duration(&a.range, &b.range)
                && same_optional(a.step.as_ref(), b.step.as_ref(), same_duration)
                && same_modifiers(&a.modifiers, &b.modifiers)
        }
        (ExprKind::Call(a), ExprKind::Call(b)) => {
            a.function == b.function && same_all(&a.args, &b.args, same)
        }
        (ExprKind::Aggregate(a), ExprKind::Aggregate(b)) => {
            a.op.node == b.op.node
                && same_optional(a.param.as_ref(), b.param.as_ref(), same)
                && same(&a.expr, &b.expr)
                && grouping(a) == grouping(b)
        }
        (ExprKind::Binary(a), ExprKind::Binary(b)) => {
            a.op.node == b.op.node
                && a.return_bool.is_some() == b.return_bool.is_some()
                && same_matching(a.matching.as_ref(), b.matching.as_ref())
                && same(&a.lhs, &b.lhs)
                && same(&a.rhs, &b.rhs)
        }
        (ExprKind::Unary(a), ExprKind::Unary(b)) => a.negative == b.negative && same(&a.expr, &b.expr),
        (ExprKind::Paren(a), ExprKind::Paren(b)) => same(a, b),
        _ => false,
    }
}

/// Bit by bit, save that all NaN are one.
pub(super) fn same_number(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn same_all<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn same_optional<T>(a: Option<&T>, b: Option<&T>, same: impl Fn(&T, &T) -> bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_selector(a: &VectorSelector, b: &VectorSelector) -> bool {
    fn matchers(selector: &VectorSelector) -> Vec<(&str, &str, &str)> {
        let name = selector.name.iter().map(|name| ("__name__", "=", &*name.node));
        let written = selector
            .matchers
            .iter()
            .map(|matcher| (&*matcher.name.node, matcher.op.node.text(), &*matcher.value.node));
        let mut all: Vec<_> = name.chain(written).collect();
        all.sort_unstable();
        all
    }
    matchers(a) == matchers(b)
        && same_all(&a.holes, &b.holes, |a, b| a.node == b.node)
        && same_modifiers(&a.modifiers, &b.modifiers)
        && same_optional(a.extension.as_ref(), b.extension.as_ref(), |a, b| a.node == b.node)
}

fn same_modifiers(a: &Modifiers, b: &Modifiers) -> bool {
    fn offset(modifiers: &Modifiers) -> Option<&DurationExpr> {
        let offset = modifiers.offset.as_ref().map(|offset| unsigned(&offset.node));
        offset.filter(|offset| !matches!(offset.kind, DurationKind::Literal(number) if number.value == 0.0))
    }
    same_optional(offset(a), offset(b), same_duration)
        && same_optional(a.at.as_ref(), b.at.as_ref(), |a, b| a.node == b.node)
}

/// Without any `+` before it, and with one pair of parentheses where there are more.
fn unsigned(duration: &DurationExpr) -> &DurationExpr {
    match &duration.kind {
        DurationKind::Plus(inner) => unsigned(inner),
        DurationKind::Paren(inner) if matches!(inner.kind, DurationKind::Paren(_)) => unsigned(inner),
        _ => duration,
    }
}

fn same_duration(a: &DurationExpr, b: &DurationExpr) -> bool {
    match (&unsigned(a).kind, &unsigned(b).kind) {
        (DurationKind::Literal(a), DurationKind::Literal(b)) => same_number(a.value, b.value),
        (DurationKind::Step, DurationKind::Step) | (DurationKind::Range, DurationKind::Range) => true,
        (DurationKind::Variable(a), DurationKind::Variable(b)) => a == b,
        (DurationKind::Negated(a), DurationKind::Negated(b))
        | (DurationKind::Paren(a), DurationKind::Paren(b)) => same_duration(a, b),
        (
            DurationKind::Binary { op, lhs, rhs },
            DurationKind::Binary { op: other, lhs: other_lhs, rhs: other_rhs },
        ) => op == other && same_duration(lhs, other_lhs) && same_duration(rhs, other_rhs),
        (DurationKind::MinOf(a, b), DurationKind::MinOf(c, d))
        | (DurationKind::MaxOf(a, b), DurationKind::MaxOf(c, d)) => {
            same_duration(a, c) && same_duration(b, d)
        }
        _ => false,
    }
}

/// Whether it is `without`, and the labels.
fn grouping(aggregate: &Aggregate) -> Option<(bool, Vec<&str>)> {
    let grouping = aggregate.grouping.as_ref()?;
    let labels: Vec<&str> = grouping.labels.iter().map(|label| &*label.node).collect();
    (grouping.without || !labels.is_empty()).then_some((grouping.without, labels))
}

fn same_matching(a: Option<&Matching>, b: Option<&Matching>) -> bool {
    fn says_something(matching: &Matching) -> bool {
        matching.on
            || !matching.labels.is_empty()
            || matching.group.is_some()
            || matching.fill_left.is_some()
            || matching.fill_right.is_some()
    }
    let names = |a: &[Spanned<String>], b: &[Spanned<String>]| same_all(a, b, |a, b| a.node == b.node);
    same_optional(
        a.filter(|matching| says_something(matching)),
        b.filter(|matching| says_something(matching)),
        |a, b| {
            a.on == b.on
                && names(&a.labels, &b.labels)
                && names(&a.include, &b.include)
                && a.group.as_ref().map(|group| group.node) == b.group.as_ref().map(|group| group.node)
                && same_optional(a.fill_left.as_ref(), b.fill_left.as_ref(), |a, b| same_number(*a, *b))
                && same_optional(a.fill_right.as_ref(), b.fill_right.as_ref(), |a, b| same_number(*a, *b))
        },
    )
}

/// Whether each part of a tree lies where its text stands; else what does not.
pub(super) fn places(expr: &Expr, text: &str) -> Result<(), String> {
    let whole = Span::new(0, text.len());
    Places { text }.expr(expr, whole)
}

/// Whether a span lies in a text, on boundaries of characters.
pub(super) fn lies_in(span: Span, text: &str) -> bool {
    span.start <= span.end && text.get(span.start..span.end).is_some()
}

struct Places<'a> {
    text: &'a str,
}

impl Places<'_> {
    fn within(&self, what: &str, span: Span, parent: Span) -> Result<(), String> {
        if !lies_in(span, self.text) {
            return Err(format!("{what}: {span:?} is no part of the text"));
        }
        if span.start < parent.start || span.end > parent.end {
            return Err(format!("{what}: {span:?} reaches out of {parent:?}"));
        }
        if span.start == span.end {
            return Err(format!("{what}: {span:?} is empty"));
        }
        Ok(())
    }

    /// That a word stands there, in any case.
    fn word(&self, what: &str, word: &str, span: Span, parent: Span) -> Result<(), String> {
        self.within(what, span, parent)?;
        let there = &self.text[span.start..span.end];
        if there.eq_ignore_ascii_case(word) {
            Ok(())
        } else {
            Err(format!("{what}: `{there}` is not `{word}`"))
        }
    }

    fn order(what: &str, first: Span, second: Span) -> Result<(), String> {
        if first.end <= second.start {
            Ok(())
        } else {
            Err(format!("{what}: {first:?} is not before {second:?}"))
        }
    }

    fn expr(&self, expr: &Expr, parent: Span) -> Result<(), String> {
        let span = expr.span;
        self.within("expression", span, parent)?;
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => Ok(()),
            ExprKind::Selector(selector) => self.selector(selector, span),
            ExprKind::Range(range) => {
                self.within("selector", range.selector_span, span)?;
                self.selector(&range.selector, span)?;
                Self::order("range", range.selector_span, range.range.span)?;
                self.duration(&range.range, span)
            }
            ExprKind::Subquery(subquery) => {
                self.expr(&subquery.expr, span)?;
                Self::order("subquery", subquery.expr.span, subquery.range.span)?;
                self.duration(&subquery.range, span)?;
                if let Some(step) = &subquery.step {
                    Self::order("step", subquery.range.span, step.span)?;
                    self.duration(step, span)?;
                }
                self.modifiers(&subquery.modifiers, span)
            }
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, span),
            ExprKind::Binary(binary) => self.binary(binary, span),
            ExprKind::Unary(unary) => {
                self.word("sign", if unary.negative { "-" } else { "+" }, unary.op_span, span)?;
                Self::order("sign", unary.op_span, unary.expr.span)?;
                self.expr(&unary.expr, span)
            }
            ExprKind::Paren(inner) => {
                if !self.text[span.start..span.end].starts_with('(') || !self.text[..span.end].ends_with(')')
                {
                    return Err(format!("parentheses: {span:?} has none"));
                }
                self.expr(inner, Span::new(span.start + 1, span.end - 1))
            }
        }
    }

    fn call(&self, call: &Call, span: Span) -> Result<(), String> {
        self.word("function", call.function.name, call.name_span, span)?;
        let mut last = call.name_span;
        for arg in &call.args {
            Self::order("argument", last, arg.span)?;
            self.expr(arg, span)?;
            last = arg.span;
        }
        Ok(())
    }

    fn aggregate(&self, aggregate: &Aggregate, span: Span) -> Result<(), String> {
        self.word("aggregation", aggregate.op.node.name(), aggregate.op.span, span)?;
        Self::order("aggregation", aggregate.op.span, aggregate.expr.span)?;
        if let Some(param) = &aggregate.param {
            Self::order("parameter", param.span, aggregate.expr.span)?;
            self.expr(param, span)?;
        }
        if let Some(Grouping { labels, span: own, .. }) = &aggregate.grouping {
            self.within("grouping", *own, span)?;
            labels.iter().try_for_each(|label| self.within("label", label.span, *own))?;
        }
        self.expr(&aggregate.expr, span)
    }

    fn binary(&self, binary: &Binary, span: Span) -> Result<(), String> {
        self.word("operator", binary.op.node.text(), binary.op.span, span)?;
        Self::order("left side", binary.lhs.span, binary.op.span)?;
        Self::order("right side", binary.op.span, binary.rhs.span)?;
        if let Some(own) = binary.return_bool {
            self.word("bool", "bool", own, span)?;
        }
        if let Some(matching) = &binary.matching {
            self.within("matching", matching.span, span)?;
            Self::order("matching", binary.op.span, matching.span)?;
            Self::order("matching", matching.span, binary.rhs.span)?;
            for label in matching.labels.iter().chain(&matching.include) {
                self.within("label", label.span, matching.span)?;
            }
            if let Some(group) = &matching.group {
                self.within("group", group.span, matching.span)?;
            }
        }
        self.expr(&binary.lhs, span)?;
        self.expr(&binary.rhs, span)
    }

    fn selector(&self, selector: &VectorSelector, span: Span) -> Result<(), String> {
        if let Some(name) = &selector.name {
            self.within("name", name.span, span)?;
        }
        for matcher in &selector.matchers {
            self.within("matcher", matcher.span, span)?;
            if matcher.op.span == matcher.span {
                // A name in quotes beside another one, which is a matcher as well.
                continue;
            }
            self.within("label", matcher.name.span, matcher.span)?;
            self.word("matcher", matcher.op.node.text(), matcher.op.span, matcher.span)?;
            self.within("value", matcher.value.span, matcher.span)?;
            Self::order("matcher", matcher.name.span, matcher.op.span)?;
            Self::order("matcher", matcher.op.span, matcher.value.span)?;
        }
        for hole in &selector.holes {
            self.word("hole", &hole.node, hole.span, span)?;
        }
        if let Some(extension) = &selector.extension {
            self.word("extension", extension.node.text(), extension.span, span)?;
        }
        self.modifiers(&selector.modifiers, span)
    }

    fn modifiers(&self, modifiers: &Modifiers, span: Span) -> Result<(), String> {
        if let Some(offset) = &modifiers.offset {
            self.within("offset", offset.span, span)?;
            self.duration(&offset.node, offset.span)?;
        }
        modifiers.at.as_ref().map_or(Ok(()), |at| self.within("@", at.span, span))
    }

    fn duration(&self, duration: &DurationExpr, parent: Span) -> Result<(), String> {
        let span = duration.span;
        self.within("duration", span, parent)?;
        match &duration.kind {
            DurationKind::Literal(_) | DurationKind::Step | DurationKind::Range => Ok(()),
            DurationKind::Variable(name) => self.word("variable", name, span, parent),
            DurationKind::Negated(inner) | DurationKind::Plus(inner) | DurationKind::Paren(inner) => {
                self.duration(inner, span)
            }
            DurationKind::Binary { lhs, rhs, .. }
            | DurationKind::MinOf(lhs, rhs)
            | DurationKind::MaxOf(lhs, rhs) => {
                Self::order("duration", lhs.span, rhs.span)?;
                self.duration(lhs, span)?;
                self.duration(rhs, span)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use llmobs::promql::syntax::{Options, parse};

    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expect: bool) {
        let read = |text: &str| parse(text, &Options { experimental: true, variables: true }).unwrap();
        let (a, b) = (read(one), read(other));
        assert_eq!((places(&a, one), places(&b, other)), (Ok(()), Ok(())));
        assert_eq!(same(&a, &b), expect, "{a:?} {b:?}");
    }

    #[test]
    fn what_is_told_apart() {
        check("a{b='c', d!='e'}", "  a{d!=\"e\",b=\"c\"}", true);
        check("sum(a) by (x)", "sum by(x)(a)", true);
        check("sum(a) by (x)", "sum(a) by (y)", false);
        check("sum(a) by (x)", "sum(a) without (x)", false);
        check("a + b", "a - b", false);
        check("a + b", "a + on () b", false);
        check("a > b", "a > bool b", false);
        check("(a)", "a", false);
        check("a[5m]", "a[300]", true);
        check("a[(5m)]", "a[((5m))]", true);
        check("a[(5m)]", "a[5m]", false);
        check("a[5m]", "a[5m:]", false);
        check("a offset 5m", "a offset -5m", false);
        check("a @ 1", "a @ 2", false);
        check("a @ 1", "a", false);
        check("0", "-0", false);
        check("rate(a[5m])", "irate(a[5m])", false);
        check("a{$x}", "a{$y}", false);
    }
}
