//! Trees to patterns of the `regex` crate, in which nothing means what its place says.

use std::fmt::Write;

use super::parse::Node;

/// The pattern of a tree.
pub(super) fn text(node: &Node) -> String {
    let mut out = String::new();
    push(node, &mut out);
    out
}

/// The pattern of a tree that has to match the whole text.
pub(super) fn anchored(node: &Node) -> String {
    format!(r"\A(?:{})\z", text(node))
}

fn push(node: &Node, out: &mut String) {
    match node {
        Node::Literal { c, fold } => push_literals([*c], *fold, out),
        Node::Class { text, fold: true } => push_formatted(out, format_args!("(?i:{text})")),
        Node::Class { text, fold: false } => out.push_str(text),
        Node::Any { newline: true } => out.push_str("(?s:.)"),
        Node::Any { newline: false } => out.push_str("(?-s:.)"),
        Node::Place(text) => out.push_str(text),
        Node::Concat(parts) => push_parts(parts, out),
        Node::Alternate(parts) => {
            out.push_str("(?:");
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "|" });
                push(part, out);
            }
            out.push(')');
        }
        Node::Repeat { inner, min, max, greedy } => {
            out.push_str("(?:");
            push(inner, out);
            out.push(')');
            match (min, max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => push_formatted(out, format_args!("{{{min},}}")),
                (min, Some(max)) => push_formatted(out, format_args!("{{{min},{max}}}")),
            }
            out.push_str(if *greedy { "" } else { "?" });
        }
        Node::Capture { name, inner } => {
            // The other syntax has no names that begin with a digit; such a group is known by its number only.
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                out.push('(');
            } else {
                push_formatted(out, format_args!("(?P<{name}>"));
            }
            push(inner, out);
            out.push(')');
        }
    }
}

/// Characters that fold alike stand in one group.
fn push_parts(parts: &[Node], out: &mut String) {
    let folds = |node: &Node| matches!(node, Node::Literal { fold: true, .. });
    for run in parts.chunk_by(|one, next| folds(one) && folds(next)) {
        if run.len() > 1 {
            let chars = run.iter().filter_map(|node| match node {
                Node::Literal { c, .. } => Some(*c),
                _ => None,
            });
            push_literals(chars, true, out);
        } else {
            for node in run {
                push(node, out);
            }
        }
    }
}

fn push_literals(chars: impl IntoIterator<Item = char>, fold: bool, out: &mut String) {
    out.push_str(if fold { "(?i:" } else { "" });
    for c in chars {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            out.push(c);
        } else {
            push_formatted(out, format_args!(r"\x{{{:X}}}", u32::from(c)));
        }
    }
    out.push_str(if fold { ")" } else { "" });
}

fn push_formatted(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("writing to a String cannot fail");
}
