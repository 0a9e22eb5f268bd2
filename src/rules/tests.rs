//! Evaluation over a span held against evaluation live, instant by instant; and both against what Prometheus does.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    promql::{eval, syntax},
    series::{Columns, Labels, Matcher, STALE, Select, TimeSpan, is_stale},
    time::{PromDuration, Timestamp},
};

use super::*;

const MINUTE: i64 = 60_000;

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

fn word<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split(' ').find_map(|word| word.strip_prefix(key))
}

/// Lines: `group NAME every=15s limit=2 offset=1m`, `record NAME = EXPR`, `alert NAME for=1m keep=1m = EXPR`; below each
/// perhaps `labels a=b; c=d` and `note a=b; c=d`.
fn program(text: &str) -> Program {
    let mut groups: Vec<Group> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap();
        let duration = |key| word(rest, key).map(|text| text.parse::<PromDuration>().unwrap());
        if kind == "group" {
            groups.push(Group {
                name: rest.split(' ').next().unwrap().to_owned(),
                interval: duration("every="),
                limit: word(rest, "limit=").map_or(0, |limit| limit.parse().unwrap()),
                query_offset: duration("offset=").unwrap_or_default(),
                labels: BTreeMap::new(),
                rules: Vec::new(),
            });
            continue;
        }
        if groups.is_empty() {
            groups = vec![Group {
                name: "g".to_owned(),
                interval: None,
                limit: 0,
                query_offset: PromDuration::default(),
                labels: BTreeMap::new(),
                rules: Vec::new(),
            }];
        }
        let group = groups.last_mut().unwrap();
        match (kind, group.rules.last_mut()) {
            ("labels", None) => group.labels = pairs(rest),
            ("labels", Some(Rule::Recording(rule))) => rule.labels = pairs(rest),
            ("labels", Some(Rule::Alerting(rule))) => rule.labels = pairs(rest),
            ("note", Some(Rule::Alerting(rule))) => rule.annotations = pairs(rest),
            _ => {
                let (head, expr) = rest.split_once(" = ").unwrap();
                let name = head.split(' ').next().unwrap().to_owned();
                let options = syntax::Options { experimental: true, variables: false };
                let expr = syntax::parse(expr, &options).unwrap();
                group.rules.push(match kind {
                    "record" => {
                        Rule::Recording(RecordingRule { record: name, expr, labels: BTreeMap::new() })
                    }
                    _ => Rule::Alerting(AlertingRule {
                        alert: name,
                        expr,
                        hold: word(head, "for=").map(|text| text.parse().unwrap()).unwrap_or_default(),
                        keep_firing_for: word(head, "keep=")
                            .map(|text| text.parse().unwrap())
                            .unwrap_or_default(),
                        labels: BTreeMap::new(),
                        annotations: BTreeMap::new(),
                    }),
                });
            }
        }
    }
    let settings = Settings {
        external_labels: [("region", "eu")].into_iter().collect(),
        external_url: "http://llmobs.example".to_owned(),
        server_url: None,
        syntax: syntax::Options { experimental: true, variables: false },
        eval: eval::Options::default(),
    };
    Program::new(groups, settings).unwrap()
}

type Input = Vec<(Labels, Vec<(i64, f64)>)>;

/// Lines `name{a="b"} 1 2 _ x 3`, a sample every minute; `_` is none and `x` a staleness marker.
fn input(text: &str) -> Input {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (series, values) = line.split_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
            let labels = labels.map(|(name, value)| (name, value.trim_matches('"')));
            let values = (0..).zip(values.split(' ')).filter(|(_, value)| *value != "_");
            let values = values.map(|(step, value)| {
                (step * MINUTE, if value == "x" { STALE } else { value.parse().unwrap() })
            });
            (std::iter::once(("__name__", name)).chain(labels).collect(), values.collect())
        })
        .collect()
}

fn columns(input: &Input) -> Columns {
    let mut columns = Columns::new();
    for (labels, samples) in input {
        let id = columns.series(labels);
        for (at, value) in samples {
            columns.append(id, Timestamp(*at), *value).unwrap();
        }
    }
    columns
}

