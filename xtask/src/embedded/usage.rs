//! What a process and a folder take, as Linux counts it.

use std::{fs, path::Path};

use anyhow::Context as _;

/// Ticks of a second in `/proc` (`USER_HZ`, which is 100 wherever Linux runs).
const TICKS: f64 = 100.0;

/// Of a process, at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Seconds of all its threads since its start, in the program and in the kernel for it.
    pub(crate) cpu: f64,
    /// Memory that is in the machine's, in MiB (`VmRSS`), and the part that no file backs (`RssAnon`).
    pub(crate) resident: f64,
    pub(crate) anonymous: f64,
    /// The most that was resident (`VmHWM`), in MiB.
    pub(crate) peak: f64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        let mebibytes = |name: &str| {
            kibibytes(&status, name).map(|size| size / 1024.0).with_context(|| format!("no `{name}`"))
        };
        Ok(Self {
            cpu: ticks(&stat).context("`stat` is not as Linux writes it")? / TICKS,
            resident: mebibytes("VmRSS:")?,
            anonymous: mebibytes("RssAnon:")?,
            peak: mebibytes("VmHWM:")?,
        })
    }
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// `utime` and `stime` of `proc(5)`, the 14th and 15th field; the name, which is the second, may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// Bytes of all files in a folder and those below it; what vanishes meanwhile is not counted.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => folder_bytes(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let stat = "1 (a) b) S 4 5 6 7 8 9 10 11 12 13 140 15 160 17 18 19";
        assert_eq!(ticks(stat), Some(155.0));
        assert_eq!(kibibytes("VmPeak:\t 9 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
    }

    #[test]
    fn a_process_uses_something() {
        let own = Usage::of(std::process::id()).unwrap();
        assert!(own.resident > 0.0 && own.peak >= own.resident);
    }
}
