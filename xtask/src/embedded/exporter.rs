//! A service on this machine that does what its script says.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context as _;
use http_body_util::Full;
use hyper::{Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
    task::JoinSet,
    time::sleep,
};

use super::{
    metrics, now,
    script::{Mood, Script},
};

/// How late a page is that comes too late: more than any timeout here.
const LATE: Duration = Duration::from_millis(2_500);

/// A page, made for the time of the request.
type Pages = Arc<dyn Fn(i64) -> String + Send + Sync>;

/// A running service; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// The families of the `llmobs` source, in quantities that the size multiplies.
    pub(crate) fn start(script: Script, size: f64) -> anyhow::Result<Self> {
        let of = script.clone();
        Self::serve(script, Arc::new(move |now| metrics::page(&of, now, size)))
    }

    /// A page that is always the same.
    pub(crate) fn fixed(page: String) -> anyhow::Result<Self> {
        Self::serve(Script::well(0), Arc::new(move |_| page.clone()))
    }

    fn serve(script: Script, pages: Pages) -> anyhow::Result<Self> {
        let first = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        first.set_nonblocking(true)?;
        let address = first.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("scripted-service".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = play(first, address, Arc::new(script), pages) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked has said so already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Act after act, for ever.
async fn play(first: std::net::TcpListener, address: SocketAddr, script: Arc<Script>, pages: Pages) {
    let mut listener = Some(TcpListener::from_std(first).expect("a fresh listener"));
    let mut connections = JoinSet::new();
    loop {
        let (act, end) = script.at(now());
        if act.mood == Mood::Gone {
            listener = None;
            connections.abort_all();
            while connections.join_next().await.is_some() {}
        } else if listener.is_none() {
            // Nobody else takes a port that was just ours; if so, the next look tries again.
            listener = TcpListener::bind(address).await.ok();
        }
        let wait = end.map_or(1_000, |end| (end - now()).clamp(0, 1_000));
        let next = sleep(Duration::from_millis(wait.unsigned_abs() + 1));
        tokio::pin!(next);
        loop {
            tokio::select! {
                accepted = accept(listener.as_ref()) => {
                    if let Some(stream) = accepted {
                        connections.spawn(connection(stream, Arc::clone(&script), Arc::clone(&pages)));
                    }
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                () = &mut next => break,
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

async fn connection(stream: TcpStream, script: Arc<Script>, pages: Pages) {
    let service = service_fn(move |_| answer(Arc::clone(&script), Arc::clone(&pages)));
    // Clients may leave whenever they like.
    let _ = stream.set_nodelay(true);
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(script: Arc<Script>, pages: Pages) -> Result<Response<Full<Bytes>>, Infallible> {
    let now = now();
    let (act, _) = script.at(now);
    if act.mood == Mood::Slow {
        sleep(LATE).await;
    }
    let response = Response::builder().header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    let (status, body) = match act.mood {
        Mood::Broken => (500, "out of order".to_owned()),
        _ => (200, pages(now)),
    };
    Ok(response.status(status).body(Full::new(body.into())).expect("status and header are valid"))
}
