//! An HTTP/1.1 client for what `prometheus.yml` names: targets, Alertmanagers, servers of remote write.
//!
//! Owns: [`Client`], [`Hosts`], URLs, TLS, credentials, connections that are kept.
//! Must not know: what is asked for, and why.
//! Invariants: a request and all its redirects take no longer than they may, and bring no more than they may, unpacked;
//! credentials go to the server of the URL only; a redirect leads to HTTP, and to addresses where clouds serve
//! credentials only from there.
//! Start reading at: [`Client::send`].

mod body;
mod connect;
mod credentials;
mod hosts;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(test)]
mod tls_tests;
mod url;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    ext::ReasonPhrase,
    header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, LOCATION},
};

use crate::formats::prometheus::HttpClient;

pub(super) use body::Unpacking;
use connect::{Connection, Guarded, Pool};
pub use hosts::Hosts;
pub(super) use url::{Url, UrlError};

const REDIRECTS: usize = 10;

/// A client with its settings; it keeps connections.
#[derive(Debug)]
pub(super) struct Client {
    settings: HttpClient,
    hosts: Hosts,
    connectors: tls::Connectors,
    pool: Pool,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    /// `GET` or `POST`.
    pub(super) method: Method,
    pub(super) url: &'a Url,
    /// `Host`, authorization and the headers of the file are added.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// How much an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) time: Duration,
    /// Bytes of the body, unpacked; so many are too many.
    pub(super) body: usize,
    /// Bytes of the body that are made room for.
    pub(super) expected_body: usize,
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// As the server words it.
    pub(super) reason: String,
    pub(super) headers: HeaderMap,
    /// Unpacked; empty where the status is not 2xx and the caller wants success only.
    pub(super) body: Vec<u8>,
}

/// Whether the body of an answer that is no success is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    OfSuccess,
    All,
}

/// An exchange that brought no answer, worded as Go's client words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FetchError {
    /// `Get "URL"`, where it failed before the answer began.
    asked: Option<String>,
    pub(super) cause: Cause,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(asked) = &self.asked {
            write!(f, "{asked}: ")?;
        }
        write!(f, "{}", self.cause)
    }
}

impl std::error::Error for FetchError {}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cause {
    #[error("context deadline exceeded")]
    Deadline,
    #[error("dial tcp: lookup {host}: {cause}")]
    Lookup { host: String, cause: String },
    #[error("dial tcp {address}: connect: {cause}")]
    Connect { address: SocketAddr, cause: String },
    #[error("tls: {0}")]
    Tls(String),
    #[error("{0}")]
    Broken(String),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("stopped after 10 redirects")]
    Redirects,
    #[error("{0} response missing Location header")]
    NoLocation(u16),
    #[error("redirect to the link-local or metadata address {0} refused")]
    Guarded(IpAddr),
    #[error("body size limit exceeded")]
    BodySize,
    #[error("gzip: {0}")]
    Gzip(String),
    #[error("cannot read a body in the encoding `{0}`")]
    Encoding(String),
    #[error("unable to read credentials: {0}")]
    Credentials(String),
}

impl Cause {
    fn broken(error: &hyper::Error) -> Self {
        if error.is_incomplete_message() {
            return Self::Broken("EOF".to_owned());
        }
        // The innermost cause says what happened.
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
        {
            return Self::Broken("unexpected EOF".to_owned());
        }
        Self::Broken(cause.to_string())
    }
}

/// Whether a connection has answered before: such a one may have been ended by the server meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    Kept,
}

impl Client {
    pub(super) fn new(settings: &HttpClient, hosts: Hosts) -> Self {
        Self {
            settings: settings.clone(),
            hosts,
            connectors: tls::Connectors::new(&settings.tls),
            pool: Pool::default(),
        }
    }

