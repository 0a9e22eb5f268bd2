//! How an HTTP client of Prometheus behaves: who it says it is, whom it trusts, what it sends along.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{
    formats::{
        Text,
        reader::{Keys, Reader, first_line},
    },
    text::Span,
    yaml::{Entry, Value},
};

/// Keys that stand among those of what owns the client.
pub(super) const CLIENT: &[&str] = &[
    "basic_auth",
    "authorization",
    "oauth2",
    "bearer_token",
    "bearer_token_file",
    "tls_config",
    "follow_redirects",
    "enable_http2",
    "proxy_url",
    "no_proxy",
    "proxy_from_environment",
    "proxy_connect_header",
    "http_headers",
];
const BASIC: &[&str] =
    &["username", "username_file", "username_ref", "password", "password_file", "password_ref"];
const AUTHORIZATION: &[&str] = &["type", "credentials", "credentials_file", "credentials_ref"];
const TLS: &[&str] = &[
    "ca",
    "cert",
    "key",
    "ca_file",
    "cert_file",
    "key_file",
    "ca_ref",
    "cert_ref",
    "key_ref",
    "server_name",
    "insecure_skip_verify",
    "min_version",
    "max_version",
];
const HEADER: &[&str] = &["values", "secrets", "files"];

/// Headers that are the client's own, in lower case.
const RESERVED: &[&str] = &[
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// A client of HTTP/1.1. `enable_http2` is read and means nothing: servers of HTTP/2 speak HTTP/1.1 as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpClient {
    /// At most one of this and `authorization`.
    pub basic_auth: Option<BasicAuth>,
    /// `bearer_token` and `bearer_token_file` are read into it.
    pub authorization: Option<Authorization>,
    pub tls: Tls,
    /// Yes by default.
    pub follow_redirects: bool,
    /// Sorted by name.
    pub headers: Vec<Header>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            tls: Tls::default(),
            follow_redirects: true,
            headers: Vec::new(),
        }
    }
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A text of the file, or of another that is read at each use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    Inline(Secret),
    File(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BasicAuth {
    pub username: Option<Credential>,
    pub password: Option<Credential>,
}

/// `Authorization: KIND CREDENTIALS`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authorization {
    /// `Bearer` by default.
    pub kind: String,
    pub credentials: Option<Credential>,
}

/// A header that is sent with each request: each value on its own line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Header {
    pub name: String,
    pub values: Vec<Credential>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// PEM; the system's roots where there is none.
    pub ca: Option<Credential>,
    /// PEM; `key` comes with it.
    pub certificate: Option<Credential>,
    pub key: Option<Credential>,
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    V10,
    V11,
    V12,
    V13,
}

impl HttpClient {
    pub(super) fn set_directory(&mut self, folder: &Path) {
        let basic = self.basic_auth.iter_mut().flat_map(|auth| [&mut auth.username, &mut auth.password]);
        let bearer = self.authorization.iter_mut().map(|auth| &mut auth.credentials);
        let tls = [&mut self.tls.ca, &mut self.tls.certificate, &mut self.tls.key];
        let headers = self.headers.iter_mut().flat_map(|header| &mut header.values);
        for credential in basic.chain(bearer).chain(tls).flatten().chain(headers) {
            if let Credential::File(path) = credential {
                *path = folder.join(&*path);
            }
        }
    }
}

/// The client that stands among the keys of something else.
pub(super) fn client(reader: &mut Reader<'_>, keys: Keys<'_>) -> HttpClient {
    refuse_proxies(reader, keys);
    reader.not_done(keys, &["oauth2"]);
    let bearer = one_of(reader, keys, "bearer_token", "bearer_token_file", "");
    let mut ways: Vec<&Entry> = ["basic_auth", "oauth2", "authorization"]
        .iter()
        .chain(if bearer.is_some() { &["bearer_token", "bearer_token_file"][..] } else { &[] })
        .filter_map(|key| keys.get(key))
        .collect();
    ways.sort_by_key(|entry| entry.key_origin.span.start);
    if let [first, second, ..] = ways[..] {
        let message = format!("`{}` and `{}` are both there", first.key, second.key);
        let help = "at most one of basic_auth, oauth2, authorization & bearer_token can be configured";
        reader.mistake(second.key_origin.span, message, help);
    }
    let bearer =
        bearer.map(|credential| Authorization { kind: "Bearer".to_owned(), credentials: Some(credential) });
    HttpClient {
        basic_auth: keys.get("basic_auth").and_then(|entry| basic_auth(reader, entry)),
        authorization: keys.get("authorization").and_then(|entry| authorization(reader, entry)).or(bearer),
        tls: keys.get("tls_config").and_then(|entry| tls(reader, entry)).unwrap_or_default(),
        follow_redirects: reader.switch_or(keys.get("follow_redirects"), true),
        headers: headers(reader, keys.get("http_headers")),
    }
}

fn refuse_proxies(reader: &mut Reader<'_>, keys: Keys<'_>) {
    for key in ["proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"] {
        let Some(entry) = keys.get(key) else { continue };
        let is_off =
            matches!(&entry.value.value, Value::Scalar(scalar) if matches!(&*scalar.text, "" | "false"));
        if !is_off {
            let message = format!("`{key}`: targets are not asked through a proxy");
            reader.mistake(
                entry.key_origin.span,
                message,
                "name addresses that this machine reaches by itself",
            );
        }
    }
}

