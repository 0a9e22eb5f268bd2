//! The states of an alert: what becomes of it at an evaluation, and after a restart.
//!
//! Semantics: <https://github.com/prometheus/prometheus/blob/v3.16.0/rules/alerting.go> and `RestoreForState` in
//! `group.go` beside it.

use std::fmt;

use crate::{
    series::is_stale,
    time::{PromDuration, Timestamp},
};

use super::template::whole;

/// How long a resolved alert is remembered, in milliseconds.
const RETENTION: i64 = 15 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// It fired, and does no more.
    Inactive,
    /// Its result is there, but not for long enough.
    Pending,
    Firing,
}

impl AlertState {
    /// As the label `alertstate` has it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What is known of an alert that is pending or firing, or has been until lately.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    pub state: AlertState,
    /// Since when the result is there.
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// Since when it fires without a result.
    pub keep_firing_since: Option<Timestamp>,
    /// Of the last result.
    pub value: f64,
    /// The instant of the last result.
    pub seen_at: Timestamp,
}

/// `for` and `keep_firing_for`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) hold: i64,
    pub(super) keep_firing: i64,
}

impl Holds {
    pub(super) fn new(hold: PromDuration, keep_firing_for: PromDuration) -> Self {
        let millis = |duration: PromDuration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { hold: millis(hold), keep_firing: millis(keep_firing_for) }
    }
}

fn since(now: Timestamp, then: Timestamp) -> i64 {
    now.0.saturating_sub(then.0)
}

/// One evaluation: `value` is the result's, if there is one. Whether the alert is pending or firing afterwards, and so
/// has samples.
pub(super) fn advance(
    activity: &mut Option<Activity>,
    at: Timestamp,
    value: Option<f64>,
    holds: Holds,
) -> bool {
    let alert = match (activity.as_mut(), value) {
        (None, None) => return false,
        (Some(alert), Some(value)) if alert.state != AlertState::Inactive => {
            (alert.value, alert.seen_at, alert.keep_firing_since) = (value, at, None);
            alert
        }
        (_, Some(value)) => activity.insert(Activity {
            state: AlertState::Pending,
            active_at: at,
            fired_at: None,
            resolved_at: None,
            keep_firing_since: None,
            value,
            seen_at: at,
        }),
        (Some(alert), None) => {
            if !goes_on(alert, at, holds) {
                let forgotten = alert.state == AlertState::Pending
                    || alert.resolved_at.is_some_and(|resolved| since(at, resolved) > RETENTION);
                if alert.state != AlertState::Inactive {
                    alert.state = AlertState::Inactive;
                    alert.resolved_at = Some(at);
                }
                if forgotten {
                    *activity = None;
                }
                return false;
            }
            alert
        }
    };
    let held = since(at, alert.active_at) >= holds.hold;
    match alert.state {
        AlertState::Pending if held => {
            alert.state = AlertState::Firing;
            alert.fired_at = Some(at);
        }
        // It was restored with a later beginning.
        AlertState::Firing if !held => {
            alert.state = AlertState::Pending;
            (alert.fired_at, alert.keep_firing_since) = (None, None);
        }
        _ => {}
    }
    true
}

/// Whether an alert whose result is gone fires on.
fn goes_on(alert: &mut Activity, at: Timestamp, holds: Holds) -> bool {
    if alert.state != AlertState::Firing || holds.keep_firing == 0 {
        return false;
    }
    let first = *alert.keep_firing_since.get_or_insert(at);
    since(at, first) < holds.keep_firing
}

/// What a restart does to the beginning of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// How long an outage may be for the state to be taken up again; Prometheus takes 1 h.
    pub outage_tolerance: PromDuration,
    /// How long a pending alert waits at least after the restart; Prometheus takes 10 m.
    pub grace_period: PromDuration,
}

