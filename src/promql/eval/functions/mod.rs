//! The functions of the language over blocks and windows.
//!
//! A function over a range gets one series and the windows of all steps; one over instants gets whole blocks. What a
//! step answers never depends on the steps beside it: an instant query gives the same bits.

#![expect(clippy::float_cmp, reason = "the language compares exactly")]

mod absent;
mod buckets;
mod compensated;
mod date;
mod extended;
mod extremes;
#[cfg(test)]
mod fixture;
mod histogram;
mod info;
mod instant;
mod labels;
mod math;
mod number;
mod over_time;
mod range;
mod rate;
mod reference;
mod regression;
mod smoothing;
mod sort;

use crate::{
    promql::syntax::{Call, Extension},
    series::Labels,
    time::Timestamp,
};

use super::{
    annotations::Annotations,
    block::{Block, Grid, Value},
    error::EvalError,
    guard::Guard,
};

pub(super) use absent::absent_labels;
pub(super) use compensated::{Mean, Sum};
pub(super) use extended::with_edges;
pub(super) use info::info;
pub(super) use labels::{is_metadata, without_metadata};
pub(super) use math::{max, min};
pub(super) use number::{quoted, shortest};
pub(super) use over_time::quantile;
pub(super) use range::{check_extension, range_keeps_name};
pub(super) use reference::info_reference;

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

/// What a function over a range answers for one series; `out` has a place for each window and is
/// [`STALE`](crate::series::STALE), which stays where there is no result.
///
/// `absent_over_time` says where the series is present. The labels of the result are for the caller, see
/// [`range_keeps_name`].
pub(super) fn range_function(
    call: &RangeCall<'_>,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    annotations: &mut Annotations,
) -> Result<(), EvalError> {
    range::evaluate(call, series, windows, out, annotations)
}

/// What a function without a range answers. Names are dropped where the function drops them; whether label sets are
/// still unique is for the caller to see.
pub(super) fn instant_function(
    call: InstantCall<'_>,
    annotations: &mut Annotations,
) -> Result<Value, EvalError> {
    instant::evaluate(call, annotations)
}
