//! `cargo xtask evidence kills`: whatever moment `llmobs up` is killed at, the next one gives a whole stack.
//!
//! Each round starts from nothing: `up` is killed with SIGKILL, what is there then is written down, `up` runs again and
//! must leave a healthy stack that needs no further step, and `down --volumes` must leave nothing. The engine is asked
//! by Docker's own command line.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::{random::Random, stamp, stand_in::GRAFANA_IMAGE};

/// Where the result is written, from the root of the repository.
const PAGE: &str = "assets/evidence/kills.md";
const PROMETHEUS_IMAGE: &str = "prom/prometheus:v3.16.0";
const PORT_OFFSET: &str = "7000";

/// How long the parts of an `up` that nobody kills take, from its start.
#[derive(Debug, Clone, Copy)]
struct Course {
    first_step: Duration,
    last_step: Duration,
    end: Duration,
}

/// One kill and what came of it.
#[derive(Debug)]
struct Round {
    moment: Duration,
    /// What `up` had said last.
    said: String,
    found: String,
    /// What went wrong after the kill; nothing.
    faults: Vec<String>,
}

/// The stack that is started and killed.
struct Subject {
    binary: PathBuf,
    folder: PathBuf,
    project: String,
}

pub(crate) fn run(repository: &Path, count: u32, seed: u64) -> anyhow::Result<ExitCode> {
    let binary = build(repository)?;
    let project = format!("kills-{}", std::process::id());
    let folder = env::temp_dir().join(&project);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let subject = Subject { binary, folder, project };
    let ended = rounds(&subject, count, seed);
    let swept = subject.llmobs(&["down", "--volumes"]);
    fs::remove_dir_all(&subject.folder).context("cannot remove the folder of the runs")?;
    let (course, rounds) = ended?;
    swept?;

    let page = page(repository, &subject, seed, course, &rounds)?;
    let path = repository.join(PAGE);
    fs::create_dir_all(path.parent().unwrap_or(repository)).context("cannot create the folder")?;
    fs::write(&path, page).with_context(|| format!("cannot write `{PAGE}`"))?;
    let bad = rounds.iter().filter(|round| !round.faults.is_empty()).count();
    println!("{PAGE}: {} kills, {bad} of them not mended", rounds.len());
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(repository: &Path) -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "llmobs"])
        .current_dir(repository)
        .status();
    ensure!(built.context("cannot run cargo")?.success(), "the build failed");
    // This program lies where cargo puts the other one.
    Ok(env::current_exe()?.with_file_name("llmobs"))
}

fn rounds(subject: &Subject, count: u32, seed: u64) -> anyhow::Result<(Course, Vec<Round>)> {
    let course = subject.measure()?;
    println!("{course:.1?}");
    let mut random = Random::new(seed);
    let mut rounds = Vec::new();
    for number in 1..=count {
        let share = random.share();
        // Every second kill falls among the changes, which are but a part of the run.
        let moment = if number % 2 == 1 {
            course.first_step + course.last_step.saturating_sub(course.first_step).mul_f64(share)
        } else {
            course.end.mul_f64(share)
        };
        let round = subject.round(moment)?;
        println!("{number:>3}  {:>5} ms  {}  {:?}", moment.as_millis(), round.found, round.faults);
        rounds.push(round);
    }
    Ok((course, rounds))
}

impl Subject {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).args(["--project", &self.project, "--state-dir", "state"]);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn llmobs(&self, args: &[&str]) -> anyhow::Result<Output> {
        self.command(args).output().with_context(|| format!("cannot run `llmobs {}`", args.join(" ")))
    }

    /// A whole run.
    fn measure(&self) -> anyhow::Result<Course> {
        let begun = Instant::now();
        let mut up = self.command(&["up", "--engine", "docker", "--port-offset", PORT_OFFSET]);
        let mut up = up.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut steps = Vec::new();
        for line in BufReader::new(up.stderr.take().context("no stderr")?).lines() {
            let line = line?;
            if is_step(&line) && !is_wait(&line) {
                steps.push(begun.elapsed());
            }
        }
        ensure!(up.wait()?.success(), "`llmobs up` fails already when nobody kills it");
        let end = begun.elapsed();
        ensure!(self.llmobs(&["down", "--volumes"])?.status.success(), "`llmobs down` failed");
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
            bail!("`llmobs up` had nothing to do");
        };
        Ok(Course { first_step: *first, last_step: *last, end })
    }

    fn round(&self, moment: Duration) -> anyhow::Result<Round> {
        let before = foreign()?;
        let said = self.kill_after(moment)?;
        let found = self.found()?;
        let mut faults = Vec::new();
        let mut check = |what: &str, output: &Output, answer: Option<&str>| {
            let stdout = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() || answer.is_some_and(|answer| answer != stdout) {
                let stderr = String::from_utf8_lossy(&output.stderr);
                faults.push(format!("`{what}`: {}, {stdout} {stderr}", output.status));
            }
        };
        check("up", &self.llmobs(&["up", "--engine", "docker", "--port-offset", PORT_OFFSET])?, None);
        check(
            "up --dry-run",
            &self.llmobs(&["up", "--engine", "docker", "--dry-run"])?,
            Some("nothing to do\n"),
        );
        check("status", &self.llmobs(&["status"])?, None);
        check("down --volumes", &self.llmobs(&["down", "--volumes"])?, None);
        let left: Vec<_> = self.objects()?.into_iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        if !left.is_empty() {
            faults.push(format!("left: {}", left.join(", ")));
        }
        let stray: Vec<_> = foreign()?.difference(&before).cloned().collect();
        if !stray.is_empty() {
            faults.push(format!("stray: {}", stray.join(", ")));
        }
        Ok(Round { moment, said, found, faults })
    }

    /// Kills an `up`, and gives the last line of progress that it wrote.
    fn kill_after(&self, moment: Duration) -> anyhow::Result<String> {
        let log = self.folder.join("log");
        let file = fs::File::create(&log).context("cannot create the log")?;
        let begun = Instant::now();
        let mut up = self.command(&["up", "--engine", "docker", "--port-offset", PORT_OFFSET]);
        let mut up = up.stdout(Stdio::null()).stderr(file).spawn()?;
        while begun.elapsed() < moment && up.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        up.kill()?;
        up.wait()?;
        let text = fs::read_to_string(&log)?;
        let last = text.lines().rev().find(|line| is_step(line)).unwrap_or("-");
        Ok(last.replace(&self.project, "P"))
    }

    /// Kind and name of everything that carries the project's label.
    fn objects(&self) -> anyhow::Result<Vec<(String, String)>> {
        let filter = format!("label=dev.llmobs.project={}", self.project);
        let lists: [(&str, &[&str]); 3] = [
            ("container", &["ps", "--all", "--format", "{{.State}}"]),
            ("network", &["network", "ls", "--format", "{{.Name}}"]),
            ("volume", &["volume", "ls", "--format", "{{.Name}}"]),
        ];
        let mut found = Vec::new();
        for (kind, list) in lists {
            let listed = docker(&[list, &["--filter", &filter]].concat())?;
            found.extend(listed.lines().map(|name| (kind.to_owned(), name.to_owned())));
        }
        Ok(found)
    }

    /// What is there, in words.
    fn found(&self) -> anyhow::Result<String> {
        let objects = self.objects()?;
        let count = |kind: &str, state: Option<&str>| {
            let of =
                |found: &&(String, String)| found.0 == kind && state.is_none_or(|state| found.1 == state);
            objects.iter().filter(of).count()
        };
        let (running, created) = (count("container", Some("running")), count("container", Some("created")));
        let other = count("container", None) - running - created;
        let parts = [
            (count("network", None), "network"),
            (count("volume", None), "volumes"),
            (created, "created"),
            (running, "running"),
            (other, "in another state"),
        ];
        let words: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        Ok(if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
    }
}

