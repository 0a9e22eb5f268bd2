//! A template's text cut into tokens, as Go's `text/template` cuts it.

use crate::text::Span;

use super::token::{Keyword, Token, TokenKind};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

struct Lexer<'t> {
    text: &'t str,
    pos: usize,
    start: usize,
    line: usize,
    parens: usize,
    tokens: Vec<Token>,
}

/// All tokens of a text; the last is the end or an error.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, pos: 0, start: 0, line: 1, parens: 0, tokens: Vec::new() };
    if let Err(message) = lexer.run() {
        let span = Span::new(lexer.start, lexer.pos.max(lexer.start));
        let line = lexer.line;
        lexer.tokens.push(Token { kind: TokenKind::Error, text: message, span, line });
    }
    lexer.tokens
}

type Lexed<T = ()> = Result<T, String>;

impl<'t> Lexer<'t> {
    fn run(&mut self) -> Lexed {
        loop {
            let Some(found) = self.rest().find(LEFT) else {
                self.pos = self.text.len();
                if self.pos > self.start {
                    self.emit(TokenKind::Text);
                }
                self.emit(TokenKind::Eof);
                return Ok(());
            };
            let open = self.pos + found;
            let trims = has_left_trim(&self.text[open + LEFT.len()..]);
            let before = &self.text[self.pos..open];
            self.pos += if trims { before.trim_end_matches(is_space).len() } else { before.len() };
            if self.pos > self.start {
                self.emit(TokenKind::Text);
            }
            self.pos = open;
            self.ignore();
            let marker = if trims { 2 } else { 0 };
            if self.text[open + LEFT.len() + marker..].starts_with("/*") {
                self.pos = open + LEFT.len() + marker;
                self.comment()?;
                continue;
            }
            self.pos = open + LEFT.len();
            self.emit(TokenKind::LeftDelim);
            self.pos += marker;
            self.ignore();
            self.parens = 0;
            while self.action()? {}
        }
    }

    fn comment(&mut self) -> Lexed {
        self.ignore();
        self.pos += 2;
        let Some(length) = self.rest().find("*/") else { return Err("unclosed comment".to_owned()) };
        self.pos += length + 2;
        let Some(trims) = self.right_delim() else {
            return Err("comment ends before closing delimiter".to_owned());
        };
        self.close(trims);
        Ok(())
    }

