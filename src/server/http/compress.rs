//! Answers in gzip (RFC 1952) for those who ask.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use hyper::header::{self, HeaderValue};

use super::Reply;

/// Smaller bodies are sent as they are: they fit into a packet or two.
const LARGE: usize = 1400;

/// Compresses the body where the client takes gzip and it is worth it.
pub(super) fn compress(accept_encoding: &str, mut reply: Reply) -> Reply {
    reply.headers.push((header::VARY, HeaderValue::from_static("Accept-Encoding")));
    let is_encoded = reply.headers.iter().any(|(name, _)| name == header::CONTENT_ENCODING);
    if is_encoded || reply.body.len() < LARGE || !takes_gzip(accept_encoding) {
        return reply;
    }
    // An eighth is what text like ours comes to.
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.body.len() / 8), Compression::fast());
    // Writing to memory does not fail; if it did, the body is sent as it is.
    if encoder.write_all(&reply.body).is_ok()
        && let Ok(packed) = encoder.finish()
    {
        reply.body = packed.into();
        reply.headers.push((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    reply
}

/// Whether `Accept-Encoding` (RFC 9110, section 12.5.3) lists gzip with a quality above 0.
fn takes_gzip(accept: &str) -> bool {
    accept.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok());
        is_gzip && quality.is_none_or(|quality| quality > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[track_caller]
    fn check(accept: &str, expect: bool) {
        assert_eq!(takes_gzip(accept), expect, "{accept}");
    }

    #[test]
    fn gzip_is_for_those_who_list_it() {
        check("", false);
        check("gzip", true);
        check("br, GZIP;q=0.5", true);
        check("gzip;q=0, deflate", false);
        check("xgzip,*", false);
    }

    #[test]
    fn large_bodies_are_compressed() {
        let body = "x".repeat(LARGE);
        let packed = compress("gzip", Reply::text(200, body.clone()));
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, body);
        assert!(packed.headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip"));
        assert_eq!(compress("", Reply::text(200, body.clone())).body, body);
        assert_eq!(compress("gzip", Reply::text(200, "small")).body, "small");
    }
}
