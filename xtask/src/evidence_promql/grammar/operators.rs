//! Operators between vectors and scalars, and aggregations.

use super::{Generator, Node, quoted};
use crate::evidence_promql::families::{FAMILIES, Family};

pub(super) const AGGREGATIONS: [&str; 14] = [
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
];

const ARITHMETIC: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const SETS: [&str; 3] = ["and", "or", "unless"];

/// Of native histograms: of floats they give nothing.
pub(super) const OF_HISTOGRAMS: [&str; 2] = ["</", ">/"];

pub(super) const OPERATORS: [&str; 16] =
    ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"];

impl Generator {
    pub(super) fn aggregation(&mut self, name: &str, depth: usize) -> Node {
        let family = self.family();
        let inner =
            if self.random.chance(0.6) { self.over_family(family, depth) } else { self.vector(depth) };
        let grouping = self.grouping(family);
        let param = self.param(name, depth);
        self.aggregate(name, param, inner, &grouping)
    }

    pub(super) fn aggregation_over(&mut self, name: &str, inner: Node) -> Node {
        self.aggregate(name, None, inner, "")
    }

    fn aggregate(&mut self, name: &str, param: Option<Node>, inner: Node, grouping: &str) -> Node {
        self.tag(name);
        let before = self.random.chance(0.7);
        let mut node = Node::vector().text(name);
        if before {
            node = node.optional(grouping);
        }
        node = node.text("(");
        if let Some(param) = param {
            node = node.child(param).text(", ");
        }
        node = node.child(inner).text(")");
        if before { node } else { node.optional(grouping) }
    }

    fn grouping(&mut self, family: &Family) -> String {
        let word = match self.random.below(5) {
            0 => return String::new(),
            1 | 2 => "by",
            3 => "without",
            _ => *self.random.pick(&["by", "without"]),
        };
        self.tag(word);
        let mut labels: Vec<String> = Vec::new();
        for _ in 0..self.random.below(4) {
            let label = self.label_of(family);
            let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            labels.push(if plain { label } else { quoted(&label) });
        }
        format!(" {word} ({})", labels.join(", "))
    }

    fn param(&mut self, name: &str, depth: usize) -> Option<Node> {
        let numbers: &[&str] = match name {
            "topk" | "bottomk" | "limitk" => {
                &["1", "2", "3", "5", "0", "-1", "1.9", "1000", "NaN", "+Inf", "1e30"]
            }
            "quantile" => &["0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN", "+Inf"],
            "limit_ratio" => &["0.5", "-0.5", "0.1", "1", "-1", "0", "2", "-3", "NaN"],
            "count_values" => {
                let label = *self.random.pick(&["v", "value", "model", "g", "v.é", "__name__"]);
                return Some(Node::new(super::Gives::String).text(quoted(label)));
            }
            _ => return None,
        };
        if self.random.chance(0.15) {
            return Some(self.scalar(depth.max(1)));
        }
        // Mostly what is meant to be given.
        let most = if self.random.chance(0.85) { 4 } else { numbers.len() };
        Some(Node::scalar().text(*self.random.pick(&numbers[..most])))
    }

    pub(super) fn binary(&mut self, operator: &str, depth: usize) -> Node {
        match self.random.below(10) {
            0 | 1 if !SETS.contains(&operator) => {
                let node = self.vector(depth);
                self.scalar_with(operator, node, depth)
            }
            0..=4 => self.grouped(operator, depth),
            5 | 6 => self.sides(operator),
            7 => self.many_to_aggregated(operator, depth),
            8 => self.same_family(operator),
            _ if self.random.chance(0.6) => self.grouped(operator, depth),
            _ => {
                let (left, right) = (self.vector(depth), self.vector(depth));
                let matching = self.loose_matching(operator);
                self.join(left, operator, &matching, right)
            }
        }
    }

