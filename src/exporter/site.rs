//! What is answered to which request.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Bytes,
    header::{self, HeaderValue},
};

use super::{
    html::{self, decode_segment},
    markdown,
    negotiate::{Offer, choose},
};
use crate::{
    listen::{host, is_near, refusal},
    series::{Format, Gather},
    time::Timestamp,
};

/// Gives the runbooks: markdown, by name.
pub type Runbooks = Box<dyn Fn() -> BTreeMap<String, String> + Send + Sync>;

/// What the server has to show.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Pages<G> {
    pub gather: G,
    /// Asked at each request for a runbook, so that a changed page needs no restart.
    pub runbooks: Runbooks,
}

/// The pages and the clock, ready to answer.
pub(super) struct Site {
    metrics: Mutex<Metrics>,
    runbooks: Runbooks,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

struct Metrics {
    gather: Box<dyn Gather + Send>,
    /// The page that was sent last; its memory is used again once the connection has let go of it.
    sent: Bytes,
    /// A scraper says the same at each scrape: what was asked for last, and the answer.
    negotiated: (Option<HeaderValue>, Format),
}

#[derive(Debug, Clone, Copy)]
enum Route<'a> {
    Metrics,
    Health,
    Front,
    Runbooks,
    /// By name, percent-encoded; `.md` at its end asks for markdown.
    Runbook(&'a str),
}

#[derive(Debug, Clone, Copy)]
enum RunbookForm {
    Html,
    Markdown,
}

pub(super) const METRICS: [Offer<Format>; 2] = [
    Offer { media_type: "text/plain", version: Some("0.0.4"), what: Format::Text },
    Offer { media_type: "application/openmetrics-text", version: Some("1.0.0"), what: Format::OpenMetrics },
];

const RUNBOOK: [Offer<RunbookForm>; 2] = [
    Offer { media_type: "text/html", version: None, what: RunbookForm::Html },
    Offer { media_type: "text/markdown", version: None, what: RunbookForm::Markdown },
];

const HTML: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

impl Site {
    pub(super) fn new(
        pages: Pages<impl Gather + Send + 'static>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            metrics: Mutex::new(Metrics {
                gather: Box::new(pages.gather),
                sent: Bytes::new(),
                negotiated: (None, Format::Text),
            }),
            runbooks: pages.runbooks,
            clock: Box::new(clock),
        }
    }

    /// Answers as if to GET; for HEAD the connection leaves the body out.
    pub(super) fn respond<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if let Some(host) = host(request.headers(), request.uri()).filter(|host| !is_near(host)) {
            return answer(StatusCode::FORBIDDEN, PLAIN, refusal(host));
        }
        let Some(route) = route(request.uri().path()) else { return not_found() };
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "method not allowed\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match route {
            Route::Metrics => self.metrics(request),
            Route::Health => answer(StatusCode::OK, PLAIN, "ok\n"),
            Route::Front => answer(StatusCode::OK, HTML, html::front_page()),
            Route::Runbooks => {
                answer(StatusCode::OK, HTML, html::runbook_list((self.runbooks)().keys().map(String::as_str)))
            }
            Route::Runbook(segment) => self.runbook(segment, request),
        }
    }

    fn metrics<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        // A panic in an earlier scrape is no reason to refuse this one.
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let format = metrics.format(request);
        let mut page = metrics.free_memory();
        metrics.gather.gather((self.clock)(), format, &mut page);
        metrics.sent = page.into();
        varying(answer(StatusCode::OK, format.content_type(), metrics.sent.clone()))
    }

    fn runbook<B>(&self, segment: &str, request: &Request<B>) -> Response<Full<Bytes>> {
        let Some(name) = decode_segment(segment) else { return not_found() };
        let mut runbooks = (self.runbooks)();
        if let Some(markdown) = runbooks.remove(&name) {
            let form = choose(&accepted(request), &RUNBOOK).unwrap_or(RunbookForm::Html);
            return varying(match form {
                RunbookForm::Html => {
                    let title = markdown::title(&markdown).unwrap_or(&name);
                    answer(StatusCode::OK, HTML, html::document(title, &markdown::render(&markdown)))
                }
                RunbookForm::Markdown => answer(StatusCode::OK, MARKDOWN, markdown),
            });
        }
        match name.strip_suffix(".md").and_then(|name| runbooks.remove(name)) {
            Some(markdown) => answer(StatusCode::OK, MARKDOWN, markdown),
            None => not_found(),
        }
    }
}

impl Metrics {
    fn free_memory(&mut self) -> Vec<u8> {
        let mut sent = std::mem::take(&mut self.sent);
        if sent.is_unique() {
            sent.clear();
            return sent.into();
        }
        Vec::new()
    }

