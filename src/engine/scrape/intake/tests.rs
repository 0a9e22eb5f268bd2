//! Pages of one target, one after the other, and what the store holds then.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use crate::{
    formats::prometheus,
    series::{Select as _, TimeSpan, is_stale},
    text::Source,
    tsdb::Options,
};

use super::*;

/// A target with `instance="i",job="j"`, asked each second from second 1 on.
struct Lab {
    store: Store,
    exemplars: Arc<Exemplars>,
    notices: Arc<Mutex<Vec<String>>>,
    intake: Intake,
    second: i64,
}

fn rules(keys: &str) -> Arc<PageRules> {
    let file = format!("scrape_configs: [{{job_name: j, {keys}}}]");
    let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
    let config = &config.scrape_configs[0];
    Arc::new(PageRules {
        labels: LabelRules {
            honor_labels: config.honor_labels,
            relabelling: crate::engine::relabel::Relabelling::new(&config.metric_relabel),
            limits: config.limits,
            names: config.names,
        },
        honor_timestamps: config.honor_timestamps,
        track_timestamps_staleness: config.track_timestamps_staleness,
        series_limit: 1000,
    })
}

impl Lab {
    fn new(keys: &str) -> Self {
        let store = Store::in_memory(Options::default());
        let exemplars: Arc<Exemplars> = Arc::default();
        exemplars.set_capacity(100);
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&notices);
        let hear: Notices = Arc::new(move |notice: Notice| {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text);
        });
        let target = Labels::new([("instance", "i"), ("job", "j")]).unwrap();
        let intake =
            Intake::new(rules(keys), store.clone(), Arc::clone(&exemplars), hear, "t".to_owned(), target);
        Self { store, exemplars, notices, intake, second: 0 }
    }

    /// Samples on the page, those kept, series that are new; or why the page is refused.
    fn page(&mut self, page: &str) -> Result<(usize, usize, usize), String> {
        self.bytes(page.as_bytes(), Format::Text)
    }

    fn bytes(&mut self, page: &[u8], format: Format) -> Result<(usize, usize, usize), String> {
        self.second += 1;
        let now = Timestamp(self.second * 1000);
        let (counts, stored) = self.intake.page(page, format, now, now);
        stored.map(|()| (counts.scraped, counts.kept, counts.new)).map_err(|error| error.to_string())
    }

    /// Each series with the seconds and values of its samples, `!` where it ends.
    fn shown(&self) -> String {
        let span = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
        let reader = self.store.reader();
        let selected = reader.select(&[], span).unwrap();
        let mut lines = Vec::new();
        for series in selected {
            let labels = series.labels.without(&["instance", "job"]);
            let mut line = labels.to_string().replace("__name__=", "");
            for (at, value) in series.times.iter().zip(series.values.iter()) {
                let second = at.0 as f64 / 1000.0;
                if is_stale(*value) {
                    write!(line, " {second}!").unwrap();
                } else {
                    write!(line, " {second}:{value}").unwrap();
                }
            }
            lines.push(line);
        }
        lines.sort();
        lines.join("; ")
    }

    fn heard(&self) -> Vec<String> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[test]
fn series_begin_go_on_and_end() {
    let mut lab = Lab::new("");
    assert_eq!(lab.page("a 1\nb{x=\"1\"} 2\n"), Ok((2, 2, 2)));
    assert_eq!(lab.page("a 3\nb{x=\"1\"} 4\n"), Ok((2, 2, 0)));
    assert_eq!(lab.page("c 5\na 6\n"), Ok((2, 2, 1)));
    assert_eq!(lab.page("b{x=\"1\"} 7\na 8\nc 9"), Ok((3, 3, 1)));
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2:3 3:6 4:8; {"b",x="1"} 1:2 2:4 3! 4:7; {"c"} 3:5 4:9"#);
    assert_eq!(lab.heard(), [""; 0]);
}

