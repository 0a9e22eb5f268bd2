//! Connections: made with TLS or without, kept while both sides want.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http_body_util::Full;
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::{Cause, Url, hosts::is_guarded, tls::Connectors};

/// One that nobody has used for so long is ended.
const IDLE: Duration = Duration::from_mins(5);
/// So many are kept at most.
const KEPT: usize = 1024;

/// A connection that takes requests.
pub(super) type Sender = http1::SendRequest<Full<Bytes>>;

/// Whether an address that [`is_guarded`] may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guarded {
    Allowed,
    /// A redirect leads there from elsewhere.
    Refused,
}

/// Connections that wait for their next request.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    is_tls: bool,
    authority: String,
    peer: SocketAddr,
    sender: Sender,
    since: Instant,
}

/// A connection and the address that it leads to.
pub(super) struct Connection {
    pub(super) sender: Sender,
    pub(super) peer: SocketAddr,
}

impl Pool {
    /// A connection that was kept for a server, if it still stands.
    pub(super) fn take(&self, url: &Url) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &Kept| one.is_tls == url.is_tls() && one.authority == url.authority();
        while let Some(index) = kept.iter().position(is_it) {
            let one = kept.swap_remove(index);
            if !one.sender.is_closed() {
                return Some(Connection { sender: one.sender, peer: one.peer });
            }
        }
        None
    }

    pub(super) fn keep(&self, url: &Url, connection: Connection) {
        let Connection { sender, peer } = connection;
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| !one.sender.is_closed() && now.duration_since(one.since) < IDLE);
        if kept.len() < KEPT && !sender.is_closed() {
            let authority = url.authority().to_owned();
            kept.push(Kept { is_tls: url.is_tls(), authority, peer, sender, since: now });
        }
    }
}

/// Connects to the first address that takes it.
pub(super) async fn connect(
    url: &Url,
    addresses: &[SocketAddr],
    guarded: Guarded,
    connectors: &Connectors,
) -> Result<Connection, Cause> {
    let mut failure = Cause::Lookup { host: url.host().to_owned(), cause: "no such host".to_owned() };
    for address in addresses {
        if guarded == Guarded::Refused && is_guarded(address.ip()) {
            failure = Cause::Guarded(address.ip());
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is one write; nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                return handshake(url, stream, *address, connectors).await;
            }
            Err(error) => failure = Cause::Connect { address: *address, cause: connect_cause(&error) },
        }
    }
    Err(failure)
}

async fn handshake(
    url: &Url,
    stream: TcpStream,
    peer: SocketAddr,
    connectors: &Connectors,
) -> Result<Connection, Cause> {
    let sender = if url.is_tls() {
        let (connector, name) = connectors.connector(url.host())?;
        let stream = connector.connect(name, stream).await.map_err(|error| Cause::Tls(error.to_string()))?;
        serve(TokioIo::new(stream)).await?
    } else {
        serve(TokioIo::new(stream)).await?
    };
    Ok(Connection { sender, peer })
}

async fn serve<S>(stream: S) -> Result<Sender, Cause>
where
    S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(stream).await.map_err(|error| Cause::broken(&error))?;
    // It ends by itself when `sender` and the body are gone; its failure shows in the answer.
    tokio::spawn(connection);
    Ok(sender)
}

/// As Go words it.
fn connect_cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        std::io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        std::io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
