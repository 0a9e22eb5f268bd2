//! The instants that a query asks for.

use crate::{
    diagnostic::Diagnostic,
    remote::query::When,
    text::{Source, Span},
    time::{PromDuration, Timestamp},
};

/// The instants as they were typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Typed<'a> {
    pub(super) at: Option<&'a str>,
    pub(super) from: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    pub(super) step: Option<&'a str>,
}

/// What relative times are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    /// The last sample of a file; now elsewhere.
    pub(super) end: Timestamp,
}

/// Points of a range whose step was not given, at most.
const POINTS: u64 = 250;

/// Steps that are chosen from, in milliseconds; beyond them whole days.
const STEPS: [u64; 19] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000,
];

/// Times beyond are not told apart by a float of milliseconds.
const LIMIT: i64 = 1 << 53;

const TIMES: &str =
    "write `2026-11-26T10:00:00Z`, seconds since 1970, `now`, `now-1h`, or `-1h` for an hour before the end";

/// The instants, read.
enum Read {
    Instant(Timestamp),
    Range(Timestamp, Timestamp, Option<PromDuration>),
}

impl Typed<'_> {
    /// What can be said to be wrong without a clock.
    pub(super) fn mistakes(&self) -> Vec<Diagnostic> {
        self.read(Clock { now: Timestamp(0), end: Timestamp(0) }).err().unwrap_or_default()
    }

    /// The last instant that is asked for, however it stands to the first.
    pub(super) fn last(&self, clock: Clock) -> Result<Timestamp, Vec<Diagnostic>> {
        self.read(clock).map(|read| match read {
            Read::Instant(at) | Read::Range(_, at, _) => at,
        })
    }

    /// All mistakes at once.
    pub(super) fn resolve(&self, clock: Clock) -> Result<When, Vec<Diagnostic>> {
        let (from, to, step) = match self.read(clock)? {
            Read::Instant(at) => return Ok(When::Instant(at)),
            Read::Range(from, to, step) => (from, to, step),
        };
        if from > to {
            let text = self.from.unwrap_or_default();
            let end = self.to.map_or("the end", |_| "`--to`");
            let mistake = Diagnostic::error(format!("`--from` ({from}) is after {end} ({to})"));
            return Err(vec![mistake.at(&Source::new("--from", text), Span::new(0, text.len()), "")]);
        }
        let step = step.unwrap_or_else(|| default_step(to.0.abs_diff(from.0)));
        Ok(When::Range { from, to, step })
    }

    fn read(&self, clock: Clock) -> Result<Read, Vec<Diagnostic>> {
        let time = |flag: &str, text: Option<&str>| match text {
            Some(text) => time(text, clock).ok_or_else(|| no_time(flag, text)),
            None => Ok(clock.end),
        };
        let Some(from) = self.from else {
            return time("--at", self.at).map(Read::Instant).map_err(|mistake| vec![mistake]);
        };
        let (from, to) = (time("--from", Some(from)), time("--to", self.to));
        let step = self.step.map(|text| duration("--step", text)).transpose();
        match (from, to, step) {
            (Ok(from), Ok(to), Ok(step)) => Ok(Read::Range(from, to, step)),
            (from, to, step) => Err([from.err(), to.err(), step.err()].into_iter().flatten().collect()),
        }
    }
}

/// The shortest round step with which a span has not too many points.
fn default_step(span: u64) -> PromDuration {
    let rough = span.div_ceil(POINTS);
    let day = STEPS[STEPS.len() - 1];
    let step = STEPS.into_iter().find(|step| *step >= rough);
    PromDuration::from_millis(step.unwrap_or_else(|| rough.div_ceil(day) * day))
}

/// A duration that a flag was given; zero is none.
pub(super) fn duration(flag: &str, text: &str) -> Result<PromDuration, Diagnostic> {
    let mistake = |message: String| {
        Diagnostic::error(message)
            .at(&Source::new(flag, text), Span::new(0, text.len()), "")
            .help("write a duration as `30s`, `5m` or `1h30m`")
    };
    match text.parse::<PromDuration>() {
        Ok(duration) if duration.as_millis() == 0 => Err(mistake(format!("`{flag}` is zero"))),
        Ok(duration) => Ok(duration),
        Err(error) => Err(mistake(error.to_string())),
    }
}

fn no_time(flag: &str, text: &str) -> Diagnostic {
    Diagnostic::error(format!("`{text}` is no time"))
        .at(&Source::new(flag, text), Span::new(0, text.len()), "")
        .help(TIMES)
}

