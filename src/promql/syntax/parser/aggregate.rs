//! Aggregations, and what stands between a binary operator and its right operand.

use crate::{series::quoted, text::Span};

use crate::promql::syntax::{
    ast::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, Group, Grouping, Matching, Spanned},
    token::{Keyword, Kind},
};

use super::{Node, Parser};

const CONTEXT: &str = "grouping opts";

/// What stands between an operator and its right operand.
pub(super) struct BinaryModifiers {
    return_bool: Option<Span>,
    matching: Option<Matching>,
}

impl Parser<'_> {
    pub(super) fn aggregate(&mut self, op: AggregateOp) -> Option<Node> {
        let op_span = self.bump().span;
        let mut grouping = self.grouping();
        self.in_aggregations += 1;
        if self.peek() != Kind::LeftParen {
            self.unexpected("aggregation", "");
            self.in_aggregations -= 1;
            self.skip();
            return None;
        }
        let (args, is_closed) = self.arguments();
        self.in_aggregations -= 1;
        if grouping.is_none() {
            grouping = self.grouping();
        }
        let span = Span::new(op_span.start, self.end());
        let height = 1 + args.iter().flatten().map(|node| node.height).max().unwrap_or_default();
        let wanted = if op.has_param() { 2 } else { 1 };
        let is_allowed = self.options.experimental || !op.is_experimental();
        if !is_closed {
            // How many more there would be is unknown.
        } else if args.is_empty() {
            self.error(span, "no arguments for aggregate expression provided");
        } else if !is_allowed {
            let name = op.name();
            let message = format!(
                "{name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            );
            self.error(span, message);
        } else if args.len() != wanted {
            let got = args.len();
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}"
            );
            self.error(span, message);
        }
        self.within_depth(height)?;
        if !is_closed || args.len() != wanted || args.iter().any(Option::is_none) {
            for arg in args {
                self.salvage(arg);
            }
            return None;
        }
        let mut args = args.into_iter().flatten().map(|node| node.expr);
        let param = if op.has_param() { args.next() } else { None };
        let expr = args.next()?;
        let op = Spanned { node: op, span: op_span };
        let kind = ExprKind::Aggregate(Box::new(Aggregate { op, param, expr, grouping }));
        Some(Node { expr: Expr { kind, span }, height })
    }

    fn grouping(&mut self) -> Option<Grouping> {
        let without = match self.peek() {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return None,
        };
        let start = self.bump().span.start;
        let labels = self.labels();
        Some(Grouping { without, labels, span: Span::new(start, self.end()) })
    }

    /// `(a, "b.c",)`.
    fn labels(&mut self) -> Vec<Spanned<String>> {
        let mut labels = Vec::new();
        if self.accept(Kind::LeftParen).is_none() {
            self.unexpected(CONTEXT, "\"(\"");
            return labels;
        }
        while self.accept(Kind::RightParen).is_none() {
            labels.extend(self.label());
            match self.peek() {
                Kind::RightParen => {}
                Kind::Comma => {
                    self.bump();
                }
                Kind::End => break,
                _ => {
                    self.unexpected(CONTEXT, "\",\" or \")\"");
                    self.bump();
                    while !matches!(self.peek(), Kind::End | Kind::Comma | Kind::RightParen) {
                        self.bump();
                    }
                    self.accept(Kind::Comma);
                }
            }
        }
        labels
    }

    fn label(&mut self) -> Option<Spanned<String>> {
        let span = self.next_span();
        let name = match self.peek() {
            Kind::Keyword(Keyword::Without) => None,
            Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Variable
            | Kind::Keyword(_)
            | Kind::Aggregate(_)
            | Kind::Operator(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::Atan2) => {
                self.bump();
                Some(self.slice(span).to_owned())
            }
            Kind::String => {
                let name = self.string()?;
                if name.is_empty() {
                    self.error(span, format!("invalid label name for grouping: {}", quoted(&name)));
                }
                Some(name)
            }
            _ => None,
        };
        if name.is_none() {
            self.unexpected(CONTEXT, "label");
        }
        name.map(|node| Spanned { node, span })
    }

    /// `bool`, `on`, `ignoring`, `group_left`, `group_right` and `fill`.
    pub(super) fn binary_modifiers(&mut self) -> BinaryModifiers {
        let return_bool = self.accept(Kind::Keyword(Keyword::Bool)).map(|token| token.span);
        let start = self.next_span().start;
        let mut matching = Matching {
            on: false,
            labels: Vec::new(),
            group: None,
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
            span: Span::default(),
        };
        let mut is_written = false;
        if let Kind::Keyword(keyword @ (Keyword::On | Keyword::Ignoring)) = self.peek() {
            is_written = true;
            self.bump();
            matching.on = keyword == Keyword::On;
            matching.labels = self.labels();
            if let Kind::Keyword(keyword @ (Keyword::GroupLeft | Keyword::GroupRight)) = self.peek() {
                let span = self.bump().span;
                let group = if keyword == Keyword::GroupLeft { Group::Left } else { Group::Right };
                matching.group = Some(Spanned { node: group, span });
                if self.peek() == Kind::LeftParen || !self.starts_expression() {
                    matching.include = self.labels();
                }
            }
        }
        is_written |= self.fills(&mut matching);
        matching.span = Span::new(start, self.end().max(start));
        BinaryModifiers { return_bool, matching: is_written.then_some(matching) }
    }

    /// `fill`, or `fill_left` and `fill_right` in any order. Says whether one is there.
    fn fills(&mut self, matching: &mut Matching) -> bool {
        if self.accept(Kind::Keyword(Keyword::Fill)).is_some() {
            let value = self.fill_value();
            matching.fill_left = value;
            matching.fill_right = value;
            return true;
        }
        let mut is_written = false;
        loop {
            match self.peek() {
                Kind::Keyword(Keyword::FillLeft) if matching.fill_left.is_none() => {
                    self.bump();
                    matching.fill_left = self.fill_value();
                }
                Kind::Keyword(Keyword::FillRight) if matching.fill_right.is_none() => {
                    self.bump();
                    matching.fill_right = self.fill_value();
                }
                _ => return is_written,
            }
            is_written = true;
        }
    }

    /// `(-1)`.
    fn fill_value(&mut self) -> Option<f64> {
        self.accept(Kind::LeftParen);
        let negative = self.peek() == Kind::Operator(BinaryOp::Sub);
        if matches!(self.peek(), Kind::Operator(BinaryOp::Add | BinaryOp::Sub)) {
            self.bump();
        }
        let value = match self.peek() {
            Kind::Number => Some(self.number().value),
            Kind::Duration => Some(self.duration_number().value),
            _ => {
                self.unexpected("", "");
                None
            }
        };
        if value.is_some() && self.peek() != Kind::RightParen {
            self.unexpected("", "");
        }
        while !matches!(self.peek(), Kind::End | Kind::RightParen) {
            self.bump();
        }
        self.accept(Kind::RightParen);
        value.map(|value| if negative { -value } else { value })
    }

    /// Joins two operands, either of which may be broken.
    pub(super) fn binary(
        &mut self,
        lhs: Option<Node>,
        op: BinaryOp,
        op_span: Span,
        modifiers: BinaryModifiers,
        rhs: Option<Node>,
    ) -> Option<Node> {
        let (lhs, rhs) = match (lhs, rhs) {
            (Some(lhs), Some(rhs)) => (lhs, rhs),
            (one, other) => {
                self.salvage(one);
                self.salvage(other);
                return None;
            }
        };
        let span = Span::new(lhs.expr.span.start, rhs.expr.span.end);
        let BinaryModifiers { return_bool, matching } = modifiers;
        let fills = |matching: &Matching| matching.fill_left.is_some() || matching.fill_right.is_some();
        if !self.options.experimental && matching.as_ref().is_some_and(fills) {
            self.error(span, "binop fill modifiers are experimental and not enabled");
        }
        let height = 1 + lhs.height.max(rhs.height);
        self.within_depth(height)?;
        let op = Spanned { node: op, span: op_span };
        let binary = Binary { op, lhs: lhs.expr, rhs: rhs.expr, return_bool, matching };
        Some(Node { expr: Expr { kind: ExprKind::Binary(Box::new(binary)), span }, height })
    }
}
