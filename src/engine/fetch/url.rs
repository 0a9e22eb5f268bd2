//! URLs of HTTP servers, and where a redirect leads (RFC 3986, section 5, as far as HTTP needs it).

use std::fmt;

use crate::formats::prometheus::Secret;

/// `http` or `https`, with a host. It is shown without user and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Url {
    is_tls: bool,
    /// `user:password`, as basic authentication sends it.
    user: Option<Secret>,
    /// As written, with the port if there is one and without user.
    authority: String,
    /// Without brackets.
    host: String,
    port: u16,
    /// Path and query, encoded; begins with `/`.
    target: String,
}

/// Why a text is no URL that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::engine) enum UrlError {
    #[error("unsupported protocol scheme \"{0}\"")]
    Scheme(String),
    #[error("no Host in request URL")]
    NoHost,
    #[error("invalid port \"{0}\"")]
    Port(String),
    #[error("user and password stand in URLs of the file only")]
    User,
    #[error("invalid character in URL")]
    Character,
}

impl Url {
    /// A URL as text; a fragment is left out.
    pub(in crate::engine) fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => return Err(UrlError::Scheme(String::new())),
        };
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(UrlError::Scheme(scheme));
        }
        let rest = rest.strip_prefix("//").ok_or(UrlError::NoHost)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let Some((user, authority)) = authority.rsplit_once('@') else {
            return Self::new(&scheme, authority, target);
        };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let user = Secret::new(format!("{}:{}", decoded(name)?, decoded(password)?));
        Ok(Self { user: Some(user), ..Self::new(&scheme, authority, target)? })
    }

    /// Of its parts; `authority` is without user, `target` is path and query, encoded.
    pub(in crate::engine) fn new(scheme: &str, authority: &str, target: &str) -> Result<Self, UrlError> {
        let is_tls = match scheme {
            "http" => false,
            "https" => true,
            other => return Err(UrlError::Scheme(other.to_owned())),
        };
        let target = target.split('#').next().unwrap_or_default();
        if !authority.bytes().chain(target.bytes()).all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let after_host = match authority.strip_prefix('[') {
            Some(literal) => literal.find(']').map(|end| end + 2).ok_or(UrlError::NoHost)?,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        let (host, port) = authority.split_at(after_host);
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            Some(digits) => Some(digits),
            None => Some(port),
        };
        let port = match port {
            None => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
            Some(digits) => digits.parse().map_err(|_| UrlError::Port(digits.to_owned()))?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{target}");
        Ok(Self { is_tls, user: None, authority: authority.to_owned(), host, port, target })
    }

    /// What a `Location` means on an answer to this URL; the user stays where no other server is named.
    pub(super) fn join(&self, location: &str) -> Result<Self, UrlError> {
        if split_scheme(location).is_some() {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme()));
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match location.as_bytes().first() {
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{path}{location}"),
            None | Some(b'#') => self.target.clone(),
            Some(_) => {
                let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
                format!("{folder}{location}")
            }
        };
        let joined = Self::new(self.scheme(), &self.authority, &without_dots(&target))?;
        Ok(Self { user: self.user.clone(), ..joined })
    }

    pub(super) fn user(&self) -> Option<&Secret> {
        self.user.as_ref()
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// Whether both lead to the same server in the same way.
    pub(super) fn has_same_origin(&self, other: &Self) -> bool {
        (self.is_tls, self.port) == (other.is_tls, other.port) && self.host.eq_ignore_ascii_case(&other.host)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.target)
    }
}

/// A part of a URL without its percent-encoding.
fn decoded(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or(UrlError::Character)?);
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).map_err(|_| UrlError::Character)
}

/// `[a-zA-Z][a-zA-Z0-9+.-]*:` and the rest.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-')))?;
    let is_scheme = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text[end..].starts_with(':');
    is_scheme.then(|| (&text[..end], &text[end + 1..]))
}

/// A path without `.` and `..`; the query stays.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let got = Url::parse(text).map(|url| format!("{url} {}:{}", url.host(), url.port()));
        let got = got.map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expect, "{text}");
    }

    #[test]
    fn urls_are_read() {
        check("http://a", Ok("http://a/ a:80"));
        check("HTTPS://a:1/b?c#d", Ok("https://a:1/b?c a:1"));
        check("http://[::1]:9090/x", Ok("http://[::1]:9090/x ::1:9090"));
        check("http://[fe80::1]", Ok("http://[fe80::1]/ fe80::1:80"));
        check("http://a?x=1", Ok("http://a/?x=1 a:80"));
        check("file:///etc/passwd", Err("unsupported protocol scheme \"file\""));
        check("a/b", Err("unsupported protocol scheme \"\""));
        check("http:/a", Err("no Host in request URL"));
        check("http:///a", Err("no Host in request URL"));
        check("http://:1/a", Err("no Host in request URL"));
        check("http://[::1", Err("no Host in request URL"));
        check("http://[::1]x", Err("invalid port \"x\""));
        check("http://a:x", Err("invalid port \"x\""));
        check("http://a:99999", Err("invalid port \"99999\""));
        check("http://u:p@a/", Ok("http://a/ a:80"));
        check("http://u:p%2@a/", Err("invalid character in URL"));
        check("http://a/ b", Err("invalid character in URL"));
        check("http://a/\r\nX: y", Err("invalid character in URL"));
        check("http://é/", Err("invalid character in URL"));
    }

    #[track_caller]
    fn user(text: &str, location: &str, expect: Option<&str>) {
        let url = Url::parse(text).and_then(|url| url.join(location)).unwrap();
        assert_eq!(url.user().map(Secret::reveal), expect, "{text} {location}");
        assert!(!format!("{url} {url:?}").contains("hunter"));
    }

    #[test]
    fn users_are_kept_and_not_shown() {
        user("http://u:hunter2@a/b", "", Some("u:hunter2"));
        user("http://u:hunter2@a/b", "/c", Some("u:hunter2"));
        user("http://u%40x:hunter%252@a", "/c", Some("u@x:hunter%2"));
        user("http://u@a", "", Some("u:"));
        user("http://a@b:hunter2@c", "", Some("a@b:hunter2"));
        user("http://a", "", None);
        user("http://u:hunter2@a/b", "http://a/c", None);
    }

    #[track_caller]
    fn joined(location: &str, expect: &str) {
        let base = Url::parse("http://a:1/b/c?d=1").unwrap();
        let got = base.join(location).map_or_else(|error| error.to_string(), |url| url.to_string());
        assert_eq!(got, expect, "{location}");
    }

    #[test]
    fn redirects_lead_somewhere() {
        joined("https://x/y", "https://x/y");
        joined("//x/y", "http://x/y");
        joined("/y?z", "http://a:1/y?z");
        joined("y", "http://a:1/b/y");
        joined("../y/./z", "http://a:1/y/z");
        joined("../../../..", "http://a:1/");
        joined("?e", "http://a:1/b/c?e");
        joined("", "http://a:1/b/c?d=1");
        joined("#f", "http://a:1/b/c?d=1");
        joined("file:///etc/passwd", "unsupported protocol scheme \"file\"");
        joined("gopher://x", "unsupported protocol scheme \"gopher\"");
    }
}
