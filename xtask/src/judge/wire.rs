//! Prometheus remote write 1.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>): samples to bytes.

use std::collections::BTreeMap;

use llmobs::series::Labels;

use super::recorded::Arrival;

/// Protocol buffers' kinds of fields that are needed here (<https://protobuf.dev/programming-guides/encoding/>).
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;

/// A `WriteRequest` with these samples, compressed as the protocol demands. Series come in the order of their first
/// sample.
pub(crate) fn write_request<'a>(batch: &[Arrival], labels: impl Fn(usize) -> &'a Labels) -> Vec<u8> {
    let mut order = Vec::new();
    let mut samples: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (series, at, value) in batch {
        let of_series = samples.entry(*series).or_insert_with(|| {
            order.push(*series);
            Vec::new()
        });
        message(of_series, 2, &sample(*at, *value));
    }
    let mut request = Vec::new();
    for series in order {
        let mut body = Vec::new();
        for (name, value) in labels(series).iter() {
            let mut label = Vec::new();
            message(&mut label, 1, name.as_bytes());
            message(&mut label, 2, value.as_bytes());
            message(&mut body, 1, &label);
        }
        body.extend_from_slice(&samples[&series]);
        message(&mut request, 1, &body);
    }
    snappy(&request)
}

fn sample(at: i64, value: f64) -> Vec<u8> {
    let mut out = Vec::new();
    key(&mut out, 1, FIXED64);
    // The bits as they are: they tell a staleness marker from any other NaN.
    out.extend_from_slice(&value.to_bits().to_le_bytes());
    key(&mut out, 2, VARINT);
    varint(&mut out, at.cast_unsigned());
    out
}

fn message(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(out, field, LENGTH);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn key(out: &mut Vec<u8>, field: u64, kind: u64) {
    varint(out, field << 3 | kind);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Snappy's block format, as the protocol demands.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("a request is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_encoded_as_the_protocol_says() {
        let labels: Labels = [("a", "b")].into_iter().collect();
        let request = write_request(&[(0, 1, 1.0)], |_| &labels);
        let body = [
            &[0x0a, 0x15][..],
            &[0x0a, 0x06, 0x0a, 0x01, b'a', 0x12, 0x01, b'b'],
            &[0x12, 0x0b, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0x01],
        ]
        .concat();
        // A literal of so few bytes has its length in its tag.
        let expect = [&[23, 22 << 2][..], &body].concat();
        assert_eq!(request, expect);
    }

    #[test]
    fn long_numbers_take_several_bytes() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 0x02]);
    }
}
