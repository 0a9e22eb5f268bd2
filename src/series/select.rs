//! Read access to series.

use std::borrow::Cow;

use crate::time::Timestamp;

use super::{Labels, Matcher};

/// The value that ends a series: a NaN of its own
/// (<https://github.com/prometheus/prometheus/blob/main/model/value/value.go>).
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is the staleness marker, and not just a NaN.
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// An inclusive span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A series and its samples; the two columns are equally long, times ascend strictly.
#[derive(Debug, Clone)]
pub struct Selected<'a> {
    /// With `__name__`.
    pub labels: Labels,
    pub times: Cow<'a, [Timestamp]>,
    /// With staleness markers, see [`STALE`].
    pub values: Cow<'a, [f64]>,
}

/// Why series cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectError(pub String);

/// Series that are read one after the other: a query over a long time holds one of them at a time.
pub type Selection<'a> = Box<dyn Iterator<Item = Selected<'a>> + 'a>;

/// Something that lends its series. A history, a live store and a remote Prometheus are implementations.
pub trait Select {
    /// The series that all matchers accept and that have a sample in the span, each label set once, in the store's
    /// own order. Samples outside the span may come along.
    fn select(&self, matchers: &[Matcher], span: Span) -> Result<Selection<'_>, SelectError>;
}

impl<S: Select + ?Sized> Select for &S {
    fn select(&self, matchers: &[Matcher], span: Span) -> Result<Selection<'_>, SelectError> {
        (**self).select(matchers, span)
    }
}
