//! Parameters of requests.

use super::{
    error::{ApiError, ErrorType},
    go::{self, Instant},
};
use crate::{
    promql::syntax::{self, Expr},
    series::{Matcher, TimeSpan},
    server::http::Asked,
};

/// `time`, `start` or `end`; the default where it is empty.
pub(super) fn time(asked: &Asked, name: &str, default: Instant) -> Result<Instant, ApiError> {
    match asked.value(name) {
        "" => Ok(default),
        text => go::instant(text)
            .map_err(|why| ApiError::parameter(name, format!("invalid time value for '{name}': {why}"))),
    }
}

/// `start` and `end` of a search among series.
pub(super) fn bounds(asked: &Asked) -> Result<(Instant, Instant), ApiError> {
    Ok((time(asked, "start", Instant::MIN)?, time(asked, "end", Instant::MAX)?))
}

pub(super) fn span((start, end): (Instant, Instant)) -> TimeSpan {
    TimeSpan { from: start.timestamp(), to: end.timestamp() }
}

/// `limit`; 0 is none.
pub(super) fn limit(asked: &Asked) -> Result<usize, ApiError> {
    let text = asked.value("limit");
    if text.is_empty() {
        return Ok(0);
    }
    let limit =
        go::integer(text).map_err(|why| ApiError::parameter("limit", format!("strconv.Atoi: {why}")))?;
    usize::try_from(limit).map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))
}

/// A limit whose refusal says less; `None` where it is not given or negative.
pub(super) fn plain_limit(asked: &Asked, name: &str) -> Result<Option<usize>, ApiError> {
    let text = asked.value(name);
    if text.is_empty() {
        return Ok(None);
    }
    let limit = go::integer(text).map_err(|_| ApiError::bad_data(format!("{name} must be a number")))?;
    Ok(usize::try_from(limit).ok())
}

pub(super) fn expr(text: &str, options: syntax::Options) -> Result<Expr, ApiError> {
    syntax::parse(text, &options).map_err(|errors| ApiError::parameter("query", errors.first()))
}

/// A selector's matchers, or what is wrong with it.
pub(super) fn selector(text: &str, options: syntax::Options) -> Result<Vec<Matcher>, String> {
    let selector = syntax::parse_selector(text, &options).map_err(|errors| errors.first())?;
    selector.conditions().map_err(|error| error.to_string())
}

/// All `match[]`, each of which has to select something less than everything.
pub(super) fn matchers(asked: &Asked, options: syntax::Options) -> Result<Vec<Vec<Matcher>>, String> {
    let sets: Vec<Vec<Matcher>> =
        asked.values("match[]").map(|text| selector(text, options)).collect::<Result<_, _>>()?;
    if sets.iter().any(|set| set.iter().all(Matcher::matches_empty)) {
        return Err("match[] must contain at least one non-empty matcher".to_owned());
    }
    Ok(sets)
}

/// As [`matchers`], where at least one is needed.
pub(super) fn some_matchers(asked: &Asked, options: syntax::Options) -> Result<Vec<Vec<Matcher>>, ApiError> {
    matchers(asked, options).map_err(|why| ApiError::parameter("match[]", why))
}

/// Refuses what could not be read, and no `match[]` at all.
pub(super) fn needs_match(asked: &Asked) -> Result<(), ApiError> {
    readable(asked)?;
    if asked.values("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    Ok(())
}

/// Refuses a form with a mistake; most endpoints read what they can of it.
pub(super) fn readable(asked: &Asked) -> Result<(), ApiError> {
    match &asked.form_error {
        None => Ok(()),
        Some(error) => Err(ApiError::bad_data(format!("error parsing form values: {error}"))),
    }
}

/// Borrowed sets, as readers take them.
pub(super) fn borrowed(sets: &[Vec<Matcher>]) -> Vec<&[Matcher]> {
    sets.iter().map(Vec::as_slice).collect()
}

/// Prometheus' answer without `--enable-feature=search-api`.
pub(super) fn no_search() -> ApiError {
    ApiError::new(ErrorType::Unavailable, "search API disabled")
}