/// What must not grow in a round: networks, volumes and images of any name and label.
fn foreign() -> anyhow::Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for list in [
        ["network", "ls", "--quiet"].as_slice(),
        &["volume", "ls", "--quiet"],
        &["images", "--all", "--quiet", "--no-trunc"],
    ] {
        all.extend(docker(list)?.lines().map(str::to_owned));
    }
    Ok(all)
}

/// Whether a line of stderr tells of a step or of the wait after the last, and not of the configuration.
fn is_step(line: &str) -> bool {
    let verbs = ["pull ", "load ", "create ", "recreate ", "remove ", "start "];
    verbs.iter().any(|verb| line.starts_with(verb)) || is_wait(line)
}

fn is_wait(line: &str) -> bool {
    ["prometheus ready", "grafana ready", "exporter ready", "first scrape"]
        .iter()
        .any(|what| line.starts_with(what))
}

fn docker(args: &[&str]) -> anyhow::Result<String> {
    text_of("docker", args, Path::new("."))
}

fn text_of(program: &str, args: &[&str], folder: &Path) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let output = output.with_context(|| format!("cannot run `{program}`"))?;
    if !output.status.success() {
        bail!("`{program} {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn page(
    repository: &Path,
    subject: &Subject,
    seed: u64,
    course: Course,
    rounds: &[Round],
) -> anyhow::Result<String> {
    let commit = stamp::commit(repository)?;
    let version = text_of(&subject.binary.display().to_string(), &["--version"], repository)?;
    let engine = docker(&["version", "--format", "{{.Server.Version}}"])?;
    let label = "{{index .Config.Labels \"dev.llmobs.stand-in\"}}";
    let grafana = match docker(&["image", "inspect", "--format", label, GRAFANA_IMAGE])?.as_str() {
        "true" => "this repository's stand-in for",
        _ => "the real",
    };
    let bad = rounds.iter().filter(|round| !round.faults.is_empty()).count();
    let mut page = format!(
        "# `kill -9` of `llmobs up`\n\n\
         Made by `cargo xtask evidence kills --count {} --seed {seed}` from commit {commit}: {version} (debug \
         build), Docker {engine}, `{PROMETHEUS_IMAGE}`, {grafana} `{GRAFANA_IMAGE}`.\n\n\
         Each line starts from nothing. `up` is killed at a random moment: odd lines between its first step ({} ms) and \
         its last one ({} ms), even lines anywhere between its start and its end ({} ms). Then `up` must succeed, `up \
         --dry-run` say that there is nothing to do, `status` find everything healthy, and `down --volumes` leave no \
         container, network, volume or image that was not there before.\n\n\
         {bad} of {} kills were not mended.\n\n\
         | | killed after | last line of progress | there after the kill | result |\n|---:|---:|---|---|---|\n",
        rounds.len(),
        course.first_step.as_millis(),
        course.last_step.as_millis(),
        course.end.as_millis(),
        rounds.len(),
    );
    for (index, round) in rounds.iter().enumerate() {
        let result = match round.faults.as_slice() {
            [] => "whole, then nothing left".to_owned(),
            faults => faults.join("; ").replace(['\n', '|'], " "),
        };
        let moment = round.moment.as_millis();
        let number = index + 1;
        let (said, found) = (&round.said, &round.found);
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {number} | {moment} ms | {said} | {found} | {result} |");
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_from_notes() {
        assert!(is_step("create network p_default"));
        assert!(is_step("first scrape: 1 of 1 targets up, 0.9 s"));
        assert!(!is_step("note: panel `cache_use` is left out"));
    }
}
