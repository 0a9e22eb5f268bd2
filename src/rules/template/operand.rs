//! Operands: constants, variables, fields.

use super::{
    call::Final,
    execute::{Execution, Failure},
    tree::{Node, Number, Operand, OperandKind},
    value::Value,
};

impl<'t> Execution<'t> {
    /// A value that is written down, as what it is without a type to fit.
    pub(super) fn constant(&mut self, dot: &Value, operand: &'t Operand) -> Result<Value, Failure> {
        self.at(Node::Operand(operand));
        match &operand.kind {
            OperandKind::Bool(value) => Ok(Value::Bool(*value)),
            OperandKind::String { text, .. } => Ok(Value::string(text)),
            OperandKind::Number(number) => ideal(number),
            _ => Ok(dot.clone()),
        }
    }

    pub(super) fn variable(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        self.at(Node::Operand(operand));
        let (name, fields) = names.split_first().expect("a variable has a name");
        let found = self.variables.iter().rev().find(|(have, _)| have == name);
        let value =
            found.map(|(_, value)| value.clone()).ok_or_else(|| format!("undefined variable: {name}"))?;
        if fields.is_empty() {
            not_a_function(operand, args, &last)?;
            return Ok(value);
        }
        self.fields(dot, value, fields, args, last)
    }

    pub(super) fn chain(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        self.at(Node::Operand(operand));
        let OperandKind::Chain(inner, names) = &operand.kind else { return Ok(Value::Nil) };
        let value = self.nested(|run| run.untyped(dot, inner))?;
        self.fields(dot, value, names, args, last)
    }

    /// `.a.b.c` of a value; the last of them gets the arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Value,
        receiver: Value,
        names: &'t [String],
        args: &'t [Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        let (end, path) = names.split_last().expect("a chain has a field");
        let mut receiver = receiver;
        let mut type_name = receiver.type_name();
        for name in path {
            let any = matches!(receiver, Value::Data(_) | Value::Sample(_)) && name == "Value";
            receiver = self.field(&receiver, name, type_name, &[], Final::Missing)?;
            type_name = if any { "interface {}" } else { receiver.type_name() };
        }
        if let Value::Time(_) | Value::Duration(_) = receiver {
            return self.method(dot, &receiver, end, args, last);
        }
        self.field(&receiver, end, type_name, args, last)
    }

    /// A field of a struct or an entry of a map.
    pub(super) fn field(
        &mut self,
        receiver: &Value,
        name: &'t str,
        type_name: &str,
        args: &[Operand],
        last: Final,
    ) -> Result<Value, Failure> {
        let has_args = !args.is_empty() || matches!(last, Final::Value(_));
        let found = match receiver {
            Value::Nil => return Ok(Value::Nil),
            Value::Map(_) if has_args => return Err(format!("{name} is not a method but has arguments")),
            Value::Map(map) => return Ok(map.get(name)),
            Value::Sample(sample) => match name {
                "Labels" => Some(Value::Map(sample.labels.clone())),
                "Value" => Some(Value::Float(sample.value)),
                _ => None,
            },
            Value::Data(data) => match name {
                "Labels" => Some(Value::Map(data.labels.clone())),
                "ExternalLabels" => Some(Value::Map(data.external_labels.clone())),
                "ExternalURL" => Some(Value::String(data.external_url.clone())),
                "Value" => Some(Value::Float(data.value)),
                _ => None,
            },
            Value::Time(_) | Value::Duration(_) => {
                return self.method(&Value::Nil, receiver, name, &[], last);
            }
            _ => None,
        };
        match found {
            Some(_) if has_args => Err(format!("{name} has arguments but cannot be invoked as function")),
            Some(value) => Ok(value),
            None => Err(format!("can't evaluate field {name} in type {type_name}")),
        }
    }
}

pub(super) fn not_a_function(operand: &Operand, args: &[Operand], last: &Final) -> Result<(), Failure> {
    if args.is_empty() && matches!(last, Final::Missing) {
        return Ok(());
    }
    Err(format!("can't give argument to non-function {operand}"))
}

/// A number without a type to fit: its writing says what it is.
fn ideal(number: &Number) -> Result<Value, Failure> {
    let text = &number.text;
    let lower = text.to_ascii_lowercase();
    let is_hexadecimal = lower.starts_with("0x") && !lower.contains('p');
    let is_float = !is_hexadecimal && !text.starts_with('\'') && lower.contains(['.', 'e', 'p']);
    match (number.float, number.integer) {
        (Some(float), _) if is_float => Ok(Value::Float(float)),
        (_, Some(integer)) => Ok(Value::Int(integer)),
        _ => Err(format!("{text} overflows int")),
    }
}
