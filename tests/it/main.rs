//! The one integration-test binary; each file is a topic.

#![expect(clippy::unwrap_used, reason = "what a test cannot unwrap has failed it, in its helpers too")]

mod basics;
mod bundle;
mod compose;
mod config;
mod embedded;
mod exporter;
mod fmt;
mod golden;
mod layers;
mod live;
mod names;
mod no_docker;
mod precedence;
mod project;
mod promql;
mod promtool;
mod query_file;
mod query_server;
mod random;
mod redact;
mod render;
mod sources;
mod unit_tests;
mod viewer;
