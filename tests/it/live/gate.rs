//! Whether the tests can run here, and what is missing where they cannot.

use std::{env, io::Write as _, process::Command, sync::OnceLock, thread};

pub(super) const PROMETHEUS_IMAGE: &str = "prom/prometheus:v3.16.0";
pub(super) const GRAFANA_IMAGE: &str = "grafana/grafana:13.2.3";

/// True where everything is there. Otherwise it is said on stderr, or fails the test where the run is required.
pub(super) fn is_open() -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let Some(missing) = MISSING.get_or_init(missing) else { return true };
    let required = env::var_os("LLMOBS_E2E").is_some_and(|value| value == "required");
    assert!(!required, "LLMOBS_E2E=required, but {missing}");
    let thread = thread::current();
    let test = thread.name().unwrap_or("an end-to-end test");
    // Not by `eprintln!`, which the harness hides for tests that pass.
    let line = format!("NOT RUN: {test}: {missing}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

fn missing() -> Option<String> {
    let output = match Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output() {
        Ok(output) => output,
        Err(error) => return Some(format!("`docker` cannot be run ({error}): install Docker")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Some(format!("no Docker daemon answers ({}): start `dockerd`", said.trim()));
    }
    for (image, remedy) in [
        (PROMETHEUS_IMAGE, "docker pull prom/prometheus:v3.16.0"),
        (GRAFANA_IMAGE, "docker pull grafana/grafana:13.2.3` or `cargo xtask stand-in"),
    ] {
        let found = Command::new("docker").args(["image", "inspect", image]).output().unwrap();
        if !found.status.success() {
            return Some(format!("the image `{image}` is missing: `{remedy}` gets it"));
        }
    }
    None
}
