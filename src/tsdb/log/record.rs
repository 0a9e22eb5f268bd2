//! Records of the log: what one commit or one deletion says.
//!
//! A record is framed as its length and its CRC-32, both `u32`, little-endian. A series is defined once in each file,
//! by its slot, its labels; samples then name the slot. Within a file a value is written as its difference to the last
//! one of its series.

use std::{collections::HashMap, io};

use crate::{
    series::{Labels, TimeSpan},
    time::Timestamp,
    tsdb::codec::{Cursor, crc32, put_i64, put_text, put_u64, put_usize},
};

/// Length and checksum.
pub(crate) const FRAME: usize = 8;

/// More is in no record; a larger length in a file is damage.
pub(crate) const MAX_RECORD: usize = 64 << 20;

const SAMPLES: u8 = 1;
const DELETION: u8 = 2;

/// Flags before a sample.
const SAME_VALUE: u8 = 0;
const WHOLE_VALUE: u8 = 1;
const RAW_VALUE: u8 = 2;
const VALUE: u8 = 3;
const OTHER_TIME: u8 = 4;
const OTHER_SLOT: u8 = 8;
const IS_LATE: u8 = 16;

/// A sample of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Logged {
    pub(crate) slot: u32,
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
    pub(crate) is_late: bool,
}

/// A record in the making.
#[derive(Debug, Default)]
pub(crate) struct RecordWriter {
    defined: usize,
    definitions: Vec<u8>,
    count: usize,
    body: Vec<u8>,
    base: Option<i64>,
    next_slot: u32,
}

impl RecordWriter {
    /// Says which series a slot is, from here on in this file.
    pub(crate) fn define(&mut self, slot: u32, labels: &Labels) {
        self.defined += 1;
        put_u64(&mut self.definitions, u64::from(slot));
        put_labels(&mut self.definitions, labels);
    }

    /// Adds a sample; `last` are the bits of the value that the file has last for this series, 0 at its definition.
    pub(crate) fn sample(&mut self, sample: Logged, last: u64) {
        let Logged { slot, at, value, is_late } = sample;
        let base = *self.base.get_or_insert(at.0);
        let difference = whole_difference(f64::from_bits(last), value);
        let mut flags = match difference {
            _ if value.to_bits() == last => SAME_VALUE,
            Some(_) => WHOLE_VALUE,
            None => RAW_VALUE,
        };
        for (flag, is_set) in
            [(OTHER_TIME, at.0 != base), (OTHER_SLOT, slot != self.next_slot), (IS_LATE, is_late)]
        {
            flags |= if is_set { flag } else { 0 };
        }
        self.body.push(flags);
        if at.0 != base {
            put_i64(&mut self.body, at.0.wrapping_sub(base));
        }
        if slot != self.next_slot {
            put_i64(&mut self.body, i64::from(slot) - i64::from(self.next_slot));
        }
        match (flags & VALUE, difference) {
            (WHOLE_VALUE, Some(difference)) => put_i64(&mut self.body, difference),
            (RAW_VALUE, _) => self.body.extend_from_slice(&value.to_le_bytes()),
            _ => {}
        }
        self.next_slot = slot.wrapping_add(1);
        self.count += 1;
    }

    /// Bytes so far, about.
    pub(crate) fn len(&self) -> usize {
        self.definitions.len() + self.body.len()
    }

    /// Adds a slot to a record that [`RecordWriter::finish_deletion`] ends, and that has no samples.
    pub(crate) fn delete(&mut self, slot: u32) {
        put_u64(&mut self.body, u64::from(slot));
        self.count += 1;
    }

    /// Appends the framed record, and begins another one; an error where it is larger than any may be.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.finish_as(SAMPLES, out, |record, out| {
            put_usize(out, record.count);
            put_i64(out, record.base.unwrap_or_default());
        })
    }

    /// As [`RecordWriter::finish`], of a record that removes the samples in a span of the series at its slots.
    pub(crate) fn finish_deletion(&mut self, span: TimeSpan, out: &mut Vec<u8>) -> io::Result<()> {
        self.finish_as(DELETION, out, |record, out| {
            put_i64(out, span.from.0);
            put_i64(out, span.to.0);
            put_usize(out, record.count);
        })
    }

    fn finish_as(
        &mut self,
        kind: u8,
        out: &mut Vec<u8>,
        put_head: impl FnOnce(&Self, &mut Vec<u8>),
    ) -> io::Result<()> {
        if self.defined == 0 && self.count == 0 {
            return Ok(());
        }
        let framed = frame(out, |out| {
            out.push(kind);
            put_usize(out, self.defined);
            out.extend_from_slice(&self.definitions);
            put_head(self, out);
            out.extend_from_slice(&self.body);
        });
        self.clear();
        framed
    }

    fn clear(&mut self) {
        (self.defined, self.count, self.base, self.next_slot) = (0, 0, None, 0);
        self.definitions.clear();
        self.body.clear();
    }
}

