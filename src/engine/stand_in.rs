//! A target for tests: an HTTP server on a free port of this machine whose answers are bytes, good or bad.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// How a request is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// A page with a content type.
    Page(&'static str, String),
    /// These bytes, and the connection stays.
    Raw(Vec<u8>),
    /// These bytes, and the connection ends.
    Last(Vec<u8>),
    /// These bytes, then others without end.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, then one of the others each second, without end.
    Drip(Vec<u8>),
}

pub(super) const TEXT: &str = "text/plain; version=0.0.4";
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The server; it ends with the runtime.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    connections: usize,
    requests: Vec<String>,
}

impl StandIn {
    /// `answer` is given the head of each request.
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    /// As [`StandIn::start`], with TLS where there is an acceptor.
    pub(super) async fn start_with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log: Arc<Mutex<Log>> = Arc::default();
        let answer = Arc::new(answer);
        let shared = Arc::clone(&log);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.lock().unwrap_or_else(PoisonError::into_inner).connections += 1;
                let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    // A client that has gone, or trusts nobody, is no failure of the server.
                    let _ = match tls {
                        None => converse(stream, &*answer, &log).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &*answer, &log).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self { address, log }
    }

    pub(super) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).connections
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &(impl Fn(&str) -> Reply + Send + Sync),
    log: &Mutex<Log>,
) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let reply = answer(&head);
        log.lock().unwrap_or_else(PoisonError::into_inner).requests.push(head);
        match reply {
            Reply::Page(content_type, body) => stream.write_all(&page(content_type, body.as_bytes())).await?,
            Reply::Raw(bytes) => stream.write_all(&bytes).await?,
            Reply::Last(bytes) => return stream.write_all(&bytes).await,
            Reply::Endless(first, more) => {
                stream.write_all(&first).await?;
                loop {
                    stream.write_all(&more).await?;
                }
            }
            Reply::Drip(first) => {
                stream.write_all(&first).await?;
                loop {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    stream.write_all(b"#").await?;
                }
            }
        }
        stream.flush().await?;
    }
}

/// An answer with a body, in bytes.
pub(super) fn page(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

pub(super) fn redirect(location: &str) -> Reply {
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    Reply::Raw(head.into_bytes())
}
