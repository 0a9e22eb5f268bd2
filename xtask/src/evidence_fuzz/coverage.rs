//! Which lines and branches of the language a run reaches.
//!
//! The workspace's own crates are built with the compiler's counters; those of branches are still unstable, and the
//! compiler is told to offer them all the same. LLVM's tools of the compiler's own version turn the counts into a list:
//! `llvm-profdata-22` and `llvm-cov-22` (of Debian's `llvm-22`), or what `LLVM_PROFDATA` and `LLVM_COV` name.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::stamp;

/// Where the result is written, from the root of the repository.
const PAGE: &str = "assets/evidence/fuzz-coverage.md";

/// What is looked at.
const ROOMS: [&str; 2] = ["src/promql/syntax", "src/promql/eval"];

/// Hands the compiler's arguments on, with more.
const WRAPPER: &str =
    "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec \"$@\" -Cinstrument-coverage -Zcoverage-options=branch\n";

/// What was counted in a file.
#[derive(Debug, Default)]
struct Counts {
    /// Each line that has code, and whether it was reached.
    lines: BTreeMap<usize, bool>,
    /// Each way that a condition may go, and whether it went so: line, block, number.
    branches: BTreeMap<(usize, String, String), bool>,
}

/// Builds with counters, runs, and writes the page.
pub(super) fn run(repository: &Path, profile: &str, seed: u64, count: u64) -> anyhow::Result<()> {
    let folder = env::temp_dir().join(format!("fuzz-coverage-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let counted = counted(repository, profile, &folder, seed, count);
    fs::remove_dir_all(&folder).context("cannot remove the folder of the counts")?;
    let page = page(repository, seed, count, &counted?)?;
    print!("{page}");
    fs::write(repository.join(PAGE), page).with_context(|| format!("cannot write `{PAGE}`"))
}

fn counted(
    repository: &Path,
    profile: &str,
    folder: &Path,
    seed: u64,
    count: u64,
) -> anyhow::Result<BTreeMap<String, Counts>> {
    let wrapper = folder.join("rustc");
    fs::write(&wrapper, WRAPPER).context("cannot write the compiler's wrapper")?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))
        .context("cannot make the wrapper a program")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    succeed(
        Command::new(cargo)
            .args(["build", "--quiet", "--package", "xtask", "--profile", profile])
            .env("RUSTC_WORKSPACE_WRAPPER", &wrapper)
            .current_dir(repository),
    )?;
    let program = super::program_of(profile)?;
    let raw = folder.join("raw");
    succeed(
        Command::new(&program)
            .args(["evidence", "fuzz", "--here", "--check", "--workers", "1"])
            .args(["--seed", &seed.to_string(), "--count", &count.to_string()])
            .env("LLVM_PROFILE_FILE", &raw),
    )?;
    let merged = folder.join("merged");
    succeed(
        Command::new(tool("LLVM_PROFDATA", "llvm-profdata-22"))
            .args(["merge", "--sparse", "-o"])
            .args([&merged, &raw]),
    )?;
    let mut cov = Command::new(tool("LLVM_COV", "llvm-cov-22"));
    cov.args(["export", "--format=lcov", "--instr-profile"]).arg(&merged).arg(&program);
    cov.args(ROOMS.map(|room| repository.join(room)));
    let output = cov.output().context("cannot run `llvm-cov`")?;
    ensure!(output.status.success(), "`llvm-cov` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(read(&String::from_utf8_lossy(&output.stdout), repository))
}

fn tool(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| name.into(), PathBuf::from)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(status.success(), "{} failed", command.get_program().display());
    Ok(())
}

