//! What follows an operand: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`.

use crate::text::Span;

use crate::promql::syntax::{
    ast::{
        At, BinaryOp, DurationExpr, DurationKind, Expr, ExprKind, Extension, Modifiers, RangeSelector,
        Spanned, Subquery,
    },
    token::{Keyword, Kind},
};

use super::{Node, Parser};

const DURATION: &str = "number, duration, step(), or range()";

impl Parser<'_> {
    /// All that follows an operand, which may be broken.
    pub(super) fn postfix(&mut self, operand: Option<Node>) -> Option<Node> {
        let mut node = operand;
        loop {
            node = match self.peek() {
                Kind::LeftBracket => self.bracket(node),
                Kind::At => self.at(node),
                Kind::Keyword(Keyword::Offset) => self.offset(node),
                Kind::Keyword(Keyword::Anchored) => self.extension(node, Extension::Anchored),
                Kind::Keyword(Keyword::Smoothed) => self.extension(node, Extension::Smoothed),
                _ => return node,
            };
        }
    }

    fn bracket(&mut self, node: Option<Node>) -> Option<Node> {
        let open = self.bump().span;
        let Some(range) = self.positive_duration("subquery or range selector", DURATION) else {
            return self.give_up_bracket(node);
        };
        match self.peek() {
            Kind::RightBracket => {
                let close = self.bump().span;
                self.range(node, range, Span::new(open.start, close.end))
            }
            Kind::Colon => {
                self.bump();
                let mut step = None;
                if self.peek() != Kind::RightBracket {
                    let expected = "number, duration, step(), range(), or \"]\"";
                    step = self.positive_duration("subquery selector", expected);
                    if step.is_none() {
                        return self.give_up_bracket(node);
                    }
                }
                if self.accept(Kind::RightBracket).is_none() {
                    self.unexpected("subquery selector", "\"]\"");
                    return self.give_up_bracket(node);
                }
                self.subquery(node?, range, step)
            }
            _ => {
                self.unexpected("subquery or range", "\":\" or \"]\"");
                self.give_up_bracket(node)
            }
        }
    }

    /// Goes behind the bracket.
    fn give_up_bracket(&mut self, node: Option<Node>) -> Option<Node> {
        while !matches!(self.peek(), Kind::End | Kind::RightBracket) {
            self.bump();
        }
        self.accept(Kind::RightBracket);
        self.salvage(node);
        None
    }

    fn range(&mut self, node: Option<Node>, range: DurationExpr, bracket: Span) -> Option<Node> {
        let Node { expr, height } = node?;
        let Expr { kind: ExprKind::Selector(selector), span: selector_span } = expr else {
            self.error(bracket, "ranges only allowed for vector selectors");
            self.salvage(Some(Node { expr, height }));
            return None;
        };
        if selector.modifiers.offset.as_ref().is_some_and(|offset| !is_zero(&offset.node)) {
            self.error(bracket, "no offset modifiers allowed before range");
        } else if selector.modifiers.at.is_some() {
            self.error(bracket, "no @ modifiers allowed before range");
        }
        let span = Span::new(selector_span.start, bracket.end);
        let kind = ExprKind::Range(Box::new(RangeSelector { selector: *selector, selector_span, range }));
        Some(Node { expr: Expr { kind, span }, height })
    }

    fn subquery(&mut self, node: Node, range: DurationExpr, step: Option<DurationExpr>) -> Option<Node> {
        let Node { expr, height } = node;
        self.within_depth(height + 1)?;
        let span = Span::new(expr.span.start, self.end());
        let modifiers = Modifiers::default();
        let kind = ExprKind::Subquery(Box::new(Subquery { expr, range, step, modifiers }));
        Some(Node { expr: Expr { kind, span }, height: height + 1 })
    }

    fn offset(&mut self, node: Option<Node>) -> Option<Node> {
        let start = self.bump().span.start;
        let first = self.next;
        let Some(offset) = self.offset_duration() else {
            // Go on behind all of it, though it may have been left within parentheses.
            self.next = first;
            while self.sign().is_some() {}
            self.skip();
            self.salvage(node);
            return None;
        };
        let mut node = node?;
        let span = node.expr.span;
        let Some(modifiers) = modifiers(&mut node.expr.kind) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector \
                           or a subquery";
            self.error(span, message);
            self.salvage(Some(node));
            return None;
        };
        if modifiers.offset.as_ref().is_some_and(|before| !is_zero(&before.node)) {
            self.error(span, "offset may not be set multiple times");
            return Some(node);
        }
        node.expr.span.end = offset.span.end;
        let span = Span::new(start, offset.span.end);
        modifiers.offset = Some(Spanned { node: offset, span });
        Some(node)
    }

    fn at(&mut self, node: Option<Node>) -> Option<Node> {
        let start = self.bump().span.start;
        let Some(time) = self.time() else {
            self.skip();
            self.salvage(node);
            return None;
        };
        let mut node = node?;
        let span = node.expr.span;
        let end = self.end();
        if let Time::Seconds(seconds) = time
            && (seconds.is_nan() || seconds.abs() >= i64::MAX as f64)
        {
            self.error(span, format!("timestamp out of bounds for @ modifier: {}", fixed(seconds)));
        }
        let Some(modifiers) = modifiers(&mut node.expr.kind) else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            self.error(span, message);
            self.salvage(Some(node));
            return None;
        };
        if modifiers.at.is_some() {
            self.error(span, "@ <timestamp> may not be set multiple times");
            return Some(node);
        }
        let at = match time {
            Time::Seconds(seconds) => At::Timestamp(millis(seconds)),
            Time::Start => At::Start,
            Time::End => At::End,
        };
        modifiers.at = Some(Spanned { node: at, span: Span::new(start, end) });
        node.expr.span.end = end;
        Some(node)
    }

    /// What follows `@`.
    fn time(&mut self) -> Option<Time> {
        let sign = match self.peek() {
            Kind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.bump();
                Some(op)
            }
            _ => None,
        };
        let time = match self.peek() {
            Kind::Number => Some(self.number().value),
            Kind::Duration => Some(self.duration_number().value),
            Kind::Keyword(keyword @ (Keyword::Start | Keyword::End)) if sign.is_none() => {
                self.bump();
                if self.accept(Kind::LeftParen).is_some() && self.accept(Kind::RightParen).is_some() {
                    return Some(if keyword == Keyword::Start { Time::Start } else { Time::End });
                }
                None
            }
            _ => None,
        };
        if time.is_none() {
            self.unexpected("@", "timestamp");
        }
        time.map(|seconds| Time::Seconds(if sign == Some(BinaryOp::Sub) { -seconds } else { seconds }))
    }

    fn extension(&mut self, node: Option<Node>, extension: Extension) -> Option<Node> {
        let word = self.bump().span;
        let mut node = node?;
        let span = node.expr.span;
        let name = match extension {
            Extension::Anchored => "anchored",
            Extension::Smoothed => "smoothed",
        };
        let selector = match &mut node.expr.kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            ExprKind::Subquery(_) => {
                self.error(span, format!("{name} modifier is not supported for subqueries"));
                return Some(node);
            }
            _ => {
                self.error(span, format!("{name} modifier not implemented"));
                self.salvage(Some(node));
                return None;
            }
        };
        if selector.extension.as_ref().is_some_and(|before| before.node != extension) {
            self.error(span, "anchored and smoothed modifiers cannot be used together");
            return Some(node);
        }
        selector.extension = Some(Spanned { node: extension, span: word });
        node.expr.span.end = word.end;
        Some(node)
    }
}

enum Time {
    Seconds(f64),
    Start,
    End,
}

fn modifiers(kind: &mut ExprKind) -> Option<&mut Modifiers> {
    match kind {
        ExprKind::Selector(selector) => Some(&mut selector.modifiers),
        ExprKind::Range(range) => Some(&mut range.selector.modifiers),
        ExprKind::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    }
}

/// An offset that is nothing, after which Prometheus lets another one stand.
fn is_zero(offset: &DurationExpr) -> bool {
    matches!(&offset.kind, DurationKind::Literal(number) if (number.value * 1e9).round() == 0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "out of bounds was refused; what rounds beyond is saturated"
)]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// As Go's `%f`.
fn fixed(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value:.6}")
}
