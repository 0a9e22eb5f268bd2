//! The values of a series, as runs that are unrolled when they are read.

use crate::{
    promql::syntax::{self, ExprKind, Options},
    series::STALE,
    text::Span,
};

use super::Mistake;

/// Values at a steady pace; `None` is a gap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values(Vec<Run>);

/// Values that are written as one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    /// `None` for a gap.
    start: Option<f64>,
    /// What each value is above the one before it; absent where all are the same.
    delta: Option<f64>,
    count: u64,
}

impl Values {
    /// How many instants they cover, gaps included.
    pub fn len(&self) -> u64 {
        self.0.iter().fold(0, |sum, run| sum.saturating_add(run.count))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values one by one. A rising run is a sum of its steps, with the rounding that this brings, as in
    /// Prometheus.
    pub fn iter(&self) -> Iter<'_> {
        Iter { runs: self.0.iter(), run: Run { start: None, delta: None, count: 0 } }
    }
}

impl<'a> IntoIterator for &'a Values {
    type Item = Option<f64>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// See [`Values::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    runs: std::slice::Iter<'a, Run>,
    run: Run,
}

impl Iterator for Iter<'_> {
    type Item = Option<f64>;

    fn next(&mut self) -> Option<Option<f64>> {
        while self.run.count == 0 {
            self.run = *self.runs.next()?;
        }
        self.run.count -= 1;
        let value = self.run.start;
        if let (Some(value), Some(delta)) = (value, self.run.delta) {
            self.run.start = Some(value + delta);
        }
        Some(value)
    }
}

/// Reads values that blanks part: `1 2 _ stale 0+10x100`. Spans count from `offset`.
pub(super) fn values(text: &str, offset: usize) -> Result<Values, Vec<Mistake>> {
    let (mut runs, mut mistakes) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start_matches(super::is_blank).len();
        if blanks > 0 {
            at += blanks;
            continue;
        }
        let end = item_end(rest);
        let item = &rest[..end];
        match run(item) {
            Ok(run) => runs.push(run),
            Err(refusal) => {
                let from = offset + at + refusal.from;
                let span = Span::new(from, (offset + at + end).max(from));
                mistakes.push(Mistake { message: refusal.message, help: refusal.help, span });
            }
        }
        at += end;
    }
    if mistakes.is_empty() { Ok(Values(runs)) } else { Err(mistakes) }
}

/// Where an item ends: at a blank, but a histogram holds some.
fn item_end(text: &str) -> usize {
    let mut at = 0;
    loop {
        let blank = text[at..].find(super::is_blank).map_or(text.len(), |found| at + found);
        match text[at..blank].find("{{") {
            Some(open) => match text[at + open..].find("}}") {
                Some(close) => at += open + close + 2,
                None => return text.len(),
            },
            None => return blank,
        }
    }
}

struct Refusal {
    from: usize,
    message: String,
    help: Option<&'static str>,
}

const FORMS: &str = "values are numbers, `_` for a gap, `stale`, and runs: `5x3`, `0+10x100`, `1-2x3`, `_x5`";

fn refuse<T>(from: usize, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { from, message: message.into(), help: Some(FORMS) })
}

/// One item without blanks.
fn run(item: &str) -> Result<Run, Refusal> {
    if item.contains("{{") {
        return Err(Refusal {
            from: 0,
            message: "native histograms are not supported".to_owned(),
            help: Some("give the classic series `…_bucket`, `…_count` and `…_sum`"),
        });
    }
    if let Some(rest) = item.strip_prefix('_') {
        let Some(count) = rest.strip_prefix('x') else {
            return if rest.is_empty() {
                Ok(Run { start: None, delta: None, count: 1 })
            } else {
                refuse(0, format!("`{item}` is no value"))
            };
        };
        return Ok(Run { start: None, delta: None, count: repetition(count, 2)? });
    }
    let (start, at) = value(item, 0)?;
    let (delta, at) = match item[at..].bytes().next() {
        Some(b'+' | b'-') => {
            let (delta, end) = value(item, at)?;
            if is_word(&item[at + 1..end]) && item[at + 1..end].eq_ignore_ascii_case("stale") {
                return refuse(at, "`stale` cannot be added");
            }
            (Some(delta), end)
        }
        _ => (None, at),
    };
    match item[at..].strip_prefix('x') {
        // One more than is written: the first value is at time 0.
        Some(count) => {
            Ok(Run { start: Some(start), delta, count: repetition(count, at + 1)?.saturating_add(1) })
        }
        None if at < item.len() => refuse(at, format!("`{}` is not expected here", &item[at..])),
        None if delta.is_some() => refuse(at, "a run that rises or falls needs its length: `0+10x100`"),
        None => Ok(Run { start: Some(start), delta: None, count: 1 }),
    }
}

