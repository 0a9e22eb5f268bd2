//! Rules and alerts: `rules`, `alerts`, `alertmanagers`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{
    Api,
    error::ApiError,
    go,
    outcome::{Outcome, success},
    params,
};
use crate::{
    engine::{GroupStatus, RuleHealth, RuleStatus},
    formats::answer::{Json, Object},
    rules::{Alert, AlertState, Rule},
    series::{Labels, Matcher, quoted},
    server::http::Asked,
};

/// Which rules are asked for.
struct Wanted<'a> {
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    matchers: Vec<Vec<Matcher>>,
    alerting: bool,
    recording: bool,
    with_alerts: bool,
    page: Option<Page<'a>>,
}

/// How many groups at a time, and where to go on.
struct Page<'a> {
    most: usize,
    from: &'a str,
}

impl Api {
    pub(super) fn rules(&self, asked: &Asked) -> Outcome {
        let wanted = self.wanted(asked)?;
        let groups = self.groups();
        let mut rest = groups.iter().peekable();
        if let Some(Page { from, .. }) = wanted.page.as_ref().filter(|page| !page.from.is_empty()) {
            while rest.next_if(|group| token(group) != **from).is_some() {}
            if rest.peek().is_none() {
                let why = format!("invalid group_next_token '{from}'. were rule groups changed?");
                return Err(ApiError::parameter("group_next_token", why));
            }
        }
        let mut found = rest.filter_map(|group| {
            let rules = wanted.rules(group);
            (!rules.is_empty()).then_some((group, rules))
        });
        let most = wanted.page.as_ref().map_or(usize::MAX, |page| page.most);
        let shown: Vec<_> = found.by_ref().take(most).collect();
        let next = if wanted.page.is_some() { found.next().map(|(group, _)| token(group)) } else { None };
        success(|json| {
            json.object(|object| {
                object.list("groups", shown, |json, (group, rules)| {
                    write_group(group, &rules, wanted.with_alerts, json);
                });
                if let Some(next) = next {
                    object.text("groupNextToken", &next);
                }
            });
        })
    }

    /// By file, then by name.
    fn groups(&self) -> Vec<GroupStatus> {
        let mut groups = self.engine.groups();
        groups.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
        groups
    }

    fn wanted<'a>(&self, asked: &'a Asked) -> Result<Wanted<'a>, ApiError> {
        params::readable(asked)?;
        let matchers = params::matchers(asked, self.settings.syntax).map_err(ApiError::bad_data)?;
        let kind = asked.value("type").to_lowercase();
        if !matches!(kind.as_str(), "" | "alert" | "record") {
            return Err(ApiError::parameter("type", format!("not supported value {}", quoted(&kind))));
        }
        let excluded = match asked.value("exclude_alerts") {
            "" => false,
            text => go::boolean(&text.to_lowercase()).map_err(|why| {
                ApiError::parameter("exclude_alerts", format!("error converting exclude_alerts: {why}"))
            })?,
        };
        Ok(Wanted {
            names: asked.values("rule_name[]").collect(),
            groups: asked.values("rule_group[]").collect(),
            files: asked.values("file[]").collect(),
            matchers,
            alerting: kind != "record",
            recording: kind != "alert",
            with_alerts: !excluded,
            page: page(asked)?,
        })
    }

    pub(super) fn alerts(&self) -> Outcome {
        let groups = self.groups();
        let alerts = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts);
        success(|json| json.object(|object| object.list("alerts", alerts.filter(is_active), write_alert)))
    }

    pub(super) fn alertmanagers(&self) -> Outcome {
        let alertmanagers = self.engine.alertmanagers();
        let write = |json: &mut Json, url: &String| json.object(|object| object.text("url", url));
        success(|json| {
            json.object(|object| {
                object.list("activeAlertmanagers", &alertmanagers.active, write);
                object.list("droppedAlertmanagers", &alertmanagers.dropped, write);
            });
        })
    }
}

