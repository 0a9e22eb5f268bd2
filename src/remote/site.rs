//! A server that a user names by its address.

use std::{fmt, str::FromStr, time::Duration};

use hyper::Method;

use crate::text::percent_encoded;

use super::{
    Answer, Credentials, Endpoint, RemoteError,
    http::{Limits, Message, send},
};

/// Bytes of an answer; a range query over many series can be long.
const BODY_LIMIT: usize = 256 << 20;
/// Longer texts are sent in the body of a POST: servers and proxies limit the first line of a request.
const LONGEST_QUERY: usize = 4000;

/// An HTTP server and the path below which it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// A name or an address; of IPv6 without its brackets.
    host: String,
    port: u16,
    /// Empty, or with a leading `/` and none at its end.
    prefix: String,
    credentials: Option<Credentials>,
}

/// Why a text names no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    #[error("`{0}` has no `http://` in front")]
    NoScheme(String),
    #[error("`{0}` wants TLS, which this version does not speak")]
    Tls(String),
    #[error("`{0}` is no address as `http://host:port/path`")]
    Malformed(String),
    #[error("`{0}` has a query or a fragment, which the address of a server cannot have")]
    Query(String),
}

impl FromStr for Site {
    type Err = SiteError;

    /// `http://[user:password@]host[:port][/path]`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A password is not repeated in a message.
        let shown = || match (text.find("://"), text.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &text[..scheme + 3], &text[at..]),
            (None, Some(at)) => format!("…{}", &text[at..]),
            _ => text.to_owned(),
        };
        let malformed = || SiteError::Malformed(shown());
        let (scheme, rest) = text.split_once("://").ok_or_else(|| SiteError::NoScheme(shown()))?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(SiteError::Tls(shown())),
            _ => return Err(SiteError::NoScheme(shown())),
        }
        if rest.contains(['?', '#']) {
            return Err(SiteError::Query(shown()));
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or_else(malformed)?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| malformed())?,
            None if port.is_empty() => 80,
            None => return Err(malformed()),
        };
        if host.is_empty() {
            return Err(malformed());
        }
        let credentials = match user {
            Some(user) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                let decoded = |text: &str| decode(text).ok_or_else(malformed);
                Some(Credentials { user: decoded(user)?, password: decoded(password)? })
            }
            None => None,
        };
        let prefix = path.trim_end_matches('/').to_owned();
        Ok(Self { host: host.to_owned(), port, prefix, credentials })
    }
}

impl From<Endpoint> for Site {
    fn from(endpoint: Endpoint) -> Self {
        let address = endpoint.address();
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            prefix: String::new(),
            credentials: None,
        }
    }
}

impl fmt::Display for Site {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.address(), self.prefix)
    }
}

impl Site {
    /// `host:port`.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Asks with a form: in the address where it is short, by POST where it is long.
    pub(super) async fn ask(
        &self,
        path: &str,
        form: &[(&str, String)],
        time: Duration,
    ) -> Result<Answer, RemoteError> {
        let encoded: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value, b""))).collect();
        let encoded = encoded.join("&");
        let path = format!("{}{path}", self.prefix);
        let credentials = self.credentials.as_ref();
        let limits = Limits { time, body: BODY_LIMIT };
        let to = (self.host.as_str(), self.port);
        if encoded.len() > LONGEST_QUERY {
            let message = Message { method: Method::POST, path: &path, credentials, form: Some(encoded) };
            return send(to, &self.address(), message, limits).await;
        }
        let path = if encoded.is_empty() { path } else { format!("{path}?{encoded}") };
        let message = Message { method: Method::GET, path: &path, credentials, form: None };
        send(to, &self.address(), message, limits).await
    }
}

/// Undoes percent-encoding; none where it is broken.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let got = text.parse::<Site>().map(|site| site.to_string()).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn addresses_are_read() {
        check("http://localhost:9090", Ok("http://localhost:9090"));
        check("HTTP://prom.example", Ok("http://prom.example:80"));
        check("http://h:1/", Ok("http://h:1"));
        check("http://h:1/a/b//", Ok("http://h:1/a/b"));
        check("http://[::1]:9090/x", Ok("http://[::1]:9090/x"));
        check("http://[::1]", Ok("http://[::1]:80"));
        check("http://u:p@h:1", Ok("http://h:1"));
        check("localhost:9090", Err("`localhost:9090` has no `http://` in front"));
        check("u:secret@h:9090", Err("`…@h:9090` has no `http://` in front"));
        check("ftp://h", Err("`ftp://h` has no `http://` in front"));
        check("https://h", Err("`https://h` wants TLS, which this version does not speak"));
        check("https://u:secret@h", Err("`https://…@h` wants TLS, which this version does not speak"));
        check("http://", Err("`http://` is no address as `http://host:port/path`"));
        check("http://:90", Err("`http://:90` is no address as `http://host:port/path`"));
        check("http://h:x", Err("`http://h:x` is no address as `http://host:port/path`"));
        check("http://h:70000", Err("`http://h:70000` is no address as `http://host:port/path`"));
        check("http://[::1", Err("`http://[::1` is no address as `http://host:port/path`"));
        check("http://[::1]x", Err("`http://[::1]x` is no address as `http://host:port/path`"));
        check("http://h/a b", Err("`http://h/a b` is no address as `http://host:port/path`"));
        check("http://u:%zz@h", Err("`http://…@h` is no address as `http://host:port/path`"));
        check(
            "http://h/graph?x=1",
            Err("`http://h/graph?x=1` has a query or a fragment, which the address of a server cannot have"),
        );
    }

    #[test]
    fn credentials_are_decoded() {
        let site: Site = "http://me:p%40ss%3A@h".parse().unwrap();
        let credentials = Credentials { user: "me".to_owned(), password: "p@ss:".to_owned() };
        assert_eq!(site.credentials, Some(credentials));
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(percent_encoded("sum(a{b=\"é\"}) + 1", b""), "sum%28a%7Bb%3D%22%C3%A9%22%7D%29%20%2B%201");
    }
}
