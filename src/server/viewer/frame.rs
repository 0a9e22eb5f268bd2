//! What all pages have: head, navigation, theme.

use super::Address;
use crate::{server::http::Asked, text::Html};

/// A page without its frame.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// The part of the navigation that it belongs to: a path.
    pub(super) part: &'static str,
    /// Seconds after which it is asked for again; 0 for never.
    pub(super) refresh: u64,
    /// Between navigation and content, at the right.
    pub(super) controls: Html,
    pub(super) body: Html,
}

/// A square of three bars, drawn in the brand's colour.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
     fill='%23f28c28' d='M1 9h4v6H1zM6 5h4v10H6zM11 1h4v14h-4z'/%3E%3C/svg%3E";

const PARTS: [(&str, &str); 3] =
    [("/dashboards", "Dashboards"), ("/alerts", "Alerts"), ("/targets", "Targets")];

pub(super) fn document(page: &Page<'_>, asked: &Asked) -> String {
    let theme = match asked.value("theme") {
        "dark" => " data-theme=\"dark\"",
        "light" => " data-theme=\"light\"",
        _ => "",
    };
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"en\"")
        .raw(theme)
        .raw(">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    html.text(page.title).raw(" · llmobs</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"").raw(ICON);
    html.raw("\">\n<link rel=\"stylesheet\" href=\"/assets/viewer.css\">\n");
    html.raw("<script src=\"/assets/viewer.js\" defer></script>\n");
    if page.refresh > 0 {
        html.raw("<noscript><meta http-equiv=\"refresh\" content=\"")
            .show(page.refresh)
            .raw("\"></noscript>\n");
    }
    html.raw("</head>\n<body data-refresh=\"")
        .show(page.refresh)
        .raw("\">\n<header class=\"top\"><a class=\"brand\" href=\"");
    html.show(Address::to("/", asked)).raw("\"><img alt=\"\" width=\"18\" height=\"18\" src=\"").raw(ICON);
    html.raw("\">llmobs</a><nav aria-label=\"Pages\">");
    for (path, name) in PARTS {
        html.raw("<a href=\"").show(Address::to(path, asked)).raw("\"");
        if path == page.part {
            html.raw(" aria-current=\"page\"");
        }
        html.raw(">").raw(name).raw("</a>");
    }
    html.raw("</nav><div class=\"controls\">").html(&page.controls);
    let (other, name) = if asked.value("theme") == "light" { ("dark", "Dark") } else { ("light", "Light") };
    html.raw("<a class=\"button theme\" href=\"")
        .show(Address::of(asked).with("theme", other))
        .raw("\" title=\"");
    html.raw(name).raw(" theme\" aria-label=\"").raw(name).raw(" theme\">◐</a></div></header>\n<main>\n");
    html.html(&page.body).raw("</main>\n</body>\n</html>\n");
    html.into_string()
}

/// A page that says that there is nothing.
pub(super) fn missing(asked: &Asked, message: &str) -> String {
    let mut body = Html::new();
    body.raw("<p class=\"nothing\">").text(message).raw("</p>");
    let page = Page { title: "Not found", part: "", refresh: 0, controls: Html::new(), body };
    document(&page, asked)
}
