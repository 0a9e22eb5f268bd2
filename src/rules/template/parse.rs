//! Tokens made into a tree, with the mistakes that Go finds.

use std::collections::BTreeMap;

use crate::text::Span;

use super::{
    TemplateError,
    cursor::{Parse, Parser},
    lex::lex,
    quote::quoted,
    token::{Keyword, Token, TokenKind},
    tree::{Branch, Invocation, Item},
};

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
}
