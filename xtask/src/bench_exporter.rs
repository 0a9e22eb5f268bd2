//! How many scrapes a second the exporter answers, against a bare server of a static page of the same size.
//!
//! Each server has a thread with a runtime of its own, so one core; the clients share another. Rounds alternate, so
//! that both see the same machine.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future,
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use http_body_util::Full;
use hyper::{Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use llmobs::{
    exporter::{Pages, serve},
    series::{Family, Format, Gather, Histogram, Kind, Labels, Page, Values, parse},
    time::Timestamp,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime,
};

const SAMPLES: usize = 200;
const CONNECTIONS: usize = 10;
const WARM_UP: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
/// A round is cut into slices that alternate, so that what else the machine does meets both servers.
const SLICES: u32 = 10;
const SLICE: Duration = Duration::from_millis(200);
const LEAST_RATIO: f64 = 0.7;
const LONGEST_P99: Duration = Duration::from_millis(2);

/// A request as Prometheus 3 sends it.
const REQUEST: &str = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Prometheus/3.16.0\r\n\
    Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n";

pub(crate) fn run() -> Result<()> {
    if cfg!(debug_assertions) {
        println!("warning: this is a debug build; run `cargo run --release -p xtask -- bench exporter`");
    }
    let page = changing_page()?;
    let ours = start("exporter", move |listener| async move {
        let pages =
            Pages { gather: LivelyPage::new().expect("it was made once"), runbooks: Box::new(BTreeMap::new) };
        serve(vec![listener], pages, || Timestamp(0), future::pending()).await;
    })?;
    let static_page = page.clone();
    let peer = start("static-page", move |listener| serve_static(listener, static_page))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let load = |address, time| runtime.block_on(load(address, time));

    println!(
        "{SAMPLES} samples, {} bytes, {CONNECTIONS} connections, {ROUNDS} rounds of {SLICES} x {SLICE:?} for each",
        page.len()
    );
    load(ours, WARM_UP / 2)?;
    load(peer, WARM_UP / 2)?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
        for _ in 0..SLICES {
            our_times.extend(load(ours, SLICE)?);
            peer_times.extend(load(peer, SLICE)?);
        }
        let round = Round { ours: Summary::of(our_times), peer: Summary::of(peer_times) };
        println!("round {number}: exporter    {}", round.ours);
        println!("         static page {}, ratio {:.2}", round.peer, round.ratio());
        rounds.push(round);
    }
    let ratio = median(rounds.iter().map(Round::ratio));
    let p99 = Duration::from_secs_f64(median(rounds.iter().map(|round| round.ours.p99.as_secs_f64())));
    println!(
        "median ratio {ratio:.2} (bar: at least {LEAST_RATIO}), p99 {p99:.0?} (bar: at most {LONGEST_P99:?})"
    );
    ensure!(ratio >= LEAST_RATIO, "the exporter is slower than its bar");
    ensure!(p99 <= LONGEST_P99, "the slowest hundredth of the scrapes is slower than its bar");
    Ok(())
}

/// A page on which every value changes at each scrape.
struct LivelyPage {
    page: Page,
    values: Values,
    scrapes: u64,
    costs: Vec<f64>,
    histograms: Vec<Histogram>,
}

const BOUNDS: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0];
// The kinds, names and labels that the mock's page has, in about its proportions: a tenth of the samples are floats.
const REQUESTS: u32 = 60;
const TOKENS: u32 = 40;
const COSTS: u32 = 15;
/// Of 17 samples each.
const HISTOGRAMS: u32 = 5;

impl LivelyPage {
    fn new() -> Result<Self> {
        let series = |count: u32, more: &[(&str, &str)]| -> Result<Vec<Labels>> {
            let labels = |index: u32| {
                let model = format!("claude-sonnet-4-{index}");
                let labels = [("model", &*model), ("provider", "anthropic")];
                Labels::new(labels.into_iter().chain(more.iter().copied()))
            };
            Ok((0..count).map(labels).collect::<Result<_, _>>()?)
        };
        let family = |name: &str, kind, series| Family {
            name: name.to_owned(),
            help: "For measuring.".to_owned(),
            kind,
            series,
        };
        let request = [("tenant", "acme"), ("status", "error"), ("error_class", "server_error")];
        let page = Page::new(&[
            family("llm_requests_total", Kind::Counter, series(REQUESTS, &request)?),
            family(
                "llm_tokens_total",
                Kind::Counter,
                series(TOKENS, &[("tenant", "acme"), ("type", "output")])?,
            ),
            family("llm_cost_usd_total", Kind::Counter, series(COSTS, &[("tenant", "acme")])?),
            family(
                "llm_request_duration_seconds",
                Kind::Histogram { bounds: BOUNDS.to_vec() },
                series(HISTOGRAMS, &[])?,
            ),
        ])?;
        let histograms = (0..HISTOGRAMS).map(|_| Histogram::new(&BOUNDS)).collect();
        let costs = (0..COSTS).map(|index| f64::from(index) * 100.0).collect();
        Ok(Self { page, values: Values::default(), scrapes: 0, costs, histograms })
    }
}

