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
pub(in crate::engine) struct Bounded {
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

/// A body in the making.
pub(in crate::engine) enum Unpacking {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

impl Unpacking {
    /// By the `Content-Encoding`. So many bytes of the unpacked body are too many; `expected` are made room for.
    pub(in crate::engine) fn new(
        encoding: Option<&[u8]>,
        limit: usize,
        expected: usize,
    ) -> Result<Self, Cause> {
        let sink = Bounded { bytes: Vec::with_capacity(expected.min(limit)), limit };
        match encoding {
            Some(b"gzip") => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(sink)))),
            Some(b"zstd") => Err(Cause::Encoding("zstd".to_owned())),
            _ => Ok(Self::Plain(sink)),
        }
    }

    /// Adds bytes as they came.
    pub(in crate::engine) fn add(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let written = match self {
            Self::Plain(sink) => sink.write_all(bytes),
            Self::Gzip(sink) => sink.write_all(bytes),
        };
        written.map_err(|error| cause(&error))
    }

    /// The whole body, unpacked.
    pub(in crate::engine) fn finish(self) -> Result<Vec<u8>, Cause> {
        match self {
            Self::Plain(sink) => Ok(sink.bytes),
            Self::Gzip(sink) => Ok(sink.finish().map_err(|error| cause(&error))?.bytes),
        }
    }
}

/// The whole body, unpacked.
pub(super) async fn read(
    response: Response<Incoming>,
    limit: usize,
    expected: usize,
) -> Result<Vec<u8>, Cause> {
    let encoding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let mut unpacking = Unpacking::new(encoding, limit, expected)?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cause::broken(&error))?;
        if let Ok(bytes) = frame.into_data() {
            unpacking.add(&bytes)?;
        }
    }
    unpacking.finish()
}

fn cause(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Cause::BodySize,
        io::ErrorKind::UnexpectedEof => Cause::Gzip("unexpected EOF".to_owned()),
        _ => Cause::Gzip(error.to_string()),
    }
}
