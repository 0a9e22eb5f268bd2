//! Calls of functions over ranges by hand.

use crate::{
    promql::syntax::{Call, Expr, ExprKind, Extension, Number, ValueType, function},
    series::{Labels, is_stale},
    text::Span,
    time::Timestamp,
};

use super::{Annotations, Grid, RangeCall, RangeSeries, Window, range_function};

pub(super) use crate::series::STALE;

const LOOKBACK: i64 = 300;

/// A call of a function; each argument is a number with a span of its own, whatever the function wants.
pub(super) fn call(name: &str) -> Call {
    let function = function(name).unwrap_or_else(|| panic!("there is no function `{name}`"));
    let args = (0..function.args.len().max(2))
        .map(|index| Expr {
            kind: ExprKind::Number(Number { value: 0.0, is_duration: false }),
            span: Span::new(10 * (index + 1), 10 * (index + 1) + 5),
        })
        .collect();
    Call { function, name_span: Span::new(0, name.len()), args }
}

/// Samples and instants are in seconds. The windows are of the function's range, and reach out with an extension.
fn ask(
    name: &str,
    metric: &str,
    extension: Option<Extension>,
    scalars: &[Vec<f64>],
    samples: &[(i64, f64)],
    range: i64,
    ends: &[i64],
) -> (Result<Vec<f64>, String>, Annotations) {
    let times: Vec<_> = samples.iter().map(|(at, _)| Timestamp(at * 1000)).collect();
    let values: Vec<_> = samples.iter().map(|(_, value)| *value).collect();
    let labels: Labels = [("__name__", metric)].into_iter().collect();
    let series = RangeSeries { labels: &labels, times: &times, values: &values };
    let (before, after) = match extension {
        None => (0, 0),
        Some(Extension::Anchored) => (LOOKBACK, 0),
        Some(Extension::Smoothed) => (LOOKBACK, LOOKBACK),
    };
    let until = |at: i64| u32::try_from(times.partition_point(|time| time.0 <= at * 1000)).unwrap();
    let windows: Vec<_> = ends
        .iter()
        .map(|end| Window { lo: until(end - range - before), hi: until(end + after), end: end * 1000 })
        .collect();
    let step = ends.get(1).map_or(1, |second| ((second - ends[0]) * 1000).max(1));
    let call = call(name);
    let asked = RangeCall {
        call: &call,
        grid: Grid { start: ends[0] * 1000, step, count: ends.len() },
        range: range * 1000,
        extension,
        scalars,
    };
    let mut out = vec![STALE; ends.len()];
    let mut annotations = Annotations::default();
    let result = range_function(&asked, &series, &windows, &mut out, &mut annotations);
    (result.map(|()| out).map_err(|error| error.to_string()), annotations)
}

pub(super) fn outcome(
    name: &str,
    scalars: &[Vec<f64>],
    samples: &[(i64, f64)],
    range: i64,
    ends: &[i64],
) -> Result<Vec<f64>, String> {
    ask(name, "m_total", None, scalars, samples, range, ends).0
}

/// What is remarked at one instant, with a range of a minute; each with the beginning of its span.
pub(super) fn remarks(
    name: &str,
    scalars: &[Vec<f64>],
    metric: &str,
    samples: &[(i64, f64)],
    end: i64,
) -> Vec<String> {
    let (_, annotations) = ask(name, metric, None, scalars, samples, 60, &[end]);
    annotations.iter().map(|remark| format!("{} {}", remark.span.start, remark.message)).collect()
}

/// Equal up to the last digits, a zero with its sign, NaN as NaN, no sample as no sample.
#[track_caller]
pub(super) fn assert_values(got: &[f64], expect: &[f64]) {
    let same = |(got, expect): (&f64, &f64)| {
        if is_stale(*got) || is_stale(*expect) {
            return is_stale(*got) && is_stale(*expect);
        }
        got.to_bits() == expect.to_bits()
            || got.is_nan() && expect.is_nan()
            || *expect != 0.0 && ((got - expect) / expect).abs() < 1e-14
    };
    assert!(got.len() == expect.len() && got.iter().zip(expect).all(same), "{got:?} is not {expect:?}");
}

#[track_caller]
pub(super) fn check(name: &str, samples: &[(i64, f64)], range: i64, ends: &[i64], expect: &[f64]) {
    assert_values(&ask(name, "m_total", None, &[], samples, range, ends).0.unwrap(), expect);
}

#[track_caller]
pub(super) fn check_scalars(
    name: &str,
    scalars: &[Vec<f64>],
    samples: &[(i64, f64)],
    range: i64,
    ends: &[i64],
    expect: &[f64],
) {
    assert_values(&ask(name, "m_total", None, scalars, samples, range, ends).0.unwrap(), expect);
}

#[track_caller]
pub(super) fn check_extended(
    name: &str,
    extension: Extension,
    samples: &[(i64, f64)],
    range: i64,
    ends: &[i64],
    expect: &[f64],
) {
    assert_values(&ask(name, "m_total", Some(extension), &[], samples, range, ends).0.unwrap(), expect);
}

/// All steps at once give the bits that each gives alone, over samples with gaps, resets, levels, NaN and infinities.
#[track_caller]
pub(super) fn check_instants(name: &str, scalars: &[f64]) {
    let function = function(name).unwrap();
    assert!(function.args.contains(&ValueType::RangeVector));
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut samples = Vec::new();
    let (mut at, mut value) = (0, 0.0);
    for _ in 0..400 {
        at += if next(10) == 0 { i64::try_from(next(70)).unwrap() + 1 } else { 15 };
        match next(40) {
            0 => value = 0.0,
            1 => value = -value,
            2..8 => {}
            _ => value += next(1_000_000) as f64 / 997.0,
        }
        let odd = match next(150) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::MAX,
            _ => value,
        };
        samples.push((at, odd));
    }
    for (range, step) in [(60, 15), (300, 15), (100, 40), (20, 60), (900, 5)] {
        let ends: Vec<i64> = (0..at / step).map(|index| index * step).collect();
        let columns: Vec<_> = scalars.iter().map(|scalar| vec![*scalar; ends.len()]).collect();
        let single: Vec<_> = scalars.iter().map(|scalar| vec![*scalar]).collect();
        let together = outcome(name, &columns, &samples, range, &ends).unwrap();
        for (end, value) in ends.iter().zip(together) {
            let alone = outcome(name, &single, &samples, range, &[*end]).unwrap()[0];
            let same = alone.to_bits() == value.to_bits()
                || alone.is_nan() && value.is_nan() && is_stale(alone) == is_stale(value);
            assert!(same, "{name}[{range}s] at {end} s: {alone} alone, {value} with the others");
        }
    }
}
