//! A parsed value whose every node knows where it was written, and how two of them are laid over each other.

use crate::text::{Source, Span};

/// A place in a text: a file, an environment variable or a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub source: Source,
    pub span: Span,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing was written: the key counts as not set.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A single value as text; what it means is for the reader to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
    /// Within `[…]` or `{…}`, where no block may stand.
    pub in_flow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// In quotes: always text.
    Quoted,
    /// A block after `|`: always text.
    Literal,
    /// A block after `>`: always text.
    Folded,
}

/// A key with its value; keys are unique within a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_origin: Origin,
    pub value: Node,
}

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// How many nodes it is in all, and how many lie on top of each other.
    pub(super) fn size(&self) -> (usize, usize) {
        let within: Vec<(usize, usize)> = match &self.value {
            Value::Null | Value::Scalar(_) => Vec::new(),
            Value::List(items) => items.iter().map(Self::size).collect(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.size()).collect(),
        };
        let nodes = within.iter().map(|(nodes, _)| nodes).sum::<usize>();
        (nodes + 1, within.iter().map(|(_, depth)| depth).max().unwrap_or(&0) + 1)
    }

    pub fn is_collection(&self) -> bool {
        matches!(self.value, Value::List(_) | Value::Map(_))
    }

    /// What the node is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "keys",
        }
    }

    /// The entry of a key, where the node is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Value::Null | Value::Scalar(_) | Value::List(_) => None,
        }
    }

    /// The value at a path of keys (`cost.ceiling_per_hour`), where something was written there.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut node = self;
        for key in path.split('.') {
            node = &node.entry(key)?.value;
        }
        (!node.is_null()).then_some(node)
    }

    /// `value` below the keys of a path, everything in the place of `value`.
    pub fn below(path: &str, value: Self) -> Self {
        path.rsplit('.').fold(value, |value, key| {
            let origin = value.origin.clone();
            let entry = Entry { key: key.to_owned(), key_origin: origin.clone(), value };
            Self { value: Value::Map(vec![entry]), origin }
        })
    }

    /// This with `over` laid on top: maps are merged key by key, all else is replaced, nothing changes nothing.
    #[must_use]
    pub fn overlaid(self, over: Self) -> Self {
        match (self.value, over.value) {
            (value, Value::Null) => Self { value, origin: self.origin },
            (Value::Map(mut entries), Value::Map(new)) => {
                for entry in new {
                    match entries.iter().position(|old| old.key == entry.key) {
                        Some(index) => {
                            let old = entries.remove(index);
                            // An empty value keeps the old one, and with it the old key's place.
                            let key_origin =
                                if entry.value.is_null() { old.key_origin } else { entry.key_origin };
                            let value = old.value.overlaid(entry.value);
                            entries.insert(index, Entry { key: entry.key, key_origin, value });
                        }
                        None => entries.push(entry),
                    }
                }
                Self { value: Value::Map(entries), origin: over.origin }
            }
            (_, value) => Self { value, origin: over.origin },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Dialect, Options, read};

    use super::*;

    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(scalar) => format!("{}@{}", scalar.text, node.origin.source.name()),
            Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Value::Map(entries) => {
                let entries = entries.iter().map(|e| format!("{}:{}", e.key, shown(&e.value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
        }
    }

    const OPTIONS: Options = Options { max_bytes: 1000, too_long: "", max_depth: 9, dialect: Dialect::Own };

    fn parse(name: &str, text: &str) -> Node {
        let mut mistakes = Vec::new();
        let node = read(&Source::new(name, text), &OPTIONS, &mut mistakes).unwrap();
        assert_eq!(mistakes, []);
        node
    }

    #[track_caller]
    fn check(base: &str, over: &str, expect: &str) {
        assert_eq!(shown(&parse("b", base).overlaid(parse("o", over))), expect);
    }

    #[test]
    fn maps_merge_and_all_else_is_replaced() {
        check("a: 1", "b: 2", "{a:1@b b:2@o}");
        check("a: 1", "a: 2", "{a:2@o}");
        check("a: {x: 1, y: 2}", "a: {y: 3}", "{a:{x:1@b y:3@o}}");
        check("a: [1, 2]", "a: [3]", "{a:[3@o]}");
        check("a: {x: 1}", "a: 5", "{a:5@o}");
        check("a: 5", "a: {x: 1}", "{a:{x:1@o}}");
        check("a: {x: 1}", "a:", "{a:{x:1@b}}");
        check("a: 1", "", "{a:1@b}");
    }

    #[test]
    fn a_path_leads_to_a_value_and_back() {
        let node = Node::below("a.b", parse("x", "5"));
        assert_eq!(shown(&node), "{a:{b:5@x}}");
        assert_eq!(node.at("a.b").map(shown).as_deref(), Some("5@x"));
        assert_eq!(node.at("a.c"), None);
        assert_eq!(node.at("a.b.c"), None);
        assert_eq!(parse("x", "a:").at("a"), None);
    }
}
