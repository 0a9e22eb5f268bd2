//! Queries: `query`, `query_range`, `format_query`, `parse_query`.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    Api, ast,
    clock::Deadline,
    error::ApiError,
    go::{self, Instant},
    outcome::{Outcome, success},
    params,
};
use crate::{
    formats::answer::{Json, Shown, evaluated_to_json},
    promql::{
        eval::{self, Evaluated, Options},
        syntax,
    },
    series::quoted,
    server::http::{Asked, Reply},
};

/// Points of a series in an answer, at most.
const POINTS: i64 = 11_000;
const STEP: &str = "zero or negative query resolution step widths are not accepted. Try a positive integer";

impl Api {
    pub(super) fn query(&self, asked: &Asked) -> Outcome {
        let limit = params::limit(asked)?;
        let at = params::time(asked, "time", Instant::of(self.engine.now()))?;
        let timeout = self.timeout(asked)?;
        let lookback = self.lookback(asked)?;
        let expr = params::expr(asked.value("query"), self.settings.syntax)?;
        self.evaluated(asked, limit, false, timeout, lookback, |reader, options| {
            eval::instant(&expr, reader, at.query_timestamp(), options)
        })
    }

    pub(super) fn query_range(&self, asked: &Asked) -> Outcome {
        let limit = params::limit(asked)?;
        let time = |name| go::instant(asked.value(name)).map_err(|why| ApiError::parameter(name, why));
        let (start, end) = (time("start")?, time("end")?);
        if end.is_before(start) {
            return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
        }
        let step = go::duration(asked.value("step")).map_err(|why| ApiError::parameter("step", why))?;
        if step <= 0 {
            return Err(ApiError::parameter("step", STEP));
        }
        if end.since(start) / step > POINTS {
            return Err(ApiError::bad_data(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution \
                 (?step=XX)",
            ));
        }
        // Steps are whole milliseconds to the evaluator; Prometheus divides by zero below one.
        let step_millis = step / 1_000_000;
        if step_millis == 0 {
            return Err(ApiError::parameter("step", STEP));
        }
        let timeout = self.timeout(asked)?;
        let lookback = self.lookback(asked)?;
        let expr = params::expr(asked.value("query"), self.settings.syntax)?;
        let (start, end) = (start.query_timestamp(), end.query_timestamp());
        self.evaluated(asked, limit, true, timeout, lookback, |reader, options| {
            eval::range(&expr, reader, start, end, step_millis, options)
        })
    }

    fn evaluated(
        &self,
        asked: &Asked,
        limit: usize,
        is_range: bool,
        timeout: Duration,
        lookback_millis: i64,
        evaluate: impl FnOnce(&crate::tsdb::Reader, &Options<'_>) -> Result<Evaluated, eval::EvalError>,
    ) -> Outcome {
        self.counts.queries.fetch_add(1, Ordering::Relaxed);
        let deadline = Deadline::after(timeout);
        let gone = asked.gone.clone();
        let interrupt = || deadline.interrupt(&gone);
        let subquery_step = self.engine.evaluation_interval().as_millis();
        let options = Options {
            lookback_millis,
            subquery_step_millis: i64::try_from(subquery_step).unwrap_or(i64::MAX),
            max_samples: self.settings.max_samples,
            interrupt: &interrupt,
        };
        let reader = self.store.reader();
        let evaluated = evaluate(&reader, &options)?;
        let wanted = asked.value("stats");
        let stats = (!wanted.is_empty()).then(|| stats(&evaluated, deadline.elapsed()));
        let warning = (!matches!(wanted, "" | "true" | "all")).then(|| {
            format!(
                "value {} for parameter \"stats\" is deprecated and will be rejected in the next major release, use \
                 \"true\" or \"all\"",
                quoted(wanted)
            )
        });
        let shown = Shown {
            query: asked.value("query"),
            is_range,
            limit,
            stats: stats.as_deref(),
            warning: warning.as_deref(),
        };
        Ok(Reply::json(200, evaluated_to_json(&evaluated, &shown)))
    }

    /// How long the query may take: what it asks for, and not more than the server gives.
    fn timeout(&self, asked: &Asked) -> Result<Duration, ApiError> {
        let text = asked.value("timeout");
        if text.is_empty() {
            return Ok(self.settings.query_timeout);
        }
        let nanos = go::duration(text).map_err(|why| ApiError::parameter("timeout", why))?;
        if let Ok(nanos @ 1..) = u64::try_from(nanos) {
            return Ok(Duration::from_nanos(nanos).min(self.settings.query_timeout));
        }
        let shown = go::duration_text(nanos);
        Err(ApiError::parameter("timeout", format!("timeout must be positive, got {shown}")))
    }

    /// Milliseconds.
    fn lookback(&self, asked: &Asked) -> Result<i64, ApiError> {
        let usual = i64::try_from(self.settings.lookback.as_millis()).unwrap_or(i64::MAX);
        let text = asked.value("lookback_delta");
        if text.is_empty() {
            return Ok(usual);
        }
        let nanos = go::duration(text)
            .map_err(|why| ApiError::bad_data(format!("error parsing lookback delta duration: {why}")))?;
        Ok(if nanos > 0 { nanos / 1_000_000 } else { usual })
    }

    pub(super) fn format_query(&self, asked: &Asked) -> Outcome {
        let expr = params::expr(asked.value("query"), self.settings.syntax)?;
        success(|json| json.text(&syntax::pretty(&expr, syntax::WIDTH)))
    }

    pub(super) fn parse_query(&self, asked: &Asked) -> Outcome {
        let expr = params::expr(asked.value("query"), self.settings.syntax)?;
        success(|json| ast::write(&expr, json))
    }
}

/// The shape of Prometheus' statistics. What is not measured apart is 0; samples are those of the answer.
fn stats(evaluated: &Evaluated, took: Duration) -> String {
    let samples = match &evaluated.answer {
        eval::Answer::Scalar(_) | eval::Answer::String(_) => 0,
        eval::Answer::Vector(block) => block.samples(),
        eval::Answer::Range(all) => all.iter().map(|series| series.values.len()).sum(),
    };
    let series = match &evaluated.answer {
        eval::Answer::Scalar(_) | eval::Answer::String(_) => 0,
        eval::Answer::Vector(block) => block.len(),
        eval::Answer::Range(all) => all.len(),
    };
    let took = took.as_secs_f64();
    let mut json = Json::default();
    json.object(|object| {
        object.field("timings").object(|object| {
            object.number("evalTotalTime", took);
            object.number("resultSortTime", 0.0);
            object.number("queryPreparationTime", 0.0);
            object.number("innerEvalTime", took);
            object.number("execQueueTime", 0.0);
            object.number("execTotalTime", took);
        });
        object.field("samples").object(|object| {
            object.plain("totalQueryableSamples", samples);
            object.plain("samplesRead", samples);
            object.plain("seriesTouched", series);
            object.plain("peakSamples", samples);
        });
    });
    json.into_string()
}
