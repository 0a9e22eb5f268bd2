//! The table of rooms in ARCHITECTURE.md is law: this test reads it and holds every source file to it.
//!
//! Files are lexed, so comments and strings do not count. A path built by a macro is not seen; we write none.

#![expect(
    clippy::disallowed_methods,
    reason = "the test reads the page and the sources of the repository itself"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Open to every row below them, whatever that row names.
const OPEN: [&str; 4] = ["text", "time", "diagnostic", "series"];

/// A row of the table: which rooms it may use and which crates are its own.
#[derive(Debug)]
struct Row {
    room: String,
    uses: Vec<String>,
    crates: Vec<String>,
}

/// A name that a file uses: the first segment of a path below the crate root, or a foreign crate.
#[derive(Debug)]
struct Use {
    line: usize,
    name: String,
}

/// What a source file uses, as far as the law is concerned.
#[derive(Debug, Default)]
struct Uses {
    rooms: Vec<Use>,
    crates: Vec<Use>,
    /// Lines with `super::super`.
    grandparents: Vec<usize>,
}

/// Every breach of the law: of the table by itself, then of the table by the files.
///
/// `files` are paths as `src/room/file.rs` with their text. Rooms without a module are [`rows_without_module`].
fn breaches(page: &str, files: &[(String, String)]) -> Vec<String> {
    let rows = rows(page);
    let mut found = table_breaches(&rows);
    let reserved: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.crates.iter().map(String::as_str)).collect();
    for room in modules(files) {
        if !rows.iter().any(|row| row.room == room) {
            found.push(format!("ARCHITECTURE.md: module \"{room}\" has no row"));
        }
    }
    for (path, text) in files {
        let Some(room) = room_of(path) else { continue };
        let Ok(tokens) = text.parse::<TokenStream>() else {
            found.push(format!("{path}: is not Rust"));
            continue;
        };
        let mut uses = Uses::default();
        collect(tokens, depth_of(path), &reserved, &mut uses);
        for line in uses.grandparents {
            found.push(format!("{path}:{line}: `super::super` hides where a path leads; write `crate::`"));
        }
        let Some(index) = rows.iter().position(|row| row.room == room) else { continue };
        let allowed = allowed(&rows, index);
        for used in uses.rooms {
            if !allowed.contains(used.name.as_str()) {
                found.push(format!("{path}:{}: \"{room}\" must not use \"{}\"", used.line, used.name));
            }
        }
        for used in uses.crates {
            if !rows[index].crates.contains(&used.name) {
                found.push(format!("{path}:{}: crate `{}` is not for \"{room}\"", used.line, used.name));
            }
        }
    }
    found
}

/// Rows of the first table that no module answers to.
fn rows_without_module(page: &str, files: &[(String, String)]) -> Vec<String> {
    let modules = modules(files);
    rows(page)
        .into_iter()
        .filter(|row| !modules.contains(row.room.as_str()))
        .map(|row| format!("ARCHITECTURE.md: row \"{}\" has no module", row.room))
        .collect()
}

/// The rows of the first table under the heading `Rooms`; the one of what comes later is not read.
fn rows(page: &str) -> Vec<Row> {
    page.lines()
        .skip_while(|line| line.trim() != "## Rooms")
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let room = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
            let words = |index: usize| {
                let cell = cells.get(index).copied().unwrap_or_default();
                let words = cell.split_whitespace().map(|word| word.trim_matches('`'));
                words.filter(|word| *word != "–").map(str::to_owned).collect()
            };
            Some(Row { room: room.to_owned(), uses: words(2), crates: words(3) })
        })
        .collect()
}

fn table_breaches(rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    if rows.is_empty() {
        found.push("ARCHITECTURE.md: no table under `## Rooms`".to_owned());
    }
    for (index, row) in rows.iter().enumerate() {
        if rows[..index].iter().any(|above| above.room == row.room) {
            found.push(format!("ARCHITECTURE.md: \"{}\" has two rows", row.room));
        }
        for used in row.uses.iter().filter(|used| *used != "all") {
            if !rows[..index].iter().any(|above| above.room == *used) {
                found.push(format!(
                    "ARCHITECTURE.md: \"{}\" names \"{used}\", which is no row above it",
                    row.room
                ));
            }
        }
    }
    found
}

fn allowed(rows: &[Row], index: usize) -> BTreeSet<&str> {
    let row = &rows[index];
    let all = row.uses.iter().any(|used| used == "all");
    let above = rows[..index].iter().map(|above| above.room.as_str());
    above
        .filter(|room| all || OPEN.contains(room) || row.uses.iter().any(|used| used == room))
        .chain([row.room.as_str()])
        .collect()
}

