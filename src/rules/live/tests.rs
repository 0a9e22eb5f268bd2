//! Live rules: restarts, what is sent, what is kept.

use super::*;
use crate::{
    promql::{eval, syntax},
    rules::{AlertingRule, Group, RecordingRule, Settings},
    series::Columns,
};

const MINUTE: i64 = 60_000;

struct Book(Columns);

impl Ledger for Book {
    fn read(&self) -> Box<dyn Select + '_> {
        Box::new(&self.0)
    }

    fn write(&mut self, samples: &[RuleSample]) -> Vec<(usize, String)> {
        let mut append = |(labels, at, value): &RuleSample| {
            let id = self.0.series(labels);
            self.0.append(id, *at, *value).map_err(|error| error.to_string()).err()
        };
        samples.iter().enumerate().filter_map(|(index, sample)| Some((index, append(sample)?))).collect()
    }
}

impl Book {
    fn add(&mut self, series: &[(&str, &str)], minute: i64, value: f64) {
        let refused = self.write(&[(series.iter().copied().collect(), Timestamp(minute * MINUTE), value)]);
        assert!(refused.is_empty(), "{refused:?}");
    }

    /// The last sample of each series of a name: labels, minute, value.
    fn last(&self, name: &str) -> Vec<String> {
        let shown = |id: &crate::series::SeriesId| {
            let (times, values) = self.0.samples_of(*id);
            let (at, value) = (times.last()?.0 / MINUTE, values.last()?);
            let labels: Vec<_> = self.0.labels(*id).iter().filter(|(name, _)| *name != METRIC_NAME).collect();
            Some(format!(
                "{labels:?} {at}:{}",
                if crate::series::is_stale(*value) { "stale".to_owned() } else { value.to_string() }
            ))
        };
        self.0.named(name).iter().filter_map(shown).collect()
    }
}

/// An alert on each series of `down` that is above 0, and a count of `up`.
fn program(hold_minutes: u64) -> Program {
    let parse = |text: &str| syntax::parse(text, &syntax::Options::default()).unwrap();
    let group = Group {
        name: "g".to_owned(),
        interval: None,
        limit: 0,
        query_offset: PromDuration::default(),
        labels: BTreeMap::new(),
        rules: vec![
            Rule::Alerting(AlertingRule {
                alert: "Down".to_owned(),
                expr: parse("down > 0"),
                hold: PromDuration::from_secs(hold_minutes * 60),
                keep_firing_for: PromDuration::default(),
                labels: BTreeMap::from([("severity".to_owned(), "page".to_owned())]),
                annotations: BTreeMap::from([(
                    "text".to_owned(),
                    "{{ $value }} of {{ $labels.a }}".to_owned(),
                )]),
            }),
            Rule::Recording(RecordingRule {
                record: "ups".to_owned(),
                expr: parse("count by (a) (up)"),
                labels: BTreeMap::new(),
            }),
        ],
    };
    let settings = Settings {
        external_labels: Labels::default(),
        external_url: String::new(),
        server_url: None,
        syntax: syntax::Options::default(),
        eval: eval::Options::default(),
    };
    Program::new(vec![group], settings).unwrap()
}

fn evaluate(program: &Program, live: &mut LiveGroup, minute: i64, book: &mut Book) {
    for rule in 0..2 {
        program.evaluate(live, rule, Timestamp(minute * MINUTE), book);
        assert_eq!(live.health(rule), None);
    }
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let (program, mut book) = (program(10), Book(Columns::new()));
    let mut live = program.live(0, false);
    for minute in 0..8 {
        book.add(&[("__name__", "down"), ("a", "x")], minute, 1.0);
        evaluate(&program, &mut live, minute, &mut book);
    }
    let beginning = r#"[("a", "x"), ("alertname", "Down"), ("severity", "page")] 7:0"#;
    assert_eq!(book.last(ALERTS_FOR_STATE), [beginning]);

    let restart = Restart {
        outage_tolerance: PromDuration::from_secs(3600),
        grace_period: PromDuration::from_secs(60),
    };
    let mut live = program.live(0, true);
    for minute in 12..16 {
        book.add(&[("__name__", "down"), ("a", "x")], minute, 1.0);
        book.add(&[("__name__", "down"), ("a", "y")], minute, 1.0);
        evaluate(&program, &mut live, minute, &mut book);
        if minute == 13 {
            // Nothing is written before it is known what was written.
            assert_eq!(book.last(ALERTS_FOR_STATE), [beginning]);
            program.restore(&mut live, Timestamp(13 * MINUTE), restart, &*book.read());
        }
    }
    let states: Vec<_> =
        live.alerts(0).iter().map(|alert| (alert.state, alert.active_at.0 / MINUTE)).collect();
    // The outage of 6 minutes does not count; `y` is new.
    assert_eq!(states, [(AlertState::Pending, 6), (AlertState::Pending, 12)]);
    book.add(&[("__name__", "down"), ("a", "x")], 16, 3.0);
    evaluate(&program, &mut live, 16, &mut book);
    let alerts = live.alerts(0);
    assert_eq!(alerts[0].state, AlertState::Firing);
    assert_eq!(alerts[0].annotations, [("text".to_owned(), "3 of x".to_owned())]);
}

#[test]
fn what_fires_and_what_was_resolved_is_sent() {
    let (program, mut book) = (program(1), Book(Columns::new()));
    let mut live = program.live(0, false);
    let mut sent = Vec::new();
    for minute in 0..12 {
        let down = f64::from(i8::from((2..6).contains(&minute)));
        book.add(&[("__name__", "down"), ("a", "x")], minute, down);
        evaluate(&program, &mut live, minute, &mut book);
        let at = Timestamp(minute * MINUTE);
        let due = live.due(0, at, PromDuration::from_secs(100), PromDuration::from_secs(60));
        sent.extend(due.into_iter().map(|due| {
            (minute, due.alert.state, due.alert.resolved_at.map(|at| at.0 / MINUTE), due.valid_until.0 - at.0)
        }));
    }
    let (firing, resolved, valid) = (AlertState::Firing, AlertState::Inactive, 400_000);
    assert_eq!(
        sent,
        [
            (3, firing, None, valid),
            (5, firing, None, valid),
            (6, resolved, Some(6), valid),
            (8, resolved, Some(6), valid),
            (10, resolved, Some(6), valid),
        ]
    );
}

#[test]
fn what_is_kept_does_not_grow_with_what_has_been() {
    let (program, mut book) = (program(0), Book(Columns::new()));
    let mut live = program.live(0, false);
    for minute in 0..200 {
        let name = minute.to_string();
        book.add(&[("__name__", "down"), ("a", &name)], minute, 1.0);
        book.add(&[("__name__", "up"), ("a", &name)], minute, 1.0);
        for series in ["down", "up"] {
            if minute > 0 {
                book.add(&[("__name__", series), ("a", &(minute - 1).to_string())], minute, STALE);
            }
        }
        evaluate(&program, &mut live, minute, &mut book);
    }
    assert_eq!(live.series().count(), 3);
    assert_eq!(live.alerts(0).len(), 17);
    let ended = book.last("ups").iter().filter(|series| series.ends_with("stale")).count();
    assert_eq!(ended, 199);
}
