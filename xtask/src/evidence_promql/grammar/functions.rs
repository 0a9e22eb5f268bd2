//! Calls of functions.

use llmobs::promql::syntax::{Arity, FUNCTIONS, Function, ValueType};

use super::{Generator, Gives, Node, quoted};
use crate::evidence_promql::families::{Family, Kind};

/// Those that are meant for counters; the rest of those over ranges are for gauges.
const OF_COUNTERS: [&str; 4] = ["rate", "increase", "irate", "resets"];
/// Those that give nothing for floats, or without a feature that is off: asked for themselves, not within others.
const OF_OTHERS: [&str; 6] = [
    "histogram_avg",
    "histogram_count",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "start_timestamp",
];
const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

impl Generator {
    pub(super) fn some_function(&mut self, gives: Gives) -> &'static Function {
        let returns = if gives == Gives::Scalar { ValueType::Scalar } else { ValueType::InstantVector };
        let fits = |function: &&Function| function.returns == returns && !OF_OTHERS.contains(&function.name);
        let functions: Vec<&'static Function> = FUNCTIONS.iter().filter(fits).collect();
        functions[self.random.below(functions.len())]
    }

    pub(super) fn call(&mut self, function: &'static Function, depth: usize) -> Node {
        self.tag(function.name);
        let gives = if function.returns == ValueType::Scalar { Gives::Scalar } else { Gives::Vector };
        let node = Node::new(gives).text(function.name).text("(");
        let args = self.args(function, depth);
        args.into_iter()
            .enumerate()
            .fold(node, |node, (index, arg)| node.text(if index > 0 { ", " } else { "" }).child(arg))
            .text(")")
    }

    fn args(&mut self, function: &'static Function, depth: usize) -> Vec<Node> {
        match function.name {
            "histogram_quantile" => vec![self.quantile(depth), self.histogram(depth)],
            "histogram_quantiles" => {
                let mut args = vec![self.histogram(depth)];
                let label = *self.random.pick(&["q", "quantile", "model"]);
                args.push(Self::literal(label));
                for _ in 0..=self.random.below(3) {
                    args.push(self.quantile(depth));
                }
                args
            }
            "histogram_fraction" => {
                let bounds = ["0", "0.5", "1", "2.5", "-1", "-Inf", "+Inf", "NaN", "100", "0.3"];
                let (low, high) = (*self.random.pick(&bounds), *self.random.pick(&bounds));
                vec![Node::scalar().text(low), Node::scalar().text(high), self.histogram(depth)]
            }
            "label_replace" => self.label_replace(depth),
            "label_join" => self.label_join(depth),
            "sort_by_label" | "sort_by_label_desc" => {
                let family = self.family();
                let mut args = vec![self.over_family(family, depth)];
                for _ in 0..self.random.below(3) {
                    let label = self.label_of(family);
                    args.push(Self::literal(&label));
                }
                args
            }
            "info" => self.info(depth),
            "absent" => vec![self.maybe_missing(depth)],
            "absent_over_time" => {
                if self.random.chance(0.5) {
                    let selector = self.missing();
                    vec![Node::new(Gives::Matrix).child(selector).text("[5m]")]
                } else {
                    vec![self.matrix(None, depth)]
                }
            }
            "double_exponential_smoothing" => {
                let factors = ["0.1", "0.5", "0.9", "0.01", "0.3"];
                let factor = *self.random.pick(&factors);
                let trend = if self.random.chance(0.05) { "1.5" } else { *self.random.pick(&factors) };
                vec![
                    self.matrix(Some(Kind::Gauge), depth),
                    Node::scalar().text(factor),
                    Node::scalar().text(trend),
                ]
            }
            "quantile_over_time" => vec![self.quantile(depth), self.matrix(Some(Kind::Gauge), depth)],
            "predict_linear" => {
                let seconds = *self.random.pick(&["3600", "-600", "1h", "0", "4 * 3600"]);
                let seconds = if self.random.chance(0.8) {
                    Node::scalar().text(seconds)
                } else {
                    self.scalar(depth.min(1))
                };
                vec![self.matrix(Some(Kind::Gauge), depth), seconds]
            }
            name if ANCHORED.contains(&name) && self.random.chance(0.2) => vec![self.extended(name)],
            name if OF_COUNTERS.contains(&name) => vec![self.matrix(Some(Kind::Counter), depth)],
            _ => self.args_by_type(function, depth),
        }
    }

    fn args_by_type(&mut self, function: &'static Function, depth: usize) -> Vec<Node> {
        let types = function.args;
        let count = match function.arity {
            Arity::Fixed => types.len(),
            Arity::Optional(most) => types.len() - 1 + self.random.below(most + 1).min(self.random.below(3)),
            Arity::AtLeast => types.len() + self.random.below(2),
        };
        let last = types.last().copied().unwrap_or(ValueType::Scalar);
        (0..count)
            .map(|index| match types.get(index).copied().unwrap_or(last) {
                ValueType::Scalar => self.scalar(depth.min(2)),
                ValueType::String => Self::literal("x"),
                ValueType::RangeVector => self.matrix(Some(Kind::Gauge), depth),
                // The calendar's functions, whose argument may be left out.
                ValueType::InstantVector if matches!(function.arity, Arity::Optional(_)) => {
                    let family = self.family_where(|family| family.kind == Kind::Time);
                    if self.random.chance(0.7) { self.selector_of(family) } else { self.vector(depth) }
                }
                ValueType::InstantVector => self.vector(depth),
            })
            .collect()
    }

    fn literal(text: &str) -> Node {
        Node::new(Gives::String).text(quoted(text))
    }

    fn quantile(&mut self, depth: usize) -> Node {
        let texts =
            ["0.5", "0.9", "0.99", "0", "1", "0.25", "0.999", "1.5", "-0.5", "NaN", "+Inf", "-Inf", "-0"];
        if self.random.chance(0.12) {
            return self.scalar(depth.max(1));
        }
        let most = if self.random.chance(0.7) { 7 } else { texts.len() };
        Node::scalar().text(*self.random.pick(&texts[..most]))
    }

    /// Buckets, mostly as they are written by people.
    fn histogram(&mut self, depth: usize) -> Node {
        let family = self.family_where(|family| family.kind == Kind::Bucket);
        let of_service = family.name.starts_with("llm");
        match self.random.below(8) {
            0 | 1 => self.selector_of(family),
            2..=5 => {
                let range = self.range_selector_of(family);
                let name = *self.random.pick(&["rate", "increase", "delta", "sum_over_time"]);
                self.tag(name);
                let rate = Node::vector().text(name).text("(").child(range).text(")");
                if self.random.chance(0.3) {
                    return rate;
                }
                self.tag("sum");
                let other = if of_service { "model" } else { "shape" };
                let grouping = *self.random.pick(&[" by (le)", " without (instance)"]);
                let grouping =
                    if self.random.chance(0.6) { format!(" by (le, {other})") } else { grouping.to_owned() };
                Node::vector().text("sum").text(grouping).text("(").child(rate).text(")")
            }
            6 => {
                let selector = self.selector_of(family);
                self.with_scalar(selector, 0)
            }
            _ => self.vector(depth),
        }
    }

    /// A label of a family, mostly; sometimes one that is not there.
    pub(super) fn label_of(&mut self, family: &Family) -> String {
        if self.random.chance(0.07) {
            return (*self.random.pick(&["nowhere", "__name__", "le"])).to_owned();
        }
        self.random.pick(family.labels).0.to_owned()
    }

    /// The family's series, or what a common function makes of them.
    pub(super) fn over_family(&mut self, family: &Family, depth: usize) -> Node {
        if depth == 0 || self.random.chance(0.5) {
            return self.selector_of(family);
        }
        if self.random.chance(0.5) {
            let range = self.range_selector_of(family);
            return self.over_time(range);
        }
        let selector = self.selector_of(family);
        self.with_scalar(selector, depth - 1)
    }

    fn label_replace(&mut self, depth: usize) -> Vec<Node> {
        let family = self.family();
        let source = self.label_of(family);
        let target = if self.random.chance(0.3) {
            self.label_of(family)
        } else {
            (*self.random.pick(&["new", "model", "__name__", "x", "new.é", "a_b"])).to_owned()
        };
        let replacement = *self.random.pick(&[
            "$1",
            "${1}x",
            "$0",
            "$name",
            "${name}-$1",
            "",
            "fixed",
            "$$1",
            "$2$1",
            "a${2}b",
            "$9",
            "$1x",
            "é$1",
            "${",
            "$",
        ]);
        let regex = *self.random.pick(&[
            "(.*)",
            "(.+)",
            "(.*)-(.*)",
            "(?P<name>.).*",
            "(.*):(\\d+)",
            "([^:]+):.*",
            "",
            ".*",
            "(a|b)(.*)",
            "nothing",
            "(?i)(GPT).*",
            "(?:x|(.))(.*)",
            ".",
            "^(.*)$",
            "(\\w+)\\W(.*)",
            "(?<name>[a-z]+).*",
        ]);
        let args = [target.as_str(), replacement, source.as_str(), regex].map(Self::literal);
        std::iter::once(self.over_family(family, depth)).chain(args).collect()
    }

    fn label_join(&mut self, depth: usize) -> Vec<Node> {
        let family = self.family();
        let target = *self.random.pick(&["joined", "model", "__name__", "new.é", "n"]);
        let separator = *self.random.pick(&["-", "", ", ", "é"]);
        let mut args = vec![self.over_family(family, depth), Self::literal(target), Self::literal(separator)];
        for _ in 0..self.random.below(4) {
            let label = self.label_of(family);
            args.push(Self::literal(&label));
        }
        args
    }

    fn info(&mut self, depth: usize) -> Vec<Node> {
        let family = self.family_where(|family| family.labels.iter().any(|(name, _)| *name == "instance"));
        let mut args = vec![self.over_family(family, depth)];
        if self.random.chance(0.6) {
            args.push(Node::vector().text(*self.random.pick(&[
                "{version=~\".+\"}",
                "{version=\"1.0\"}",
                "{version!=\"1.0\"}",
                "{__name__=\"build_info\"}",
                "{__name__=~\".+_info\"}",
                "{__name__=\"build_info\", revision=\"abc\"}",
                "{\"k8s.cluster\"=\"west\"}",
                "{missing=\"\"}",
                "{missing=\"x\"}",
                "{__name__!=\"build_info\"}",
                "{tenant=~\".*\", __name__=\"build_info\"}",
            ])));
        }
        args
    }

    /// A selector that finds nothing.
    fn missing(&mut self) -> Node {
        Node::vector().text(*self.random.pick(&[
            "missing",
            "missing{a=\"b\", c=\"d\"}",
            "missing{a=\"b\", a=\"c\", d=\"e\"}",
            "missing{a=~\"b\", c!=\"d\", e=\"f\"}",
            "{__name__=\"missing\", a=\"b\"}",
            "tie{g=\"z\"}",
            "missing{\"é\"=\"x\"}",
        ]))
    }

    fn maybe_missing(&mut self, depth: usize) -> Node {
        match self.random.below(4) {
            0 | 1 => self.missing(),
            2 => {
                let inner = self.missing();
                self.aggregation_over("sum", inner)
            }
            _ => self.vector(depth),
        }
    }

    /// A range selector with `anchored` or `smoothed`.
    fn extended(&mut self, function: &str) -> Node {
        let family = self.family_where(|family| matches!(family.kind, Kind::Counter | Kind::Gauge));
        let selector = self.bare_selector_of(family);
        let range = self.duration(20_000, 900_000);
        let word =
            if SMOOTHED.contains(&function) && self.random.chance(0.5) { "smoothed" } else { "anchored" };
        self.tag(word);
        let node = Node::new(Gives::Matrix).child(selector).text(format!("[{range}]"));
        if self.random.chance(0.5) {
            self.modified(node.optional(format!(" {word}")))
        } else {
            self.modified(node).optional(format!(" {word}"))
        }
    }
}