/// All samples, bit for bit, in the order of the labels.
fn dump(columns: &Columns) -> String {
    let span = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
    let mut series: Vec<_> = columns.select(&[Matcher::equal("nope", "")], span).unwrap().collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut out = String::new();
    for series in series {
        write!(out, "{}", series.labels).unwrap();
        for (time, value) in series.times.iter().zip(series.values.iter()) {
            let shown =
                if is_stale(*value) { "x".to_owned() } else { format!("{value}/{:x}", value.to_bits()) };
            write!(out, " {}:{shown}", time.0).unwrap();
        }
        out.push('\n');
    }
    out
}

fn active(alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.into_iter().filter(|alert| alert.state != AlertState::Inactive).collect()
}

/// Columns as a store of live rules.
struct Book(Columns);

impl Ledger for Book {
    fn read(&self) -> Box<dyn Select + '_> {
        Box::new(&self.0)
    }

    fn write(&mut self, samples: &[RuleSample]) -> Vec<(usize, String)> {
        let mut refused = Vec::new();
        for (index, (labels, at, value)) in samples.iter().enumerate() {
            let id = self.0.series(labels);
            if let Err(message) = super::state::append(&mut self.0, id, *at, *value) {
                refused.push((index, message));
            }
        }
        refused
    }
}

/// Evaluates live and over the span, and holds the one against the other; gives what was appended.
#[track_caller]
fn both(rules: &str, data: &Input, timeline: Timeline) -> (Program, Columns, History) {
    both_in_chunks(rules, data, timeline, 3);
    both_in_chunks(rules, data, timeline, 4096)
}

#[track_caller]
fn both_in_chunks(rules: &str, data: &Input, timeline: Timeline, chunk: i64) -> (Program, Columns, History) {
    let program = program(rules);
    let mut at_once = columns(data);
    let history = program.evaluate_in_chunks(timeline, &mut at_once, chunk);

    let grids = history.grids.clone();
    let mut live = Book(Columns::new());
    let mut groups: Vec<_> = (0..grids.len()).map(|group| program.live(group, false)).collect();
    let mut taken = vec![0; data.len()];
    let mut instants: Vec<i64> = grids.iter().flat_map(|grid| grid.instants()).collect();
    instants.sort_unstable();
    instants.dedup();
    let mut input_until = |live: &mut Columns, until: i64| {
        for ((labels, samples), done) in data.iter().zip(&mut taken) {
            let id = live.series(labels);
            while let Some((at, value)) = samples.get(*done).filter(|(at, _)| *at <= until) {
                let _refused = live.append(id, Timestamp(*at), *value).is_err();
                *done += 1;
            }
        }
    };
    for at in instants {
        input_until(&mut live.0, at);
        for (group, grid) in grids.iter().enumerate() {
            if (at - grid.start) % grid.step == 0 && at <= grid.end() {
                for rule in 0..program.groups()[group].rules.len() {
                    program.evaluate(&mut groups[group], rule, Timestamp(at), &mut live);
                }
            }
        }
        for rule in program.ids() {
            let grid = grids[rule.group];
            if (at - grid.start) % grid.step != 0 {
                continue;
            }
            let failure = history
                .failures()
                .into_iter()
                .find(|failure| failure.rule == rule && failure.first.0 <= at && at <= failure.last.0);
            let message = failure.map(|failure| failure.message.as_str());
            // Of several samples that are refused, either may be the one that is told.
            let told = |message: Option<&str>| {
                message.map(|text| text.split("; overrides").next().map(str::to_owned))
            };
            assert_eq!(told(groups[rule.group].health(rule.rule)), told(message), "{rule:?} at {at}");
        }
        for rule in program.ids() {
            let now = active(groups[rule.group].alerts(rule.rule));
            let then = history.alerts_at(&program, &at_once, rule, Timestamp(at)).unwrap();
            assert_eq!(format!("{then:?}"), format!("{now:?}"), "{rule:?} at {at}");
        }
    }
    input_until(&mut live.0, i64::MAX);
    assert_eq!(dump(&at_once), dump(&live.0));
    (program, at_once, history)
}

fn minutes(count: i64) -> Timeline {
    Timeline {
        start: Timestamp(0),
        end: Timestamp(count * MINUTE),
        pace: Pace::Every(PromDuration::from_secs(60)),
    }
}

