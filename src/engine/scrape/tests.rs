//! Scraping against servers that behave, and against those that do not.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    engine::{
        Health, Notice,
        stand_in::{OPEN_METRICS, Reply, StandIn, TEXT},
    },
    formats::prometheus,
    series::{Select as _, TimeSpan, is_stale},
    text::Source,
    time::Timestamp,
    tsdb::Options,
};

use super::*;

/// Scraping by a clock that begins at 1000 s and goes as tokio's does.
struct Lab {
    scraping: Scraping,
    store: Store,
    heard: Arc<Mutex<Vec<String>>>,
    clock: Clock,
}

const START: i64 = 1_000_000;

impl Lab {
    fn new() -> Self {
        let store = Store::in_memory(Options::default());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hear = Arc::clone(&heard);
        let notices: Notices = Arc::new(move |notice: Notice| {
            hear.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text);
        });
        let started = Instant::now();
        let clock: Clock =
            Arc::new(move || Timestamp(START + i64::try_from(started.elapsed().as_millis()).unwrap()));
        let scraping =
            Scraping::new(Handle::current(), store.clone(), Hosts::default(), Arc::clone(&clock), notices);
        Self { scraping, store, heard, clock }
    }

    /// `ADDRESS` in the text stands for that of the server.
    fn apply(&self, jobs: &str, server: &StandIn) {
        let text = format!("scrape_configs: [{jobs}]").replace("ADDRESS", &server.address.to_string());
        let (config, _) = prometheus::read(&Source::new("t", text)).unwrap();
        self.scraping.apply(&config.scrape_configs, 100);
    }

    /// Waits, in a time that goes by as fast as it can, until something holds.
    async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        for _ in 0..200_000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?} {:?}", self.scraping.targets(), self.samples("up"));
    }

    async fn until_second(&self, second: i64) {
        self.until(|lab| (lab.clock)().0 >= START + second * 1000).await;
    }

    /// Seconds after the start and values, `!` where the series ends.
    fn samples(&self, name: &str) -> Vec<(f64, String)> {
        let span = TimeSpan { from: Timestamp(0), to: Timestamp(i64::MAX) };
        let reader = self.store.reader();
        let selected: Vec<_> = reader.select(&[], span).unwrap().collect();
        let named = selected.iter().filter(|series| series.labels.get("__name__") == Some(name));
        named
            .flat_map(|series| series.times.iter().zip(series.values.iter()))
            .map(|(at, value)| {
                let shown = if is_stale(*value) { "!".to_owned() } else { value.to_string() };
                ((at.0 - START) as f64 / 1000.0, shown)
            })
            .collect()
    }

    fn values(&self, name: &str) -> Vec<String> {
        self.samples(name).into_iter().map(|(_, value)| value).collect()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const JOB: &str =
    "{job_name: j, scrape_interval: 10s, scrape_timeout: 5s, static_configs: [{targets: ['ADDRESS']}]}";

fn with(keys: &str) -> String {
    if keys.is_empty() { JOB.to_owned() } else { JOB.replace("job_name: j", &format!("job_name: j, {keys}")) }
}

#[tokio::test(start_paused = true)]
async fn a_target_is_scraped_at_once_and_then_at_even_times() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| {
        Reply::Page(TEXT, format!("# TYPE a counter\na {}\n", count.fetch_add(1, Ordering::Relaxed)))
    })
    .await;
    let lab = Lab::new();
    lab.apply(JOB, &server);
    assert_eq!(lab.scraping.targets().active[0].health, Health::Unknown);
    lab.until(|lab| lab.values("a").len() == 5).await;
    let samples = lab.samples("a");
    assert!(samples[0].0 < 1.0, "{samples:?}");
    assert!((5.0..=15.0).contains(&samples[1].0), "{samples:?}");
    for pair in samples[1..].windows(2) {
        assert!((pair[1].0 - pair[0].0 - 10.0).abs() < 1e-9, "{samples:?}");
    }
    assert_eq!(lab.values("up"), ["1"; 5]);
    assert_eq!(lab.values("scrape_samples_scraped"), ["1"; 5]);
    assert_eq!(lab.values("scrape_samples_post_metric_relabeling"), ["1"; 5]);
    assert_eq!(lab.values("scrape_series_added"), ["1", "0", "0", "0", "0"]);
    assert_eq!(lab.values("scrape_duration_seconds").len(), 5);
    let target = &lab.scraping.targets().active[0];
    assert_eq!((target.health, target.last_error.as_str(), target.pool.as_str()), (Health::Up, "", "j"));
    assert_eq!(target.url, server.url("/metrics"));
    assert_eq!(lab.scraping.metadata()[0].family, "a");
    assert_eq!(server.connections(), 1);
    let request = server.requests()[0].clone();
    for line in [
        "GET /metrics HTTP/1.1",
        "accept-encoding: gzip",
        concat!("user-agent: llmobs/", env!("CARGO_PKG_VERSION")),
        "x-prometheus-scrape-timeout-seconds: 5",
    ] {
        assert!(request.lines().any(|have| have == line), "{line}: {request}");
    }
    // Nothing changes: the loop goes on.
    lab.apply(JOB, &server);
    lab.until(|lab| lab.values("a").len() == 6).await;
    let samples = lab.samples("a");
    assert!((samples[5].0 - samples[4].0 - 10.0).abs() < 1e-9, "{samples:?}");
    lab.scraping.stop().await;
    assert!(lab.scraping.targets().active.is_empty() && lab.values("a").last().unwrap() == "5");
}

