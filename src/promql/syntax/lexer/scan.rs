//! Numbers, durations, strings and variables: what the lexer reads character by character.

use crate::{series::quoted, text::Span};

use super::{Kind, Lexer, Place, is_alphanumeric};

impl Lexer<'_> {
    /// `$name`, `${name}`, `${name:format}`; the `$` is read. Says whether it is one.
    pub(super) fn variable(&mut self) -> bool {
        let rest = &self.text[self.position..];
        let name = |text: &str| {
            text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
        };
        let length = if let Some(within) = rest.strip_prefix('{') {
            let named = name(within);
            let format = match within[named..].strip_prefix(':') {
                Some(format) => 1 + name(format),
                None => 0,
            };
            let closed = named > 0 && within[named + format..].starts_with('}');
            if closed { named + format + 2 } else { 0 }
        } else {
            name(rest)
        };
        if length == 0 {
            return false;
        }
        self.position += length;
        if self.place == Place::Duration {
            self.has_duration = true;
            self.place = Place::Statement;
        }
        self.emit(Kind::Variable);
        true
    }

    pub(super) fn string(&mut self, quote: char) {
        let mut faulty = false;
        loop {
            match self.bump() {
                // Go's decoder gives this character for bytes that are no UTF-8.
                Some(char::REPLACEMENT_CHARACTER) if !faulty => {
                    self.fault_at(Span::new(self.start, self.position), "invalid UTF-8 rune");
                    faulty = true;
                }
                Some('\\') if quote != '`' => {
                    if let Err(message) = self.escape(quote)
                        && !faulty
                    {
                        self.fault_at(Span::new(self.start, self.position), message);
                        faulty = true;
                    }
                }
                Some(c) if c == quote => return self.emit(Kind::String),
                Some('\n') if quote != '`' => return self.fault("unterminated quoted string"),
                Some(_) => {}
                None => {
                    // What else is open may have been closed within it.
                    (self.place, self.parens, self.in_bracket) = (Place::Statement, 0, false);
                    let kind = if quote == '`' { "raw" } else { "quoted" };
                    return self.fault(format!("unterminated {kind} string"));
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, quote: char) -> Result<(), String> {
        const UNFINISHED: &str = "escape sequence not terminated";
        let (digits, base, limit) = match self.peek() {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => {
                self.bump();
                return Ok(());
            }
            Some(c) if c == quote => {
                self.bump();
                return Ok(());
            }
            Some('0'..='7') => (3, 8, 255),
            Some('x') => (2, 16, 255),
            Some('u') => (4, 16, u32::from(char::MAX)),
            Some('U') => (8, 16, u32::from(char::MAX)),
            Some(c) => return Err(format!("unknown escape sequence {}", code_point(c))),
            None => return Err(UNFINISHED.to_owned()),
        };
        if base == 16 {
            self.bump();
        }
        let mut code = 0_u32;
        for _ in 0..digits {
            let c = self.peek().ok_or(UNFINISHED)?;
            let digit = c
                .to_digit(base)
                .ok_or_else(|| format!("illegal character {} in escape sequence", code_point(c)))?;
            code = code.wrapping_mul(base).wrapping_add(digit);
            self.bump();
        }
        if code > limit || (0xd800..0xe000).contains(&code) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }

    pub(super) fn starts_number(&self, c: char) -> bool {
        c.is_ascii_digit() || (c == '.' && self.peek().is_some_and(|c| c.is_ascii_digit()))
    }

    /// The first character is read.
    pub(super) fn number(&mut self) {
        self.position = self.start;
        if self.scan_number() {
            return self.emit(Kind::Number);
        }
        if self.scan_duration() {
            return self.emit(Kind::Duration);
        }
        let read = quoted(self.read());
        self.fault(format!("bad number or duration syntax: {read}"));
    }

    /// Reads what looks like a number; it may still be none. Where it stops, a duration's unit may follow.
    fn scan_number(&mut self) -> bool {
        let digit: fn(char) -> bool = if self.accept(|c| c == '0') && self.accept(|c| matches!(c, 'x' | 'X'))
        {
            self.accept(|c| c == '_');
            |c| c.is_ascii_hexdigit()
        } else {
            |c| c.is_ascii_digit()
        };
        let hexadecimal = digit('a');
        let exponent = |c: char| matches!(c, 'e' | 'E');
        let (mut had_dot, mut had_exponent) = (false, false);
        self.accept(|c| c == '.');
        self.accept(digit);
        while let Some(c) = self.peek() {
            if !(digit(c) || exponent(c) || c == '.' || c == '_') {
                break;
            }
            if (c == '.' && had_dot) || (exponent(c) && had_exponent) {
                self.bump();
                return false;
            }
            let forbidden: fn(char) -> bool = if c == '.' {
                had_dot = true;
                |c| matches!(c, '_' | '.')
            } else {
                |c| matches!(c, '.' | '_' | 'e' | 'E')
            };
            if c == '.' {
                self.bump();
                if self.accept(forbidden) || hexadecimal {
                    return false;
                }
            } else if exponent(c) {
                had_exponent = true;
                self.bump();
                self.accept(|c| matches!(c, '+' | '-'));
                if self.accept(forbidden) || self.peek().is_none() {
                    return false;
                }
            } else if c == '_' {
                self.bump();
                if self.accept(forbidden) || self.peek().is_none() {
                    return false;
                }
            } else {
                self.accept_run(digit);
            }
        }
        self.position > self.start && !self.peek().is_some_and(is_alphanumeric)
    }

    /// Reads the rest of a duration; its first number is read.
    fn scan_duration(&mut self) -> bool {
        if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | 'y')) {
            return false;
        }
        // Of `ms`. Units that do not exist are found when the duration is read.
        self.accept(|c| c == 's');
        while self.accept(|c| c.is_ascii_digit()) {
            self.accept_run(|c| c.is_ascii_digit());
            if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w')) {
                return false;
            }
            self.accept(|c| c == 's');
        }
        // What Prometheus read when it stopped belongs to its message.
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}

/// As Go's `%#U`: `U+0071 'q'`.
fn code_point(c: char) -> String {
    format!("U+{:04X} '{c}'", u32::from(c))
}
