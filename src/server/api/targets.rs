//! Targets and what they say of their metrics: `targets`, `targets/metadata`, `metadata`, `scrape_pools`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Api,
    error::ApiError,
    outcome::{Outcome, success},
    params,
};
use crate::{
    engine::{Metadata, Target},
    formats::answer::Json,
    series::Matcher,
    server::http::Asked,
    time::PromDuration,
};

/// Names of this machine among its own targets.
const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

impl Api {
    pub(super) fn targets(&self, asked: &Asked) -> Outcome {
        let pool = asked.value("scrapePool");
        let state = asked.value("state").to_lowercase();
        let shows = |wanted: &str| matches!(state.as_str(), "" | "any") || state == wanted;
        let targets = self.engine.targets();
        let is_wanted = |name: &str| pool.is_empty() || name == pool;
        let active = targets.active.iter().filter(|target| shows("active") && is_wanted(&target.pool));
        let dropped = targets.dropped.iter().filter(|target| shows("dropped") && is_wanted(&target.pool));
        success(|json| {
            json.object(|object| {
                object.list("activeTargets", active, |json, target| self.write_target(target, json));
                object.list("droppedTargets", dropped, |json, target| {
                    json.object(|object| {
                        object.labels("discoveredLabels", &target.discovered);
                        object.text("scrapePool", &target.pool);
                    });
                });
                let counts = object.field("droppedTargetCounts");
                if shows("dropped") {
                    counts.object(|object| {
                        for (pool, count) in &targets.dropped_counts {
                            object.plain(pool, count);
                        }
                    });
                } else {
                    counts.raw("null");
                }
            });
        })
    }

    fn write_target(&self, target: &Target, json: &mut Json) {
        let duration = |duration: std::time::Duration| {
            PromDuration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).to_string()
        };
        json.object(|object| {
            object.labels("discoveredLabels", &target.discovered);
            object.labels("labels", &target.labels);
            object.text("scrapePool", &target.pool);
            object.text("scrapeUrl", &target.url);
            object.text("globalUrl", &self.global_url(&target.url));
            object.text("lastError", &target.last_error);
            object.time("lastScrape", target.last_scrape);
            object.number("lastScrapeDuration", target.last_duration.as_secs_f64());
            object.text("health", target.health.text());
            object.text("scrapeInterval", &duration(target.interval));
            object.text("scrapeTimeout", &duration(target.timeout));
        });
    }

    /// The URL of a target as others than this machine would call it.
    fn global_url(&self, url: &str) -> String {
        global_url(url, &self.settings.external_url, self.settings.port).unwrap_or_else(|| url.to_owned())
    }

    pub(super) fn scrape_pools(&self) -> Outcome {
        let targets = self.engine.targets();
        let active = targets.active.iter().map(|target| target.pool.as_str());
        let pools: BTreeSet<&str> = active.chain(targets.dropped_counts.keys().map(String::as_str)).collect();
        success(|json| json.object(|object| object.field("scrapePools").texts(&pools)))
    }

    pub(super) fn target_metadata(&self, asked: &Asked) -> Outcome {
        let limit = params::plain_limit(asked, "limit")?.unwrap_or(usize::MAX);
        let matchers: Vec<Matcher> = match asked.value("match_target") {
            "" => Vec::new(),
            text => params::selector(text, self.settings.syntax)
                .map_err(|why| ApiError::parameter("match_target", why))?,
        };
        let metric = asked.value("metric");
        let all = self.engine.metadata();
        let wanted = all.iter().filter(|metadata| {
            (metric.is_empty() || metadata.family == metric)
                && matchers.iter().all(|matcher| matcher.accepts_labels(&metadata.target))
        });
        success(|json| {
            json.list(wanted.take(limit), |json, metadata| {
                json.object(|object| {
                    object.labels("target", &metadata.target);
                    if metric.is_empty() {
                        object.text("metric", &metadata.family);
                    }
                    object.text("type", &metadata.kind);
                    object.text("help", &metadata.help);
                    object.text("unit", &metadata.unit);
                });
            });
        })
    }

    pub(super) fn metadata(&self, asked: &Asked) -> Outcome {
        let limit = params::plain_limit(asked, "limit")?.unwrap_or(usize::MAX);
        let each = params::plain_limit(asked, "limit_per_metric")?;
        let each = each.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let metric = asked.value("metric");
        let all = self.engine.metadata();
        let mut families: BTreeMap<&str, Vec<&Metadata>> = BTreeMap::new();
        for metadata in all.iter().filter(|metadata| metric.is_empty() || metadata.family == metric) {
            let said = families.entry(&metadata.family).or_default();
            let is_new = said.iter().all(|have| {
                (&have.kind, &have.help, &have.unit) != (&metadata.kind, &metadata.help, &metadata.unit)
            });
            if is_new && said.len() < each {
                said.push(metadata);
            }
        }
        success(|json| {
            json.object(|object| {
                for (family, said) in families.into_iter().take(limit) {
                    object.list(family, said, |json, metadata| {
                        json.object(|object| {
                            object.text("type", &metadata.kind);
                            object.text("unit", &metadata.unit);
                            object.text("help", &metadata.help);
                        });
                    });
                }
            });
        })
    }
}

/// `None` where the URL needs no change, or is none.
fn global_url(url: &str, external: &str, own_port: u16) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = host_and_port(authority);
    if !LOCALHOST.contains(&host) {
        return None;
    }
    let (external_scheme, external_rest) = external.split_once("://")?;
    let external_authority = external_rest.split('/').next()?;
    if port.is_some_and(|port| port == own_port.to_string()) {
        return Some(format!("{external_scheme}://{external_authority}{path}"));
    }
    let name = host_and_port(external_authority).0;
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{name}{port}{path}"))
}

/// The host without the brackets of IPv6.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expect: &str) {
        let global = global_url(url, "https://vm:443", 9090);
        assert_eq!(global.as_deref().unwrap_or(url), expect);
    }

    #[test]
    fn localhost_is_called_by_its_name() {
        check("http://127.0.0.1:8000/metrics", "http://vm:8000/metrics");
        check("http://localhost/metrics?x=1", "http://vm/metrics?x=1");
        check("http://[::1]:8000/", "http://vm:8000/");
        check("http://localhost:9090/metrics", "https://vm:443/metrics");
        check("http://gpu:8000/metrics", "http://gpu:8000/metrics");
        check("http://[::2]:8000/", "http://[::2]:8000/");
        check("no url", "no url");
    }
}
