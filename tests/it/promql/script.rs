//! Scripts that load series and hold answers against what is expected, in the language of Prometheus' own tests:
//! `load STEP`, `clear`, `eval instant at T EXPR`, `eval range from A to B step S EXPR`, with `expect …` and series below.

#![expect(clippy::disallowed_methods, reason = "tests look at files themselves")]

use std::{fmt::Write as _, fs, path::Path};

use llmobs::{
    formats::notation,
    promql::{
        eval::{self, Answer, Evaluated, Grid, Level},
        syntax,
    },
    series::{AppendError, Columns, Labels, is_stale},
    time::{PromDuration, Timestamp},
};
use regex::Regex;

/// What came of a script.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    /// Each with its line and what is wrong.
    pub(crate) failed: Vec<String>,
    /// Evaluations over native histograms, which are not supported.
    pub(crate) skipped: usize,
}

struct Eval<'a> {
    line: usize,
    /// As written behind `eval`.
    head: &'a str,
    body: Vec<&'a str>,
}

/// When an expression is asked.
#[derive(Clone, Copy)]
enum When {
    Instant(Timestamp),
    Range { start: Timestamp, end: Timestamp, step: i64 },
}

impl When {
    fn instants(self) -> Vec<i64> {
        match self {
            Self::Instant(at) => vec![at.0],
            Self::Range { start, end, step } => Grid::range(start, end, step).instants().collect(),
        }
    }
}

/// Runs a script file.
pub(crate) fn run(path: &Path) -> Outcome {
    run_text(&path.display().to_string(), &fs::read_to_string(path).unwrap())
}

/// Runs a script that messages call by `name`.
pub(crate) fn run_text(name: &str, text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut data = Columns::new();
    let mut has_histograms = false;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut body = Vec::new();
        while let Some((_, next)) = lines.peek() {
            let is_command = ["load", "clear", "eval"].iter().any(|word| next.starts_with(word));
            if next.is_empty() || is_command {
                break;
            }
            if !next.starts_with('#') {
                body.push(*next);
            }
            lines.next();
        }
        if line == "clear" {
            (data, has_histograms) = (Columns::new(), false);
        } else if let Some(step) = line.strip_prefix("load ") {
            for series in body {
                has_histograms |= load(&mut data, step, series);
            }
        } else if let Some(step) = line.strip_prefix("load_with_nhcb ") {
            has_histograms = true;
            for series in body {
                load(&mut data, step, series);
            }
        } else if let Some(head) = line.strip_prefix("eval") {
            let eval = Eval { line: number, head, body };
            if eval.body.iter().any(|line| line.contains("{{")) || eval.head.contains("{{") {
                outcome.skipped += 1;
                continue;
            }
            match check(&data, &eval).and_then(|()| steps_agree(&data, &eval)) {
                Ok(()) => outcome.passed += 1,
                Err(_) if has_histograms => outcome.skipped += 1,
                Err(wrong) => {
                    let head = eval.head.trim();
                    outcome.failed.push(format!("{name}:{}: {head}\n    {wrong}", eval.line));
                }
            }
        } else {
            outcome.failed.push(format!("{name}:{number}: unknown command `{line}`"));
        }
    }
    outcome
}

/// Whether the series has native histograms, which are left out.
fn load(data: &mut Columns, step: &str, line: &str) -> bool {
    let step = duration(step);
    let Ok((metric, values)) = notation::series(line) else {
        assert!(line.contains("{{"), "`{line}` is no series");
        return true;
    };
    let id = data.series(&metric.labels());
    for (index, value) in (0_i64..).zip(values.iter()) {
        let appended = value.map_or(Ok(()), |value| data.append(id, Timestamp(index * step), value));
        // What is loaded again stays as it is.
        assert!(matches!(appended, Ok(()) | Err(AppendError::Duplicate { .. })), "{appended:?}");
    }
    false
}

fn duration(text: &str) -> i64 {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "the scripts' times are small")]
        return (seconds * 1000.0).round() as i64;
    }
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    sign * text.parse::<PromDuration>().unwrap_or_else(|error| panic!("{error}")).as_millis().cast_signed()
}