/// The series of a name, as `{labels} 0:1 2:x`: minutes and values.
#[track_caller]
fn check(rules: &str, data: &str, count: i64, expect: &[&str]) {
    let data = input(data);
    let (_, columns, _) = both(rules, &data, minutes(count));
    let inputs: Vec<&Labels> = data.iter().map(|(labels, _)| labels).collect();
    let span = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
    let mut got: Vec<String> = Vec::new();
    for series in columns.select(&[Matcher::equal("nope", "")], span).unwrap() {
        if inputs.contains(&&series.labels) {
            continue;
        }
        let mut line = series.labels.to_string().replace("__name__=", "");
        for (time, value) in series.times.iter().zip(series.values.iter()) {
            let minute = time.0 as f64 / MINUTE as f64;
            let shown = if is_stale(*value) { "x".to_owned() } else { value.to_string() };
            write!(line, " {minute}:{shown}").unwrap();
        }
        got.push(line);
    }
    got.sort();
    assert_eq!(got, expect);
}

#[test]
fn recorded_series_are_seen_by_later_rules_at_once() {
    check(
        "record a = up * 2\nrecord b = a + 1\nlabels x=1",
        "up 1 2 3",
        2,
        &[r#"{"a"} 0:2 1:4 2:6"#, r#"{"b",x="1"} 0:3 1:5 2:7"#],
    );
    // A rule before the one that it reads sees what that wrote the step before.
    check(
        "record b = a + 1\nrecord a = up * 2",
        "up 1 2 3",
        2,
        &[r#"{"a"} 0:2 1:4 2:6"#, r#"{"b"} 1:3 2:5"#],
    );
    check("record n = n + 1 or vector(0)", "up 1", 3, &[r#"{"n"} 0:0 1:1 2:2 3:3"#]);
}

#[test]
fn what_is_gone_is_stale() {
    check("record a = up > 1", "up 1 2 3 0 5", 5, &[r#"{"a"} 1:2 2:3 3:x 4:5 5:5"#]);
    check(
        "record a = sum by (m) (up)",
        "up{m=\"p\"} 1 x\nup{m=\"q\"} _ 2 2",
        3,
        &[r#"{"a",m="p"} 0:1 1:x"#, r#"{"a",m="q"} 1:2 2:2 3:2"#],
    );
}

#[test]
fn labels_of_rules_win() {
    let rules = "group g\nlabels team=a; x=g\nrecord r = up\nlabels x=r; m=; __name__=ignored";
    check(
        &rules.replace("; __name__=ignored", ""),
        "up{m=\"1\",x=\"s\",z=\"9\"} 1",
        0,
        &[r#"{"r",team="a",x="r",z="9"} 0:1"#],
    );
}

#[test]
fn alerts_write_their_states() {
    check(
        "alert A for=2m = up == 0\nlabels severity=page",
        "up{job=\"j\"} 1 0 0 0 1",
        5,
        &[
            r#"{"ALERTS",alertname="A",alertstate="firing",job="j",severity="page"} 3:1 4:x"#,
            r#"{"ALERTS",alertname="A",alertstate="pending",job="j",severity="page"} 1:1 2:1 3:x"#,
            r#"{"ALERTS_FOR_STATE",alertname="A",job="j",severity="page"} 1:60 2:60 3:60 4:x"#,
        ],
    );
    check(
        "alert A keep=2m = up == 0",
        "up 0 1 1 1 0",
        4,
        &[
            r#"{"ALERTS",alertname="A",alertstate="firing"} 0:1 1:1 2:1 3:x 4:1"#,
            r#"{"ALERTS_FOR_STATE",alertname="A"} 0:0 1:0 2:0 3:x 4:240"#,
        ],
    );
    // Alerts are read by rules, themselves included.
    check(
        "alert A = up == 0\nrecord n = count(ALERTS) or vector(0)",
        "up 1 0 1",
        2,
        &[
            r#"{"ALERTS",alertname="A",alertstate="firing"} 1:1 2:x"#,
            r#"{"ALERTS_FOR_STATE",alertname="A"} 1:60 2:x"#,
            r#"{"n"} 0:0 1:1 2:0"#,
        ],
    );
}

#[test]
fn labels_may_depend_on_values() {
    check(
        "alert A for=1m = up > 0\nlabels severity={{ if gt $value 2.0 }}high{{ else }}low{{ end }}",
        "up 1 2 3 3 1",
        4,
        &[
            r#"{"ALERTS",alertname="A",alertstate="firing",severity="high"} 3:1 4:x"#,
            r#"{"ALERTS",alertname="A",alertstate="firing",severity="low"} 1:1 2:x"#,
            r#"{"ALERTS",alertname="A",alertstate="pending",severity="high"} 2:1 3:x"#,
            r#"{"ALERTS",alertname="A",alertstate="pending",severity="low"} 0:1 1:x 4:1"#,
            r#"{"ALERTS_FOR_STATE",alertname="A",severity="high"} 2:120 3:120 4:x"#,
            r#"{"ALERTS_FOR_STATE",alertname="A",severity="low"} 0:0 1:0 2:x 4:240"#,
        ],
    );
    // A label that comes out empty is none, but its template's text is left on the series.
    check(
        "alert A = up\nlabels a={{ $labels.nope }}; b=; c={{ query \"up\" | first | value }}",
        "up 1 2",
        1,
        &[
            r#"{"ALERTS",a="{{ $labels.nope }}",alertname="A",alertstate="firing",c="1"} 0:1 1:x"#,
            r#"{"ALERTS",a="{{ $labels.nope }}",alertname="A",alertstate="firing",c="2"} 1:1"#,
            r#"{"ALERTS_FOR_STATE",a="{{ $labels.nope }}",alertname="A",c="1"} 0:0 1:x"#,
            r#"{"ALERTS_FOR_STATE",a="{{ $labels.nope }}",alertname="A",c="2"} 1:60"#,
        ],
    );
}

#[test]
fn offsets_move_questions_and_answers() {
    check(
        "group g offset=1m\nrecord a = up\nrecord b = a",
        "up 1 2 3",
        2,
        &[r#"{"a"} 0:1 1:2"#, r#"{"b"} 0:1 1:2"#],
    );
    check(
        "group g offset=1m\nrecord a = up\ngroup h\nrecord b = a",
        "up 1 2 3",
        2,
        &[r#"{"a"} 0:1 1:2"#, r#"{"b"} 1:1 2:2"#],
    );
}

/// Failures as `rule first-last message`, in minutes.
#[track_caller]
fn check_failures(rules: &str, data: &str, count: i64, expect: &[&str]) {
    let (_, _, history) = both(rules, &input(data), minutes(count));
    let shown: Vec<String> = history
        .failures()
        .iter()
        .map(|failure| {
            let (first, last) = (failure.first.0 / MINUTE, failure.last.0 / MINUTE);
            format!("{} {first}-{last} {}", failure.rule.rule, failure.message)
        })
        .collect();
    assert_eq!(shown, expect);
}

#[test]
fn a_rule_that_fails_does_not_stop_the_others() {
    let two = "up{m=\"p\"} 1 2 x 1\nup{m=\"q\"} _ 2 2";
    let same = "vector contains metrics with the same labelset after applying rule labels";
    check_failures(
        "record a = up\nlabels m=x\nrecord b = up",
        two,
        4,
        &[&format!("0 1-1 {same}"), &format!("0 3-4 {same}")],
    );
    let same = "vector contains metrics with the same labelset after applying alert labels";
    check_failures(
        "alert A = up\nlabels m=x\nrecord b = ALERTS",
        two,
        4,
        &[&format!("0 1-1 {same}"), &format!("0 3-4 {same}")],
    );
    check_failures(
        "group g limit=1\nrecord a = up\nalert A = up",
        two,
        2,
        &["0 1-1 exceeded limit of 1 with 2 series", "1 1-1 exceeded limit of 1 with 2 alerts"],
    );
    check_failures(
        "record a = \"text\"\nrecord b = up[5m]\nrecord c = 1",
        two,
        1,
        &["0 0-1 rule result is not a vector or scalar", "1 0-1 rule result is not a vector or scalar"],
    );
    // The query itself fails at one instant only.
    let met = "record a = label_replace(up, \"m\", \"z\", \"\", \"\")\nrecord b = count(a)";
    let (_, columns, history) = both(met, &input(two), minutes(4));
    assert_eq!(history.failures().len(), 2);
    assert!(history.failures()[0].message.contains("same labelset"));
    assert!(dump(&columns).contains(r#"{__name__="a",m="z"}"#));
}

#[test]
fn two_rules_may_write_one_series() {
    let data = "p 1 2 _ _ _ _ _ _ 1\nq _ _ 5 6 _ 7";
    let message = |minute: i64, existing: &str, new: i64| {
        let at = minute * MINUTE;
        format!(
            "1 {minute}-{minute} duplicate sample for timestamp {at}; overrides not allowed: existing {existing}, \
             new value {new}"
        )
    };
    let expect =
        [(2, "2", 5), (3, "2", 6), (4, "2", 6), (5, "2", 7), (6, "NaN", 7), (8, "1", 7), (9, "1", 7)];
    let expect = expect.map(|(minute, existing, new)| message(minute, existing, new));
    check_failures("record a = p\nrecord a = q", data, 9, &expect.each_ref().map(String::as_str));
}

#[test]
fn input_may_stand_where_rules_write() {
    // The rule gives nothing as long as its own input is missing.
    check("record a = base\nrecord b = a", "a 1 2 3\nbase _", 3, &[r#"{"b"} 0:1 1:2 2:3 3:3"#]);
    check_failures(
        "record a = base",
        "a 1 2 _ 4\nbase 1 7 7",
        3,
        &[
            "0 1-1 duplicate sample for timestamp 60000; overrides not allowed: existing 2, new value 7",
            "0 3-3 duplicate sample for timestamp 180000; overrides not allowed: existing 4, new value 7",
        ],
    );
}

#[test]
fn groups_go_at_their_own_pace() {
    let rules = "group fast every=30s\nrecord a = up\nrecord c = b\ngroup slow every=2m\nrecord b = sum_over_time(a[2m])";
    let timeline = Timeline {
        start: Timestamp(30_000),
        end: Timestamp(10 * MINUTE),
        pace: Pace::Intervals { default: PromDuration::from_secs(60) },
    };
    let data = input("up 1 2 3 4 5 6 7 8 9 10 11");
    let (_, _, history) = both(rules, &data, timeline);
    assert_eq!(history.last_instant(), Some(Timestamp(10 * MINUTE)));
    let slow = RuleId { group: 1, rule: 0 };
    assert_eq!(history.instant_before(slow, Timestamp(5 * MINUTE)), Some(Timestamp(4 * MINUTE + 30_000)));
    assert_eq!(history.instant_before(slow, Timestamp(0)), None);
}

#[test]
fn what_looks_ahead_sees_what_is_there() {
    let data = "up 1 2 3 4 5 6";
    check(
        "record a = up offset -1m\nrecord b = up @ 120",
        data,
        3,
        &[r#"{"a"} 0:1 1:2 2:3 3:4"#, r#"{"b"} 0:1 1:2 2:3 3:3"#],
    );
    check(
        "record a = max_over_time(up[2m] @ end())\nrecord b = up + step()",
        data,
        1,
        &[r#"{"a"} 0:1 1:2"#, r#"{"b"} 0:1 1:2"#],
    );
}

#[test]
fn history_tells_when_alerts_fired() {
    let rules =
        "alert A for=1m keep=1m = up == 0\nlabels severity=page\nnote text={{ $labels.job }} is {{ $value }}";
    let data = input("up{job=\"j\"} 1 0 0 1 1 0 1 0 0 0");
    let (program, columns, history) = both(rules, &data, minutes(12));
    let minute = |at: Option<Timestamp>| at.map(|at| at.0 / MINUTE);
    let shown: Vec<_> = history
        .episodes()
        .iter()
        .map(|episode| (minute(Some(episode.active_at)), minute(episode.fired_at), minute(episode.ended_at)))
        .collect();
    assert_eq!(shown, [(Some(1), Some(2), Some(4)), (Some(5), None, Some(6)), (Some(7), Some(8), None)]);
    let rule = RuleId { group: 0, rule: 0 };
    let kept = history.alerts_at(&program, &columns, rule, Timestamp(3 * MINUTE + 59_999)).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].labels.to_string(), r#"{alertname="A",job="j",severity="page"}"#);
    assert_eq!(kept[0].annotations, [("text".to_owned(), "j is 0".to_owned())]);
    assert_eq!((kept[0].state, minute(kept[0].keep_firing_since)), (AlertState::Firing, Some(3)));
    assert!(history.alerts_at(&program, &columns, rule, Timestamp(-1)).unwrap().is_empty());
}

#[test]
fn templates_that_are_none_are_told_at_once() {
    let mut groups = program("alert A = up").groups().to_vec();
    if let Rule::Alerting(rule) = &mut groups[0].rules[0] {
        rule.labels = pairs("a={{ nope }}");
        rule.annotations = pairs("b={{ $x }}");
    }
    let settings = Settings {
        external_labels: Labels::default(),
        external_url: String::new(),
        server_url: None,
        syntax: syntax::Options { experimental: false, variables: false },
        eval: eval::Options::default(),
    };
    let mistakes: Vec<String> =
        Program::new(groups, settings).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "label `a`: template: __alert_A:1: function \"nope\" not defined",
            "annotation `b`: template: __alert_A:1: undefined variable \"$x\"",
        ]
    );
}

/// Rules put together at random over data with gaps, markers and values of all kinds: live and at once must agree.
#[test]
fn live_and_at_once_agree_on_anything() {
    let mut seed = 11_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let exprs = [
        "NAME",
        "NAME > 2",
        "sum by (m) (NAME)",
        "rate(NAME[3m])",
        "NAME offset 2m",
        "NAME offset -1m",
        "NAME == 1",
        "count(ALERTS)",
        "ALERTS{alertstate=\"firing\"}",
        "max_over_time(NAME[5m:1m])",
        "NAME @ 300",
        "absent(NAME)",
        "sum(NAME) + count(NAME)",
        "NAME unless NAME > 3",
        "{m=\"p\"} > 1",
        "avg_over_time(NAME[4m])",
        "vector(1)",
        "vector(time()) % 7 > 3",
        "label_replace(NAME, \"m\", \"z\", \"\", \"\")",
        "topk(1, NAME)",
        "NAME or NAME * 2",
        "ALERTS_FOR_STATE",
        "count by (m) (NAME) > 1",
        "sort(NAME)",
        "scalar(NAME) + 1",
        "min(NAME @ end())",
    ];
    let names = ["up", "up", "r0", "r1", "r2", "x"];
    let values = ["0", "1", "2", "3", "4", "_", "_", "x", "NaN", "-1"];
    for _ in 0..50 {
        let mut rules = String::new();
        for group in 0..=random(2) {
            let every = ["1m", "30s", "2m"][random(3)];
            let offset = ["0", "0", "1m", "45s"][random(4)];
            let limit = [0, 0, 0, 2][random(4)];
            writeln!(rules, "group g{group} every={every} offset={offset} limit={limit}").unwrap();
            for _ in 0..=random(4) {
                let expr = exprs[random(exprs.len())].replace("NAME", names[random(names.len())]);
                if random(2) == 0 {
                    writeln!(rules, "record r{} = {expr}", random(3)).unwrap();
                    if random(3) == 0 {
                        writeln!(rules, "labels m={}", ["p", "", "k"][random(3)]).unwrap();
                    }
                    continue;
                }
                let hold = ["0", "1m", "2m"][random(3)];
                let keep = ["0", "0", "2m"][random(3)];
                writeln!(rules, "alert A{} for={hold} keep={keep} = {expr}", random(2)).unwrap();
                let label = [
                    "s=1",
                    "m={{ $labels.m }}x",
                    "s={{ if gt $value 2.0 }}a{{ end }}",
                    "m=",
                    "s={{ len (query \"up\") }}",
                ];
                writeln!(rules, "labels {}", label[random(label.len())]).unwrap();
                writeln!(
                    rules,
                    "note a={{{{ $value }}}} {{{{ range query \"max by (m) (r1)\" | sortByLabel \"m\" }}}}{{{{ .Labels.m }}}}{{{{ .Value }}}} {{{{ end }}}}"
                )
                .unwrap();
            }
        }
        let mut data = String::new();
        for name in ["up{m=\"p\"}", "up{m=\"q\"}", "x{m=\"p\"}", "r0{m=\"p\"}"] {
            if name.starts_with('r') && random(4) > 0 {
                continue;
            }
            write!(data, "{name}").unwrap();
            for _ in 0..25 {
                write!(data, " {}", values[random(values.len())]).unwrap();
            }
            data.push('\n');
        }
        let pace = match random(2) {
            0 => Pace::Every(PromDuration::from_secs(60)),
            _ => Pace::Intervals { default: PromDuration::from_secs(60) },
        };
        let timeline = Timeline { start: Timestamp(0), end: Timestamp(25 * MINUTE), pace };
        let (rules, data) = (rules, input(&data));
        let chunk = [1, 2, 7, 4096][random(4)];
        let outcome = std::panic::catch_unwind(|| drop(both_in_chunks(&rules, &data, timeline, chunk)));
        assert!(outcome.is_ok(), "{rules}\n{data:?}\n{timeline:?} {chunk}");
    }
}
