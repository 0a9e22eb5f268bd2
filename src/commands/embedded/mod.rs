//! The stack in one process of this binary.

mod figures;
mod journal;
mod manage;
mod own;
mod picture;
mod place;
mod rendered;
mod run;
mod screen;
mod up;

pub(super) use manage::{ended_unexpectedly, logs, settled, stop};
pub(super) use place::{Place, Runner, Tenant};
pub(super) use up::{Start, up};
