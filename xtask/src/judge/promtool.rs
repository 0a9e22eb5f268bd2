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

/// What promtool says, on its two streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs promtool in a folder, which it may only read.
pub(crate) fn promtool(folder: &Path, args: &[String]) -> anyhow::Result<Words> {
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
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Words { out: text(output.stdout), err: text(output.stderr) })
}
