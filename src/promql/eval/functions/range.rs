//! Which function over a range does what.

use crate::{
    promql::syntax::{Expr, Extension, Function},
    series::{METRIC_NAME, is_stale},
};

use super::{
    Annotations, EvalError, RangeCall, RangeSeries, Window, extended, extremes, number, over_time,
    rate::{self, Rate},
    regression, smoothing,
};

/// The functions whose result keeps the metric's name.
pub(in crate::promql::eval) fn range_keeps_name(function: &Function) -> bool {
    matches!(function.name, "last_over_time" | "first_over_time")
}

/// Whether a function can be asked of a range with `anchored` or `smoothed`.
pub(in crate::promql::eval) fn check_extension(
    function: &Function,
    extension: Option<Extension>,
) -> Result<(), EvalError> {
    let (word, able): (_, &[&str]) = match extension {
        None => return Ok(()),
        Some(Extension::Anchored) => ("anchored", &["changes", "delta", "increase", "rate", "resets"]),
        Some(Extension::Smoothed) => ("smoothed", &["delta", "increase", "rate"]),
    };
    if able.contains(&function.name) {
        return Ok(());
    }
    Err(EvalError::execution(format!(
        "{word} modifier can only be used with: {} - not with {}",
        able.join(", "),
        function.name
    )))
}

pub(super) fn evaluate(
    call: &RangeCall<'_>,
    series: &RangeSeries<'_>,
    windows: &[Window],
    out: &mut [f64],
    annotations: &mut Annotations,
) -> Result<(), EvalError> {
    let name = call.call.function.name;
    match name {
        "rate" => rates(call, Rate::PerSecond, series, windows, out),
        "increase" => rates(call, Rate::Increase, series, windows, out),
        "delta" => rates(call, Rate::Delta, series, windows, out),
        "irate" => rate::last_two(Rate::PerSecond, series, windows, out),
        "idelta" => rate::last_two(Rate::Delta, series, windows, out),
        "changes" => rate::count_between(call, series, windows, out, |before, value| {
            value != before && !(value.is_nan() && before.is_nan())
        }),
        "resets" => rate::count_between(call, series, windows, out, |before, value| value < before),
        "deriv" => regression::deriv(series, windows, out),
        "predict_linear" => regression::predict_linear(call.grid, scalar(call, 0), series, windows, out),
        "double_exponential_smoothing" => {
            smoothing::double_exponential(scalar(call, 0), scalar(call, 1), series, windows, out)?;
        }
        "integral" => {
            let blamed = call.call.args.get(1).map(span);
            let mut warn = |strategy: f64| {
                let strategy = number::shortest(strategy);
                annotations.warn(
                    format!("strategy should be 0, 1, or 2 (default), using 2, got {strategy}"),
                    blamed.unwrap_or(call.call.name_span),
                );
            };
            smoothing::integral(call.scalars.first().map(Vec::as_slice), series, windows, out, &mut warn);
        }
        "quantile_over_time" => {
            let quantiles = scalar(call, 0);
            over_time::quantiles(quantiles, series, windows, out);
            each_odd(
                windows,
                quantiles,
                |quantile| (0.0..=1.0).contains(&quantile),
                |quantile| {
                    annotations.warn(bad_quantile(quantile), span(&call.call.args[0]));
                },
            );
        }
        "max_over_time" => extremes::extremes(|new, have| new > have, series, windows, out, false),
        "min_over_time" => extremes::extremes(|new, have| new < have, series, windows, out, false),
        "ts_of_max_over_time" => extremes::extremes(|new, have| new >= have, series, windows, out, true),
        "ts_of_min_over_time" => extremes::extremes(|new, have| new <= have, series, windows, out, true),
        _ => over_time::evaluate(name, series, windows, out),
    }
    if matches!(name, "rate" | "increase") {
        doubt_counter(call, series, out, annotations);
    }
    Ok(())
}

fn rates(call: &RangeCall<'_>, kind: Rate, series: &RangeSeries<'_>, windows: &[Window], out: &mut [f64]) {
    match call.extension {
        None => rate::extrapolated(kind, call.range, series, windows, out),
        Some(extension) => extended::rates(kind, extension, call.range, series, windows, out),
    }
}

