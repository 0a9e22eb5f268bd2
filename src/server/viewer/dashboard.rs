//! The page of a dashboard.

use super::{
    Address, controls,
    frame::{Page, document},
};
use crate::{
    dashboards::{
        draw::row_panels,
        model::Dashboard,
        query::Source,
        time_range::duration,
        view::{ViewRow, Wish, view},
    },
    server::http::Asked,
    text::Html,
    time::Timestamp,
};

/// Seconds between two refreshes at the least.
const FASTEST: i64 = 1;

pub(super) fn page(dashboard: &Dashboard, asked: &Asked, source: &Source<'_>, now: Timestamp) -> String {
    let here = Address::of(asked);
    let view = view(dashboard, &wish(asked), source, now);
    let is_named = asked.query.iter().any(|(name, _)| name == "refresh");
    let refresh = if is_named { asked.value("refresh") } else { dashboard.refresh.as_deref().unwrap_or("") };
    let seconds = duration(refresh).map_or(0, |millis| (millis / 1000).max(FASTEST));
    let refresh = if seconds == 0 { "" } else { refresh };
    let mut body = Html::new();
    body.raw("<div class=\"head\"><h1>").text(&dashboard.title).raw("</h1>");
    if let Some(description) = &dashboard.description {
        body.raw("<p>").text(description).raw("</p>");
    }
    body.html(&controls::variables(&view, &here)).raw("</div>");
    for problem in &view.problems {
        body.raw("<p class=\"error\" role=\"alert\">").text(problem).raw("</p>");
    }
    if view.rows.is_empty() {
        body.raw("<p class=\"nothing\">This dashboard has no panels</p>");
    }
    for row in &view.rows {
        self::row(&mut body, row, &here);
    }
    let page = Page {
        title: &dashboard.title,
        part: "/dashboards",
        refresh: u64::try_from(seconds).unwrap_or(0),
        controls: controls::time(&view, refresh, &here),
        body,
    };
    document(&page, asked)
}

fn wish(asked: &Asked) -> Wish {
    let time = |name: &str| Some(asked.value(name).to_owned()).filter(|text| !text.is_empty());
    let variable =
        |(name, value): &(String, String)| Some((name.strip_prefix("var-")?.to_owned(), value.clone()));
    Wish {
        from: time("from"),
        to: time("to"),
        // No zone is further from UTC than that.
        east: asked.value("tz").parse::<i16>().unwrap_or(0).clamp(-24 * 60, 24 * 60),
        variables: asked.query.iter().filter_map(variable).collect(),
        open_rows: asked.values("row").filter_map(|id| id.parse().ok()).collect(),
    }
}

fn row(body: &mut Html, row: &ViewRow, here: &Address) {
    let Some(title) = &row.title else {
        row_panels(body, &row.panels);
        return;
    };
    if row.is_closed {
        let open = here.clone().and("row", &row.id.to_string());
        body.raw("<a class=\"row\" href=\"").show(open).raw("\">").text(title).raw("</a>");
        return;
    }
    body.raw("<details class=\"row\" open id=\"row-")
        .show(row.id)
        .raw("\"><summary>")
        .text(title)
        .raw("</summary>");
    row_panels(body, &row.panels);
    body.raw("</details>");
}
