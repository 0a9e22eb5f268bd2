//! Tokens and how messages name them.

use crate::{series::quoted, text::Span};

use super::ast::{AggregateOp, BinaryOp};

/// A part of the text that the grammar knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Identifier,
    /// A name with a colon in it.
    MetricIdentifier,
    Number,
    Duration,
    /// With its quotes.
    String,
    /// `$name`, `${name}`.
    Variable,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    /// `=`
    Assign,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    At,
    /// `!=` between labels too.
    Operator(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Offset,
    Anchored,
    Smoothed,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

impl Keyword {
    /// Whether it names a function of time when a parenthesis follows.
    pub(super) fn is_function(self) -> bool {
        matches!(self, Self::Start | Self::End | Self::Step | Self::Range | Self::MaxOf | Self::MinOf)
    }

    /// Whether it may be a metric name.
    pub(super) fn is_metric_name(self) -> bool {
        !matches!(self, Self::On | Self::Ignoring | Self::GroupLeft | Self::GroupRight | Self::Bool)
    }
}

/// What a word means to the grammar, whatever its case.
pub(super) fn word(text: &str) -> Option<Kind> {
    use BinaryOp::{And, Atan2, Or, Unless};
    let longest = "count_values".len();
    if text.len() > longest {
        return None;
    }
    let kind = match text.to_ascii_lowercase().as_str() {
        "and" => Kind::Operator(And),
        "or" => Kind::Operator(Or),
        "unless" => Kind::Operator(Unless),
        "atan2" => Kind::Operator(Atan2),
        "offset" => Kind::Keyword(Keyword::Offset),
        "anchored" => Kind::Keyword(Keyword::Anchored),
        "smoothed" => Kind::Keyword(Keyword::Smoothed),
        "by" => Kind::Keyword(Keyword::By),
        "without" => Kind::Keyword(Keyword::Without),
        "on" => Kind::Keyword(Keyword::On),
        "ignoring" => Kind::Keyword(Keyword::Ignoring),
        "group_left" => Kind::Keyword(Keyword::GroupLeft),
        "group_right" => Kind::Keyword(Keyword::GroupRight),
        "fill" => Kind::Keyword(Keyword::Fill),
        "fill_left" => Kind::Keyword(Keyword::FillLeft),
        "fill_right" => Kind::Keyword(Keyword::FillRight),
        "bool" => Kind::Keyword(Keyword::Bool),
        "start" => Kind::Keyword(Keyword::Start),
        "end" => Kind::Keyword(Keyword::End),
        "inf" | "nan" => Kind::Number,
        lower => match duration_word(lower) {
            Some(keyword) => Kind::Keyword(keyword),
            None => Kind::Aggregate(AggregateOp::named(lower)?),
        },
    };
    Some(kind)
}

/// The words that a duration may have.
pub(super) fn duration_word(text: &str) -> Option<Keyword> {
    match text.to_ascii_lowercase().as_str() {
        "step" => Some(Keyword::Step),
        "range" => Some(Keyword::Range),
        "max_of" => Some(Keyword::MaxOf),
        "min_of" => Some(Keyword::MinOf),
        _ => None,
    }
}

/// A token as messages name it.
pub(super) fn description(token: Token, text: &str) -> String {
    match token.kind {
        Kind::End => "end of input".to_owned(),
        Kind::Identifier => format!("identifier {}", quoted(text)),
        Kind::MetricIdentifier => format!("metric identifier {}", quoted(text)),
        Kind::Number => format!("number {}", shortened(text)),
        Kind::Duration => format!("duration {}", shortened(text)),
        Kind::String => format!("string {}", shortened(text)),
        Kind::Variable => format!("variable {}", quoted(text)),
        Kind::Operator(_) | Kind::At | Kind::Matches | Kind::NotMatches => format!("<op:{text}>"),
        Kind::Aggregate(_) => format!("<aggr:{text}>"),
        Kind::Keyword(keyword) if !keyword.is_function() => format!("<{text}>"),
        _ => quoted(text),
    }
}

fn shortened(text: &str) -> String {
    const KEPT: usize = 10;
    if text.len() <= KEPT {
        return quoted(text);
    }
    let kept: String = text.chars().take(KEPT).collect();
    format!("{}...", quoted(&kept))
}
