//! The derived expressions as functions that templates call.

use std::sync::Arc;

use minijinja::{
    Environment, Error, ErrorKind,
    value::{Kwargs, Rest},
};

use crate::{sources::Quantity, time::PromDuration};

use super::quantities::{Quantities, QuantityError};

/// Makes `requests(window=…, by=[…])` and its kin callable in every template of an environment.
pub(super) fn register(env: &mut Environment<'_>, quantities: &Arc<Quantities>) {
    let sums = [
        ("models", Quantity::Models),
        ("requests", Quantity::Requests),
        ("errors", Quantity::Errors),
        ("input_tokens", Quantity::InputTokens),
        ("output_tokens", Quantity::OutputTokens),
        ("cached_input_tokens", Quantity::CachedInputTokens),
        ("cost", Quantity::Cost),
        ("active", Quantity::Active),
        ("queued", Quantity::Queued),
        ("cache_use", Quantity::CacheUse),
    ];
    for (name, quantity) in sums {
        let q = Arc::clone(quantities);
        env.add_function(name, move |kwargs: Kwargs| {
            let others = kwargs.get::<Option<Vec<String>>>("of_those_with")?.unwrap_or_default();
            let others: Vec<Quantity> =
                others.iter().map(|name| self::quantity(name)).collect::<Result<_, _>>()?;
            let (window, by) = window_and_by(&kwargs)?;
            outcome(q.sum_of_those_with(quantity, &others, &window, &borrowed(&by)))
        });
    }
    let q = Arc::clone(quantities);
    env.add_function("spent", move |kwargs: Kwargs| {
        let (window, by) = window_and_by(&kwargs)?;
        outcome(q.spent(&window, &borrowed(&by)))
    });
    let q = Arc::clone(quantities);
    env.add_function("error_ratio", move |kwargs: Kwargs| {
        let (window, by) = window_and_by(&kwargs)?;
        outcome(q.error_ratio(&window, &borrowed(&by)))
    });
    let q = Arc::clone(quantities);
    env.add_function("failure_ratio", move |kwargs: Kwargs| {
        let (window, by) = window_and_by(&kwargs)?;
        outcome(q.failure_ratio(&window, &borrowed(&by)))
    });
    let q = Arc::clone(quantities);
    env.add_function("quantile", move |share: f64, of: &str, kwargs: Kwargs| {
        let (window, by) = window_and_by(&kwargs)?;
        outcome(q.quantile(share, histogram(of)?, &window, &borrowed(&by)))
    });
    let q = Arc::clone(quantities);
    env.add_function("share_under", move |threshold: &str, of: &str, kwargs: Kwargs| {
        let (window, by) = window_and_by(&kwargs)?;
        let threshold: PromDuration = threshold.parse().map_err(wrong)?;
        outcome(q.share_under(histogram(of)?, threshold, &window, &borrowed(&by)))
    });
    let q = Arc::clone(quantities);
    env.add_function("has", move |name: &str| quantity(name).map(|quantity| q.has(quantity)));
    env.add_function("does_not_apply", || Err::<String, _>(wrong(QuantityError::DoesNotApply)));
    let q = Arc::clone(quantities);
    env.add_function("spend", move |job: &str| outcome(q.spend(job)));
    let q = Arc::clone(quantities);
    env.add_function("own_jobs", move || q.own_jobs());
    let q = Arc::clone(quantities);
    // Whether one quantile serves all targets, or each job has its own.
    env.add_function("one_quantile", move |of: Rest<String>| {
        of.iter().try_fold(true, |all, name| Ok::<_, Error>(all && q.uniform_buckets(histogram(name)?)))
    });
}

/// Why something is left out, where a rendering ended for that reason rather than for a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// No target gives it.
    Unavailable(Quantity),
    /// It is not configured.
    DoesNotApply,
}

/// Whether a rendering ended because something is left out rather than wrong.
pub(super) fn left_out(error: &Error) -> Option<LeftOut> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(current) = cause {
        match current.downcast_ref() {
            Some(QuantityError::Unavailable(quantity)) => return Some(LeftOut::Unavailable(*quantity)),
            Some(QuantityError::DoesNotApply) => return Some(LeftOut::DoesNotApply),
            _ => cause = current.source(),
        }
    }
    None
}

fn window_and_by(kwargs: &Kwargs) -> Result<(String, Vec<String>), Error> {
    let window = kwargs.get::<Option<String>>("window")?.unwrap_or_default();
    let by = kwargs.get::<Option<Vec<String>>>("by")?.unwrap_or_default();
    kwargs.assert_all_used()?;
    Ok((window, by))
}

fn borrowed(labels: &[String]) -> Vec<&str> {
    labels.iter().map(String::as_str).collect()
}

fn outcome(expression: Result<String, QuantityError>) -> Result<String, Error> {
    expression.map_err(wrong)
}

fn wrong(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::InvalidOperation, error.to_string()).with_source(error)
}

fn quantity(name: &str) -> Result<Quantity, Error> {
    Ok(match name {
        "models" => Quantity::Models,
        "requests" => Quantity::Requests,
        "input_tokens" => Quantity::InputTokens,
        "output_tokens" => Quantity::OutputTokens,
        "errors" => Quantity::Errors,
        "cached_input_tokens" => Quantity::CachedInputTokens,
        "cost" => Quantity::Cost,
        "active" => Quantity::Active,
        "queued" => Quantity::Queued,
        "cache_use" => Quantity::CacheUse,
        _ => return histogram(name),
    })
}

fn histogram(name: &str) -> Result<Quantity, Error> {
    Ok(match name {
        "duration" => Quantity::Duration,
        "first_token" => Quantity::FirstToken,
        "per_output_token" => Quantity::PerOutputToken,
        _ => return Err(Error::new(ErrorKind::InvalidOperation, format!("`{name}` is no quantity"))),
    })
}
