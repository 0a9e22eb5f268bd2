//! A server of vLLM's metrics: a recorded page whose counters grow as if the recording went on and on.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const RECORDED: &str = include_str!("../../fixtures/vllm.prom");
/// The time in which everything that was recorded happens once.
const PERIOD: Duration = Duration::from_mins(1);

pub(super) const MODEL: &str = "meta-llama/Llama-3.1-8B-Instruct";

/// Serves until it is dropped.
pub(super) struct Vllm {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Vllm {
    /// On an address of this machine, at a port that is free.
    pub(super) fn start(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let server = Self { address: listener.local_addr().unwrap(), ended: Arc::default() };
        let (ended, begun) = (Arc::clone(&server.ended), Instant::now());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                // A client that goes away is its own affair.
                let _ = stream.and_then(|stream| answer(stream, begun.elapsed()));
            }
        });
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Vllm {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(mut stream: TcpStream, elapsed: Duration) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let page = page(elapsed);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    )
}

/// The page after some time: counters and buckets in proportion, so that sums and counts stay true to each other.
fn page(elapsed: Duration) -> String {
    let factor = 1.0 + elapsed.as_secs_f64() / PERIOD.as_secs_f64();
    let mut is_growing = false;
    let mut grown = |line: &str| -> String {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            is_growing = rest.ends_with(" counter") || rest.ends_with(" histogram");
        }
        match line.rsplit_once(' ') {
            Some((series, value)) if is_growing && !line.starts_with('#') => {
                format!("{series} {}\n", value.parse::<f64>().unwrap() * factor)
            }
            _ => format!("{line}\n"),
        }
    };
    RECORDED.lines().map(&mut grown).collect()
}

/// What really happens per second: the sum of all recorded series of a name with some text in their labels.
pub(super) fn per_second(name: &str, label: &str) -> f64 {
    let series =
        RECORDED.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
    let sum: f64 = series.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum();
    sum / PERIOD.as_secs_f64()
}

#[test]
fn pages_grow_and_stay_consistent() {
    let value = |page: &str, series: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(series)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let (first, later) = (page(Duration::ZERO), page(Duration::from_secs(31)));
    assert_eq!(first.lines().count(), RECORDED.lines().count());
    let family = "vllm:e2e_request_latency_seconds";
    for page in [&first, &later] {
        let buckets: Vec<f64> = page
            .lines()
            .filter(|line| line.starts_with(&format!("{family}_bucket")))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
            .collect();
        assert!(buckets.is_sorted() && buckets.len() > 10);
        assert_eq!(buckets.last(), Some(&value(page, &format!("{family}_count"))));
    }
    let tokens = "vllm:generation_tokens_total{";
    assert!(value(&later, tokens) > value(&first, tokens));
    let running = "vllm:num_requests_running{";
    assert_eq!(value(&later, running).to_bits(), value(&first, running).to_bits());
}
