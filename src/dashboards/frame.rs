//! Data of a panel: named columns of equal length.

use std::sync::Arc;

use super::{model::FieldSettings, palette::Colour};
use crate::series::Labels;

/// Columns of equal length, of one query or of several that were merged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    pub ref_id: String,
    /// What the query calls it.
    pub name: Option<String>,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub labels: Labels,
    pub values: Values,
    /// How it is shown; see [`crate::dashboards::display::apply`].
    pub settings: FieldSettings,
    /// What people read.
    pub title: String,
    /// Counts the numeric fields of a panel, for the palette.
    pub index: usize,
    /// Of the palette, by its title.
    pub colour: Option<Colour>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Milliseconds since the epoch.
    Times(Arc<[i64]>),
    /// What is not there is [`crate::series::STALE`].
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Times(times) => times.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::Times(_) | Self::Texts(_) => None,
        }
    }
}

impl Field {
    pub fn new(name: &str, values: Values) -> Self {
        Self {
            name: name.to_owned(),
            labels: Labels::default(),
            values,
            settings: FieldSettings::default(),
            title: name.to_owned(),
            index: 0,
            colour: None,
        }
    }
}

impl Frame {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.fields.iter().map(|field| field.values.len()).max().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first column of instants.
    pub fn times(&self) -> Option<&Arc<[i64]>> {
        self.fields.iter().find_map(|field| match &field.values {
            Values::Times(times) => Some(times),
            Values::Numbers(_) | Values::Texts(_) => None,
        })
    }
}
