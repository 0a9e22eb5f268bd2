//! The functions that Go's `text/template` brings.

use std::fmt::Write as _;

use super::{
    execute::{Failure, LONGEST},
    printf, quote,
    value::{Basic, Value},
};

fn bounded(text: String) -> Result<Value, Failure> {
    if text.len() > LONGEST {
        return Err(format!("the result is longer than {LONGEST} bytes"));
    }
    Ok(Value::String(text.into()))
}

pub(super) fn print(values: &[Value]) -> Result<Value, Failure> {
    bounded(printf::print(values))
}

pub(super) fn println(values: &[Value]) -> Result<Value, Failure> {
    bounded(printf::println(values))
}

pub(super) fn printf(values: &[Value]) -> Result<Value, Failure> {
    match values.split_first() {
        Some((Value::String(format), values)) => bounded(printf::printf(format, values)),
        _ => Ok(Value::Nil),
    }
}

/// No value here is a function.
pub(super) fn call(values: &[Value]) -> Result<Value, Failure> {
    match &values[0] {
        Value::Nil => Err("call of nil".to_owned()),
        value => Err(format!("non-function {} of type {}", printf::print(values), value.type_name())),
    }
}

/// A type without its pointer.
fn pointee(value: &Value) -> &'static str {
    value.type_name().trim_start_matches('*')
}