fn page(asked: &Asked) -> Result<Option<Page<'_>>, ApiError> {
    let (limit, from) = (asked.value("group_limit"), asked.value("group_next_token"));
    if limit.is_empty() {
        if from.is_empty() {
            return Ok(None);
        }
        let why = "group_limit needs to be present in order to paginate over the groups";
        return Err(ApiError::parameter("group_next_token", why));
    }
    let refused = |why: String| ApiError::parameter("group_limit", why);
    let number = go::integer(limit).and_then(|number| match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) => Err(format!("parsing {}: value out of range", quoted(limit))),
    });
    let number = number
        .map_err(|why| refused(format!("group_limit needs to be a valid number: strconv.ParseInt: {why}")))?;
    match usize::try_from(number) {
        Ok(most @ 1..) => Ok(Some(Page { most, from })),
        _ => Err(refused("group_limit needs to be greater than 0".to_owned())),
    }
}

/// What a client names a group by to go on with it.
fn token(group: &GroupStatus) -> String {
    let hash = Sha256::digest(format!("{};{}", group.file, group.name).as_bytes());
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // A `String` takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Wanted<'_> {
    fn rules<'g>(&self, group: &'g GroupStatus) -> Vec<&'g RuleStatus> {
        let is_among = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
        if !is_among(&self.groups, &group.name) || !is_among(&self.files, &group.file) {
            return Vec::new();
        }
        let is_wanted = |status: &&RuleStatus| {
            let kind = match status.rule {
                Rule::Alerting(_) => self.alerting,
                Rule::Recording(_) => self.recording,
            };
            kind && is_among(&self.names, status.rule.name()) && self.accepts(status)
        };
        group.rules.iter().filter(is_wanted).collect()
    }

    fn accepts(&self, status: &RuleStatus) -> bool {
        let value = |name: &str| status.labels.get(name).map_or("", String::as_str);
        let accepts = |set: &Vec<Matcher>| set.iter().all(|matcher| matcher.accepts(value(matcher.name())));
        self.matchers.is_empty() || self.matchers.iter().any(accepts)
    }
}

fn write_group(group: &GroupStatus, rules: &[&RuleStatus], with_alerts: bool, json: &mut Json) {
    json.object(|object| {
        object.text("name", &group.name);
        object.text("file", &group.file);
        object.list("rules", rules, |json, rule| write_rule(rule, with_alerts, json));
        object.number("interval", group.interval.as_secs_f64());
        object.plain("limit", group.limit);
        object.number("evaluationTime", group.evaluation_time.as_secs_f64());
        object.time("lastEvaluation", group.last_evaluation);
    });
}

fn write_rule(status: &RuleStatus, with_alerts: bool, json: &mut Json) {
    let labels: Labels = status.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    json.object(|object| match &status.rule {
        Rule::Recording(rule) => {
            object.text("name", &rule.record);
            object.text("query", &rule.expr.to_string());
            object.labels("labels", &labels);
            write_health(status, object);
            object.text("type", "recording");
        }
        Rule::Alerting(rule) => {
            object.text("state", state(status));
            object.text("name", &rule.alert);
            object.text("query", &rule.expr.to_string());
            object.number("duration", rule.hold.as_secs_f64());
            object.number("keepFiringFor", rule.keep_firing_for.as_secs_f64());
            object.labels("labels", &labels);
            let annotations = rule.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            object.labels("annotations", &annotations.collect());
            if with_alerts {
                object.list("alerts", status.alerts.iter().filter(is_active), write_alert);
            } else {
                object.plain("alerts", "null");
            }
            write_health(status, object);
            object.text("type", "alerting");
        }
    });
}

fn write_health(status: &RuleStatus, object: &mut Object<'_>) {
    object.text("health", status.health.text());
    if !status.last_error.is_empty() {
        object.text("lastError", &status.last_error);
    }
    object.number("evaluationTime", status.evaluation_time.as_secs_f64());
    object.time("lastEvaluation", status.last_evaluation);
}

/// Of all its alerts, the furthest.
fn state(status: &RuleStatus) -> &'static str {
    if status.health == RuleHealth::Unknown {
        return "unknown";
    }
    status.alerts.iter().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive).text()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what `filter` asks for")]
fn is_active(alert: &&Alert) -> bool {
    alert.resolved_at.is_none()
}

fn write_alert(json: &mut Json, alert: &Alert) {
    json.object(|object| {
        object.labels("labels", &alert.labels);
        let annotations = alert.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        object.labels("annotations", &annotations.collect());
        object.text("state", alert.state.text());
        object.time("activeAt", Some(alert.active_at));
        if let Some(since) = alert.keep_firing_since {
            object.time("keepFiringSince", Some(since));
        }
        object.text("value", &go::exponent_text(alert.value));
    });
}
