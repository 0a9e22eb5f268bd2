//! Listening, connections and their end.

use std::{
    convert::Infallible,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{AbortHandle, JoinSet},
};

use super::site::{Pages, Site};
use crate::{
    listen::{GRACE, next_client, serve_until},
    series::Gather,
    time::Timestamp,
};

/// Further clients wait until one of these has gone.
const CONNECTIONS: usize = 256;
/// A connection with no new request from one look to the next is ended, be its client silent, slow to ask or slow to
/// read. Longer than a usual scrape interval, so that scrapes keep their connection.
const LOOK_AFTER: Duration = Duration::from_secs(65);
const HEAD_BYTES: usize = 16 * 1024;

/// Serves HTTP/1.1 on the listeners until `shutdown` is done; then takes no more connections, ends idle ones, and
/// returns when the last answer has been sent, at most five seconds later.
///
/// `/metrics`, `/healthz`, `/runbooks/` with a page per name, and `/` that links to them. The clock says what time it
/// is at each scrape.
pub async fn serve(
    listeners: Vec<TcpListener>,
    pages: Pages<impl Gather + Send + 'static>,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
) {
    let site = Arc::new(Site::new(pages, clock));
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    // Nothing is ever sent: the end of the sender is the message.
    let (running, stop) = watch::channel(());
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&site), Arc::clone(&slots), stop.clone()));
    }
    shutdown.await;
    drop(running);
    let all_done = async { while accepting.join_next().await.is_some() {} };
    // What is not done by then ends with the set of tasks.
    let _ = tokio::time::timeout(GRACE, all_done).await;
}

async fn accept(listener: TcpListener, site: Arc<Site>, slots: Arc<Semaphore>, stop: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    let mut watched: Vec<Watched> = Vec::new();
    let mut looks = tokio::time::interval(LOOK_AFTER);
    let mut stopping = stop.clone();
    loop {
        tokio::select! {
            biased;
            _ = stopping.changed() => break,
            Some(_) = connections.join_next() => {}
            _ = looks.tick() => watched.retain_mut(Watched::is_alive),
            (stream, slot) = next_client(&listener, &slots) => {
                let requests = Arc::new(AtomicU64::new(0));
                let serving = connection(stream, slot, Arc::clone(&site), Arc::clone(&requests), stop.clone());
                let task = connections.spawn(serving);
                watched.push(Watched { task, requests, seen: None });
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A connection and how far it was at the last look.
struct Watched {
    task: AbortHandle,
    requests: Arc<AtomicU64>,
    /// `None` before the first look.
    seen: Option<u64>,
}

impl Watched {
    /// Ends the connection if it has not moved since the last look.
    fn is_alive(&mut self) -> bool {
        let requests = Some(self.requests.load(Ordering::Relaxed));
        if std::mem::replace(&mut self.seen, requests) == requests {
            self.task.abort();
        }
        !self.task.is_finished()
    }
}

async fn connection(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    site: Arc<Site>,
    requests: Arc<AtomicU64>,
    stop: watch::Receiver<()>,
) {
    let service = service_fn(move |request| {
        requests.fetch_add(1, Ordering::Relaxed);
        let response = site.respond(&request);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    // hyper's own timeout costs a timer per request; the look after all connections covers more.
    http.header_read_timeout(None).max_header_size(HEAD_BYTES);
    serve_until(http.serve_connection(TokioIo::new(stream), service), stop).await;
    drop(slot);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::SocketAddr};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::oneshot,
        task::JoinHandle,
    };

    use super::*;
    use crate::series::Format;

    /// Says how often it was asked.
    struct Counter(u32);

    impl Gather for Counter {
        fn gather(&mut self, _: Timestamp, _: Format, out: &mut Vec<u8>) {
            self.0 += 1;
            out.extend_from_slice(format!("scrape {}\n", self.0).as_bytes());
        }
    }

    async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let pages = Pages { gather: Counter(0), runbooks: Box::new(BTreeMap::new) };
        let shutdown = async { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(serve(vec![listener], pages, || Timestamp(0), shutdown));
        (address, stop, server)
    }

    /// Sends bytes and reads until the server closes; the date is left out.
    async fn exchange(address: SocketAddr, send: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(send.as_bytes()).await.unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        let dated = |line: &&str| !line.starts_with("date: ");
        received.split("\r\n").filter(dated).collect::<Vec<_>>().join("\n")
    }

    const HEADERS: &str = "content-type: text/plain; version=0.0.4; charset=utf-8\n\
        x-content-type-options: nosniff\nvary: accept\n";

    #[tokio::test]
    async fn requests_can_be_pipelined_and_head_has_no_body() {
        let (address, stop, server) = start().await;
        let got = exchange(
            address,
            "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nHEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n\
             GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert_eq!(
            got,
            format!(
                "HTTP/1.1 200 OK\n{HEADERS}content-length: 9\n\nscrape 1\n\
                 HTTP/1.1 200 OK\n{HEADERS}content-length: 9\n\n\
                 HTTP/1.1 200 OK\n{HEADERS}connection: close\ncontent-length: 9\n\nscrape 3\n"
            )
        );
        drop(stop);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        let (address, stop, server) = start().await;
        let refused = "HTTP/1.1 400 Bad Request\nconnection: close\ncontent-length: 0\n\n";
        assert_eq!(exchange(address, "nonsense\r\n\r\n").await, refused);
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES));
        let too_large =
            "HTTP/1.1 431 Request Header Fields Too Large\nconnection: close\ncontent-length: 0\n\n";
        assert_eq!(exchange(address, &long).await, too_large);
        drop(stop);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_shutdown_ends_idle_connections_and_the_listener() {
        let (address, stop, server) = start().await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        drop(stop);
        let mut rest = String::new();
        idle.read_to_string(&mut rest).await.unwrap();
        assert!(rest.ends_with("\r\n\r\nok\n"), "{rest}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_let_go() {
        let (address, stop, server) = start().await;
        assert_eq!(exchange(address, "GET /metrics HTTP/1.1\r\n").await, "");
        drop(stop);
        server.await.unwrap();
    }
}
