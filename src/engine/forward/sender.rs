//! Sends batches of one queue to one server, and tries again what may pass.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hyper::{
    Method,
    body::Bytes,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};

use crate::{
    engine::{
        Clock, Hosts, Notice, Notices,
        fetch::{Bodies, Bounds, Client, Outgoing, Url, UrlError},
        relabel::{Relabelling, Verdict},
    },
    formats::{
        prometheus::{self, RemoteWrite},
        remote_write::{Encoder, pack},
    },
    series::Labels,
    time::Timestamp,
};

use super::queue::{Queue, Sample};

/// Bytes of an answer; only its status and first line count.
const ANSWER: usize = 64 << 10;
/// Label sets whose outgoing form is remembered.
const REMEMBERED: usize = 50_000;
/// The longest wait that a server can ask for.
const RETRY_AFTER_MOST: Duration = Duration::from_mins(5);

pub(super) struct Sender {
    url: Url,
    timeout: Duration,
    written: prometheus::Queue,
    external_labels: Vec<(String, String)>,
    relabelling: Relabelling,
    client: Client,
    queue: Arc<Queue>,
    clock: Clock,
    notices: Notices,
    /// Labels as they are sent; `None` where relabelling drops the series.
    outgoing: HashMap<Labels, Option<Labels>>,
    /// What it failed with last; told once.
    error: Option<String>,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Taken,
    /// It may pass: again after this time, where the server names one.
    Again(String, Option<Duration>),
    Refused(String),
}

impl Sender {
    pub(super) fn new(
        written: &RemoteWrite,
        external_labels: &[(String, String)],
        queue: Arc<Queue>,
        hosts: Hosts,
        clock: Clock,
        notices: Notices,
    ) -> Result<Self, UrlError> {
        // Headers of the file are sent by the client, whose settings they are.
        let mut client = written.client.clone();
        client.headers.extend(written.headers.iter().cloned());
        Ok(Self {
            url: Url::parse(&written.url)?,
            timeout: Duration::from_millis(written.remote_timeout.as_millis()),
            written: written.queue,
            external_labels: external_labels.to_vec(),
            relabelling: Relabelling::new(&written.write_relabel),
            client: Client::new(&client, hosts),
            queue,
            clock,
            notices,
            outgoing: HashMap::new(),
            error: None,
        })
    }