/// Since when an alert is active that is so again after a restart at `now`, from the last sample of its
/// `ALERTS_FOR_STATE`, whose value is seconds since the epoch; `None` where it begins anew.
pub fn restored_active_at(
    last: (Timestamp, f64),
    now: Timestamp,
    hold: PromDuration,
    restart: Restart,
) -> Option<Timestamp> {
    let millis = |duration: PromDuration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let (at, value) = last;
    if is_stale(value) || value.is_nan() || since(now, at) > millis(restart.outage_tolerance) || at > now {
        return None;
    }
    let (hold, grace) = (millis(hold), millis(restart.grace_period));
    let down = at.0 / 1000 * 1000;
    let active = whole(value).saturating_mul(1000);
    let remaining = hold.saturating_sub(down.saturating_sub(active));
    if remaining <= 0 {
        // It fired before the outage, and will again at the next evaluation.
        return Some(Timestamp(active));
    }
    if hold < grace {
        return None;
    }
    if remaining < grace {
        return Some(Timestamp(now.0.saturating_add(grace).saturating_sub(hold)));
    }
    // The outage does not count.
    Some(Timestamp(active.saturating_add(now.0.saturating_sub(down))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character an evaluation, at a distance of 10 s: `x` a result, `.` none. `I` is inactive but remembered.
    #[track_caller]
    fn check(hold: u64, keep: u64, results: &str, expect: &str) {
        let holds = Holds::new(PromDuration::from_secs(hold), PromDuration::from_secs(keep));
        let mut activity = None;
        let mut states = String::new();
        for (step, result) in (0..).zip(results.chars()) {
            let value = (result == 'x').then_some(f64::from(step));
            let active = advance(&mut activity, Timestamp(i64::from(step) * 10_000), value, holds);
            let state = activity.map(|activity| activity.state);
            assert_eq!(active, matches!(state, Some(AlertState::Pending | AlertState::Firing)));
            states.push(match state {
                None => '.',
                Some(AlertState::Inactive) => 'I',
                Some(AlertState::Pending) => 'P',
                Some(AlertState::Firing) => 'F',
            });
        }
        assert_eq!(states, expect);
    }

    #[test]
    fn alerts_wait_fire_and_are_kept() {
        check(0, 0, ".xx..", ".FFII");
        check(20, 0, "xxxxx.x", "PPFFFIP");
        check(20, 0, "xx.xxx", "PP.PPF");
        check(25, 0, "xxxx", "PPPF");
        check(0, 20, "x....", "FFFII");
        check(0, 20, "x.x..x", "FFFFFF");
        check(10, 15, "xx.x...", "PFFFFFI");
        check(20, 30, "xx.xxx", "PP.PPF");
        check(0, 0, "x.x", "FIF");
    }

    #[test]
    fn a_resolved_alert_is_remembered_for_a_quarter_of_an_hour() {
        let results = format!("x{}", ".".repeat(95));
        // Resolved at 10 s; gone after 910 s.
        check(0, 0, &results, &format!("F{}{}", "I".repeat(91), ".".repeat(4)));
    }

    #[test]
    fn instants_and_values_are_kept() {
        let holds = Holds::new(PromDuration::from_secs(10), PromDuration::from_secs(20));
        let mut activity = None;
        for (at, value) in [(0, Some(1.0)), (10, Some(2.0)), (20, Some(3.0)), (30, None)] {
            advance(&mut activity, Timestamp(at * 1000), value, holds);
        }
        let expect = Activity {
            state: AlertState::Firing,
            active_at: Timestamp(0),
            fired_at: Some(Timestamp(10_000)),
            resolved_at: None,
            keep_firing_since: Some(Timestamp(30_000)),
            value: 3.0,
            seen_at: Timestamp(20_000),
        };
        assert_eq!(activity, Some(expect));
        advance(&mut activity, Timestamp(40_000), Some(4.0), holds);
        assert_eq!(activity.unwrap().keep_firing_since, None);
    }

    /// All in seconds; the last sample at `down` says that the alert is active since `active`.
    #[track_caller]
    fn check_restored(hold: u64, active: i64, down: i64, now: i64, expect: Option<i64>) {
        let restart = Restart {
            outage_tolerance: PromDuration::from_secs(3600),
            grace_period: PromDuration::from_secs(600),
        };
        let last = (Timestamp(down * 1000), active as f64);
        let hold = PromDuration::from_secs(hold);
        let got = restored_active_at(last, Timestamp(now * 1000), hold, restart);
        assert_eq!(got, expect.map(|seconds| Timestamp(seconds * 1000)));
    }

    #[test]
    fn a_restart_takes_up_the_state() {
        // Fired before: goes on.
        check_restored(300, 1000, 1400, 1600, Some(1000));
        // Held for less than the grace period: begins anew.
        check_restored(300, 1000, 1100, 1600, None);
        // Little was left: waits for the grace period.
        check_restored(1200, 1000, 2000, 2300, Some(2300 + 600 - 1200));
        // Much was left: the outage does not count.
        check_restored(3600, 1000, 1100, 1600, Some(1500));
        // The outage was too long.
        check_restored(300, 1000, 1400, 5100, None);
        let restart = Restart {
            outage_tolerance: PromDuration::from_secs(1),
            grace_period: PromDuration::from_secs(1),
        };
        let stale = (Timestamp(0), crate::series::STALE);
        assert_eq!(restored_active_at(stale, Timestamp(0), PromDuration::default(), restart), None);
    }
}