#[test]
fn a_page_that_breaks_off_ends_what_it_did_not_come_to() {
    let mut lab = Lab::new("");
    assert_eq!(lab.page("a 1\nb 1\nc 1"), Ok((3, 3, 3)));
    assert_eq!(lab.page("b 2\nnew 2\na"), Err("line 3: expected a value, got \"\"".to_owned()));
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2!; {"b"} 1:1; {"c"} 1:1 2!"#);
    // A series goes on without a marker as long as the pages come to it.
    assert_eq!(lab.bytes(b"b 3\na\xff 3", Format::Text), Err("line 2: invalid UTF-8".to_owned()));
    assert_eq!(lab.bytes(b"b\na\xff 3", Format::Text), Err("line 1: expected a value, got \"\"".to_owned()));
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2!; {"b"} 1:1 4!; {"c"} 1:1 2!"#);
    let no_end = "line 2: data does not end with # EOF".to_owned();
    assert_eq!(lab.bytes(b"a 5\n", Format::OpenMetrics), Err(no_end));
    assert_eq!(lab.page("c 6"), Ok((1, 1, 0)));
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2! 6!; {"b"} 1:1 4!; {"c"} 1:1 2! 6:6"#);
    lab.intake.nothing(Timestamp(7000)).unwrap();
    lab.intake.nothing(Timestamp(8000)).unwrap();
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2! 6!; {"b"} 1:1 4!; {"c"} 1:1 2! 6:6 7!"#);
}

