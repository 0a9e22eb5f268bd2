//! `llmobs up` is killed while a client writes to it; after each start everything acknowledged must be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use llmobs::series::{Labels, METRIC_NAME};

use super::day;
use crate::{
    embedded::{Exporter, Script, Setup, Stack, now},
    judge::{Connection, Query, Value, When, write_request},
    random::Random,
};

/// Series of a write.
const SERIES: usize = 20;
const NAME: &str = "trial_ledger";
/// How long an alert may take to be what it was before the kill.
const RESTORED: Duration = Duration::from_secs(10);

/// What the rounds gave.
#[derive(Debug, Default)]
pub(super) struct HttpRounds {
    pub(super) kills: u32,
    /// Requests that were acknowledged, and their samples.
    pub(super) writes: usize,
    pub(super) samples: usize,
    /// Requests in flight at a kill: how many were there wholly, and not at all.
    pub(super) whole: u32,
    pub(super) absent: u32,
    /// From the start of the process until it was ready, sorted.
    pub(super) starts: Vec<Duration>,
    /// From ready until the alerts were active since when they were before, sorted.
    pub(super) restored: Vec<Duration>,
    /// What the store had before the first round.
    pub(super) loaded: day::Loaded,
    pub(super) faults: Vec<String>,
}

/// A request: its number, which makes its values, and its time.
#[derive(Debug, Clone, Copy)]
struct Write {
    number: usize,
    at: i64,
}

/// What a client knows when the connection has broken.
#[derive(Debug, Default)]
struct Known {
    acknowledged: Vec<Write>,
    in_flight: Option<Write>,
    /// An answer that was neither.
    refused: Option<String>,
}

/// Two alerts that wait, and one that fires.
const RULES: &str = "groups:\n- name: trial\n  interval: 1s\n  rules:\n  \
    - {alert: Patient, expr: vector(1), for: 24h}\n  \
    - {alert: PatientUp, expr: 'up{job=\"trial\"} == 1', for: 24h}\n  \
    - {alert: Fired, expr: vector(1), for: 1s}\n";

pub(super) fn run(binary: &Path, kills: u32, seed: u64) -> anyhow::Result<HttpRounds> {
    let service = Exporter::start(Script::well(now() - 3_600_000), 1.0)?;
    let config = format!(
        "targets: [{{job: trial, source: llmobs, endpoints: [\"{}\"], scrape_interval: 1s}}]\n\
         include: {{rules: [trial.yml]}}\n",
        service.address
    );
    let setup = Setup { config, files: vec![("trial.yml", RULES.to_owned())], ..Setup::default() };
    let mut stack = Stack::prepare(binary, &setup)?;
    let mut rounds = HttpRounds { loaded: day::load(&stack.data())?, ..HttpRounds::default() };
    stack.up()?;
    let has_begun = |alerts: &Alerts| alerts.len() == 3 && alerts["Fired"].0 == "firing";
    let mut before = wait_for_alerts(&stack, has_begun)?.0;
    // The instants are in the store at the next evaluation.
    thread::sleep(Duration::from_secs(2));

    let mut random = Random::new(seed);
    let mut known: Vec<Vec<Write>> = Vec::new();
    // A client that writes faster than once a millisecond is ahead of the clock, and goes on there.
    let (mut next, mut last) = (0, 0);
    for kill in 1..=kills {
        let moment = Duration::from_millis(random.between(30, 1_500).unsigned_abs());
        let told = one(&mut stack, next, last, moment)?;
        let killed = now();
        rounds.kills += 1;
        let mut fault = |what: String| rounds.faults.push(format!("kill {kill}: {what}"));
        if let Some(refused) = told.refused {
            fault(refused);
        }
        if let Err(error) = stack.up() {
            fault(format!("{error:#}"));
            return Ok(rounds);
        }
        rounds.starts.push(stack.started_in);
        last = told.in_flight.or(told.acknowledged.last().copied()).map_or(last, |write| write.at);
        next += told.acknowledged.len() + usize::from(told.in_flight.is_some());
        let mut connection = stack.connect()?;
        let missing = missing(&mut connection, &told.acknowledged)?;
        if missing > 0 {
            fault(format!(
                "{missing} of {} acknowledged samples are missing",
                told.acknowledged.len() * SERIES
            ));
        }
        match told.in_flight.map(|write| self::missing(&mut connection, &[write])).transpose()? {
            None => {}
            Some(0) => rounds.whole += 1,
            Some(SERIES) => rounds.absent += 1,
            Some(some) => fault(format!("{some} of the {SERIES} samples in flight are missing")),
        }
        match wait_for_alerts(&stack, |alerts| went_on(&before, alerts, now() - killed)) {
            Ok((alerts, took)) => {
                rounds.restored.push(took);
                before = alerts;
            }
            Err(error) => fault(format!("{error:#}, before {before:?}")),
        }
        rounds.writes += told.acknowledged.len();
        known.push(told.acknowledged);
    }
    rounds.samples = rounds.writes * SERIES;
    // Nothing of an earlier round went away in a later one.
    let mut connection = stack.connect()?;
    for (kill, writes) in (1..).zip(&known) {
        let missing = missing(&mut connection, writes)?;
        if missing > 0 {
            rounds.faults.push(format!("at the end: {missing} samples from before kill {kill} are missing"));
        }
    }
    rounds.starts.sort_unstable();
    rounds.restored.sort_unstable();
    Ok(rounds)
}

/// Writes until the process is killed.
fn one(stack: &mut Stack, first: usize, last: i64, moment: Duration) -> anyhow::Result<Known> {
    let connection = stack.connect()?;
    let client = thread::spawn(move || write(connection, first, last));
    thread::sleep(moment);
    stack.kill()?;
    client.join().ok().context("the client panicked")
}

