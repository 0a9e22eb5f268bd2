//! An answer from a server: the running stack's, or one that was named.

use crate::{
    cli::Global,
    commands::{
        embedded::Place,
        engine::{connect, runtime},
        exit::{Hinted, Refused},
        process::{Process, now, signal},
        state::State,
        urls,
    },
    diagnostic::Diagnostic,
    formats::answer::Answer,
    promql::syntax::Expr,
    remote::{
        RemoteError, Site, SiteError,
        query::{self, QueryError, Question},
    },
    stack::{self, Component, Contents, Project, Scope, labels},
    text::{Source, Span},
};

use super::{ASK_FOR_LESS, Found, Query, TOO_MUCH, missing, when::Clock};

const ELSEWHERE: &str =
    "name what to ask with `--url http://host:9090` or `--file PAGE`, or start the stack with `llmobs up`";

/// None when it was interrupted.
pub(super) fn ask(query: &Query<'_>, global: &Global, process: &Process) -> anyhow::Result<Option<Found>> {
    let named = query.args.url.as_deref().map(site).transpose()?;
    let now = now();
    let when = query.typed.resolve(Clock { now, end: now }).map_err(Refused)?;
    runtime()?.block_on(async {
        let asked = async {
            let site = match named {
                Some(site) => site,
                None => stack_site(query, global, process).await?,
            };
            let question =
                Question { expr: &query.args.expr, when, lookback: query.lookback, timeout: query.timeout };
            let reply = query::query(&site, &question).await.map_err(|error| explain(query, &site, error))?;
            let hints = match &query.expr {
                Some(expr) if super::is_unexplained(query.args, &reply.answer) => hints(expr, &site).await,
                _ => Vec::new(),
            };
            let remarks = remarks(query, &reply.answer);
            let json = Some(reply.body.trim_ascii_end().to_vec());
            Ok(Found { answer: reply.answer, when, json, remarks, hints })
        };
        tokio::select! {
            found = asked => found.map(Some),
            _ = signal() => Ok(None),
        }
    })
}

fn site(url: &str) -> anyhow::Result<Site> {
    url.parse().map_err(|error: SiteError| {
        let help = match &error {
            SiteError::NoScheme(_) => "write `http://host:9090`",
            SiteError::Tls(_) => {
                "use an address that is reached without TLS, such as a port that is forwarded"
            }
            SiteError::Malformed(_) => "write `http://host:9090`, with a path where Prometheus has a prefix",
            SiteError::Query(_) => "give the address alone; `/api/v1/query` is put behind it",
        };
        let mistake = Diagnostic::error(error.to_string());
        // The text is not drawn where it may hold a password.
        let mistake = if url.contains('@') {
            mistake
        } else {
            mistake.at(&Source::new("--url", url), Span::new(0, url.len()), "")
        };
        Refused(vec![mistake.help(help)]).into()
    })
}

/// Prometheus of the running stack.
async fn stack_site(query: &Query<'_>, global: &Global, process: &Process) -> anyhow::Result<Site> {
    let project = Project::new(&query.args.project.project)?;
    let state = State::of(&project, global, process)?;
    if let Some(runner) = Place::of(&state).tenant()?.running() {
        let service = runner.fixed.services.get(Component::Prometheus.name());
        let service = service
            .ok_or_else(|| Hinted::new(format!("the stack `{project}` has no Prometheus"), ELSEWHERE))?;
        return site(&service.url);
    }
    let scope = Scope { project: project.clone(), images: Vec::new(), contents: Contents::Skip };
    let observed = async { anyhow::Ok(stack::observe(&connect(process)?, &scope).await?) };
    let observed = observed.await.map_err(|error| Hinted::new(format!("{error:#}"), ELSEWHERE))?;
    let prometheus = observed.ours().find(|container| {
        container.labels.get(labels::SERVICE).is_some_and(|name| name == Component::Prometheus.name())
    });
    match prometheus.and_then(urls::endpoint) {
        Some(endpoint) => Ok(endpoint.into()),
        None => Err(Hinted::new(format!("no Prometheus of the stack `{project}` runs"), ELSEWHERE).into()),
    }
}

fn explain(query: &Query<'_>, site: &Site, error: QueryError) -> anyhow::Error {
    let error = match error {
        QueryError::Refused { kind, message } => {
            let hint = match kind.as_str() {
                "timeout" => "give it more time with `--timeout`, or ask for less",
                "bad_data" if message.contains("maximum resolution") => "choose a longer `--step`",
                "bad_data" if query.expr.is_some() && message.contains("parse error") => {
                    "llmobs takes the expression for right: this server may be older, or lack a feature flag"
                }
                "execution" if message.contains(TOO_MUCH) => ASK_FOR_LESS,
                _ => return anyhow::anyhow!("`{site}` refused: {message}"),
            };
            return Hinted::new(format!("`{site}` refused: {message}"), hint).into();
        }
        QueryError::Remote(error) => error,
    };
    let hint = match &error {
        RemoteError::Connect { .. } if query.args.url.is_some() => {
            "is a Prometheus running there, and reached from here?"
        }
        RemoteError::Connect { .. } => "look at the stack with `llmobs status`",
        RemoteError::Timeout { .. } => "give it more time with `--timeout`, or ask for less",
        RemoteError::Status { status: 401 | 403, .. } => {
            "give a name and a password: `http://user:password@host`"
        }
        RemoteError::Status { status: 404 | 405, .. } | RemoteError::Unreadable { .. } => {
            "is it a Prometheus? Its address may need a path, as in `http://host:9090/prometheus`"
        }
        RemoteError::Broken { .. } | RemoteError::Status { .. } => return error.into(),
    };
    Hinted::new(error.to_string(), hint).into()
}

fn remarks(query: &Query<'_>, answer: &Answer) -> Vec<Diagnostic> {
    let histograms: usize = answer.data.series().iter().map(|series| series.histograms).sum();
    let hidden = match histograms {
        0 => None,
        1 => Some("1 native histogram is not shown".to_owned()),
        more => Some(format!("{more} native histograms are not shown")),
    };
    let hidden = hidden.map(|text| {
        Diagnostic::warning(text)
            .help("`--format json` has them; `histogram_quantile` and its like make numbers of them")
    });
    let place = |make: fn(String) -> Diagnostic, head: &str, text: &str| {
        let text = text.strip_prefix(head).unwrap_or(text);
        match placed(text, &query.source) {
            Some((text, span)) => make(text.to_owned()).at(&query.source, span, ""),
            None => make(text.to_owned()),
        }
    };
    let warnings = answer.warnings.iter().map(|text| place(Diagnostic::warning, "PromQL warning: ", text));
    let infos = answer.infos.iter().map(|text| place(Diagnostic::note, "PromQL info: ", text));
    warnings.chain(infos).chain(hidden).collect()
}

/// Takes `(line:column)` off the end of a remark: where in the expression it belongs.
fn placed<'a>(text: &'a str, source: &Source) -> Option<(&'a str, Span)> {
    let (rest, place) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let (line, column) = place.split_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let lines = source.text().split_inclusive('\n').take(line.checked_sub(1)?);
    let start = lines.map(str::len).sum::<usize>() + column.checked_sub(1)?;
    let first = source.text().get(start..)?.chars().next()?;
    Some((rest, Span::new(start, start + first.len_utf8())))
}

async fn hints(expr: &Expr, site: &Site) -> Vec<String> {
    // Without the names there is no hint, and the answer stands.
    match query::metric_names(site).await {
        Ok(names) => missing::metrics(expr, names.iter().map(String::as_str)),
        Err(_) => Vec::new(),
    }
}
