//! A real Prometheus to be judged by: started, fed by remote write, asked over HTTP, ended.
//!
//! Owns: [`Server`], [`Answer`], the series that are given to both sides ([`Recorded`]).
//! Must not know: which queries are asked, and what is done with the answers.
//! Invariants: both sides get the same samples in the same order, so that the series' own order is the same too.
//! Start reading at: [`Server::start`].

mod answer;
mod http;
mod promtool;
mod recorded;
mod server;
mod wire;

pub(crate) use answer::{Answer, Class, Failure, Outcome, Point, Row, Value};
pub(crate) use promtool::{Words, promtool};
pub(crate) use recorded::{Recorded, columns, in_order};
pub(crate) use server::{Connection, Query, Server, When, program};
pub(crate) use wire::write_request;
