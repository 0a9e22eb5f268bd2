//! A disk that is full, and one that nobody may write to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use llmobs::series::{Labels, METRIC_NAME};

use super::Trouble;
use crate::{
    embedded::{Exporter, Script, Setup, Stack, now},
    judge::{Connection, Query, Value, When, write_request},
    random::Random,
};

/// Of the disk, and of what lies on it until room is made.
const SIZE: &str = "size=12m";
const BALLAST: usize = 5 << 20;
const SERIES: usize = 500;
/// How long the disk may take to be full, and to be used again.
const PATIENCE: Duration = Duration::from_mins(1);

/// A mounted file system; it is gone when it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// A small disk in memory; `None` where nobody may mount.
    fn small(at: &Path) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(at)?;
        Self::mounted(at, &["-t", "tmpfs", "-o", SIZE, "none"])
    }

    /// A folder once more, which cannot be written through this mount.
    fn read_only(at: &Path) -> anyhow::Result<Option<Self>> {
        let folder = at.display().to_string();
        let Some(mount) = Self::mounted(at, &["--bind", &folder])? else { return Ok(None) };
        let again = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(at).output()?;
        ensure!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        Ok(Some(mount))
    }

    fn mounted(at: &Path, args: &[&str]) -> anyhow::Result<Option<Self>> {
        let output = Command::new("mount").args(args).arg(at).output().context("cannot run `mount`")?;
        Ok(output.status.success().then(|| Self(at.to_owned())))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // What cannot be unmounted now is left to whoever removes the folder, who says so.
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Writes of one client, each with a time of its own.
struct Client {
    connection: Connection,
    series: Vec<Labels>,
    random: Random,
    last: i64,
}

impl Client {
    fn new(stack: &Stack) -> anyhow::Result<Self> {
        let labels = |index: usize| {
            let index = index.to_string();
            [(METRIC_NAME, "trial_filler"), ("series", index.as_str())].into_iter().collect()
        };
        let series = (0..SERIES).map(labels).collect();
        Ok(Self { connection: stack.connect()?, series, random: Random::new(7), last: 0 })
    }

    /// Status and words of the answer to a sample of each series, whose values do not compress.
    fn write(&mut self) -> anyhow::Result<(i64, u16, String)> {
        self.last = now().max(self.last + 1);
        let at = self.last;
        let samples: Vec<_> = (0..SERIES).map(|index| (index, at, self.random.share())).collect();
        let body = write_request(&samples, |index| &self.series[index]);
        let (status, words) = self.connection.write(&body)?;
        Ok((at, status, words))
    }
}

fn setup(service: &Exporter, state: &Path) -> Setup {
    let config = format!(
        "targets: [{{job: trial, source: llmobs, endpoints: [\"{}\"], scrape_interval: 1s}}]\n",
        service.address
    );
    Setup { config, state: Some(state.to_owned()), ..Setup::default() }
}

/// How many samples of the filler are there at these times.
fn found(stack: &Stack, times: &[i64]) -> anyhow::Result<usize> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(0) };
    let query = Query {
        expr: format!("sum(count_over_time(trial_filler[{}ms]))", last - first + 1),
        when: When::At(*last),
    };
    let answer = stack.connect()?.ask(&query)?.map_err(|failure| anyhow::anyhow!("{}", failure.text))?;
    let Value::Vector(rows) = answer.value else { return Ok(0) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of samples")]
    Ok(rows.first().and_then(|row| row.points.first()).map_or(0, |(_, count)| *count as usize))
}

