//! Calls of functions and methods: how many arguments, of which types, and what is said where they do not fit.

use super::{
    execute::{Execution, Failure},
    functions::{Param, Signature, signature},
    instant,
    tree::{Node, Operand, OperandKind},
    value::Value,
};

/// What the command before handed on.
#[derive(Debug, Clone)]
pub(super) enum Final {
    Missing,
    Value(Value),
}

impl<'t> Execution<'t> {
    /// A function with arguments; `node` is what messages about its own errors name.
    pub(super) fn call(
        &mut self,
        dot: &Value,
        name: &'t str,
        node: Node<'t>,
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        let Some(signature) = signature(name) else {
            return Err(format!("{} is not a defined function", super::quote::quoted(name)));
        };
        check_count(signature, args.len(), &last)?;
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, name == "or", args, last);
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for (index, operand) in args.iter().enumerate() {
            values.push(self.argument(dot, signature.param(index), operand)?);
        }
        if let Final::Value(value) = last {
            values.push(fitting(value, signature.param(args.len()))?);
        }
        let called = (signature.run)(self, &values);
        called.map_err(|message| {
            self.at(node);
            format!("error calling {name}: {message}")
        })
    }

    /// `and` and `or`: the first argument that decides, or the last.
    fn short_circuit(
        &mut self,
        dot: &Value,
        decides: bool,
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        let mut value = Value::Nil;
        for operand in args {
            value = self.argument(dot, Param::Value, operand)?;
            if value.truth() == decides {
                return Ok(value);
            }
        }
        Ok(if let Final::Value(last) = last { last } else { value })
    }

    fn argument(&mut self, dot: &Value, param: Param, operand: &'t Operand) -> Result<Value, Failure> {
        self.at(Node::Operand(operand));
        match &operand.kind {
            OperandKind::Nil if param == Param::String => Err("cannot assign nil to string".to_owned()),
            OperandKind::Nil => Ok(Value::Nil),
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::String { .. } => match param {
                Param::Any | Param::Value => self.constant(dot, operand),
                Param::String => match &operand.kind {
                    OperandKind::String { text, .. } => Ok(Value::string(text)),
                    _ => Err(format!("expected string; found {operand}")),
                },
                Param::Vector | Param::Sample => {
                    Err(format!("can't handle {operand} for arg of type {}", param.type_name()))
                }
            },
            _ => {
                let value = self.untyped(dot, operand)?;
                fitting(value, param)
            }
        }
    }

    /// The value of an operand that no type is asked of.
    pub(super) fn untyped(&mut self, dot: &Value, operand: &'t Operand) -> Result<Value, Failure> {
        self.at(Node::Operand(operand));
        match &operand.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Nil => Err("indirection through explicit nil in nil".to_owned()),
            OperandKind::Field(names) => self.fields(dot, dot.clone(), names, &[], Final::Missing),
            OperandKind::Variable(names) => self.variable(dot, operand, names, &[], Final::Missing),
            OperandKind::Pipe(pipe) => self.nested(|run| run.pipeline(dot, pipe)),
            OperandKind::Function(name) => self.call(dot, name, Node::Operand(operand), &[], Final::Missing),
            OperandKind::Chain(..) => self.chain(dot, operand, &[], Final::Missing),
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::String { .. } => {
                self.constant(dot, operand)
            }
        }
    }

    /// A method of an instant or a duration.
    pub(super) fn method(
        &mut self,
        dot: &Value,
        receiver: &Value,
        name: &'t str,
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        let plain = match receiver {
            Value::Time(millis) => instant::time_method(*millis, name),
            Value::Duration(nanos) => instant::duration_method(*nanos, name),
            _ => None,
        };
        let given = args.len() + usize::from(matches!(last, Final::Value(_)));
        if let Some(value) = plain {
            return if given == 0 { Ok(value) } else { Err(wrong_count(name, "", 0, given)) };
        }
        let millis = match receiver {
            Value::Time(millis) if name == "Format" => *millis,
            _ => {
                let type_name = receiver.type_name();
                return Err(format!("can't evaluate field {name} in type {type_name}"));
            }
        };
        if given != 1 {
            return Err(wrong_count(name, "", 1, given));
        }
        let layout = match (args.first(), last) {
            (Some(operand), _) => self.argument(dot, Param::String, operand)?,
            (None, Final::Value(value)) => fitting(value, Param::String)?,
            (None, Final::Missing) => Value::Nil,
        };
        let Value::String(layout) = layout else { return Ok(Value::Nil) };
        Ok(Value::String(instant::formatted(millis, &layout).into()))
    }
}

fn wrong_count(name: &str, at_least: &str, want: usize, got: usize) -> Failure {
    format!("wrong number of args for {name}: want {at_least}{want} got {got}")
}

fn check_count(signature: &Signature, args: usize, last: &Final) -> Result<(), Failure> {
    let given = args + usize::from(matches!(last, Final::Value(_)));
    let fixed = signature.params.len();
    match signature.rest {
        Some(_) if given < fixed => Err(wrong_count(signature.name, "at least ", fixed, args)),
        None if given != fixed => Err(wrong_count(signature.name, "", fixed, given)),
        _ => Ok(()),
    }
}

/// A value where a type is asked for.
fn fitting(value: Value, param: Param) -> Result<Value, Failure> {
    match (param, &value) {
        (Param::Any | Param::Value, _)
        | (Param::String, Value::String(_))
        | (Param::Vector, Value::Vector(_) | Value::Nil)
        | (Param::Sample, Value::Sample(_) | Value::Nil) => Ok(value),
        (Param::String, Value::Nil) => Err("invalid value; expected string".to_owned()),
        _ => {
            let (want, got) = (param.type_name(), value.type_name());
            Err(format!("wrong type for value; expected {want}; got {got}"))
        }
    }
}
