//! What stands beside `/api/v1`: `/-/…`, `/metrics`, `/version`, `/`.

use super::Api;
use crate::server::http::{Asked, Method, Reply, header};

const LINKS: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>llmobs</title>\
    <h1>llmobs</h1><p>Prometheus' HTTP API is served here.<ul>\
    <li><a href=/api/v1/targets>targets</a><li><a href=/api/v1/rules>rules</a>\
    <li><a href=/api/v1/alerts>alerts</a><li><a href=/api/v1/status/config>configuration</a>\
    <li><a href=/api/v1/status/tsdb>store</a><li><a href=/metrics>metrics</a></ul></html>\n";

const ONLY: &str = "Only POST or PUT requests allowed";

impl Api {
    pub(super) fn page(&self, asked: &Asked) -> Reply {
        let method = &asked.method;
        let (allowed, answer): (&'static str, Reply) = match asked.path.as_str() {
            "/-/healthy" if is_get_or_head(method) => return said(method, "Prometheus Server is Healthy.\n"),
            "/-/ready" if is_get_or_head(method) => {
                return self.guarded(|| said(method, "Prometheus Server is Ready.\n"));
            }
            "/-/healthy" | "/-/ready" => ("GET, HEAD, OPTIONS", Reply::empty(200)),
            "/-/reload" if is_change(method) => return self.reload(),
            "/-/quit" if is_change(method) => return self.quit(),
            "/-/reload" | "/-/quit" if method == Method::GET => return Reply::text(405, ONLY),
            "/-/reload" | "/-/quit" => ("GET, OPTIONS, POST, PUT", Reply::empty(200)),
            "/metrics" if method == Method::GET => return self.metrics(),
            "/version" if method == Method::GET => return self.version(),
            "/" if method == Method::GET => return self.home(),
            "/metrics" | "/version" | "/" => ("GET, OPTIONS", Reply::empty(200)),
            _ => return Reply::text(404, "404 page not found\n"),
        };
        let answer =
            if method == Method::OPTIONS { answer } else { Reply::text(405, "Method Not Allowed\n") };
        answer.with(header::ALLOW, allowed)
    }

    fn home(&self) -> Reply {
        match &self.settings.viewer {
            Some(viewer) => Reply::redirect(viewer),
            None => Reply::html(200, LINKS),
        }
    }

    fn reload(&self) -> Reply {
        if !self.settings.lifecycle {
            return Reply::text(403, "Lifecycle API is not enabled.");
        }
        match self.engine.reload() {
            Ok(()) => Reply::empty(200),
            Err(error) => Reply::text(500, format!("failed to reload config: {error}\n")),
        }
    }

    /// Nobody but the user ends this process.
    fn quit(&self) -> Reply {
        if self.settings.lifecycle {
            return Reply::text(403, "This server is ended where it was started.\n");
        }
        Reply::text(403, "Lifecycle API is not enabled.")
    }
}

fn is_get_or_head(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_change(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT)
}

fn said(method: &Method, text: &'static str) -> Reply {
    if method == Method::HEAD { Reply::empty(200) } else { Reply::text(200, text) }
}
