//! A real promtool.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Context as _;

use super::server::IMAGE;

/// Names a promtool to use instead of the image's.
const PROGRAM: &str = "PROMTOOL";

/// What promtool says, and whether it found nothing wrong; it runs in a folder, which it may only read.
pub(crate) fn promtool(folder: &Path, args: &[String]) -> anyhow::Result<(bool, String)> {
    let mut command;
    if let Some(program) = env::var_os(PROGRAM) {
        command = Command::new(program);
        command.current_dir(folder);
    } else {
        command = Command::new("docker");
        let mount = format!("{}:/judged:ro", folder.display());
        // As root, because the folder may be its owner's alone.
        command.args(["run", "--rm", "--network", "none", "--user", "0", "--volume", &mount]);
        command.args(["--workdir", "/judged", "--entrypoint", "/bin/promtool", IMAGE]);
    }
    let output = command.args(args).stdin(Stdio::null()).output().context("cannot run promtool")?;
    let words = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&words).into_owned()))
}
