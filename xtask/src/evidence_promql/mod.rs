//! `cargo xtask evidence promql`: the same expressions over the same series, by llmobs and by a real Prometheus.
//!
//! Owns: the series ([`data`]), the generated expressions ([`grammar`]), the comparison, the page.
//! Must not know: how either side evaluates.
//! Invariants: a seed gives the same series and the same cases on every machine; a difference is either excused by a
//! rule that has a name, or a disagreement.
//! Start reading at: [`run`].

mod compare;
mod data;
mod dump;
mod excuse;
mod families;
mod grammar;
mod node;
mod ours;
mod page;
mod rendered;
mod service;
mod shrink;
mod sides;
mod syntax;
mod tally;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

pub(crate) use self::{
    compare::{Order, difference},
    data::{END, START, series},
    grammar::Generator,
    ours::answer,
    rendered::panels,
};
use self::{
    grammar::Case,
    sides::{Judged, Sides, Verdict},
    tally::{Disagreement, Tally},
};
use crate::judge::{Query, Server, When, columns};

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many expressions.
    #[arg(long, default_value_t = 6000)]
    count: usize,
    /// Of the series and the expressions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare, and write no page.
    #[arg(long)]
    check: bool,
    /// Write the disagreements to this file, each as small as it can be made.
    #[arg(long)]
    dump_failures: Option<PathBuf>,
    /// Ask both sides for this expression alone, and show what they answer.
    #[arg(long, requires = "at")]
    ask: Vec<String>,
    /// When to ask: an instant, or a start, an end and a step, in milliseconds.
    #[arg(long, value_delimiter = ',')]
    at: Vec<i64>,
}

/// How long disagreements are made smaller, all in all.
const SHRINKING: Duration = Duration::from_mins(2);
const PAGE: &str = "assets/evidence/promql.md";

pub(crate) fn run(repository: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let server = Server::start()?;
    let series = data::series(options.seed);
    server.load(&series)?;
    let columns = columns(&series)?;
    let mut sides = Sides { theirs: server.connect()?, ours: &columns };
    if !options.ask.is_empty() {
        return ask(&mut sides, options);
    }
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut generator = Generator::new(options.seed);
    let mut different = Vec::new();
    for number in 0..options.count {
        let case = generator.case(number);
        let query = Query { expr: case.node.print(), when: case.when };
        let Judged { theirs, ours, verdict } = sides.judge(&query)?;
        let disagrees = matches!(verdict, Verdict::Different(_));
        tally.add(&case.tags, &theirs, &ours, disagrees);
        match verdict {
            Verdict::Same => {}
            Verdict::Excused(rule) => *tally.excused.entry(rule).or_default() += 1,
            Verdict::Different(difference) => {
                tally.disagreements.push(Disagreement { number, query, difference, smallest: None });
                different.push(case);
            }
        }
    }
    println!("{} cases in {:.1?}", tally.asked(), begun.elapsed());
    if options.count >= generator.foci() {
        covered(&server, &tally)?;
    }
    make_smaller(&mut sides, &mut tally, &different)?;
    if let Some(path) = &options.dump_failures {
        let text = dump::disagreements(&tally, |query| sides.ask(query))?;
        fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let shape = page::Shape {
        seed: options.seed,
        series: columns.len(),
        samples: columns.samples(),
        version: server.version.clone(),
    };
    let rendered = rendered::run()?;
    let text = page::page(repository, &shape, &tally, &rendered)?;
    if options.check {
        print!("{}{}", page::summary(&tally), page::rendered(&rendered));
    } else {
        fs::write(repository.join(PAGE), text).with_context(|| format!("cannot write `{PAGE}`"))?;
        println!("{PAGE}: {} of {} cases differ", tally.disagreements.len(), tally.asked());
    }
    let all = rendered.iter().map(|rendered| &rendered.tally).chain([&tally]);
    let agree = all.into_iter().all(|tally| tally.disagreements.is_empty());
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask(sides: &mut Sides, options: &Options) -> anyhow::Result<ExitCode> {
    let when = match options.at[..] {
        [at] => When::At(at),
        [start, end, step] => When::Range { start, end, step },
        _ => bail!("`--at` takes an instant, or a start, an end and a step"),
    };
    for expr in &options.ask {
        let (theirs, ours) = sides.ask(&Query { expr: expr.clone(), when })?;
        println!("{expr}\nexpected  {}\ngot       {}", dump::shown(&theirs), dump::shown(&ours));
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails unless each function, operator and aggregation that the judge has was asked for.
fn covered(server: &Server, tally: &Tally) -> anyhow::Result<()> {
    let (functions, operators) = server.features()?;
    let asked = |name: &&String| !tally.tags.contains_key(*name);
    let missing: BTreeSet<&String> = functions.iter().chain(&operators).filter(asked).collect();
    ensure!(missing.is_empty(), "the generator does not ask for {missing:?}");
    Ok(())
}

fn make_smaller(sides: &mut Sides, tally: &mut Tally, cases: &[Case]) -> anyhow::Result<()> {
    let deadline = Instant::now() + SHRINKING;
    for (disagreement, case) in tally.disagreements.iter_mut().zip(cases) {
        if Instant::now() > deadline {
            break;
        }
        let kind = disagreement.difference.kind;
        let smallest = shrink::shrink(case, kind, |query| {
            Ok(sides.disagreement(query)?.map(|difference| difference.kind))
        })?;
        let difference = sides.disagreement(&smallest)?;
        disagreement.smallest = difference.map(|difference| (smallest, difference));
    }
    Ok(())
}
