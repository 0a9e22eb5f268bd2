//! Dependencies: licences from an allow-list, bans with reasons, and a budget.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Licences that ask for no more than attribution.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that must not come in, by any way, and why.
const BANNED: [(&str, &str); 3] = [
    ("openssl", "needs a system library; TLS, once needed, is rustls"),
    ("openssl-sys", "needs a system library; TLS, once needed, is rustls"),
    ("native-tls", "differs from one system to the next; TLS, once needed, is rustls"),
];

/// Direct dependencies of all workspace members together, development and build ones included.
const DIRECT_BUDGET: usize = 40;

pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("`cargo metadata` is no JSON")?;
    let findings = findings(&metadata);
    for finding in &findings {
        println!("{finding}");
    }
    let (crates, direct) = (crates(&metadata).count(), direct(&metadata).len());
    println!("licences: {} findings; {crates} crates, {direct} of them direct", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in crates(metadata) {
        let (name, version) = (text(package, "name"), text(package, "version"));
        match package["license"].as_str().map(|licence| (licence, is_allowed(licence))) {
            None => found.push(format!("{name} {version}: names no licence")),
            Some((licence, Err(why))) => found.push(format!("{name} {version}: licence `{licence}`: {why}")),
            Some((licence, Ok(false))) => {
                found.push(format!("{name} {version}: licence `{licence}` is not on the allow-list"));
            }
            Some((_, Ok(true))) => {}
        }
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            found.push(format!("{name} {version}: is banned: {why}"));
        }
    }
    let direct = direct(metadata).len();
    if direct > DIRECT_BUDGET {
        found.push(format!("{direct} direct dependencies, the budget is {DIRECT_BUDGET}"));
    }
    found
}

/// Every package of the graph that is not ours. Cargo lists those of all platforms and of all kinds.
fn crates(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages").filter(|package| !package["source"].is_null())
}

fn direct(metadata: &Value) -> BTreeSet<&str> {
    list(metadata, "packages")
        .filter(|package| package["source"].is_null())
        .flat_map(|member| list(member, "dependencies"))
        .filter(|dependency| !dependency["source"].is_null())
        .map(|dependency| text(dependency, "name"))
        .collect()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether the allow-list satisfies an SPDX expression (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>).
/// The slash of old crates means `OR`.
fn is_allowed(expression: &str) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { words: spaced.split_whitespace().collect(), at: 0 };
    let allowed = words.either()?;
    match words.peek() {
        None => Ok(allowed),
        Some(word) => Err(format!("`{word}` is unexpected")),
    }
}

struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        self.at += usize::from(there);
        there
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut allowed = self.both()?;
        while self.take("OR") {
            allowed |= self.both()?;
        }
        Ok(allowed)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut allowed = self.one()?;
        while self.take("AND") {
            allowed &= self.one()?;
        }
        Ok(allowed)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let allowed = self.either()?;
            return if self.take(")") { Ok(allowed) } else { Err("a parenthesis stays open".to_owned()) };
        }
        let name = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok(ALLOWED.contains(&format!("{name} WITH {exception}").as_str()));
        }
        Ok(ALLOWED.contains(&name))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            None => Err("it ends where a licence should stand".to_owned()),
            Some(word @ ("OR" | "AND" | "WITH" | "(" | ")")) => {
                Err(format!("`{word}` stands where a licence should"))
            }
            Some(name) => {
                self.at += 1;
                Ok(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expression: &str, expect: Result<bool, &str>) {
        assert_eq!(is_allowed(expression), expect.map_err(str::to_owned), "{expression}");
    }

    #[test]
    fn licence_expressions_are_understood() {
        check("MIT", Ok(true));
        check("MIT OR Apache-2.0", Ok(true));
        check("MIT/Apache-2.0", Ok(true));
        check("GPL-3.0-only", Ok(false));
        check("MIT OR GPL-3.0-only", Ok(true));
        check("MIT AND GPL-3.0-only", Ok(false));
        check("(MIT OR Apache-2.0) AND Unicode-3.0", Ok(true));
        check("GPL-3.0-only AND MIT OR MIT", Ok(true));
        check("GPL-3.0-only AND (MIT OR MIT)", Ok(false));
        check("Apache-2.0 WITH LLVM-exception OR MPL-2.0", Ok(true));
        check("GPL-2.0-only WITH Classpath-exception-2.0", Ok(false));
        check("", Err("it ends where a licence should stand"));
        check("MIT OR", Err("it ends where a licence should stand"));
        check("(MIT", Err("a parenthesis stays open"));
        check("MIT Apache-2.0", Err("`Apache-2.0` is unexpected"));
        check("OR MIT", Err("`OR` stands where a licence should"));
    }

    #[test]
    fn licences_bans_and_the_budget_are_held() {
        let krate = |name: &str, licence: Option<&str>| json!({"name": name, "version": "1.0.0", "source": "registry", "license": licence});
        let many: Vec<Value> =
            (0..41).map(|n| json!({"name": format!("d{n}"), "source": "registry"})).collect();
        let own = json!({"name": "own", "source": null, "license": "none of it", "dependencies": many});
        let packages = [
            own,
            krate("good", Some("MIT")),
            krate("bare", None),
            krate("copyleft", Some("AGPL-3.0-only")),
            krate("native-tls", Some("MIT")),
        ];
        assert_eq!(
            findings(&json!({"packages": packages})),
            [
                "bare 1.0.0: names no licence",
                "copyleft 1.0.0: licence `AGPL-3.0-only` is not on the allow-list",
                "native-tls 1.0.0: is banned: differs from one system to the next; TLS, once needed, is rustls",
                "41 direct dependencies, the budget is 40",
            ]
        );
    }
}
