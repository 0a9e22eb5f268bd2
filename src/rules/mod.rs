//! Rule groups, what they record and when their alerts fire: over a span of history at once, or live step by step,
//! with the same results.
//!
//! Owns: [`Group`] and [`Rule`] (plain values; files of rules are `formats`), templates of annotations and labels, the
//! states of alerts, the order in which rules see each other.
//! Must not know: files, the clock, who is notified.
//! Invariants: what [`Program::evaluate_span`] appends and says is what [`Program::evaluate`] does at each of its
//! instants; a rule that fails does not stop the others.
//! Start reading at: [`Program`].
//!
//! ```text
//! Template::parse("__alert_NAME", text) -> Result<Template, TemplateError { span, message, reason }>
//!     .reads() -> Reads { labels, value, external, query, now }
//!     .expand(&Context { labels, value, external_labels, external_url, server_url, now, query }) -> Result<String, …>
//!
//! Program::new(Vec<Group>, Settings { external_labels, external_url, server_url, syntax, eval }) -> Result<Program, Vec<…>>
//!     .ids(), .rule(RuleId { group, rule }) -> &Rule
//!
//! over a span, as promtool (`Pace::Every(step)`: each group at each step) or as Prometheus
//! (`Pace::Intervals { default }`: each group at its own interval, counted from the start):
//!     program.evaluate_span(Timeline { start, end, pace }, &mut Columns) -> History
//!         history.last_instant()                  the last step; promtool never saw later samples of the input
//!         history.failures() -> Vec<&RuleFailure { rule, first, last, message }>   in the order of their instants
//!         history.episodes() -> Vec<&Episode { rule, labels, active_at, fired_at, ended_at, gaps }>
//!         history.alerts_at(&program, &columns, RuleId, instant) -> Result<Vec<Alert>, String>   pending and firing;
//!             labels, annotations (expanded), value, state, active_at, fired_at
//!
//! live, over a store that others write to, too (`Ledger`):
//!     let mut live = program.live(group, after_a_restart);
//!     program.evaluate(&mut live, rule, at, &mut ledger)      each rule of the group, in order
//!         live.alerts(rule) -> Vec<Alert>        resolved ones of the last 15 m included
//!         live.health(rule) -> Option<&str>      what the rule failed with at its last evaluation
//!         live.due(rule, at, resend_delay, interval) -> Vec<DueAlert>     what is to be sent
//!     program.restore(&mut live, now, Restart { … }, &store)  after the second evaluation after a restart
//! ```

mod alert;
mod ask;
mod depend;
mod group;
mod history;
mod live;
mod pass;
mod program;
mod run;
mod span;
mod state;
pub mod template;
#[cfg(test)]
mod tests;
mod view;

pub use alert::{Activity, AlertState, Restart, restored_active_at};
pub use group::{AlertingRule, Group, RecordingRule, Rule};
pub use history::{Alert, Episode, Gap, History, RuleFailure};
pub use live::{DueAlert, Ledger, LiveGroup, RuleSample};
pub use program::{Program, ProgramError, RuleId, Settings, TemplatePlace};
pub use span::{Pace, Timeline};
pub use template::{Template, TemplateError};
