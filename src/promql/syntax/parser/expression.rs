//! Operators and their operands, calls, literals.

use crate::text::Span;

use crate::promql::syntax::{
    ast::{BinaryOp, Call, Expr, ExprKind, Number, Unary},
    check::Fragment,
    functions::function,
    literal,
    token::{Keyword, Kind},
};

use super::{Node, Parser};

/// How tightly unary operators bind: as multiplication, so that only `^` binds tighter.
const ABOVE_UNARY: u8 = 6;

/// How tightly an operator binds; `^` is the only one that groups from the right.
pub(super) fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp as B;
    match op {
        B::Or => 1,
        B::And | B::Unless => 2,
        B::Equal
        | B::NotEqual
        | B::Less
        | B::LessEqual
        | B::Greater
        | B::GreaterEqual
        | B::TrimUpper
        | B::TrimLower => 3,
        B::Add | B::Sub => 4,
        B::Mul | B::Div | B::Mod | B::Atan2 => 5,
        B::Pow => 6,
    }
}

impl Parser<'_> {
    /// An expression up to a comma, a closing parenthesis or the end. What cannot stand there is reported and skipped.
    pub(super) fn until_closed(&mut self) -> Option<Node> {
        let mut node = self.expression(0);
        while !matches!(self.peek(), Kind::End | Kind::Comma | Kind::RightParen) {
            self.unexpected("", "");
            self.salvage(node);
            self.skip();
            node = self.rest(None, 0);
        }
        node
    }

    /// An expression of operators that bind at least so tightly.
    pub(super) fn expression(&mut self, least: u8) -> Option<Node> {
        self.enter()?;
        let first = self.unary();
        let node = self.rest(first, least);
        self.leave();
        node
    }

    /// What follows the first operand, which may be broken.
    fn rest(&mut self, first: Option<Node>, least: u8) -> Option<Node> {
        let mut lhs = first;
        while let Kind::Operator(op) = self.peek() {
            let level = precedence(op);
            if level < least {
                break;
            }
            let span = self.bump().span;
            let modifiers = self.binary_modifiers();
            let rhs = self.expression(if op == BinaryOp::Pow { level } else { level + 1 });
            lhs = self.binary(lhs, op, span, modifiers, rhs);
        }
        lhs
    }

    fn unary(&mut self) -> Option<Node> {
        let Kind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) = self.peek() else {
            let primary = self.primary();
            return self.postfix(primary);
        };
        let op_span = self.bump().span;
        let negative = op == BinaryOp::Sub;
        let Node { mut expr, height } = self.expression(ABOVE_UNARY)?;
        let span = Span::new(op_span.start, expr.span.end);
        if let ExprKind::Number(number) = &mut expr.kind {
            number.value = if negative { -number.value } else { number.value };
            expr.span = span;
            return Some(Node { expr, height });
        }
        self.within_depth(height + 1)?;
        let kind = ExprKind::Unary(Box::new(Unary { negative, op_span, expr }));
        Some(Node { expr: Expr { kind, span }, height: height + 1 })
    }

    fn primary(&mut self) -> Option<Node> {
        match self.peek() {
            Kind::Number => {
                let number = self.number();
                Some(self.leaf(ExprKind::Number(number)))
            }
            Kind::Duration => {
                let number = self.duration_number();
                Some(self.leaf(ExprKind::Number(number)))
            }
            Kind::String => {
                let value = self.string()?;
                Some(self.leaf(ExprKind::String(value)))
            }
            Kind::LeftParen => self.parenthesised(),
            Kind::Identifier if self.peek_second() == Kind::LeftParen => self.call(),
            Kind::Keyword(keyword) if keyword.is_function() && self.peek_second() == Kind::LeftParen => {
                self.call()
            }
            Kind::Aggregate(op)
                if matches!(
                    self.peek_second(),
                    Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without)
                ) =>
            {
                self.aggregate(op)
            }
            _ if self.begins_selector() => self.selector(),
            _ => {
                self.unexpected("", "");
                self.skip();
                None
            }
        }
    }

    /// A node of the last token.
    fn leaf(&self, kind: ExprKind) -> Node {
        let span = self.tokens[self.next - 1].span;
        Node { expr: Expr { kind, span }, height: 1 }
    }

    /// The number that comes next; a wrong one is reported and 1, which nothing complains of.
    pub(super) fn number(&mut self) -> Number {
        let span = self.bump().span;
        let value = literal::number(self.slice(span)).unwrap_or_else(|message| {
            self.error(span, message);
            1.0
        });
        Number { value, is_duration: false }
    }

    /// The duration that comes next, likewise.
    pub(super) fn duration_number(&mut self) -> Number {
        let span = self.bump().span;
        let millis = literal::duration(self.slice(span)).unwrap_or_else(|message| {
            self.error(span, message);
            1000
        });
        Number { value: millis as f64 / 1000.0, is_duration: true }
    }

    /// The string that comes next, unescaped.
    pub(super) fn string(&mut self) -> Option<String> {
        let span = self.bump().span;
        match literal::unquoted(self.slice(span)) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(span, message);
                None
            }
        }
    }

    fn parenthesised(&mut self) -> Option<Node> {
        let start = self.bump().span.start;
        let mut inner = self.until_closed();
        while self.peek() == Kind::Comma {
            self.unexpected("", "");
            self.bump();
            self.salvage(inner.take());
            let next = self.until_closed();
            self.salvage(next);
        }
        if self.accept(Kind::RightParen).is_none() {
            self.unexpected("", "");
            self.salvage(inner);
            return None;
        }
        let Node { expr, height } = inner?;
        self.within_depth(height + 1)?;
        let span = Span::new(start, self.end());
        Some(Node { expr: Expr { kind: ExprKind::Paren(Box::new(expr)), span }, height: height + 1 })
    }

    fn call(&mut self) -> Option<Node> {
        let name_span = self.bump().span;
        let (args, is_closed) = self.arguments();
        let name = self.slice(name_span).to_owned();
        let found = function(&name);
        match found {
            None => {
                self.error(name_span, format!("unknown function with name {}", crate::series::quoted(&name)));
            }
            Some(function) if function.experimental && !self.options.experimental => {
                self.error(name_span, format!("function {} is not enabled", crate::series::quoted(&name)));
            }
            Some(_) => {}
        }
        let span = Span::new(name_span.start, self.end());
        let height = 1 + args.iter().flatten().map(|node| node.height).max().unwrap_or_default();
        let args: Vec<Option<Expr>> = args.into_iter().map(|arg| arg.map(|node| node.expr)).collect();
        let Some(function) = found.filter(|_| is_closed) else {
            self.fragments.extend(args.into_iter().flatten().map(Fragment::Expr));
            return None;
        };
        self.within_depth(height)?;
        if args.iter().any(Option::is_none) {
            self.fragments.push(Fragment::Call { function, args, span });
            return None;
        }
        let args = args.into_iter().flatten().collect();
        Some(Node { expr: Expr { kind: ExprKind::Call(Call { function, name_span, args }), span }, height })
    }

    /// `(a, b)`, and whether it is closed. A broken argument is `None`.
    pub(super) fn arguments(&mut self) -> (Vec<Option<Node>>, bool) {
        let mut args = Vec::new();
        self.bump();
        if self.accept(Kind::RightParen).is_some() {
            return (args, true);
        }
        loop {
            self.argument(&mut args);
            while let Some(comma) = self.accept(Kind::Comma) {
                // Prometheus calls a comma trailing also where something else is wrong behind it.
                if !self.starts_expression() && !self.is_after_fault() {
                    self.error(comma.span, "trailing commas not allowed in function call args");
                }
                if !matches!(self.peek(), Kind::Comma | Kind::RightParen) {
                    self.argument(&mut args);
                }
            }
            if self.accept(Kind::RightParen).is_some() {
                return (args, true);
            }
            if self.peek() == Kind::End {
                return (args, false);
            }
        }
    }

    /// Where nothing stands is no argument, though that was reported.
    fn argument(&mut self, args: &mut Vec<Option<Node>>) {
        let before = self.next;
        let arg = self.until_closed();
        if self.next > before {
            args.push(arg);
        }
    }

    /// Whether the next token may begin an expression.
    pub(super) fn starts_expression(&mut self) -> bool {
        use BinaryOp::{Add, And, Or, Sub, Unless};
        match self.peek() {
            Kind::Number
            | Kind::Duration
            | Kind::String
            | Kind::LeftParen
            | Kind::LeftBrace
            | Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Aggregate(_)
            | Kind::Operator(Add | And | Or | Sub | Unless) => true,
            Kind::Keyword(keyword) => keyword.is_metric_name(),
            _ => false,
        }
    }
}
