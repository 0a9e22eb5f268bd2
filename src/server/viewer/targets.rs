//! What is scraped, and how that goes.

use std::{collections::BTreeMap, time::Duration};

use super::frame::{Page, document};
use crate::{
    dashboards::format::format,
    engine::{Health, Target, Targets},
    server::http::Asked,
    text::{Html, lasting},
    time::Timestamp,
};

/// Seconds after which the page is asked for again.
const REFRESH: u64 = 5;

pub(super) fn page(targets: &Targets, now: Timestamp, asked: &Asked) -> String {
    let mut pools: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for target in &targets.active {
        pools.entry(&target.pool).or_default().push(target);
    }
    let mut body = Html::new();
    body.raw("<h1>Targets</h1>");
    if pools.is_empty() {
        body.raw("<p class=\"nothing\">Nothing is scraped</p>");
    }
    for (pool, targets) in &pools {
        let up = targets.iter().filter(|target| target.health == Health::Up).count();
        body.raw("<section class=\"list\"><h2>").text(pool).raw(" <small>").show(up).raw(" of ");
        body.show(targets.len()).raw(" up</small></h2><div class=\"scroll\"><table><thead><tr>");
        body.raw(
            "<th>State</th><th>Instance</th><th>Labels</th><th>Last scrape</th><th class=\"r\">Took</th>",
        );
        body.raw("<th class=\"r\">Every</th><th>Error</th></tr></thead><tbody>");
        for target in targets {
            row(&mut body, target, now);
        }
        body.raw("</tbody></table></div></section>");
    }
    for (pool, count) in targets.dropped_counts.iter().filter(|(_, count)| **count > 0) {
        body.raw("<p class=\"note\">").text(pool).raw(": ").show(count).raw(" dropped by relabelling</p>");
    }
    let page = Page { title: "Targets", part: "/targets", refresh: REFRESH, controls: Html::new(), body };
    document(&page, asked)
}

fn row(body: &mut Html, target: &Target, now: Timestamp) {
    let state = match target.health {
        Health::Up => "good",
        Health::Down => "bad",
        Health::Unknown => "unknown",
    };
    body.raw("<tr><td><span class=\"badge ")
        .raw(state)
        .raw("\">")
        .raw(target.health.text())
        .raw("</span></td><td title=\"");
    body.text(&target.url)
        .raw("\">")
        .text(target.labels.get("instance").unwrap_or(&target.url))
        .raw("</td><td>");
    labels(body, target.labels.iter().filter(|(name, _)| !matches!(*name, "instance" | "job")));
    body.raw("</td><td>");
    match target.last_scrape {
        Some(at) => ago(body, at, now),
        None => {
            body.raw("never");
        }
    }
    let seconds = |duration: Duration| format(duration.as_secs_f64(), "s", None).to_string();
    body.raw("</td><td class=\"r\">").text(&seconds(target.last_duration)).raw("</td><td class=\"r\">");
    body.text(&seconds(target.interval))
        .raw("</td><td class=\"error\">")
        .text(&target.last_error)
        .raw("</td></tr>");
}

/// Labels as chips.
pub(super) fn labels<'a>(body: &mut Html, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in labels {
        body.raw("<span class=\"chip\"><i>").text(name).raw("</i>").text(value).raw("</span>");
    }
}

/// How long ago, with the instant behind it.
pub(super) fn ago(body: &mut Html, at: Timestamp, now: Timestamp) {
    body.raw("<time title=\"")
        .show(at)
        .raw("\" data-at=\"")
        .show(at.0)
        .raw("\">")
        .text(&lasting(now.since(at)))
        .raw(" ago</time>");
}
