//! `cargo xtask stand-in`: the image, made of this program as the product makes its exporter's image.

use std::{
    collections::BTreeMap,
    env,
    io::Write as _,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail, ensure};
use llmobs::docker::{
    executable::read_executable,
    image::{Folder, ImageSpec, archive},
};

use super::ENTRY_POINT;

/// The label that tells the stand-in from the real image.
const LABEL: &str = "dev.llmobs.stand-in";

/// The user that Grafana's image runs as; the group is root's.
const USER: u32 = 472;

/// Folders that are `USER`'s, as writable as in the official image.
const OWN_FOLDERS: [&str; 11] = [
    "/etc/grafana",
    "/etc/grafana/provisioning",
    "/etc/grafana/provisioning/access-control",
    "/etc/grafana/provisioning/alerting",
    "/etc/grafana/provisioning/dashboards",
    "/etc/grafana/provisioning/datasources",
    "/etc/grafana/provisioning/plugins",
    "/usr/share/grafana",
    "/var/lib/grafana",
    "/var/lib/grafana/plugins",
    "/var/log/grafana",
];

/// The environment of the official image, as far as the stand-in reads it.
const ENV: [(&str, &str); 6] = [
    ("GF_PATHS_CONFIG", "/etc/grafana/grafana.ini"),
    ("GF_PATHS_DATA", "/var/lib/grafana"),
    ("GF_PATHS_HOME", "/usr/share/grafana"),
    ("GF_PATHS_LOGS", "/var/log/grafana"),
    ("GF_PATHS_PLUGINS", "/var/lib/grafana/plugins"),
    ("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"),
];

/// What to do with an image that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Only a stand-in is replaced; anything else may be the real image.
    KeepUnlessOurs,
    Replace,
}

pub(crate) fn load_image(image: &str, existing: Existing) -> anyhow::Result<ExitCode> {
    let found = Found::look(image)?;
    if found == Found::Foreign && existing == Existing::KeepUnlessOurs {
        bail!("`{image}` exists and is no stand-in; it may be the real one (`--force` replaces it)");
    }
    let program = env::current_exe().context("cannot find this program")?;
    let executable = read_executable(&program)?;
    let bytes = archive(&spec(image), &executable).context("cannot write the image")?;
    let mut load = Command::new("docker");
    load.args(["load", "--quiet"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut load = load.spawn().context("cannot run `docker load`")?;
    let mut input = load.stdin.take().context("`docker load` takes no input")?;
    let written = input.write_all(&bytes);
    drop(input);
    let output = load.wait_with_output().context("`docker load` did not end")?;
    // Docker's own words come first: when it fails, the pipe breaks as a consequence.
    ensure!(output.status.success(), "`docker load` failed");
    written?;
    if let Found::StandIn { id } = found {
        // Without its name the one before is of no use; where a container still has it, it stays, and an equal one
        // has its name back.
        if Found::look(image)? != (Found::StandIn { id: id.clone() }) {
            let _kept = Command::new("docker").args(["image", "rm", &id]).output();
        }
    }
    println!("{} ({} shared libraries)", image, executable.libraries.len());
    Ok(ExitCode::SUCCESS)
}

fn spec(image: &str) -> ImageSpec {
    let folder = |path: &str| Folder { path: path.to_owned(), uid: USER, gid: 0, mode: 0o777 };
    ImageSpec {
        tag: image.to_owned(),
        program: format!("/{ENTRY_POINT}"),
        arguments: Vec::new(),
        user: USER.to_string(),
        ports: vec![3000],
        env: ENV.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        labels: BTreeMap::from([(LABEL.to_owned(), "true".to_owned())]),
        hash_label: format!("{LABEL}.contents"),
        folders: OWN_FOLDERS.iter().map(|path| folder(path)).collect(),
    }
}

/// What has the image's name before.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    StandIn { id: String },
    Foreign,
}

impl Found {
    fn look(image: &str) -> anyhow::Result<Self> {
        let format = format!("{{{{.Id}}}} {{{{index .Config.Labels \"{LABEL}\"}}}}");
        let output = Command::new("docker")
            .args(["image", "inspect", "--format", &format, image])
            .output()
            .context("cannot run `docker image inspect`")?;
        if output.status.success() {
            let line = String::from_utf8_lossy(&output.stdout);
            let id = line.trim().strip_suffix(" true").map(str::to_owned);
            return Ok(id.map_or(Self::Foreign, |id| Self::StandIn { id }));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(said.contains("No such image"), "`docker image inspect` failed: {}", said.trim());
        Ok(Self::Nothing)
    }
}
