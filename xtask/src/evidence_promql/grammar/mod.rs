//! The generator: typed, seeded expressions over the families of [`super::families`], and when to ask for them.
//!
//! Every case has a focus, in turn: a function, an aggregation, an operator, or another part of the language, which
//! stands at or near the root. All else is drawn.

mod failures;
mod functions;
mod operators;
mod regexes;
mod selectors;
mod times;

use std::collections::BTreeSet;

use llmobs::promql::syntax::{FUNCTIONS, Function};

use super::{
    families::SUBNORMAL,
    node::{Gives, Node},
};
use crate::{judge::When, random::Random};

/// A generated question.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) node: Node,
    pub(crate) when: When,
    /// Functions, operators and modifiers that it has, as the page counts them.
    pub(crate) tags: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy)]
enum Focus {
    Function(&'static Function),
    Aggregation(&'static str),
    Operator(&'static str),
    Selector,
    Matrix,
    Subquery,
    Regex,
    Scalar,
    String,
    Failure,
}

/// Functions and operators whose last digit is the library's own.
const TRANSCENDENTAL: [&str; 18] = [
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "ln", "log10", "log2", "sin",
    "sinh", "tan", "tanh", "^", "atan2",
];
/// What makes a text, or a difference, of the last digit.
const MAGNIFYING: [&str; 4] = ["count_values", "stdvar", "stdvar_over_time", "%"];
/// Whose slope is without bound at the ends of what they take, and what comes near these ends.
const STEEP: [&str; 3] = ["acos", "acosh", "asin"];
const BOUNDED: [&str; 5] = ["cos", "cosh", "sin", "tanh", "atan"];
/// Functions whose last digit depends on the order of the sum, which shows when it is written.
const COMPENSATED: [&str; 6] =
    ["deriv", "predict_linear", "stddev", "stddev_over_time", "stdvar", "stdvar_over_time"];
/// What compares the values of a subquery with each other.
const COMPARING: [&str; 10] = [
    "changes",
    "delta",
    "deriv",
    "idelta",
    "increase",
    "irate",
    "rate",
    "resets",
    "stddev",
    "stddev_over_time",
];
/// What makes large numbers of small ones, and what takes large ones for angles.
const GROWING: [&str; 4] = ["^", "cosh", "exp", "sinh"];
const TURNING: [&str; 3] = ["cos", "sin", "tan"];
const LOGARITHMS: [&str; 3] = ["ln", "log10", "log2"];

/// How deep expressions are: mostly two levels below the focus.
const DEPTHS: [usize; 6] = [0, 1, 1, 2, 2, 3];

pub(crate) struct Generator {
    random: Random,
    tags: BTreeSet<String>,
    foci: Vec<Focus>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut foci: Vec<Focus> = FUNCTIONS.iter().map(Focus::Function).collect();
        // What is used most is asked for most.
        for name in ["rate", "increase", "histogram_quantile", "label_replace", "info", "delta"] {
            foci.extend(FUNCTIONS.iter().filter(|function| function.name == name).map(Focus::Function));
        }
        for _ in 0..2 {
            foci.extend(operators::AGGREGATIONS.iter().map(|name| Focus::Aggregation(name)));
            foci.extend(operators::OPERATORS.iter().map(|name| Focus::Operator(name)));
        }
        foci.extend(operators::OF_HISTOGRAMS.iter().map(|name| Focus::Operator(name)));
        foci.extend([Focus::Selector; 6]);
        foci.extend([Focus::Matrix; 3]);
        foci.extend([Focus::Subquery; 8]);
        foci.extend([Focus::Regex; 6]);
        foci.extend([Focus::Scalar; 4]);
        foci.extend([Focus::String; 1]);
        foci.extend([Focus::Failure; 10]);
        Self { random: Random::new(seed), tags: BTreeSet::new(), foci }
    }

    /// After how many cases each focus has been asked for.
    pub(crate) fn foci(&self) -> usize {
        self.foci.len()
    }

    /// The case of this number; equal seeds and equal orders of asking give equal ones.
    pub(crate) fn case(&mut self, number: usize) -> Case {
        let focus = self.foci[number % self.foci.len()];
        let when = self.when();
        let depth = *self.random.pick(&DEPTHS);
        let node = loop {
            let node = self.focused(focus, depth);
            if !self.is_moot(&node) {
                break node;
            }
        };
        // A range query of a range vector or of a string is refused; that is asked for seldom.
        let instant_only = matches!(node.gives, Gives::Matrix | Gives::String);
        let when = match when {
            When::Range { start, .. } if instant_only && self.random.chance(0.9) => When::At(start),
            other => other,
        };
        self.tag(match when {
            When::At(_) => "instant query",
            When::Range { .. } => "range query",
        });
        Case { node, when, tags: std::mem::take(&mut self.tags) }
    }

    fn focused(&mut self, focus: Focus, depth: usize) -> Node {
        self.tags.clear();
        match focus {
            Focus::Function(function) => {
                let call = self.call(function, depth);
                self.around(call)
            }
            Focus::Aggregation(name) => {
                let aggregation = self.aggregation(name, depth);
                self.around(aggregation)
            }
            Focus::Operator(operator) => {
                let binary = self.binary(operator, depth);
                self.around(binary)
            }
            Focus::Selector => self.selector(),
            Focus::Matrix => self.matrix(None, 0),
            Focus::Subquery => self.over_subquery(depth),
            Focus::Regex => self.regex(),
            Focus::Scalar => self.scalar(depth.max(1)),
            Focus::String => self.string(),
            Focus::Failure => self.failure(),
        }
    }

    /// Whether the answer hangs on the last digit of a function that is calculated otherwise in Go than in Rust, or on
    /// what Go calculates wrongly.
    fn is_moot(&self, node: &Node) -> bool {
        let has = |names: &[&str]| names.iter().any(|name| self.tags.contains(*name));
        let magnified = has(&TRANSCENDENTAL) && has(&MAGNIFYING);
        let steep = has(&STEEP) && has(&BOUNDED);
        let written = has(&["count_values"]) && has(&COMPENSATED);
        let counted = has(&TRANSCENDENTAL) && has(&COMPARING) && self.tags.contains("subquery");
        let turned = has(&GROWING) && has(&TURNING);
        let subnormal = has(&LOGARITHMS) && node.print().contains(&SUBNORMAL[..SUBNORMAL.len() - 2]);
        magnified || steep || written || counted || turned || subnormal
    }

    fn tag(&mut self, tag: &str) {
        if !self.tags.contains(tag) {
            self.tags.insert(tag.to_owned());
        }
    }

    /// Something around the focus, in a third of the cases.
    fn around(&mut self, node: Node) -> Node {
        if !self.random.chance(0.33) {
            return node;
        }
        match node.gives {
            Gives::Vector => match self.random.below(5) {
                0 => self.aggregation_over("sum", node),
                1 => self.negated(node),
                2 => self.with_scalar(node, 0),
                3 => {
                    let subquery = self.subquery(node);
                    self.over_time(subquery)
                }
                _ => self.parenthesised(node),
            },
            Gives::Scalar => match self.random.below(3) {
                0 => Node::vector().text("vector(").child(node).text(")"),
                1 => self.negated(node),
                _ => self.parenthesised(node),
            },
            Gives::Matrix | Gives::String => node,
        }
    }

    /// An instant vector.
    fn vector(&mut self, depth: usize) -> Node {
        if depth == 0 || self.random.chance(0.15) {
            return self.selector();
        }
        match self.random.below(20) {
            0..=6 => {
                let function = self.some_function(Gives::Vector);
                self.call(function, depth - 1)
            }
            7..=10 => {
                let name = self.random.pick(&operators::AGGREGATIONS);
                self.aggregation(name, depth - 1)
            }
            11..=15 => {
                let operator = self.random.pick(&operators::OPERATORS);
                self.binary(operator, depth - 1)
            }
            16 => self.over_subquery(depth - 1),
            17 => {
                let node = self.vector(depth - 1);
                self.negated(node)
            }
            18 => {
                let node = self.vector(depth - 1);
                self.parenthesised(node)
            }
            _ => self.selector(),
        }
    }

    fn negated(&mut self, node: Node) -> Node {
        let sign = if self.random.chance(0.8) { "-" } else { "+" };
        self.tag(if sign == "-" { "unary -" } else { "unary +" });
        Node::new(node.gives).optional(sign).child(node)
    }

    fn parenthesised(&mut self, node: Node) -> Node {
        self.tag("( )");
        Node::new(node.gives).text("(").child(node).text(")")
    }

    fn scalar(&mut self, depth: usize) -> Node {
        if depth == 0 {
            return self.number();
        }
        match self.random.below(8) {
            0 => {
                let function = self.some_function(Gives::Scalar);
                self.call(function, depth - 1)
            }
            1 => {
                self.tag("scalar");
                let inner = if self.random.chance(0.6) {
                    self.param_selector()
                } else {
                    let inner = self.vector(depth - 1);
                    self.aggregation_over("sum", inner)
                };
                Node::scalar().text("scalar(").child(inner).text(")")
            }
            2 | 3 => self.scalar_binary(depth - 1),
            4 => {
                let node = self.scalar(depth - 1);
                self.negated(node)
            }
            _ => self.number(),
        }
    }

    /// A literal, in all the ways in which one can be written.
    fn number(&mut self) -> Node {
        let texts = [
            "0", "1", "2", "0.5", "3", "10", "100", "1.5", "-1", "-0.5", "1e3", "0x1F", "0755", "1_000",
            ".5", "5.", "1e-3", "Inf", "NaN", "-Inf", "inf", "0x_1f", "5m", "1h30m", "1e9", "-0", "+2",
            "1E2",
        ];
        let plain = self.random.chance(0.6);
        let text = *self.random.pick(if plain { &texts[..8] } else { &texts });
        Node::scalar().text(text)
    }

    fn string(&mut self) -> Node {
        self.tag("string literal");
        let texts = [
            "\"a\"",
            "'b c'",
            "`raw \\n`",
            "\"\\u00e9\\n\\t\"",
            "\"\\x41\\101\"",
            "''",
            "\"\\\"quoted\\\"\"",
            "\"日本\"",
            "\"\\U0001F600\"",
        ];
        Node::new(Gives::String).text(*self.random.pick(&texts))
    }
}

/// A text as a string literal of the language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}

/// Whether a tag is a binary operator.
pub(crate) fn is_operator(tag: &str) -> bool {
    operators::OPERATORS.contains(&tag) || operators::OF_HISTOGRAMS.contains(&tag)
}

/// Whether a tag is an aggregation.
pub(crate) fn is_aggregation(tag: &str) -> bool {
    operators::AGGREGATIONS.contains(&tag)
}
