//! The wall clock jumps by an hour, forth and back, under a running stack.
//!
//! The process gets another clock from libfaketime (<https://github.com/wolfcw/libfaketime>), whose offset is read from
//! a file; the monotonic clock stays.

use std::{env, fs, path::Path, thread, time::Duration};

use anyhow::Context as _;

use super::Trouble;
use crate::{
    embedded::{Exporter, Script, Setup, Stack, now},
    judge::{Query, Value, When},
};

/// Names the library.
const LIBRARY: &str = "LIBFAKETIME";
const HOUR: i64 = 3_600;
/// How long each time lasts.
const LASTS: Duration = Duration::from_secs(8);

/// The offsets of the clock in seconds, one after the other, and whether samples must come in then: where it is set
/// back, they are older than what is there already, as in Prometheus.
const OFFSETS: [(i64, bool, &str); 5] = [
    (0, true, "the clock is right"),
    (HOUR, true, "it jumps an hour ahead"),
    (0, false, "it is set back an hour"),
    (-HOUR, false, "and another one"),
    (HOUR + 30, true, "it is ahead again"),
];

pub(super) fn jumps(binary: &Path, folder: &Path) -> anyhow::Result<Trouble> {
    let mut trouble = Trouble { name: "clock jumps", words: Vec::new(), faults: Vec::new() };
    let Some(library) = env::var_os(LIBRARY) else {
        trouble.words.push(format!("not tried: {LIBRARY} does not name the library"));
        return Ok(trouble);
    };
    let file = folder.join("offset");
    set(&file, 0)?;
    let service = Exporter::start(Script::well(now() - 3 * HOUR * 1_000), 1.0)?;
    let config = format!(
        "targets: [{{job: trial, source: llmobs, endpoints: [\"{}\"], scrape_interval: 1s}}]\n\
         include: {{rules: [trial.yml]}}\n",
        service.address
    );
    let rules = "groups:\n- name: trial\n  interval: 1s\n  rules:\n  - {record: trial:now, expr: time()}\n";
    let environment = vec![
        ("LD_PRELOAD".to_owned(), library.to_string_lossy().into_owned()),
        ("FAKETIME_TIMESTAMP_FILE".to_owned(), file.display().to_string()),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
        ("DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ];
    let files = vec![("trial.yml", rules.to_owned())];
    let mut stack = Stack::start(binary, &Setup { config, files, environment, ..Setup::default() })?;
    for (offset, must, what) in OFFSETS {
        let lines = stack.said().lines().count();
        set(&file, offset)?;
        thread::sleep(LASTS);
        let there = now() + offset * 1_000;
        let count = |expr: &str| -> anyhow::Result<f64> {
            let query = Query { expr: format!("sum(count_over_time({expr}[6s]))"), when: When::At(there) };
            let answer =
                stack.connect()?.ask(&query)?.map_err(|failure| anyhow::anyhow!("{}", failure.text))?;
            let Value::Vector(rows) = answer.value else { return Ok(0.0) };
            Ok(rows.first().and_then(|row| row.points.first()).map_or(0.0, |(_, count)| *count))
        };
        let (scraped, recorded) = (count("up").context(what)?, count("trial:now").context(what)?);
        let targets = stack.connect()?.json("/api/v1/targets?state=active")?;
        let target = &targets["data"]["activeTargets"][0];
        let error = target["lastError"].as_str().unwrap_or_default();
        let log = stack.said();
        let said = log.lines().count().saturating_sub(lines);
        let last = if said == 0 { "" } else { log.lines().last().unwrap_or_default() };
        trouble.words.push(format!(
            "{what}: in its last 6 s {scraped} samples of `up` and {recorded} of a rule; the target is {}{}; {said} lines in \
             the log{}",
            target["health"].as_str().unwrap_or("unknown"),
            if error.is_empty() { String::new() } else { format!(" ({error})") },
            if last.is_empty() { String::new() } else { format!(", the last: `{}`", last.replace('`', "'")) },
        ));
        if must && (scraped < 4.0 || recorded < 4.0) {
            trouble.faults.push(format!("clock, {what}: scraping or rules stand still"));
        }
        if said > 40 {
            trouble.faults.push(format!("clock, {what}: {said} lines in the log"));
        }
    }
    stack.kill()?;
    stack.up()?;
    trouble.words.push(format!("after a kill it is ready in {:.0?}", stack.started_in));
    Ok(trouble)
}

/// The library reads the file at each call, so it has to be whole at any moment.
fn set(file: &Path, offset: i64) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, format!("{offset:+}\n"))?;
    fs::rename(&new, file).context("cannot set the clock")
}
