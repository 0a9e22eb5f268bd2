//! Promtool, and whether it is there.

#![expect(clippy::disallowed_methods, reason = "the tests stand outside of the product")]

use std::{
    env,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

const IMAGE: &str = "prom/prometheus:v3.16.0";

/// What promtool said: whether it found nothing wrong, and its words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) clean: bool,
    pub(super) words: String,
}

/// True where promtool is there. Otherwise it is said on stderr, or fails the test where the run is required.
pub(super) fn is_here() -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let Some(missing) = MISSING.get_or_init(missing) else { return true };
    let required = env::var_os("LLMOBS_E2E").is_some_and(|value| value == "required");
    assert!(!required, "LLMOBS_E2E=required, but {missing}");
    let thread = thread::current();
    // Not by `eprintln!`, which the harness hides for tests that pass.
    let line = format!("NOT RUN: {}: {missing}\n", thread.name().unwrap_or("a test with promtool"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

fn missing() -> Option<String> {
    if env::var_os("PROMTOOL").is_some() {
        return None;
    }
    let found = Command::new("docker").args(["image", "inspect", IMAGE]).output();
    match found {
        Ok(output) if output.status.success() => None,
        Ok(_) => Some(format!("promtool needs the image `{IMAGE}`: `docker pull {IMAGE}`, or set PROMTOOL")),
        Err(error) => Some(format!("promtool needs Docker ({error}); or set PROMTOOL")),
    }
}

/// Runs promtool in a folder, with a text on its standard input.
pub(super) fn promtool(folder: &Path, args: &[&str], input: &str) -> Verdict {
    let mut command;
    if let Some(program) = env::var_os("PROMTOOL") {
        command = Command::new(program);
        command.current_dir(folder);
    } else {
        command = Command::new("docker");
        let mount = format!("{}:/judged:ro", folder.display());
        // As root, because the folder is its owner's alone.
        command.args(["run", "--rm", "--interactive", "--network", "none", "--user", "0"]);
        command.args(["--volume", &mount, "--workdir", "/judged", "--entrypoint", "/bin/promtool", IMAGE]);
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    Verdict { clean: output.status.success(), words: String::from_utf8_lossy(&words).trim().to_owned() }
}

/// Fails the test with promtool's words unless it found nothing wrong.
#[track_caller]
pub(super) fn passes(folder: &Path, args: &[&str]) {
    let verdict = promtool(folder, args, "");
    assert!(verdict.clean, "promtool {}:\n{}", args.join(" "), verdict.words);
}
