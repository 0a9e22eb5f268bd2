//! What a dashboard can be asked: variables, time range, refresh.

use super::Address;
use crate::{
    dashboards::{
        model::{ALL, VariableKind},
        variables::Chosen,
        view::View,
    },
    text::Html,
    time::Timestamp,
};

/// Ranges that end now: how they begin, and their names.
const QUICK: [(&str, &str); 12] = [
    ("now-5m", "Last 5 minutes"),
    ("now-15m", "Last 15 minutes"),
    ("now-30m", "Last 30 minutes"),
    ("now-1h", "Last 1 hour"),
    ("now-3h", "Last 3 hours"),
    ("now-6h", "Last 6 hours"),
    ("now-12h", "Last 12 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now/d", "Today so far"),
];

const REFRESHES: [&str; 7] = ["5s", "10s", "30s", "1m", "5m", "15m", "1h"];

/// Moves, ranges and refresh, for the top of the page.
pub(super) fn time(view: &View, refresh: &str, here: &Address) -> Html {
    let mut html = Html::new();
    let (from, to) = (view.range.from.0, view.range.to.0);
    let half = view.range.millis() / 2;
    let moved = |from: i64, to: i64| {
        here.clone().with("from", &from.max(0).to_string()).with("to", &to.max(1).to_string())
    };
    let button = |html: &mut Html, address: &Address, label: &'static str, name: &'static str| {
        html.raw("<a class=\"button\" href=\"")
            .show(address)
            .raw("\" title=\"")
            .raw(name)
            .raw("\" aria-label=\"");
        html.raw(name).raw("\">").raw(label).raw("</a>");
    };
    button(&mut html, &moved(from - half, to - half), "‹", "Earlier");
    html.raw("<details class=\"menu\"><summary>")
        .html(&range_name(view))
        .raw("</summary><div class=\"sheet\">");
    html.raw("<form action=\"").show(here.path()).raw("\">");
    hidden(&mut html, here, &|name| matches!(name, "from" | "to"));
    html.raw("<label>From ");
    field(&mut html, "from", &view.from, view.range.from);
    html.raw("</label><label>To ");
    field(&mut html, "to", &view.to, view.range.to);
    // The script puts the reader's own zone.
    html.raw("</label><button>Apply</button><p class=\"note\">Times are in <span data-zone>UTC</span>.</p>");
    html.raw("</form><ul>");
    for (begin, name) in QUICK {
        let address = here.clone().with("from", begin).with("to", "now");
        html.raw("<li><a href=\"").show(address).raw("\"");
        if (view.from.as_str(), view.to.as_str()) == (begin, "now") {
            html.raw(" aria-current=\"true\"");
        }
        html.raw(">").raw(name).raw("</a></li>");
    }
    html.raw("</ul></div></details><noscript><span class=\"note\">UTC</span></noscript>");
    button(&mut html, &moved(from + half, to + half), "›", "Later");
    button(&mut html, &moved(from - half, to + half), "−", "Zoom out");
    html.raw("<details class=\"menu\"><summary title=\"Refresh\">⟳ ");
    html.text(if refresh.is_empty() { "off" } else { refresh }).raw("</summary><div class=\"sheet\"><ul>");
    for (value, name) in [("", "Off")].into_iter().chain(REFRESHES.map(|every| (every, every))) {
        html.raw("<li><a href=\"").show(here.clone().with("refresh", value)).raw("\"");
        if value == refresh {
            html.raw(" aria-current=\"true\"");
        }
        html.raw(">").raw(name).raw("</a></li>");
    }
    html.raw("</ul></div></details>");
    html
}

/// A field for an end of the range: a date and a time of day where it is an instant, else as it was asked for.
fn field(html: &mut Html, name: &'static str, raw: &str, at: Timestamp) {
    html.raw("<input name=\"").raw(name).raw("\" autocomplete=\"off\" size=\"24\"");
    if raw.trim_start().starts_with("now") {
        html.raw(" value=\"").text(raw).raw("\">");
    } else {
        let shown = at.to_string().replace('T', " ");
        html.raw(" data-t=\"").show(at.0).raw("\" value=\"").text(shown.trim_end_matches('Z')).raw("\">");
    }
}

