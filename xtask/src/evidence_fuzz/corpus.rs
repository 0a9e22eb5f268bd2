//! What is mutated: the corpus of real expressions, and one of each kind that the tables of the language know.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use llmobs::promql::syntax::{Arity, FUNCTIONS, Function, ValueType};

/// From the root of the repository.
const CORPUS: &str = "tests/promql/corpus.promql";

/// Operators of two sides.
pub(super) const OPERATORS: [&str; 18] = [
    "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless", "</",
    ">/",
];

/// Aggregations, with what stands before the vector.
pub(super) const AGGREGATIONS: [(&str, &str); 14] = [
    ("sum", ""),
    ("avg", ""),
    ("count", ""),
    ("min", ""),
    ("max", ""),
    ("group", ""),
    ("stddev", ""),
    ("stdvar", ""),
    ("topk", "2, "),
    ("bottomk", "2, "),
    ("quantile", "0.9, "),
    ("limitk", "2, "),
    ("limit_ratio", "0.5, "),
    ("count_values", "\"value\", "),
];

/// All expressions to begin with, in a fixed order.
pub(super) fn load(repository: &Path) -> anyhow::Result<Vec<String>> {
    let text =
        fs::read_to_string(repository.join(CORPUS)).with_context(|| format!("cannot read `{CORPUS}`"))?;
    let written = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut all: Vec<String> = written.map(str::to_owned).collect();
    ensure!(!all.is_empty(), "`{CORPUS}` is empty");
    for function in FUNCTIONS {
        let least = match function.arity {
            Arity::Fixed => function.args.len(),
            Arity::Optional(_) | Arity::AtLeast => function.args.len().saturating_sub(1),
        };
        let most = match function.arity {
            Arity::Fixed => function.args.len(),
            Arity::Optional(more) => least + more,
            Arity::AtLeast => least + 3,
        };
        all.extend((least..=most).map(|count| call(function, count, "")));
    }
    for (name, param) in AGGREGATIONS {
        for grouping in ["", " by (model)", " without (zone)", " by ()"] {
            all.push(format!("{name}{grouping} ({param}llm_queue_depth)"));
        }
    }
    for operator in OPERATORS {
        for (lhs, rhs) in
            [("llm_queue_depth", "llm_active_requests"), ("llm_nasty", "2"), ("2", "llm_nasty"), ("3", "2")]
        {
            all.push(format!("{lhs} {operator} {rhs}"));
        }
    }
    Ok(all)
}

/// A call with so many arguments, of which the first of a vector's or range's type is the given one, if one is.
pub(super) fn call(function: &Function, count: usize, inner: &str) -> String {
    let mut inner = Some(inner).filter(|inner| !inner.is_empty());
    let args: Vec<String> = (0..count)
        .map(|index| match function.args[index.min(function.args.len() - 1)] {
            ValueType::Scalar => "0.5".to_owned(),
            ValueType::String => "\"model\"".to_owned(),
            ValueType::InstantVector => inner.take().unwrap_or("llm_queue_depth").to_owned(),
            ValueType::RangeVector => match inner.take() {
                Some(inner) if inner.ends_with(']') => inner.to_owned(),
                Some(inner) => format!("({inner})[10m:1m]"),
                None => "llm_requests_total[10m]".to_owned(),
            },
        })
        .collect();
    format!("{}({})", function.name, args.join(", "))
}
