//! Reading a `WriteRequest` where it lies.

use super::{
    WriteError,
    wire::{Fields, Value},
};
use crate::time::Timestamp;

/// What a request is made of.
#[derive(Debug, Clone)]
pub enum Part<'a> {
    Series(Series<'a>),
    Metadata(MetricMetadata<'a>),
}

/// A series and its samples, not yet taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a>(&'a [u8]);

/// What a family is. Text that is no UTF-8 is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricMetadata<'a> {
    pub family: &'a str,
    /// As the API spells it.
    pub kind: &'static str,
    pub help: &'a str,
    pub unit: &'a str,
}

/// An exemplar; `labels` is `None` where they are no UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar<'a> {
    pub labels: Option<Vec<(&'a str, &'a str)>>,
    pub value: f64,
    pub at: Timestamp,
}

const SERIES: &str = "TimeSeries";

/// The parts of a request, in their order.
pub fn parts(message: &[u8]) -> impl Iterator<Item = Result<Part<'_>, WriteError>> {
    let mut fields = Fields::new("WriteRequest", message);
    std::iter::from_fn(move || {
        loop {
            match fields.next()? {
                Ok((1, Value::Bytes(series))) => return Some(Ok(Part::Series(Series(series)))),
                Ok((3, Value::Bytes(metadata))) => return Some(read_metadata(metadata).map(Part::Metadata)),
                Ok((number @ (1 | 3), value)) => return Some(Err(fields.wrong(number, value))),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Refuses a request with a mistake anywhere, so that none is taken in part.
pub fn validate(message: &[u8]) -> Result<(), WriteError> {
    for part in parts(message) {
        let Part::Series(series) = part? else { continue };
        for field in series.fields() {
            match field? {
                (1, Value::Bytes(label)) => read_label(label).map(drop)?,
                (2, Value::Bytes(sample)) => read_sample(sample).map(drop)?,
                (3, Value::Bytes(exemplar)) => read_exemplar(exemplar).map(drop)?,
                (4, Value::Bytes(histogram)) => {
                    Fields::new("Histogram", histogram).try_for_each(|field| field.map(drop))?;
                }
                (number @ 1..=4, value) => return Err(series.fields().wrong(number, value)),
                _ => {}
            }
        }
    }
    Ok(())
}

impl<'a> Series<'a> {
    fn fields(self) -> Fields<'a> {
        Fields::new(SERIES, self.0)
    }

    /// The messages in a repeated field.
    fn repeated(self, number: u64) -> impl Iterator<Item = Result<&'a [u8], WriteError>> {
        self.fields().filter_map(move |field| match field {
            Ok((found, Value::Bytes(bytes))) if found == number => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// The bytes of all labels, where they stand together as senders write them: equal ones are equal labels.
    pub fn label_bytes(self) -> Option<&'a [u8]> {
        let mut fields = self.fields();
        let mut end = 0;
        while let Some(Ok((1, Value::Bytes(_)))) = fields.next() {
            end = self.0.len() - fields.rest();
        }
        let more = self
            .fields()
            .skip_while(|field| matches!(field, Ok((1, _))))
            .any(|field| matches!(field, Ok((1, _)) | Err(_)));
        (!more).then(|| &self.0[..end])
    }

    /// Names and values as they were sent; `None` where they are no UTF-8.
    pub fn labels(self) -> Result<Option<Vec<(&'a str, &'a str)>>, WriteError> {
        self.repeated(1).map(|label| read_label(label?)).collect()
    }

    pub fn samples(self) -> Samples<'a> {
        Samples(self.fields())
    }

    pub fn exemplars(self) -> impl Iterator<Item = Result<Exemplar<'a>, WriteError>> {
        self.repeated(3).map(|exemplar| read_exemplar(exemplar?))
    }

    /// How many native histograms there are.
    pub fn histograms(self) -> Result<usize, WriteError> {
        self.repeated(4).try_fold(0, |count, histogram| histogram.map(|_| count + 1))
    }
}

/// The samples of a series, in their order.
#[derive(Debug, Clone)]
pub struct Samples<'a>(Fields<'a>);

impl Iterator for Samples<'_> {
    type Item = Result<(Timestamp, f64), WriteError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.next()? {
                Ok((2, Value::Bytes(sample))) => return Some(read_sample(sample)),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn read_label(message: &[u8]) -> Result<Option<(&str, &str)>, WriteError> {
    let (mut name, mut value) = (Some(""), Some(""));
    let mut fields = Fields::new("Label", message);
    while let Some(field) = fields.next() {
        match field? {
            (1, Value::Bytes(bytes)) => name = text(bytes),
            (2, Value::Bytes(bytes)) => value = text(bytes),
            (number @ (1 | 2), value) => return Err(fields.wrong(number, value)),
            _ => {}
        }
    }
    Ok(name.zip(value))
}

fn read_sample(message: &[u8]) -> Result<(Timestamp, f64), WriteError> {
    let (mut at, mut value) = (0, 0.0);
    let mut fields = Fields::new("Sample", message);
    while let Some(field) = fields.next() {
        match field? {
            (1, Value::Fixed64(bits)) => value = f64::from_bits(bits),
            (2, Value::Varint(number)) => at = number.cast_signed(),
            (number @ (1 | 2), value) => return Err(fields.wrong(number, value)),
            _ => {}
        }
    }
    Ok((Timestamp(at), value))
}

fn read_exemplar(message: &[u8]) -> Result<Exemplar<'_>, WriteError> {
    let mut exemplar = Exemplar { labels: Some(Vec::new()), value: 0.0, at: Timestamp(0) };
    let mut fields = Fields::new("Exemplar", message);
    while let Some(field) = fields.next() {
        match field? {
            (1, Value::Bytes(label)) => match (read_label(label)?, &mut exemplar.labels) {
                (Some(label), Some(labels)) => labels.push(label),
                _ => exemplar.labels = None,
            },
            (2, Value::Fixed64(bits)) => exemplar.value = f64::from_bits(bits),
            (3, Value::Varint(number)) => exemplar.at = Timestamp(number.cast_signed()),
            (number @ 1..=3, value) => return Err(fields.wrong(number, value)),
            _ => {}
        }
    }
    Ok(exemplar)
}

/// `MetricMetadata.MetricType`, by number.
pub(super) const KINDS: [&str; 8] =
    ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

fn read_metadata(message: &[u8]) -> Result<MetricMetadata<'_>, WriteError> {
    let mut metadata = MetricMetadata { family: "", kind: KINDS[0], help: "", unit: "" };
    let mut fields = Fields::new("MetricMetadata", message);
    while let Some(field) = fields.next() {
        match field? {
            (1, Value::Varint(kind)) => {
                let index = usize::try_from(kind).unwrap_or(usize::MAX);
                metadata.kind = KINDS.get(index).copied().unwrap_or(KINDS[0]);
            }
            (2, Value::Bytes(bytes)) => metadata.family = text(bytes).unwrap_or_default(),
            (4, Value::Bytes(bytes)) => metadata.help = text(bytes).unwrap_or_default(),
            (5, Value::Bytes(bytes)) => metadata.unit = text(bytes).unwrap_or_default(),
            (number @ (1 | 2 | 4 | 5), value) => return Err(fields.wrong(number, value)),
            _ => {}
        }
    }
    Ok(metadata)
}