/// What `/targets` says of a target that answers so.
async fn fails(keys: &str, reply: Reply, expect: &str) {
    let server = StandIn::start(move |_| reply.clone()).await;
    let good = StandIn::start(|_| Reply::Page(TEXT, "good 1\n".to_owned())).await;
    let lab = Lab::new();
    let other = format!("{{job_name: good, static_configs: [{{targets: ['{}']}}]}}", good.address);
    lab.apply(&format!("{}, {other}", with(keys)), &server);
    let is_known = |lab: &Lab| lab.scraping.targets().active.iter().all(|one| one.health != Health::Unknown);
    lab.until(is_known).await;
    let targets = lab.scraping.targets().active;
    let of = |pool: &str| targets.iter().find(|target| target.pool == pool).unwrap();
    assert_eq!((of("j").health, of("good").health), (Health::Down, Health::Up));
    assert_eq!(of("j").last_error.replace(&server.address.to_string(), "ADDRESS"), expect);
}

#[tokio::test(start_paused = true)]
async fn bad_targets_say_why_and_the_rest_goes_on() {
    let status = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_vec();
    fails("", Reply::Raw(status), "server returned HTTP status 500 Internal Server Error").await;
    let html = "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target";
    fails("", Reply::Page("text/html", "<p>".to_owned()), html).await;
    fails("", Reply::Page(TEXT, "a 1\nb one\n".to_owned()), "line 2: \"one\" is no number").await;
    let bytes = crate::engine::stand_in::page(TEXT, b"a 1\nb{x=\"\xff\"} 1\n");
    fails("", Reply::Raw(bytes), "line 2: invalid UTF-8").await;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {TEXT}\r\n\r\n").into_bytes();
    fails("", Reply::Drip(head.clone()), "context deadline exceeded").await;
    let endless = Reply::Endless(head, b"a 1\n".repeat(1 << 14));
    fails("body_size_limit: 1MB", endless.clone(), "body size limit exceeded").await;
    let own = "body size limit exceeded (67108864 bytes, as no body_size_limit is set)";
    fails("", endless, own).await;
    let redirect = crate::engine::stand_in::redirect("http://169.254.169.254/");
    let refused = "Get \"http://169.254.169.254/\": redirect to the link-local or metadata address 169.254.169.254 refused";
    fails("", redirect, refused).await;
    fails("sample_limit: 1", Reply::Page(TEXT, "a 1\nb 1\n".to_owned()), "sample limit exceeded").await;
}

