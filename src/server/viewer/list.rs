//! The list of dashboards.

use serde_json::{Value, json};

use super::{
    Address,
    frame::{Page, document},
};
use crate::{dashboards::model::Dashboard, server::http::Asked, text::Html};

pub(super) fn page(all: &[Dashboard], asked: &Asked) -> String {
    let mut body = Html::new();
    body.raw("<h1>Dashboards</h1>");
    if all.is_empty() {
        body.raw("<p class=\"nothing\">There is no dashboard</p>");
    }
    body.raw("<ul class=\"cards\">");
    for dashboard in all {
        let path = format!("/d/{}", dashboard.uid);
        body.raw("<li><a href=\"")
            .show(Address::to(&path, asked))
            .raw("\"><b>")
            .text(&dashboard.title)
            .raw("</b>");
        if let Some(description) = &dashboard.description {
            body.raw("<span>").text(description).raw("</span>");
        }
        body.raw("</a></li>");
    }
    body.raw("</ul>");
    let page = Page { title: "Dashboards", part: "/dashboards", refresh: 0, controls: Html::new(), body };
    document(&page, asked)
}

/// As Grafana's `/api/search` answers; `query` is part of a title, `tag` a tag.
pub(super) fn search(all: &[Dashboard], asked: &Asked) -> Value {
    let (query, tags) = (asked.value("query").to_lowercase(), asked.values("tag").collect::<Vec<_>>());
    let matches = |dashboard: &&Dashboard| {
        dashboard.title.to_lowercase().contains(&query)
            && tags.iter().all(|tag| dashboard.tags.iter().any(|have| have == tag))
    };
    let one = |dashboard: &Dashboard| {
        json!({
            "uid": dashboard.uid, "title": dashboard.title, "uri": format!("db/{}", dashboard.uid),
            "url": format!("/d/{}", dashboard.uid), "type": "dash-db", "tags": dashboard.tags,
        })
    };
    all.iter().filter(matches).map(one).collect()
}
