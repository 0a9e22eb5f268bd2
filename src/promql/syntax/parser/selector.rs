//! Selectors: a metric name and matchers of labels.

use crate::{
    series::{METRIC_NAME, MatchOp, Matcher},
    text::Span,
};

use crate::promql::syntax::{
    ast::{BinaryOp, Expr, ExprKind, LabelMatcher, Modifiers, Spanned, VectorSelector},
    token::{Kind, Token},
};

use super::{Node, Parser};

const CONTEXT: &str = "label matching";

impl Parser<'_> {
    /// Whether the next token can be the first of a selector.
    pub(super) fn begins_selector(&mut self) -> bool {
        match self.peek() {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) | Kind::LeftBrace => true,
            Kind::Keyword(keyword) => keyword.is_metric_name(),
            Kind::Operator(op) => matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless),
            _ => false,
        }
    }

    /// A name, matchers in braces, or both.
    pub(super) fn selector(&mut self) -> Option<Node> {
        let start = self.next_span().start;
        let mut selector = VectorSelector {
            name: None,
            matchers: Vec::new(),
            holes: Vec::new(),
            modifiers: Modifiers::default(),
            extension: None,
        };
        if self.peek() != Kind::LeftBrace {
            let span = self.bump().span;
            selector.name = Some(Spanned { node: self.slice(span).to_owned(), span });
        }
        let mut whole = true;
        if self.accept(Kind::LeftBrace).is_some() {
            whole = self.matchers(&mut selector);
        }
        let span = Span::new(start, self.end());
        if !whole {
            if self.peek() == Kind::End {
                return None;
            }
            self.damaged.push(span);
        }
        Some(Node { expr: Expr { kind: ExprKind::Selector(Box::new(selector)), span }, height: 1 })
    }

    /// Up to the closing brace. Says whether all of them could be read.
    fn matchers(&mut self, selector: &mut VectorSelector) -> bool {
        let mut whole = true;
        while self.accept(Kind::RightBrace).is_none() {
            if self.peek() == Kind::End {
                self.unexpected(CONTEXT, "identifier or \"}\"");
                return false;
            }
            whole &= self.matcher(selector).is_some();
            match self.peek() {
                Kind::Comma => {
                    self.bump();
                }
                Kind::RightBrace => {}
                _ => {
                    self.unexpected(CONTEXT, "\",\" or \"}\"");
                    whole = false;
                    while !matches!(self.peek(), Kind::End | Kind::Comma | Kind::RightBrace) {
                        self.bump();
                    }
                    self.accept(Kind::Comma);
                }
            }
        }
        whole
    }

    fn matcher(&mut self, selector: &mut VectorSelector) -> Option<()> {
        match self.peek() {
            Kind::Identifier => {
                let span = self.bump().span;
                let name = self.slice(span).to_owned();
                let Some((op, op_span)) = self.match_op() else {
                    self.unexpected(CONTEXT, "label matching operator");
                    return None;
                };
                self.value(selector, Spanned { node: name, span }, op, op_span)
            }
            Kind::String => {
                let span = self.next_span();
                let name = self.string()?;
                if let Some((op, op_span)) = self.match_op() {
                    return self.value(selector, Spanned { node: name, span }, op, op_span);
                }
                Self::quoted_name(selector, Spanned { node: name, span });
                Some(())
            }
            Kind::Variable => {
                let span = self.bump().span;
                selector.holes.push(Spanned { node: self.slice(span).to_owned(), span });
                Some(())
            }
            _ => {
                self.unexpected(CONTEXT, "identifier or \"}\"");
                None
            }
        }
    }

    /// A metric name in braces. The first one is the selector's; further ones, and an empty one, are matchers.
    fn quoted_name(selector: &mut VectorSelector, name: Spanned<String>) {
        if selector.name.is_none() && !name.node.is_empty() {
            selector.name = Some(name);
            return;
        }
        let span = name.span;
        let label = Spanned { node: METRIC_NAME.to_owned(), span };
        let op = Spanned { node: MatchOp::Equal, span };
        selector.matchers.push(LabelMatcher { name: label, op, value: name, span });
    }

    fn match_op(&mut self) -> Option<(MatchOp, Span)> {
        let op = match self.peek() {
            Kind::Assign => MatchOp::Equal,
            Kind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::Matches => MatchOp::Matches,
            Kind::NotMatches => MatchOp::NotMatches,
            _ => return None,
        };
        let Token { span, .. } = self.bump();
        Some((op, span))
    }

    fn value(
        &mut self,
        selector: &mut VectorSelector,
        name: Spanned<String>,
        op: MatchOp,
        op_span: Span,
    ) -> Option<()> {
        if self.peek() != Kind::String {
            self.unexpected(CONTEXT, "string");
            return None;
        }
        let value_span = self.next_span();
        let value = self.string()?;
        let span = Span::new(name.span.start, value_span.end);
        if let Err(error) = Matcher::new(&*name.node, op, &*value) {
            self.error(span, error.to_string());
            return None;
        }
        selector.matchers.push(LabelMatcher {
            name,
            op: Spanned { node: op, span: op_span },
            value: Spanned { node: value, span: value_span },
            span,
        });
        Some(())
    }
}