/// A number with or without a sign, or `stale`, and where it ends.
fn value(item: &str, from: usize) -> Result<(f64, usize), Refusal> {
    let text = &item[from..];
    let sign = usize::from(text.starts_with(['+', '-']));
    let unsigned = &text[sign..];
    let end = from + sign + token_end(unsigned);
    let token = &item[from + sign..end];
    if token.is_empty() {
        return refuse(
            from,
            if text.is_empty() { "a number is missing".to_owned() } else { format!("`{text}` is no value") },
        );
    }
    if is_word(token) {
        let value = match token.to_ascii_lowercase().as_str() {
            "inf" => f64::INFINITY,
            "nan" => f64::NAN,
            _ if token == "stale" && sign == 0 => STALE,
            _ => return refuse(from, format!("`{}` is no value", &item[from..end])),
        };
        return Ok((if text.starts_with('-') { -value } else { value }, end));
    }
    match number(token) {
        Some(value) => Ok((if text.starts_with('-') { -value } else { value }, end)),
        None => refuse(from, format!("`{}` is no number", &item[from..end])),
    }
}

/// A number as the query language reads it; a duration is none here.
fn number(token: &str) -> Option<f64> {
    let options = Options { experimental: false, variables: false };
    match syntax::parse(token, &options).ok()?.kind {
        ExprKind::Number(number) if !number.is_duration => Some(number.value),
        _ => None,
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Where a number or a word ends. An `x` ends a number, since hexadecimal ones are not told from runs; a sign does
/// not end it behind an `e`.
fn token_end(text: &str) -> usize {
    let word = is_word(text);
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        let goes_on = if word {
            c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
        } else {
            c.is_ascii_alphanumeric() && c != 'x'
                || matches!(c, '_' | '.')
                || matches!((before, c), ('e' | 'E', '+' | '-'))
        };
        if !goes_on {
            return at;
        }
        before = c;
    }
    text.len()
}

fn repetition(count: &str, from: usize) -> Result<u64, Refusal> {
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse(from, format!("`{count}` is no number of repetitions"));
    }
    count.parse().or_else(|_| refuse(from, format!("`{count}` repetitions are too many")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match values(text, 0) {
            Ok(values) => {
                let show = |value: Option<f64>| match value {
                    None => "_".to_owned(),
                    Some(value) if crate::series::is_stale(value) => "stale".to_owned(),
                    Some(value) => value.to_string(),
                };
                assert_eq!(values.iter().count() as u64, values.len(), "{text}");
                values.iter().map(show).collect::<Vec<_>>().join(" ")
            }
            Err(mistakes) => {
                let show = |mistake: Mistake| {
                    format!("{}..{} {}", mistake.span.start, mistake.span.end, mistake.message)
                };
                mistakes.into_iter().map(show).collect::<Vec<_>>().join("; ")
            }
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn values_and_runs() {
        check("", "");
        check("  1 2\t3\n ", "1 2 3");
        check("1 _ stale NaN -Inf +Inf inf", "1 _ stale NaN -inf inf inf");
        check("-1 +2 .5 1. 1e3 1e-2 1_000 -.5e+1", "-1 2 0.5 1 1000 0.01 1000 -5");
        check("010 08 0.1e1", "8 8 1");
        check("5x3", "5 5 5 5");
        check("-5x1", "-5 -5");
        check("0+10x3", "0 10 20 30");
        check("1-2x3", "1 -1 -3 -5");
        check("-2+4x2", "-2 2 6");
        check("1e1+1e-1x2", "10 10.1 10.2");
        check("_x3 _x0 7x0", "_ _ _ 7");
        check("5x010", "5 5 5 5 5 5 5 5 5 5 5");
        check("stale+1x2", "stale NaN NaN");
        check("1+Infx1", "1..7 `+Infx1` is no value");
        check("0.1+0.1x3", "0.1 0.2 0.30000000000000004 0.4");
    }

    #[test]
    fn mistakes_have_their_places_and_are_told_all_at_once() {
        check("1 a 2 b3", "2..3 `a` is no value; 6..8 `b3` is no value");
        check("1+2", "3..3 a run that rises or falls needs its length: `0+10x100`");
        check("1x", "2..2 `` is no number of repetitions");
        check("1x-2", "2..4 `-2` is no number of repetitions");
        check("1x1e3", "2..5 `1e3` is no number of repetitions");
        check("1x99999999999999999999", "2..22 `99999999999999999999` repetitions are too many");
        check("1x2x3", "2..5 `2x3` is no number of repetitions");
        check("x3", "0..2 `x3` is no value");
        check("stalex3 NaNx2", "0..7 `stalex3` is no value; 8..13 `NaNx2` is no value");
        check("-stale STALE", "0..6 `-stale` is no value; 7..12 `STALE` is no value");
        check("1+stalex2", "1..9 `+stalex2` is no value");
        check("--1 1+-2x3", "0..3 `--1` is no value; 5..10 `+-2x3` is no value");
        check(
            "5m 0xff 1__0",
            "0..2 `5m` is no number; 5..7 `ff` is no number of repetitions; 8..12 `1__0` is no number",
        );
        check("1e 1e999 _1", "0..2 `1e` is no number; 3..8 `1e999` is no number; 9..11 `_1` is no value");
        check("é €", "0..2 `é` is no value; 3..6 `€` is no value");
        check(
            "1 {{schema:1 sum:2}}x3 2 {{",
            "2..22 native histograms are not supported; 25..27 native histograms are not supported",
        );
        check("1,2 (", "1..3 `,2` is not expected here; 4..5 `(` is no value");
    }

    #[test]
    fn a_run_without_end_is_no_burden() {
        let values = values("1+1x18446744073709551615", 0).unwrap();
        assert_eq!((values.len(), values.iter().nth(4)), (u64::MAX, Some(Some(5.0))));
    }
}