    fn format<B>(&mut self, request: &Request<B>) -> Format {
        let mut headers = request.headers().get_all(header::ACCEPT).iter();
        let (first, second) = (headers.next(), headers.next());
        if second.is_some() || first != self.negotiated.0.as_ref() {
            let format = choose(&accepted(request), &METRICS).unwrap_or(Format::Text);
            if second.is_some() {
                return format;
            }
            self.negotiated = (first.cloned(), format);
        }
        self.negotiated.1
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

fn route(path: &str) -> Option<Route<'_>> {
    match path {
        "/" => Some(Route::Front),
        "/metrics" => Some(Route::Metrics),
        "/healthz" => Some(Route::Health),
        "/runbooks" | "/runbooks/" => Some(Route::Runbooks),
        _ => path.strip_prefix("/runbooks/").map(Route::Runbook),
    }
}

/// All `Accept` headers as one.
fn accepted<B>(request: &Request<B>) -> String {
    let values: Vec<&str> =
        request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if content_type == HTML {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
        );
    }
    response
}

fn varying(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn not_found() -> Response<Full<Bytes>> {
    answer(StatusCode::NOT_FOUND, PLAIN, "not found\n")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    struct Clock;

    impl Gather for Clock {
        fn gather(&mut self, now: Timestamp, format: Format, out: &mut Vec<u8>) {
            out.extend_from_slice(format!("{format:?} {}", now.0).as_bytes());
        }
    }

    /// Status, content type and body.
    #[track_caller]
    fn check(method: Method, path: &str, accept: &str, expect: (u16, &str, &str)) {
        let runbooks = [("Slow", "# Too *slow*\n\nLook <here>."), ("a b", "x")];
        let runbooks = runbooks.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let runbooks: Runbooks = Box::new(move || runbooks.clone().into());
        let site = Site::new(Pages { gather: Clock, runbooks }, || Timestamp(7));
        let request = Request::builder().method(method).uri(path).header("Accept", accept).body(()).unwrap();
        let response = site.respond(&request);
        let content_type = response.headers()["content-type"].clone();
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let policy = response.headers().get("content-security-policy").map(|policy| policy.to_str().unwrap());
        let expect_policy = (content_type == HTML).then_some("default-src 'none'; style-src 'unsafe-inline'");
        assert_eq!(policy, expect_policy);
        let status = response.status().as_u16();
        let body = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(response.into_body().collect())
            .unwrap()
            .to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        // What every HTML page has is left out.
        let body = body.split_once("<body>\n").map_or(&*body, |(_, rest)| rest);
        let body = body.trim_end_matches("</body>\n</html>\n");
        assert_eq!((status, content_type.to_str().unwrap(), body), expect);
    }

    #[test]
    fn metrics_are_negotiated_and_dated() {
        let text = "text/plain; version=0.0.4; charset=utf-8";
        let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        check(Method::GET, "/metrics", "*/*", (200, text, "Text 7"));
        check(Method::GET, "/metrics?x=1", "", (200, text, "Text 7"));
        check(Method::GET, "/metrics", "application/openmetrics-text", (200, open_metrics, "OpenMetrics 7"));
    }

    #[test]
    fn runbooks_are_pages_and_text() {
        let drawn = "<h1>Too <em>slow</em></h1>\n<p>Look &lt;here&gt;.</p>\n";
        let written = "# Too *slow*\n\nLook <here>.";
        check(Method::GET, "/runbooks/Slow", "text/html,*/*;q=0.8", (200, HTML, drawn));
        check(Method::GET, "/runbooks/Slow", "", (200, HTML, drawn));
        check(Method::GET, "/runbooks/Slow", "text/markdown", (200, MARKDOWN, written));
        check(Method::GET, "/runbooks/Slow.md", "text/html", (200, MARKDOWN, written));
        check(Method::GET, "/runbooks/a%20b.md", "", (200, MARKDOWN, "x"));
        let list = "<h1>Runbooks</h1>\n<ul>\n<li><a href=\"/runbooks/Slow\">Slow</a></li>\n\
                    <li><a href=\"/runbooks/a%20b\">a b</a></li>\n</ul>\n";
        check(Method::GET, "/runbooks/", "", (200, HTML, list));
        check(Method::GET, "/runbooks", "", (200, HTML, list));
    }

    #[test]
    fn a_public_name_is_refused() {
        let site = Site::new(Pages { gather: Clock, runbooks: Box::new(BTreeMap::new) }, || Timestamp(7));
        let status = |host: &str| {
            let request = Request::builder().uri("/metrics").header("Host", host).body(()).unwrap();
            site.respond(&request).status().as_u16()
        };
        let hosts = [
            "llmobs-exporter:9091",
            "172.18.0.3:9091",
            "localhost:9091",
            "evil.example",
            "evil.example:9091",
        ];
        assert_eq!(hosts.map(status), [200, 200, 200, 403, 403]);
    }

    #[test]
    fn other_requests_are_refused() {
        check(Method::GET, "/healthz", "", (200, PLAIN, "ok\n"));
        check(Method::GET, "/nothing", "", (404, PLAIN, "not found\n"));
        check(Method::GET, "/runbooks/Fast", "", (404, PLAIN, "not found\n"));
        check(Method::GET, "/runbooks/../metrics", "", (404, PLAIN, "not found\n"));
        check(Method::GET, "/runbooks/%FF", "", (404, PLAIN, "not found\n"));
        check(Method::GET, "/metrics/", "", (404, PLAIN, "not found\n"));
        check(Method::POST, "/metrics", "", (405, PLAIN, "method not allowed\n"));
        check(Method::POST, "/nothing", "", (404, PLAIN, "not found\n"));
    }
}