fn range_name(view: &View) -> Html {
    let mut html = Html::new();
    let quick = QUICK.iter().find(|(from, _)| (*from, "now") == (view.from.as_str(), view.to.as_str()));
    if let Some((_, name)) = quick {
        html.raw(name);
    } else {
        let end = |html: &mut Html, raw: &str, at: Timestamp| {
            if raw.starts_with("now") {
                html.text(raw);
            } else {
                html.raw("<time data-t=\"").show(at.0).raw("\">").show(at).raw("</time>");
            }
        };
        end(&mut html, &view.from, view.range.from);
        html.raw(" – ");
        end(&mut html, &view.to, view.range.to);
    }
    html
}

/// Fields of the address that a form keeps.
fn hidden(html: &mut Html, here: &Address, is_own: &dyn Fn(&str) -> bool) {
    for (name, value) in here.fields().iter().filter(|(name, _)| !is_own(name)) {
        html.raw("<input type=\"hidden\" name=\"").text(name).raw("\" value=\"").text(value).raw("\">");
    }
}

/// A form with a field for each variable that can be chosen.
pub(super) fn variables(view: &View, here: &Address) -> Html {
    let mut html = Html::new();
    let shown: Vec<&Chosen> = view.variables.iter().filter(|chosen| is_shown(chosen)).collect();
    if shown.is_empty() {
        return html;
    }
    html.raw("<form class=\"variables\" action=\"").show(here.path()).raw("\">");
    let own: Vec<String> = shown.iter().map(|chosen| format!("var-{}", chosen.variable.name)).collect();
    hidden(&mut html, here, &|name| own.iter().any(|own| own == name));
    for (chosen, name) in shown.iter().zip(&own) {
        let label = chosen.variable.label.as_deref().unwrap_or(&chosen.variable.name);
        if chosen.variable.kind == VariableKind::TextBox {
            html.raw("<label class=\"field\"><span>").text(label).raw("</span><input name=\"").text(name);
            html.raw("\" value=\"").text(chosen.values.first().map_or("", String::as_str)).raw("\"></label>");
        } else if chosen.variable.multi {
            several(&mut html, chosen, label, name);
        } else {
            single(&mut html, chosen, label, name);
        }
    }
    html.raw("<button class=\"apply\">Apply</button></form>");
    html
}

/// What the page cannot change is not shown: there is one data source.
fn is_shown(chosen: &Chosen) -> bool {
    let is_choice = !matches!(chosen.variable.kind, VariableKind::Datasource | VariableKind::Other(_));
    is_choice && !chosen.variable.hidden
}

/// The options, before them all of them, behind them what is chosen and not among them.
fn options(chosen: &Chosen) -> Vec<(&str, &str, bool)> {
    let is_chosen = |value: &str| chosen.values.iter().any(|one| one == value);
    let mut options = Vec::new();
    if chosen.variable.include_all {
        options.push(("All", ALL, chosen.is_all()));
    }
    options.extend(
        chosen.options.iter().map(|option| (&*option.text, &*option.value, is_chosen(&option.value))),
    );
    let is_known =
        |value: &&String| *value == ALL || chosen.options.iter().any(|option| option.value == **value);
    let strange = chosen.values.iter().filter(|value| !is_known(value));
    options.extend(strange.map(|value| (value.as_str(), value.as_str(), true)));
    options
}

fn single(html: &mut Html, chosen: &Chosen, label: &str, name: &str) {
    html.raw("<label class=\"field\"><span>").text(label).raw("</span><select name=\"").text(name).raw("\">");
    for (text, value, is_chosen) in options(chosen) {
        html.raw("<option value=\"").text(value).raw(if is_chosen { "\" selected>" } else { "\">" });
        html.text(text).raw("</option>");
    }
    html.raw("</select></label>");
}

fn several(html: &mut Html, chosen: &Chosen, label: &str, name: &str) {
    html.raw("<div class=\"field\"><span>").text(label).raw("</span><details class=\"menu\"><summary>");
    html.text(&chosen.text()).raw("</summary><div class=\"sheet choices\">");
    for (text, value, is_chosen) in options(chosen) {
        html.raw("<label><input type=\"checkbox\" name=\"").text(name).raw("\" value=\"").text(value);
        html.raw(if is_chosen { "\" checked> " } else { "\"> " }).text(text).raw("</label>");
    }
    html.raw("<button>Apply</button></div></details></div>");
}
