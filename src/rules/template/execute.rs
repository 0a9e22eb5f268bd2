//! A template's tree walked with values, as Go's `text/template` walks it.

use std::rc::Rc;

use super::{
    Context, Template, TemplateError,
    call::Final,
    operand::not_a_function,
    printf,
    tree::{Branch, Command, Invocation, Item, Node, OperandKind, Pipe},
    value::{Data, Map, Value},
};

/// How deep templates, branches and parentheses may be within each other while a template is executed.
const DEEPEST: usize = 100;
/// How many parts of a tree may be walked: a range over many elements ends here.
const MOST_STEPS: usize = 1_000_000;
/// How long the result, and any text on the way to it, may get, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// What is wrong; the place is where the execution was.
pub(super) type Failure = String;

/// Whether a list of items goes on after one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

pub(super) struct Execution<'t> {
    template: &'t Template,
    pub(super) context: &'t Context<'t>,
    out: String,
    pub(super) variables: Vec<(&'t str, Value)>,
    /// The part that messages name.
    node: Option<Node<'t>>,
    /// The template that is executed.
    name: &'t str,
    steps: usize,
    depth: usize,
}

/// The text that the items of a template give.
pub(super) fn execute(template: &Template, context: &Context<'_>) -> Result<String, TemplateError> {
    let data = Data {
        labels: Map::Labels(context.labels.clone()),
        external_labels: Map::Labels(context.external_labels.clone()),
        external_url: context.external_url.into(),
        value: context.value,
    };
    let given = [
        ("$labels", Value::Map(data.labels.clone())),
        ("$externalLabels", Value::Map(data.external_labels.clone())),
        ("$externalURL", Value::String(data.external_url.clone())),
        ("$value", Value::Float(data.value)),
    ];
    let dot = Value::Data(Rc::new(data));
    let mut execution = Execution {
        template,
        context,
        out: String::new(),
        variables: std::iter::once(("$", dot.clone())).chain(given).collect(),
        node: None,
        name: &template.name,
        steps: 0,
        depth: 0,
    };
    match execution.items(&dot, &template.parsed.items) {
        Ok(_) => Ok(execution.out),
        Err(reason) => Err(template.failed(execution.name, execution.node, reason)),
    }
}

impl<'t> Execution<'t> {
    pub(super) fn at(&mut self, node: Node<'t>) {
        self.node = Some(node);
    }

