//! The index of a block, read where it lies: nothing of it is unpacked before it is asked for.
//!
//! After a header come tables of byte strings (symbols, sorted; columns of times; series) and of pairs (label names
//! with their first value; values with their first posting), then postings, then the numbers of the blocks that this
//! one replaces. A table of strings is `count + 1` offsets (`u32`) and the bytes.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    series::{Labels, TimeSpan},
    time::Timestamp,
    tsdb::{
        codec::{Chunk, Cursor, decode_times},
        postings::Postings,
    },
};

use super::layout::ChunkRef;

/// Positions and counts of the parts; see [`Header::read`] for their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) symbols: Part,
    pub(super) times: Part,
    pub(super) series: Part,
    pub(super) names: Part,
    pub(super) values: Part,
    pub(super) postings: Part,
    pub(super) replaced: Part,
    /// First times of series are relative to it.
    pub(super) base: i64,
}

/// Where a part begins, and how many things are in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) at: u32,
    pub(super) count: u32,
}

pub(super) const HEADER: usize = 7 * 8 + 8;

impl Header {
    fn parts(&self) -> [Part; 7] {
        [self.symbols, self.times, self.series, self.names, self.values, self.postings, self.replaced]
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let parts =
            self.parts().into_iter().flat_map(|part| [part.at, part.count]).flat_map(u32::to_le_bytes);
        parts.chain(self.base.to_le_bytes()).collect()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut part = || Some(Part { at: cursor.u32_le()?, count: cursor.u32_le()? });
        let (symbols, times, series) = (part()?, part()?, part()?);
        let (names, values, postings, replaced) = (part()?, part()?, part()?, part()?);
        let base = cursor.u64_le()?.cast_signed();
        Some(Self { symbols, times, series, names, values, postings, replaced, base })
    }
}

/// The index of one block.
#[derive(Debug)]
pub(crate) struct BlockIndex {
    bytes: Box<[u8]>,
    header: Header,
}

impl BlockIndex {
    /// An index whose checksum was right; `None` where it is none all the same.
    pub(super) fn new(bytes: Box<[u8]>) -> Option<Self> {
        let header = Header::read(&bytes)?;
        let index = Self { bytes, header };
        let last =
            |part: Part| part.count.checked_sub(1).is_none_or(|last| index.string(part, last).is_some());
        let tables = [header.symbols, header.times, header.series];
        let pairs = [header.names, header.values];
        let is_whole = tables.into_iter().all(last)
            && pairs.into_iter().all(|part| index.pair(part, part.count).is_some());
        is_whole.then_some(index)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many series there are.
    pub(crate) fn series(&self) -> u32 {
        self.header.series.count
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
    }

    fn string(&self, part: Part, number: u32) -> Option<&[u8]> {
        if number >= part.count {
            return None;
        }
        let (at, number, count) = (part.at as usize, number as usize, part.count as usize);
        let from = self.word(at + number * 4)? as usize;
        let to = self.word(at + number * 4 + 4)? as usize;
        let bytes = at + (count + 1) * 4;
        self.bytes.get(bytes.checked_add(from)?..bytes.checked_add(to)?)
    }

    /// A pair of numbers of a table that has one more of them at its end.
    fn pair(&self, part: Part, number: u32) -> Option<(u32, u32)> {
        let at = part.at as usize + number as usize * 8;
        Some((self.word(at)?, self.word(at + 4)?))
    }

    /// The text of a symbol, in UTF-8.
    pub(crate) fn symbol(&self, number: u32) -> Option<&[u8]> {
        self.string(self.header.symbols, number)
    }

    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        str::from_utf8(self.symbol(number)?).ok()
    }

    /// Names and values of a series' labels, as symbols.
    pub(crate) fn labels(&self, series: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut cursor = Cursor::new(self.string(self.header.series, series).unwrap_or_default());
        let count = cursor.count().unwrap_or_default();
        (0..count).map_while(move |_| Some((cursor.u32()?, cursor.u32()?)))
    }

    /// The same, as texts.
    pub(crate) fn label_texts(&self, series: u32) -> impl Iterator<Item = (&str, &str)> {
        self.labels(series).filter_map(|(name, value)| Some((self.text(name)?, self.text(value)?)))
    }