/// Tells of values that are not as they should be, at steps whose windows have samples; of equal neighbours once.
pub(super) fn each_odd(
    windows: &[Window],
    values: &[f64],
    is_right: impl Fn(f64) -> bool,
    mut tell: impl FnMut(f64),
) {
    let mut told = None;
    for (window, value) in windows.iter().zip(values) {
        if window.lo < window.hi && !is_right(*value) && told != Some(value.to_bits()) {
            told = Some(value.to_bits());
            tell(*value);
        }
    }
}

/// The values of a scalar argument, one for each step.
fn scalar<'a>(call: &RangeCall<'a>, index: usize) -> &'a [f64] {
    call.scalars.get(index).map_or(&[], Vec::as_slice)
}

/// Where an argument is, without the parentheses around it: Prometheus takes these away before it evaluates.
pub(super) fn span(arg: &Expr) -> crate::text::Span {
    arg.unparenthesised().span
}

/// The warning on a quantile outside of `[0, 1]`.
pub(super) fn bad_quantile(quantile: f64) -> String {
    format!("quantile value should be between 0 and 1, got {}", number::shortest(quantile))
}

/// Says so where a rate is taken of what is not called as counters are.
fn doubt_counter(call: &RangeCall<'_>, series: &RangeSeries<'_>, out: &[f64], annotations: &mut Annotations) {
    let Some(name) = series.labels.get(METRIC_NAME) else { return };
    let counter = ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix));
    if !counter && out.iter().any(|value| !is_stale(*value)) {
        annotations.info(
            format!(
                "metric might not be a counter, name does not end in \
                 _total/_sum/_count/_bucket: {}",
                number::quoted(name)
            ),
            span(&call.call.args[0]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::eval::functions::fixture::remarks;
    use crate::promql::syntax::function;

    #[track_caller]
    fn check(name: &str, scalars: &[Vec<f64>], metric: &str, end: i64, expect: &[&str]) {
        assert_eq!(remarks(name, scalars, metric, &[(10, 1.0), (20, 2.0)], end), expect);
    }

    #[test]
    fn what_is_not_called_a_counter_is_doubted() {
        let doubt = "10 metric might not be a counter, name does not end in \
                     _total/_sum/_count/_bucket: \"memory\"";
        check("rate", &[], "memory", 20, &[doubt]);
        check("increase", &[], "memory", 20, &[doubt]);
        check("rate", &[], "memory", 10, &[]);
        check("irate", &[], "memory", 20, &[]);
        check("delta", &[], "memory", 20, &[]);
        check("rate", &[], "", 20, &[]);
        for suffix in ["_total", "_sum", "_count", "_bucket"] {
            check("rate", &[], &format!("memory{suffix}"), 20, &[]);
        }
    }

    #[test]
    fn odd_arguments_are_warned_of_where_there_are_samples() {
        let quantile = ["10 quantile value should be between 0 and 1, got 1.5"];
        check("quantile_over_time", &[vec![1.5]], "m", 20, &quantile);
        check("quantile_over_time", &[vec![1.5]], "m", 99, &[]);
        check("quantile_over_time", &[vec![1.0]], "m", 20, &[]);
        let strategy = ["20 strategy should be 0, 1, or 2 (default), using 2, got NaN"];
        check("integral", &[vec![f64::NAN]], "m", 20, &strategy);
        check("integral", &[vec![f64::NAN]], "m", 99, &[]);
        check("integral", &[], "m", 20, &[]);
    }

    #[test]
    fn few_functions_reach_beyond_the_range() {
        let asked = |name, extension| {
            check_extension(function(name).unwrap(), Some(extension)).map_err(|error| error.to_string())
        };
        assert_eq!(asked("resets", Extension::Anchored), Ok(()));
        assert_eq!(asked("rate", Extension::Smoothed), Ok(()));
        assert_eq!(
            asked("resets", Extension::Smoothed),
            Err("smoothed modifier can only be used with: delta, increase, rate - not with resets".to_owned())
        );
        assert_eq!(
            asked("deriv", Extension::Anchored),
            Err("anchored modifier can only be used with: changes, delta, increase, rate, resets - not with deriv"
                .to_owned())
        );
        assert_eq!(check_extension(function("deriv").unwrap(), None), Ok(()));
    }
}
