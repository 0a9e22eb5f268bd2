//! The one integration-test binary; each file is a topic.

mod basics;

mod layers;
mod project;
mod redact;
mod sources;
