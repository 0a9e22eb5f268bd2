//! The functions of the language over blocks and windows.

use crate::{
    promql::syntax::{Call, Extension},
    series::Labels,
    time::Timestamp,
};

use super::{
    annotations::Annotations,
    block::{Grid, Value},
    error::EvalError,
};

/// A series of a range vector: its samples without staleness markers.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangeSeries<'a> {
    /// As selected, with the metric's name.
    pub(super) labels: &'a Labels,
    pub(super) times: &'a [Timestamp],
    pub(super) values: &'a [f64],
}

/// The samples of a range at one step: `lo..hi` are in `(end - range, end]`.
///
/// With an extension they reach further: by the lookback before, and with `smoothed` after the range too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) lo: u32,
    pub(super) hi: u32,
    /// Where the range ends, offset and `@` applied; milliseconds.
    pub(super) end: i64,
}

/// What a range function is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangeCall<'a> {
    pub(super) call: &'a Call,
    pub(super) grid: Grid,
    /// Of the selector or subquery; milliseconds.
    pub(super) range: i64,
    /// Milliseconds.
    pub(super) lookback: i64,
    pub(super) extension: Option<Extension>,
    /// The scalar arguments in their order, each with a value for each step.
    pub(super) scalars: &'a [Vec<f64>],
}

/// What a function without a range is asked; the arguments are evaluated.
#[derive(Debug)]
pub(super) struct InstantCall<'a> {
    pub(super) call: &'a Call,
    pub(super) grid: Grid,
    pub(super) args: Vec<Value>,
}
