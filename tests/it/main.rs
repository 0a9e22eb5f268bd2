//! The one integration-test binary; each file is a topic.

mod layers;
mod live;
