//! An expression as the generator made it: pieces of text, and what can be taken out of it.
//!
//! It is no syntax tree: how operators bind is not known here. It is what a shrinker needs, and it depends on no
//! parser that is to be judged.

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Vector,
    Matrix,
    Scalar,
    String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) gives: Gives,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Child(Node),
    /// May be left out.
    Optional(Vec<Part>),
}

impl Node {
    pub(crate) fn new(gives: Gives) -> Self {
        Self { gives, parts: Vec::new() }
    }

    pub(crate) fn vector() -> Self {
        Self::new(Gives::Vector)
    }

    pub(crate) fn scalar() -> Self {
        Self::new(Gives::Scalar)
    }

    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    pub(crate) fn child(mut self, node: Node) -> Self {
        self.parts.push(Part::Child(node));
        self
    }

    /// Text that may be left out; empty text is none.
    pub(crate) fn optional(self, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { self } else { self.optional_parts(Node::new(Gives::String).text(text)) }
    }

    /// The parts of a node, which may be left out together.
    pub(crate) fn optional_parts(mut self, node: Node) -> Self {
        self.parts.push(Part::Optional(node.parts));
        self
    }

    /// The expression.
    pub(crate) fn print(&self) -> String {
        let mut out = String::new();
        print(&self.parts, &mut out);
        out
    }

    /// Expressions that are this one with one thing less, the boldest first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut out = children(&self.parts);
        for parts in smaller(&self.parts) {
            out.push(Self { gives: self.gives, parts });
        }
        out
    }

    /// This one with a child in its place, wherever their types agree; or with the child's own smaller forms.
    fn replacements(&self) -> Vec<Self> {
        let mut out: Vec<Self> =
            children(&self.parts).into_iter().filter(|child| child.gives == self.gives).collect();
        if self.gives == Gives::Scalar && self.print() != "1" {
            out.push(Self::scalar().text("1"));
        }
        out.extend(smaller(&self.parts).into_iter().map(|parts| Self { gives: self.gives, parts }));
        out
    }
}

fn print(parts: &[Part], out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Child(node) => print(&node.parts, out),
            Part::Optional(parts) => print(parts, out),
        }
    }
}

fn children(parts: &[Part]) -> Vec<Node> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Child(node) => out.push(node.clone()),
            Part::Optional(parts) => out.extend(children(parts)),
        }
    }
    out
}

fn smaller(parts: &[Part]) -> Vec<Vec<Part>> {
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let mut with = |part: Option<Part>| {
            let mut parts = parts.to_vec();
            parts.splice(index..=index, part);
            out.push(parts);
        };
        match part {
            Part::Text(_) => {}
            Part::Child(node) => {
                for node in node.replacements() {
                    with(Some(Part::Child(node)));
                }
            }
            Part::Optional(inner) => {
                with(None);
                for inner in smaller(inner) {
                    with(Some(Part::Optional(inner)));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_can_go() {
        let selector = Node::vector().text("a").optional("{b=\"c\"}").optional(" offset 5m");
        let matrix = Node::new(Gives::Matrix).child(selector).text("[5m]");
        let call = Node::vector().text("rate(").child(matrix).text(")");
        let sum = Node::vector().text("sum").optional(" by (b)").text("(").child(call).text(")");
        assert_eq!(sum.print(), "sum by (b)(rate(a{b=\"c\"} offset 5m[5m]))");
        let smaller: Vec<String> = sum.smaller().iter().map(Node::print).collect();
        assert_eq!(
            smaller,
            [
                "rate(a{b=\"c\"} offset 5m[5m])",
                "sum(rate(a{b=\"c\"} offset 5m[5m]))",
                "sum by (b)(rate(a offset 5m[5m]))",
                "sum by (b)(rate(a{b=\"c\"}[5m]))",
            ]
        );
    }
}
