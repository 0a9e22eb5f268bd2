//! The tree of a template, with the place of every part.

use std::fmt::{self, Display as _, Write as _};

use crate::text::Span;

use super::quote::quoted;

/// What stands between two delimiters, or around them.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Text(String),
    Action(Pipe),
    If(Branch),
    Range(Branch),
    With(Branch),
    Template(Invocation),
    Break(Span),
    Continue(Span),
}

/// `{{if pipe}} then {{else}} otherwise {{end}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    pub pipe: Pipe,
    pub then: Vec<Item>,
    pub otherwise: Option<Vec<Item>>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    pub name: String,
    pub name_span: Span,
    pub pipe: Option<Pipe>,
}

/// `$x := command | command`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    pub span: Span,
    /// `=` rather than `:=`.
    pub assigns: bool,
    pub variables: Vec<Variable>,
    pub commands: Vec<Command>,
}

/// A variable that is declared or assigned, with its `$`.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub name: String,
    pub span: Span,
}

/// A function or value and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub span: Span,
    pub args: Vec<Operand>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    pub kind: OperandKind,
    pub span: Span,
    /// Where Go's messages say that it is.
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OperandKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    String {
        /// As written, with its quotes.
        quoted: String,
        text: String,
    },
    /// `.a.b`, without the leading dot.
    Field(Vec<String>),
    /// `$x.a.b`: the variable with its `$`, then fields.
    Variable(Vec<String>),
    /// A function's name.
    Function(String),
    /// `(pipe).a.b`.
    Chain(Box<Operand>, Vec<String>),
    Pipe(Box<Pipe>),
}

/// A constant and the types that it can have.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    pub text: String,
    pub integer: Option<i64>,
    pub(super) unsigned: Option<u64>,
    pub float: Option<f64>,
}

/// A node of the tree as messages name it: where it is, and its text in canonical form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node<'t> {
    Item(&'t Item),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl Node<'_> {
    /// Where Go's messages say that it is.
    pub(super) fn position(self) -> usize {
        match self {
            Self::Operand(operand) => operand.at,
            node => node.span().start,
        }
    }

    pub(super) fn span(self) -> Span {
        match self {
            Self::Item(item) => match item {
                Item::Text(_) => Span::default(),
                Item::Action(pipe) => pipe.span,
                Item::If(branch) | Item::Range(branch) | Item::With(branch) => branch.pipe.span,
                Item::Template(invocation) => invocation.name_span,
                Item::Break(span) | Item::Continue(span) => *span,
            },
            Self::Pipe(pipe) => pipe.span,
            Self::Command(command) => command.span,
            Self::Operand(operand) => operand.span,
        }
    }
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(item) => item.fmt(f),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Operand(operand) => operand.fmt(f),
        }
    }
}

fn write_items(items: &[Item], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    items.iter().try_for_each(|item| item.fmt(f))
}

fn write_branch(keyword: &str, branch: &Branch, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{{{{{keyword} {}}}}}", branch.pipe)?;
    write_items(&branch.then, f)?;
    if let Some(otherwise) = &branch.otherwise {
        f.write_str("{{else}}")?;
        write_items(otherwise, f)?;
    }
    f.write_str("{{end}}")
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            Self::If(branch) => write_branch("if", branch, f),
            Self::Range(branch) => write_branch("range", branch, f),
            Self::With(branch) => write_branch("with", branch, f),
            Self::Template(invocation) => {
                write!(f, "{{{{template {}", quoted(&invocation.name))?;
                if let Some(pipe) = &invocation.pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Self::Break(_) => f.write_str("{{break}}"),
            Self::Continue(_) => f.write_str("{{continue}}"),
        }
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, variable) in self.variables.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", variable.name)?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            let pipe = if index == 0 { "" } else { " | " };
            write!(f, "{pipe}{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, operand) in self.args.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match &operand.kind {
                OperandKind::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                _ => write!(f, "{space}{operand}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Bool(value) => value.fmt(f),
            OperandKind::Dot => f.write_char('.'),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Number(number) => f.write_str(&number.text),
            OperandKind::String { quoted, .. } => f.write_str(quoted),
            OperandKind::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            OperandKind::Variable(names) => f.write_str(&names.join(".")),
            OperandKind::Function(name) => f.write_str(name),
            OperandKind::Chain(operand, names) => {
                match &operand.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{operand}")?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            // The parentheses are the enclosing command's.
            OperandKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}
