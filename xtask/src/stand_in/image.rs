//! `cargo xtask stand-in`: the image, made of this program and the shared libraries that it loads.

use std::{
    env,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail, ensure};
use tar::{EntryType, Header};

use super::ENTRY_POINT;

/// The label that tells the stand-in from the real image.
const LABEL: &str = "dev.llmobs.stand-in";

/// The user that Grafana's image runs as; the group is root's.
const USER: u64 = 472;

/// Folders that are `USER`'s, as writable as in the official image.
const OWN_FOLDERS: [&str; 11] = [
    "etc/grafana",
    "etc/grafana/provisioning",
    "etc/grafana/provisioning/access-control",
    "etc/grafana/provisioning/alerting",
    "etc/grafana/provisioning/dashboards",
    "etc/grafana/provisioning/datasources",
    "etc/grafana/provisioning/plugins",
    "usr/share/grafana",
    "var/lib/grafana",
    "var/lib/grafana/plugins",
    "var/log/grafana",
];

/// The image's configuration, as `docker import --change` takes it.
const CHANGES: [&str; 12] = [
    "ENV PATH=/usr/share/grafana/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV GF_PATHS_CONFIG=/etc/grafana/grafana.ini",
    "ENV GF_PATHS_DATA=/var/lib/grafana",
    "ENV GF_PATHS_HOME=/usr/share/grafana",
    "ENV GF_PATHS_LOGS=/var/log/grafana",
    "ENV GF_PATHS_PLUGINS=/var/lib/grafana/plugins",
    "ENV GF_PATHS_PROVISIONING=/etc/grafana/provisioning",
    "WORKDIR /usr/share/grafana",
    "EXPOSE 3000",
    "USER 472",
    "ENTRYPOINT [\"/run.sh\"]",
    "LABEL dev.llmobs.stand-in=true",
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
    let libraries = libraries(&program)?;
    let mut import = Command::new("docker");
    import.arg("import");
    for change in CHANGES {
        import.args(["--change", change]);
    }
    import.args(["-", image]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut import = import.spawn().context("cannot run `docker import`")?;
    let input = import.stdin.take().context("`docker import` takes no input")?;
    let written = write_root(input, &program, &libraries);
    let output = import.wait_with_output().context("`docker import` did not end")?;
    // Docker's own words come first: when it fails, the pipe breaks as a consequence.
    ensure!(output.status.success(), "`docker import` failed");
    written?;
    if let Found::StandIn { id } = found {
        // Without its name the one before is of no use; where a container still has it, it stays.
        let _kept = Command::new("docker").args(["image", "rm", &id]).output();
    }
    let count = libraries.len();
    println!("{image} {} ({count} shared libraries)", String::from_utf8_lossy(&output.stdout).trim());
    Ok(ExitCode::SUCCESS)
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

/// The libraries that the dynamic linker finds for a program, itself among them, by the paths it looks under.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("cannot run `ldd`")?;
    ensure!(output.status.success(), "`ldd` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(library_paths(&String::from_utf8_lossy(&output.stdout)))
}

/// Lines are `name => /path (address)` or, for the linker, `/path (address)`; the kernel's own page has no path.
fn library_paths(listing: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let found = line.split_once("=>").map_or(line, |(_, found)| found);
        found.split_whitespace().next().filter(|word| word.starts_with('/')).map(PathBuf::from)
    };
    listing.lines().filter_map(path).collect()
}

/// The root file system, as a tar stream.
fn write_root(output: impl Write, program: &Path, libraries: &[PathBuf]) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(output);
    folder(&mut tar, "tmp", 0, 0o1777)?;
    for name in OWN_FOLDERS {
        folder(&mut tar, name, USER, 0o777)?;
    }
    let mut settings = header(USER, 0o644);
    tar.append_data(&mut settings, "etc/grafana/grafana.ini", std::io::empty())?;
    file(&mut tar, program, Path::new(ENTRY_POINT))?;
    for library in libraries {
        file(&mut tar, library, library.strip_prefix("/").unwrap_or(library))?;
    }
    tar.finish().context("cannot write the image")
}

fn header(owner: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_uid(owner);
    header.set_gid(0);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_size(0);
    header
}

fn folder(tar: &mut tar::Builder<impl Write>, name: &str, owner: u64, mode: u32) -> anyhow::Result<()> {
    let mut header = header(owner, mode);
    header.set_entry_type(EntryType::Directory);
    tar.append_data(&mut header, format!("{name}/"), std::io::empty())
        .with_context(|| format!("cannot write `{name}`"))
}

fn file(tar: &mut tar::Builder<impl Write>, from: &Path, to: &Path) -> anyhow::Result<()> {
    let open = || -> std::io::Result<(File, u64)> {
        let file = File::open(from)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    };
    let (content, size) = open().with_context(|| format!("cannot read `{}`", from.display()))?;
    let mut header = header(0, 0o755);
    header.set_size(size);
    tar.append_data(&mut header, to, content).with_context(|| format!("cannot write `{}`", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_the_listing() {
        let listing = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                       \tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expect = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(library_paths(listing), expect.map(PathBuf::from));
        assert_eq!(library_paths("\tstatically linked\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_root_has_what_the_official_one_has() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "binary").unwrap();
        let mut bytes = Vec::new();
        write_root(&mut bytes, &program, std::slice::from_ref(&program)).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let listed: Vec<(String, u64, u32)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (entry.path().unwrap().display().to_string(), header.uid().unwrap(), header.mode().unwrap())
            })
            .collect();
        let library = program.display().to_string().trim_start_matches('/').to_owned();
        let own = OWN_FOLDERS.map(|name| (format!("{name}/"), USER, 0o777));
        let mut expect = vec![("tmp/".to_owned(), 0, 0o1777)];
        expect.extend(own);
        expect.push(("etc/grafana/grafana.ini".to_owned(), USER, 0o644));
        expect.push(("run.sh".to_owned(), 0, 0o755));
        expect.push((library, 0, 0o755));
        assert_eq!(listed, expect);
    }
}