    /// How the labels of a series stand to others, in the order of [`Labels`].
    pub(crate) fn compare(&self, series: u32, labels: &Labels) -> Ordering {
        let own = self.labels(series).map(|(name, value)| (self.symbol(name), self.symbol(value)));
        own.cmp(labels.iter().map(|(name, value)| (Some(name.as_bytes()), Some(value.as_bytes()))))
    }

    /// How the labels of a series stand to those of a series of another block.
    pub(crate) fn compare_to(&self, series: u32, other: &Self, other_series: u32) -> Ordering {
        let own = self.labels(series).map(|(name, value)| (self.symbol(name), self.symbol(value)));
        own.cmp(other.labels(other_series).map(|(name, value)| (other.symbol(name), other.symbol(value))))
    }

    /// The chunks of a series, by time.
    pub(crate) fn chunks(&self, series: u32) -> Vec<ChunkRef> {
        let mut cursor = Cursor::new(self.string(self.header.series, series).unwrap_or_default());
        self.read_chunks(&mut cursor).unwrap_or_default()
    }

    fn read_chunks(&self, cursor: &mut Cursor<'_>) -> Option<Vec<ChunkRef>> {
        for _ in 0..cursor.count()? * 2 {
            cursor.u32()?;
        }
        let count = cursor.count()?;
        let (mut time, mut offset) = (self.header.base, 0_u64);
        (0..count)
            .map(|_| {
                let from = time.checked_add(cursor.i64()?)?;
                let to = from.checked_add_unsigned(cursor.u64()?)?;
                let count = cursor.u32().filter(|count| *count as usize <= Chunk::MAX_SAMPLES)?;
                let times = cursor.u32()?;
                offset = offset.checked_add(cursor.u64()?)?;
                let len = cursor.u32()?;
                let span = TimeSpan { from: Timestamp(from), to: Timestamp(to) };
                let chunk = ChunkRef { span, count, times, offset, len };
                (time, offset) = (to, chunk.end());
                Some(chunk)
            })
            .collect()
    }

    /// A column of times as it was encoded.
    pub(crate) fn times_bytes(&self, number: u32) -> Option<&[u8]> {
        self.string(self.header.times, number)
    }

    pub(crate) fn times(&self, number: u32, count: u32) -> Option<Arc<[Timestamp]>> {
        let mut times = Vec::with_capacity(count as usize);
        decode_times(&mut Cursor::new(self.times_bytes(number)?), count as usize, &mut times)?;
        times.is_sorted_by(|a, b| a < b).then(|| times.into())
    }

    /// Label names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.header.names.count).filter_map(|number| self.text(self.pair(self.header.names, number)?.0))
    }

    /// Numbers of the values of a label.
    fn values_of(&self, name: &str) -> std::ops::Range<u32> {
        let names = self.header.names;
        let found = partition(names.count, |number| {
            self.pair(names, number).and_then(|(symbol, _)| self.symbol(symbol)) < Some(name.as_bytes())
        });
        match self.pair(names, found) {
            Some((symbol, first)) if found < names.count && self.symbol(symbol) == Some(name.as_bytes()) => {
                let end = self.pair(names, found + 1).map_or(first, |(_, end)| end);
                first..end.clamp(first, self.header.values.count.max(first))
            }
            _ => 0..0,
        }
    }

    /// Values of a label, sorted.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values_of(name).filter_map(|value| self.text(self.pair(self.header.values, value)?.0))
    }

    /// Appends the series with a value, sorted.
    fn postings_of(&self, value: u32, out: &mut Vec<u32>) -> Option<()> {
        let (_, from) = self.pair(self.header.values, value)?;
        let (_, to) = self.pair(self.header.values, value + 1)?;
        let at = self.header.postings.at as usize;
        let mut cursor = Cursor::new(self.bytes.get(at + from as usize..at + to as usize)?);
        let mut next = 0_u32;
        while !cursor.is_empty() {
            let series = next.checked_add(cursor.u32()?).filter(|series| *series < self.series())?;
            out.push(series);
            next = series + 1;
        }
        Some(())
    }

    /// Numbers of the blocks whose samples are all in this one.
    pub(crate) fn replaced(&self) -> Vec<u64> {
        let bytes = self.bytes.get(self.header.replaced.at as usize..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        (0..self.header.replaced.count).map_while(|_| cursor.u64_le()).collect()
    }
}