#[test]
fn what_stands_twice_counts_once() {
    let mut lab = Lab::new("");
    for _ in 0..2 {
        let new = usize::from(lab.second == 0);
        assert_eq!(lab.page("a 1\na 2\n"), Ok((2, 2, new)));
    }
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2:1"#);
    let dropped = "t: error on ingesting samples with different value but same timestamp: 1 dropped";
    assert_eq!(lab.heard(), [dropped]);
    // Another text for the same series: it goes on under the new one.
    let mut lab = Lab::new("");
    assert_eq!(lab.page("a{x=\"1\",y=\"2\"} 1"), Ok((1, 1, 1)));
    assert_eq!(lab.page("a{y=\"2\",x=\"1\"} 2"), Ok((1, 1, 1)));
    assert_eq!(lab.shown(), r#"{"a",x="1",y="2"} 1:1 2:2"#);
}

#[test]
fn times_of_the_page() {
    let page = |second: i64| format!("a 1 {}\nb 1\n", second * 1000);
    let mut lab = Lab::new("");
    assert_eq!(lab.page(&page(1)), Ok((2, 2, 2)));
    assert_eq!(lab.page(&page(1)), Ok((2, 2, 0)));
    assert_eq!(lab.page(&page(0)), Ok((2, 2, 0)));
    assert_eq!(lab.page(&page(10_000)), Ok((2, 2, 0)));
    // A series with times of its own does not end with its page.
    assert_eq!(lab.page("b 1"), Ok((1, 1, 0)));
    assert_eq!(lab.shown(), r#"{"a"} 1:1; {"b"} 1:1 2:1 3:1 4:1 5:1"#);
    assert_eq!(
        lab.heard(),
        [
            "t: error on ingesting out-of-order samples: 1 dropped",
            "t: error on ingesting samples that are too old or are too far into the future: 1 dropped",
        ]
    );
    let mut lab = Lab::new("track_timestamps_staleness: true");
    lab.page(&page(1)).unwrap();
    lab.page("b 1").unwrap();
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2!; {"b"} 1:1 2:1"#);
    let mut lab = Lab::new("honor_timestamps: false");
    lab.page(&page(7)).unwrap();
    lab.page("b 1").unwrap();
    assert_eq!(lab.shown(), r#"{"a"} 1:1 2!; {"b"} 1:1 2:1"#);
}

#[test]
fn a_series_with_times_of_its_own_goes_on_after_the_first_page() {
    let mut lab = Lab::new("");
    lab.second = 4;
    assert_eq!(lab.page("a 1 3000\nb 1"), Ok((2, 2, 2)));
    assert_eq!(lab.page("a 2 4000\nb 2"), Ok((2, 2, 0)));
    assert_eq!(lab.shown(), r#"{"a"} 3:1 4:2; {"b"} 5:1 6:2"#);
}

#[test]
fn each_format_refuses_what_the_other_takes() {
    let mut lab = Lab::new("");
    let wrong = |text: &str| Err(text.to_owned());
    assert_eq!(lab.page("a {x=\"1\"} 1\nb{x=\"1\" y=\"2\"} 1\nc 1\n"), Ok((3, 3, 3)));
    let open = |lab: &mut Lab, page: &str| lab.bytes(page.as_bytes(), Format::OpenMetrics);
    let no_number = wrong("line 1: \"{x=\\\"1\\\"}\" is no number");
    assert_eq!(open(&mut lab, "a {x=\"1\"} 2\n# EOF"), no_number);
    let no_comma = wrong("line 2: expected a comma or a closing brace, got \" y=\\\"2\\\"}\"");
    for _ in 0..2 {
        assert_eq!(open(&mut lab, "c 2\nb{x=\"1\" y=\"2\"} 2\n# EOF"), no_comma);
    }
    assert_eq!(open(&mut lab, "c 3\n# EOF"), Ok((1, 1, 0)));
    assert_eq!(lab.page("c 4\n"), Ok((1, 1, 0)));
    assert_eq!(lab.shown(), r#"{"a",x="1"} 1:1 2!; {"b",x="1",y="2"} 1:1 2!; {"c"} 1:1 2! 5:3 6:4"#);
}

#[test]
fn limits_refuse_the_whole_page() {
    let mut lab = Lab::new(
        "sample_limit: 2, metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]",
    );
    assert_eq!(lab.page("a 1\ngo_x 1\nb 1"), Ok((3, 2, 2)));
    assert_eq!(lab.page("a 2\ngo_x 2\nb 2\nc 2"), Err("sample limit exceeded".to_owned()));
    assert_eq!(lab.page("a 3\ngo_x 3\nb 3"), Ok((3, 2, 0)));
    assert_eq!(lab.shown(), r#"{"a"} 1:1 3:3; {"b"} 1:1 3:3"#);
    let mut lab = Lab::new("label_limit: 3");
    let wrong = "label_limit exceeded (metric: b, number of labels: 4, limit: 3)";
    assert_eq!(lab.page("a 1\nb{x=\"1\"} 1"), Err(wrong.to_owned()));
    assert_eq!(lab.shown(), "");
}

#[test]
fn too_many_series_are_cut_off() {
    let mut lab = Lab::new("");
    let mut page = String::new();
    for series in 0..=1000 {
        writeln!(page, "a{{x=\"{series}\"}} 1").unwrap();
    }
    let refused = "more than 1000 series, and no sample_limit is set";
    assert_eq!(lab.page(&page), Err(refused.to_owned()));
    assert_eq!((lab.shown(), lab.intake.cache.len()), (String::new(), 0));
    // Those of the page before do not count.
    for round in 0..3 {
        let page: String =
            (0..600).fold(String::new(), |page, series| page + &format!("a{{x=\"{round}-{series}\"}} 1\n"));
        assert_eq!(lab.page(&page), Ok((600, 600, 600)));
    }
    // Texts that change with each page are forgotten again.
    for round in 0..50 {
        let page: String =
            (0..100).fold(String::new(), |page, series| page + &format!("a{{x=\"{round}-{series}\"}} 1\n"));
        assert_eq!(lab.page(&page), Ok((100, 100, 100)));
    }
    assert_eq!(lab.intake.cache.len(), 100);
}

#[test]
fn what_relabelling_drops_does_not_count() {
    let mut lab =
        Lab::new("metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]");
    let mut page = String::new();
    for series in 0..1500 {
        writeln!(page, "go_x{{x=\"{series}\"}} 1").unwrap();
    }
    page.push_str("a 1\n");
    assert_eq!(lab.page(&page), Ok((1501, 1, 1)));
    assert_eq!(lab.page(&page), Ok((1501, 1, 0)));
    assert_eq!(lab.intake.cache.len(), 1001);
}

#[test]
fn families_and_exemplars_are_kept() {
    let mut lab = Lab::new("");
    let page = "# HELP a_seconds What it is.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
                a_seconds_bucket{le=\"1\"} 1 # {trace_id=\"t1\"} 0.5\na_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n";
    assert_eq!(lab.bytes(page.as_bytes(), Format::OpenMetrics), Ok((2, 2, 2)));
    let told = lab.intake.changed_metadata().unwrap();
    assert_eq!(told.len(), 1);
    let Metadata { family, kind, help, unit, .. } = &told[0];
    assert_eq!(
        [family, kind, help, unit].map(String::as_str),
        ["a_seconds", "histogram", "What it is.", "seconds"]
    );
    assert_eq!(lab.bytes(page.as_bytes(), Format::OpenMetrics), Ok((2, 2, 0)));
    assert_eq!(lab.intake.changed_metadata(), None);
    let span = TimeSpan { from: Timestamp(0), to: Timestamp(i64::MAX) };
    let found = lab.exemplars.select(&[vec![]], span);
    assert_eq!(found.len(), 1);
    let expect = r#"{__name__="a_seconds_bucket",instance="i",job="j",le="1.0"}"#;
    assert_eq!(found[0].series.to_string(), expect);
    assert_eq!(found[0].exemplars.len(), 2);
    for _ in 0..=crate::engine::scrape::families::PAGES {
        lab.page("b 1").unwrap();
    }
    assert_eq!(lab.intake.changed_metadata(), Some(Vec::new()));
}

#[test]
fn other_rules_end_what_they_leave_out() {
    let mut lab = Lab::new("");
    lab.page("a{x=\"1\"} 1\nb 1").unwrap();
    lab.intake.continue_with(rules(""));
    lab.page("a{x=\"1\"} 2\nb 2").unwrap();
    lab.intake.continue_with(rules("metric_relabel_configs: [{regex: x, action: labeldrop}]"));
    lab.page("a{x=\"1\"} 3\nb 3").unwrap();
    assert_eq!(lab.shown(), r#"{"a",x="1"} 1:1 2:2 3!; {"a"} 3:3; {"b"} 1:1 2:2 3:3"#);
    lab.intake.report(&[("up", 1.0)], Timestamp(3000)).unwrap();
    lab.intake.finish(&["up", "scrape_timeout_seconds"], Timestamp(4000)).unwrap();
    assert_eq!(lab.shown(), r#"{"a",x="1"} 1:1 2:2 3!; {"a"} 3:3 4!; {"b"} 1:1 2:2 3:3 4!; {"up"} 3:1 4!"#);
}

#[test]
fn what_other_rules_leave_out_ends_with_a_page_that_fails() {
    let mut lab = Lab::new("");
    lab.page("a{x=\"1\"} 1").unwrap();
    lab.intake.continue_with(rules("metric_relabel_configs: [{regex: x, action: labeldrop}]"));
    lab.page("a{").unwrap_err();
    lab.page("a{x=\"1\"} 3").unwrap();
    assert_eq!(lab.shown(), r#"{"a",x="1"} 1:1 2!; {"a"} 3:3"#);
}

#[test]
fn a_target_that_came_back_is_not_ended_in_its_past() {
    let mut lab = Lab::new("");
    lab.store.set_options(Options { out_of_order_window_millis: 60_000, ..Options::default() });
    lab.page("a 1\nb 1").unwrap();
    let a = Labels::new([("__name__", "a"), ("instance", "i"), ("job", "j")]).unwrap();
    lab.store.commit(&[(a, Timestamp(9000), 2.0)]).unwrap();
    lab.intake.finish(&[], Timestamp(5000)).unwrap();
    assert_eq!(lab.shown(), r#"{"a"} 1:1 9:2; {"b"} 1:1 5!"#);
}
