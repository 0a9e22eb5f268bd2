//! Exposition text: Prometheus text 0.0.4 and `OpenMetrics` 1.0.0, written and read.
//!
//! Owns: [`Format`], [`Page`], [`parse`], [`read_history`], and [`Scan`], which reads a page as a scrape does.
//! Must not know: which metrics there are, HTTP.
//! Invariants: what a page writes, [`parse`] reads back with equal values.
//! Start reading at: [`Page`].

mod history;
mod number;
mod page;
mod read;
mod scan;

pub use history::{History, read_history};
pub use page::{Page, PageError, Values};
pub use read::{ParseError, ParseErrorKind, Sample, parse};
pub use scan::{Entry, FamilyKind, Pairs, Scan, ScanError, Scanned, ScannedExemplar, Wrong, series_labels};

/// The text formats that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    Text,
    /// `OpenMetrics` 1.0.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
    OpenMetrics,
}

impl Format {
    /// The HTTP content type that announces it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
