//! Remote write 1.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>): `WriteRequest` in protobuf, packed with
//! snappy.
//!
//! A request is read where it lies: nothing is allocated for what it only claims to hold.

mod encode;
mod read;
mod wire;

pub use encode::{Encoder, pack};
pub use read::{Exemplar, MetricMetadata, Part, Samples, Series, parts, validate};

/// How large a request may be when it is unpacked, as Prometheus has it.
pub const MOST_BYTES: usize = 32 << 20;

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// In the words of Prometheus' library.
    #[error("s2: corrupt input")]
    Snappy,
    #[error("decoded size exceeds the {MOST_BYTES} bytes limit")]
    TooLarge,
    #[error("proto: {what} ends within a field")]
    Short { what: &'static str },
    #[error("proto: {what} has no field of number {number} and wire type {wire}")]
    Field { what: &'static str, number: u64, wire: u8 },
}

/// The protobuf message in a snappy block.
pub fn unpack(body: &[u8]) -> Result<Vec<u8>, WriteError> {
    let size = snap::raw::decompress_len(body).map_err(|_| WriteError::Snappy)?;
    if body.is_empty() {
        return Err(WriteError::Snappy);
    }
    if size > MOST_BYTES {
        return Err(WriteError::TooLarge);
    }
    // No three bytes of a block become more than 64, so that a small body cannot claim much.
    if size / 64 > body.len() {
        return Err(WriteError::Snappy);
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|_| WriteError::Snappy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{series::Labels, time::Timestamp};

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn read(message: &[u8]) -> Result<Vec<String>, WriteError> {
        validate(message)?;
        let mut shown = Vec::new();
        for part in parts(message) {
            shown.push(match part? {
                Part::Series(series) => {
                    let labels = series.labels()?;
                    let samples = series.samples().collect::<Result<Vec<_>, _>>()?;
                    let exemplars = series.exemplars().collect::<Result<Vec<_>, _>>()?;
                    format!("{labels:?} {samples:?} {} {}", exemplars.len(), series.histograms()?)
                }
                Part::Metadata(metadata) => format!("{metadata:?}"),
            });
        }
        Ok(shown)
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut encoder = Encoder::default();
        encoder
            .series(&labels(&[("__name__", "up"), ("x", "é")]), &[(Timestamp(-1), 1.5), (Timestamp(2), 0.0)]);
        encoder.series(&labels(&[("a", "b")]), &[]);
        encoder.metadata("up", "gauge", "says <up>", "");
        let packed = pack(&encoder.finish());
        let message = unpack(&packed).unwrap();
        assert_eq!(
            read(&message).unwrap(),
            [
                r#"Some([("__name__", "up"), ("x", "é")]) [(Timestamp(-1), 1.5), (Timestamp(2), 0.0)] 0 0"#,
                r#"Some([("a", "b")]) [] 0 0"#,
                r#"MetricMetadata { family: "up", kind: "gauge", help: "says <up>", unit: "" }"#,
            ]
        );
    }

    #[track_caller]
    fn check(message: &[u8], expect: Result<&[&str], &str>) {
        let got = read(message).map_err(|error| error.to_string());
        let got = got.as_ref().map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(got.as_deref().map_err(|error| error.as_str()), expect);
    }

    #[test]
    fn messages_are_read_as_protobuf_has_it() {
        check(b"", Ok(&[]));
        // A series without anything, then an unknown field of each wire type.
        check(b"\x0a\x00\x38\x01\x39........\x3a\x01x\x3d....", Ok(&["Some([]) [] 0 0"]));
        check(b"\x0a\x02\x12\x00", Ok(&["Some([]) [(Timestamp(0), 0.0)] 0 0"]));
        check(b"\x0a\x02\x22\x00", Ok(&["Some([]) [] 0 1"]));
        check(b"\x0a\x04\x0a\x02\x0a\x00", Ok(&["Some([(\"\", \"\")]) [] 0 0"]));
        check(b"\x0a\x05\x0a\x03\x0a\x01\xff", Ok(&["None [] 0 0"]));
        check(b"\x0a\x04\x1a\x02\x18\x05", Ok(&["Some([]) [] 1 0"]));
        check(b"\x1a\x00", Ok(&[r#"MetricMetadata { family: "", kind: "unknown", help: "", unit: "" }"#]));
    }

    #[test]
    fn broken_messages_are_refused() {
        check(b"\x0a", Err("proto: WriteRequest ends within a field"));
        check(b"\x0a\x05\x12", Err("proto: WriteRequest ends within a field"));
        check(
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            Err("proto: WriteRequest ends within a field"),
        );
        check(
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            Err("proto: WriteRequest ends within a field"),
        );
        check(b"\x08\x01", Err("proto: WriteRequest has no field of number 1 and wire type 0"));
        check(b"\x00\x00", Err("proto: WriteRequest has no field of number 0 and wire type 0"));
        check(b"\x0b", Err("proto: WriteRequest has no field of number 1 and wire type 3"));
        check(b"\x0a\x02\x12\x05", Err("proto: TimeSeries ends within a field"));
        check(b"\x0a\x04\x12\x02\x09\x00", Err("proto: Sample ends within a field"));
        check(b"\x0a\x04\x12\x02\x08\x00", Err("proto: Sample has no field of number 1 and wire type 0"));
        check(b"\x0a\x04\x0a\x02\x08\x00", Err("proto: Label has no field of number 1 and wire type 0"));
    }

    #[test]
    fn claims_are_not_believed() {
        assert_eq!(unpack(b""), Err(WriteError::Snappy));
        assert_eq!(unpack(b"xxx"), Err(WriteError::Snappy));
        assert_eq!(unpack(b"\xff\xff\xff\x0f\x00"), Err(WriteError::Snappy));
        assert_eq!(unpack(b"\x80\x80\x80\x20\x00"), Err(WriteError::TooLarge));
        let packed = pack(&vec![0; MOST_BYTES]);
        assert_eq!(unpack(&packed).map(|message| message.len()), Ok(MOST_BYTES));
        assert_eq!(unpack(&pack(&vec![0; MOST_BYTES + 1])), Err(WriteError::TooLarge));
    }
}
