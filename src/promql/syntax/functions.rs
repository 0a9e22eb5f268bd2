//! The functions of the language and their types
//! (<https://prometheus.io/docs/prometheus/latest/querying/functions/>, Prometheus 3.16).

use super::ast::ValueType;

/// A function of the language.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: &'static str,
    /// Types of the arguments; where more are given, the last holds for the rest.
    pub args: &'static [ValueType],
    pub arity: Arity,
    pub returns: ValueType,
    /// Behind Prometheus' `promql-experimental-functions`.
    pub experimental: bool,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// As many as there are types.
    Fixed,
    /// The last type may be left out, or be given up to this many times.
    Optional(usize),
    /// The last type may be left out, or be given any number of times.
    AtLeast,
}

const S: ValueType = ValueType::Scalar;
const T: ValueType = ValueType::String;
const V: ValueType = ValueType::InstantVector;
const M: ValueType = ValueType::RangeVector;

const fn stable(
    name: &'static str,
    args: &'static [ValueType],
    arity: Arity,
    returns: ValueType,
) -> Function {
    Function { name, args, arity, returns, experimental: false }
}

const fn experimental(
    name: &'static str,
    args: &'static [ValueType],
    arity: Arity,
    returns: ValueType,
) -> Function {
    Function { name, args, arity, returns, experimental: true }
}

/// The function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    let index = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    Some(&FUNCTIONS[index])
}

/// All functions, sorted by name.
pub static FUNCTIONS: &[Function] = &[
    stable("abs", &[V], Arity::Fixed, V),
    stable("absent", &[V], Arity::Fixed, V),
    stable("absent_over_time", &[M], Arity::Fixed, V),
    stable("acos", &[V], Arity::Fixed, V),
    stable("acosh", &[V], Arity::Fixed, V),
    stable("asin", &[V], Arity::Fixed, V),
    stable("asinh", &[V], Arity::Fixed, V),
    stable("atan", &[V], Arity::Fixed, V),
    stable("atanh", &[V], Arity::Fixed, V),
    stable("avg_over_time", &[M], Arity::Fixed, V),
    stable("ceil", &[V], Arity::Fixed, V),
    stable("changes", &[M], Arity::Fixed, V),
    stable("clamp", &[V, S, S], Arity::Fixed, V),
    stable("clamp_max", &[V, S], Arity::Fixed, V),
    stable("clamp_min", &[V, S], Arity::Fixed, V),
    stable("cos", &[V], Arity::Fixed, V),
    stable("cosh", &[V], Arity::Fixed, V),
    stable("count_over_time", &[M], Arity::Fixed, V),
    stable("day_of_month", &[V], Arity::Optional(1), V),
    stable("day_of_week", &[V], Arity::Optional(1), V),
    stable("day_of_year", &[V], Arity::Optional(1), V),
    stable("days_in_month", &[V], Arity::Optional(1), V),
    stable("deg", &[V], Arity::Fixed, V),
    stable("delta", &[M], Arity::Fixed, V),
    stable("deriv", &[M], Arity::Fixed, V),
    experimental("double_exponential_smoothing", &[M, S, S], Arity::Fixed, V),
    experimental("end", &[], Arity::Fixed, S),
    stable("exp", &[V], Arity::Fixed, V),
    stable("first_over_time", &[M], Arity::Fixed, V),
    stable("floor", &[V], Arity::Fixed, V),
    stable("histogram_avg", &[V], Arity::Fixed, V),
    stable("histogram_count", &[V], Arity::Fixed, V),
    stable("histogram_fraction", &[S, S, V], Arity::Fixed, V),
    stable("histogram_quantile", &[S, V], Arity::Fixed, V),
    experimental("histogram_quantiles", &[V, T, S, S], Arity::Optional(9), V),
    stable("histogram_stddev", &[V], Arity::Fixed, V),
    stable("histogram_stdvar", &[V], Arity::Fixed, V),
    stable("histogram_sum", &[V], Arity::Fixed, V),
    stable("hour", &[V], Arity::Optional(1), V),
    stable("idelta", &[M], Arity::Fixed, V),
    stable("increase", &[M], Arity::Fixed, V),
    experimental("info", &[V, V], Arity::Optional(1), V),
    experimental("integral", &[M, S], Arity::Optional(1), V),
    stable("irate", &[M], Arity::Fixed, V),
    stable("label_join", &[V, T, T, T], Arity::AtLeast, V),
    stable("label_replace", &[V, T, T, T, T], Arity::Fixed, V),
    stable("last_over_time", &[M], Arity::Fixed, V),
    stable("ln", &[V], Arity::Fixed, V),
    stable("log10", &[V], Arity::Fixed, V),
    stable("log2", &[V], Arity::Fixed, V),
    experimental("mad_over_time", &[M], Arity::Fixed, V),
    experimental("max_of", &[S, S], Arity::Fixed, S),
    stable("max_over_time", &[M], Arity::Fixed, V),
    experimental("min_of", &[S, S], Arity::Fixed, S),
    stable("min_over_time", &[M], Arity::Fixed, V),
    stable("minute", &[V], Arity::Optional(1), V),
    stable("month", &[V], Arity::Optional(1), V),
    stable("pi", &[], Arity::Fixed, S),
    stable("predict_linear", &[M, S], Arity::Fixed, V),
    stable("present_over_time", &[M], Arity::Fixed, V),
    stable("quantile_over_time", &[S, M], Arity::Fixed, V),
    stable("rad", &[V], Arity::Fixed, V),
    experimental("range", &[], Arity::Fixed, S),
    stable("rate", &[M], Arity::Fixed, V),
    stable("resets", &[M], Arity::Fixed, V),
    stable("round", &[V, S], Arity::Optional(1), V),
    stable("scalar", &[V], Arity::Fixed, S),
    stable("sgn", &[V], Arity::Fixed, V),
    stable("sin", &[V], Arity::Fixed, V),
    stable("sinh", &[V], Arity::Fixed, V),
    stable("sort", &[V], Arity::Fixed, V),
    experimental("sort_by_label", &[V, T], Arity::AtLeast, V),
    experimental("sort_by_label_desc", &[V, T], Arity::AtLeast, V),
    stable("sort_desc", &[V], Arity::Fixed, V),
    stable("sqrt", &[V], Arity::Fixed, V),
    experimental("start", &[], Arity::Fixed, S),
    experimental("start_timestamp", &[V], Arity::Fixed, V),
    stable("stddev_over_time", &[M], Arity::Fixed, V),
    stable("stdvar_over_time", &[M], Arity::Fixed, V),
    experimental("step", &[], Arity::Fixed, S),
    stable("sum_over_time", &[M], Arity::Fixed, V),
    stable("tan", &[V], Arity::Fixed, V),
    stable("tanh", &[V], Arity::Fixed, V),
    stable("time", &[], Arity::Fixed, S),
    stable("timestamp", &[V], Arity::Fixed, V),
    experimental("ts_of_first_over_time", &[M], Arity::Fixed, V),
    experimental("ts_of_last_over_time", &[M], Arity::Fixed, V),
    experimental("ts_of_max_over_time", &[M], Arity::Fixed, V),
    experimental("ts_of_min_over_time", &[M], Arity::Fixed, V),
    stable("vector", &[S], Arity::Fixed, V),
    stable("year", &[V], Arity::Optional(1), V),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(function("rate").map(|found| found.returns), Some(V));
        assert_eq!(function("Rate"), None);
    }
}
