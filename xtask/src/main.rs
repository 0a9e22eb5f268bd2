//! The developers' tool of the repository: `cargo xtask --help` lists what it does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool's findings are its output")]
#![expect(clippy::disallowed_methods, reason = "the rooms of the product do not bind its tools")]

mod bench_embedded;
mod bench_exporter;
mod bench_promql;
mod bench_rules;
mod embedded;
mod evidence_api;
mod evidence_embedded;
mod evidence_embedded_kills;
mod evidence_fuzz;
mod evidence_fuzz_api;
mod evidence_kills;
mod evidence_promql;
mod evidence_rules;
mod judge;
mod licences;
mod random;
mod stamp;
mod stand_in;
mod tidy;
mod viewer;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

/// Tools for the people who work on llmobs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Measure how fast something is, against a peer in the same run.
    #[command(subcommand)]
    Bench(Bench),
    /// Show on this machine what the documentation claims, and write it down.
    #[command(subcommand)]
    Evidence(Evidence),
    /// Serve the viewer over simulated hours of the mock service.
    Viewer(viewer::Args),
    /// Hold the tracked files to the house rules that no other tool checks.
    Tidy,
    /// Hold the dependencies to the licence allow-list, the bans and the budget.
    Licences,
    /// Make the stand-in for Grafana's image from this very program and load it into the Docker daemon.
    StandIn {
        /// The name that the image gets.
        #[arg(default_value = stand_in::GRAFANA_IMAGE)]
        image: String,
        /// Replace an image of this name even if it may be the real one.
        #[arg(long)]
        force: bool,
    },
    /// Write to a store until it is killed; a part of `evidence embedded-kills`.
    #[command(hide = true)]
    StoreChild(evidence_embedded_kills::store_child::Args),
    /// Be the stand-in, as the image does: settings come from GF_* variables.
    StandInServe,
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// An embedded stack beside a real Prometheus over a day of 500 series: queries, ingestion, disk, memory; needs
    /// Docker, or its path in PROMETHEUS.
    Embedded(bench_embedded::Args),
    /// Scrapes of a 200-sample page that changes each time, against a server of a static page of that size.
    Exporter,
    /// Ten expressions of a dashboard over a day of 500 series, against a real Prometheus; needs Docker, or its path
    /// in PROMETHEUS.
    Promql,
    /// Weeks of rules in promtool's unit tests; half a day beside promtool, which needs Docker, or its path in PROMTOOL.
    Rules(bench_rules::Args),
}

#[derive(Debug, clap::Subcommand)]
enum Evidence {
    /// Requests of all kinds to the HTTP API, beside a real Prometheus; needs Docker, or its path in PROMETHEUS.
    Api(evidence_api::Options),
    /// An embedded stack and a real Prometheus on the same files and services, which are in trouble by a script; needs
    /// Docker, or its path in PROMETHEUS.
    Embedded(evidence_embedded::Args),
    /// `kill -9` of an embedded stack under remote write, and of a bare store; full and read-only disks, clocks that
    /// jump, churned series. Mounts small disks where it may; LIBFAKETIME names the library that moves the clock.
    EmbeddedKills(evidence_embedded_kills::Args),
    /// Mutations of real `PromQL` expressions through parser, printer and evaluation.
    Fuzz(evidence_fuzz::Args),
    /// Mutations of requests to the HTTP API and of remote writes.
    FuzzApi(evidence_fuzz_api::Args),
    /// `kill -9` of `llmobs up` at random moments, each followed by `up` and `down --volumes`; needs Docker.
    Kills {
        /// How many kills.
        #[arg(long, default_value_t = 20)]
        count: u32,
        /// Of the moments; equal seeds give equal ones, as shares of the time that `up` takes.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Generated `PromQL` over generated series, against a real Prometheus; needs Docker, or its path in PROMETHEUS.
    Promql(evidence_promql::Options),
    /// Generated groups of rules over generated series, by `promtool test rules`; needs Docker, or its path in PROMTOOL.
    Rules(evidence_rules::Options),
}

fn main() -> ExitCode {
    // In the image this program is Grafana's entry point, which takes no arguments of ours.
    let called = env::args_os().next().unwrap_or_default();
    let task =
        if Path::new(&called).ends_with(stand_in::ENTRY_POINT) { Task::StandInServe } else { Task::parse() };
    let done = match task {
        Task::Bench(Bench::Embedded(args)) => bench_embedded::run(&repository(), &args),
        Task::Bench(Bench::Exporter) => bench_exporter::run().map(|()| ExitCode::SUCCESS),
        Task::Bench(Bench::Rules(args)) => bench_rules::run(&repository(), &args),
        Task::Evidence(Evidence::Api(options)) => evidence_api::run(&repository(), &options),
        Task::Evidence(Evidence::Embedded(args)) => evidence_embedded::run(&repository(), &args),
        Task::Evidence(Evidence::EmbeddedKills(args)) => evidence_embedded_kills::run(&repository(), &args),
        Task::StoreChild(args) => evidence_embedded_kills::store_child::run(&args),
        Task::Evidence(Evidence::Fuzz(args)) => evidence_fuzz::run(&repository(), &args),
        Task::Evidence(Evidence::FuzzApi(args)) => evidence_fuzz_api::run(&repository(), &args),
        Task::Bench(Bench::Promql) => bench_promql::run(&repository()).map(|()| ExitCode::SUCCESS),
        Task::Evidence(Evidence::Kills { count, seed }) => evidence_kills::run(&repository(), count, seed),
        Task::Evidence(Evidence::Promql(options)) => evidence_promql::run(&repository(), &options),
        Task::Evidence(Evidence::Rules(options)) => evidence_rules::run(&repository(), &options),
        Task::Viewer(args) => viewer::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Tidy => tidy::run(&repository()),
        Task::Licences => licences::run(&repository()),
        Task::StandIn { image, force } => {
            let existing =
                if force { stand_in::Existing::Replace } else { stand_in::Existing::KeepUnlessOurs };
            stand_in::load_image(&image, existing)
        }
        Task::StandInServe => stand_in::serve(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The root of the repository that this tool was built in.
fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
