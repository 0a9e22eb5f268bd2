//! One request, one connection: a small HTTP/1 client.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, ToSocketAddrs};

/// A probe of a service on this machine that takes longer is a failed one.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer; a page of targets or metrics stays far below.
const BODY_LIMIT: usize = 16 << 20;

/// A published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    address: SocketAddr,
}

/// A user's name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, …)", self.user)
    }
}

/// How much a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes of the answer's body.
    pub(super) body: usize,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Message<'a> {
    pub(super) method: Method,
    /// Starts with `/` and carries its query, encoded.
    pub(super) path: &'a str,
    pub(super) credentials: Option<&'a Credentials>,
    /// `application/x-www-form-urlencoded`, where there is any.
    pub(super) form: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A request that brought no usable answer. `address` is `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error("cannot connect to `{address}`: {cause}")]
    Connect { address: String, cause: String },
    #[error("`{address}` gave no answer within {} s", limit.as_secs_f64())]
    Timeout { address: String, limit: Duration },
    #[error("`http://{address}{path}` broke off: {cause}")]
    Broken { address: String, path: String, cause: String },
    #[error("`http://{address}{path}` answered {status}{}{text}", if text.is_empty() { "" } else { ": " })]
    Status { address: String, path: String, status: u16, text: String },
    #[error("`http://{address}{path}` answered what cannot be read: {cause}")]
    Unreadable { address: String, path: String, cause: String },
}

impl RemoteError {
    /// Of an answer whose status is no success.
    pub(super) fn status(address: String, path: &str, answer: &Answer) -> Self {
        const SHOWN: usize = 200;
        let text = String::from_utf8_lossy(&answer.body);
        let text = text.trim().chars().take(SHOWN).collect();
        Self::Status { address, path: path.to_owned(), status: answer.status, text }
    }
}

