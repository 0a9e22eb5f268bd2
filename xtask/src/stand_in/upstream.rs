//! The way to a data source: one GET over plain HTTP.

use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A data source that takes longer than this is as good as down, for a test.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server said: the status and the body.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// GET `path` (with its query) below the base URL of a data source.
pub(super) async fn get(base: &str, path: &str) -> anyhow::Result<Reply> {
    let reply = tokio::time::timeout(PATIENCE, fetch(base, path)).await;
    reply.with_context(|| format!("`{base}` did not answer within {} s", PATIENCE.as_secs()))?
}

async fn fetch(base: &str, path: &str) -> anyhow::Result<Reply> {
    let rest = base.strip_prefix("http://").with_context(|| format!("`{base}` is no http:// URL"))?;
    let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    ensure!(!authority.is_empty(), "`{base}` names no host");
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let stream =
        TcpStream::connect(&address).await.with_context(|| format!("cannot connect to `{address}`"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let target = match prefix.trim_end_matches('/') {
        "" => path.to_owned(),
        prefix => format!("/{prefix}{path}"),
    };
    let request = Request::get(target).header(HOST, authority).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok(Reply { status, body })
}

/// A text as a value in a query string.
pub(super) fn encode(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The pairs of a query string.
pub(super) fn decode_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        rest = if escaped.is_some() { &after[2..] } else { after };
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_go_there_and_back() {
        assert_eq!(
            encode("sum(rate(x{a=\"é\"}[5m])) + 1"),
            "sum%28rate%28x%7Ba%3D%22%C3%A9%22%7D%5B5m%5D%29%29%20%2B%201"
        );
        let check = |query: &str, expect: &[(&str, &str)]| {
            let pairs = decode_pairs(query);
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(pairs, expect);
        };
        check("", &[]);
        check("a=1&b&c=x%2By+z", &[("a", "1"), ("b", ""), ("c", "x+y z")]);
        check("a=%C3%A9%zz%4", &[("a", "é%zz%4")]);
    }
}