/// A position in something of that length; one past the end is let through, as Go does.
fn position(index: &Value, length: usize) -> Result<usize, Failure> {
    let number = match index {
        Value::Int(number) => *number,
        Value::Byte(number) | Value::Month(number) | Value::Weekday(number) => i64::from(*number),
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    let within = usize::try_from(number).ok().filter(|number| *number <= length);
    within.ok_or_else(|| format!("index out of range: {number}"))
}

pub(super) fn index(values: &[Value]) -> Result<Value, Failure> {
    let mut item = values[0].clone();
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for index in &values[1..] {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::String(text) | Value::Html(text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at).copied();
                Value::Byte(byte.ok_or_else(|| "reflect: string index out of range".to_owned())?)
            }
            Value::Vector(samples) => {
                let at = position(index, samples.len())?;
                let sample = samples.get(at).cloned();
                Value::Sample(sample.ok_or_else(|| "reflect: slice index out of range".to_owned())?)
            }
            Value::Map(map) => match index {
                Value::String(key) => map.get(key),
                Value::Nil => return Err("value is nil; should be of type string".to_owned()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            other => return Err(format!("can't index item of type {}", pointee(other))),
        };
    }
    Ok(item)
}

pub(super) fn slice(values: &[Value]) -> Result<Value, Failure> {
    let (item, indexes) = values.split_first().expect("the count of arguments was checked");
    if matches!(item, Value::Nil) {
        return Err("slice of untyped nil".to_owned());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match item {
        Value::String(_) | Value::Html(_) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::String(text) | Value::Html(text) => text.len(),
        Value::Vector(samples) => samples.len(),
        other => return Err(format!("can't slice item of type {}", pointee(other))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, capacity] = bounds;
    if from > to || (indexes.len() == 3 && to > capacity) {
        let (left, right) = if from > to { (from, to) } else { (to, capacity) };
        return Err(format!("invalid slice index: {left} > {right}"));
    }
    let cut = |text: &str| String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned();
    Ok(match item {
        Value::String(text) => Value::String(cut(text).into()),
        Value::Html(text) => Value::Html(cut(text).into()),
        Value::Vector(samples) => Value::Vector(samples[from..to].into()),
        _ => Value::Nil,
    })
}

pub(super) fn len(value: &Value) -> Result<Value, Failure> {
    let length = match value {
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Value::String(text) | Value::Html(text) => text.len(),
        Value::Map(map) => map.len(),
        Value::Vector(samples) => samples.len(),
        other => return Err(format!("len of type {}", pointee(other))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn incompatible(left: &Value, right: &Value) -> Failure {
    let (left, right) = (left.type_name(), right.type_name());
    format!("incompatible types for comparison: {left} and {right}")
}

fn equal(left: &Value, right: &Value) -> Result<bool, Failure> {
    match (left.basic(), right.basic()) {
        (Some(Basic::Int(int)), Some(Basic::Unsigned(unsigned)))
        | (Some(Basic::Unsigned(unsigned)), Some(Basic::Int(int))) => Ok(u64::try_from(int) == Ok(unsigned)),
        (Some(first), Some(second)) if std::mem::discriminant(&first) == std::mem::discriminant(&second) => {
            Ok(first == second)
        }
        (None, None) => match (left, right) {
            (Value::Nil, Value::Nil) => Ok(true),
            (Value::Sample(left), Value::Sample(right)) => Ok(std::rc::Rc::ptr_eq(left, right)),
            // Instants and durations are pointers, and no two are the same.
            (Value::Nil, _)
            | (_, Value::Nil)
            | (Value::Time(_), Value::Time(_))
            | (Value::Duration(_), Value::Duration(_)) => Ok(false),
            _ => {
                let shown = printf::print(std::slice::from_ref(right));
                Err(format!("non-comparable type {shown}: {}", right.type_name()))
            }
        },
        _ if matches!(left, Value::Nil) || matches!(right, Value::Nil) => Ok(false),
        _ => Err(incompatible(left, right)),
    }
}

/// Whether the first equals any of the others.
pub(super) fn eq(values: &[Value]) -> Result<Value, Failure> {
    let (first, others) = values.split_first().expect("the count of arguments was checked");
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(values: &[Value]) -> Result<Value, Failure> {
    equal(&values[0], &values[1]).map(|equal| Value::Bool(!equal))
}

pub(super) fn less(values: &[Value]) -> Result<bool, Failure> {
    let bad = || "invalid type for comparison".to_owned();
    let (left, right) = (&values[0], &values[1]);
    match (left.basic().ok_or_else(bad)?, right.basic().ok_or_else(bad)?) {
        (Basic::Bool(_), Basic::Bool(_)) => Err(bad()),
        (Basic::Int(left), Basic::Int(right)) => Ok(left < right),
        (Basic::Unsigned(left), Basic::Unsigned(right)) => Ok(left < right),
        (Basic::Int(left), Basic::Unsigned(right)) => Ok(i128::from(left) < i128::from(right)),
        (Basic::Unsigned(left), Basic::Int(right)) => Ok(i128::from(left) < i128::from(right)),
        (Basic::Float(left), Basic::Float(right)) => Ok(left < right),
        (Basic::String(left), Basic::String(right)) => Ok(left < right),
        _ => Err(incompatible(left, right)),
    }
}

/// Less, or equal: so that what is no number is neither.
pub(super) fn less_or_equal(values: &[Value]) -> Result<bool, Failure> {
    Ok(less(values)? || equal(&values[0], &values[1])?)
}

/// The text of arguments; that of one string is the string.
pub(super) fn joined(values: &[Value]) -> String {
    if let [Value::String(text)] = values {
        return text.to_string();
    }
    let shown = |value: &Value| match value {
        Value::Nil => Value::string("<no value>"),
        Value::Sample(_) => Value::String(printf::pointee(value).into()),
        value => value.clone(),
    };
    printf::print(&values.iter().map(shown).collect::<Vec<_>>())
}

pub(super) fn html(values: &[Value]) -> Value {
    let mut out = String::new();
    for c in joined(values).chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    Value::String(out.into())
}

pub(super) fn js(values: &[Value]) -> Value {
    let mut out = String::new();
    for c in joined(values).chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            ' '..='\x7f' => out.push(c),
            c if u32::from(c) >= 0x80 && quote::is_printable(c) => out.push(c),
            c => write!(out, "\\u{:04X}", u32::from(c)).expect("a string takes any text"),
        }
    }
    Value::String(out.into())
}
