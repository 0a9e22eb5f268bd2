//! Alerting rules and what they say now.

use super::{
    frame::{Page, document},
    targets::{ago, labels},
};
use crate::{
    dashboards::format::format,
    engine::{GroupStatus, RuleHealth, RuleStatus},
    promql::syntax::{WIDTH, pretty},
    rules::{Alert, AlertState, AlertingRule, Rule},
    server::http::Asked,
    text::Html,
    time::Timestamp,
};

/// Seconds after which the page is asked for again.
const REFRESH: u64 = 5;
/// Annotations that people read first, in their order.
const USUAL: [&str; 3] = ["summary", "description", "runbook_url"];
/// The most alerts that are shown of a rule.
const MOST_ALERTS: usize = 200;

pub(super) fn page(groups: &[GroupStatus], now: Timestamp, asked: &Asked) -> String {
    let rules = || groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    let mut alerting: Vec<(&GroupStatus, &RuleStatus, &AlertingRule)> = rules()
        .filter_map(|(group, status)| match &status.rule {
            Rule::Alerting(rule) => Some((group, status, rule)),
            Rule::Recording(_) => None,
        })
        .collect();
    // What fires comes first, then what is about to; else the order of the files.
    alerting.sort_by_key(|(_, status, _)| std::cmp::Reverse(rank(status)));
    let count =
        |state: AlertState| alerting.iter().filter(|(_, status, _)| of(status) == Some(state)).count();
    let failing: Vec<_> = rules().filter(|(_, status)| status.health == RuleHealth::Err).collect();
    let mut body = Html::new();
    body.raw("<h1>Alerts</h1><p class=\"sum\">");
    for (state, tone, word) in
        [(AlertState::Firing, " bad", "firing"), (AlertState::Pending, " warn", "pending")]
    {
        // None of them is no trouble, and has not its colour.
        let count = count(state);
        let tone = if count == 0 { "" } else { tone };
        body.raw("<span class=\"badge").raw(tone).raw("\">").show(count).raw(" ").raw(word).raw("</span> ");
    }
    body.raw("<span class=\"badge good\">");
    body.show(alerting.iter().filter(|(_, status, _)| of(status).is_none()).count())
        .raw(" inactive</span></p>");
    for (group, status) in &failing {
        body.raw("<p class=\"error\" role=\"alert\"><b>")
            .text(status.rule.name())
            .raw("</b> of ")
            .text(&group.name);
        body.raw(" cannot be evaluated: ").text(&status.last_error).raw("</p>");
    }
    if alerting.is_empty() {
        body.raw("<p class=\"nothing\">There is no alerting rule</p>");
    }
    for (group, status, rule) in &alerting {
        self::rule(&mut body, group, status, rule, now);
    }
    let page = Page { title: "Alerts", part: "/alerts", refresh: REFRESH, controls: Html::new(), body };
    document(&page, asked)
}

/// The state of the worst alert.
fn of(status: &RuleStatus) -> Option<AlertState> {
    let has = |state: AlertState| status.alerts.iter().any(|alert| alert.state == state);
    [AlertState::Firing, AlertState::Pending].into_iter().find(|state| has(*state))
}

fn rank(status: &RuleStatus) -> u8 {
    match of(status) {
        Some(AlertState::Firing) => 2,
        Some(AlertState::Pending) => 1,
        Some(AlertState::Inactive) | None => 0,
    }
}

fn rule(body: &mut Html, group: &GroupStatus, status: &RuleStatus, rule: &AlertingRule, now: Timestamp) {
    let state = of(status);
    body.raw("<details class=\"rule\" id=\"rule-").show(status.id.group);
    body.raw("-").show(status.id.rule).raw("\"");
    if state.is_some() {
        body.raw(" open");
    }
    body.raw("><summary>").raw(badge(state)).text(&rule.alert);
    if let Some(severity) = status.labels.get("severity") {
        body.raw(" <span class=\"chip\">").text(severity).raw("</span>");
    }
    body.raw("<small>");
    if rule.hold.as_millis() > 0 {
        body.raw("for ").show(rule.hold).raw(" · ");
    }
    body.text(&group.name).raw("</small></summary>");
    if !status.alerts.is_empty() {
        alerts(body, &status.alerts, now);
    }
    body.raw("<pre><code>").text(&pretty(&rule.expr, WIDTH)).raw("</code></pre>");
    if !rule.annotations.is_empty() && status.alerts.is_empty() {
        body.raw("<dl>");
        for (name, text) in &rule.annotations {
            body.raw("<dt>").text(name).raw("</dt><dd>").text(text).raw("</dd>");
        }
        body.raw("</dl>");
    }
    body.raw("<p class=\"note\">");
    match status.last_evaluation {
        Some(at) => {
            body.raw("Evaluated ");
            ago(body, at, now);
            body.raw(", took ").show(format(status.evaluation_time.as_secs_f64(), "s", None));
        }
        None => {
            body.raw("Not evaluated yet");
        }
    }
    body.raw(" · <code>").text(&group.file).raw("</code></p></details>");
}

fn badge(state: Option<AlertState>) -> &'static str {
    match state {
        Some(AlertState::Firing) => "<span class=\"badge bad\">firing</span> ",
        Some(AlertState::Pending) => "<span class=\"badge warn\">pending</span> ",
        Some(AlertState::Inactive) | None => "<span class=\"badge good\">inactive</span> ",
    }
}

fn alerts(body: &mut Html, alerts: &[Alert], now: Timestamp) {
    body.raw(
        "<div class=\"scroll\"><table><thead><tr><th>State</th><th>Labels</th><th class=\"r\">Value</th>",
    );
    body.raw("<th>Since</th><th>Annotations</th></tr></thead><tbody>");
    for alert in alerts.iter().take(MOST_ALERTS) {
        body.raw("<tr><td>").raw(badge(Some(alert.state))).raw("</td><td>");
        labels(body, alert.labels.iter().filter(|(name, _)| *name != "alertname"));
        body.raw("</td><td class=\"r\">").show(format(alert.value, "short", None)).raw("</td><td>");
        ago(body, alert.fired_at.unwrap_or(alert.active_at), now);
        body.raw("</td><td>");
        let mut annotations: Vec<&(String, String)> = alert.annotations.iter().collect();
        annotations
            .sort_by_key(|(name, _)| USUAL.iter().position(|usual| usual == name).unwrap_or(USUAL.len()));
        for (name, text) in annotations.into_iter().filter(|(_, text)| !text.is_empty()) {
            body.raw("<div>");
            let is_link = text.starts_with("http://") || text.starts_with("https://");
            if is_link && name.ends_with("_url") {
                body.raw("<a rel=\"noopener noreferrer\" href=\"").text(text).raw("\">");
                body.text(name.trim_end_matches("_url")).raw("</a>");
            } else {
                body.raw("<small>").text(name).raw("</small> ").text(text);
            }
            body.raw("</div>");
        }
        body.raw("</td></tr>");
    }
    body.raw("</tbody></table></div>");
    if alerts.len() > MOST_ALERTS {
        body.raw("<p class=\"note\">").show(alerts.len() - MOST_ALERTS).raw(" more alerts</p>");
    }
}
