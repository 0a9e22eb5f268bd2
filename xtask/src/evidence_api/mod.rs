//! `cargo xtask evidence api`: the same requests to llmobs' HTTP API and to a real Prometheus.
//!
//! Owns: the requests ([`cases`]), the server that is judged ([`ours`]), the comparison, the page.
//! Must not know: how either side answers.
//! Invariants: both sides hold the same samples, brought by the same remote write; a difference is excused by a rule
//! that has a name, or it is a disagreement.
//! Start reading at: [`run`].

mod cases;
mod compare;
mod excuse;
mod ours;
mod page;
mod streams;
mod told;
mod words;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

pub(crate) use self::{cases::Case, told::Told};
use self::{cases::How, compare::Verdict};
use crate::{
    evidence_promql,
    judge::{Http, Reply, Server, Setup, load},
};

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many generated expressions are asked for, each in five ways.
    #[arg(long, default_value_t = 300)]
    expressions: usize,
    /// Of the series and the expressions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare, and write no page.
    #[arg(long)]
    check: bool,
    /// Serve the judged side on this address until it is interrupted, and compare nothing.
    #[arg(long)]
    serve: Option<SocketAddr>,
    /// Write the disagreements to this file.
    #[arg(long)]
    dump_failures: Option<PathBuf>,
}

const PAGE: &str = "assets/evidence/api.md";

impl Options {
    /// All requests of some expressions, to be changed.
    pub(crate) fn requests(expressions: usize, seed: u64) -> Vec<Case> {
        let options = Self { expressions, seed, check: true, serve: None, dump_failures: None };
        cases::all(&options)
    }
}

/// Requests of one kind and what became of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) asked: usize,
    /// Of those, with equal bytes.
    pub(crate) identical: usize,
    pub(crate) excused: usize,
    pub(crate) different: usize,
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kinds: BTreeMap<&'static str, Count>,
    pub(crate) statuses: BTreeMap<u16, usize>,
    pub(crate) excuses: BTreeMap<&'static str, usize>,
    /// The request, how it differs, and both answers.
    pub(crate) disagreements: Vec<(String, String, Reply, Reply)>,
}

pub(crate) fn run(repository: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    if let Some(address) = options.serve {
        return ours::serve_here(address).map(|()| ExitCode::SUCCESS);
    }
    let flags = &["--web.enable-admin-api", "--web.external-url=http://localhost:9090/"];
    let server = Server::start_with(&Setup { flags, ..Setup::default() })?;
    // Another one, since what it scrapes and evaluates is of today, and the samples are not.
    let files = &[("rules.yml", told::RULES)];
    let busy = Server::start_with(&Setup { config: told::CONFIG, files, flags })?;
    let ours = ours::start()?;
    let series = evidence_promql::series(options.seed);
    server.load(&series)?;
    load(ours, &series)?;
    told::settle(busy.address())?;
    let promtool = words::run(server.address(), ours)?;
    let streamed = streams::run(ours::start()?)?;
    let (mut theirs, mut busy) = (Http::open(server.address())?, Http::open(busy.address())?);
    let mut ours = Http::open(ours)?;
    let mut tally = Tally::default();
    for case in cases::all(options) {
        let judge = if case.is_told() { &mut busy } else { &mut theirs };
        let (their, our) = (ask(judge, &case)?, ask(&mut ours, &case)?);
        add(&mut tally, &case, their, our);
    }
    if let Some(path) = &options.dump_failures {
        fs::write(path, page::dump(&tally)).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let beside = page::beside(promtool, streamed);
    let text = page::page(repository, options, &server.version, &tally, &beside)?;
    if options.check {
        print!("{}{beside}", page::summary(&tally));
    } else {
        fs::write(repository.join(PAGE), text).with_context(|| format!("cannot write `{PAGE}`"))?;
        println!("{PAGE}: {}", page::summary(&tally).lines().next().unwrap_or_default());
    }
    Ok(if tally.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask(http: &mut Http, case: &Case) -> anyhow::Result<Reply> {
    http.exchange(case.method, &case.path, &case.headers, &case.body)
        .with_context(|| format!("asked for {case}"))
}

fn add(tally: &mut Tally, case: &Case, theirs: Reply, ours: Reply) {
    let count = tally.kinds.entry(case.kind).or_default();
    count.asked += 1;
    *tally.statuses.entry(theirs.status).or_default() += 1;
    let verdict = match case.how {
        How::Whole => compare::whole(case, &theirs, &ours),
        How::Shape => compare::shape(&theirs, &ours),
    };
    match verdict {
        Verdict::Identical => count.identical += 1,
        Verdict::Equal => {}
        Verdict::Different(why) => {
            if let Some(rule) = excuse::excuse(case, &theirs, &ours) {
                count.excused += 1;
                *tally.excuses.entry(rule).or_default() += 1;
            } else {
                count.different += 1;
                tally.disagreements.push((case.to_string(), why, theirs, ours));
            }
        }
    }
}