impl Gather for LivelyPage {
    fn gather(&mut self, _: Timestamp, format: Format, out: &mut Vec<u8>) {
        self.scrapes += 1;
        self.values.clear();
        for index in 0..REQUESTS + TOKENS {
            self.values.integer(1_000_000 * u64::from(index) + 37 * self.scrapes);
        }
        for (index, cost) in self.costs.iter_mut().enumerate() {
            // No sum of such steps is a short decimal: nearly all have 15 digits and more.
            *cost += 0.0041 / (index as f64 + 3.0);
            self.values.float(*cost);
        }
        for histogram in &mut self.histograms {
            histogram.observe(0.1 / 3.0);
            self.values.histogram(histogram);
        }
        self.page.write(format, &self.values, out);
    }
}

/// The page for the peer, after a look that it is what it claims to be.
fn changing_page() -> Result<Bytes> {
    let mut lively = LivelyPage::new()?;
    let mut scrape = || {
        let mut out = Vec::new();
        lively.gather(Timestamp(0), Format::OpenMetrics, &mut out);
        out
    };
    // Far into the run the numbers are longer than at its start.
    (0..10_000).for_each(|_| drop(scrape()));
    let (before, after) = (scrape(), scrape());
    let (old, new) = (parse(std::str::from_utf8(&before)?)?, parse(std::str::from_utf8(&after)?)?);
    ensure!(new.len() == SAMPLES, "the page has {} samples, not {SAMPLES}", new.len());
    let same = old.iter().zip(&new).filter(|(old, new)| old.value.to_bits() == new.value.to_bits()).count();
    ensure!(same == 0, "{same} values are the same in two scrapes");
    Ok(after.into())
}

/// Runs a server on a thread of its own until the process ends.
fn start<S, F>(name: &str, server: S) -> Result<SocketAddr>
where
    S: FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a fresh listener");
            server(listener).await;
        });
    })?;
    Ok(address)
}

/// The peer: hyper with nothing around it.
async fn serve_static(listener: tokio::net::TcpListener, page: Bytes) {
    while let Ok((stream, _)) = listener.accept().await {
        let page = page.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true).expect("a fresh connection");
            let service = service_fn(move |_| {
                let response = Response::new(Full::new(page.clone()));
                async { Ok::<_, Infallible>(response) }
            });
            // The end of the connection is the end of a round.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The times of all requests that some connections make, each one after the other, for a while.
async fn load(address: SocketAddr, time: Duration) -> Result<Vec<Duration>> {
    let deadline = Instant::now() + time;
    let clients: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(client(address, deadline))).collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    Ok(times)
}

async fn client(address: SocketAddr, deadline: Instant) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let start = Instant::now();
        if start >= deadline {
            return Ok(times);
        }
        stream.write_all(REQUEST.as_bytes()).await?;
        let (mut received, mut expected) = (0, None);
        while expected.is_none_or(|expected| received < expected) {
            let count = stream.read(&mut buffer[received..]).await?;
            ensure!(count > 0, "the server closed the connection");
            received += count;
            if expected.is_none() {
                expected = response_length(&buffer[..received])?;
            }
        }
        times.push(start.elapsed());
    }
}

/// The length of a response, head included; `None` while its head is not complete.
fn response_length(received: &[u8]) -> Result<Option<usize>> {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "the server answered `{head}`");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("the answer has no length")?;
    Ok(Some(end + 4 + length.parse::<usize>()?))
}

/// What a round saw of both servers.
struct Round {
    ours: Summary,
    peer: Summary,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.ours.rate / self.peer.rate
    }
}

struct Summary {
    /// Requests per second.
    rate: f64,
    p50: Duration,
    p99: Duration,
}

impl Summary {
    /// From the times of all requests of a round.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let quantile = |percent| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let rate = times.len() as f64 / (SLICE * SLICES).as_secs_f64();
        Self { rate, p50: quantile(50), p99: quantile(99) }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>6.0} requests/s, p50 {:.0?}, p99 {:.0?}", self.rate, self.p50, self.p99)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
