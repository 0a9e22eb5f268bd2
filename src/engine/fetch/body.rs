//! Bodies as they come in: unpacked on the way, cut at a limit.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::{
    Response,
    body::Incoming,
    header::{CONTENT_ENCODING, HeaderValue},
};

use super::Cause;

/// Where bytes go until there are too many; nothing beyond the limit is kept.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // As Prometheus: a body as long as the limit is too long already.
        if self.bytes.len() + bytes.len() >= self.limit {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Sink {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// The whole body, unpacked; `expected` bytes are made room for.
pub(super) async fn read(
    response: Response<Incoming>,
    limit: usize,
    expected: usize,
) -> Result<Vec<u8>, Cause> {
    let sink = Bounded { bytes: Vec::with_capacity(expected.min(limit)), limit };
    let mut sink = match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(b"gzip") => Sink::Gzip(Box::new(MultiGzDecoder::new(sink))),
        Some(b"zstd") => return Err(Cause::Encoding("zstd".to_owned())),
        _ => Sink::Plain(sink),
    };
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::broken(&error))?;
        let Ok(bytes) = frame.into_data() else { continue };
        let written = match &mut sink {
            Sink::Plain(sink) => sink.write_all(&bytes),
            Sink::Gzip(sink) => sink.write_all(&bytes),
        };
        written.map_err(|error| cause(&error))?;
    }
    match sink {
        Sink::Plain(sink) => Ok(sink.bytes),
        Sink::Gzip(sink) => Ok(sink.finish().map_err(|error| cause(&error))?.bytes),
    }
}

fn cause(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Cause::BodySize,
        io::ErrorKind::UnexpectedEof => Cause::Gzip("unexpected EOF".to_owned()),
        _ => Cause::Gzip(error.to_string()),
    }
}
