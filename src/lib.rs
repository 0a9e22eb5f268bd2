#![doc = include_str!("../ARCHITECTURE.md")]
//!
//! The library exists for the binary, `xtask` and the tests; it makes no promise of stability.

pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dashboards;
pub mod diagnostic;
pub mod docker;
pub mod engine;
pub mod exporter;
pub mod files;
pub mod formats;
pub mod listen;
pub mod promql;
pub mod remote;
pub mod render;
pub mod rules;
pub mod series;
pub mod server;
pub mod simulate;
pub mod sources;
pub mod stack;
pub mod text;
pub mod time;
pub mod tsdb;
pub mod ui;
pub mod unit_test;
pub mod yaml;
