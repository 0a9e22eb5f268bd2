//! Chores of the repository: `cargo xtask --help` lists them.

mod bench_exporter;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Measure how fast something is, against a peer in the same run
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Scrapes of a 200-sample page that changes each time, against a server of a static page of that size
    Exporter,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Bench(Bench::Exporter) => bench_exporter::run(),
    }
}
