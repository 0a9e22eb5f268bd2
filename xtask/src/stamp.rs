//! Which state of the repository a page of evidence was made from.

use std::{path::Path, process::Command};

use anyhow::{Context as _, ensure};

/// The commit, and whether there are changes beside it: `1e958f2 with local changes`.
pub(crate) fn commit(repository: &Path) -> anyhow::Result<String> {
    let commit = git(&["rev-parse", "--short", "HEAD"], repository)?;
    let changes =
        git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!assets/evidence"], repository)?;
    let state = if changes.is_empty() { "" } else { " with local changes" };
    Ok(format!("{commit}{state}"))
}

fn git(args: &[&str], repository: &Path) -> anyhow::Result<String> {
    let output =
        Command::new("git").args(args).current_dir(repository).output().context("cannot run `git`")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`git {}` failed: {}", args.join(" "), words.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
