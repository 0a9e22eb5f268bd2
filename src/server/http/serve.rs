//! Listening, and the end of it.

use std::{future::Future, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    Handler,
    connection::{Shared, connection},
};
use crate::listen::{GRACE, next_client};

/// Further clients wait until one of these has gone; Prometheus' `--web.max-connections`.
const CONNECTIONS: usize = 512;

/// Serves HTTP/1.1 until `until` is done; then takes no more connections, ends idle ones, and returns when the last
/// answer has been sent, at most five seconds later.
///
/// Which addresses are listened on is the caller's to decide: this server knows no passwords.
pub async fn serve(listener: TcpListener, handler: Arc<dyn Handler>, until: impl Future<Output = ()>) {
    let shared = Arc::new(Shared::new(handler));
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    // Nothing is ever sent: the end of the sender is the message.
    let (running, stop) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            biased;
            () = until.as_mut() => break,
            Some(_) = connections.join_next() => {}
            (stream, slot) = next_client(&listener, &slots) => {
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                connections.spawn(async move {
                    connection(stream, shared, stop).await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    drop(running);
    let all_done = async { while connections.join_next().await.is_some() {} };
    // What is not done by then ends with the set of tasks.
    let _ = tokio::time::timeout(GRACE, all_done).await;
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::mpsc};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        sync::oneshot,
        task::JoinHandle,
    };

    use super::*;
    use crate::server::http::{Asked, Reply};

    /// Says what it was asked; under `/wait` only when the client has gone.
    struct Echo(mpsc::Sender<&'static str>);

    impl Handler for Echo {
        fn answer(&self, asked: Asked) -> Reply {
            if asked.path == "/wait" {
                // The test listens, or has failed.
                let _ = self.0.send("waiting");
                while !asked.gone.is_gone() {
                    std::thread::yield_now();
                }
                let _ = self.0.send("gone");
            }
            let fields: Vec<String> =
                asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let error = asked.form_error.clone().unwrap_or_default();
            let segments: Vec<&str> = asked.segments().collect();
            let text = format!("{} {segments:?} {fields:?} {} {error}", asked.method, asked.body.len());
            Reply::text(200, text)
        }
    }

    struct Running {
        address: SocketAddr,
        events: mpsc::Receiver<&'static str>,
        stop: oneshot::Sender<()>,
        server: JoinHandle<()>,
    }

    async fn start() -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, events) = mpsc::channel();
        let until = async { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(serve(listener, Arc::new(Echo(sender)), until));
        Running { address, events, stop, server }
    }

    /// Sends bytes and reads until the server closes; the status and the body of the answer.
    async fn exchange(address: SocketAddr, send: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(send.as_bytes()).await.unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        let (head, body) = received.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    #[track_caller]
    fn check(request: &str, status: u16, body: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let got = runtime.block_on(async {
            let running = start().await;
            let request = request.replace('|', "\r\n");
            let got = exchange(running.address, &request).await;
            drop(running.stop);
            running.server.await.unwrap();
            got
        });
        assert_eq!(got, (status, body.to_owned()));
    }

    const END: &str = "|Host: x|Connection: close|";

    #[test]
    fn requests_arrive_whole() {
        check(&format!("GET /a%20b/c?x=1&y=+ HTTP/1.1{END}|"), 200, r#"GET ["a b", "c"] ["x=1", "y= "] 0 "#);
        check(&format!("HEAD / HTTP/1.1{END}|"), 200, "");
        let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8|Content-Length: 3|";
        check(&format!("POST /?x=2 HTTP/1.1{END}{form}|x=1"), 200, r#"POST [""] ["x=1", "x=2"] 0 "#);
        check(&format!("POST / HTTP/1.1{END}Content-Length: 3|\r\nx=1"), 200, r#"POST [""] [] 3 "#);
        check(&format!("GET /?a=%zz HTTP/1.1{END}|"), 200, r#"GET [""] [] 0 invalid URL escape "%zz""#);
    }

    #[test]
    fn nonsense_is_refused() {
        check("nonsense||", 400, "");
        check(&format!("GET /%zz HTTP/1.1{END}|"), 400, "400 Bad Request");
        check(&format!("GET / HTTP/1.1{END}X: {}||", "x".repeat(200_000)), 431, "");
        check(
            &format!("POST / HTTP/1.1{END}Content-Length: 99999999|\r\n"),
            413,
            "The body is larger than 32 MiB.\n",
        );
        let (status, _) = {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let running = start().await;
                let request = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
                exchange(running.address, request).await
            })
        };
        assert_eq!(status, 403);
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_noticed() {
        let running = start().await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let events = running.events;
        let (events, first) = tokio::task::spawn_blocking(move || (events.recv().unwrap(), events))
            .await
            .map(|(e, r)| (r, e))
            .unwrap();
        assert_eq!(first, "waiting");
        drop(stream);
        let second = tokio::task::spawn_blocking(move || events.recv().unwrap()).await.unwrap();
        assert_eq!(second, "gone");
        drop(running.stop);
        running.server.await.unwrap();
    }

    #[tokio::test]
    async fn a_shutdown_ends_idle_connections_and_the_listener() {
        let running = start().await;
        let mut idle = TcpStream::connect(running.address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        drop(running.stop);
        let mut rest = String::new();
        idle.read_to_string(&mut rest).await.unwrap();
        running.server.await.unwrap();
        assert!(TcpStream::connect(running.address).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn silent_clients_are_let_go() {
        let running = start().await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "");
        let (status, _) = exchange(
            running.address,
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n",
        )
        .await;
        assert_eq!(status, 408);
        drop(running.stop);
        running.server.await.unwrap();
    }
}
