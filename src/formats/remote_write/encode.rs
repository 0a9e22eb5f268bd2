//! Writing a `WriteRequest`.

use super::{
    read::KINDS,
    wire::{push_bytes, push_varint, varint_len},
};
use crate::{series::Labels, time::Timestamp};

/// A request in the making.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    message: Vec<u8>,
    series: Vec<u8>,
    label: Vec<u8>,
}

impl Encoder {
    /// A series with samples, oldest first.
    pub fn series(&mut self, labels: &Labels, samples: &[(Timestamp, f64)]) {
        self.series.clear();
        for (name, value) in labels.iter() {
            self.label.clear();
            push_bytes(1, name.as_bytes(), &mut self.label);
            push_bytes(2, value.as_bytes(), &mut self.label);
            push_bytes(1, &self.label, &mut self.series);
        }
        for (at, value) in samples {
            let at = at.0.cast_unsigned();
            // A key and eight bytes, a key and the instant.
            let length = 10 + varint_len(at);
            push_varint(2 << 3 | 2, &mut self.series);
            push_varint(length as u64, &mut self.series);
            push_varint(1 << 3 | 1, &mut self.series);
            self.series.extend_from_slice(&value.to_bits().to_le_bytes());
            push_varint(2 << 3, &mut self.series);
            push_varint(at, &mut self.series);
        }
        push_bytes(1, &self.series, &mut self.message);
    }

    /// What a family is; `kind` as the API spells it.
    pub fn metadata(&mut self, family: &str, kind: &str, help: &str, unit: &str) {
        self.series.clear();
        let number = KINDS.iter().position(|have| *have == kind).unwrap_or_default();
        push_varint(1 << 3, &mut self.series);
        push_varint(number as u64, &mut self.series);
        for (number, text) in [(2, family), (4, help), (5, unit)] {
            push_bytes(number, text.as_bytes(), &mut self.series);
        }
        push_bytes(3, &self.series, &mut self.message);
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.message.len()
    }

    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    pub fn finish(self) -> Vec<u8> {
        self.message
    }
}

/// The message as a snappy block.
///
/// # Panics
///
/// With more than 4 GiB, which no block holds.
pub fn pack(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).expect("a request is smaller than 4 GiB")
}
