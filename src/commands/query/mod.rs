//! `llmobs query`: what an expression answers, over a file, a stack or any Prometheus.

mod ask;
mod evaluate;
mod history;
mod missing;
mod show;
mod when;

use crate::{
    cli::{Global, Query as Args, QueryFormat},
    diagnostic::Diagnostic,
    formats::answer::{Answer, Data, to_csv, to_json},
    promql::syntax::{self, Expr},
    remote::query::When,
    text::Source,
    time::PromDuration,
    ui::Ui,
};

use self::when::{Typed, duration};
use super::{Exit, exit::Refused, process::Process};

/// What an evaluation says that comes to the limit of samples, ours as Prometheus', and what helps.
const TOO_MUCH: &str = "too many samples";
const ASK_FOR_LESS: &str = "narrow the selectors, shorten the range, or choose a longer `--step`";

/// The expression and what goes with it, read.
struct Query<'a> {
    args: &'a Args,
    /// None where the expression is to be sent as it is.
    expr: Option<Expr>,
    source: Source,
    typed: Typed<'a>,
    lookback: Option<PromDuration>,
    timeout: PromDuration,
}

/// An answer and what is needed to show it.
struct Found {
    answer: Answer,
    when: When,
    /// The answer as JSON, where a server sent it.
    json: Option<Vec<u8>>,
    /// What is to be known when the answer is read.
    remarks: Vec<Diagnostic>,
    /// What may explain an empty answer.
    hints: Vec<String>,
}

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let query = read(args)?;
    let found = match &query.expr {
        Some(expr) if !args.file.is_empty() => evaluate::evaluate(&query, expr)?,
        _ => match ask::ask(&query, global, process)? {
            Some(found) => found,
            None => return Ok(Exit::Interrupted),
        },
    };
    match args.format {
        QueryFormat::Json => {
            ui.answer_bytes(&found.json.unwrap_or_else(|| to_json(&found.answer).into_bytes()));
            ui.answer_bytes(b"\n");
            return Ok(Exit::Done);
        }
        QueryFormat::Csv => ui.answer_bytes(to_csv(&found.answer).as_bytes()),
        QueryFormat::Text => show::show(args, &found, ui),
    }
    ui.diagnostics(&found.remarks);
    Ok(Exit::Done)
}

/// Where Prometheus names a feature flag, ours is named too.
fn helped(mistake: Diagnostic) -> Diagnostic {
    if mistake.message.contains("--enable-feature=") {
        mistake.help("`--experimental` accepts it")
    } else {
        mistake
    }
}

/// Whether nothing was found and somebody reads the answer.
fn is_unexplained(args: &Args, answer: &Answer) -> bool {
    let is_empty = matches!(&answer.data, Data::Vector(series) | Data::Matrix(series) if series.is_empty());
    is_empty && args.format == QueryFormat::Text
}

/// Every mistake in what was typed.
fn read(args: &Args) -> Result<Query<'_>, Refused> {
    let source = Source::new("query", args.expr.as_str());
    let mut mistakes = Vec::new();
    let expr = if args.no_check {
        None
    } else {
        // A server knows by itself what it has switched on.
        let experimental = args.experimental || args.file.is_empty();
        match syntax::parse(&args.expr, &syntax::Options { experimental, variables: false }) {
            Ok(expr) => Some(expr),
            Err(errors) => {
                mistakes.extend(errors.diagnostics(&source, |span| span).into_iter().map(helped));
                None
            }
        }
    };
    let lookback = args.lookback.as_deref().map(|text| duration("--lookback", text)).transpose();
    let timeout = duration("--timeout", &args.timeout);
    let typed = Typed {
        at: args.at.as_deref(),
        from: args.from.as_deref(),
        to: args.to.as_deref(),
        step: args.step.as_deref(),
    };
    mistakes.extend(typed.mistakes());
    match (lookback, timeout) {
        (Ok(lookback), Ok(timeout)) if mistakes.is_empty() => {
            Ok(Query { args, expr, source, typed, lookback, timeout })
        }
        (lookback, timeout) => {
            mistakes.extend(lookback.err().into_iter().chain(timeout.err()));
            Err(Refused(mistakes))
        }
    }
}