/// The room of `src/room.rs` or `src/room/…`; none for `lib.rs` and `main.rs`, which wire everything.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let room = inside.split('/').next()?;
    match room.strip_suffix(".rs") {
        Some("lib" | "main") => None,
        Some(room) => Some(room),
        None => Some(room),
    }
}

fn modules(files: &[(String, String)]) -> BTreeSet<&str> {
    files.iter().filter_map(|(path, _)| room_of(path)).collect()
}

/// How many modules a file lies below the crate root: 1 for a room's own file.
fn depth_of(path: &str) -> usize {
    let parts = path.trim_start_matches("src/").split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

fn collect(tokens: TokenStream, depth: usize, reserved: &BTreeSet<&str>, uses: &mut Uses) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) => {
                let (name, line) = (ident.to_string(), ident.span().start().line);
                let follows_path = at >= 3 && path_separator(&tokens, at - 2) && touch(&tokens, at - 3);
                let leads_path = path_separator(&tokens, at + 1);
                match name.as_str() {
                    "crate" if leads_path => uses.rooms.extend(first_segments(&tokens, at + 3)),
                    "super" if leads_path => {
                        if matches!(tokens.get(at + 3), Some(TokenTree::Ident(next)) if next == "super") {
                            uses.grandparents.push(line);
                        }
                        if depth == 1 {
                            uses.rooms.extend(first_segments(&tokens, at + 3));
                        }
                    }
                    _ if reserved.contains(name.as_str()) && !follows_path => {
                        let imported =
                            at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "use");
                        if leads_path || imported {
                            uses.crates.push(Use { line, name });
                        }
                    }
                    _ => {}
                }
            }
            TokenTree::Group(group) => {
                let is_module = group.delimiter() == Delimiter::Brace
                    && at >= 2
                    && matches!(&tokens[at - 2], TokenTree::Ident(word) if word == "mod");
                collect(group.stream(), depth + usize::from(is_module), reserved, uses);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The first segments after `crate ::`: the next identifier, or the head of each entry of `{a, b::c}`.
fn first_segments(tokens: &[TokenTree], at: usize) -> Vec<Use> {
    let segment = |token: &TokenTree| Use { line: token.span().start().line, name: token.to_string() };
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let mut heads = Vec::new();
            let mut at_head = true;
            for token in group.stream() {
                let is_comma = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
                if at_head && !is_comma {
                    heads.push(segment(&token));
                }
                at_head = is_comma;
            }
            heads
        }
        Some(token) => vec![segment(token)],
        None => Vec::new(),
    }
}

