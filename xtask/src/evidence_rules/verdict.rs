//! What promtool says of a file of tests.

use std::fmt::Write as _;

use super::ours::Said;
use crate::judge::Words;

/// Of one file.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) file: String,
    /// In promtool's words; what llmobs said would fail is none.
    pub(super) differences: Vec<String>,
    /// Complaints about nothing but the last digits of a number in a text.
    pub(super) last_digits: usize,
}

/// The verdicts on files, in the order in which promtool got them, with what llmobs said of each.
///
/// promtool names the files on one stream, with their success, and says on the other what is wrong with those that
/// have none, in the same order.
pub(super) fn verdicts(words: &Words, files: &[(String, Said)]) -> Vec<Verdict> {
    let mut failed = words.err.split(FAILED).skip(1);
    let verdict = |(file, said): &(String, Said)| {
        let differences = match succeeded(&words.out, file) {
            None => vec![format!("promtool does not speak of it: {}", words.err)],
            Some(true) => differences("", said),
            Some(false) => differences(failed.next().unwrap_or_default(), said),
        };
        let (excused, differences): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|part| is_of_last_digits(part));
        Verdict { file: file.clone(), differences, last_digits: excused.len() }
    };
    files.iter().map(verdict).collect()
}

const FAILED: &str = "  FAILED:\n";

/// Whether promtool names a file, and what it says next is that all is well.
fn succeeded(out: &str, file: &str) -> Option<bool> {
    let (_, after) = out.split_once(&format!(" {file}\n"))?;
    Some(after.trim_start().starts_with("SUCCESS"))
}

fn differences(complaints: &str, said: &Said) -> Vec<String> {
    let mut expected: Vec<String> = said
        .failures
        .iter()
        .map(|(rule, message)| format!("rule: {rule}, time: {}, err: {message}", duration(said.failed_at)))
        .collect();
    let mut found = Vec::new();
    for part in parts(complaints) {
        match expected.iter().position(|line| *line == part.trim()) {
            Some(place) => drop(expected.remove(place)),
            None => found.push(part),
        }
    }
    found.extend(expected.iter().map(|line| format!("promtool does not say: {line}")));
    found
}

/// The complaints, each of which begins at a depth of its own.
fn parts(complaints: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in complaints.lines() {
        let begins = line.starts_with("    ") && !line.starts_with("     ");
        match parts.last_mut() {
            Some(part) if !begins => {
                part.push('\n');
                part.push_str(line);
            }
            _ => parts.push(line.to_owned()),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Whether what is expected and what is got are the same, but for the last digits of numbers: the order in which a sum
/// is taken shows there.
fn is_of_last_digits(complaint: &str) -> bool {
    let Some((expected, got)) = complaint.split_once("\n        got:") else { return false };
    let Some((_, expected)) = expected.split_once("exp:") else { return false };
    let rounded = |text: &str| rounded(text.trim().trim_end_matches(','));
    rounded(expected) == rounded(got)
}

/// A text with twelve digits of each number that has more.
fn rounded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = &rest[..end];
        let long = number.contains('.') && number.len() > 14;
        match number.parse::<f64>() {
            // Writing to a string cannot fail.
            Ok(value) if long => drop(write!(out, "{value:.11e}")),
            _ => out.push_str(number),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// A time as Go writes a duration: `1h2m30s`.
fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "Processing test file: 0.yml\n  SUCCESS\n\nProcessing test file: 1.yml\nProcessing test file: \
        10.yml\n";
    const ERR: &str = "  FAILED:\n    alertname: A, time: 5m, \n        exp:[], \n        got:[\n            0:\n            \
        ]\n\n    rule: R, time: 1m0s, err: bad\n\n\n  FAILED:\n    rule: R, time: 1m0s, err: bad\n\n";

    #[test]
    fn complaints_are_told_apart() {
        let words = Words { out: OUT.to_owned(), err: ERR.to_owned() };
        let failing = || {
            let failures = vec![("R".to_owned(), "bad".to_owned())];
            Said { failures, failed_at: 60, ..Said::default() }
        };
        let judged = |said: [Said; 4]| {
            let names = ["0.yml", "1.yml", "10.yml", "2.yml"].map(str::to_owned);
            let files: Vec<_> = names.into_iter().zip(said).collect();
            let counts = verdicts(&words, &files);
            counts.into_iter().map(|verdict| verdict.differences.len()).collect::<Vec<_>>()
        };
        assert_eq!(judged([0; 4].map(|_| Said::default())), [0, 2, 1, 1]);
        assert_eq!(judged([0; 4].map(|_| failing())), [1, 1, 0, 1]);
    }

    #[test]
    fn last_digits_do_not_matter() {
        let complaint = |expected: &str, got: &str| {
            format!(
                "    alertname: A, time: 5m, \n        exp:[\n  {expected}\n   ], \n        got:[\n  {got}\n   ]"
            )
        };
        assert!(is_of_last_digits(&complaint("x 2.760381608763792 y", "x 2.760381608763794 y")));
        assert!(!is_of_last_digits(&complaint("x 2.760381608763792 y", "x 2.760381618763792 y")));
        assert!(!is_of_last_digits(&complaint("x 2.1 y", "x 2.2 y")));
        assert!(!is_of_last_digits("    rule: R, time: 1m0s, err: bad"));
    }

    #[test]
    fn durations_are_those_of_go() {
        let shown = [0, 30, 60, 3600, 3725].map(duration);
        assert_eq!(shown, ["0s", "30s", "1m0s", "1h0m0s", "1h2m5s"]);
    }
}
