//! `&name`, `*name` and `<<`: values that are written once and stand in several places.

use crate::{diagnostic::Diagnostic, text::Span};

use super::{
    read::Builder,
    tree::{Entry, Node, Value},
};

/// Nodes that aliases may add in all: far above any file of people, far below what a bomb of aliases asks for.
const MAX_COPIED: usize = 100_000;

impl Builder<'_> {
    /// A copy of what an alias stands for; its places are where it was written.
    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        self.key_is_due(span)?;
        // A collection that holds itself is not closed yet, hence not among the anchors.
        let Some(node) = self.anchors.get(&anchor) else {
            self.mistakes.push(Diagnostic::error("this alias stands for something that it is a part of").at(
                self.source,
                span,
                "",
            ));
            return None;
        };
        let (size, depth) = node.size();
        self.copied += size;
        if self.copied > MAX_COPIED || self.open.len() + depth > self.options.max_depth {
            self.mistakes.push(
                Diagnostic::error("the aliases of this text stand for more than llmobs reads")
                    .at(self.source, span, "reached here")
                    .help("write values out instead of nesting aliases"),
            );
            return None;
        }
        let node = node.clone();
        self.add(node);
        Some(())
    }

    pub(super) fn mark(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 && self.foreign() {
            self.anchors.insert(anchor, node.clone());
        }
    }

    /// Puts in the place of `<<` what it merges; a key that is written out wins.
    pub(super) fn merge(&mut self, entries: &mut Vec<Entry>) {
        let Some(at) = entries.iter().position(|entry| entry.key == "<<") else { return };
        let merged = entries.remove(at);
        let maps = match merged.value.value {
            Value::List(items) => items,
            _ => vec![merged.value],
        };
        for map in maps {
            let Value::Map(more) = map.value else {
                self.mistakes.push(
                    Diagnostic::error(format!("`<<` merges keys, not {}", map.kind()))
                        .at(self.source, merged.key_origin.span, "")
                        .help("write an alias of keys: `<<: *name`"),
                );
                continue;
            };
            for entry in more {
                if !entries.iter().any(|have| have.key == entry.key) {
                    entries.push(entry);
                }
            }
        }
    }
}
