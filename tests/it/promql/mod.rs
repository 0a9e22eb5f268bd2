//! The language and its evaluation.

#![expect(clippy::disallowed_methods, reason = "tests look at files themselves")]

mod corpus;
mod parse;
mod rendered;
mod script;

use std::{env, fs, path::PathBuf};

/// Scripts of our own, and those of the folder that `LLMOBS_PROMQL_SCRIPTS` names.
#[test]
fn scripts_give_what_they_expect() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/promql")];
    folders.extend(env::var_os("LLMOBS_PROMQL_SCRIPTS").map(PathBuf::from));
    let mut failed = Vec::new();
    let mut passed = 0;
    for folder in folders {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "test"));
        files.sort();
        for file in files {
            let outcome = script::run(&file);
            println!(
                "{}: {} passed, {} failed, {} with native histograms",
                file.display(),
                outcome.passed,
                outcome.failed.len(),
                outcome.skipped
            );
            passed += outcome.passed;
            failed.extend(outcome.failed);
        }
    }
    assert!(failed.is_empty(), "{passed} passed, {} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(passed > 0, "no script was found");
}

/// Every deviation from Prometheus is shown by a script on the page that lists them.
#[test]
fn deviations_are_as_the_page_says() {
    let page = include_str!("../../../src/promql/COMPATIBILITY.md");
    let deviations: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(!deviations.is_empty(), "the page lists nothing");
    for deviation in deviations {
        let title = deviation.lines().next().unwrap_or_default();
        let scripts: Vec<&str> = deviation.split("```").skip(1).step_by(2).collect();
        assert!(!scripts.is_empty(), "`{title}` shows nothing");
        for script in scripts {
            let script = script.trim_start_matches("text\n");
            let outcome = script::run_text(title, script);
            assert!(outcome.failed.is_empty(), "{}", outcome.failed.join("\n"));
            assert!(outcome.passed > 0 && outcome.skipped == 0, "`{title}` expects nothing");
        }
    }
}