    /// One exchange, redirects included.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        bounds: Bounds,
        bodies: Bodies,
    ) -> Result<Answer, FetchError> {
        let verb = if outgoing.method == Method::POST { "Post" } else { "Get" };
        let asked = |url: &Url| Some(format!("{verb} \"{url}\""));
        let deadline = tokio::time::Instant::now() + bounds.time;
        let late = |asked| FetchError { asked, cause: Cause::Deadline };
        let mut url = outgoing.url.clone();
        let head = tokio::time::timeout_at(deadline, self.head(outgoing, &mut url)).await;
        let (response, connection) = match head {
            Err(_) => return Err(late(asked(&url))),
            Ok(Err(cause)) => return Err(FetchError { asked: asked(&url), cause }),
            Ok(Ok(answered)) => answered,
        };
        let status = response.status();
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let headers = response.headers().clone();
        if bodies == Bodies::OfSuccess && status != StatusCode::OK {
            return Ok(Answer { status, reason, headers, body: Vec::new() });
        }
        let body = body::read(response, bounds.body, bounds.expected_body);
        let body = tokio::time::timeout_at(deadline, body).await.unwrap_or(Err(Cause::Deadline));
        let body = body.map_err(|cause| FetchError { asked: None, cause })?;
        self.pool.keep(&url, connection);
        Ok(Answer { status, reason, headers, body })
    }

    /// Up to the head of the last answer; `url` is the one that is asked at the time.
    async fn head(
        &self,
        outgoing: &Outgoing<'_>,
        url: &mut Url,
    ) -> Result<(Response<Incoming>, Connection), Cause> {
        let mut guarded = Guarded::Allowed;
        for _ in 0..=REDIRECTS {
            let (response, connection) = self.ask(outgoing, url, guarded).await?;
            if !self.settings.follow_redirects || !is_redirect(response.status()) {
                return Ok((response, connection));
            }
            // Other redirects of a POST turn it into a GET, which nobody here wants.
            if outgoing.method != Method::GET && !matches!(response.status().as_u16(), 307 | 308) {
                return Ok((response, connection));
            }
            if !hosts::is_guarded(connection.peer.ip()) {
                guarded = Guarded::Refused;
            }
            let location = response.headers().get(LOCATION);
            let location = location.ok_or(Cause::NoLocation(response.status().as_u16()))?;
            let location = String::from_utf8_lossy(location.as_bytes());
            *url = url.join(&location)?;
        }
        Err(Cause::Redirects)
    }

    /// One request. On a kept connection that fails before it answers, once more on a new one.
    async fn ask(
        &self,
        outgoing: &Outgoing<'_>,
        url: &Url,
        guarded: Guarded,
    ) -> Result<(Response<Incoming>, Connection), Cause> {
        let mut age = Age::Kept;
        loop {
            let kept = if age == Age::Kept { self.pool.take(url) } else { None };
            let kept = kept.filter(|kept| guarded == Guarded::Allowed || !hosts::is_guarded(kept.peer.ip()));
            let mut connection = if let Some(mut connection) = kept {
                if connection.sender.ready().await.is_err() {
                    continue;
                }
                connection
            } else {
                age = Age::New;
                let addresses = self.hosts.find(url).await?;
                connect::connect(url, &addresses, guarded, &self.connectors).await?
            };
            let request = self.request(outgoing, url)?;
            match connection.sender.send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(_) if age == Age::Kept => age = Age::New,
                Err(error) => return Err(Cause::broken(&error)),
            }
        }
    }

    fn request(&self, outgoing: &Outgoing<'_>, url: &Url) -> Result<Request<Full<Bytes>>, Cause> {
        let invalid = |_| Cause::Url(UrlError::Character);
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = url.target().parse().map_err(|_| Cause::Url(UrlError::Character))?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(url.authority()).map_err(invalid)?);
        if outgoing.method == Method::POST {
            headers.insert(CONTENT_LENGTH, outgoing.body.len().into());
        }
        headers.extend(outgoing.headers.clone());
        if url.has_same_origin(outgoing.url) {
            credentials::add(&self.settings, headers)?;
        }
        credentials::add_user(url.user(), headers)?;
        Ok(request)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
