//! The one integration-test binary; each file is a topic.

mod basics;
mod bundle;
mod compose;
mod config;
mod exporter;
mod golden;
mod layers;
mod names;
mod no_docker;
mod precedence;
mod project;
mod random;
mod redact;
mod render;
mod sources;
