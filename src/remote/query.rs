//! Prometheus' query API (<https://prometheus.io/docs/prometheus/latest/querying/api/#expression-queries>).

use std::time::Duration;

use hyper::body::Bytes;
use serde::Deserialize;

use super::{RemoteError, Site};
use crate::{
    formats::answer::{Answer, AnswerError, from_json},
    time::{PromDuration, Timestamp},
};

/// The names of metrics are asked for to help with a misspelt one; nobody should wait for that.
const NAMES_TIMEOUT: Duration = Duration::from_secs(3);
/// The server gives up at the given time; what it says then needs a moment to arrive.
const GRACE: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    pub expr: &'a str,
    pub when: When,
    /// How far an instant looks back for a sample; the server's own setting where it is none.
    pub lookback: Option<PromDuration>,
    pub timeout: PromDuration,
}

/// One instant or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Instant(Timestamp),
    Range {
        from: Timestamp,
        to: Timestamp,
        /// Not zero.
        step: PromDuration,
    },
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// As it was sent.
    pub body: Bytes,
    pub answer: Answer,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The server's own words.
    #[error("{message}")]
    Refused {
        /// `bad_data`, `execution`, `timeout`, …
        kind: String,
        message: String,
    },
}

#[derive(Deserialize)]
struct Names {
    data: Vec<String>,
}

/// Has the server evaluate an expression.
pub async fn query(site: &Site, question: &Question<'_>) -> Result<Reply, QueryError> {
    let timeout = question.timeout;
    let mut form = vec![("query", question.expr.to_owned())];
    let path = match question.when {
        When::Instant(at) => {
            form.push(("time", seconds(at)));
            "/api/v1/query"
        }
        When::Range { from, to, step } => {
            form.push(("start", seconds(from)));
            form.push(("end", seconds(to)));
            form.push(("step", step.as_secs_f64().to_string()));
            "/api/v1/query_range"
        }
    };
    form.push(("timeout", timeout.to_string()));
    if let Some(lookback) = question.lookback {
        form.push(("lookback_delta", lookback.to_string()));
    }
    let reply = site.ask(path, &form, Duration::from_millis(timeout.as_millis()) + GRACE).await?;
    match from_json(&reply.body) {
        Ok(answer) => Ok(Reply { body: reply.body, answer }),
        // A refusal has a status of its own, and says more than the status does.
        Err(AnswerError::Refused { kind, message }) => Err(QueryError::Refused { kind, message }),
        Err(AnswerError::Unreadable(_)) if !reply.is_success() => {
            Err(RemoteError::status(site.address(), path, &reply).into())
        }
        Err(AnswerError::Unreadable(cause)) => {
            Err(RemoteError::Unreadable { address: site.address(), path: path.to_owned(), cause }.into())
        }
    }
}

/// Names of all metrics that the server has.
pub async fn metric_names(site: &Site) -> Result<Vec<String>, RemoteError> {
    const PATH: &str = "/api/v1/label/__name__/values";
    let reply = site.ask(PATH, &[], NAMES_TIMEOUT).await?;
    if !reply.is_success() {
        return Err(RemoteError::status(site.address(), PATH, &reply));
    }
    let names: Names = serde_json::from_slice(&reply.body).map_err(|error| RemoteError::Unreadable {
        address: site.address(),
        path: PATH.to_owned(),
        cause: error.to_string(),
    })?;
    Ok(names.data)
}

/// Seconds with milliseconds, exactly.
fn seconds(at: Timestamp) -> String {
    let sign = if at.0 < 0 { "-" } else { "" };
    let millis = at.0.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::http::tests::{block_on, ok, serve};

    fn question(expr: &str, when: When) -> Question<'_> {
        let timeout = PromDuration::from_secs(5);
        Question { expr, when, lookback: Some(PromDuration::from_secs(90)), timeout }
    }

    /// The first line of the request, its body, and what came back.
    #[track_caller]
    fn check(question: &Question<'_>, answer: &str, request: (&str, &str)) -> Result<Reply, QueryError> {
        let (endpoint, server) = serve(&[answer]);
        let site: Site = format!("http://{}/prefix/", endpoint.address()).parse().unwrap();
        let reply = block_on(query(&site, question));
        let requests = server.join().unwrap();
        let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
        assert_eq!((head.lines().next().unwrap_or_default(), body), request);
        reply
    }

    const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]},"infos":["i"]}"#;

    #[test]
    fn short_questions_stand_in_the_address() {
        let instant = When::Instant(Timestamp(1_795_477_826_050));
        let line = "GET /prefix/api/v1/query?query=up%20%3E%200&time=1795477826.050&timeout=5s&lookback_delta=1m30s HTTP/1.1";
        let reply = check(&question("up > 0", instant), &ok(EMPTY), (line, "")).unwrap();
        assert_eq!((&*reply.body, &reply.answer.infos[..]), (EMPTY.as_bytes(), &["i".to_owned()][..]));
        let (from, to) = (Timestamp(-1_500), Timestamp(60_000));
        let range = When::Range { from, to, step: PromDuration::from_millis(500) };
        let line = "GET /prefix/api/v1/query_range?query=x&start=-1.500&end=60.000&step=0.5&timeout=5s&lookback_delta=1m30s HTTP/1.1";
        check(&question("x", range), &ok(EMPTY), (line, "")).unwrap();
    }

    #[test]
    fn long_questions_are_posted() {
        let expr = format!("sum(a{{b=~\"{}\"}})", "x".repeat(5000));
        let body = format!(
            "query=sum%28a%7Bb%3D~%22{}%22%7D%29&time=0.000&timeout=5s&lookback_delta=1m30s",
            "x".repeat(5000)
        );
        let line = "POST /prefix/api/v1/query HTTP/1.1";
        check(&question(&expr, When::Instant(Timestamp(0))), &ok(EMPTY), (line, &body)).unwrap();
    }

    #[test]
    fn refusals_are_told_from_failures() {
        let refused = r#"{"status":"error","errorType":"execution","error":"too many samples"}"#;
        let answer = |status: &str, body: &str| {
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        };
        let line = "GET /prefix/api/v1/query?query=x&time=0.000&timeout=5s&lookback_delta=1m30s HTTP/1.1";
        let ask = |answer: &str| {
            check(&question("x", When::Instant(Timestamp(0))), answer, (line, "")).unwrap_err()
        };
        assert_eq!(ask(&answer("422 x", refused)).to_string(), "too many samples");
        assert!(matches!(ask(&answer("404 x", "no")), QueryError::Remote(RemoteError::Status { .. })));
        assert!(matches!(ask(&ok("<html>")), QueryError::Remote(RemoteError::Unreadable { .. })));
    }

    #[test]
    fn names_are_read() {
        let (endpoint, server) = serve(&[&ok(r#"{"status":"success","data":["a","b"]}"#)]);
        assert_eq!(block_on(metric_names(&endpoint.into())).unwrap(), ["a", "b"]);
        assert!(server.join().unwrap()[0].starts_with("GET /api/v1/label/__name__/values HTTP/1.1\r\n"));
    }
}
