//! End to end: the real binary against the Docker daemon of this machine, with a real Prometheus.
//!
//! With `LLMOBS_E2E=required` a missing daemon or image fails the tests; else they run where both are there and say
//! aloud where they did not. Every test has projects of its own and removes them, also when it fails.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests stand outside of the product and look at it with all means"
)]
#![expect(clippy::print_stdout, reason = "measured times are shown with `--nocapture`")]

mod again;
mod alert;
mod containers;
mod down;
mod engine;
mod gate;
mod grafana;
mod interrupted;
mod killed;
mod names;
mod overview;
mod panels;
mod project;
mod prometheus;
mod refusals;
mod vllm;
