//! Types: whether a tree that could be read makes sense.

use crate::{
    series::{METRIC_NAME, Matcher, quoted},
    text::Span,
};

use super::{
    ast::{Aggregate, AggregateOp, Binary, Expr, ExprKind, Subquery, Unary, ValueType, VectorSelector},
    error::ParseError,
    functions::{Arity, Function},
};

/// What is whole of something broken.
#[derive(Debug)]
pub(super) enum Fragment {
    Expr(Expr),
    /// A broken argument is `None`.
    Call {
        function: &'static Function,
        args: Vec<Option<Expr>>,
        span: Span,
    },
}

/// Checks an expression and fragments, in the order of Prometheus. Matching is taken away where an operand is a
/// scalar: it means nothing there.
pub(super) fn check(
    text: &str,
    damaged: &[Span],
    expr: Option<&mut Expr>,
    fragments: &mut [Fragment],
    errors: &mut Vec<ParseError>,
) {
    let mut checker = Checker { text, damaged, errors };
    if let Some(expr) = expr {
        checker.expr(expr);
    }
    for fragment in fragments {
        match fragment {
            Fragment::Expr(expr) => {
                checker.expr(expr);
            }
            Fragment::Call { function, args, span } => {
                let mut args: Vec<Option<&mut Expr>> = args.iter_mut().map(Option::as_mut).collect();
                checker.call(function, &mut args, *span);
            }
        }
    }
}

struct Checker<'a> {
    text: &'a str,
    damaged: &'a [Span],
    errors: &'a mut Vec<ParseError>,
}

