//! What a process takes, as Linux counts it.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// Between looks at the memory of a process. Its peak only grows, so only the last moment may be missed.
const LOOK: Duration = Duration::from_millis(5);

/// Ticks of a second in `/proc` (`USER_HZ`, which is 100 wherever Linux runs).
const TICKS: f64 = 100.0;

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub(super) wall: Duration,
    /// Seconds of all threads together, in the program and in the kernel for it.
    pub(super) cpu: f64,
    /// The most memory, in MiB.
    pub(super) peak: u64,
}

/// Runs a program to its end; an error where it says that something is wrong. What it writes goes to a file.
pub(super) fn measured(command: &mut Command, output: &Path) -> anyhow::Result<Taken> {
    let file = File::create(output).with_context(|| format!("cannot create `{}`", output.display()))?;
    let before = children()?;
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().context("cannot run the program")?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        // None any more where it has just ended.
        if let Some(now) = fs::read_to_string(&status).ok().and_then(|text| peak_of(&text)) {
            peak = now;
        }
        thread::sleep(LOOK);
    };
    let wall = begun.elapsed();
    if !ended.success() {
        let words: String = fs::read_to_string(output)?.chars().take(2_000).collect();
        bail!("{} ended with {ended}: {words}", command.get_program().display());
    }
    Ok(Taken { wall, cpu: children()? - before, peak: peak / 1024 })
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Seconds of CPU of all children that have ended.
fn children() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("cannot read the process' own counts")?;
    ticks(&stat).map(|ticks| ticks / TICKS).context("the process' own counts are not as Linux writes them")
}

/// `cutime` and `cstime` of `proc(5)`, the 16th and 17th field; the name, which is the second, may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(13);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let stat = "1 (a) b) S 4 5 6 7 8 9 10 11 12 13 14 15 160 17 18 19";
        assert_eq!(ticks(stat), Some(177.0));
        assert_eq!(peak_of("VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\n"), Some(2048));
    }
}
