//! Pipelines and what they are made of.

use crate::text::Span;

use super::{
    cursor::{Parse, Parser},
    functions::is_function,
    number::number,
    quote::quoted,
    token::TokenKind,
    tree::{Command, Operand, OperandKind, Pipe, Variable},
};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: TokenKind) -> Parse<Pipe> {
        let start = self.peek_after_space().span.start;
        let mut pipe = Pipe {
            span: Span::new(start, start),
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let before = self.pos;
            let token = self.next_after_space();
            match token.kind {
                kind if kind == end => break,
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Complex
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Identifier
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::String
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    self.pos = before;
                    let command = self.command()?;
                    pipe.span.end = command.span.end;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let kind = command.args.first().map(|operand| &operand.kind);
            let is_value = matches!(
                kind,
                Some(
                    OperandKind::Bool(_)
                        | OperandKind::Dot
                        | OperandKind::Nil
                        | OperandKind::Number(_)
                        | OperandKind::String { .. }
                )
            );
            if is_value {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parse<()> {
        loop {
            let before = self.pos;
            let token = self.next_after_space();
            if token.kind != TokenKind::Variable {
                self.pos = before;
                return Ok(());
            }
            let next = self.next_after_space();
            let comma = next.kind == TokenKind::Char && next.text == ",";
            if !comma && !matches!(next.kind, TokenKind::Assign | TokenKind::Declare) {
                self.pos = before;
                return Ok(());
            }
            self.variables.push(token.text.clone());
            pipe.variables.push(Variable { name: token.text, span: token.span });
            if !comma {
                pipe.assigns = next.kind == TokenKind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() >= 2 {
                return self.fail(format!("too many declarations in {context}"));
            }
            let next = self.peek_after_space().kind;
            if !matches!(next, TokenKind::Variable | TokenKind::RightDelim | TokenKind::RightParen) {
                return self.fail("range can only initialize variables".to_owned());
            }
        }
    }

    fn command(&mut self) -> Parse<Command> {
        let start = self.peek_after_space().span.start;
        let mut command = Command { span: Span::new(start, start), args: Vec::new() };
        loop {
            self.peek_after_space();
            if let Some(operand) = self.operand()? {
                command.span.end = operand.span.end;
                command.args.push(operand);
            }
            let token = self.next();
            match token.kind {
                TokenKind::Space => {}
                TokenKind::RightDelim | TokenKind::RightParen => {
                    self.pos -= 1;
                    break;
                }
                TokenKind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        if command.args.is_empty() {
            return self.fail("empty command".to_owned());
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parse<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(operand));
        }
        let at = self.peek().span.start;
        let mut fields = Vec::new();
        while self.peek().kind == TokenKind::Field {
            let token = self.next();
            operand.span.end = token.span.end;
            fields.push(token.text[1..].to_owned());
        }
        operand.at = at;
        match &mut operand.kind {
            OperandKind::Field(names) | OperandKind::Variable(names) => names.append(&mut fields),
            OperandKind::Bool(_)
            | OperandKind::String { .. }
            | OperandKind::Number(_)
            | OperandKind::Nil
            | OperandKind::Dot => {
                return self.fail(format!("unexpected . after term {}", quoted(&operand.to_string())));
            }
            OperandKind::Function(_) | OperandKind::Chain(..) | OperandKind::Pipe(_) => {
                let (span, inner_at) = (operand.span, operand.span.start);
                let inner = Operand { at: inner_at, ..operand };
                operand = Operand { kind: OperandKind::Chain(Box::new(inner), fields), span, at };
            }
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parse<Option<Operand>> {
        let before = self.pos;
        let token = self.next_after_space();
        let span = token.span;
        let kind = match token.kind {
            TokenKind::Identifier => {
                if !is_function(&token.text) {
                    return self.fail(format!("function {} not defined", quoted(&token.text)));
                }
                OperandKind::Function(token.text)
            }
            TokenKind::Dot => OperandKind::Dot,
            TokenKind::Nil => OperandKind::Nil,
            TokenKind::Variable => {
                if !self.variables.contains(&token.text) {
                    return self.fail(format!("undefined variable {}", quoted(&token.text)));
                }
                OperandKind::Variable(vec![token.text])
            }
            TokenKind::Field => OperandKind::Field(vec![token.text[1..].to_owned()]),
            TokenKind::Bool => OperandKind::Bool(token.text == "true"),
            TokenKind::CharConstant | TokenKind::Complex | TokenKind::Number => match number(&token) {
                Ok(number) => OperandKind::Number(number),
                Err(message) => return self.fail(message),
            },
            TokenKind::LeftParen => {
                let context = "parenthesized pipeline";
                let pipe = self.nested(|parser| parser.pipeline(context, TokenKind::RightParen))?;
                let end = self.tokens[self.pos - 1].span.end;
                let at = pipe.span.start;
                let span = Span::new(span.start, end);
                return Ok(Some(Operand { kind: OperandKind::Pipe(Box::new(pipe)), span, at }));
            }
            TokenKind::String | TokenKind::RawString => {
                let text = self.unquote(&token)?;
                OperandKind::String { quoted: token.text, text }
            }
            _ => {
                self.pos = before;
                return Ok(None);
            }
        };
        Ok(Some(Operand { kind, span, at: span.start }))
    }
}
