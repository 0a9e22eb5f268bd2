//! Text to tokens. Braces and brackets have words of their own, so the lexer knows where it stands.

mod scan;

use crate::{series::quoted_char, text::Span};

use super::{
    Options,
    ast::BinaryOp,
    error::ParseError,
    token::{Keyword, Kind, Token, duration_word, word},
};

/// The tokens of a text, the last of which is [`Kind::End`], and what could not be read.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) tokens: Vec<Token>,
    /// Each with the index of the token that follows it; the text under it is left out.
    pub(super) faults: Vec<(usize, ParseError)>,
}

/// Where the lexer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Statement,
    Braces,
    /// Within brackets, before the first number: only what a duration may begin with.
    Duration,
}

struct Lexer<'a> {
    text: &'a str,
    variables: bool,
    position: usize,
    start: usize,
    place: Place,
    parens: usize,
    in_bracket: bool,
    /// Since the last `[`.
    has_colon: bool,
    has_duration: bool,
    out: Tokens,
}

pub(super) fn lex(text: &str, options: Options) -> Tokens {
    let mut lexer = Lexer {
        text,
        variables: options.variables,
        position: 0,
        start: 0,
        place: Place::Statement,
        parens: 0,
        in_bracket: false,
        has_colon: false,
        has_duration: false,
        out: Tokens { tokens: Vec::new(), faults: Vec::new() },
    };
    while lexer.position < text.len() {
        lexer.step();
    }
    lexer.start = text.len();
    lexer.finish();
    lexer.out
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, valid: impl FnOnce(char) -> bool) -> bool {
        let accepted = self.peek().is_some_and(valid);
        if accepted {
            self.bump();
        }
        accepted
    }

    fn accept_run(&mut self, valid: impl Fn(char) -> bool) {
        while self.accept(&valid) {}
    }

    fn emit(&mut self, kind: Kind) {
        self.out.tokens.push(Token { kind, span: Span::new(self.start, self.position) });
        self.start = self.position;
    }

    /// Reports what was read since the last token, and leaves it out.
    fn fault(&mut self, message: impl Into<String>) {
        self.fault_at(Span::new(self.start, self.position), message);
        self.start = self.position;
    }

    fn fault_at(&mut self, span: Span, message: impl Into<String>) {
        self.out.faults.push((self.out.tokens.len(), ParseError { span, message: message.into() }));
    }

    fn finish(&mut self) {
        match self.place {
            Place::Braces => self.fault("unexpected end of input inside braces"),
            Place::Duration => self.fault("unexpected end of input in duration expression"),
            Place::Statement if self.parens > 0 => self.fault("unclosed left parenthesis"),
            Place::Statement if self.in_bracket => self.fault("unclosed left bracket"),
            Place::Statement => {}
        }
        self.emit(Kind::End);
    }

    /// Reads one token, or what stands between two.
    fn step(&mut self) {
        self.start = self.position;
        let Some(c) = self.bump() else { return };
        if is_space(c) {
            self.accept_run(is_space);
            return;
        }
        if c == '$' && self.variables && self.variable() {
            return;
        }
        match self.place {
            Place::Statement => self.statement(c),
            Place::Braces => self.braces(c),
            Place::Duration => self.duration(c),
        }
    }

    fn statement(&mut self, c: char) {
        match c {
            '#' => self.accept_run(|c| c != '\n' && c != '\r'),
            ',' => self.emit(Kind::Comma),
            '*' => self.emit(Kind::Operator(BinaryOp::Mul)),
            '/' => self.emit(Kind::Operator(BinaryOp::Div)),
            '%' => self.emit(Kind::Operator(BinaryOp::Mod)),
            '+' => self.emit(Kind::Operator(BinaryOp::Add)),
            '-' => self.emit(Kind::Operator(BinaryOp::Sub)),
            '^' => self.emit(Kind::Operator(BinaryOp::Pow)),
            '=' if self.accept(|c| c == '=') => self.emit(Kind::Operator(BinaryOp::Equal)),
            '=' if self.peek() == Some('~') => {
                self.bump();
                self.fault("unexpected character after '=': '~'");
            }
            '=' => self.emit(Kind::Assign),
            '!' if self.accept(|c| c == '=') => self.emit(Kind::Operator(BinaryOp::NotEqual)),
            '!' => self.unexpected_next("after '!'"),
            '<' if self.accept(|c| c == '=') => self.emit(Kind::Operator(BinaryOp::LessEqual)),
            '<' if self.accept(|c| c == '/') => self.emit(Kind::Operator(BinaryOp::TrimUpper)),
            '<' => self.emit(Kind::Operator(BinaryOp::Less)),
            '>' if self.accept(|c| c == '=') => self.emit(Kind::Operator(BinaryOp::GreaterEqual)),
            '>' if self.accept(|c| c == '/') => self.emit(Kind::Operator(BinaryOp::TrimLower)),
            '>' => self.emit(Kind::Operator(BinaryOp::Greater)),
            '@' => self.emit(Kind::At),
            '"' | '\'' | '`' => self.string(c),
            '(' => self.left_paren(),
            ')' => self.right_paren(),
            '{' => {
                self.emit(Kind::LeftBrace);
                self.place = Place::Braces;
            }
            '[' if self.in_bracket => self.fault("unexpected left bracket '['"),
            '[' => {
                self.emit(Kind::LeftBracket);
                self.in_bracket = true;
                self.has_colon = false;
                self.has_duration = false;
                self.place = Place::Duration;
            }
            ']' if !self.in_bracket => self.fault("unexpected right bracket ']'"),
            ']' => {
                self.emit(Kind::RightBracket);
                self.in_bracket = false;
            }
            _ if self.starts_number(c) => self.number(),
            _ if is_alpha(c) || c == ':' => self.word_or_colon(c),
            _ => self.fault(format!("unexpected character: {}", quoted_char(c))),
        }
    }

    fn word_or_colon(&mut self, c: char) {
        if !self.in_bracket {
            self.accept_run(|c| is_alphanumeric(c) || c == ':');
            return self.word();
        }
        if c == ':' {
            if self.has_colon {
                return self.fault("unexpected colon ':'");
            }
            self.has_colon = true;
            return self.emit(Kind::Colon);
        }
        self.accept_run(is_alpha);
        match duration_word(self.read()) {
            Some(keyword) => self.emit(Kind::Keyword(keyword)),
            None => self.fault(format!("unexpected character: {}, expected ':'", quoted_char(c))),
        }
    }

    fn word(&mut self) {
        let text = self.read();
        let kind = match word(text) {
            // So that metrics of these names stay metrics.
            Some(Kind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.text[self.position..].trim_start_matches(is_space).starts_with('(') =>
            {
                Kind::Identifier
            }
            Some(kind) => kind,
            None if text.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        self.emit(kind);
    }

    fn braces(&mut self, c: char) {
        match c {
            '#' => self.accept_run(|c| c != '\n' && c != '\r'),
            ',' => self.emit(Kind::Comma),
            '"' | '\'' | '`' => self.string(c),
            '=' if self.accept(|c| c == '~') => self.emit(Kind::Matches),
            '=' => self.emit(Kind::Assign),
            '!' if self.accept(|c| c == '~') => self.emit(Kind::NotMatches),
            '!' if self.accept(|c| c == '=') => self.emit(Kind::Operator(BinaryOp::NotEqual)),
            '!' => self.unexpected_next("after '!' inside braces"),
            '{' => self.fault("unexpected left brace '{'"),
            '}' => {
                self.emit(Kind::RightBrace);
                self.place = Place::Statement;
            }
            _ if is_alpha(c) => {
                self.accept_run(is_alphanumeric);
                self.emit(Kind::Identifier);
            }
            _ => self.fault(format!("unexpected character inside braces: {}", quoted_char(c))),
        }
    }

    fn duration(&mut self, c: char) {
        match c {
            ']' => {
                self.emit(Kind::RightBracket);
                self.in_bracket = false;
                self.place = Place::Statement;
            }
            ':' if !self.has_duration => {
                self.fault_after("unexpected colon before duration in duration expression", Kind::Colon);
            }
            ':' if self.has_colon => {
                self.fault_after("unexpected repeated colon in duration expression", Kind::Colon);
            }
            ':' => {
                self.has_colon = true;
                self.emit(Kind::Colon);
            }
            '(' => self.left_paren(),
            ')' => self.right_paren(),
            '+' => self.emit(Kind::Operator(BinaryOp::Add)),
            '-' => self.emit(Kind::Operator(BinaryOp::Sub)),
            '*' => self.emit(Kind::Operator(BinaryOp::Mul)),
            '/' => self.emit(Kind::Operator(BinaryOp::Div)),
            '%' => self.emit(Kind::Operator(BinaryOp::Mod)),
            '^' => self.emit(Kind::Operator(BinaryOp::Pow)),
            ',' => self.emit(Kind::Comma),
            _ if matches!(c.to_ascii_lowercase(), 's' | 'r' | 'm') => {
                self.accept_run(is_alpha);
                match duration_word(self.read()) {
                    Some(keyword) => {
                        self.has_duration = true;
                        self.emit(Kind::Keyword(keyword));
                    }
                    None => self.unexpected_in_duration(c),
                }
            }
            _ if self.starts_number(c) => {
                self.has_duration = true;
                self.place = Place::Statement;
                self.number();
            }
            _ => self.unexpected_in_duration(c),
        }
    }

    fn unexpected_in_duration(&mut self, c: char) {
        // From here on, everything but a bracket would be another such mistake.
        self.place = Place::Statement;
        if matches!(c, '"' | '\'' | '`') {
            self.accept_run(|next| next != c && next != '\n');
            self.accept(|next| next == c);
        }
        self.fault(format!("unexpected character in duration expression: {}", quoted_char(c)));
    }

    /// A mistake that Prometheus places behind the token, in its stead.
    fn fault_after(&mut self, message: &str, kind: Kind) {
        self.fault_at(Span::new(self.position, self.position), message);
        self.emit(kind);
    }

    fn left_paren(&mut self) {
        self.parens += 1;
        self.emit(Kind::LeftParen);
    }

    fn right_paren(&mut self) {
        if self.parens == 0 {
            self.fault_at(Span::new(self.position, self.position), "unexpected right parenthesis ')'");
            self.start = self.position;
            return;
        }
        self.parens -= 1;
        self.emit(Kind::RightParen);
    }

    fn unexpected_next(&mut self, place: &str) {
        // At the end, Go's lexer names the character that stands for no character.
        let next = quoted_char(self.bump().unwrap_or(char::REPLACEMENT_CHARACTER));
        self.fault(format!("unexpected character {place}: {next}"));
    }

    fn read(&self) -> &str {
        &self.text[self.start..self.position]
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