/// The disk fills up under writes, then there is room again; then the process is killed and started.
pub(super) fn full(binary: &Path, folder: &Path) -> anyhow::Result<Trouble> {
    let mut trouble = Trouble { name: "full disk", words: Vec::new(), faults: Vec::new() };
    let service = Exporter::start(Script::well(now() - 3_600_000), 1.0)?;
    // The store's folder alone, so that there is room for the log.
    let mut stack = Stack::prepare(binary, &setup(&service, &folder.join("beside-small")))?;
    let at = stack.data();
    let Some(mount) = Mount::small(&at)? else {
        trouble.words.push("not tried: this user cannot mount a small disk".to_owned());
        return Ok(trouble);
    };
    let ballast = at.join("ballast");
    fs::write(&ballast, vec![0x55; BALLAST])?;
    stack.up()?;
    let mut client = Client::new(&stack)?;
    let mut acknowledged = Vec::new();
    let begun = Instant::now();
    let refused = loop {
        match client.write()? {
            (time, 200 | 204, _) => acknowledged.push(time),
            (_, status, words) => break Some((status, words)),
        }
        if begun.elapsed() > PATIENCE {
            break None;
        }
    };
    let Some((status, words)) = refused else {
        trouble.faults.push("full disk: writes go on although there is no room".to_owned());
        return Ok(trouble);
    };
    trouble.words.push(format!("a write is answered with {status}: `{}`", brief(&words)));
    if !(500..600).contains(&status) {
        trouble.faults.push(format!("full disk: {status} tells the client not to send again"));
    }
    // It stays full for a while, in which it must go on answering.
    thread::sleep(Duration::from_secs(3));
    let there = found(&stack, &acknowledged)?;
    trouble.words.push(format!(
        "queries go on: {there} of {} acknowledged samples are read",
        acknowledged.len() * SERIES
    ));
    if there < acknowledged.len() * SERIES {
        trouble.faults.push("full disk: acknowledged samples are not read".to_owned());
    }
    let said: Vec<String> =
        stack.said().lines().filter(|line| line.contains("full")).map(str::to_owned).collect();
    match said.first() {
        Some(first) => {
            trouble.words.push(format!("the log says it in {} lines in 3 s: `{}`", said.len(), brief(first)));
        }
        None => trouble.faults.push("full disk: the log does not say so".to_owned()),
    }
    if said.len() > 20 {
        trouble.faults.push(format!("full disk: the log says so {} times in 3 s", said.len()));
    }
    fs::remove_file(&ballast)?;
    let begun = Instant::now();
    loop {
        let (time, status, _) = client.write()?;
        if matches!(status, 200 | 204) {
            acknowledged.push(time);
            trouble.words.push(format!("with room again, writes go on after {:.1?}", begun.elapsed()));
            break;
        }
        if begun.elapsed() > PATIENCE {
            trouble.faults.push("full disk: writes are refused although there is room again".to_owned());
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    stack.kill()?;
    stack.up()?;
    let there = found(&stack, &acknowledged)?;
    trouble.words.push(format!(
        "after `kill -9` and a start {there} of {} acknowledged samples are there",
        acknowledged.len() * SERIES
    ));
    if there < acknowledged.len() * SERIES {
        trouble.faults.push("full disk: acknowledged samples are lost after a kill".to_owned());
    }
    drop(stack);
    drop(mount);
    Ok(trouble)
}

/// A start over a folder that cannot be written: the whole state, then the data alone.
pub(super) fn read_only(binary: &Path, folder: &Path) -> anyhow::Result<Trouble> {
    let mut trouble = Trouble { name: "read-only disk", words: Vec::new(), faults: Vec::new() };
    let state = folder.join("state");
    let service = Exporter::start(Script::well(now() - 3_600_000), 1.0)?;
    let mut stack = Stack::start(binary, &setup(&service, &state))?;
    thread::sleep(Duration::from_secs(2));
    stack.terminate()?;
    for (what, at) in [("the state folder", state.clone()), ("the data", stack.data())] {
        let Some(mount) = Mount::read_only(&at)? else {
            trouble.words.push("not tried: this user cannot mount".to_owned());
            return Ok(trouble);
        };
        if stack.up().is_ok() {
            let query = Query { expr: "count(up)".to_owned(), when: When::At(now()) };
            let answers = stack.connect()?.ask(&query)?.is_ok();
            trouble.words.push(format!("{what}: it starts; queries are answered: {answers}"));
            if !answers {
                trouble.faults.push(format!("read-only disk, {what}: no answer to a query"));
            }
            stack.kill()?;
        } else {
            stack.forget();
            let said = stack.said();
            let line = said.lines().rfind(|line| line.contains("error")).unwrap_or_default();
            trouble.words.push(format!("{what}: it does not start: `{}`", brief(line)));
            if !line.to_lowercase().contains("read-only") {
                trouble.faults.push(format!("read-only disk, {what}: the message does not say so"));
            }
        }
        drop(mount);
    }
    stack.up()?;
    trouble.words.push("when it can be written again, it starts".to_owned());
    Ok(trouble)
}

/// A line of at most some words, without the paths of one run.
fn brief(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let words = line.split_whitespace().map(|word| {
        let path = word.rfind('/').filter(|_| word.starts_with('/') || word.starts_with("`/"));
        path.map_or_else(|| word.to_owned(), |slash| format!("…{}", &word[slash..]))
    });
    words.collect::<Vec<_>>().join(" ").replace('`', "'").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened() {
        assert_eq!(brief("\nthe disk is full: /a/b/log cannot `x`"), "the disk is full: …/log cannot 'x'");
    }
}
