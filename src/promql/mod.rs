//! `PromQL`: the language of Prometheus 3.16, with the place of every part, and its evaluation over columns.
//!
//! Owns: the syntax tree, [`syntax::parse`], the canonical print, visiting and rewriting (`syntax`); what an expression
//! answers over a [`Select`](crate::series::Select) (`eval`).
//! Must not know: any store, any file, the clock.
//! Invariants: print → parse → print is stable; an instant query answers bit for bit what a range query answers at
//! that step.
//! Start reading at: [`syntax::Expr`].

pub mod eval;
pub mod syntax;
