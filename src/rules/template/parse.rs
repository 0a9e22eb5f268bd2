//! Tokens made into a tree, with the mistakes that Go finds.

use std::collections::BTreeMap;

use crate::text::Span;

use super::{
    TemplateError,
    functions::is_function,
    lex::{Keyword, Token, TokenKind, lex},
    number::number,
    quote::{quoted, unquoted},
    tree::{Branch, Command, Invocation, Item, Operand, OperandKind, Pipe, Variable},
};

/// How deep actions and parentheses may be nested.
const DEEPEST: usize = 60;

/// The variables that every annotation starts with.
const GIVEN: [&str; 5] = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];

/// The items of a text, and the templates that it defines.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Parsed {
    pub(super) items: Vec<Item>,
    pub(super) defined: BTreeMap<String, Vec<Item>>,
}

pub(super) fn parse(name: &str, text: &str) -> Result<Parsed, TemplateError> {
    let mut parser = Parser {
        name,
        tokens: lex(text),
        pos: 0,
        seen: 0,
        variables: GIVEN.map(str::to_owned).to_vec(),
        action_line: None,
        ranges: 0,
        depth: 0,
        defined: BTreeMap::new(),
    };
    let items = parser.top()?;
    Ok(Parsed { items, defined: parser.defined })
}

struct Parser<'n> {
    name: &'n str,
    tokens: Vec<Token>,
    pos: usize,
    /// The furthest token that was looked at: messages name its line.
    seen: usize,
    variables: Vec<String>,
    action_line: Option<usize>,
    ranges: usize,
    depth: usize,
    defined: BTreeMap<String, Vec<Item>>,
}

type Parse<T> = Result<T, TemplateError>;

/// What ended a list of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    End,
    Else,
}

