//! Durations: what stands in brackets and after `offset`.

use crate::text::Span;

use crate::promql::syntax::{
    ast::{BinaryOp, DurationExpr, DurationKind, DurationOp, Number},
    token::{Keyword, Kind},
};

use super::{Parser, expression::precedence};

/// Seconds that 64 bits of nanoseconds hold.
const LONGEST: f64 = (1_u64 << 63) as f64 / 1e9;

/// Operators and operands of one duration.
const MAX_PARTS: usize = 128;

/// What a broken duration says of itself.
struct Broken {
    context: &'static str,
    expected: &'static str,
    parts: usize,
}

const OFFSET: &str = "number, duration, step(), or range()";

impl Parser<'_> {
    /// The range or the step of a selector; a mistake is reported as `context` and `expected` say.
    pub(super) fn positive_duration(
        &mut self,
        context: &'static str,
        expected: &'static str,
    ) -> Option<DurationExpr> {
        let duration = self.duration(&mut Broken { context, expected, parts: 0 }, 0)?;
        if let DurationKind::Literal(number) = duration.kind
            && number.value <= 0.0
        {
            self.error(duration.span, "duration must be greater than 0");
        }
        Some(duration)
    }

    /// What follows `offset`. It ends after one literal or call, with at most one sign: `offset -2^2` is
    /// `(… offset -2)^2`. But an expression that begins with a parenthesis or with two signs goes on.
    pub(super) fn offset_duration(&mut self) -> Option<DurationExpr> {
        let broken = &mut Broken { context: "offset", expected: OFFSET, parts: 0 };
        if self.peek() == Kind::LeftParen {
            return self.duration(broken, 0);
        }
        let Some((negative, sign)) = self.sign() else { return self.duration_operand(broken) };
        if self.sign_follows() {
            let first = self.signed(broken, negative, sign)?;
            return self.duration_rest(broken, first, 0);
        }
        let operand = self.duration_operand(broken)?;
        Some(Self::with_sign(negative, sign, operand))
    }

    /// A duration of operators that bind at least so tightly.
    fn duration(&mut self, broken: &mut Broken, least: u8) -> Option<DurationExpr> {
        self.enter()?;
        let first = match self.sign() {
            Some((negative, sign)) => self.signed(broken, negative, sign),
            None => self.duration_operand(broken),
        }?;
        let duration = self.duration_rest(broken, first, least);
        self.leave();
        duration
    }

    fn duration_rest(&mut self, broken: &mut Broken, first: DurationExpr, least: u8) -> Option<DurationExpr> {
        let mut lhs = first;
        while let Kind::Operator(operator) = self.peek()
            && let Some(op) = duration_op(operator)
        {
            let level = precedence(operator);
            if level < least {
                break;
            }
            let op_span = self.bump().span;
            let rhs = self.duration(broken, if op == DurationOp::Pow { level } else { level + 1 })?;
            let by_zero = matches!(rhs.kind, DurationKind::Literal(number) if number.value == 0.0);
            match op {
                DurationOp::Div if by_zero => self.error(op_span, "division by zero"),
                DurationOp::Mod if by_zero => self.error(op_span, "modulo by zero"),
                _ => {}
            }
            let span = Span::new(lhs.span.start, rhs.span.end);
            let kind = DurationKind::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs) };
            lhs = DurationExpr { kind, span };
        }
        Some(lhs)
    }

    /// An operand; the sign before it is read. It binds as multiplication.
    fn signed(&mut self, broken: &mut Broken, negative: bool, sign: Span) -> Option<DurationExpr> {
        let operand = self.duration(broken, precedence(BinaryOp::Pow))?;
        Some(Self::with_sign(negative, sign, operand))
    }

    fn with_sign(negative: bool, sign: Span, operand: DurationExpr) -> DurationExpr {
        let span = Span::new(sign.start, operand.span.end);
        let kind = match operand.kind {
            DurationKind::Literal(Number { value, is_duration }) => {
                DurationKind::Literal(Number { value: if negative { -value } else { value }, is_duration })
            }
            _ if negative => DurationKind::Negated(Box::new(operand)),
            _ => DurationKind::Plus(Box::new(operand)),
        };
        DurationExpr { kind, span }
    }

    fn sign_follows(&mut self) -> bool {
        matches!(self.peek(), Kind::Operator(BinaryOp::Add | BinaryOp::Sub))
    }

    /// Whether a sign is `-`, and where it is.
    pub(super) fn sign(&mut self) -> Option<(bool, Span)> {
        let negative = self.peek() == Kind::Operator(BinaryOp::Sub);
        self.sign_follows().then(|| (negative, self.bump().span))
    }

    fn duration_operand(&mut self, broken: &mut Broken) -> Option<DurationExpr> {
        let start = self.next_span().start;
        broken.parts += 1;
        if broken.parts > MAX_PARTS {
            self.error(self.next_span(), format!("duration of more than {MAX_PARTS} parts"));
            self.stopped = true;
            return None;
        }
        let kind = match self.peek() {
            Kind::Number => {
                let number = self.number();
                self.literal(number)
            }
            Kind::Duration => {
                let number = self.duration_number();
                self.literal(number)
            }
            Kind::Variable => {
                let span = self.bump().span;
                DurationKind::Variable(self.slice(span).to_owned())
            }
            Kind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                self.bump();
                self.expect(Kind::LeftParen, broken)?;
                self.expect(Kind::RightParen, broken)?;
                if keyword == Keyword::Step { DurationKind::Step } else { DurationKind::Range }
            }
            Kind::Keyword(keyword @ (Keyword::MaxOf | Keyword::MinOf)) => {
                self.bump();
                self.expect(Kind::LeftParen, broken)?;
                let first = Box::new(self.duration(broken, 0)?);
                self.expect(Kind::Comma, broken)?;
                let second = Box::new(self.duration(broken, 0)?);
                self.expect(Kind::RightParen, broken)?;
                if keyword == Keyword::MaxOf {
                    DurationKind::MaxOf(first, second)
                } else {
                    DurationKind::MinOf(first, second)
                }
            }
            Kind::LeftParen => {
                self.bump();
                let inner = self.duration(broken, 0)?;
                self.expect(Kind::RightParen, broken)?;
                DurationKind::Paren(Box::new(inner))
            }
            _ => {
                self.unexpected(broken.context, broken.expected);
                return None;
            }
        };
        Some(DurationExpr { kind, span: Span::new(start, self.end()) })
    }

    fn literal(&mut self, number: Number) -> DurationKind {
        // Nothing that is no number either.
        if number.value.is_nan() || number.value > LONGEST {
            let span = self.tokens[self.next - 1].span;
            self.error(span, "duration out of range");
        }
        DurationKind::Literal(number)
    }

    fn expect(&mut self, kind: Kind, broken: &Broken) -> Option<()> {
        if self.accept(kind).is_none() {
            self.unexpected(broken.context, broken.expected);
            return None;
        }
        Some(())
    }
}

fn duration_op(op: BinaryOp) -> Option<DurationOp> {
    match op {
        BinaryOp::Add => Some(DurationOp::Add),
        BinaryOp::Sub => Some(DurationOp::Sub),
        BinaryOp::Mul => Some(DurationOp::Mul),
        BinaryOp::Div => Some(DurationOp::Div),
        BinaryOp::Mod => Some(DurationOp::Mod),
        BinaryOp::Pow => Some(DurationOp::Pow),
        _ => None,
    }
}
