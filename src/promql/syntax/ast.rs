//! The syntax tree. Every part that a message can point at has its byte span.

use crate::{
    series::{METRIC_NAME, MatchOp, Matcher, PatternError},
    text::Span,
};

use super::functions::Function;

/// A part of the text and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    pub node: T,
    pub span: Span,
}

/// An expression; its span reaches from its first to its last token, modifiers included.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Number(Number),
    /// Unescaped, without its quotes.
    String(String),
    Selector(Box<VectorSelector>),
    Range(Box<RangeSelector>),
    Subquery(Box<Subquery>),
    Call(Call),
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Unary(Box<Unary>),
    Paren(Box<Expr>),
}

/// A number, or a duration that stands for its seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    pub value: f64,
    /// Written with units, as `5m`; printed so again.
    pub is_duration: bool,
}

/// `name{matchers}`, with what modifies its time.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The metric name, outside the braces or quoted as the first thing within them.
    pub name: Option<Spanned<String>>,
    /// As written; the name is not among them.
    pub matchers: Vec<LabelMatcher>,
    /// `$variables` among the matchers; only where [`Options::variables`](super::Options) lets them be.
    pub holes: Vec<Spanned<String>>,
    pub modifiers: Modifiers,
    pub extension: Option<Spanned<Extension>>,
}

/// `name op "value"`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMatcher {
    pub name: Spanned<String>,
    pub op: Spanned<MatchOp>,
    /// Unescaped; the span includes the quotes.
    pub value: Spanned<String>,
    pub span: Span,
}

/// How samples at and beyond the edges of a range are used (Prometheus 3.7 and newer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    Anchored,
    Smoothed,
}

/// `offset` and `@`, each at most once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Modifiers {
    /// The span begins at `offset`.
    pub offset: Option<Spanned<DurationExpr>>,
    /// The span begins at `@`.
    pub at: Option<Spanned<At>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// Milliseconds since the epoch.
    Timestamp(i64),
    Start,
    End,
}

/// `selector[range]`; offset, `@` and extension are kept on the selector.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeSelector {
    pub selector: VectorSelector,
    pub selector_span: Span,
    pub range: DurationExpr,
}

/// `expr[range:step]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    pub expr: Expr,
    pub range: DurationExpr,
    pub step: Option<DurationExpr>,
    pub modifiers: Modifiers,
}

/// A duration, or an expression that gives one when the query is prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationExpr {
    pub kind: DurationKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DurationKind {
    /// In seconds; may be negative in an offset.
    Literal(Number),
    /// `step()`: the step of the range query, 0 in an instant query.
    Step,
    /// `range()`: from the query's start to its end.
    Range,
    /// `$variable`, with its `$`; only where [`Options::variables`](super::Options) lets it be.
    Variable(String),
    Negated(Box<DurationExpr>),
    /// A `+` before it.
    Plus(Box<DurationExpr>),
    Binary {
        op: DurationOp,
        lhs: Box<DurationExpr>,
        rhs: Box<DurationExpr>,
    },
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
    Paren(Box<DurationExpr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub function: &'static Function,
    pub name_span: Span,
    pub args: Vec<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub op: Spanned<AggregateOp>,
    /// `k`, the quantile, the label of `count_values`, the ratio.
    pub param: Option<Expr>,
    pub expr: Expr,
    pub grouping: Option<Grouping>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    TopK,
    BottomK,
    CountValues,
    Quantile,
    LimitK,
    LimitRatio,
}

/// `by (…)` or `without (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    pub without: bool,
    /// Unescaped. Some may be variables, see [`Spanned::is_variable`].
    pub labels: Vec<Spanned<String>>,
    /// From the keyword to the closing parenthesis.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    pub op: Spanned<BinaryOp>,
    pub lhs: Expr,
    pub rhs: Expr,
    /// Where `bool` stands.
    pub return_bool: Option<Span>,
    /// What was written of `on`, `ignoring`, `group_left`, `group_right` and `fill`.
    pub matching: Option<Matching>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Unless,
    /// `</`: of native histograms only.
    TrimUpper,
    /// `>/`: of native histograms only.
    TrimLower,
}

/// How the series of two instant vectors are paired.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// `on` rather than `ignoring`; the latter with no labels where neither was written.
    pub on: bool,
    pub labels: Vec<Spanned<String>>,
    pub group: Option<Spanned<Group>>,
    /// Labels that `group_left` or `group_right` copies from the one side.
    pub include: Vec<Spanned<String>>,
    pub fill_left: Option<f64>,
    pub fill_right: Option<f64>,
    /// From the first keyword to the last closing parenthesis.
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unary {
    pub negative: bool,
    pub op_span: Span,
    pub expr: Expr,
}

/// What an expression evaluates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Scalar,
    String,
    InstantVector,
    RangeVector,
}

impl VectorSelector {
    /// The conditions that a series has to fulfil, the name's first; that of a variable has no value.
    pub fn conditions(&self) -> Result<Vec<Matcher>, PatternError> {
        let name = self.name.iter().map(|name| Ok(Matcher::equal(METRIC_NAME, name.node.as_str())));
        let written = self.matchers.iter().map(|matcher| {
            Matcher::new(matcher.name.node.as_str(), matcher.op.node, matcher.value.node.as_str())
        });
        name.chain(written).collect()
    }
}

impl Spanned<String> {
    /// Whether a label is a `$variable`, written as it is; a label in quotes may begin with `$` too.
    pub fn is_variable(&self) -> bool {
        self.node.starts_with('$') && self.span.end - self.span.start == self.node.len()
    }
}

impl BinaryOp {
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual
        )
    }

    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }
}

impl DurationOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }
}

impl Extension {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

impl AggregateOp {
    const ALL: [(&'static str, Self); 14] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("count", Self::Count),
        ("min", Self::Min),
        ("max", Self::Max),
        ("group", Self::Group),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("topk", Self::TopK),
        ("bottomk", Self::BottomK),
        ("count_values", Self::CountValues),
        ("quantile", Self::Quantile),
        ("limitk", Self::LimitK),
        ("limit_ratio", Self::LimitRatio),
    ];

    /// The aggregation of this name, in lower case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(have, _)| *have == name).map(|(_, op)| *op)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }

    /// Whether a parameter stands before the vector.
    pub fn has_param(self) -> bool {
        use AggregateOp as A;
        matches!(self, A::TopK | A::BottomK | A::CountValues | A::Quantile | A::LimitK | A::LimitRatio)
    }

    /// Behind Prometheus' `promql-experimental-functions`.
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::LimitK | Self::LimitRatio)
    }
}

impl Expr {
    /// What it evaluates to; see Prometheus' expression language data types.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => ValueType::InstantVector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::RangeVector,
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Unary(unary) => unary.expr.value_type(),
            ExprKind::Paren(inner) => inner.value_type(),
            ExprKind::Binary(binary) => {
                let scalar = |expr: &Self| expr.value_type() == ValueType::Scalar;
                if scalar(&binary.lhs) && scalar(&binary.rhs) {
                    ValueType::Scalar
                } else {
                    ValueType::InstantVector
                }
            }
        }
    }

    /// The expression within any parentheses.
    pub fn unparenthesised(&self) -> &Self {
        match &self.kind {
            ExprKind::Paren(inner) => inner.unparenthesised(),
            _ => self,
        }
    }
}
