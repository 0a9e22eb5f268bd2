//! The one integration-test binary; each file is a topic.

mod basics;
mod config;
mod exporter;

mod layers;
mod precedence;
mod project;
mod redact;
mod sources;