#[tokio::test(start_paused = true)]
async fn series_end_with_failures_and_with_their_target() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::Raw(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_vec()),
        _ => Reply::Page(OPEN_METRICS, "a 1\n# EOF\n".to_owned()),
    })
    .await;
    let lab = Lab::new();
    lab.apply(JOB, &server);
    lab.until(|lab| lab.values("up").len() == 3).await;
    assert_eq!(lab.values("a"), ["1", "!", "1"]);
    assert_eq!(lab.values("up"), ["1", "0", "1"]);
    let last = lab.samples("a")[2].0;
    // The target goes; its series end two intervals and a bit later, as of when it was not asked first.
    lab.apply("", &server);
    assert!(lab.scraping.targets().active.is_empty());
    lab.until(|lab| lab.values("up").len() == 4).await;
    let (ended, marker) = lab.samples("a")[3].clone();
    assert!((ended - last - 10.0).abs() < 1e-6 && marker == "!", "{ended} {last} {marker}");
    assert_eq!(lab.values("scrape_series_added").last().unwrap(), "!");
    assert!((lab.clock)().0 >= START + 20_000);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_takes_the_target_over() {
    let server = StandIn::start(|_| Reply::Page(TEXT, "a{x=\"1\"} 1\nb 1\n".to_owned())).await;
    let lab = Lab::new();
    lab.apply(JOB, &server);
    lab.until(|lab| lab.values("b").len() == 2).await;
    lab.apply(
        &with("metric_relabel_configs: [{source_labels: [__name__], regex: a, action: drop}]")
            .replace("10s", "20s"),
        &server,
    );
    lab.until(|lab| lab.values("b").len() == 4).await;
    assert_eq!(lab.values("a"), ["1", "1", "!"]);
    assert_eq!(lab.values("b"), ["1"; 4]);
    assert_eq!(lab.scraping.targets().active[0].interval, Duration::from_secs(20));
    let second = (lab.clock)().0 / 1000 - START / 1000;
    lab.until_second(second + 60).await;
    assert!(!lab.values("b").contains(&"!".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn targets_are_limited_dropped_and_refused() {
    let server = StandIn::start(|_| Reply::Page(TEXT, "a 1\n".to_owned())).await;
    let lab = Lab::new();
    let targets =
        "static_configs: [{targets: ['ADDRESS', 'ADDRESS']}, {targets: ['ADDRESS'], labels: {x: '1'}}]";
    lab.apply(&format!("{{job_name: j, target_limit: 1, {targets}}}"), &server);
    lab.until(|lab| lab.values("up").len() >= 2).await;
    let active = lab.scraping.targets().active;
    assert_eq!(active.len(), 2);
    assert_eq!(active[0].last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
    assert_eq!(server.requests().len(), 0);
    let rules = "relabel_configs: [{source_labels: [x], regex: '1', action: drop}, \
                 {source_labels: [y], regex: '1', target_label: __address__, replacement: 'a/b'}]";
    let targets = targets.replace("]}]", "]}, {targets: ['ADDRESS'], labels: {y: '1'}}]");
    let targets = targets.replace("{x: '1'}}]", "{x: '1'}}, {targets: ['ADDRESS'], labels: {y: '1'}}]");
    lab.apply(&format!("{{job_name: j, {rules}, {targets}}}"), &server);
    lab.until(|_| !server.requests().is_empty()).await;
    let targets = lab.scraping.targets();
    assert_eq!((targets.active.len(), targets.dropped.len(), targets.dropped_counts["j"]), (1, 1, 1));
    let refused =
        format!("job j: creating target failed: {}: \"a/b\" is not a valid hostname", server.address);
    assert!(lab.heard().contains(&refused), "{:?}", lab.heard());
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_target_that_hangs() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Page(TEXT, "a 1\n".to_owned()),
        _ => Reply::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
    })
    .await;
    let lab = Lab::new();
    lab.apply(JOB, &server);
    lab.until(|_| server.requests().len() == 2).await;
    let begun = Instant::now();
    lab.scraping.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!((lab.values("a"), lab.values("up")), (vec!["1".to_owned()], vec!["1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_goes_down_is_told_once() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::Raw(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec()),
        2 => Reply::Raw(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n".to_vec()),
        _ => Reply::Page(TEXT, "a 1\n".to_owned()),
    })
    .await;
    let lab = Lab::new();
    lab.apply(JOB, &server);
    lab.until(|lab| lab.values("up").len() == 5).await;
    let target = format!("the target {} of the job j is", server.url("/metrics"));
    let down = format!("{target} down: server returned HTTP status 503 Busy");
    assert_eq!(lab.heard(), [down, format!("{target} up again")]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_scrape() {
    let panics = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (flag, count) = (Arc::clone(&panics), AtomicUsize::new(0));
    let server = StandIn::start(move |_| {
        // The next to ask the clock is who reads the page.
        flag.store(count.fetch_add(1, Ordering::Relaxed) == 1, Ordering::Relaxed);
        Reply::Page(TEXT, "a 1\n".to_owned())
    })
    .await;
    let mut lab = Lab::new();
    let clock = Arc::clone(&lab.clock);
    let watched: Clock = Arc::new(move || {
        assert!(!panics.swap(false, Ordering::Relaxed), "the clock stands still");
        clock()
    });
    let notices = Arc::clone(&lab.scraping.0.notices);
    let store = lab.store.clone();
    lab.scraping = Scraping::new(Handle::current(), store, Hosts::default(), watched, notices);
    lab.apply(JOB, &server);
    lab.until(|lab| lab.values("a").len() == 3).await;
    assert_eq!((server.requests().len(), lab.values("up").len()), (4, 3));
    let heard = lab.heard();
    assert!(heard[0].contains("is down: the scrape came to nothing: ") && heard[1].ends_with("up again"));
    assert_eq!(lab.scraping.targets().active[0].health, Health::Up);
}

#[tokio::test(start_paused = true)]
async fn files_say_which_targets_there_are() {
    let server = StandIn::start(|_| Reply::Page(TEXT, "a 1\n".to_owned())).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.yml");
    let write = |text: &str| crate::files::write_secret(&file, text.as_bytes()).unwrap();
    let lab = Lab::new();
    let pattern = folder.path().join("*.yml");
    let job = format!("{{job_name: j, file_sd_configs: [{{files: ['{}']}}]}}", pattern.display());
    lab.apply(&job, &server);
    assert!(lab.scraping.targets().active.is_empty());
    write(&format!("- targets: ['{}']\n  labels: {{x: '1'}}\n", server.address));
    lab.until(|lab| lab.values("a").len() == 1).await;
    let target = lab.scraping.targets().active[0].clone();
    assert_eq!(target.labels.get("x"), Some("1"));
    assert_eq!(target.discovered.get("__meta_filepath"), file.to_str());
    write("- target: [x]\n");
    lab.until(|lab| lab.heard().len() == 1).await;
    assert!(
        lab.heard()[0].contains("unknown key `target` in a target group; its last targets stay"),
        "{:?}",
        lab.heard()
    );
    assert_eq!(lab.scraping.targets().active.len(), 1);
    write(&format!("- targets: ['{0}']\n- targets: ['{0}']\n  labels: {{x: '22'}}\n", server.address));
    lab.until(|lab| lab.scraping.targets().active.len() == 2).await;
    crate::files::remove(&file).unwrap();
    lab.until(|lab| lab.scraping.targets().active.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn servers_say_which_targets_there_are() {
    let server = StandIn::start(|head| {
        if head.starts_with("GET /sd") {
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            Reply::Page(
                "application/json; charset=utf-8",
                format!(r#"[{{"targets": ["{host}"], "labels": {{"x": "1"}}}}]"#),
            )
        } else {
            Reply::Page(TEXT, "a 1\n".to_owned())
        }
    })
    .await;
    let lab = Lab::new();
    lab.apply("{job_name: j, http_sd_configs: [{url: 'http://ADDRESS/sd'}]}", &server);
    lab.until(|lab| lab.values("a").len() == 1).await;
    let target = lab.scraping.targets().active[0].clone();
    assert_eq!(
        (target.labels.get("x"), target.discovered.get("__meta_url")),
        (Some("1"), Some(&*server.url("/sd")))
    );
    lab.apply("{job_name: j, scrape_interval: 30s, http_sd_configs: [{url: 'http://ADDRESS/sd'}]}", &server);
    assert_eq!(lab.scraping.targets().active.len(), 1);
    lab.apply("{job_name: j, http_sd_configs: [{url: 'http://ADDRESS/other'}]}", &server);
    lab.until(|lab| lab.heard().len() == 1).await;
    let refused = "unable to refresh target groups: unsupported content type \"text/plain; version=0.0.4\"; \
                   the last targets stay";
    assert_eq!(lab.heard(), [refused]);
}
