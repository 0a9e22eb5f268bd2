//! The real promtool judges what is rendered: configuration, rules, metrics, and what the alerts and panels say.
//!
//! It comes out of the pinned Prometheus image; `PROMTOOL` names another one. With `LLMOBS_E2E=required` its absence
//! fails the tests, else they say aloud that they did not run.

mod alerts;
mod day;
mod judge;
mod panels;
mod rendered;
mod truth;
mod uneven;