/// What is written as a value or as the name of a file, not both.
fn one_of(
    reader: &mut Reader<'_>,
    keys: Keys<'_>,
    inline: &str,
    file: &str,
    reference: &str,
) -> Option<Credential> {
    reader.not_done(keys, &[reference]);
    let filled = |text: &Text| !text.as_str().is_empty();
    let inline_text = reader.text(keys.get(inline)).filter(filled);
    let file_text = reader.text(keys.get(file)).filter(filled);
    match (inline_text, file_text) {
        (Some(_), Some(second)) => {
            let message = format!("at most one of {inline} & {file} must be configured");
            reader.mistake(second.span(), message, "remove one of them");
            None
        }
        (Some(text), None) => Some(Credential::Inline(Secret::new(text.as_str()))),
        (None, Some(path)) => Some(Credential::File(path.as_str().into())),
        (None, None) => None,
    }
}

fn basic_auth(reader: &mut Reader<'_>, entry: &Entry) -> Option<BasicAuth> {
    let keys = reader.keys(&entry.value, "`basic_auth`", BASIC)?;
    Some(BasicAuth {
        username: one_of(reader, keys, "username", "username_file", "username_ref"),
        password: one_of(reader, keys, "password", "password_file", "password_ref"),
    })
}

fn authorization(reader: &mut Reader<'_>, entry: &Entry) -> Option<Authorization> {
    let keys = reader.keys(&entry.value, "`authorization`", AUTHORIZATION)?;
    let mut kind = "Bearer".to_owned();
    if let Some(text) = reader.text(keys.get("type")).filter(|text| !text.as_str().trim().is_empty()) {
        text.as_str().trim().clone_into(&mut kind);
        if kind.eq_ignore_ascii_case("basic") {
            let message = "authorization type cannot be set to `basic`";
            reader.mistake(text.span(), message, "write `basic_auth` instead of `authorization`");
        }
    }
    let credentials = one_of(reader, keys, "credentials", "credentials_file", "credentials_ref");
    Some(Authorization { kind, credentials })
}

pub(super) fn tls(reader: &mut Reader<'_>, entry: &Entry) -> Option<Tls> {
    let keys = reader.keys(&entry.value, "`tls_config`", TLS)?;
    let before = reader.mistakes.len();
    let tls = Tls {
        ca: one_of(reader, keys, "ca", "ca_file", "ca_ref"),
        certificate: one_of(reader, keys, "cert", "cert_file", "cert_ref"),
        key: one_of(reader, keys, "key", "key_file", "key_ref"),
        server_name: Some(reader.words(keys.get("server_name"))).filter(|name| !name.is_empty()),
        insecure_skip_verify: reader.switch_or(keys.get("insecure_skip_verify"), false),
        min_version: version(reader, keys.get("min_version")),
        max_version: version(reader, keys.get("max_version")),
    };
    let span = first_line(reader.source, entry.key_origin.span);
    if before == reader.mistakes.len() {
        match (&tls.certificate, &tls.key) {
            (Some(_), None) => reader.mistake(
                span,
                "exactly one of key or key_file must be configured when a client certificate is configured",
                "add `key_file:`",
            ),
            (None, Some(_)) => reader.mistake(
                span,
                "exactly one of cert or cert_file must be configured when a client key is configured",
                "add `cert_file:`",
            ),
            _ => {}
        }
    }
    if tls.min_version.zip(tls.max_version).is_some_and(|(min, max)| min > max) {
        reader.mistake(
            span,
            "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
            "change one of them",
        );
    }
    Some(tls)
}

fn version(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Option<TlsVersion> {
    let text = reader.text(entry)?;
    match text.as_str() {
        "TLS10" => Some(TlsVersion::V10),
        "TLS11" => Some(TlsVersion::V11),
        "TLS12" => Some(TlsVersion::V12),
        "TLS13" => Some(TlsVersion::V13),
        other => {
            let message = format!("unknown TLS version: `{other}`");
            reader.mistake(text.span(), message, "write `TLS12` or `TLS13`");
            None
        }
    }
}

fn headers(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Vec<Header> {
    let Some(entry) = entry else { return Vec::new() };
    let Value::Map(entries) = &entry.value.value else {
        let span = first_line(reader.source, entry.value.origin.span);
        reader.mistake(
            span,
            "`http_headers` has the names of headers",
            "write `Name:` with `values:` below it",
        );
        return Vec::new();
    };
    let mut headers = Vec::new();
    for header in entries {
        refuse_reserved(reader, &header.key, header.key_origin.span);
        let Some(keys) = reader.keys(&header.value, "a header", HEADER) else { continue };
        let mut values = Vec::new();
        for key in ["values", "secrets"] {
            let texts = reader.texts(keys.get(key));
            values.extend(texts.iter().map(|text| Credential::Inline(Secret::new(text.as_str()))));
        }
        let files = reader.texts(keys.get("files"));
        values.extend(files.iter().map(|file| Credential::File(file.as_str().into())));
        headers.push(Header { name: header.key.clone(), values });
    }
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    headers
}

/// A header that the client sets by itself, or that is no name.
pub(super) fn refuse_reserved(reader: &mut Reader<'_>, name: &str, span: Span) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        let message = format!("`{}` is no name of a header", name.escape_debug());
        reader.mistake(span, message, "write letters, digits and `-`");
    } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        let message = format!("setting header `{name}` is not allowed");
        reader.mistake(span, message, "authorization has keys of its own; the others are not to be set");
    }
}

/// Whether a text is `http://host…` or `https://host…`.
pub(super) fn refuse_no_url(reader: &mut Reader<'_>, text: &Text) {
    let url = text.as_str();
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
    });
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']));
    if !has_host || url.contains(char::is_whitespace) {
        let message = format!("`{}` is no URL", super::without_user(url).escape_debug());
        reader.mistake(text.span(), message, "write `http://host:port/path` or `https://host/path`");
    }
}