    /// Sends until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        while let Some(samples) = self.queue.next().await {
            self.send(samples).await;
        }
    }

    /// Sends samples until they are taken or refused.
    async fn send(&mut self, mut samples: Vec<Sample>) {
        let least = Duration::from_millis(self.written.min_backoff.as_millis()).max(Duration::from_millis(1));
        let most = Duration::from_millis(self.written.max_backoff.as_millis()).max(least);
        let mut backoff = least;
        loop {
            self.drop_old(&mut samples);
            let Some((body, count)) = self.body(&samples) else { return };
            match self.post(body).await {
                Outcome::Taken => {
                    let newest = samples.iter().map(|(_, at, _)| *at).max();
                    self.queue.count(|counts| {
                        counts.sent += count;
                        counts.newest_sent = counts.newest_sent.max(newest);
                    });
                    return self.tell(None, "");
                }
                Outcome::Refused(why) => {
                    self.queue.count(|counts| counts.failed += count);
                    return self.tell(Some(why), &format!("{count} samples are refused: "));
                }
                Outcome::Again(why, after) => {
                    self.queue.count(|counts| counts.retried += count);
                    self.tell(Some(why), "");
                    tokio::time::sleep(after.unwrap_or(backoff)).await;
                    backoff = (backoff * 2).min(most);
                }
            }
        }
    }

    /// Leaves out what is older than the file allows.
    fn drop_old(&self, samples: &mut Vec<Sample>) {
        let limit = i64::try_from(self.written.sample_age_limit.as_millis()).unwrap_or(i64::MAX);
        if limit == 0 {
            return;
        }
        let oldest = Timestamp((self.clock)().0.saturating_sub(limit));
        let before = samples.len();
        samples.retain(|(_, at, _)| *at >= oldest);
        self.queue.count(|counts| counts.dropped += (before - samples.len()) as u64);
    }

    /// The request and how many samples it holds; none where relabelling leaves nothing.
    fn body(&mut self, samples: &[Sample]) -> Option<(Bytes, u64)> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut series: Vec<(Labels, Vec<(Timestamp, f64)>)> = Vec::new();
        let mut count = 0;
        for (labels, at, value) in samples {
            let Some(labels) = self.labels(labels) else { continue };
            let place = *places.entry(labels.clone()).or_insert_with(|| {
                series.push((labels, Vec::new()));
                series.len() - 1
            });
            series[place].1.push((*at, *value));
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let mut encoder = Encoder::default();
        for (labels, mut samples) in series {
            samples.sort_by_key(|(at, _)| *at);
            encoder.series(&labels, &samples);
        }
        Some((Bytes::from(pack(&encoder.finish())), count))
    }

    /// With the external labels that it does not have itself, relabelled.
    fn labels(&mut self, labels: &Labels) -> Option<Labels> {
        if let Some(known) = self.outgoing.get(labels) {
            return known.clone();
        }
        let mut edit = labels.edit();
        for (name, value) in &self.external_labels {
            if edit.get(name).is_none() {
                edit.set(name.as_str(), value.as_str());
            }
        }
        let outgoing = match self.relabelling.run(&mut edit) {
            Verdict::Kept => Some(edit.finish()).filter(|labels| !labels.is_empty()),
            Verdict::Dropped => None,
        };
        if self.outgoing.len() >= REMEMBERED {
            self.outgoing.clear();
        }
        self.outgoing.insert(labels.clone(), outgoing.clone());
        outgoing
    }

    async fn post(&self, body: Bytes) -> Outcome {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        let version = HeaderName::from_static("x-prometheus-remote-write-version");
        headers.insert(version, HeaderValue::from_static("0.1.0"));
        let message = Outgoing { method: Method::POST, url: &self.url, headers, body };
        let bounds = Bounds { time: self.timeout, body: ANSWER, expected_body: 0 };
        let answer = match self.client.send(&message, bounds, Bodies::All).await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Again(error.to_string(), None),
        };
        if answer.status.is_success() {
            return Outcome::Taken;
        }
        let text = String::from_utf8_lossy(&answer.body);
        let line: String = text.lines().next().unwrap_or_default().trim().chars().take(200).collect();
        let why = format!("it answers {} {line}", answer.status.as_u16()).trim_end().to_owned();
        let is_told_to_wait = self.written.retry_on_http_429 && answer.status.as_u16() == 429;
        let may_pass = answer.status.is_server_error() || is_told_to_wait;
        if !may_pass {
            return Outcome::Refused(why);
        }
        let after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        // No time at all is no time to wait: the usual one is.
        let after = after.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Outcome::Again(why, after.map(|after| after.min(RETRY_AFTER_MOST)))
    }

    /// A failure is told when it begins; `detail` stands before it, and may differ from one batch to the next.
    fn tell(&mut self, failure: Option<String>, detail: &str) {
        match &failure {
            Some(why) if self.error.as_ref() != Some(why) => {
                let text = format!("samples cannot be sent on to {}: {detail}{why}", self.url);
                (self.notices)(Notice::error(text));
            }
            None if self.error.is_some() && !self.queue.is_closed() => {
                (self.notices)(Notice::note(format!("samples reach {} again", self.url)));
            }
            _ => {}
        }
        self.error = failure;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{
        engine::stand_in::{Reply, StandIn},
        formats::prometheus,
        text::Source,
    };

    fn sample(name: &str, at: i64) -> Sample {
        ([("__name__", name)].into_iter().collect(), Timestamp(at), 1.0)
    }

    /// Sends samples to a server that answers these, one after the other; says what was counted and told.
    async fn sent(answers: &'static [&'static str], rest: &str) -> (String, Vec<String>, usize) {
        let next = Mutex::new(answers.iter());
        let server = StandIn::start(move |_| {
            let answer = next.lock().unwrap().next().unwrap_or(&"204 No Content\r\n");
            Reply::Raw(format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n").into_bytes())
        })
        .await;
        let text = format!(
            "global: {{external_labels: {{x: y}}}}\nremote_write: [{{url: '{}'{rest}}}]",
            server.url("/write")
        );
        let (config, _) = prometheus::read(&Source::new("t", text)).unwrap();
        let written = &config.remote_write[0];
        let queue = Arc::new(Queue::new(&written.queue));
        let told = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&told);
        let sender = Sender::new(
            written,
            &config.global.external_labels,
            Arc::clone(&queue),
            Hosts::default(),
            Arc::new(|| Timestamp(10_000)),
            Arc::new(move |notice: Notice| hear.lock().unwrap().push(notice.text)),
        )
        .unwrap();
        queue.push(vec![sample("a", 1_000), sample("b", 9_000), sample("a", 9_500)]);
        queue.close();
        sender.run().await;
        let counts = queue.counts();
        let shown = format!(
            "{} sent, {} failed, {} retried, {} dropped",
            counts.sent, counts.failed, counts.retried, counts.dropped
        );
        let url = server.url("/write");
        let told = told.lock().unwrap().iter().map(|text| text.replace(&url, "URL")).collect();
        (shown, told, server.requests().len())
    }

    #[tokio::test]
    async fn samples_are_sent_once() {
        let (counts, told, requests) = sent(&[], "").await;
        assert_eq!((counts.as_str(), told.len(), requests), ("3 sent, 0 failed, 0 retried, 0 dropped", 0, 1));
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let answers = &["503 Busy\r\n", "429 Slow down\r\nRetry-After: 0\r\n"];
        let queue = ", queue_config: {min_backoff: 1ms, retry_on_http_429: true}";
        let (counts, told, requests) = sent(answers, queue).await;
        assert_eq!((counts.as_str(), requests), ("3 sent, 0 failed, 6 retried, 0 dropped", 3));
        let cannot = "samples cannot be sent on to URL: it answers";
        assert_eq!(told, [format!("{cannot} 503"), format!("{cannot} 429")]);
    }

    #[tokio::test]
    async fn what_is_refused_is_counted() {
        let (counts, told, requests) = sent(&["400 Bad Request\r\n"], "").await;
        assert_eq!((counts.as_str(), requests), ("0 sent, 3 failed, 0 retried, 0 dropped", 1));
        assert_eq!(told, ["samples cannot be sent on to URL: 3 samples are refused: it answers 400"]);
        let (counts, _, requests) = sent(&["429 Slow down\r\nRetry-After: 1\r\n"], "").await;
        assert_eq!((counts.as_str(), requests), ("0 sent, 3 failed, 0 retried, 0 dropped", 1));
        // The next batch is refused for the same reason, with another count.
        let refused = &["400 Bad Request\r\n", "400 Bad Request\r\n"];
        let (counts, told, _) = sent(refused, ", queue_config: {max_samples_per_send: 2}").await;
        assert_eq!((counts.as_str(), told.len()), ("0 sent, 3 failed, 0 retried, 0 dropped", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_names_no_time_is_not_asked_at_once() {
        let begun = tokio::time::Instant::now();
        let answers = &["503 Busy\r\nRetry-After: 0\r\n", "503 Busy\r\nRetry-After: 7\r\n"];
        sent(answers, ", queue_config: {min_backoff: 2s}").await;
        assert_eq!(begun.elapsed().as_secs(), 9);
    }

    #[tokio::test]
    async fn a_user_in_the_url_is_sent_and_not_told() {
        let refused = "400 Bad Request\r\n";
        let server = StandIn::start(move |_| {
            Reply::Raw(format!("HTTP/1.1 {refused}Content-Length: 0\r\n\r\n").into_bytes())
        })
        .await;
        let url = server.url("/write").replace("http://", "http://u:hunter2@");
        let text = format!("remote_write: [{{url: '{url}'}}]");
        let (config, _) = prometheus::read(&Source::new("t", text)).unwrap();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let hear = Arc::clone(&told);
        let queue = Arc::new(Queue::new(&config.remote_write[0].queue));
        let sender = Sender::new(
            &config.remote_write[0],
            &[],
            Arc::clone(&queue),
            Hosts::default(),
            Arc::new(|| Timestamp(10_000)),
            Arc::new(move |notice: Notice| hear.lock().unwrap().push(notice.text)),
        )
        .unwrap();
        queue.push(vec![sample("a", 1_000)]);
        queue.close();
        sender.run().await;
        assert!(
            server.requests()[0].contains("authorization: Basic dTpodW50ZXIy"),
            "{:?}",
            server.requests()
        );
        let expect = format!(
            "samples cannot be sent on to {}: 1 samples are refused: it answers 400",
            server.url("/write")
        );
        assert_eq!(*told.lock().unwrap(), [expect]);
    }

    #[tokio::test]
    async fn old_samples_and_unwanted_series_are_left_out() {
        let (counts, _, _) = sent(&[], ", queue_config: {sample_age_limit: 5s}").await;
        assert_eq!(counts, "2 sent, 0 failed, 0 retried, 1 dropped");
        let relabel = ", write_relabel_configs: [{source_labels: [__name__, x], regex: a;y, action: drop}]";
        let (counts, _, _) = sent(&[], relabel).await;
        assert_eq!(counts, "1 sent, 0 failed, 0 retried, 0 dropped");
    }
}