fn write(mut connection: Connection, first: usize, mut last: i64) -> Known {
    let mut known = Known::default();
    for number in first.. {
        let write = Write { number, at: now().max(last + 1) };
        last = write.at;
        let series: Vec<Labels> = (0..SERIES).map(labels).collect();
        let arrivals: Vec<_> = (0..SERIES).map(|index| (index, write.at, value(number, index))).collect();
        let body = write_request(&arrivals, |index| &series[index]);
        match connection.write(&body) {
            Ok((200 | 204, _)) => known.acknowledged.push(write),
            Ok((status, words)) => {
                known.refused = Some(format!("a write was answered with {status}: {words}"));
                return known;
            }
            Err(_) => {
                known.in_flight = Some(write);
                return known;
            }
        }
    }
    known
}

fn labels(index: usize) -> Labels {
    let index = index.to_string();
    [(METRIC_NAME, NAME), ("series", index.as_str())].into_iter().collect()
}

fn value(number: usize, index: usize) -> f64 {
    (number * SERIES + index) as f64 + 0.25
}

/// How many samples of some requests are not there with their values.
fn missing(connection: &mut Connection, writes: &[Write]) -> anyhow::Result<usize> {
    let (Some(first), Some(last)) = (writes.first(), writes.last()) else { return Ok(0) };
    let mut there: BTreeMap<Labels, BTreeSet<(i64, u64)>> = BTreeMap::new();
    // The left end of the range is open.
    let query = Query { expr: format!("{NAME}[{}ms]", last.at - first.at + 1), when: When::At(last.at) };
    let answer = connection.ask(&query)?.map_err(|failure| anyhow::anyhow!("`{NAME}`: {}", failure.text))?;
    let Value::Matrix(rows) = answer.value else { bail!("`{NAME}` gives no matrix") };
    for row in rows {
        let points = row.points.iter().map(|(at, value)| (*at, value.to_bits()));
        there.entry(row.labels).or_default().extend(points);
    }
    let all = writes.iter().flat_map(|write| (0..SERIES).map(move |index| (write, index)));
    let is_missing = |(write, index): &(&Write, usize)| {
        let point = (write.at, value(write.number, *index).to_bits());
        there.get(&labels(*index)).is_none_or(|points| !points.contains(&point))
    };
    Ok(all.filter(is_missing).count())
}

/// State of alerts, and since when they are active in milliseconds, by name.
type Alerts = BTreeMap<String, (String, i64)>;

/// Whether alerts go on after an outage: one that fired fires since it did; those that wait have waited as long as
/// before, the outage not counted, as in Prometheus.
fn went_on(before: &Alerts, after: &Alerts, outage: i64) -> bool {
    // From the last evaluation before the kill on.
    let most = outage + 1_500;
    before.iter().all(|(name, (state, since))| {
        after.get(name).is_some_and(|(state_now, since_now)| {
            let moved = since_now - since;
            // Prometheus keeps whole seconds in `ALERTS_FOR_STATE`.
            let may = if state == "firing" { -1_000..=0 } else { -1_000..=most };
            let may = may.contains(&moved);
            state == state_now && may
        })
    })
}

/// The alerts as soon as they are as wanted, and how long that took.
fn wait_for_alerts(stack: &Stack, wanted: impl Fn(&Alerts) -> bool) -> anyhow::Result<(Alerts, Duration)> {
    let begun = Instant::now();
    loop {
        let json = stack.connect()?.json("/api/v1/alerts")?;
        let mut alerts = Alerts::new();
        for alert in json["data"]["alerts"].as_array().context("no alerts")? {
            let text = |json: &serde_json::Value| json.as_str().unwrap_or_default().to_owned();
            let name = text(&alert["labels"]["alertname"]);
            if ["Patient", "PatientUp", "Fired"].contains(&name.as_str()) {
                let since = millis(&text(&alert["activeAt"])).context("`activeAt` is no time")?;
                alerts.insert(name, (text(&alert["state"]), since));
            }
        }
        if wanted(&alerts) {
            return Ok((alerts, begun.elapsed()));
        }
        if begun.elapsed() > RESTORED {
            bail!("the alerts do not go on: {alerts:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Milliseconds of a time in UTC as RFC 3339 writes it.
fn millis(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hour, minute): (i64, i64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let second: f64 = time.next()?.parse().ok()?;
    // Days of a year that begins in March (<https://howardhinnant.github.io/date_algorithms.html>).
    let year = if month <= 2 { year - 1 } else { year };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day
        - 1
        - 719_468;
    #[expect(clippy::cast_possible_truncation, reason = "below a minute")]
    let rest = (second * 1_000.0).round() as i64;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2026-11-23T08:00:01.5Z"), Some(1_795_420_801_500));
        assert_eq!(millis("2024-02-29T23:59:59.999Z"), Some(1_709_251_199_999));
        assert_eq!(millis("yesterday"), None);
    }

    #[test]
    fn outages_do_not_count() {
        let alerts = |state: &str, since| Alerts::from([("a".to_owned(), (state.to_owned(), since))]);
        assert!(went_on(&alerts("pending", 100), &alerts("pending", 2_000), 500));
        assert!(!went_on(&alerts("pending", 100), &alerts("pending", 2_200), 500));
        assert!(!went_on(&alerts("firing", 100), &alerts("firing", 101), 500));
        assert!(went_on(&alerts("firing", 1_100), &alerts("firing", 1_000), 500));
        assert!(!went_on(&alerts("firing", 100), &alerts("pending", 100), 500));
    }
}
