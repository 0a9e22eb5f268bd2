//! What a template's text depends on.

use super::{
    parse::Parsed,
    tree::{Branch, Item, Operand, OperandKind, Pipe},
};

/// What a template may look at. Where that cannot be told, it is taken to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    pub labels: bool,
    pub value: bool,
    /// External labels, or the external address.
    pub external: bool,
    /// Results of queries.
    pub query: bool,
    /// The time of the evaluation.
    pub now: bool,
}

/// What the whole text, with the templates that it defines, may look at.
pub(super) fn reads(parsed: &Parsed) -> Reads {
    let mut reads = Reads::default();
    items(&parsed.items, &mut reads);
    for defined in parsed.defined.values() {
        items(defined, &mut reads);
    }
    reads
}

fn items(list: &[Item], reads: &mut Reads) {
    for item in list {
        match item {
            Item::Text(_) | Item::Break(_) | Item::Continue(_) => {}
            Item::Action(inner) => pipe(inner, reads),
            Item::If(inner) | Item::Range(inner) | Item::With(inner) => branch(inner, reads),
            Item::Template(invocation) => {
                if let Some(inner) = &invocation.pipe {
                    pipe(inner, reads);
                }
            }
        }
    }
}

fn branch(branch: &Branch, reads: &mut Reads) {
    pipe(&branch.pipe, reads);
    items(&branch.then, reads);
    items(branch.otherwise.as_deref().unwrap_or_default(), reads);
}

fn pipe(pipe: &Pipe, reads: &mut Reads) {
    for operand in pipe.commands.iter().flat_map(|command| &command.args) {
        operands(operand, reads);
    }
}

fn operands(operand: &Operand, reads: &mut Reads) {
    match &operand.kind {
        OperandKind::Bool(_) | OperandKind::Nil | OperandKind::Number(_) | OperandKind::String { .. } => {}
        // The dot is everything at first, and whatever a `range` or `with` makes of it later.
        OperandKind::Dot => everything(reads),
        OperandKind::Field(names) => field(&names[0], reads),
        OperandKind::Variable(names) => match (names[0].as_str(), names.get(1)) {
            ("$", None) => everything(reads),
            ("$", Some(name)) => field(name, reads),
            ("$labels", _) => reads.labels = true,
            ("$value", _) => reads.value = true,
            ("$externalLabels" | "$externalURL", _) => reads.external = true,
            // What another variable holds was read where it was declared.
            _ => {}
        },
        OperandKind::Function(name) => match name.as_str() {
            "query" => reads.query = true,
            "now" => reads.now = true,
            "externalURL" | "pathPrefix" => reads.external = true,
            _ => {}
        },
        OperandKind::Chain(inner, _) => operands(inner, reads),
        OperandKind::Pipe(inner) => pipe(inner, reads),
    }
}

fn field(name: &str, reads: &mut Reads) {
    match name {
        "Labels" => reads.labels = true,
        "Value" => reads.value = true,
        "ExternalLabels" | "ExternalURL" => reads.external = true,
        // A field of something that a `range` or `with` took from what is counted already.
        _ => {}
    }
}

fn everything(reads: &mut Reads) {
    (reads.labels, reads.value, reads.external) = (true, true, true);
}