fn parse_head(head: &str) -> (Option<&str>, When, String) {
    let (kind, rest) = match head.strip_prefix('_') {
        Some(rest) => {
            let (kind, rest) = rest.split_once(' ').unwrap();
            (Some(kind), rest.trim())
        }
        None => (None, head.trim()),
    };
    if let Some(rest) = rest.strip_prefix("instant ") {
        let (at, expr) = match rest.trim().strip_prefix("at ") {
            Some(rest) => rest.trim().split_once([' ', '\t']).unwrap(),
            None => ("0", rest),
        };
        return (kind, When::Instant(Timestamp(duration(at))), expr.trim().to_owned());
    }
    let pattern = Regex::new(r"^range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$").unwrap();
    let found = pattern.captures(rest).unwrap_or_else(|| panic!("`{rest}`"));
    let when = When::Range {
        start: Timestamp(duration(&found[1])),
        end: Timestamp(duration(&found[2])),
        step: duration(&found[3]),
    };
    (kind, when, found[4].to_owned())
}

fn evaluate(data: &Columns, when: When, expr: &str) -> Result<Evaluated, String> {
    let parsed = syntax::parse(expr, &syntax::Options { experimental: true, variables: false })
        .map_err(|errors| errors.to_string())?;
    let options = eval::Options::default();
    match when {
        When::Instant(at) => eval::instant(&parsed, data, at, &options),
        When::Range { start, end, step } => eval::range(&parsed, data, start, end, step, &options),
    }
    .map_err(|error| error.to_string())
}

fn check(data: &Columns, eval: &Eval<'_>) -> Result<(), String> {
    let (kind, when, expr) = parse_head(eval.head);
    let answer = evaluate(data, when, &expr);
    let (expects, series): (Vec<&str>, Vec<&str>) =
        eval.body.iter().copied().partition(|line| line.starts_with("expect"));
    let fails = kind == Some("fail") || expects.iter().any(|line| line.starts_with("expect fail"));
    let answer = match (answer, fails) {
        (Err(error), true) => return expected_text(&expects, "fail", &[error], eval),
        (Err(error), false) => return Err(format!("failed: {error}")),
        (Ok(answer), true) => return Err(format!("succeeded: {:?}", answer.answer)),
        (Ok(answer), false) => answer,
    };
    for (word, level) in [("warn", Level::Warning), ("info", Level::Info)] {
        let name = if word == "warn" { "warning" } else { "info" };
        let said: Vec<String> = answer
            .annotations
            .iter()
            .filter(|annotation| annotation.level == level)
            .map(|annotation| format!("PromQL {name}: {}", annotation.message))
            .collect();
        if expects.contains(&format!("expect no_{word}").as_str()) && !said.is_empty() {
            return Err(format!("said {said:?}"));
        }
        expected_text(&expects, word, &said, eval)?;
    }
    let ordered = kind == Some("ordered") || expects.contains(&"expect ordered");
    if let Some(text) = expects.iter().find_map(|line| line.strip_prefix("expect string ")) {
        let text = text.trim_matches(['"', '`']);
        return if answer.answer == Answer::String(text.to_owned()) {
            Ok(())
        } else {
            Err(format!("{:?} instead of `{text}`", answer.answer))
        };
    }
    let got = rows(&answer);
    let mut want = expected_rows(&series, when, &expects)?;
    if let Some(scalar) =
        series.first().and_then(|line| line.parse::<f64>().ok()).filter(|_| series.len() == 1)
    {
        want = vec![(Labels::default(), when.instants().into_iter().map(|at| (at, scalar)).collect())];
    }
    compare(got, want, ordered)
}

/// Whether a range query answers at each of its steps, bit for bit, what an instant query answers there.
fn steps_agree(data: &Columns, eval: &Eval<'_>) -> Result<(), String> {
    let (_, when, expr) = parse_head(eval.head);
    let of_the_query = Regex::new(r"(?i)\b(start|end|range|step)\s*\(").unwrap();
    if of_the_query.is_match(&expr) {
        return Ok(());
    }
    let (start, end, step) = match when {
        When::Instant(at) => (Timestamp(at.0 - 61_000), at, 30_500),
        When::Range { start, end, step } => (start, end, step),
    };
    let Ok(ranged) = evaluate(data, When::Range { start, end, step }, &expr) else { return Ok(()) };
    let bits = |rows: Vec<Row>, at: i64| {
        let mut rows: Vec<(Labels, u64)> = rows
            .into_iter()
            .filter_map(|(labels, samples)| {
                let (_, value) = samples.into_iter().find(|(time, _)| *time == at)?;
                Some((labels, if value.is_nan() { f64::NAN } else { value }.to_bits()))
            })
            .collect();
        rows.sort();
        rows
    };
    for at in ranged.grid.instants() {
        let instant = evaluate(data, When::Instant(Timestamp(at)), &expr)?;
        let (range, instant) = (bits(rows(&ranged), at), bits(rows(&instant), at));
        if range != instant {
            return Err(format!("at {at} ms the range has {range:?}, the instant {instant:?}"));
        }
    }
    Ok(())
}