/// The first number below `count` that does not come before, where those that do come first.
fn partition(count: u32, is_before: impl Fn(u32) -> bool) -> u32 {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        if is_before(middle) { from = middle + 1 } else { to = middle }
    }
    from
}

impl Postings for BlockIndex {
    fn all(&self) -> Vec<u32> {
        (0..self.series()).collect()
    }

    fn equal(&self, name: &str, value: &str, out: &mut Vec<u32>) {
        let values = self.values_of(name);
        let symbol = |value| self.pair(self.header.values, value).and_then(|(symbol, _)| self.symbol(symbol));
        let found = values.start
            + partition(values.end - values.start, |number| {
                symbol(values.start + number) < Some(value.as_bytes())
            });
        if found < values.end && symbol(found) == Some(value.as_bytes()) {
            self.postings_of(found, out);
        }
    }

    fn accepted(&self, name: &str, accept: &mut dyn FnMut(&str) -> bool, out: &mut Vec<u32>) {
        for value in self.values_of(name) {
            let text = self.pair(self.header.values, value).and_then(|(symbol, _)| self.text(symbol));
            if text.is_some_and(&mut *accept) {
                self.postings_of(value, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        series::Matcher,
        tsdb::{block::BlockWriter, postings::matching, run::Run},
    };

    /// The index of a block of six series.
    fn index_bytes() -> Vec<u8> {
        let mut writer = BlockWriter::new(Vec::new(), 1, vec![7, 8]).unwrap();
        for (name, job) in [("a", "x"), ("a", "y"), ("b", ""), ("b", "x"), ("c", "z"), ("é", "x")] {
            let labels: Labels = [("__name__", name), ("job", job)].into_iter().collect();
            writer.series(labels.iter());
            let mut run = Run::default();
            (0..700).for_each(|i| run.push(Timestamp(i * 10 + i % 3), i as f64));
            writer.run(&run).unwrap();
        }
        // A series without samples is not there.
        writer.series([("__name__", "none")].into_iter());
        let (bytes, footer) = writer.finish().unwrap().unwrap();
        let from = usize::try_from(footer.index_at).unwrap();
        bytes[from..from + usize::try_from(footer.index_len).unwrap()].to_vec()
    }

    /// Asks everything that can be asked.
    fn read_all(index: &BlockIndex) -> Vec<String> {
        let mut shown: Vec<String> = index.names().map(str::to_owned).collect();
        shown.extend(index.values("job").map(str::to_owned));
        let matchers = [Matcher::equal("job", "x"), Matcher::equal("nothing", "")];
        shown.push(format!("{:?} {:?}", matching(index, &matchers), matching(index, &[])));
        for series in index.all() {
            let labels: Labels = index.label_texts(series).collect();
            let chunks = index.chunks(series);
            let order = index.compare(series, &labels);
            for chunk in &chunks {
                index.times(chunk.times, chunk.count);
            }
            shown.push(format!(
                "{labels} {order:?} {:?}",
                chunks.iter().map(|chunk| chunk.count).collect::<Vec<_>>()
            ));
        }
        shown.push(format!("{:?}", index.replaced()));
        shown
    }

    #[test]
    fn what_was_written_is_read() {
        let index = BlockIndex::new(index_bytes().into()).unwrap();
        let expect = [
            "__name__",
            "job",
            "x",
            "y",
            "z",
            "[0, 3, 5] [0, 1, 2, 3, 4, 5]",
            "{__name__=\"a\",job=\"x\"} Equal [480, 220]",
            "{__name__=\"a\",job=\"y\"} Equal [480, 220]",
            "{__name__=\"b\"} Equal [480, 220]",
            "{__name__=\"b\",job=\"x\"} Equal [480, 220]",
            "{__name__=\"c\",job=\"z\"} Equal [480, 220]",
            "{__name__=\"é\",job=\"x\"} Equal [480, 220]",
            "[7, 8]",
        ];
        assert_eq!(read_all(&index), expect);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let bytes = index_bytes();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff, bytes[at] ^ 4] {
                let mut spoilt = bytes.clone();
                spoilt[at] = value;
                BlockIndex::new(spoilt.into()).as_ref().map(read_all);
            }
            BlockIndex::new(bytes[..at].into()).as_ref().map(read_all);
        }
    }
}