/// The difference of two whole numbers, if they are such and it leads back to the very bits.
fn whole_difference(last: f64, value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if !(last.abs() < LIMIT && value.abs() < LIMIT) {
        return None;
    }
    let difference = whole(value).wrapping_sub(whole(last));
    (add_whole(last, difference).to_bits() == value.to_bits()).then_some(difference)
}

fn add_whole(last: f64, difference: i64) -> f64 {
    whole(last).wrapping_add(difference) as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and the writer checks that the bits come back"
)]
fn whole(value: f64) -> i64 {
    value as i64
}

pub(crate) fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_usize(out, labels.len());
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

pub(crate) fn read_labels(cursor: &mut Cursor<'_>) -> Option<Labels> {
    let count = cursor.count()?;
    (0..count).map(|_| Some((cursor.text()?, cursor.text()?))).collect()
}

/// Appends a payload with its length and checksum before it. One that is larger than [`MAX_RECORD`] is not appended:
/// reading would take it for damage.
pub(crate) fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME]);
    write(out);
    let payload = &out[start + FRAME..];
    let len = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_RECORD);
    let Some(len) = len else {
        out.truncate(start);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a record is larger than 64 MiB"));
    };
    let crc = crc32(payload);
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    out[start + 4..start + FRAME].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// What a record says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) definitions: Vec<(u32, Labels)>,
    pub(crate) samples: Vec<Logged>,
    pub(crate) deletion: Option<(Vec<u32>, TimeSpan)>,
}

