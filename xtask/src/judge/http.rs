//! The little of HTTP/1.1 that a server on this machine has to be asked with: one connection, one request at a time.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

/// Longer than Prometheus lets a query run.
const PATIENCE: Duration = Duration::from_secs(150);

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case; of equal ones the last.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A connection that is kept from request to request.
#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Http {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address, stream: BufReader::with_capacity(1 << 16, stream) })
    }

    /// Status and body of the answer. `headers` are whole lines.
    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let reply = self.exchange(method, path, headers, body)?;
        Ok((reply.status, reply.body))
    }

    /// As [`Http::send`], with the headers that came back.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<Reply> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&request).context("cannot send the request")?;
        self.receive(method == "HEAD").with_context(|| format!("no answer to {method} {path}"))
    }

    fn receive(&mut self, is_head: bool) -> anyhow::Result<Reply> {
        let status = self.line()?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let code: u16 = code.with_context(|| format!("`{status}` is no status"))?;
        let (mut length, mut chunked) = (0, false);
        let mut reply = Reply { status: code, headers: BTreeMap::new(), body: Vec::new() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { bail!("`{line}` is no header") };
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "content-length" => length = value.parse().context("no length")?,
                "transfer-encoding" => chunked = value == "chunked",
                _ => {}
            }
            reply.headers.insert(name, value.to_owned());
        }
        let closes = reply.headers.get("connection").is_some_and(|value| value == "close");
        if closes && !chunked && !is_head {
            self.stream.read_to_end(&mut reply.body)?;
        }
        if closes {
            *self = Self::open(self.address)?;
            return Ok(reply);
        }
        if is_head {
            return Ok(reply);
        }
        if !chunked {
            self.read(&mut reply.body, length)?;
            return Ok(reply);
        }
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length =
                usize::from_str_radix(&line, 16).with_context(|| format!("`{line}` is no length"))?;
            self.read(&mut body, length)?;
            ensure!(self.line()?.is_empty(), "a chunk does not end where it should");
            if length == 0 {
                return Ok(Reply { body, ..reply });
            }
        }
    }

    fn read(&mut self, body: &mut Vec<u8>, length: usize) -> anyhow::Result<()> {
        let start = body.len();
        body.resize(start + length, 0);
        Ok(self.stream.read_exact(&mut body[start..])?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the server closed the connection");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// A form's body: names and values, percent-encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", percent_encoded(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        assert_eq!(form(&[("query", "a + é"), ("time", "1.5")]), "query=a%20%2B%20%C3%A9&time=1%2E5");
    }
}