fn path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |index: usize| matches!(tokens.get(index), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Whether an identifier stands right before the next token: `a::` is a path, `use ::` is a keyword and a path.
fn touch(tokens: &[TokenTree], at: usize) -> bool {
    matches!(&tokens[at], TokenTree::Ident(ident) if ident.span().end() == tokens[at + 1].span().start())
}

fn sources(root: &Path) -> Vec<(String, String)> {
    let mut files = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is text");
                let name = path.strip_prefix(root).expect("it was found below the root");
                files.insert(name.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    files.into_iter().collect()
}

fn repository() -> (String, Vec<(String, String)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the page is there");
    (page, sources(root))
}

#[test]
fn the_sources_keep_the_law() {
    let (page, files) = repository();
    assert_eq!(breaches(&page, &files), Vec::<String>::new());
}

#[test]
fn every_row_has_a_module() {
    let (page, files) = repository();
    assert_eq!(rows_without_module(&page, &files), Vec::<String>::new());
}

const PAGE: &str = "\
# Architecture

| no | table | of | rooms |
|---|---|---|---|

## Rooms

| room | owns | may use | crates of its own |
|---|---|---|---|
| `text` | positions | – | |
| `series` | labels | text | |
| `docker` | the engine | – | bollard tar |
| `stack` | plans | docker | |
| `cli` | flags | – | clap |
| `commands` | verbs | all | anyhow tar |

| room | will own |
|---|---|
| `lint` | checks |
";

#[track_caller]
fn check(path: &str, text: &str, expect: &[&str]) {
    assert_eq!(breaches(PAGE, &[(path.to_owned(), text.to_owned())]), expect);
}

#[test]
fn rooms_use_what_their_row_names_and_no_more() {
    check("src/stack/plan.rs", "use crate::docker::Engine;", &[]);
    check("src/stack/plan.rs", "use crate::{text::Span, stack::Plan, series};", &[]);
    check("src/commands/up.rs", "use crate::{cli::Up, stack::{Plan, Step}};", &[]);
    check("src/lib.rs", "pub use crate::cli::Up;", &[]);
    check("src/main.rs", "fn main() { clap::run(crate::cli::x()) }", &[]);
    let from_cli = "src/stack/plan.rs:1: \"stack\" must not use \"cli\"";
    check("src/stack/plan.rs", "use crate::cli::Up;", &[from_cli]);
    check(
        "src/stack.rs",
        "use crate::{docker, cli::Up};",
        &["src/stack.rs:1: \"stack\" must not use \"cli\""],
    );
    check("src/stack/plan.rs", "fn f() { let x = [crate::cli::new()]; }", &[from_cli]);
    check("src/stack/plan.rs", "use {crate::cli::Up, std::fmt};", &[from_cli]);
    check("src/stack/plan.rs", "#[cfg(test)] mod tests { use crate::cli::Up; }", &[from_cli]);
    check(
        "src/text/a.rs",
        "\n\nuse crate::series::L;",
        &["src/text/a.rs:3: \"text\" must not use \"series\""],
    );
    check("src/docker/a.rs", "use crate::*;", &["src/docker/a.rs:1: \"docker\" must not use \"*\""]);
}

#[test]
fn comments_and_strings_do_not_count() {
    check("src/stack/plan.rs", "//! crate::cli\n/* crate::cli */ const X: &str = \"crate::cli\";", &[]);
    check("src/stack/plan.rs", "/// See [`crate::cli`] and bollard::Docker.\npub(crate) struct X;", &[]);
}

#[test]
fn crates_are_used_where_their_row_is() {
    check("src/docker/a.rs", "use bollard::Docker; use tar::Builder;", &[]);
    check("src/commands/a.rs", "use tar::Builder;", &[]);
    check("src/stack/a.rs", "use crate::docker::tar::Entry; fn f() { docker.tar(); let tar = 1; }", &[]);
    check("src/stack/a.rs", "use tar::Builder;", &["src/stack/a.rs:1: crate `tar` is not for \"stack\""]);
    check("src/stack/a.rs", "use ::tar::Builder;", &["src/stack/a.rs:1: crate `tar` is not for \"stack\""]);
    check("src/stack/a.rs", "use bollard as b;", &["src/stack/a.rs:1: crate `bollard` is not for \"stack\""]);
    check(
        "src/commands/a.rs",
        "#[derive(clap::Args)] struct A;",
        &["src/commands/a.rs:1: crate `clap` is not for \"commands\""],
    );
}

#[test]
fn super_does_not_lead_around_the_law() {
    check("src/stack/plan.rs", "use super::Desired; mod tests { use super::*; }", &[]);
    check("src/stack/mod.rs", "mod tests { use super::Plan; }", &[]);
    check("src/stack/mod.rs", "use super::cli::Up;", &["src/stack/mod.rs:1: \"stack\" must not use \"cli\""]);
    check(
        "src/stack/plan.rs",
        "use super::super::docker;",
        &["src/stack/plan.rs:1: `super::super` hides where a path leads; write `crate::`"],
    );
}

#[test]
fn modules_need_rows_and_rows_name_only_rows_above() {
    check("src/lint/a.rs", "", &["ARCHITECTURE.md: module \"lint\" has no row"]);
    check("src/stack/a.rs", "fn f( {", &["src/stack/a.rs: is not Rust"]);
    let of_table = |rows: &str| breaches(&format!("## Rooms\n\n{rows}"), &[]);
    assert_eq!(
        of_table("| `a` | x | b | |\n| `b` | x | – | |\n| `b` | x | b c | |"),
        [
            "ARCHITECTURE.md: \"a\" names \"b\", which is no row above it",
            "ARCHITECTURE.md: \"b\" has two rows",
            "ARCHITECTURE.md: \"b\" names \"c\", which is no row above it",
        ]
    );
    assert_eq!(of_table(""), ["ARCHITECTURE.md: no table under `## Rooms`"]);
    let files = ["text", "series", "docker", "cli", "commands"];
    let files = files.map(|room| (format!("src/{room}/mod.rs"), String::new()));
    assert_eq!(rows_without_module(PAGE, &files), ["ARCHITECTURE.md: row \"stack\" has no module"]);
}