/// Reads `lcov`'s format (<https://manpages.debian.org/stable/lcov/geninfo.1.en.html#FILES>): a file's records begin
/// with `SF`; `DA:line,count`; `BRDA:line,block,branch,count`. What is counted more than once, as generic functions
/// are, is reached if it is once.
fn read(lcov: &str, repository: &Path) -> BTreeMap<String, Counts> {
    let root = format!("{}/", repository.display());
    let mut files: BTreeMap<String, Counts> = BTreeMap::new();
    let mut file = String::new();
    for record in lcov.lines() {
        let Some((kind, rest)) = record.split_once(':') else { continue };
        let fields: Vec<&str> = rest.split(',').collect();
        match (kind, fields.as_slice()) {
            ("SF", _) => rest.strip_prefix(&root).unwrap_or(rest).clone_into(&mut file),
            ("DA", [line, count, ..]) => {
                let Ok(line) = line.parse() else { continue };
                *files.entry(file.clone()).or_default().lines.entry(line).or_default() |= *count != "0";
            }
            ("BRDA", [line, block, branch, count]) => {
                let Ok(line) = line.parse() else { continue };
                let key = (line, (*block).to_owned(), (*branch).to_owned());
                *files.entry(file.clone()).or_default().branches.entry(key).or_default() |=
                    !matches!(*count, "0" | "-");
            }
            _ => {}
        }
    }
    files
}

/// Reached and all.
fn share<'a>(all: impl Iterator<Item = &'a bool>) -> (usize, usize) {
    all.fold((0, 0), |(reached, total), one| (reached + usize::from(*one), total + 1))
}

fn percent((reached, total): (usize, usize)) -> String {
    format!("{:.1} % ({reached} of {total})", 100.0 * reached as f64 / total.max(1) as f64)
}

fn page(
    repository: &Path,
    seed: u64,
    count: u64,
    files: &BTreeMap<String, Counts>,
) -> anyhow::Result<String> {
    let mut page = format!(
        "# What fuzzing reaches\n\n\
         Made by `cargo xtask evidence fuzz --coverage --count {count} --seed {seed}` from commit {}: the first {count} \
         inputs of that seed, in a build with the compiler's counters (`-Cinstrument-coverage`, \
         `-Zcoverage-options=branch`), read by LLVM's `llvm-profdata` and `llvm-cov`. A branch is one way that a condition \
         may go; arms of a `match` are lines. Tests within the files are not compiled and do not count.\n\n\
         | | lines | branches |\n|---|---:|---:|\n",
        stamp::commit(repository)?
    );
    // Writing to a string cannot fail.
    for room in ROOMS {
        let own = || files.iter().filter(|(path, _)| path.starts_with(room)).map(|(_, counts)| counts);
        let lines = percent(share(own().flat_map(|counts| counts.lines.values())));
        let branches = percent(share(own().flat_map(|counts| counts.branches.values())));
        let _ = writeln!(page, "| **`{room}`** | **{lines}** | **{branches}** |");
    }
    for (path, counts) in files {
        let (lines, branches) =
            (percent(share(counts.lines.values())), percent(share(counts.branches.values())));
        let _ = writeln!(page, "| `{path}` | {lines} | {branches} |");
    }
    page.push_str("\n## Not reached\n");
    for (path, counts) in files {
        let text =
            fs::read_to_string(repository.join(path)).with_context(|| format!("cannot read `{path}`"))?;
        let source: Vec<&str> = text.lines().collect();
        let mut missed: BTreeSet<usize> =
            counts.lines.iter().filter(|(_, reached)| !**reached).map(|(line, _)| *line).collect();
        missed
            .extend(counts.branches.iter().filter(|(_, reached)| !**reached).map(|((line, _, _), _)| *line));
        if missed.is_empty() {
            continue;
        }
        let _ = writeln!(page, "\n`{path}`:\n");
        for line in missed {
            let what = if counts.lines.get(&line) == Some(&false) { "line" } else { "one way of" };
            let code = source.get(line - 1).map_or("", |code| code.trim()).replace("``", "` `");
            let _ = writeln!(page, "- {line}, {what} `` {code} ``");
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_one_place_are_joined() {
        let lcov = "SF:/r/src/a.rs\nDA:1,0\nDA:1,3\nDA:2,0\nBRDA:1,0,0,-\nBRDA:1,0,1,2\nend_of_record\n";
        let files = read(lcov, Path::new("/r"));
        let counts = &files["src/a.rs"];
        assert_eq!(share(counts.lines.values()), (1, 2));
        assert_eq!(share(counts.branches.values()), (1, 2));
    }
}
