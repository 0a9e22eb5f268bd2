//! One connection: requests are read whole, answered on a thread of their own, and written.

use std::{convert::Infallible, sync::Arc, time::Duration};

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
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{
    Asked, Gone, Handler, Reply,
    compress::compress,
    patient::Patient,
    room::{Room, SMALL, Share},
    sending::Sending,
};
use crate::listen::{host, refusal, serve_until, without_port};

const HEAD_BYTES: usize = 128 * 1024;
/// How long a connection may lie idle, and how long a head may take.
const HEAD_TIME: Duration = Duration::from_secs(90);
/// Of a remote write, as it is sent.
const BODY_BYTES: usize = 32 << 20;
const BODY_TIME: Duration = Duration::from_mins(1);
/// Prometheus' `--query.max-concurrency`.
const QUERIES: usize = 20;
/// Other requests at a time; each has a thread.
const OTHERS: usize = 40;

/// What all connections share.
pub(super) struct Shared {
    handler: Arc<dyn Handler>,
    queries: Arc<Semaphore>,
    others: Arc<Semaphore>,
    /// Of bodies, from their coming until they are answered.
    bodies: Room,
    /// Of answers, until they are sent.
    answers: Room,
}

impl Shared {
    pub(super) fn new(handler: Arc<dyn Handler>) -> Self {
        Self {
            handler,
            queries: Arc::new(Semaphore::new(QUERIES)),
            others: Arc::new(Semaphore::new(OTHERS)),
            bodies: Room::new(),
            answers: Room::new(),
        }
    }
}

/// Serves a connection until its client leaves or is too slow, or `stop` changes; what is being answered then is
/// answered.
pub(super) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Arc<Shared>,
    stop: watch::Receiver<()>,
) {
    let sending = Sending::new();
    let answers = sending.clone();
    let service = service_fn(move |request| {
        let (shared, answers) = (Arc::clone(&shared), answers.clone());
        async move { Ok::<_, Infallible>(respond(&shared, &answers, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    http.max_header_size(HEAD_BYTES).max_buf_size(HEAD_BYTES);
    let connection = http.serve_connection(TokioIo::new(Patient::new(stream)), service);
    tokio::select! {
        biased;
        () = serve_until(connection, stop) => {}
        () = sending.overdue() => {}
    }
}

/// Says that the client is gone when the future that holds it is dropped.
struct Leaving(Gone);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.set();
    }
}

async fn respond(shared: &Shared, sending: &Sending, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let reply = match read(shared, request).await {
        Ok((asked, share)) => answer(shared, sending, asked, share).await,
        Err(refusal) => refusal,
    };
    reply.into_response()
}

/// The answer, with its room; the turn is held until there is some, so that no more answers wait than there are turns.
async fn answer(shared: &Shared, sending: &Sending, asked: Asked, share: Option<Share>) -> Reply {
    let leaving = Leaving(asked.gone.clone());
    let turns = if shared.handler.is_query(&asked.path) { &shared.queries } else { &shared.others };
    let turn = Arc::clone(turns).acquire_owned().await.expect("the semaphore is never closed");
    let handler = Arc::clone(&shared.handler);
    let answering = tokio::task::spawn_blocking(move || {
        let accept_encoding = asked.header(header::ACCEPT_ENCODING).to_owned();
        let reply = compress(&accept_encoding, handler.answer(asked));
        drop(share);
        (reply, turn)
    });
    // Only a panic ends the task early, and the release build does not come back from one.
    let Ok((mut reply, _turn)) = answering.await else {
        return Reply::text(500, "Internal Server Error\n");
    };
    drop(leaving);
    let mut room = None;
    if reply.body.len() > SMALL {
        room = shared.answers.take(reply.body.len()).await;
        if room.is_none() {
            return Reply::text(503, "Too many answers wait for clients that read them slowly.\n");
        }
    }
    reply.body = sending.body(reply.body, room);
    reply
}

/// The whole request and the room that its body has, or why it is not taken.
async fn read(shared: &Shared, request: Request<Incoming>) -> Result<(Asked, Option<Share>), Reply> {
    let (head, body) = request.into_parts();
    if let Some(host) = host(&head.headers, &head.uri).filter(|host| !shared.handler.knows(host)) {
        return Err(Reply::text(403, refusal(host)));
    }
    if let Some(origin) = head.headers.get(header::ORIGIN)
        && !is_near_origin(origin, shared.handler.as_ref())
    {
        return Err(Reply::text(403, "Pages of this origin may not ask here.\n"));
    }
    let (body, share) = read_body(&shared.bodies, body).await?;
    let asked = Asked::new(head.method, head.uri.path(), head.uri.query(), head.headers, body);
    Ok((asked.map_err(|_| Reply::text(400, "400 Bad Request"))?, share))
}

/// Whether a request that a page of that origin has made is answered. Prometheus answers all, so that any page in the
/// user's browser can read the metrics of this machine, and write some.
fn is_near_origin(origin: &header::HeaderValue, handler: &dyn Handler) -> bool {
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some_and(|host| handler.knows(without_port(host)))
}

async fn read_body(room: &Room, body: Incoming) -> Result<(Bytes, Option<Share>), Reply> {
    let too_large = || Reply::text(413, format!("The body is larger than {} MiB.\n", BODY_BYTES >> 20));
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return Err(too_large());
    }
    match timeout(BODY_TIME, collect(room, body)).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(Broken::NoRoom)) => Err(Reply::text(503, "Too many bodies are on their way.\n")),
        Ok(Err(Broken::Off(error))) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(Broken::Off(error))) => Err(Reply::text(400, format!("The body broke off: {error}\n"))),
        Err(_) => Err(Reply::text(408, format!("The body took longer than {} s.\n", BODY_TIME.as_secs()))),
    }
}

