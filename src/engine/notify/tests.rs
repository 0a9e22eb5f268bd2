//! Alerts against Alertmanagers that answer, and against those that do not.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    engine::{
        Notice,
        stand_in::{Reply, StandIn},
    },
    formats::prometheus,
    rules::{Alert, AlertState},
    text::Source,
    time::Timestamp,
};

use super::*;

struct Lab {
    notifier: Notifier,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Lab {
    fn new() -> Self {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hear = Arc::clone(&heard);
        let notices: Notices = Arc::new(move |notice: Notice| {
            hear.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text);
        });
        Self { notifier: Notifier::new(Handle::current(), Hosts::default(), notices), heard }
    }

    fn apply(&self, alertmanagers: &str) {
        let text = format!("alerting: {{alertmanagers: [{alertmanagers}]}}");
        let (config, _) = prometheus::read(&Source::new("t", text)).unwrap();
        self.notifier.apply(&config);
    }

    fn send(&self) {
        let alert = Alert {
            state: AlertState::Firing,
            labels: [("alertname", "Down")].into_iter().collect(),
            annotations: Vec::new(),
            value: 1.0,
            active_at: Timestamp(0),
            fired_at: Some(Timestamp(0)),
            resolved_at: None,
            keep_firing_since: None,
        };
        self.notifier.send("http://here", "up", vec![DueAlert { alert, valid_until: Timestamp(1) }]);
    }

    fn count(&self) -> (u64, u64) {
        let Counters { sent, failed, .. } = self.notifier.counters();
        (sent.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
    }

    fn active(&self) -> Vec<String> {
        self.notifier.alertmanagers().active
    }
}

/// Waits, in a time that goes by as fast as it can, until something holds.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to that");
}

async fn good() -> StandIn {
    StandIn::start(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec())).await
}

/// It takes requests, and never answers in full.
async fn slow() -> StandIn {
    StandIn::start(|_| Reply::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec())).await
}

fn targets(servers: &[&StandIn]) -> String {
    let targets: Vec<String> = servers.iter().map(|server| format!("'{}'", server.address)).collect();
    format!("static_configs: [{{targets: [{}]}}]", targets.join(", "))
}

#[tokio::test(start_paused = true)]
async fn a_slow_alertmanager_delays_no_other() {
    let (good, slow) = (good().await, slow().await);
    let lab = Lab::new();
    lab.apply(&format!("{{{}, timeout: 1h}}", targets(&[&slow, &good])));
    for round in 1..=3 {
        lab.send();
        until(|| lab.count().0 == round).await;
    }
    assert_eq!((slow.requests().len(), good.requests().len(), lab.count()), (1, 3, (3, 0)));
    // The end comes soon, and what was on its way had its chance.
    let begun = Instant::now();
    lab.notifier.stop().await;
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_sent_at_the_end() {
    let server = good().await;
    let lab = Lab::new();
    lab.apply(&format!("{{{}}}", targets(&[&server])));
    lab.send();
    lab.send();
    lab.notifier.stop().await;
    assert_eq!((lab.count(), lab.active()), ((2, 0), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn files_and_servers_say_which_alertmanagers_there_are() {
    let sd = StandIn::start(|_| {
        Reply::Page("application/json", r#"[{"targets": ["a:1", "b:2", "b:2"]}]"#.to_owned())
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.yml");
    crate::files::write_secret(&file, b"[{targets: [c:3]}]").unwrap();
    let lab = Lab::new();
    let files = format!("{{file_sd_configs: [{{files: ['{}']}}]}}", file.display());
    let http = format!("{{http_sd_configs: [{{url: '{}'}}]}}", sd.url("/"));
    lab.apply(&format!("{files}, {http}"));
    until(|| lab.active().len() == 3).await;
    let urls = ["c:3", "a:1", "b:2"].map(|address| format!("http://{address}/api/v2/alerts"));
    assert_eq!(lab.active(), urls);
    crate::files::remove(&file).unwrap();
    until(|| lab.active() == urls[1..]).await;
    // An entry that stays keeps what it has found.
    lab.apply(&http);
    assert_eq!(lab.active(), urls[1..]);
}

#[tokio::test(start_paused = true)]
async fn labels_say_where_an_alertmanager_is() {
    let lab = Lab::new();
    let check = |keys: &str, group: &str, active: &[&str], dropped: &[&str]| {
        lab.apply(&format!("{{{keys}, static_configs: [{{targets: [a:1, a:1], labels: {{{group}}}}}]}}"));
        let all = lab.notifier.alertmanagers();
        assert_eq!(all.active, active, "{keys} {group}");
        assert_eq!(all.dropped, dropped, "{keys} {group}");
    };
    check("path_prefix: x/", "", &["http://a:1/x/api/v2/alerts"], &[]);
    check("scheme: https", "__alerts_path__: /y z", &["https://a:1/y%20z"], &[]);
    check("path_prefix: /x", "__scheme__: https, __address__: b", &["https://a:1/x/api/v2/alerts"], &[]);
    let rules = "relabel_configs: [{target_label: __scheme__, replacement: ''}, {source_labels: [d], regex: '1', action: drop}]";
    let url = "http://a:1/api/v2/alerts";
    check(rules, "d: '1'", &[], &[url, url]);
    assert_eq!(*lab.heard.lock().unwrap(), [""; 0]);
    check(rules, "", &[], &[]);
    let told = "the Alertmanager `a:1` has no usable address: unsupported protocol scheme \"\"";
    assert_eq!(*lab.heard.lock().unwrap(), [told]);
}