    /// `left op matching right`, each side in parentheses mostly.
    fn join(&mut self, left: Node, operator: &str, matching: &str, right: Node) -> Node {
        self.tag(operator);
        let mut side = |node: Node| {
            if self.random.chance(0.5) { Node::new(node.gives).text("(").child(node).text(")") } else { node }
        };
        let (left, right) = (side(left), side(right));
        let node = Node::vector().child(left).text(format!(" {operator} "));
        let node = if COMPARISONS.contains(&operator) && self.random.chance(0.5) {
            self.tag("bool");
            node.optional("bool ")
        } else {
            node
        };
        // A parenthesis after the word would be its labels.
        let bare = matching.ends_with("group_left") || matching.ends_with("group_right");
        let right_is_bare = !right.print().starts_with('(');
        let matching = if bare && !right_is_bare { format!("{matching} ()") } else { matching.to_owned() };
        let spaced = if matching.is_empty() { String::new() } else { format!("{matching} ") };
        let node = node.optional(spaced);
        if !SETS.contains(&operator) && self.random.chance(0.12) {
            let fill = self.fill();
            return node.optional(fill).child(right);
        }
        node.child(right)
    }

    fn fill(&mut self) -> String {
        let value = *self.random.pick(&["0", "1", "-1", "NaN", "Inf", "-Inf", "2.5", "0x10"]);
        let other = *self.random.pick(&["0", "7", "-0"]);
        let (tag, text) = match self.random.below(5) {
            0 | 1 => ("fill", format!("fill({value}) ")),
            2 => ("fill_left", format!("fill_left({value}) ")),
            3 => ("fill_right", format!("fill_right({value}) ")),
            _ => ("fill_left", format!("fill_left({value}) fill_right({other}) ")),
        };
        self.tag(tag);
        text
    }

    /// Two sides that are aggregated by the same labels, so that each finds its own.
    fn grouped(&mut self, operator: &str, depth: usize) -> Node {
        let family = self.family();
        let labels: Vec<String> = family.labels.iter().map(|(name, _)| quotable(name)).collect();
        let by = self.random.some(&labels, 0.6).join(", ");
        let others: Vec<&Family> = FAMILIES
            .iter()
            .filter(|other| {
                family.labels.iter().all(|(name, _)| other.labels.iter().any(|(has, _)| has == name))
            })
            .collect();
        let other = self.random.pick(&others);
        let mut side = |family: &Family| {
            let inner = self.over_family(family, depth);
            let name = *self.random.pick(&["sum", "avg", "max", "min", "count", "stddev"]);
            self.aggregate(name, None, inner, &format!(" by ({by})"))
        };
        let (left, right) = (side(family), side(other));
        let matching = if self.random.chance(0.3) {
            self.tag("on");
            format!("on ({by})")
        } else if self.random.chance(0.2) {
            self.tag("ignoring");
            "ignoring (nowhere)".to_owned()
        } else {
            String::new()
        };
        self.join(left, operator, &matching, right)
    }

    /// The families that were made to be matched.
    fn sides(&mut self, operator: &str) -> Node {
        let set = SETS.contains(&operator);
        let choices: &[(&str, &str, &str)] = if set {
            &[
                ("many", "on (g)", "one"),
                ("one", "on (g)", "many"),
                ("many", "ignoring (only, n)", "one"),
                ("tie", "", "many"),
                ("tie", "on (g, n)", "many"),
                ("many", "on ()", "missing"),
                ("twice", "on (g)", "one"),
                ("churn_total", "ignoring (pod)", "churn_total"),
            ]
        } else {
            &[
                ("many", "on (g) group_left", "one"),
                ("many", "on (g) group_left (team)", "one"),
                ("many", "on (g) group_left (team, n)", "one"),
                ("one", "on (g) group_right (team)", "many"),
                ("one", "on (g) group_right", "tie"),
                ("many", "ignoring (n, only, team) group_left", "one"),
                ("many", "ignoring (n, only, team) group_left (team)", "one"),
                ("many", "on (g, n) group_left ()", "tie"),
                ("tie", "on (g, n)", "many"),
                ("tie", "ignoring (only)", "many"),
                ("twice", "on (g) group_left (team)", "one"),
                ("twice", "on (g)", "one"),
                ("many", "on (g) group_left (only)", "one"),
                ("llm_requests_total", "on (job, instance) group_left (version)", "target_info"),
                ("llm_active_requests", "on (instance) group_left (revision)", "build_info"),
            ]
        };
        let (left, matching, right) = *self.random.pick(choices);
        for word in ["group_left", "group_right", "on", "ignoring"] {
            if matching.contains(word) {
                self.tag(word);
            }
        }
        let (left, right) = (self.named(left), self.named(right));
        self.join(left, operator, matching, right)
    }