/// Why a body did not come whole.
enum Broken {
    NoRoom,
    Off(Box<dyn std::error::Error + Send + Sync>),
}

/// A body takes room as it comes, so that what is only announced keeps nobody waiting.
async fn collect(room: &Room, body: Incoming) -> Result<(Bytes, Option<Share>), Broken> {
    let mut body = Limited::new(body, BODY_BYTES);
    let mut whole = Vec::new();
    let mut share: Option<Share> = None;
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(Broken::Off)?.into_data() else { continue };
        if whole.len() + part.len() > SMALL {
            let more = room.take(part.len()).await.ok_or(Broken::NoRoom)?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
        }
        whole.extend_from_slice(&part);
    }
    Ok((whole.into(), share))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::Instant,
    };

    use super::*;

    /// Answers with so many bytes as the path says.
    struct Long;

    impl Handler for Long {
        fn answer(&self, asked: Asked) -> Reply {
            let size = asked.path[1..].parse().unwrap_or(0);
            Reply::text(200, vec![b'x'; size + asked.body.len()])
        }
    }

    fn connect(shared: &Arc<Shared>) -> DuplexStream {
        let (near, far) = duplex(PIPE);
        let (running, stop) = watch::channel(());
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            connection(far, shared, stop).await;
            drop(running);
        });
        near
    }

    /// The status and how much follows the head, once the server has closed.
    async fn ask(stream: &mut DuplexStream, request: &str) -> (String, usize) {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        let body = got.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8_lossy(&got[9..12]).into_owned(), got.len() - body)
    }

    const MIB: usize = 1 << 20;
    /// What the client's system takes in before it reads.
    const PIPE: usize = 64 * 1024;

    fn get(size: usize) -> String {
        format!("GET /{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_reads_are_bounded() {
        let shared = Arc::new(Shared::new(Arc::new(Long)));
        let mut slow: Vec<DuplexStream> = (0..4).map(|_| connect(&shared)).collect();
        for stream in &mut slow {
            stream.write_all(get(15 * MIB).as_bytes()).await.unwrap();
            // It is on its way.
            stream.read_u8().await.unwrap();
        }
        let refused = ask(&mut connect(&shared), &get(15 * MIB)).await;
        assert_eq!(refused.0, "503");
        // Small ones, and what has room, are answered all the same.
        assert_eq!(ask(&mut connect(&shared), &get(SMALL)).await, ("200".to_owned(), SMALL));
        assert_eq!(ask(&mut connect(&shared), &get(MIB)).await, ("200".to_owned(), MIB));
        // 30 s and a second for each 100 kB: then those who do not read are let go.
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert!(shared.answers.take(64 * MIB).await.is_some());
        let mut rest = Vec::new();
        slow[0].read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() <= PIPE, "{} bytes came", rest.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_little_is_let_go_too() {
        let shared = Arc::new(Shared::new(Arc::new(Long)));
        let mut slow = connect(&shared);
        slow.write_all(get(MIB).as_bytes()).await.unwrap();
        let began = Instant::now();
        while slow.read_u8().await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if began.elapsed() > Duration::from_mins(1) {
                break;
            }
        }
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() <= PIPE, "{} bytes came", rest.len());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_only_announced_keeps_nobody_waiting() {
        let shared = Arc::new(Shared::new(Arc::new(Long)));
        let post = |size: usize, body: &str| {
            format!(
                "POST /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n{body}"
            )
        };
        let mut slow: Vec<DuplexStream> = (0..100).map(|_| connect(&shared)).collect();
        for stream in &mut slow {
            stream.write_all(post(20 * MIB, "x").as_bytes()).await.unwrap();
        }
        let began = Instant::now();
        let whole = "x".repeat(70_000);
        assert_eq!(ask(&mut connect(&shared), &post(70_000, &whole)).await, ("200".to_owned(), 70_000));
        assert!(began.elapsed() < Duration::from_secs(1));
        // What has come takes room: three times 20 MiB fit, a fourth does not, and is told so.
        let part = "x".repeat(20 * MIB);
        for stream in &mut slow[..3] {
            stream.write_all(&part.as_bytes()[2..]).await.unwrap();
        }
        slow[3].write_all(&part.as_bytes()[..6 * MIB]).await.unwrap_or_default();
        let mut answer = [0; 12];
        slow[3].read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 503");
        let late = began.elapsed();
        assert!(late > Duration::from_secs(4) && late < Duration::from_secs(7), "{late:?}");
    }
}
