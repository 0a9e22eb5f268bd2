//! The parser: precedence climbing over the tokens. It goes on after a mistake, so that all of them are told.
//!
//! Mistakes of syntax are found on the way. What is whole, though it stands in something broken, is kept until the
//! end and its types are checked too.

mod aggregate;
mod duration;
mod expression;
mod modifier;
mod selector;
#[cfg(test)]
mod tests;

use crate::text::Span;

use super::{
    Options,
    ast::{Expr, ExprKind, VectorSelector},
    check::{Fragment, check},
    error::{ParseError, ParseErrors},
    lexer::lex,
    token::{Kind, Token, description},
};

/// How deep an expression may be: parentheses, calls and operators that stand in each other. Every pass over a tree
/// recurses this often at most.
pub const MAX_DEPTH: usize = 256;

/// Nobody reads more.
const MAX_ERRORS: usize = 64;

/// An expression of the language, or all that is wrong with it.
pub fn parse(text: &str, options: &Options) -> Result<Expr, ParseErrors> {
    let mut parser = Parser::new(text, *options);
    let node = parser.everything();
    let Parser { mut errors, mut fragments, damaged, .. } = parser;
    let mut expr = node.map(|node| node.expr);
    check(text, &damaged, expr.as_mut(), &mut fragments, &mut errors);
    errors.truncate(MAX_ERRORS);
    match expr {
        Some(expr) if errors.is_empty() => Ok(expr),
        _ => Err(ParseErrors::new(text, errors)),
    }
}

/// A selector alone, without range and modifiers, as `match[]` of Prometheus' API takes it. It may select everything.
pub fn parse_selector(text: &str, options: &Options) -> Result<VectorSelector, ParseErrors> {
    let mut parser = Parser::new(text, *options);
    let node = if parser.begins_selector() {
        parser.selector()
    } else {
        parser.unexpected("", "");
        None
    };
    if node.is_some() && parser.peek() != Kind::End {
        parser.unexpected("", "");
    }
    // What the lexer could not read at the end.
    parser.peek();
    match node.map(|node| node.expr.kind) {
        Some(ExprKind::Selector(selector)) if parser.errors.is_empty() => Ok(*selector),
        _ => Err(ParseErrors::new(text, parser.errors)),
    }
}

/// A subtree and how many levels it has.
struct Node {
    expr: Expr,
    height: usize,
}

/// State of one parse. Functions that give `None` have reported why.
struct Parser<'a> {
    text: &'a str,
    options: Options,
    tokens: Vec<Token>,
    faults: Vec<(usize, ParseError)>,
    next: usize,
    next_fault: usize,
    /// The token that was called unexpected last, not to do it twice.
    complained: Option<usize>,
    errors: Vec<ParseError>,
    fragments: Vec<Fragment>,
    /// Selectors with a broken matcher: who knows what it would select.
    damaged: Vec<Span>,
    depth: usize,
    /// Aggregations that are open: Prometheus names them in its messages.
    in_aggregations: usize,
    /// After what makes no sense to go on from; every token then is the end.
    stopped: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: Options) -> Self {
        let lexed = lex(text, options);
        Self {
            text,
            options,
            tokens: lexed.tokens,
            faults: lexed.faults,
            next: 0,
            next_fault: 0,
            complained: None,
            errors: Vec::new(),
            fragments: Vec::new(),
            damaged: Vec::new(),
            depth: 0,
            in_aggregations: 0,
            stopped: false,
        }
    }
}

impl Parser<'_> {
    fn everything(&mut self) -> Option<Node> {
        if self.peek() == Kind::End && self.errors.is_empty() {
            self.error(Span::default(), "no expression found in input");
            return None;
        }
        let mut node = self.until_closed();
        while self.peek() != Kind::End {
            // A comma or a bracket that nothing opened.
            self.unexpected("", "");
            self.bump();
            self.salvage(node.take());
            let next = self.until_closed();
            self.salvage(next);
        }
        node
    }

    /// The kind of the next token. What the lexer could not read before it is reported now, at its place among the
    /// parser's own findings.
    fn peek(&mut self) -> Kind {
        if self.stopped {
            return Kind::End;
        }
        while let Some((index, fault)) = self.faults.get(self.next_fault)
            && *index <= self.next
        {
            self.errors.push(fault.clone());
            self.next_fault += 1;
        }
        self.tokens[self.next].kind
    }

    fn peek_second(&self) -> Kind {
        self.tokens.get(self.next + 1).map_or(Kind::End, |token| token.kind)
    }

    /// The next token; the last one stays.
    fn bump(&mut self) -> Token {
        let token = self.tokens[self.next];
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }

    fn accept(&mut self, kind: Kind) -> Option<Token> {
        (self.peek() == kind).then(|| self.bump())
    }

    fn next_span(&self) -> Span {
        self.tokens[self.next].span
    }

    /// Where the last token ended.
    fn end(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |last| self.tokens[last].span.end)
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        if self.stopped {
            return;
        }
        self.errors.push(ParseError { span, message: message.into() });
        self.stopped = self.errors.len() >= MAX_ERRORS;
    }

    /// The next token cannot stand here. Where the lexer found fault before it, that is the cause.
    fn unexpected(&mut self, context: &str, expected: &str) {
        if self.is_after_fault() || self.complained.replace(self.next) == Some(self.next) {
            return;
        }
        let token = self.tokens[self.next];
        let mut message = format!("unexpected {}", description(token, self.slice(token.span)));
        let context = if context.is_empty() && self.in_aggregations > 0 { "aggregation" } else { context };
        for (word, text) in [(" in ", context), (", expected ", expected)] {
            if !text.is_empty() {
                message.push_str(word);
                message.push_str(text);
            }
        }
        self.error(token.span, message);
    }

    /// Whether something before the next token could not be read.
    fn is_after_fault(&mut self) -> bool {
        self.peek();
        let last = self.next_fault.checked_sub(1);
        last.is_some_and(|last| self.faults[last].0 == self.next)
    }

    /// Goes one level down.
    fn enter(&mut self) -> Option<()> {
        self.depth += 1;
        self.within_depth(self.depth)
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn within_depth(&mut self, depth: usize) -> Option<()> {
        if depth <= MAX_DEPTH {
            return Some(());
        }
        let message = format!("expression is nested more than {MAX_DEPTH} levels deep");
        self.error(self.next_span(), message);
        self.stopped = true;
        None
    }

    /// Keeps what is whole of something broken, for the check of its types.
    fn salvage(&mut self, node: Option<Node>) {
        self.fragments.extend(node.map(|node| Fragment::Expr(node.expr)));
    }

    /// Goes to where an expression may go on: an operator, a comma or a closing parenthesis. What stands in brackets
    /// is skipped whole.
    fn skip(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Kind::End => return,
                Kind::Comma | Kind::RightParen | Kind::Operator(_) if open == 0 => return,
                Kind::LeftParen | Kind::LeftBrace | Kind::LeftBracket => open += 1,
                Kind::RightParen | Kind::RightBrace | Kind::RightBracket => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
    }
}
