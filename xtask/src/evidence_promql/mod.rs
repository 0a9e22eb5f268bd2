//! `cargo xtask evidence promql`: the same expressions over the same series, by llmobs and by a real Prometheus.
//!
//! Owns: the series ([`data`]), the generated expressions ([`grammar`]), the comparison, the page.
//! Must not know: how either side evaluates.
//! Invariants: a seed gives the same series and the same cases on every machine; a difference is either excused by a
//! rule that has a name, or a disagreement.
//! Start reading at: [`run`].

mod data;
mod families;
mod grammar;
mod node;

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use crate::judge::{Query, Server};

pub(crate) fn run(_repository: &Path, count: usize, seed: u64) -> anyhow::Result<ExitCode> {
    let server = Server::start()?;
    let series = data::series(seed);
    let samples: usize = series.iter().map(|series| series.samples.len()).sum();
    println!("{} series, {samples} samples", series.len());
    server.load(&series)?;
    let mut connection = server.connect()?;
    let mut generator = grammar::Generator::new(seed);
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let mut tags: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for number in 0..count {
        let case = generator.case(number);
        let query = Query { expr: case.node.print(), when: case.when };
        let answer = connection.ask(&query)?;
        let kind = match &answer {
            Ok(answer) if answer.value.rows() == 0 => "empty".to_owned(),
            Ok(_) => "full".to_owned(),
            Err(failure) => failure.class.name().to_owned(),
        };
        if kind == "empty" {
            println!("empty {:?} | {}", query.when, query.expr);
        }
        for tag in &case.tags {
            let entry = tags.entry(tag.clone()).or_default();
            entry.0 += 1;
            entry.1 += usize::from(kind == "full");
        }
        if let Err(failure) = &answer
            && !case.tags.contains("deliberate failure")
            && !case.tags.contains("broken text")
        {
            println!("{} {:.60} | {:.200}", failure.class.name(), failure.text, query.expr);
        }
        *tally.entry(kind).or_default() += 1;
    }
    println!("{tally:?}");
    for (tag, (all, full)) in tags {
        println!("{tag:30} {all:5} {full:5}");
    }
    Ok(ExitCode::SUCCESS)
}
