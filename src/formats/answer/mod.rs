//! What a query of Prometheus' HTTP API answers (<https://prometheus.io/docs/prometheus/latest/querying/api/>).

mod csv;
mod escape;
mod evaluated;
mod json;
mod number;
mod read;
mod writer;

pub use csv::to_csv;
pub use evaluated::{Shown, evaluated_to_json, push_remarks};
pub use json::to_json;
pub use number::number_text;
pub use read::{AnswerError, from_json};
pub use writer::{Json, Object};

use crate::{series::Labels, time::Timestamp};

/// A query's answer, with what was noticed on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub data: Data,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Scalar(Timestamp, f64),
    String(Timestamp, String),
    /// One sample for each series.
    Vector(Vec<Series>),
    /// Samples of each series, oldest first.
    Matrix(Vec<Series>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// With `__name__`, where the series has a name.
    pub labels: Labels,
    pub samples: Vec<(Timestamp, f64)>,
    /// How many native histograms came with it; they are not read.
    pub histograms: usize,
}

impl Answer {
    pub fn new(data: Data) -> Self {
        Self { data, warnings: Vec::new(), infos: Vec::new() }
    }
}

impl Data {
    /// As the API calls it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Scalar(..) => "scalar",
            Self::String(..) => "string",
            Self::Vector(_) => "vector",
            Self::Matrix(_) => "matrix",
        }
    }

    /// None for scalars and strings.
    pub fn series(&self) -> &[Series] {
        match self {
            Self::Scalar(..) | Self::String(..) => &[],
            Self::Vector(series) | Self::Matrix(series) => series,
        }
    }
}