    /// Goes past the right delimiter and the space that it trims.
    fn close(&mut self, trims: bool) {
        self.pos += if trims { 2 + RIGHT.len() } else { RIGHT.len() };
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(is_space).len();
        }
        self.ignore();
    }

    /// One token of an action; `false` after its end.
    fn action(&mut self) -> Lexed<bool> {
        if let Some(trims) = self.right_delim() {
            if self.parens > 0 {
                return Err("unclosed left paren".to_owned());
            }
            self.end_action(trims);
            return Ok(false);
        }
        let Some(c) = self.next() else { return Err("unclosed action".to_owned()) };
        match c {
            c if is_space(c) => return Ok(self.space()),
            '=' => self.emit(TokenKind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(TokenKind::Declare);
            }
            '|' => self.emit(TokenKind::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", TokenKind::String)?,
            '\'' => self.quoted('\'', "unterminated character constant", TokenKind::CharConstant)?,
            '`' => {
                let Some(length) = self.rest().find('`') else {
                    self.pos = self.text.len();
                    return Err("unterminated raw quoted string".to_owned());
                };
                self.pos += length + 1;
                self.emit(TokenKind::RawString);
            }
            '$' => self.field(TokenKind::Variable)?,
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => {
                // At the very end Go takes the dot for the start of a number.
                if self.rest().is_empty() {
                    self.pos -= 1;
                    self.number()?;
                } else {
                    self.field(TokenKind::Field)?;
                }
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos -= 1;
                self.number()?;
            }
            c if is_alphanumeric(c) => self.word()?,
            '(' => {
                self.parens += 1;
                self.emit(TokenKind::LeftParen);
            }
            ')' => {
                if self.parens == 0 {
                    return Err("unexpected right paren".to_owned());
                }
                self.parens -= 1;
                self.emit(TokenKind::RightParen);
            }
            ' '..='~' => self.emit(TokenKind::Char),
            c => return Err(format!("unrecognized character in action: {}", super::quote::code_point(c))),
        }
        Ok(true)
    }

    fn end_action(&mut self, trims: bool) {
        if trims {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        self.emit(TokenKind::RightDelim);
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(is_space).len();
            self.ignore();
        }
    }

    /// A run of space, the first of which is past; `false` where the delimiter that follows ended the action.
    fn space(&mut self) -> bool {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(is_space).len();
        let last = self.pos - 1;
        let trims = has_right_trim(&self.text[last..]) && self.text[last + 2..].starts_with(RIGHT);
        if trims {
            self.pos = last;
            if last == self.start {
                self.end_action(true);
                return false;
            }
        }
        self.emit(TokenKind::Space);
        true
    }

    fn quoted(&mut self, end: char, unterminated: &str, kind: TokenKind) -> Lexed {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return Err(unterminated.to_owned());
                    }
                }
                None | Some('\n') => return Err(unterminated.to_owned()),
                Some(c) if c == end => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn field(&mut self, kind: TokenKind) -> Lexed {
        if self.at_terminator() {
            self.emit(if kind == TokenKind::Variable { kind } else { TokenKind::Dot });
            return Ok(());
        }
        self.take_alphanumeric();
        self.check_terminator()?;
        self.emit(kind);
        Ok(())
    }

    fn word(&mut self) -> Lexed {
        self.take_alphanumeric();
        self.check_terminator()?;
        let kind = match &self.text[self.start..self.pos] {
            "true" | "false" => TokenKind::Bool,
            "nil" => TokenKind::Nil,
            "block" => TokenKind::Keyword(Keyword::Block),
            "break" => TokenKind::Keyword(Keyword::Break),
            "continue" => TokenKind::Keyword(Keyword::Continue),
            "define" => TokenKind::Keyword(Keyword::Define),
            "else" => TokenKind::Keyword(Keyword::Else),
            "end" => TokenKind::Keyword(Keyword::End),
            "if" => TokenKind::Keyword(Keyword::If),
            "range" => TokenKind::Keyword(Keyword::Range),
            "template" => TokenKind::Keyword(Keyword::Template),
            "with" => TokenKind::Keyword(Keyword::With),
            _ => TokenKind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn number(&mut self) -> Lexed {
        let bad = |lexer: &Self| {
            let text = &lexer.text[lexer.start..lexer.pos];
            Err(format!("bad number syntax: {}", super::quote::quoted(text)))
        };
        if !self.scan_number() {
            return bad(self);
        }
        if self.rest().starts_with(['+', '-']) {
            if !self.scan_number() || !self.text[..self.pos].ends_with('i') {
                return bad(self);
            }
            self.emit(TokenKind::Complex);
            return Ok(());
        }
        self.emit(TokenKind::Number);
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.rest().starts_with(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.rest().starts_with(|c| valid.contains(c));
        self.pos += usize::from(accepted);
        accepted
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn take_alphanumeric(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(is_alphanumeric).len();
    }

    fn check_terminator(&self) -> Lexed {
        if self.at_terminator() {
            return Ok(());
        }
        let next = self.rest().chars().next().unwrap_or('\u{fffd}');
        Err(format!("bad character {}", super::quote::code_point(next)))
    }

    fn at_terminator(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(|c| is_space(c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '('))
            || rest.starts_with(RIGHT)
    }

    /// Whether a right delimiter stands here, and then whether it trims.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn emit(&mut self, kind: TokenKind) {
        let text = match kind {
            TokenKind::Eof => "EOF".to_owned(),
            _ => self.text[self.start..self.pos].to_owned(),
        };
        let span = Span::new(self.start, self.pos);
        self.tokens.push(Token { kind, text, span, line: self.line });
        self.ignore();
    }

    fn ignore(&mut self) {
        self.line += self.text[self.start..self.pos].matches('\n').count();
        self.start = self.pos;
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn has_left_trim(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn has_right_trim(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}
