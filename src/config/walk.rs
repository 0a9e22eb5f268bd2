//! The shape of a tree against the table of keys: unknown keys, lists where values belong, and who set what.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Diagnostic,
    text::Span,
    yaml::{Node, Value},
};

use super::{
    Origin, layers,
    schema::{self, Kind},
};

/// Reports every node whose shape does not fit its key, and says for every value that is not a default where it
/// was set. What is left for the reader of a value is what a single value says.
pub(super) fn walk(root: &Node, mistakes: &mut Vec<Diagnostic>) -> BTreeMap<String, Origin> {
    let mut walk = Walk { mistakes, origins: BTreeMap::new() };
    walk.section(root, "", "");
    walk.origins
}

/// The part of a place that lies on its first line.
pub(super) fn first_line(origin: &Origin) -> Span {
    let line = origin.source.slice(origin.span).lines().next().unwrap_or_default();
    Span::new(origin.span.start, origin.span.start + line.trim_end().len())
}

struct Walk<'a> {
    mistakes: &'a mut Vec<Diagnostic>,
    origins: BTreeMap<String, Origin>,
}

impl Walk<'_> {
    /// `path` is the path in the table, `place` the same with the numbers of list items.
    fn node(&mut self, node: &Node, path: &str, place: &str) {
        let Some(key) = schema::find(path) else { return };
        if node.is_null() {
            return;
        }
        if node.origin.source != *layers::defaults() && key.kind != Kind::Section {
            self.origins.insert(place.to_owned(), node.origin.clone());
        }
        match (key.kind, &node.value) {
            (Kind::Section, Value::Map(_)) => self.section(node, path, place),
            (Kind::Items | Kind::ItemsOrNames | Kind::Names, Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.item(item, key.kind, &format!("{path}[]"), &format!("{place}[{index}]"));
                }
            }
            (Kind::Section | Kind::Items | Kind::ItemsOrNames | Kind::Names, _) => {
                self.misfit(node, key.kind, path);
            }
            (_, Value::Scalar(_)) => {}
            (kind, _) => self.misfit(node, kind, path),
        }
    }

    fn section(&mut self, node: &Node, path: &str, place: &str) {
        let Value::Map(entries) = &node.value else { return };
        for entry in entries {
            let child = schema::join(path, &entry.key);
            if schema::find(&child).is_some() && !entry.key.contains(['.', '[']) {
                self.node(&entry.value, &child, &schema::join(place, &entry.key));
                continue;
            }
            let shown = entry.key.escape_debug();
            let message = match path {
                "" => format!("unknown key `{shown}`"),
                path => format!("unknown key `{shown}` in `{}`", path.trim_end_matches("[]")),
            };
            self.mistakes.push(
                Diagnostic::error(message)
                    .at(&entry.key_origin.source, entry.key_origin.span, "")
                    .help(schema::help_for_unknown(path, &entry.key)),
            );
        }
    }

    fn item(&mut self, item: &Node, kind: Kind, path: &str, place: &str) {
        let list = path.replace("[]", "");
        let expected = match (kind, &item.value) {
            (Kind::Items | Kind::ItemsOrNames, Value::Map(_)) => {
                self.origins.insert(place.to_owned(), item.origin.clone());
                self.section(item, path, place);
                return;
            }
            (Kind::Names | Kind::ItemsOrNames, Value::Scalar(_)) => {
                if item.origin.source != *layers::defaults() {
                    self.origins.insert(place.to_owned(), item.origin.clone());
                }
                return;
            }
            (Kind::Items, _) => "keys such as `{job: gateway, source: vllm, endpoints: [\"gateway:8000\"]}`",
            (Kind::ItemsOrNames, _) => "a name, or keys such as `{name: gpt-4o}`",
            _ => "a single value",
        };
        self.mistakes.push(
            Diagnostic::error(format!("an item of `{list}` is {}", item.kind()))
                .at(&item.origin.source, first_line(&item.origin), "")
                .help(format!("write {expected}")),
        );
    }

    fn misfit(&mut self, node: &Node, kind: Kind, path: &str) {
        let help = match (kind, &node.value) {
            (Kind::Section, _) => {
                let keys = schema::children(path).map(|name| format!("`{name}`")).collect::<Vec<_>>();
                format!("write keys below it: {}", keys.join(", "))
            }
            (Kind::Names | Kind::ItemsOrNames, Value::Scalar(scalar)) => {
                let quoted = scalar.text.contains([':', ',', '[', ']', '{', '}', '#', '"', '\'']);
                let item = if quoted { format!("{:?}", scalar.text) } else { scalar.text.clone() };
                format!("write `[{item}]`")
            }
            (Kind::Names | Kind::ItemsOrNames | Kind::Items, _) => "begin each item with `- `".to_owned(),
            (kind, _) => format!("write {}", kind.expected()),
        };
        let path = path.replace("[]", "");
        self.mistakes.push(
            Diagnostic::error(format!("`{path}` takes {}, not {}", kind.expected(), node.kind()))
                .at(&node.origin.source, first_line(&node.origin), "")
                .help(help),
        );
    }
}
