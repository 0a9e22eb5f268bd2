//! The values that templates work with, and their Go types.

use std::{collections::BTreeMap, rc::Rc};

use crate::series::Labels;

use super::instant;

/// A value; cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// No value, and Go's nil.
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Byte(u8),
    String(Rc<str>),
    /// Text that HTML templates leave alone; in text it is no string to functions.
    Html(Rc<str>),
    Map(Map),
    /// A result of a query.
    Vector(Rc<[Rc<Sample>]>),
    Sample(Rc<Sample>),
    /// What `.` is at first.
    Data(Rc<Data>),
    /// Milliseconds since the epoch.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
    Month(u8),
    Weekday(u8),
}

/// A map from strings.
#[derive(Debug, Clone)]
pub(super) enum Map {
    Labels(Labels),
    Values(Rc<BTreeMap<String, Value>>),
}

/// An element of a query's result.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) labels: Map,
    pub(super) value: f64,
}

#[derive(Debug)]
pub(super) struct Data {
    pub(super) labels: Map,
    pub(super) external_labels: Map,
    pub(super) external_url: Rc<str>,
    pub(super) value: f64,
}

impl Map {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Labels(labels) => labels.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// The value of a key; the zero value of the map's type where there is none.
    pub(super) fn get(&self, key: &str) -> Value {
        match self {
            Self::Labels(labels) => Value::string(labels.get(key).unwrap_or_default()),
            Self::Values(values) => values.get(key).cloned().unwrap_or(Value::Nil),
        }
    }

    /// In the order of the keys.
    pub(super) fn entries(&self) -> Box<dyn Iterator<Item = (&str, Value)> + '_> {
        match self {
            Self::Labels(labels) => Box::new(labels.iter().map(|(name, value)| (name, Value::string(value)))),
            Self::Values(values) => {
                Box::new(values.iter().map(|(name, value)| (name.as_str(), value.clone())))
            }
        }
    }
}

/// The kinds of values that can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    String(&'v str),
}

impl Value {
    pub(super) fn string(text: &str) -> Self {
        Self::String(text.into())
    }

    /// The name of its type in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Byte(_) => "uint8",
            Self::String(_) => "string",
            Self::Html(_) => "template.HTML",
            Self::Map(Map::Labels(_)) => "map[string]string",
            Self::Map(Map::Values(_)) => "map[string]interface {}",
            Self::Vector(_) => "template.queryResult",
            Self::Sample(_) => "*template.sample",
            Self::Data(_) => {
                "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; \
                 Value interface {} }"
            }
            Self::Time(_) => "*time.Time",
            Self::Duration(_) => "*time.Duration",
            Self::Month(_) => "time.Month",
            Self::Weekday(_) => "time.Weekday",
        }
    }

    /// The text of what has a `String` method.
    pub(super) fn own_text(&self) -> Option<String> {
        match self {
            Self::Time(millis) => Some(instant::text(*millis)),
            Self::Duration(nanos) => Some(instant::duration_text(*nanos)),
            Self::Month(month) => Some(instant::month_name(*month).to_owned()),
            Self::Weekday(day) => Some(instant::weekday_name(*day).to_owned()),
            _ => None,
        }
    }

    /// Whether it is not the zero of its type.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Byte(value) | Self::Month(value) | Self::Weekday(value) => *value != 0,
            Self::String(text) | Self::Html(text) => !text.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Vector(samples) => !samples.is_empty(),
            // Pointers that are there, and structs.
            Self::Sample(_) | Self::Data(_) | Self::Time(_) | Self::Duration(_) => true,
        }
    }

    pub(super) fn basic(&self) -> Option<Basic<'_>> {
        match self {
            Self::Bool(value) => Some(Basic::Bool(*value)),
            Self::Int(value) => Some(Basic::Int(*value)),
            Self::Month(value) | Self::Weekday(value) => Some(Basic::Int(i64::from(*value))),
            Self::Byte(value) => Some(Basic::Unsigned(u64::from(*value))),
            Self::Float(value) => Some(Basic::Float(*value)),
            Self::String(text) | Self::Html(text) => Some(Basic::String(text)),
            _ => None,
        }
    }
}