    fn step(&mut self) -> Result<(), Failure> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(format!("the template takes more than {MOST_STEPS} steps"));
        }
        Ok(())
    }

    pub(super) fn nested<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.depth >= DEEPEST {
            return Err(format!("exceeded maximum template depth ({DEEPEST})"));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.out.len() + text.len() > LONGEST {
            return Err(format!("the result is longer than {LONGEST} bytes"));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn items(&mut self, dot: &Value, items: &'t [Item]) -> Result<Flow, Failure> {
        for item in items {
            let flow = self.item(dot, item)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn item(&mut self, dot: &Value, item: &'t Item) -> Result<Flow, Failure> {
        self.at(Node::Item(item));
        self.step()?;
        match item {
            Item::Text(text) => self.write(text)?,
            Item::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at(Node::Item(item));
                    let text = printed(&value);
                    self.write(&text)?;
                }
            }
            Item::If(branch) => return self.nested(|run| run.conditional(dot, branch, false)),
            Item::With(branch) => return self.nested(|run| run.conditional(dot, branch, true)),
            Item::Range(branch) => return self.nested(|run| run.range(dot, branch)),
            Item::Template(invocation) => self.nested(|run| run.invoke(dot, invocation))?,
            Item::Break(_) => return Ok(Flow::Break),
            Item::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn conditional(&mut self, dot: &Value, branch: &'t Branch, sets_dot: bool) -> Result<Flow, Failure> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            self.items(if sets_dot { &value } else { dot }, &branch.then)?
        } else {
            self.items(dot, branch.otherwise.as_deref().unwrap_or_default())?
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Result<Flow, Failure> {
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let two = branch.pipe.variables.len() > 1;
        let elements: Box<dyn Iterator<Item = (Value, Value)>> = match &value {
            Value::Int(_) | Value::Byte(_) if two => {
                let shown = printf::print(std::slice::from_ref(&value));
                return Err(format!("can't use {shown} to iterate over more than one variable"));
            }
            Value::Int(count) => Box::new((0..*count).map(|index| (Value::Nil, Value::Int(index)))),
            Value::Byte(count) => Box::new((0..*count).map(|index| (Value::Nil, Value::Byte(index)))),
            Value::Map(map) => Box::new(map.entries().map(|(key, value)| (Value::string(key), value))),
            Value::Vector(samples) => Box::new(
                samples
                    .iter()
                    .zip(0..)
                    .map(|(sample, index)| (Value::Int(index), Value::Sample(sample.clone()))),
            ),
            Value::Nil => Box::new(std::iter::empty()),
            other => {
                let shown = printf::print(std::slice::from_ref(other));
                return Err(format!("range can't iterate over {shown}"));
            }
        };
        let mark = self.variables.len();
        let mut any = false;
        for (index, element) in elements {
            any = true;
            self.step()?;
            self.bind(&branch.pipe, index, &element)?;
            let flow = self.items(&element, &branch.then)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        let mut flow = Flow::Next;
        if !any {
            flow = self.items(dot, branch.otherwise.as_deref().unwrap_or_default())?;
        }
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Gives the variables of a range the values of one iteration.
    fn bind(&mut self, pipe: &'t Pipe, index: Value, element: &Value) -> Result<(), Failure> {
        let values: [Value; 2] = [index, element.clone()];
        let count = pipe.variables.len();
        for (variable, value) in pipe.variables.iter().zip(values.into_iter().skip(2 - count.min(2))) {
            if pipe.assigns {
                self.assign(&variable.name, value)?;
            } else {
                let declared = self.variables.iter_mut().rev().find(|(name, _)| *name == variable.name);
                declared.expect("the pipeline of the range declared its variables").1 = value;
            }
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        let variable = self.variables.iter_mut().rev().find(|(have, _)| *have == name);
        variable.ok_or_else(|| format!("undefined variable: {name}"))?.1 = value;
        Ok(())
    }

    fn invoke(&mut self, dot: &Value, invocation: &'t Invocation) -> Result<(), Failure> {
        let template = self.template;
        let (name, items) = match template.parsed.defined.get_key_value(&invocation.name) {
            Some((name, items)) => (name.as_str(), items.as_slice()),
            // The text itself can be invoked by its name, too.
            None if invocation.name == template.name => {
                (template.name.as_str(), template.parsed.items.as_slice())
            }
            None => {
                return Err(format!("template {} not defined", super::quote::quoted(&invocation.name)));
            }
        };
        let value = match &invocation.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", value.clone())]);
        if std::ptr::eq(items, template.parsed.items.as_slice()) {
            self.given(&value)?;
        }
        let outer_name = std::mem::replace(&mut self.name, name);
        self.items(&value, items)?;
        self.name = outer_name;
        self.variables = outer;
        Ok(())
    }

    /// Declares the variables that every text starts with.
    fn given(&mut self, dot: &Value) -> Result<(), Failure> {
        let fields = [
            ("$labels", "Labels"),
            ("$externalLabels", "ExternalLabels"),
            ("$externalURL", "ExternalURL"),
            ("$value", "Value"),
        ];
        for (variable, name) in fields {
            let value = self.field(dot, name, dot.type_name(), &[], Final::Missing)?;
            self.variables.push((variable, value));
        }
        Ok(())
    }

    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Result<Value, Failure> {
        self.at(Node::Pipe(pipe));
        let mut value = Final::Missing;
        for command in &pipe.commands {
            value = Final::Value(self.command(dot, command, value)?);
        }
        let Final::Value(value) = value else { return Ok(Value::Nil) };
        for variable in &pipe.variables {
            if pipe.assigns {
                self.assign(&variable.name, value.clone())?;
            } else {
                self.variables.push((&variable.name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, dot: &Value, command: &'t Command, last: Final) -> Result<Value, Failure> {
        self.step()?;
        let (first, args) = command.args.split_first().expect("the parser refuses an empty command");
        match &first.kind {
            OperandKind::Field(names) => {
                self.at(Node::Operand(first));
                return self.fields(dot, dot.clone(), names, args, last);
            }
            OperandKind::Chain(..) => return self.chain(dot, first, args, last),
            OperandKind::Function(name) => {
                self.at(Node::Operand(first));
                return self.call(dot, name, Node::Command(command), args, last);
            }
            OperandKind::Pipe(pipe) => {
                not_a_function(first, args, &last)?;
                return self.nested(|run| run.pipeline(dot, pipe));
            }
            OperandKind::Variable(names) => return self.variable(dot, first, names, args, last),
            _ => {}
        }
        self.at(Node::Operand(first));
        not_a_function(first, args, &last)?;
        match &first.kind {
            OperandKind::Nil => Err("nil is not a command".to_owned()),
            _ => self.constant(dot, first),
        }
    }
}

/// What an action writes of its value.
fn printed(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        value => printf::pointee(value),
    }
}