impl End {
    fn text(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// An item, or what ends a list of them.
enum Parsing {
    Item(Item),
    End(End),
}

impl Parser<'_> {
    fn top(&mut self) -> Parse<Vec<Item>> {
        let mut items = Vec::new();
        while self.peek().kind != TokenKind::Eof {
            if self.peek().kind == TokenKind::LeftDelim {
                let start = self.pos;
                self.next();
                if self.next_after_space().kind == TokenKind::Keyword(Keyword::Define) {
                    self.definition()?;
                    continue;
                }
                self.pos = start;
            }
            match self.text_or_action()? {
                Parsing::Item(item) => items.push(item),
                Parsing::End(end) => return self.fail(format!("unexpected {}", end.text())),
            }
        }
        Ok(items)
    }

    /// `{{define "name"}} … {{end}}`, from the name on.
    fn definition(&mut self) -> Parse<()> {
        let context = "define clause";
        let token = self.next_after_space();
        let name = self.template_name(&token, context)?;
        self.expect(TokenKind::RightDelim, context)?;
        self.separate(&name, context)
    }

    /// The items of another template, which shares no variable with this one.
    fn separate(&mut self, name: &str, context: &str) -> Parse<()> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let (ranges, line) = (std::mem::take(&mut self.ranges), self.action_line.take());
        let (items, end) = self.nested(Self::items)?;
        if end != End::End {
            return self.fail(format!("unexpected {} in {context}", end.text()));
        }
        (self.variables, self.ranges, self.action_line) = (outer, ranges, line);
        let is_empty = |items: &[Item]| {
            items.iter().all(|item| matches!(item, Item::Text(text) if text.trim().is_empty()))
        };
        if self.defined.get(name).is_none_or(|items| is_empty(items)) {
            self.defined.insert(name.to_owned(), items);
        } else if !is_empty(&items) {
            return self.fail(format!("template: multiple definition of template {}", quoted(name)));
        }
        Ok(())
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEEPEST {
            return self.fail("max expression depth exceeded".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn items(&mut self) -> Parse<(Vec<Item>, End)> {
        let mut items = Vec::new();
        while self.peek_after_space().kind != TokenKind::Eof {
            match self.text_or_action()? {
                Parsing::Item(item) => items.push(item),
                Parsing::End(end) => return Ok((items, end)),
            }
        }
        self.fail("unexpected EOF".to_owned())
    }

    fn text_or_action(&mut self) -> Parse<Parsing> {
        let token = self.next_after_space();
        match token.kind {
            TokenKind::Text => Ok(Parsing::Item(Item::Text(token.text))),
            TokenKind::LeftDelim => {
                self.action_line = Some(token.line);
                let action = self.action()?;
                self.action_line = None;
                Ok(action)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parse<Parsing> {
        let start = self.pos;
        let token = self.next_after_space();
        let TokenKind::Keyword(keyword) = token.kind else {
            self.pos = start;
            self.peek_after_space();
            let pipe = self.pipeline("command", TokenKind::RightDelim)?;
            return Ok(Parsing::Item(Item::Action(pipe)));
        };
        let item = match keyword {
            Keyword::Block => self.block()?,
            Keyword::Break | Keyword::Continue => self.jump(keyword, token.span)?,
            Keyword::If => Item::If(self.branch("if")?),
            Keyword::Range => Item::Range(self.branch("range")?),
            Keyword::With => Item::With(self.branch("with")?),
            Keyword::Template => self.invocation()?,
            Keyword::End => {
                self.expect(TokenKind::RightDelim, "end")?;
                return Ok(Parsing::End(End::End));
            }
            Keyword::Else => {
                // `{{else if …}}` leaves the `if` to the branch that it belongs to.
                let next = self.peek_after_space().kind;
                if !matches!(next, TokenKind::Keyword(Keyword::If | Keyword::With)) {
                    self.expect(TokenKind::RightDelim, "else")?;
                }
                return Ok(Parsing::End(End::Else));
            }
            Keyword::Define => {
                self.pos -= 1;
                let pipe = self.pipeline("command", TokenKind::RightDelim)?;
                Item::Action(pipe)
            }
        };
        Ok(Parsing::Item(item))
    }

    fn jump(&mut self, keyword: Keyword, span: Span) -> Parse<Item> {
        let is_break = keyword == Keyword::Break;
        let name = if is_break { "{{break}}" } else { "{{continue}}" };
        let token = self.next_after_space();
        if token.kind != TokenKind::RightDelim {
            return self.unexpected(&token, name);
        }
        if self.ranges == 0 {
            return self.fail(format!("{name} outside {{{{range}}}}"));
        }
        Ok(if is_break { Item::Break(span) } else { Item::Continue(span) })
    }

    fn block(&mut self) -> Parse<Item> {
        let context = "block clause";
        let token = self.next_after_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, TokenKind::RightDelim)?;
        self.separate(&name, context)?;
        Ok(Item::Template(Invocation { name, name_span: token.span, pipe: Some(pipe) }))
    }

    fn invocation(&mut self) -> Parse<Item> {
        let context = "template clause";
        let token = self.next_after_space();
        let name = self.template_name(&token, context)?;
        let start = self.pos;
        let mut pipe = None;
        if self.next_after_space().kind != TokenKind::RightDelim {
            self.pos = start;
            pipe = Some(self.pipeline(context, TokenKind::RightDelim)?);
        }
        Ok(Item::Template(Invocation { name, name_span: token.span, pipe }))
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parse<String> {
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return self.unexpected(token, context);
        }
        self.unquote(token)
    }

    fn unquote(&mut self, token: &Token) -> Parse<String> {
        match unquoted(&token.text) {
            Some(text) => Ok(text),
            None => self.fail("invalid syntax".to_owned()),
        }
    }

    fn branch(&mut self, context: &'static str) -> Parse<Branch> {
        let variables = self.variables.len();
        let pipe = self.pipeline(context, TokenKind::RightDelim)?;
        let is_range = usize::from(context == "range");
        self.ranges += is_range;
        let (then, end) = self.nested(Self::items)?;
        self.ranges -= is_range;
        let otherwise = match end {
            End::End => None,
            End::Else => {
                let next = self.peek().kind;
                let chained = match (context, next) {
                    ("if", TokenKind::Keyword(Keyword::If)) => {
                        self.next();
                        Some(Item::If(self.nested(|parser| parser.branch("if"))?))
                    }
                    ("with", TokenKind::Keyword(Keyword::With)) => {
                        self.next();
                        Some(Item::With(self.nested(|parser| parser.branch("with"))?))
                    }
                    _ => None,
                };
                if let Some(item) = chained {
                    Some(vec![item])
                } else {
                    let (items, end) = self.nested(Self::items)?;
                    if end != End::End {
                        return self.fail(format!("expected end; found {}", end.text()));
                    }
                    Some(items)
                }
            }
        };
        self.variables.truncate(variables);
        Ok(Branch { pipe, then, otherwise })
    }

    fn pipeline(&mut self, context: &str, end: TokenKind) -> Parse<Pipe> {
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

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.pos += 1;
        token
    }

    fn peek(&mut self) -> Token {
        self.seen = self.seen.max(self.pos);
        let last = self.tokens.last().expect("a text has at least the token of its end");
        match self.tokens.get(self.pos) {
            Some(token) => token.clone(),
            None => Token { kind: TokenKind::Eof, text: "EOF".to_owned(), ..last.clone() },
        }
    }

    fn next_after_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != TokenKind::Space {
                return token;
            }
        }
    }

    /// Stays before the token, and past the space.
    fn peek_after_space(&mut self) -> Token {
        let token = self.next_after_space();
        self.pos -= 1;
        token
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Parse<Token> {
        let token = self.next_after_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn unexpected<T>(&mut self, token: &Token, context: &str) -> Parse<T> {
        if token.kind != TokenKind::Error {
            return self.fail(format!("unexpected {} in {context}", token.shown()));
        }
        let mut message = token.shown();
        if let Some(line) = self.action_line.filter(|line| *line != token.line) {
            let within = if message.ends_with(" action") { "" } else { " in action" };
            message = format!("{message}{within} started at {}:{line}", self.name);
        }
        self.fail(message)
    }

    fn fail<T>(&mut self, reason: String) -> Parse<T> {
        let last = self.tokens.len() - 1;
        let seen = &self.tokens[self.seen.min(last)];
        let at = &self.tokens[self.pos.saturating_sub(1).min(last)];
        let message = format!("template: {}:{}: {reason}", self.name, seen.line);
        Err(TemplateError { span: at.span, message, reason })
    }
}
