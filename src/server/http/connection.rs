//! One connection: requests are read whole, answered on a thread of their own, and written.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response,
    body::{Body as _, Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{Asked, Gone, Handler, Reply, compress::compress, host::without_port, patient::Patient};

const HEAD_BYTES: usize = 128 * 1024;
/// How long a connection may lie idle, and how long a head may take.
const HEAD_TIME: Duration = Duration::from_secs(90);
/// Of a remote write, as it is sent.
const BODY_BYTES: usize = 32 << 20;
const BODY_TIME: Duration = Duration::from_mins(1);
/// Bodies above this size wait for one of the few places.
const SMALL_BODY: u64 = 64 * 1024;
const LARGE_BODIES: usize = 8;
/// Prometheus' `--query.max-concurrency`.
const QUERIES: usize = 20;
/// Other requests at a time; each has a thread.
const OTHERS: usize = 40;

/// What all connections share.
pub(super) struct Shared {
    handler: Arc<dyn Handler>,
    queries: Arc<Semaphore>,
    others: Arc<Semaphore>,
    large_bodies: Semaphore,
}

impl Shared {
    pub(super) fn new(handler: Arc<dyn Handler>) -> Self {
        Self {
            handler,
            queries: Arc::new(Semaphore::new(QUERIES)),
            others: Arc::new(Semaphore::new(OTHERS)),
            large_bodies: Semaphore::new(LARGE_BODIES),
        }
    }
}

/// Serves a connection until its client leaves or `stop` changes; what is being answered then is answered.
pub(super) async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stop: watch::Receiver<()>) {
    // Only a matter of speed.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_header_size(HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(Patient::new(stream)), service));
    // A client that goes away or sends no HTTP is no event of ours: hyper has answered it as far as it can be.
    tokio::select! {
        biased;
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Says that the client is gone when the future that holds it is dropped.
struct Leaving(Gone);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.set();
    }
}

async fn respond(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let asked = match read(shared, request).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    let leaving = Leaving(asked.gone.clone());
    let turns = if shared.handler.is_query(&asked.path) { &shared.queries } else { &shared.others };
    let turn = Arc::clone(turns).acquire_owned().await.expect("the semaphore is never closed");
    let handler = Arc::clone(&shared.handler);
    let answering = tokio::task::spawn_blocking(move || {
        let accept_encoding = asked.header(header::ACCEPT_ENCODING).to_owned();
        let reply = compress(&accept_encoding, handler.answer(asked));
        drop(turn);
        reply
    });
    // Only a panic ends the task early, and the release build does not come back from one.
    let reply = answering.await.unwrap_or_else(|_| Reply::text(500, "Internal Server Error\n"));
    drop(leaving);
    reply.into_response()
}

/// The whole request, or why it is not taken.
async fn read(shared: &Shared, request: Request<Incoming>) -> Result<Asked, Reply> {
    let (head, body) = request.into_parts();
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(head.uri.authority().map(hyper::http::uri::Authority::as_str));
    // Without a name there is nothing to be taken for: only HTTP/1.0 leaves it out.
    if let Some(host) = host.map(without_port).filter(|host| !shared.handler.knows(host)) {
        let text = format!(
            "This server is not known as `{}`: it answers addresses and private names only, so that no web page can \
             reach it through a name of its own (DNS rebinding).\n",
            host.escape_debug()
        );
        return Err(Reply::text(403, text));
    }
    if let Some(origin) = head.headers.get(header::ORIGIN)
        && !is_near_origin(origin, shared.handler.as_ref())
    {
        return Err(Reply::text(403, "Pages of this origin may not ask here.\n"));
    }
    let body = read_body(shared, body).await?;
    Asked::new(head.method, head.uri.path(), head.uri.query(), head.headers, body)
        .map_err(|_| Reply::text(400, "400 Bad Request"))
}

/// Whether a request that a page of that origin has made is answered. Prometheus answers all, so that any page in the
/// user's browser can read the metrics of this machine, and write some.
fn is_near_origin(origin: &header::HeaderValue, handler: &dyn Handler) -> bool {
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some_and(|host| handler.knows(without_port(host)))
}

async fn read_body(shared: &Shared, body: Incoming) -> Result<Bytes, Reply> {
    let most = body.size_hint().upper();
    if most == Some(0) {
        return Ok(Bytes::new());
    }
    let too_large = || Reply::text(413, format!("The body is larger than {} MiB.\n", BODY_BYTES >> 20));
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return Err(too_large());
    }
    let _place = match most {
        Some(bytes) if bytes <= SMALL_BODY => None,
        _ => Some(shared.large_bodies.acquire().await.expect("the semaphore is never closed")),
    };
    match timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Reply::text(400, format!("The body broke off: {error}\n"))),
        Err(_) => Err(Reply::text(408, format!("The body took longer than {} s.\n", BODY_TIME.as_secs()))),
    }
}
