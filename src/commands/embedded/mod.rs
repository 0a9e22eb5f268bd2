//! The stack in one process of this binary.

mod journal;
mod manage;
mod own;
mod place;
mod run;
mod screen;
mod up;

pub(super) use manage::{logs, stop};
pub(super) use place::{Place, Runner};
pub(super) use up::{Start, up};
