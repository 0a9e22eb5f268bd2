//! Patterns that are so simple that no automaton is needed: most that people write.

use regex::Regex;

use super::parse::Node;

/// How a pattern that has to match the whole text matches.
#[derive(Debug, Clone)]
pub(in crate::series) enum Shape {
    /// One of these texts; sorted, each once.
    OneOf(Vec<String>),
    /// Anything, a text, anything.
    Around {
        before: Gap,
        text: String,
        after: Gap,
    },
    Pattern(Regex),
}

/// What may stand beside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::series) enum Gap {
    Nothing,
    /// `.*`
    Anything,
    /// `.+`
    Something,
}

/// Beyond that, a pattern is not written out.
const MAX_TEXTS: usize = 1000;
const MAX_BYTES: usize = 1 << 16;

impl Shape {
    /// The shape of a tree; `None` if only an automaton tells.
    pub(super) fn of(node: &Node) -> Option<Self> {
        if let Some(mut texts) = texts(node) {
            texts.sort();
            texts.dedup();
            return Some(Self::OneOf(texts));
        }
        let single = std::slice::from_ref(node);
        let parts = if let Node::Concat(parts) = node { parts } else { single };
        let (before, parts) = match parts.split_first() {
            Some((first, rest)) if gap(first).is_some() => (gap(first)?, rest),
            _ => (Gap::Nothing, parts),
        };
        let (after, parts) = match parts.split_last() {
            Some((last, rest)) if gap(last).is_some() => (gap(last)?, rest),
            _ => (Gap::Nothing, parts),
        };
        let mut text = String::new();
        for part in parts {
            match part {
                Node::Literal { c, fold: false } => text.push(*c),
                _ => return None,
            }
        }
        Some(Self::Around { before, text, after })
    }

    pub(in crate::series) fn matches(&self, value: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.binary_search_by(|text| text.as_str().cmp(value)).is_ok(),
            Self::Around { before, text, after } => around(value, *before, text, *after),
            Self::Pattern(pattern) => pattern.is_match(value),
        }
    }
}

fn around(value: &str, before: Gap, text: &str, after: Gap) -> bool {
    let inner = match before {
        Gap::Something => {
            let mut chars = value.chars();
            if chars.next().is_none() {
                return false;
            }
            chars.as_str()
        }
        Gap::Nothing | Gap::Anything => value,
    };
    let inner = match after {
        Gap::Something => {
            let mut chars = inner.chars();
            if chars.next_back().is_none() {
                return false;
            }
            chars.as_str()
        }
        Gap::Nothing | Gap::Anything => inner,
    };
    match (before, after) {
        (Gap::Nothing, Gap::Nothing) => inner == text,
        (Gap::Nothing, _) => inner.starts_with(text),
        (_, Gap::Nothing) => inner.ends_with(text),
        _ => inner.contains(text),
    }
}

fn gap(node: &Node) -> Option<Gap> {
    let Node::Repeat { inner, min, max: None, .. } = node else { return None };
    match (&**inner, min) {
        (Node::Any { newline: true }, 0) => Some(Gap::Anything),
        (Node::Any { newline: true }, 1) => Some(Gap::Something),
        _ => None,
    }
}

/// All texts that a tree matches, if they are few.
fn texts(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::Literal { c, fold: false } => Some(vec![c.to_string()]),
        Node::Capture { inner, .. } => texts(inner),
        Node::Alternate(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(texts(part)?);
                within_bounds(&all)?;
            }
            Some(all)
        }
        Node::Concat(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                if let Node::Literal { c, fold: false } = part {
                    for text in &mut all {
                        text.push(*c);
                    }
                } else {
                    let ends = texts(part)?;
                    if all.len() * ends.len() > MAX_TEXTS {
                        return None;
                    }
                    all = all
                        .iter()
                        .flat_map(|text| ends.iter().map(move |end| format!("{text}{end}")))
                        .collect();
                }
                if all.len() > 1 {
                    within_bounds(&all)?;
                }
            }
            Some(all)
        }
        _ => None,
    }
}

fn within_bounds(texts: &[String]) -> Option<()> {
    let bytes: usize = texts.iter().map(String::len).sum();
    (texts.len() <= MAX_TEXTS && bytes <= MAX_BYTES).then_some(())
}
