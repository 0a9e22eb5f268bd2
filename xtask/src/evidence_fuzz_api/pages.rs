//! Answers to scrapes made of other expositions.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
};

use flate2::{Compression, write::GzEncoder};

use super::{
    check_pages::RELABELLING,
    expositions::{HARD, NUMBERS, PARTS},
    mutate::bytes,
};
use crate::random::Random;

/// What a target says, scrape after scrape.
#[derive(Debug, Clone)]
pub(super) struct Pages {
    /// Which of the jobs' configurations.
    pub(super) job: usize,
    /// At least one.
    pub(super) answers: Vec<Answer>,
}

/// An answer as it came.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) content_type: String,
    pub(super) encoding: Option<&'static str>,
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content_type, encoding, body } = self;
        write!(f, "[{content_type:?} {encoding:?} \"{}\"]", body.escape_ascii())
    }
}

impl Pages {
    pub(super) fn len(&self) -> usize {
        self.answers.iter().map(|answer| answer.body.len()).sum()
    }
}

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const CONTENT_TYPES: [&str; 14] = [
    "",
    "text/plain",
    "text/plain;version=1.0.0;escaping=allow-utf-8",
    "TEXT/PLAIN;;;version=\"0.0.4",
    "application/openmetrics-text",
    "application/openmetrics-text; version=0.0.1",
    "application/openmetrics-text; version=\"2.0.0\"",
    "application/openmetrics-text;escaping=dots;version=1.0.0",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "text/html",
    "application/json;=;version",
    ";",
    "; version=",
    "é/ü;version=\u{fffd}",
];

const LONG: [usize; 5] = [65, 129, 300, 5_000, 70_000];

/// Some pages of one target; the last one is always a mutation.
pub(super) fn pages(random: &mut Random, corpus: &[String]) -> Pages {
    let mut lines = window(random, corpus);
    let mut answers = Vec::new();
    for _ in 0..random.below(3) {
        if random.chance(0.3) {
            mutate(&mut lines, random, corpus);
        }
        answers.push(answer(&lines, random, 0.1));
        if random.chance(0.1) {
            lines = window(random, corpus);
        }
    }
    mutate(&mut lines, random, corpus);
    answers.push(answer(&lines, random, 0.5));
    let job = if random.chance(0.04) { RELABELLING } else { random.below(RELABELLING) };
    Pages { job, answers }
}

/// Some lines that follow each other; now and then a whole page.
fn window(random: &mut Random, corpus: &[String]) -> Vec<String> {
    let lines: Vec<&str> = random.pick(corpus).lines().collect();
    let most = if random.chance(0.01) { lines.len() } else { 12 };
    let from = random.below(lines.len());
    let count = 1 + random.below(most.max(1));
    let mut lines: Vec<String> = lines.into_iter().skip(from).take(count).map(str::to_owned).collect();
    lines.retain(|line| line != "# EOF");
    lines
}

/// Puts lines together, as one format or the other, and damages the bytes in a share of the cases.
fn answer(lines: &[String], random: &mut Random, damage: f64) -> Answer {
    let mut body = lines.join("\n").into_bytes();
    let is_open = random.chance(0.5);
    if is_open && random.chance(0.95) {
        body.extend_from_slice(b"\n# EOF");
    }
    if random.chance(0.9) {
        body.push(b'\n');
    }
    if random.chance(damage) {
        bytes(&mut body, random);
    }
    let mut content_type = if is_open { OPEN_METRICS } else { TEXT }.to_owned();
    if random.chance(0.08) {
        (*random.pick(&CONTENT_TYPES)).clone_into(&mut content_type);
    }
    let encoding = match random.below(50) {
        0 => Some("gzip"),
        1 => Some("zstd"),
        2 => Some("gzip, br"),
        3..=6 => {
            body = packed(&body, random);
            Some("gzip")
        }
        _ => None,
    };
    Answer { content_type, encoding, body }
}

