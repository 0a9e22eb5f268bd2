//! From method and path to an endpoint, as Prometheus' router does it.

use super::{Api, outcome::Outcome, params};
use crate::server::http::{Asked, HeaderMap, HeaderName, HeaderValue, Method, Reply, header};

/// Methods of a path, besides OPTIONS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Methods {
    Get,
    GetPost,
    Post,
    PostPut,
}

impl Methods {
    fn allows(self, method: &Method) -> bool {
        match self {
            Self::Get => method == Method::GET,
            Self::GetPost => matches!(*method, Method::GET | Method::POST),
            Self::Post => method == Method::POST,
            Self::PostPut => matches!(*method, Method::POST | Method::PUT),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Get => "GET, OPTIONS",
            Self::GetPost => "GET, OPTIONS, POST",
            Self::Post => "OPTIONS, POST",
            Self::PostPut => "OPTIONS, POST, PUT",
        }
    }
}

type Endpoint = fn(&Api, &Asked) -> Outcome;

impl Api {
    /// The answer to any request.
    pub(super) fn route(&self, asked: &Asked) -> Reply {
        let Some(path) = asked.path.strip_prefix("/api/v1/") else {
            return self.page(asked);
        };
        let reply = self.api(asked, path);
        with_cors(&asked.headers, reply)
    }

    fn api(&self, asked: &Asked, path: &str) -> Reply {
        if asked.method == Method::OPTIONS {
            return Reply::empty(204);
        }
        if path == "write" && asked.method == Method::POST {
            return self.guarded(|| self.write(asked));
        }
        let Some((methods, endpoint)) = endpoint(path) else {
            return Self::unknown(asked, path);
        };
        if !methods.allows(&asked.method) {
            return Reply::text(405, "Method Not Allowed\n").with(header::ALLOW, methods.text());
        }
        self.guarded(|| endpoint(self, asked).unwrap_or_else(|error| error.reply()))
    }

    fn unknown(asked: &Asked, path: &str) -> Reply {
        let trimmed = path.strip_suffix('/').unwrap_or_default();
        if asked.method == Method::GET && endpoint(trimmed).is_some() {
            let mut reply = Reply::redirect(&format!("/api/v1/{trimmed}"));
            reply.status = 301;
            return reply;
        }
        match path {
            "read" if asked.method == Method::POST => {
                Reply::text(404, "remote read is not served here; ask for series by query_range\n")
            }
            "otlp/v1/metrics" if asked.method == Method::POST => {
                Reply::text(404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n")
            }
            // Prometheus keeps the connection open and sends what is new; there never is.
            "notifications/live" if asked.method == Method::GET => Reply::empty(204),
            _ => Reply::text(404, "404 page not found\n"),
        }
    }

    /// Waits for nobody: 503 while the server is not ready.
    pub(super) fn guarded(&self, answer: impl FnOnce() -> Reply) -> Reply {
        if self.ready.load(std::sync::atomic::Ordering::Acquire) {
            return answer();
        }
        let mut reply = Reply::text(503, "Service Unavailable");
        let name = HeaderName::from_static("x-prometheus-stopping");
        reply.headers.push((name, HeaderValue::from_static("false")));
        reply
    }
}

/// What answers a path below `/api/v1/`.
fn endpoint(path: &str) -> Option<(Methods, Endpoint)> {
    use Methods::{Get, GetPost, PostPut};
    let found: (Methods, Endpoint) = match path {
        "query" => (GetPost, Api::query),
        "query_range" => (GetPost, Api::query_range),
        "query_exemplars" => (GetPost, Api::query_exemplars),
        "format_query" => (GetPost, Api::format_query),
        "parse_query" => (GetPost, Api::parse_query),
        "labels" => (GetPost, Api::labels),
        "series" => (GetPost, Api::series),
        "scrape_pools" => (Get, |api, _| api.scrape_pools()),
        "targets" => (Get, Api::targets),
        "targets/metadata" => (Get, Api::target_metadata),
        "metadata" => (Get, Api::metadata),
        "alertmanagers" => (Get, |api, _| api.alertmanagers()),
        "alerts" => (Get, |api, _| api.alerts()),
        "rules" => (Get, Api::rules),
        "status/config" => (Get, |api, _| api.status_config()),
        "status/runtimeinfo" => (Get, |api, _| api.status_runtimeinfo()),
        "status/buildinfo" => (Get, |api, _| api.status_buildinfo()),
        "status/flags" => (Get, |api, _| api.status_flags()),
        "status/tsdb" => (Get, Api::status_tsdb),
        "status/tsdb/blocks" => (Get, |api, _| api.status_tsdb_blocks()),
        "status/walreplay" => (Get, |api, _| api.status_walreplay()),
        "features" => (Get, |api, _| api.features()),
        "notifications" => (Get, |api, _| api.notifications()),
        "write" => (Methods::Post, |_, _| super::outcome::done()),
        "admin/tsdb/delete_series" => (PostPut, Api::delete_series),
        "admin/tsdb/clean_tombstones" => (PostPut, |api, _| api.clean_tombstones()),
        "admin/tsdb/snapshot" => (PostPut, |api, _| api.snapshot()),
        "search/metric_names" | "search/label_names" | "search/label_values" => {
            (GetPost, |_, _| Err(params::no_search()))
        }
        _ => match path.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) if !name.is_empty() && !name.contains('/') => (Get, |api, asked| {
                let name = asked.path.strip_prefix("/api/v1/label/").unwrap_or_default();
                api.label_values(asked, name.strip_suffix("/values").unwrap_or_default())
            }),
            _ => return None,
        },
    };
    Some(found)
}

/// Lets pages of other origins read the answer; who they may be was seen to when the request came.
fn with_cors(asked: &HeaderMap, reply: Reply) -> Reply {
    let mut reply = reply.with(header::VARY, "Origin");
    let Some(origin) = asked.get(header::ORIGIN) else { return reply };
    reply = reply
        .with(header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin")
        .with(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS")
        .with(header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date");
    reply.headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
    reply
}
