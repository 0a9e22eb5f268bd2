//! Where the parser is among the tokens, and how it complains.

use std::collections::BTreeMap;

use super::{
    TemplateError,
    quote::unquoted,
    token::{Token, TokenKind},
    tree::Item,
};

/// How deep actions and parentheses may be nested.
const DEEPEST: usize = 60;

pub(super) struct Parser<'n> {
    pub(super) name: &'n str,
    pub(super) tokens: Vec<Token>,
    pub(super) pos: usize,
    /// The furthest token that was looked at: messages name its line.
    pub(super) seen: usize,
    pub(super) variables: Vec<String>,
    pub(super) action_line: Option<usize>,
    pub(super) ranges: usize,
    pub(super) depth: usize,
    pub(super) defined: BTreeMap<String, Vec<Item>>,
}

pub(super) type Parse<T> = Result<T, TemplateError>;

impl Parser<'_> {
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEEPEST {
            return self.fail("max expression depth exceeded".to_owned());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    pub(super) fn unquote(&mut self, token: &Token) -> Parse<String> {
        match unquoted(&token.text) {
            Some(text) => Ok(text),
            None => self.fail("invalid syntax".to_owned()),
        }
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek();
        self.pos += 1;
        token
    }

    pub(super) fn peek(&mut self) -> Token {
        self.seen = self.seen.max(self.pos);
        let last = self.tokens.last().expect("a text has at least the token of its end");
        match self.tokens.get(self.pos) {
            Some(token) => token.clone(),
            None => Token { kind: TokenKind::Eof, text: "EOF".to_owned(), ..last.clone() },
        }
    }

    pub(super) fn next_after_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != TokenKind::Space {
                return token;
            }
        }
    }

    /// Stays before the token, and past the space.
    pub(super) fn peek_after_space(&mut self) -> Token {
        let token = self.next_after_space();
        self.pos -= 1;
        token
    }

    pub(super) fn expect(&mut self, kind: TokenKind, context: &str) -> Parse<Token> {
        let token = self.next_after_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    pub(super) fn unexpected<T>(&mut self, token: &Token, context: &str) -> Parse<T> {
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

    pub(super) fn fail<T>(&mut self, reason: String) -> Parse<T> {
        let last = self.tokens.len() - 1;
        let seen = &self.tokens[self.seen.min(last)];
        let at = &self.tokens[self.pos.saturating_sub(1).min(last)];
        let message = format!("template: {}:{}: {reason}", self.name, seen.line);
        Err(TemplateError { span: at.span, message, reason })
    }
}
