//! Series: labels, metric kinds, and the text in which Prometheus reads them.
//!
//! Owns: [`Labels`], [`Family`], [`Histogram`], [`Page`] (writes exposition text), [`parse`] and
//! [`read_history`] (read it), [`Gather`]; [`Matcher`], [`Select`] (reads series) and [`Columns`] (holds them in memory).
//! Must not know: which metrics there are, HTTP, the clock.
//! Invariants: labels are sorted and unique; a page holds each series once; histogram buckets are cumulative only
//! in text.
//! Start reading at: [`Page`].

mod columns;
mod exposition;
mod family;
mod labels;
mod matcher;
mod quote;
mod regexp;
mod replacement;
mod select;

pub use columns::{AppendError, Columns, SeriesId};
pub use exposition::{
    Entry, FamilyKind, Format, History, Page, PageError, Pairs, ParseError, ParseErrorKind, Sample, Scan,
    ScanError, Scanned, ScannedExemplar, Values, Wrong, parse, read_history, series_labels,
};
pub use family::{Family, Histogram, Kind};
pub use labels::{Labels, LabelsEdit, LabelsError, METRIC_NAME};
pub use matcher::{MatchOp, Matcher};
pub use quote::{quoted, quoted_char};
pub use regexp::{PatternError, anchored, unanchored};
pub use replacement::{Groups, Pattern, Replacement};
pub use select::{STALE, Select, SelectError, Selected, Selection, Span as TimeSpan, is_stale};

use crate::time::Timestamp;

/// Something that can say what its metrics are now.
pub trait Gather {
    /// Appends the whole page, as it is at `now`, to `out`.
    fn gather(&mut self, now: Timestamp, format: Format, out: &mut Vec<u8>);
}