impl Checker<'_> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(ParseError { span, message: message.into() });
    }

    /// Checks what is below an expression, and says its type.
    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Selector(selector) => self.selector(selector, span, false),
            ExprKind::Range(range) => {
                let span = range.selector_span;
                self.selector(&range.selector, span, false);
            }
            ExprKind::Subquery(subquery) => self.subquery(subquery, span),
            ExprKind::Call(call) => {
                let mut args: Vec<Option<&mut Expr>> = call.args.iter_mut().map(Some).collect();
                self.call(call.function, &mut args, span);
            }
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
            ExprKind::Binary(binary) => self.binary(binary, span),
            ExprKind::Unary(unary) => self.unary(unary, span),
            ExprKind::Paren(inner) => {
                self.expr(inner);
            }
        }
        expr.value_type()
    }

    fn selector(&mut self, selector: &VectorSelector, span: Span, may_select_all: bool) {
        if let Some(name) = &selector.name {
            for matcher in selector.matchers.iter().filter(|matcher| matcher.name.node == METRIC_NAME) {
                if self.is_quoted(name.span) {
                    continue;
                }
                let (name, value) = (quoted(&name.node), quoted(&matcher.value.node));
                self.error(span, format!("metric name must not be set twice: {name} or {value}"));
            }
            return;
        }
        if may_select_all || !selector.holes.is_empty() || self.damaged.contains(&span) {
            return;
        }
        let selects_some = selector.matchers.iter().any(|matcher| {
            Matcher::new(&*matcher.name.node, matcher.op.node, &*matcher.value.node)
                .is_ok_and(|matcher| !matcher.matches_empty())
        });
        if !selects_some {
            self.error(span, "vector selector must contain at least one non-empty matcher");
        }
    }

    /// Whether a metric name stands in braces.
    fn is_quoted(&self, span: Span) -> bool {
        self.text[span.start..span.end].starts_with(['"', '\'', '`'])
    }

    fn subquery(&mut self, subquery: &mut Subquery, span: Span) {
        let got = self.expr(&mut subquery.expr);
        if got != ValueType::InstantVector {
            let got = short_name(got);
            self.error(span, format!("subquery is only allowed on instant vector, got {got} instead"));
        }
    }

    fn unary(&mut self, unary: &mut Unary, span: Span) {
        let got = self.expr(&mut unary.expr);
        if !is_scalar_or_vector(got) {
            let message = format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                quoted(type_name(got))
            );
            self.error(span, message);
        }
    }

    fn expect(&mut self, expr: &mut Expr, want: ValueType, context: &str) {
        let got = self.expr(expr);
        if got != want {
            let (want, got) = (type_name(want), type_name(got));
            self.error(expr.span, format!("expected type {want} in {context}, got {got}"));
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) {
        self.expect(&mut aggregate.expr, ValueType::InstantVector, "aggregation expression");
        let want = match aggregate.op.node {
            AggregateOp::CountValues => ValueType::String,
            _ => ValueType::Scalar,
        };
        if let Some(param) = &mut aggregate.param {
            self.expect(param, want, "aggregation parameter");
        }
    }

    fn binary(&mut self, binary: &mut Binary, span: Span) {
        let (lhs, rhs) = (self.expr(&mut binary.lhs), self.expr(&mut binary.rhs));
        let op = binary.op.node;
        let between = self.between(binary);
        if binary.return_bool.is_some() && !op.is_comparison() {
            self.error(between, "bool modifier can only be used on comparison operators");
        }
        let are_scalars = lhs == ValueType::Scalar && rhs == ValueType::Scalar;
        if op.is_comparison() && binary.return_bool.is_none() && are_scalars {
            self.error(between, "comparisons between scalars must use BOOL modifier");
        }
        if let Some(matching) = binary.matching.as_ref().filter(|matching| matching.on) {
            for label in &matching.labels {
                for _ in matching.include.iter().filter(|include| include.node == label.node) {
                    let label = quoted(&label.node);
                    self.error(
                        between,
                        format!("label {label} must not occur in ON and GROUP clause at once"),
                    );
                }
            }
        }
        for (side, span) in [(lhs, binary.lhs.span), (rhs, binary.rhs.span)] {
            if !is_scalar_or_vector(side) {
                self.error(span, "binary expression must contain only scalar and instant vector types");
            }
        }
        let are_vectors = lhs == ValueType::InstantVector && rhs == ValueType::InstantVector;
        if let Some(matching) = &binary.matching {
            let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
            if !are_vectors {
                if !matching.labels.is_empty() {
                    self.error(span, "vector matching only allowed between instant vectors");
                }
                if fills {
                    self.error(span, "filling in missing series only allowed between instant vectors");
                }
            } else if op.is_set() {
                if matching.group.is_some() {
                    self.error(span, format!("no grouping allowed for {} operation", quoted(op.text())));
                    self.error(span, "set operations must always be many-to-many");
                }
                if fills {
                    self.error(span, "filling in missing series not allowed for set operators");
                }
            }
        }
        if !are_vectors {
            binary.matching = None;
        }
        if op.is_set() && (lhs == ValueType::Scalar || rhs == ValueType::Scalar) {
            self.error(
                span,
                format!("set operator {} not allowed in binary scalar expression", quoted(op.text())),
            );
        }
    }

    /// The operator and its modifiers, without the space around them.
    fn between(&self, binary: &Binary) -> Span {
        let (start, end) = (binary.lhs.span.end, binary.rhs.span.start);
        let text = &self.text[start..end];
        let lead = text.len() - text.trim_start().len();
        Span::new(start + lead, end - (text.len() - text.trim_end().len()))
    }

    fn call(&mut self, function: &'static Function, args: &mut [Option<&mut Expr>], span: Span) {
        let (name, given, types) = (quoted(function.name), args.len(), function.args.len());
        let least = if function.arity == Arity::Fixed { types } else { types.saturating_sub(1) };
        match function.arity {
            Arity::Fixed if given != least => {
                self.error(span, format!("expected {least} argument(s) in call to {name}, got {given}"));
            }
            Arity::Optional(_) | Arity::AtLeast if given < least => {
                self.error(
                    span,
                    format!("expected at least {least} argument(s) in call to {name}, got {given}"),
                );
            }
            Arity::Optional(more) if given > least + more => {
                let most = least + more;
                self.error(
                    span,
                    format!("expected at most {most} argument(s) in call to {name}, got {given}"),
                );
            }
            _ => {}
        }
        let is_info = function.name == "info";
        if is_info && let Some(Some(labels)) = args.get_mut(1) {
            self.info_labels(labels, span);
        }
        for (index, arg) in args.iter_mut().enumerate() {
            let want = match (function.args.get(index), function.arity) {
                (Some(want), _) => *want,
                (None, Arity::Fixed) => break,
                (None, _) => match function.args.last() {
                    Some(rest) => *rest,
                    None => break,
                },
            };
            let Some(arg) = arg else { continue };
            if is_info && index == 1 && matches!(arg.kind, ExprKind::Selector(_)) {
                continue;
            }
            let got = self.expr(arg);
            if got != want {
                let (want, got) = (type_name(want), type_name(got));
                let message = format!("expected type {want} in call to function {name}, got {got}");
                self.error(arg.span, message);
            }
        }
    }

    /// The second argument of `info` is a selector of labels, which may select everything.
    fn info_labels(&mut self, labels: &mut Expr, call: Span) {
        let (got, want) = (labels.value_type(), ValueType::InstantVector);
        if got != want {
            let (want, got) = (type_name(want), type_name(got));
            self.error(call, format!("expected type {want} in call to function \"info\", got {got}"));
        }
        let ExprKind::Selector(selector) = &labels.kind else {
            return self.error(labels.span, "expected label selectors only");
        };
        if selector.name.as_ref().is_some_and(|name| !self.is_quoted(name.span)) {
            self.error(labels.span, "expected label selectors only, got vector selector instead");
        }
        self.selector(selector, labels.span, true);
    }
}

fn is_scalar_or_vector(given: ValueType) -> bool {
    matches!(given, ValueType::Scalar | ValueType::InstantVector)
}

/// As the documentation names it.
fn type_name(given: ValueType) -> &'static str {
    match given {
        ValueType::InstantVector => "instant vector",
        ValueType::RangeVector => "range vector",
        other => short_name(other),
    }
}

fn short_name(given: ValueType) -> &'static str {
    match given {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::InstantVector => "vector",
        ValueType::RangeVector => "matrix",
    }
}
