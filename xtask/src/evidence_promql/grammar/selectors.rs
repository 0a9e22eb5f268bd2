//! Selectors with their matchers, modifiers and durations; range selectors and subqueries.

use super::{Generator, Gives, Node, quoted};
use crate::evidence_promql::{
    data::{MINUTE, SECOND, START},
    families::{FAMILIES, Family, Kind, family_of},
};

impl Generator {
    pub(super) fn family(&mut self) -> &'static Family {
        self.family_where(|_| true)
    }

    pub(super) fn family_where(&mut self, holds: impl Fn(&Family) -> bool) -> &'static Family {
        let families: Vec<&Family> = FAMILIES.iter().filter(|family| holds(family)).collect();
        let total = families.iter().map(|family| family.weight).sum();
        let mut drawn = self.random.below(total);
        for family in &families {
            if drawn < family.weight {
                return family;
            }
            drawn -= family.weight;
        }
        families[0]
    }

    pub(super) fn selector(&mut self) -> Node {
        let family = self.family();
        self.selector_of(family)
    }

    /// One series of few, whose values are good and bad parameters.
    pub(super) fn param_selector(&mut self) -> Node {
        let name = *self.random.pick(&[
            "q",
            "q",
            "k",
            "k",
            "over",
            "under",
            "nan",
            "inf",
            "minus_inf",
            "minus_zero",
        ]);
        Node::vector().text(format!("param{{name={}}}", quoted(name)))
    }

    /// A selector of a family, with matchers and modifiers or without.
    pub(super) fn selector_of(&mut self, family: &Family) -> Node {
        let node = self.bare_selector_of(family);
        self.modified(node)
    }

    /// As [`Generator::selector_of`], without `offset` and `@`.
    pub(super) fn bare_selector_of(&mut self, family: &Family) -> Node {
        let mut matchers = Vec::new();
        let share = *self.random.pick(&[0.0, 0.0, 0.25, 0.4]);
        for (name, values) in self.random.some(family.labels, share) {
            matchers.push(self.matcher(name, values));
        }
        if self.random.chance(0.02) {
            let absent =
                *self.random.pick(&["=\"\"", "!=\"x\"", "=~\".*\"", "!~\".+\"", "=~\"|x\"", "=\"x\""]);
            matchers.push(format!("absent_label{absent}"));
        }
        let plain = family.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let node = Node::vector();
        if plain && self.random.chance(0.9) {
            let mut node = node.text(family.name);
            if !matchers.is_empty() {
                let mut inner = Node::vector().text("{");
                for (index, matcher) in matchers.iter().enumerate() {
                    inner = inner.optional(format!("{}{matcher}", if index > 0 { "," } else { "" }));
                }
                node = node.optional_parts(inner.text("}"));
            }
            return node;
        }
        let name = match self.random.below(if plain { 4 } else { 2 }) {
            0 => quoted(family.name),
            1 => format!("__name__={}", quoted(family.name)),
            2 => format!("__name__=~\"{}|llm_retries_total\"", family.name),
            _ => format!("__name__=~\"{}.*\"", &family.name[..family.name.len() - 2]),
        };
        self.tag("name in braces");
        let mut node = node.text("{").text(name);
        for matcher in &matchers {
            node = node.optional(format!(", {matcher}"));
        }
        node.text("}")
    }

    fn matcher(&mut self, name: &str, values: &[&str]) -> String {
        let value = *self.random.pick(values);
        let other = *self.random.pick(values);
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let name = if plain { name.to_owned() } else { quoted(name) };
        let escaped = |text: &str| {
            let special =
                |c: char| if "\\.+*?()|[]{}^$".contains(c) { format!("\\{c}") } else { c.to_string() };
            text.chars().map(special).collect::<String>()
        };
        let first: String = value.chars().take(1).collect();
        // What excludes the only value there is leaves nothing.
        let kinds = if values.len() > 1 { 30 } else { 20 };
        let (op, value) = match self.random.below(kinds) {
            0..=8 => ("=", value.to_owned()),
            9..=11 => ("=~", format!("{}|{}", escaped(value), escaped(other))),
            12..=13 => ("=~", ".+".to_owned()),
            14..=15 => ("=~", format!("{}.*", escaped(&first))),
            16 => ("=~", format!("(?i){}", escaped(&value.to_uppercase()))),
            17 => (*self.random.pick(&["!=", "!=", "!~", "=", "=~"]), String::new()),
            18 => ("=~", (*self.random.pick(&[".*", "^.{1,80}$", "(?s:.+)", "[^~]*", ".*?"])).to_owned()),
            19 => (
                *self.random.pick(&["=~", "!~"]),
                (*self.random.pick(&[
                    "[a-m].*",
                    "^.{3,8}$",
                    "\\d+",
                    "\\pL+",
                    "(a|b|c).?",
                    "[^x]*",
                    "a{1,3}:.+",
                ]))
                .to_owned(),
            ),
            20..=23 => ("!=", value.to_owned()),
            24..=26 => ("!~", format!("{}|nothing", escaped(value))),
            _ => ("!~", format!("{}.+", escaped(&first))),
        };
        self.tag(op);
        let value = quoted(&value);
        let space = if self.random.chance(0.1) { " " } else { "" };
        format!("{name}{space}{op}{space}{value}")
    }

    /// `offset` and `@`, in either order, in a part of the cases.
    pub(super) fn modified(&mut self, node: Node) -> Node {
        let offset = if self.random.chance(0.15) { self.offset() } else { String::new() };
        let at = if self.random.chance(0.12) { self.at() } else { String::new() };
        if self.random.chance(0.5) {
            node.optional(offset).optional(at)
        } else {
            node.optional(at).optional(offset)
        }
    }

    fn offset(&mut self) -> String {
        self.tag("offset");
        let duration = self.duration(SECOND, 12 * MINUTE);
        match self.random.below(8) {
            0..=3 => format!(" offset {duration}"),
            4 | 5 => {
                self.tag("offset -");
                format!(" offset -{duration}")
            }
            6 => {
                self.tag("duration expression");
                let more = self.duration(SECOND, 3 * MINUTE);
                let op = *self.random.pick(&["+", "-", "*0+", "/2-"]);
                format!(" offset ({duration} {op} {more})")
            }
            _ => {
                self.tag("duration expression");
                (*self.random.pick(&[
                    " offset step()",
                    " offset -step()",
                    " offset range()",
                    " offset min_of(step(), 1m)",
                    " offset -max_of(2m, step())",
                    " offset (step() * 2)",
                    " offset 0",
                    " offset +90",
                    " offset -(1m + 30s)",
                ]))
                .to_owned()
            }
        }
    }

    fn at(&mut self) -> String {
        self.tag("@");
        match self.random.below(8) {
            0 | 1 => " @ start()".to_owned(),
            2 | 3 => " @ end()".to_owned(),
            4 => (*self.random.pick(&[" @ 0", " @ -1.5", " @ 1750003200", " @ 1.750006e9", " @ 1h"]))
                .to_owned(),
            _ => {
                let at = START + self.random.between(10 * MINUTE, 110 * MINUTE);
                let at = if self.random.chance(0.5) { at - at % SECOND } else { at };
                format!(" @ {}", at as f64 / 1000.0)
            }
        }
    }

    /// A duration of a span, in milliseconds, as text.
    pub(super) fn duration(&mut self, least: i64, most: i64) -> String {
        let common =
            [15, 30, 60, 61, 90, 120, 300, 301, 600, 900, 1800, 3600].map(|seconds| seconds * SECOND);
        let fitting: Vec<i64> = common.into_iter().filter(|common| (least..=most).contains(common)).collect();
        let millis = if fitting.is_empty() || self.random.chance(0.25) {
            self.random.between(least, most)
        } else {
            *self.random.pick(&fitting)
        };
        let seconds = millis / SECOND;
        match self.random.below(10) {
            0 if millis % SECOND == 0 => seconds.to_string(),
            1 => format!("{}s{}ms", seconds, millis % SECOND),
            2 => format!("{millis}ms"),
            3 => format!("{}", millis as f64 / 1000.0),
            _ if millis % SECOND != 0 => format!("{millis}ms"),
            _ if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
            _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
            _ if seconds > 60 => format!("{}m{}s", seconds / 60, seconds % 60),
            _ => format!("{seconds}s"),
        }
    }

    /// What stands in the brackets of a range.
    fn range(&mut self) -> String {
        let duration = self.duration(20 * SECOND, 30 * MINUTE);
        if !self.random.chance(0.08) {
            return duration;
        }
        self.tag("duration expression");
        match self.random.below(10) {
            0 => format!("{duration}*2"),
            1 => format!("{duration}+30s"),
            2 => format!("({duration} + 1m) / 2"),
            3 => "max_of(step(), 2m)".to_owned(),
            4 => "min_of(range() + 1m, 10m)".to_owned(),
            5 => "step() + 1m".to_owned(),
            6 => "1h - 50m".to_owned(),
            7 => "2 ^ 8".to_owned(),
            8 => "7m % 5m".to_owned(),
            _ => format!("-1m + {duration} + 1m"),
        }
    }

    /// A range vector: a selector, or seldom a subquery. Of a kind of family, where it matters.
    pub(super) fn matrix(&mut self, kind: Option<Kind>, depth: usize) -> Node {
        if self.random.chance(0.15) {
            let inner = self.vector(depth.min(1));
            return self.subquery(inner);
        }
        let family = match kind {
            Some(kind) if self.random.chance(0.8) => self.family_where(|family| family.kind == kind),
            _ => self.family(),
        };
        self.range_selector_of(family)
    }

    pub(super) fn range_selector_of(&mut self, family: &Family) -> Node {
        let selector = self.bare_selector_of(family);
        let range = self.range();
        let node = Node::new(Gives::Matrix).child(selector).text(format!("[{range}]"));
        self.modified(node)
    }

    /// `expr[range:step]` of an instant vector.
    pub(super) fn subquery(&mut self, inner: Node) -> Node {
        self.tag("subquery");
        let range = self.duration(MINUTE, 20 * MINUTE);
        let step = match self.random.below(10) {
            0..=3 => String::new(),
            4 => "7s".to_owned(),
            5 => "step() + 10s".to_owned(),
            6 => "97s".to_owned(),
            7 => "1m".to_owned(),
            8 => "30s*2".to_owned(),
            _ => self.duration(10 * SECOND, 5 * MINUTE),
        };
        let node = Node::new(Gives::Matrix)
            .text("(")
            .child(inner)
            .text(format!(")[{range}:"))
            .optional(step)
            .text("]");
        self.modified(node)
    }

    /// A function over a subquery, nested in a part of the cases.
    pub(super) fn over_subquery(&mut self, depth: usize) -> Node {
        let mut inner = self.vector(depth.min(2));
        if self.random.chance(0.25) {
            self.tag("nested subquery");
            let subquery = self.subquery(inner);
            inner = self.over_time(subquery);
        }
        let subquery = self.subquery(inner);
        self.over_time(subquery)
    }

    pub(super) fn over_time(&mut self, matrix: Node) -> Node {
        let name = *self.random.pick(&[
            "max_over_time",
            "min_over_time",
            "avg_over_time",
            "sum_over_time",
            "count_over_time",
            "last_over_time",
            "rate",
            "delta",
            "deriv",
            "changes",
            "stddev_over_time",
            "increase",
        ]);
        self.tag(name);
        Node::vector().text(name).text("(").child(matrix).text(")")
    }

    /// One side of a match by name.
    pub(super) fn named(&mut self, name: &str) -> Node {
        match family_of(name) {
            Some(family) => self.selector_of(family),
            None => Node::vector().text(name),
        }
    }
}