/// In gzip, whole or damaged, of one member or two.
fn packed(body: &[u8], random: &mut Random) -> Vec<u8> {
    let (first, second) = body.split_at(random.below(body.len() + 1));
    let parts = if random.chance(0.8) { [body, b""] } else { [first, second] };
    let mut packed = Vec::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let mut encoder = GzEncoder::new(packed, Compression::fast());
        encoder.write_all(part).expect("memory takes everything");
        packed = encoder.finish().expect("memory takes everything");
    }
    if random.chance(0.3) {
        bytes(&mut packed, random);
    }
    packed
}

fn mutate(lines: &mut Vec<String>, random: &mut Random, corpus: &[String]) {
    for _ in 0..=random.below(4) {
        if lines.is_empty() {
            lines.push((*random.pick(&HARD)).to_owned());
            continue;
        }
        let at = random.below(lines.len());
        match random.below(12) {
            0 => drop(lines.remove(at)),
            1 => {
                let to = random.below(lines.len());
                lines.insert(to, lines[at].clone());
            }
            2 => {
                let other = random.below(lines.len());
                lines.swap(at, other);
            }
            3 => lines.insert(at, (*random.pick(&HARD)).to_owned()),
            4 => {
                let other = window(random, corpus);
                lines.splice(at..at, other);
            }
            5 => {
                // Two lines become one.
                let joined = lines.remove(at);
                match lines.get_mut(at) {
                    Some(next) => next.insert_str(0, &joined),
                    None => lines.push(joined),
                }
            }
            6 => lines[at] = spliced(&lines[at], corpus, random),
            7 | 8 => lines[at] = part(&lines[at], &NUMBERS, random),
            9 => lines[at] = part(&lines[at], &PARTS, random),
            10 => lines[at] = added(&lines[at], random),
            _ => lines[at] = long(&lines[at], random),
        }
    }
}

/// Where words and signs begin and end.
fn borders(line: &str) -> Vec<usize> {
    let is_sign = |c: char| !c.is_alphanumeric() && c != '_';
    let mut borders = vec![0, line.len()];
    borders.extend(line.match_indices(is_sign).flat_map(|(at, sign)| [at, at + sign.len()]));
    borders.sort_unstable();
    borders.dedup();
    borders
}

/// A word or sign becomes another.
fn part(line: &str, by: &[&str], random: &mut Random) -> String {
    let by = random.pick(by);
    let borders = borders(line);
    let at = random.below(borders.len());
    let end = borders.get(at + random.below(3)).copied().unwrap_or(line.len());
    format!("{}{by}{}", &line[..borders[at]], &line[end..])
}

/// The head of a line and the tail of one of another page.
fn spliced(line: &str, corpus: &[String], random: &mut Random) -> String {
    let lines: Vec<&str> = random.pick(corpus).lines().collect();
    let other = random.pick(&lines);
    let (here, there) = (borders(line), borders(other));
    format!("{}{}", &line[..*random.pick(&here)], &other[*random.pick(&there)..])
}

/// A label, a time or an exemplar more.
fn added(line: &str, random: &mut Random) -> String {
    let (number, text) = (random.pick(&NUMBERS), random.pick(&PARTS));
    match random.below(6) {
        0 => format!("{line} {number}"),
        1 => format!("{line} # {{trace_id=\"{text}\"}} {number}"),
        2 => format!("{line} # {{a=\"{text}\",b=\"\"}} {number} {}", random.pick(&NUMBERS)),
        3 => line.replacen('{', &format!("{{{text}=\"{number}\","), 1),
        4 => line.replacen('}', &format!(",\"{text}\"=\"{number}\"}}"), 1),
        _ => format!("{line} 17500000{:02}", random.below(100)),
    }
}

/// A word, or labels, many times over.
fn long(line: &str, random: &mut Random) -> String {
    let times = if random.chance(0.9) { LONG[random.below(2)] } else { *random.pick(&LONG) };
    let borders = borders(line);
    let at = *random.pick(&borders);
    let (before, after) = line.split_at(at);
    if random.chance(0.3) {
        let mut labels = "{".to_owned();
        for index in 0..times.min(300) {
            // Writing to a string cannot fail.
            let _ = write!(labels, "l{index}=\"{index}\",");
        }
        return line.replacen('{', &labels, 1);
    }
    format!("{before}{}{after}", random.pick(&PARTS).repeat(times))
}