/// Reads a payload. `last` has the bits of the last value of each slot that the file has defined so far, and is kept
/// up to date; samples of a slot that is not there make the record wrong.
pub(crate) fn read_record(payload: &[u8], last: &mut HashMap<u32, u64>) -> Option<Record> {
    let mut cursor = Cursor::new(payload);
    let kind = cursor.u8()?;
    let mut record = Record::default();
    for _ in 0..cursor.count()? {
        let slot = cursor.u32()?;
        record.definitions.push((slot, read_labels(&mut cursor)?));
        last.insert(slot, 0);
    }
    match kind {
        SAMPLES => {
            let count = cursor.count()?;
            let base = cursor.i64()?;
            record.samples.reserve(count.min(1 << 16));
            let mut next_slot = 0_u32;
            for _ in 0..count {
                let flags = cursor.u8()?;
                let at = if flags & OTHER_TIME == 0 { base } else { base.wrapping_add(cursor.i64()?) };
                let slot = if flags & OTHER_SLOT == 0 {
                    next_slot
                } else {
                    u32::try_from(i64::from(next_slot).checked_add(cursor.i64()?)?).ok()?
                };
                let last = last.get_mut(&slot)?;
                let value = match flags & VALUE {
                    SAME_VALUE => f64::from_bits(*last),
                    WHOLE_VALUE => add_whole(f64::from_bits(*last), cursor.i64()?),
                    RAW_VALUE => f64::from_bits(cursor.u64_le()?),
                    _ => return None,
                };
                *last = value.to_bits();
                next_slot = slot.wrapping_add(1);
                record.samples.push(Logged { slot, at: Timestamp(at), value, is_late: flags & IS_LATE != 0 });
            }
        }
        DELETION => {
            let span = TimeSpan { from: Timestamp(cursor.i64()?), to: Timestamp(cursor.i64()?) };
            let count = cursor.count()?;
            let slots = (0..count).map(|_| cursor.u32()).collect::<Option<Vec<_>>>()?;
            record.deletion = Some((slots, span));
        }
        _ => return None,
    }
    cursor.is_empty().then_some(record)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::series::STALE;

    fn read(bytes: &[u8]) -> Option<Record> {
        read_record(&bytes[FRAME..], &mut HashMap::new())
    }

    fn labels(value: &str) -> Labels {
        Labels::new([("__name__", "up"), ("job", value)]).unwrap()
    }

    #[test]
    fn samples_come_back() {
        let samples: Vec<Logged> = [
            (5, 1000, 1.0, false),
            (6, 1000, 1.5, false),
            (5, 2000, 7.0, false),
            (5, 1500, -0.0, true),
            (6, i64::MIN, STALE, true),
            (5, i64::MAX, f64::NAN, false),
            (5, 0, 1e300, false),
            (5, 0, 3.0, false),
            (5, 0, 3.0, false),
        ]
        .map(|(slot, at, value, is_late)| Logged { slot, at: Timestamp(at), value, is_late })
        .into();
        let mut writer = RecordWriter::default();
        writer.define(5, &labels("a"));
        writer.define(6, &labels("b\"é"));
        let mut last = BTreeMap::new();
        for sample in &samples {
            let before = last.insert(sample.slot, sample.value.to_bits()).unwrap_or_default();
            writer.sample(*sample, before);
        }
        let mut bytes = Vec::new();
        writer.finish(&mut bytes).unwrap();
        let record = read(&bytes).unwrap();
        assert_eq!(record.definitions, [(5, labels("a")), (6, labels("b\"é"))]);
        assert_eq!(format!("{:?}", record.samples), format!("{samples:?}"));
        let bits =
            |samples: &[Logged]| samples.iter().map(|sample| sample.value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&record.samples), bits(&samples));
        assert_eq!(writer.len(), 0);
        for cut in FRAME..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None);
        }
    }

    #[test]
    fn a_scrape_takes_few_bytes() {
        let mut writer = RecordWriter::default();
        for slot in 0..100 {
            let value = f64::from(slot) * 1000.0;
            writer.sample(
                Logged { slot, at: Timestamp(1 << 40), value: value + 3.0, is_late: false },
                value.to_bits(),
            );
        }
        let mut bytes = Vec::new();
        writer.finish(&mut bytes).unwrap();
        assert_eq!(bytes.len(), FRAME + 1 + 1 + 1 + 6 + 200);
    }

    #[test]
    fn any_payload_is_read_without_a_panic() {
        let mut writer = RecordWriter::default();
        writer.define(1, &labels("a"));
        writer.define(7, &labels("b"));
        for (slot, at, value) in [(1, 5, 1.0), (7, 5, 0.5), (1, 900, f64::NAN), (7, -3, 2.0)] {
            writer.sample(Logged { slot, at: Timestamp(at), value, is_late: at < 0 }, 0);
        }
        let mut bytes = Vec::new();
        writer.finish(&mut bytes).unwrap();
        writer.define(9, &labels("c"));
        writer.delete(9);
        writer.finish_deletion(TimeSpan { from: Timestamp(1), to: Timestamp(2) }, &mut bytes).unwrap();
        for at in FRAME..bytes.len() {
            for value in 0..=u8::MAX {
                let mut spoilt = bytes.clone();
                spoilt[at] = value;
                read(&spoilt);
                read(&spoilt[at - FRAME..]);
            }
        }
    }

    #[test]
    fn deletions_come_back() {
        let mut writer = RecordWriter::default();
        writer.define(9, &labels("a"));
        let span = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
        let mut bytes = Vec::new();
        writer.delete(9);
        writer.delete(10);
        writer.finish_deletion(span, &mut bytes).unwrap();
        assert_eq!(read(&bytes).unwrap().deletion, Some((vec![9, 10], span)));
    }

    #[test]
    fn a_record_that_reading_would_refuse_is_not_written() {
        let mut bytes = b"before".to_vec();
        frame(&mut bytes, |out| out.resize(out.len() + MAX_RECORD + 1, 0)).unwrap_err();
        assert_eq!(bytes, b"before");
    }

    #[test]
    fn samples_of_a_slot_that_is_not_defined_are_refused() {
        let mut writer = RecordWriter::default();
        writer.sample(Logged { slot: 3, at: Timestamp(1), value: 0.0, is_late: false }, 0);
        let mut bytes = Vec::new();
        writer.finish(&mut bytes).unwrap();
        assert_eq!(read(&bytes), None);
    }
}