fn expected_text(expects: &[&str], word: &str, said: &[String], eval: &Eval<'_>) -> Result<(), String> {
    let prefix = format!("expect {word}");
    let wanted: Vec<&str> = expects.iter().filter_map(|line| line.strip_prefix(prefix.as_str())).collect();
    let legacy = eval.head.starts_with(&format!("_{word}"));
    if (legacy || !wanted.is_empty()) && said.is_empty() {
        return Err(format!("said no {word}"));
    }
    let place = Regex::new(r" \(\d+:\d+\)$").unwrap();
    let escaped_place = Regex::new(r" \\\(\d+:\d+\\\)").unwrap();
    for want in wanted {
        let want = want.trim();
        let found = if let Some(text) = want.strip_prefix("msg:") {
            let text = text.trim();
            said.iter().any(|said| said == text || *said == place.replace(text, ""))
        } else if let Some(pattern) = want.strip_prefix("regex:") {
            let pattern = pattern.trim().replace(r" \([0-9]+:[0-9]+\)", "");
            let pattern = Regex::new(&escaped_place.replace(&pattern, "")).unwrap();
            said.iter().any(|said| pattern.is_match(said))
        } else {
            true
        };
        if !found {
            return Err(format!("said {said:?}, not `{want}`"));
        }
    }
    Ok(())
}

type Row = (Labels, Vec<(i64, f64)>);

fn rows(answer: &Evaluated) -> Vec<Row> {
    let at: Vec<i64> = answer.grid.instants().collect();
    let row = |values: &[f64]| {
        at.iter().copied().zip(values.iter().copied()).filter(|(_, value)| !is_stale(*value)).collect()
    };
    match &answer.answer {
        Answer::Scalar(values) => vec![(Labels::default(), row(values))],
        Answer::String(_) => Vec::new(),
        Answer::Vector(block) => block.rows().map(|(labels, values)| (labels.clone(), row(values))).collect(),
        Answer::Range(series) => series
            .iter()
            .map(|series| {
                let samples = series.times.iter().map(|time| time.0).zip(series.values.iter().copied());
                (series.labels.clone(), samples.collect())
            })
            .collect(),
    }
}

fn expected_rows(series: &[&str], when: When, expects: &[&str]) -> Result<Vec<Row>, String> {
    let range = expects.iter().find_map(|line| line.strip_prefix("expect range vector from "));
    let instants = match range {
        Some(range) => {
            let words: Vec<&str> = range.split_ascii_whitespace().collect();
            When::Range {
                start: Timestamp(duration(words[0])),
                end: Timestamp(duration(words[2])),
                step: duration(words[4]),
            }
            .instants()
        }
        None => when.instants(),
    };
    let mut rows = Vec::new();
    for line in series {
        if line.parse::<f64>().is_ok() {
            continue;
        }
        let (metric, values) = notation::series(line).map_err(|error| format!("`{line}`: {error:?}"))?;
        let samples = instants.iter().copied().zip(values.iter());
        let samples = samples.filter_map(|(at, value)| Some((at, value.filter(|value| !is_stale(*value))?)));
        rows.push((metric.labels(), samples.collect()));
    }
    Ok(rows)
}

fn compare(mut got: Vec<Row>, mut want: Vec<Row>, ordered: bool) -> Result<(), String> {
    if !ordered {
        got.sort_by(|a, b| a.0.cmp(&b.0));
        want.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let same = got.len() == want.len()
        && got.iter().zip(&want).all(|(got, want)| {
            got.0 == want.0
                && got.1.len() == want.1.len()
                && got.1.iter().zip(&want.1).all(|(a, b)| a.0 == b.0 && nearly(a.1, b.1))
        });
    if same {
        return Ok(());
    }
    let mut text = String::new();
    for (name, rows) in [("got", got), ("want", want)] {
        for (labels, samples) in rows {
            write!(text, "\n      {name:4} {labels} {samples:?}").unwrap();
        }
    }
    Err(text)
}

/// Equal to a millionth of the greater.
fn nearly(a: f64, b: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    #[expect(clippy::float_cmp, reason = "infinities are equal or not")]
    let same = a == b;
    same || (a - b).abs() <= 1e-6 * (a.abs() + b.abs()).max(f64::MIN_POSITIVE)
}
