//! An answer that is computed here, over pages of metrics.

use crate::{
    commands::{exit::Refused, process::now},
    diagnostic::Diagnostic,
    formats::answer::{Answer, Data, Series},
    promql::{
        eval::{self, Annotation, Block, ErrorClass, EvalError, Evaluated, Grid, Level, Options},
        syntax::Expr,
    },
    remote::query::When,
    series::{Labels, METRIC_NAME, is_stale},
    text::{Source, Span},
    time::{PromDuration, Timestamp},
};

use super::{
    ASK_FOR_LESS, Found, Query, TOO_MUCH,
    history::{History, Pages},
    missing,
    when::Clock,
};

/// Evaluates over the pages that were named.
pub(super) fn evaluate(query: &Query<'_>, expr: &Expr) -> anyhow::Result<Found> {
    let began = now();
    let pages = Pages::read(&query.args.file)?;
    // Samples without a timestamp are of the instant that is asked for, as far as it is known without them.
    let scrape = query.typed.last(Clock { now: began, end: began }).map_err(Refused)?;
    let history = pages.history(scrape)?;
    let end = history.span.map_or(scrape, |(_, last)| last);
    let when = query.typed.resolve(Clock { now: began, end }).map_err(Refused)?;
    let evaluated =
        answer(query, expr, &history, when).map_err(|error| Refused(vec![explain(&error, &query.source)]))?;
    let remarks = evaluated.annotations.iter().map(|remark| drawn(remark, &query.source)).collect();
    let answer = converted(evaluated, when, &query.source);
    let hints = if super::is_unexplained(query.args, &answer) { hints(expr, &history) } else { Vec::new() };
    Ok(Found { answer, when, json: None, remarks, hints })
}

fn answer(query: &Query<'_>, expr: &Expr, history: &History, when: When) -> Result<Evaluated, EvalError> {
    let deadline = now().0.saturating_add(millis(query.timeout));
    let interrupt = || (now().0 > deadline).then_some(ErrorClass::Timeout);
    let usual = Options::default();
    let lookback_millis = query.lookback.map_or(usual.lookback_millis, millis);
    let options = Options { lookback_millis, interrupt: &interrupt, ..usual };
    match when {
        When::Instant(at) => eval::instant(expr, &history.columns, at, &options),
        When::Range { from, to, step } => {
            eval::range(expr, &history.columns, from, to, millis(step), &options)
        }
    }
}

fn millis(duration: PromDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn explain(error: &EvalError, source: &Source) -> Diagnostic {
    let span = error.span.unwrap_or(Span::new(0, source.text().len()));
    let finding = Diagnostic::error(&*error.message).at(source, span, "");
    match error.class {
        ErrorClass::Timeout => finding.help("give it more time with `--timeout`, or ask for less"),
        ErrorClass::Execution if error.message.contains(TOO_MUCH) => finding.help(ASK_FOR_LESS),
        ErrorClass::Execution | ErrorClass::BadData | ErrorClass::Canceled => finding,
    }
}

fn drawn(remark: &Annotation, source: &Source) -> Diagnostic {
    let finding = match remark.level {
        Level::Warning => Diagnostic::warning(&*remark.message),
        Level::Info => Diagnostic::note(&*remark.message),
    };
    finding.at(source, remark.span, "")
}

/// As Prometheus' API has it: a range of scalars is a series without labels, and remarks end in their place.
fn converted(evaluated: Evaluated, when: When, source: &Source) -> Answer {
    let Evaluated { answer, grid, annotations } = evaluated;
    let (first, is_range) = match when {
        When::Instant(at) => (at, false),
        When::Range { from, .. } => (from, true),
    };
    let data = match answer {
        eval::Answer::String(text) => Data::String(first, text),
        eval::Answer::Scalar(values) if is_range => {
            let samples = samples(grid, &values);
            Data::Matrix(vec![Series { labels: Labels::default(), samples, histograms: 0 }])
        }
        eval::Answer::Scalar(values) => Data::Scalar(first, values.first().copied().unwrap_or(f64::NAN)),
        eval::Answer::Vector(block) if is_range => Data::Matrix(series(&block, grid)),
        eval::Answer::Vector(block) => Data::Vector(series(&block, grid)),
        eval::Answer::Range(all) => {
            let one = |range: eval::RangeSamples| Series {
                labels: range.labels,
                samples: range.times.into_iter().zip(range.values).collect(),
                histograms: 0,
            };
            Data::Matrix(all.into_iter().map(one).collect())
        }
    };
    let texts = |level, head: &str| {
        let of_level = annotations.iter().filter(|remark| remark.level == level);
        of_level
            .map(|remark| format!("{head}: {} ({})", remark.message, place(remark.span, source)))
            .collect()
    };
    let warnings = texts(Level::Warning, "PromQL warning");
    Answer { data, warnings, infos: texts(Level::Info, "PromQL info") }
}

fn series(block: &Block, grid: Grid) -> Vec<Series> {
    let one = |(labels, row): (&Labels, &[f64])| Series {
        labels: labels.clone(),
        samples: samples(grid, row),
        histograms: 0,
    };
    block.rows().map(one).collect()
}

fn samples(grid: Grid, row: &[f64]) -> Vec<(Timestamp, f64)> {
    let pairs = grid.instants().zip(row.iter().copied());
    pairs.filter(|(_, value)| !is_stale(*value)).map(|(at, value)| (Timestamp(at), value)).collect()
}

/// `line:column`, where columns count bytes, as Prometheus has it.
fn place(span: Span, source: &Source) -> String {
    let before = &source.text().as_bytes()[..span.start.min(source.text().len())];
    let lines: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    format!("{}:{}", lines.len(), lines.last().map_or(0, |line| line.len()) + 1)
}

/// What may explain an empty answer: a metric that is not there, or an instant that the samples do not reach.
fn hints(expr: &Expr, history: &History) -> Vec<String> {
    let mut hints = missing::metrics(expr, history.columns.label_values(METRIC_NAME));
    if let (true, Some((first, last))) = (hints.is_empty(), history.span) {
        hints.push(format!("the samples reach from {first} to {last}"));
    }
    hints
}
