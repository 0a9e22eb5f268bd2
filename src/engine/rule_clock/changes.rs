//! What the log tells of alerts.

use crate::{
    engine::Notice,
    rules::{Alert, AlertState, DueAlert},
    series::Labels,
    time::Timestamp,
};

/// So many alerts of a rule are told one by one when they fire, or end, at the same instant.
const LISTED: usize = 3;
const ALERT_NAME: &str = "alertname";

/// What is worth telling of alerts that are due: those that fire since this evaluation, and those that it ended.
pub(super) fn told(name: &str, at: Timestamp, due: &[DueAlert]) -> Vec<Notice> {
    let list = |is_it: &dyn Fn(&Alert) -> bool| {
        let alerts: Vec<&Labels> = due
            .iter()
            .map(|due| &due.alert)
            .filter(|alert| is_it(alert))
            .map(|alert| &alert.labels)
            .collect();
        let shown: Vec<String> =
            alerts.iter().take(LISTED).map(|labels| labels.without(&[ALERT_NAME]).to_string()).collect();
        let more = match alerts.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!alerts.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
    };
    let fired = list(&|alert| alert.state == AlertState::Firing && alert.fired_at == Some(at));
    let resolved = list(&|alert| alert.state == AlertState::Inactive && alert.resolved_at == Some(at));
    let fired = fired.map(|list| Notice::warning(format!("the alert {name} fires: {list}")));
    let resolved = resolved.map(|list| Notice::note(format!("the alert {name} is resolved: {list}")));
    fired.into_iter().chain(resolved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alerts as `name:state@second`, at second 10.
    #[track_caller]
    fn check(alerts: &[(&str, AlertState, i64)], expect: &[&str]) {
        let due: Vec<DueAlert> = alerts
            .iter()
            .map(|(name, state, second)| {
                let at = Timestamp(second * 1000);
                let alert = Alert {
                    state: *state,
                    labels: [("alertname", "A"), ("x", *name)].into_iter().collect(),
                    annotations: Vec::new(),
                    value: 1.0,
                    active_at: Timestamp(0),
                    fired_at: Some(if *state == AlertState::Firing { at } else { Timestamp(0) }),
                    resolved_at: (*state == AlertState::Inactive).then_some(at),
                    keep_firing_since: None,
                };
                DueAlert { alert, valid_until: at }
            })
            .collect();
        let told: Vec<String> =
            told("A", Timestamp(10_000), &due).into_iter().map(|notice| notice.text).collect();
        assert_eq!(told, expect);
    }

    #[test]
    fn alerts_are_told_when_they_begin_and_end() {
        use AlertState::{Firing, Inactive};
        check(&[], &[]);
        // It is only sent again.
        check(&[("a", Firing, 5), ("b", Inactive, 5)], &[]);
        check(
            &[("a", Firing, 10), ("b", Inactive, 10), ("c", Firing, 9)],
            &[r#"the alert A fires: {x="a"}"#, r#"the alert A is resolved: {x="b"}"#],
        );
        let many = ["a", "b", "c", "d", "e"].map(|name| (name, Firing, 10));
        check(&many, &[r#"the alert A fires: {x="a"}, {x="b"}, {x="c"} and 2 more"#]);
    }
}