fn time(text: &str, clock: Clock) -> Option<Timestamp> {
    let within = |at: Timestamp| Some(at).filter(|at| (-LIMIT..=LIMIT).contains(&at.0));
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = (seconds * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "held against the limit")]
        return (millis.abs() <= LIMIT as f64).then_some(Timestamp(millis as i64));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let (base, shift) = match text.strip_prefix("now") {
        Some(shift) => (clock.now, shift),
        None => (clock.end, Some(text).filter(|text| text.starts_with('-'))?),
    };
    if shift.is_empty() {
        return Some(base);
    }
    let (sign, length) = match shift.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, shift.strip_prefix('+')?),
    };
    let length: PromDuration = length.trim_start().parse().ok()?;
    let length = i64::try_from(length.as_millis()).ok()?;
    within(Timestamp(base.0.checked_add(sign * length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { now: Timestamp(1_795_687_200_000), end: Timestamp(1_795_600_800_000) };

    #[track_caller]
    fn check(typed: Typed<'_>, expect: Result<&str, &str>) {
        let shown = match typed.resolve(CLOCK) {
            Ok(When::Instant(at)) => Ok(at.to_string()),
            Ok(When::Range { from, to, step }) => Ok(format!("{from} {to} {step}")),
            Err(mistakes) => {
                let messages: Vec<_> = mistakes.into_iter().map(|mistake| mistake.message).collect();
                Err(messages.join("; "))
            }
        };
        assert_eq!(shown.as_deref().map_err(String::as_str), expect);
    }

    fn at(text: &str) -> Typed<'_> {
        Typed { at: Some(text), ..Typed::default() }
    }

    #[test]
    fn instants_are_absolute_or_before_an_end() {
        check(Typed::default(), Ok("2026-11-25T10:00:00Z"));
        check(at("2026-11-26T09:00:00.5+01:00"), Ok("2026-11-26T08:00:00.500Z"));
        check(at("2026-11-26"), Ok("2026-11-26T00:00:00Z"));
        check(at("1795687200.0505"), Ok("2026-11-26T10:00:00.051Z"));
        check(at("0"), Ok("1970-01-01T00:00:00Z"));
        check(at("-1.5"), Ok("1969-12-31T23:59:58.500Z"));
        check(at("now"), Ok("2026-11-26T10:00:00Z"));
        check(at("now-1h30m"), Ok("2026-11-26T08:30:00Z"));
        check(at("now - 1h"), Err("`now - 1h` is no time"));
        check(at("now+5m"), Ok("2026-11-26T10:05:00Z"));
        check(at("-1h"), Ok("2026-11-25T09:00:00Z"));
        check(at("1h"), Err("`1h` is no time"));
        check(at("yesterday"), Err("`yesterday` is no time"));
        check(at(""), Err("`` is no time"));
        check(at("1e300"), Err("`1e300` is no time"));
        check(at("NaN"), Err("`NaN` is no time"));
        check(at("nowish"), Err("`nowish` is no time"));
        check(at("now-291y"), Ok("1736-02-05T10:00:00Z"));
    }

    fn range<'a>(from: &'a str, to: Option<&'a str>, step: Option<&'a str>) -> Typed<'a> {
        Typed { at: None, from: Some(from), to, step }
    }

    #[test]
    fn ranges_have_a_fitting_step() {
        check(range("-5m", None, None), Ok("2026-11-25T09:55:00Z 2026-11-25T10:00:00Z 2s"));
        check(range("-1h", None, None), Ok("2026-11-25T09:00:00Z 2026-11-25T10:00:00Z 15s"));
        check(range("-1d", None, None), Ok("2026-11-24T10:00:00Z 2026-11-25T10:00:00Z 10m"));
        check(range("-10y", None, None), Ok("2016-11-27T10:00:00Z 2026-11-25T10:00:00Z 15d"));
        check(range("now", Some("now"), None), Ok("2026-11-26T10:00:00Z 2026-11-26T10:00:00Z 1s"));
        check(range("0", Some("60"), Some("500ms")), Ok("1970-01-01T00:00:00Z 1970-01-01T00:01:00Z 500ms"));
        check(range("x", Some("y"), Some("5")), Err("`x` is no time; `y` is no time; `5` has no unit"));
        check(range("0", Some("60"), Some("0s")), Err("`--step` is zero"));
        check(
            range("now", None, None),
            Err("`--from` (2026-11-26T10:00:00Z) is after the end (2026-11-25T10:00:00Z)"),
        );
    }
}