impl Endpoint {
    /// The port as seen from this machine: a service bound to all addresses is reached on the loopback one.
    pub fn of_published(bind: IpAddr, port: u16) -> Self {
        let ip = match bind {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self { address: SocketAddr::new(ip, port) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Any answer, whatever its status. `path` starts with `/` and carries its query, encoded.
    pub async fn get(&self, path: &str, credentials: Option<&Credentials>) -> Result<Answer, RemoteError> {
        self.request(Method::GET, path, credentials).await
    }

    /// As [`get`](Self::get), with POST and an empty body.
    pub async fn post(&self, path: &str, credentials: Option<&Credentials>) -> Result<Answer, RemoteError> {
        self.request(Method::POST, path, credentials).await
    }

    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        credentials: Option<&Credentials>,
    ) -> Result<T, RemoteError> {
        let answer = self.get(path, credentials).await?;
        if !answer.is_success() {
            return Err(self.status_error(path, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| RemoteError::Unreadable {
            address: self.address.to_string(),
            path: path.to_owned(),
            cause: error.to_string(),
        })
    }

    pub(super) fn status_error(&self, path: &str, answer: &Answer) -> RemoteError {
        RemoteError::status(self.address.to_string(), path, answer)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, RemoteError> {
        let message = Message { method, path, credentials, form: None };
        let limits = Limits { time: TIMEOUT, body: BODY_LIMIT };
        send(self.address, &self.address.to_string(), message, limits).await
    }
}

/// One exchange with what `to` resolves to; `address` is how messages and the `Host` header call it.
pub(super) async fn send(
    to: impl ToSocketAddrs,
    address: &str,
    message: Message<'_>,
    limits: Limits,
) -> Result<Answer, RemoteError> {
    let exchange = exchange(to, address, message, limits.body);
    let timeout = RemoteError::Timeout { address: address.to_owned(), limit: limits.time };
    tokio::time::timeout(limits.time, exchange).await.unwrap_or(Err(timeout))
}

async fn exchange(
    to: impl ToSocketAddrs,
    address: &str,
    message: Message<'_>,
    body_limit: usize,
) -> Result<Answer, RemoteError> {
    let Message { method, path, credentials, form } = message;
    let broken =
        |cause: String| RemoteError::Broken { address: address.to_owned(), path: path.to_owned(), cause };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, address)
        .header(header::CONNECTION, "close");
    if let Some(credentials) = credentials {
        request = request.header(header::AUTHORIZATION, basic(credentials));
    }
    if form.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let body = Full::<Bytes>::from(form.unwrap_or_default());
    let request = request.body(body).map_err(|error| broken(error.to_string()))?;

    let stream = TcpStream::connect(to)
        .await
        .map_err(|error| RemoteError::Connect { address: address.to_owned(), cause: error.to_string() })?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.to_string()))?;
    // It ends by itself when `sender` and the body are gone; its failure shows in the answer.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), body_limit)
        .collect()
        .await
        .map_err(|error| broken(error.to_string()))?
        .to_bytes();
    Ok(Answer { status, body })
}

fn basic(credentials: &Credentials) -> String {
    format!("Basic {}", base64(format!("{}:{}", credentials.user, credentials.password).as_bytes()))
}

/// Base64 with padding, RFC 4648 §4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = char::from(ALPHABET[group >> (18 - 6 * place) & 63]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Serves `answers` one after the other, one connection each, and gives the requests' texts back.
    pub(crate) fn serve(answers: &[&str]) -> (Endpoint, std::thread::JoinHandle<Vec<String>>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint { address: listener.local_addr().unwrap() };
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let server = std::thread::spawn(move || {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                let head = String::from_utf8(request).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                stream.read_exact(&mut body).unwrap();
                requests.push(head + std::str::from_utf8(&body).unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            requests
        });
        (endpoint, server)
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    pub(crate) fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[track_caller]
    fn check_base64(text: &str, expect: &str) {
        assert_eq!(base64(text.as_bytes()), expect);
    }

    #[test]
    fn base64_pads() {
        check_base64("", "");
        check_base64("f", "Zg==");
        check_base64("fo", "Zm8=");
        check_base64("foo", "Zm9v");
        check_base64("foobar", "Zm9vYmFy");
        check_base64("é中?>", "w6nkuK0/Pg==");
    }

    #[test]
    fn a_request_is_sent_and_its_answer_read() {
        let (endpoint, server) = serve(&[&ok("hello")]);
        let credentials = Credentials { user: "admin".to_owned(), password: "s".to_owned() };
        let answer = block_on(endpoint.get("/x?y=1", Some(&credentials))).unwrap();
        assert_eq!(answer, Answer { status: 200, body: Bytes::from_static(b"hello") });
        assert_eq!(
            server.join().unwrap(),
            [format!(
                "GET /x?y=1 HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Basic YWRtaW46cw==\r\n\r\n",
                endpoint.address
            )]
        );
        assert_eq!(format!("{credentials:?}"), "Credentials(admin, …)");
    }

    #[test]
    fn failures_are_told_apart() {
        let (endpoint, server) = serve(&["", "HTTP/1.1 503 no\r\ncontent-length: 5\r\n\r\nlater", &ok("{")]);
        assert!(matches!(block_on(endpoint.get("/", None)), Err(RemoteError::Broken { .. })));
        let failure = block_on(endpoint.get_json::<u8>("/a", None)).unwrap_err();
        assert_eq!(failure.to_string(), format!("`http://{}/a` answered 503: later", endpoint.address));
        assert!(matches!(block_on(endpoint.get_json::<u8>("/", None)), Err(RemoteError::Unreadable { .. })));
        server.join().unwrap();
        assert!(matches!(block_on(endpoint.get("/", None)), Err(RemoteError::Connect { .. })));
    }

    #[test]
    fn a_service_on_all_addresses_is_asked_on_loopback() {
        let shown = |ip: &str| Endpoint::of_published(ip.parse().unwrap(), 1).address().to_string();
        assert_eq!(shown("0.0.0.0"), "127.0.0.1:1");
        assert_eq!(shown("::"), "[::1]:1");
        assert_eq!(shown("10.0.0.9"), "10.0.0.9:1");
    }
}
