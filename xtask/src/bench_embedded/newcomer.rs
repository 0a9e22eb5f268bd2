//! What somebody sees who starts it: how soon it is ready, has samples and a page, and what it takes.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use super::median;
use crate::{
    bench_promql::a_day_until,
    embedded::{Setup, Stack, Usage, now},
    evidence_embedded_kills::day,
    judge::{Connection, Query, Value, When},
};

const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);
/// Eight models of the built-in table.
const MODELS: [&str; 8] = [
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.5",
    "gpt-4o",
    "gpt-4o-mini",
    "claude-sonnet-4-5",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
];

#[derive(Debug)]
pub(super) struct Newcomer {
    /// Medians from the start of the process, in an empty folder.
    pub(super) ready: Duration,
    pub(super) first_samples: Duration,
    pub(super) page: Duration,
    pub(super) page_bytes: usize,
    /// What the store had that was then started over, with eight models.
    pub(super) loaded: day::Loaded,
    pub(super) ready_over_day: Duration,
    /// After a minute, in which the page of the viewer was opened over 24 h.
    pub(super) usage: Usage,
}

pub(super) fn measure(binary: &Path) -> anyhow::Result<Newcomer> {
    let (mut ready, mut first, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    let mut page_bytes = 0;
    for _ in 0..ROUNDS {
        let mut stack = Stack::prepare(binary, &Setup::default())?;
        let begun = Instant::now();
        stack.up()?;
        ready.push(stack.started_in);
        first_samples(&stack, begun)?;
        first.push(begun.elapsed());
        let (status, body) = Connection::open(stack.viewer())?.get("/")?;
        ensure!(status == 200, "the viewer answers {status}");
        page_bytes = body.len();
        pages.push(begun.elapsed());
    }
    let config = format!("models: [{}]\n", MODELS.join(", "));
    let mut stack = Stack::prepare(binary, &Setup { config, ..Setup::default() })?;
    let end = now() - 60_000;
    // A debug build would take minutes for a day of the mock.
    let series = if cfg!(debug_assertions) { a_day_until(end) } else { day::mock(&MODELS, end)? };
    let loaded = day::write(&stack.data(), &series)?;
    stack.up()?;
    for _ in 0..6 {
        thread::sleep(Duration::from_secs(10));
        let (status, _) = Connection::open(stack.viewer())?.get("/?from=now-24h&to=now")?;
        ensure!(matches!(status, 200 | 302 | 303 | 307), "the viewer answers {status}");
    }
    let usage = Usage::of(stack.id()?)?;
    let ready_over_day = stack.started_in;
    Ok(Newcomer {
        ready: median(&mut ready),
        first_samples: median(&mut first),
        page: median(&mut pages),
        page_bytes,
        loaded,
        ready_over_day,
        usage,
    })
}

/// Waits until a target is up.
fn first_samples(stack: &Stack, begun: Instant) -> anyhow::Result<()> {
    let mut connection = stack.connect()?;
    while begun.elapsed() < PATIENCE {
        let query =
            Query { expr: "llm_requests_total and on (job) up == 1".to_owned(), when: When::At(now()) };
        let answer = connection.ask(&query)?.map_err(|failure| anyhow::anyhow!("{}", failure.text))?;
        if matches!(answer.value, Value::Vector(rows) if !rows.is_empty()) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(2));
    }
    None.context("no samples come")
}