    /// A side with all its labels, and the other one aggregated.
    fn many_to_aggregated(&mut self, operator: &str, depth: usize) -> Node {
        let family = self.family();
        let labels: Vec<String> = family.labels.iter().map(|(name, _)| quotable(name)).collect();
        let by = self.random.some(&labels, 0.5).join(", ");
        let many = self.over_family(family, depth);
        let inner = self.over_family(family, depth);
        let one = self.aggregate("sum", None, inner, &format!(" by ({by})"));
        self.tag("on");
        if SETS.contains(&operator) {
            return self.join(many, operator, &format!("on ({by})"), one);
        }
        if self.random.chance(0.7) {
            self.tag("group_left");
            self.join(many, operator, &format!("on ({by}) group_left"), one)
        } else {
            self.tag("group_right");
            self.join(one, operator, &format!("on ({by}) group_right"), many)
        }
    }

    /// A family with itself: the same labels on both sides.
    fn same_family(&mut self, operator: &str) -> Node {
        let family = self.family();
        let selector = self.bare_selector_of(family);
        let (left, right) = (self.modified(selector.clone()), self.modified(selector));
        let matching = if self.random.chance(0.15) {
            self.tag("ignoring");
            let label = self.label_of(family);
            format!("ignoring ({})", quotable(&label))
        } else {
            String::new()
        };
        self.join(left, operator, &matching, right)
    }

    /// Whatever may be written; it often does not fit.
    fn loose_matching(&mut self, operator: &str) -> String {
        let set = SETS.contains(&operator);
        match self.random.below(4) {
            0 => "on ()".to_owned(),
            1 => "on (job)".to_owned(),
            2 if !set => "ignoring (instance) group_left".to_owned(),
            _ => String::new(),
        }
    }

    /// A vector and a scalar, on either side.
    pub(super) fn with_scalar(&mut self, node: Node, depth: usize) -> Node {
        let operator = if self.random.chance(0.7) {
            *self.random.pick(&ARITHMETIC)
        } else {
            *self.random.pick(&COMPARISONS)
        };
        self.scalar_with(operator, node, depth)
    }

    fn scalar_with(&mut self, operator: &str, node: Node, depth: usize) -> Node {
        self.tag(operator);
        let scalar = self.scalar(depth.min(1));
        let bool_word = if COMPARISONS.contains(&operator) && self.random.chance(0.4) {
            self.tag("bool");
            "bool "
        } else {
            ""
        };
        let node =
            if self.random.chance(0.5) { Node::vector().text("(").child(node).text(")") } else { node };
        let (left, right) = if self.random.chance(0.7) { (node, scalar) } else { (scalar, node) };
        Node::vector().child(left).text(format!(" {operator} ")).optional(bool_word).child(right)
    }

    pub(super) fn scalar_binary(&mut self, depth: usize) -> Node {
        let comparison = self.random.chance(0.3);
        let operator = if comparison {
            format!("{} bool", self.random.pick(&COMPARISONS))
        } else {
            (*self.random.pick(&ARITHMETIC)).to_owned()
        };
        self.tag(operator.trim_end_matches(" bool"));
        let (left, right) = (self.scalar(depth.min(2)), self.scalar(depth.min(2)));
        Node::scalar().text("(").child(left).text(format!(" {operator} ")).child(right).text(")")
    }
}

fn quotable(label: &str) -> String {
    let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { label.to_owned() } else { quoted(label) }
}
