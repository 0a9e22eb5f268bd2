//! House rules over the tracked files that neither rustfmt nor clippy holds.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};

/// Lines of a Rust file: above the first number a warning, above the second a finding.
const BUDGET: (usize, usize) = (400, 800);

/// Names that say nothing of what a file holds.
const BANNED_NAMES: [&str; 7] = ["common", "helper", "helpers", "misc", "prelude", "util", "utils"];

/// What the page of a room says of it.
const ROOM_HEADINGS: [&str; 4] = ["Owns:", "Must not know:", "Invariants:", "Start reading at:"];

/// Unfinished work. The words are put together here, so that this file does not find itself.
const MARKERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
];

/// What only works on the machine, or behind the registry, that somebody happened to build on.
const PLACES: [&str; 11] = [
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "tmp/w/"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("proxy.", "golang.org"),
    concat!("sum.", "golang.org"),
    concat!("registry.", "npmjs.org"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("deb.", "debian.org"),
];

const SLEEP: &str = concat!("thread::", "sleep");

/// Files whose text is not ours to lay out.
const FOREIGN: [&str; 2] = ["Cargo.lock", "LICENSE"];

/// Folders whose every file is there to be used.
const USED_FOLDERS: [&str; 2] = ["assets/", "templates/"];

/// A tracked file: its path from the root, and its text unless it is binary.
#[derive(Debug)]
struct Tracked {
    path: String,
    text: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    findings: Vec<String>,
    warnings: Vec<String>,
}

pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let report = examine(&tracked(root)?);
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("tidy: {} findings, {} warnings", report.findings.len(), report.warnings.len());
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Files that git tracks or would add.
fn tracked(root: &Path) -> anyhow::Result<Vec<Tracked>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run `git ls-files`")?;
    ensure!(output.status.success(), "`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    let mut files = Vec::new();
    for path in names.split_terminator('\0') {
        let full = root.join(path);
        // A file that is deleted but not committed yet is still listed.
        if full.is_file() {
            let bytes = fs::read(&full).with_context(|| format!("cannot read `{path}`"))?;
            files.push(Tracked { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn examine(files: &[Tracked]) -> Report {
    let mut report = Report::default();
    for file in files {
        names(&file.path, &mut report);
        let Some(text) = &file.text else { continue };
        if FOREIGN.contains(&file.path.as_str()) {
            continue;
        }
        layout(&file.path, text, &mut report);
        words(&file.path, text, &mut report);
        if Path::new(&file.path).extension().is_some_and(|extension| extension == "rs") {
            rust(&file.path, text, &mut report);
        }
    }
    unused(files, &mut report);
    report
}

fn names(path: &str, report: &mut Report) {
    for part in path.split('/') {
        let stem = part.split('.').next().unwrap_or_default();
        if BANNED_NAMES.contains(&stem) {
            report.findings.push(format!("{path}: `{stem}` does not say what it holds"));
        }
    }
}

fn layout(path: &str, text: &str, report: &mut Report) {
    let mut find = |line: usize, what: &str| report.findings.push(format!("{path}:{line}: {what}"));
    for (index, line) in text.split('\n').enumerate() {
        let content = line.strip_suffix('\r').unwrap_or(line);
        if content.len() != line.len() {
            find(index + 1, "line ends with CRLF");
        }
        if content.contains('\t') {
            find(index + 1, "tab");
        }
        if content.trim_end_matches(' ').len() != content.len() {
            find(index + 1, "trailing whitespace");
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        find(text.lines().count(), "no newline at the end");
    }
}

fn words(path: &str, text: &str, report: &mut Report) {
    for (index, line) in text.lines().enumerate() {
        for place in PLACES {
            if line.contains(place) {
                let line = index + 1;
                report
                    .findings
                    .push(format!("{path}:{line}: `{place}` is a place of one machine or registry"));
            }
        }
    }
}

fn rust(path: &str, text: &str, report: &mut Report) {
    let first = text.lines().next().unwrap_or_default();
    if !first.starts_with("//!") && !first.starts_with("#![doc") {
        report.findings.push(format!("{path}: does not begin with a `//!` line that says what it is"));
    }
    if is_room_page(path) {
        let docs = || text.lines().filter_map(|line| line.strip_prefix("//! "));
        for heading in ROOM_HEADINGS {
            if !docs().any(|line| line.starts_with(heading)) {
                report.findings.push(format!("{path}: a room's page says `{heading}`"));
            }
        }
    }
    let lines = text.lines().count();
    match lines {
        _ if lines > BUDGET.1 => {
            report.findings.push(format!("{path}: {lines} lines, the budget is {}", BUDGET.1));
        }
        _ if lines > BUDGET.0 => {
            report.warnings.push(format!("{path}: {lines} lines, more than {} are hard to hold", BUDGET.0));
        }
        _ => {}
    }
    let mut in_tests = path.starts_with("tests/");
    for (index, line) in text.lines().enumerate() {
        in_tests |= line.trim_start().starts_with("#[cfg(test)]");
        for marker in MARKERS {
            if contains_word(line, marker) {
                let marker = marker.trim_end_matches('(');
                report.findings.push(format!("{path}:{}: `{marker}` is unfinished work", index + 1));
            }
        }
        if in_tests && line.contains(SLEEP) {
            report.findings.push(format!("{path}:{}: `{SLEEP}` in a test; wait for the event", index + 1));
        }
        if let Some(name) = inline_module(line).filter(|name| BANNED_NAMES.contains(name)) {
            report.findings.push(format!("{path}:{}: `{name}` does not say what it holds", index + 1));
        }
    }
}

/// `src/room/mod.rs`; pages further down need no headings.
fn is_room_page(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["src", _, "mod.rs"])
}

/// The name of a module with a body; one without is a file, whose name is checked as such.
fn inline_module(line: &str) -> Option<&str> {
    let declaration = line.strip_suffix('{')?.trim();
    let (_, name) = declaration.split_once("mod ").filter(|(before, _)| !before.contains("//"))?;
    Some(name.trim())
}

/// Whether `word` stands in `line` and is no part of a longer word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let after = line[at + word.len()..].chars().next().filter(|_| word.ends_with(char::is_alphanumeric));
        !line[..at].chars().next_back().is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Files below [`USED_FOLDERS`] that no other file names by the path below that folder.
fn unused(files: &[Tracked], report: &mut Report) {
    for file in files {
        let Some(inside) = USED_FOLDERS.iter().find_map(|folder| file.path.strip_prefix(folder)) else {
            continue;
        };
        let mut others = files.iter().filter(|other| other.path != file.path);
        if !others.any(|other| other.text.as_ref().is_some_and(|text| text.contains(inside))) {
            report.findings.push(format!("{}: nothing refers to `{inside}`", file.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        let files = [Tracked { path: path.to_owned(), text: Some(text.to_owned()) }];
        assert_eq!(examine(&files).findings, expect);
    }

    #[test]
    fn rust_files_begin_with_what_they_are() {
        check("src/a.rs", "//! A.\n", &[]);
        check("src/lib.rs", "#![doc = include_str!(\"../X.md\")]\n", &[]);
        check("src/a.rs", "use x;\n", &["src/a.rs: does not begin with a `//!` line that says what it is"]);
        check(
            "src/a/mod.rs",
            "//! A.\n//! Owns: x.\n//! Must not know: y.\n//! Start reading at: x.\n",
            &["src/a/mod.rs: a room's page says `Invariants:`"],
        );
        check("src/a/b/mod.rs", "//! B.\n", &[]);
    }

    #[test]
    fn files_have_a_budget() {
        let lines = |count: usize| format!("//! A.\n{}", "\n".repeat(count - 1));
        check("src/a.rs", &lines(800), &[]);
        check("src/a.rs", &lines(801), &["src/a.rs: 801 lines, the budget is 800"]);
        let file = Tracked { path: "src/a.rs".to_owned(), text: Some(lines(401)) };
        let warnings = vec!["src/a.rs: 401 lines, more than 400 are hard to hold".to_owned()];
        assert_eq!(examine(&[file]), Report { findings: Vec::new(), warnings });
    }

    #[test]
    fn names_say_what_a_file_holds() {
        check("src/a/utils.rs", "//! A.\n", &["src/a/utils.rs: `utils` does not say what it holds"]);
        check("src/common/a.rs", "//! A.\n", &["src/common/a.rs: `common` does not say what it holds"]);
        check("src/uncommon.rs", "//! A.\n// mod helpers {\n", &[]);
        check(
            "src/a.rs",
            "//! A.\npub mod helpers {\n}\n",
            &["src/a.rs:2: `helpers` does not say what it holds"],
        );
    }

    #[test]
    fn layout_is_plain() {
        check("a.md", "x\n\ny  z\n", &[]);
        check("a.md", "x \n", &["a.md:1: trailing whitespace"]);
        check("a.md", "\tx\n", &["a.md:1: tab"]);
        check("a.md", "x\r\n", &["a.md:1: line ends with CRLF"]);
        check("a.md", "x\ny", &["a.md:2: no newline at the end"]);
        check("Cargo.lock", "\tx \r\n", &[]);
    }

    #[test]
    fn unfinished_work_and_places_are_found() {
        for marker in MARKERS {
            let named = marker.trim_end_matches('(');
            check(
                "src/a.rs",
                &format!("//! A.\n{marker}\n"),
                &[&format!("src/a.rs:2: `{named}` is unfinished work")],
            );
            check("src/a.rs", &format!("//! A.\nx{marker}\n"), &[]);
        }
        for place in PLACES {
            check(
                "a.md",
                &format!("see {place}x\n"),
                &[&format!("a.md:1: `{place}` is a place of one machine or registry")],
            );
        }
    }

    #[test]
    fn tests_do_not_sleep() {
        let sleep = format!("std::{SLEEP}(d);\n");
        check("src/a.rs", &format!("//! A.\n{sleep}"), &[]);
        let expect = format!("src/a.rs:3: `{SLEEP}` in a test; wait for the event");
        check("src/a.rs", &format!("//! A.\n#[cfg(test)]\n{sleep}"), &[&expect]);
        let expect = format!("tests/it/a.rs:2: `{SLEEP}` in a test; wait for the event");
        check("tests/it/a.rs", &format!("//! A.\n{sleep}"), &[&expect]);
    }

    #[test]
    fn what_lies_in_assets_is_used() {
        let file = |path: &str, text: &str| Tracked { path: path.to_owned(), text: Some(text.to_owned()) };
        let template = || file("templates/rules/cost.yml", "x: rules/cost.yml\n");
        let unused = ["templates/rules/cost.yml: nothing refers to `rules/cost.yml`"];
        assert_eq!(examine(&[template()]).findings, unused);
        let user = file("src/a.rs", "//! A.\ninclude_str!(\"../templates/rules/cost.yml\")\n");
        assert_eq!(examine(&[template(), user]), Report::default());
        let picture = || Tracked { path: "assets/a.png".to_owned(), text: None };
        assert_eq!(examine(&[picture()]).findings, ["assets/a.png: nothing refers to `a.png`"]);
        assert_eq!(examine(&[picture(), file("README.md", "assets/a.png\n")]), Report::default());
    }
}
