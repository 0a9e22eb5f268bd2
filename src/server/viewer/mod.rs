//! The built-in viewer: dashboards, targets and alerts as pages, where a Grafana would listen.
//!
//! Owns: the pages' addresses, controls and frame; what of Grafana's API tells that somebody is there.
//! Must not know: how panels are drawn (that is `dashboards`), how series are stored.
//! Invariants: pages work without their script; nothing is fetched from elsewhere; every foreign text is escaped.
//! Start reading at: [`Viewer`].

mod address;
mod alerts;
mod controls;
mod dashboard;
mod frame;
mod list;
mod targets;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    clock::Deadline,
    http::{Asked, Handler, Method, Reply, header},
};
use crate::{
    dashboards::model::Dashboard, engine::Observe, promql::eval::Options, series::Select, time::PromDuration,
};
use address::Address;

const STYLE: &str = include_str!("../../../assets/viewer/viewer.css");
const SCRIPT: &str = include_str!("../../../assets/viewer/viewer.js");

/// How long the queries of one page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives the texts of Grafana's dashboards; asked at each request, so that a changed file needs no restart.
pub type Dashboards = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the viewer shows.
pub struct Viewer {
    pub data: Arc<dyn Select + Send + Sync>,
    pub engine: Arc<dyn Observe>,
    pub dashboards: Dashboards,
    /// The dashboard that `/` shows; the first one where it is not there.
    pub home: Option<String>,
    /// Grafana's `timeInterval` of the data source, asked at each request.
    pub scrape_interval: Box<dyn Fn() -> PromDuration + Send + Sync>,
    pub lookback: PromDuration,
    /// Of this program.
    pub version: &'static str,
}

impl std::fmt::Debug for Viewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewer")
            .field("home", &self.home)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Handler for Viewer {
    fn answer(&self, asked: Asked) -> Reply {
        if asked.method != Method::GET && asked.method != Method::HEAD {
            return Reply::text(405, "only GET is answered here\n").with(header::ALLOW, "GET, HEAD");
        }
        let segments: Vec<&str> = asked.segments().collect();
        match *segments.as_slice() {
            ["assets", "viewer.css"] => asset("text/css; charset=utf-8", STYLE),
            ["assets", "viewer.js"] => asset("text/javascript; charset=utf-8", SCRIPT),
            ["api", "health"] => {
                let body = json!({"commit": "", "database": "ok", "version": self.version});
                Reply::json(200, body.to_string())
            }
            ["api", "search"] => Reply::json(200, list::search(&self.all(), &asked).to_string()),
            ["api", "dashboards", "uid", uid] => self.dashboard_json(uid),
            [""] => match self.home() {
                Some(home) => self.dashboard(&home, &asked),
                None => page(200, list::page(&[], &asked)),
            },
            ["dashboards"] => page(200, list::page(&self.all(), &asked)),
            ["d", uid] | ["d", uid, _] => match self.all().into_iter().find(|dashboard| dashboard.uid == uid)
            {
                Some(dashboard) => self.dashboard(&dashboard, &asked),
                None => page(404, frame::missing(&asked, "There is no dashboard of that name")),
            },
            ["targets"] => page(200, targets::page(&self.engine.targets(), self.engine.now(), &asked)),
            ["alerts"] | ["alerting", ..] => {
                page(200, alerts::page(&self.engine.groups(), self.engine.now(), &asked))
            }
            _ => page(404, frame::missing(&asked, "There is no such page")),
        }
    }

    fn is_query(&self, path: &str) -> bool {
        path == "/" || path.starts_with("/d/")
    }
}

impl Viewer {
    /// The dashboards that can be read, by title.
    fn all(&self) -> Vec<Dashboard> {
        let mut all: Vec<Dashboard> =
            (self.dashboards)().iter().filter_map(|text| Dashboard::parse(text).ok()).collect();
        all.sort_by(|a, b| a.title.cmp(&b.title));
        all
    }

    fn home(&self) -> Option<Dashboard> {
        let mut all = self.all();
        let home = all.iter().position(|dashboard| Some(&dashboard.uid) == self.home.as_ref()).unwrap_or(0);
        (home < all.len()).then(|| all.swap_remove(home))
    }

    fn dashboard(&self, dashboard: &Dashboard, asked: &Asked) -> Reply {
        let now = self.engine.now();
        let deadline = Deadline::after(PATIENCE);
        let interrupt = || deadline.interrupt(&asked.gone);
        let millis = |duration: PromDuration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let options =
            Options { lookback_millis: millis(self.lookback), interrupt: &interrupt, ..Options::default() };
        let source = crate::dashboards::query::Source {
            data: &*self.data,
            options,
            scrape_interval: millis((self.scrape_interval)()),
        };
        page(200, dashboard::page(dashboard, asked, &source, now))
    }

    /// As Grafana's API gives it; the text is passed on as it is.
    fn dashboard_json(&self, uid: &str) -> Reply {
        let found = (self.dashboards)().into_iter().find_map(|text| {
            let value: serde_json::Value = serde_json::from_str(&text).ok()?;
            (value["uid"].as_str() == Some(uid)).then_some(value)
        });
        match found {
            Some(dashboard) => {
                let body = json!({"meta": {"type": "db", "canSave": false, "provisioned": true}, "dashboard": dashboard});
                Reply::json(200, body.to_string())
            }
            None => Reply::json(404, json!({"message": "Dashboard not found"}).to_string()),
        }
    }
}

/// Nothing may be run or fetched but what this server gives; places are style attributes.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

fn page(status: u16, html: String) -> Reply {
    Reply::html(status, html)
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::REFERRER_POLICY, "no-referrer")
        .with(header::CACHE_CONTROL, "no-store")
}

fn asset(content_type: &'static str, text: &'static str) -> Reply {
    Reply::new(200, content_type, text).with(header::CACHE_CONTROL, "no-cache")
}
