//! Writes a block: values as they come, the index at the end.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use crate::{
    series::TimeSpan,
    time::Timestamp,
    tsdb::{
        codec::{Chunk, crc32, encode_times, encode_values, put_i64, put_u64, put_usize},
        run::Run,
    },
};

use super::{
    index::{HEADER, Header, Part},
    layout::{BLOCK_HEAD, ChunkRef, FOOTER, Footer},
};

/// Samples of a chunk, where there are enough.
const CHUNK: usize = 480;

/// A block in the making. Series have to come in the order of their labels.
pub(crate) struct BlockWriter<W> {
    out: W,
    offset: u64,
    symbols: HashMap<Box<str>, u32>,
    /// Names and values of all series, one after the other.
    labels: Vec<(u32, u32)>,
    chunks: Vec<ChunkRef>,
    /// Where the labels and the chunks of each series end.
    series: Vec<(usize, usize)>,
    /// Labels of the series that was begun and has no chunk yet.
    begun: Option<Vec<(u32, u32)>>,
    times: HashMap<Box<[u8]>, u32>,
    samples: u64,
    rank: u64,
    replaced: Vec<u64>,
    /// Room for what is encoded.
    scratch: (Vec<u8>, Vec<u8>),
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(mut out: W, rank: u64, replaced: Vec<u64>) -> io::Result<Self> {
        out.write_all(BLOCK_HEAD)?;
        Ok(Self {
            out,
            offset: BLOCK_HEAD.len() as u64,
            symbols: HashMap::new(),
            labels: Vec::new(),
            chunks: Vec::new(),
            series: Vec::new(),
            begun: None,
            times: HashMap::new(),
            samples: 0,
            rank,
            replaced,
            scratch: Default::default(),
        })
    }

    /// Begins a series; one that gets no chunk is not there.
    pub(crate) fn series<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        let pairs = labels.map(|(name, value)| (self.symbol(name), self.symbol(value)));
        self.begun = Some(pairs.collect());
    }

    fn symbol(&mut self, text: &str) -> u32 {
        if let Some(symbol) = self.symbols.get(text) {
            return *symbol;
        }
        let symbol = small(self.symbols.len());
        self.symbols.insert(text.into(), symbol);
        symbol
    }

    /// Adds samples to the series that was begun last, in as many chunks as they need.
    pub(crate) fn run(&mut self, run: &Run) -> io::Result<()> {
        let (mut times, mut values) = (&run.times[..], &run.values[..]);
        while let Some((from, _)) = times.split_first() {
            let count = if times.len() > Chunk::MAX_SAMPLES { CHUNK } else { times.len() };
            let span = TimeSpan { from: *from, to: times[count - 1] };
            let (mut time_bytes, mut value_bytes) = std::mem::take(&mut self.scratch);
            time_bytes.clear();
            value_bytes.clear();
            encode_times(&mut time_bytes, &times[..count]);
            encode_values(&mut value_bytes, &values[..count]);
            self.chunk(span, small(count), &time_bytes, &value_bytes)?;
            self.scratch = (time_bytes, value_bytes);
            (times, values) = (&times[count..], &values[count..]);
        }
        Ok(())
    }

    /// Adds an encoded chunk to the series that was begun last.
    pub(crate) fn chunk(
        &mut self,
        span: TimeSpan,
        count: u32,
        times: &[u8],
        values: &[u8],
    ) -> io::Result<()> {
        let number = if let Some(number) = self.times.get(times) {
            *number
        } else {
            let number = small(self.times.len());
            self.times.insert(times.into(), number);
            number
        };
        let chunk = ChunkRef { span, count, times: number, offset: self.offset, len: small(values.len()) };
        self.out.write_all(values)?;
        self.out.write_all(&crc32(values).to_le_bytes())?;
        self.offset = chunk.end();
        self.samples += u64::from(count);
        self.chunks.push(chunk);
        if let Some(labels) = self.begun.take() {
            self.labels.extend(labels);
            self.series.push((self.labels.len(), 0));
        }
        if let Some((_, end)) = self.series.last_mut() {
            *end = self.chunks.len();
        }
        Ok(())
    }

    /// Writes index and footer; gives back what was written to and the footer, `None` where there is no sample.
    pub(crate) fn finish(mut self) -> io::Result<Option<(W, Footer)>> {
        let Some(from) = self.chunks.iter().map(|chunk| chunk.span.from).min() else { return Ok(None) };
        let to = self.chunks.iter().map(|chunk| chunk.span.to).max().unwrap_or(from);
        let index = self.index(from)?;
        let footer = Footer {
            index_at: self.offset,
            index_len: index.len() as u64,
            index_crc: crc32(&index),
            series: small(self.series.len()),
            chunks: self.chunks.len() as u64,
            samples: self.samples,
            span: TimeSpan { from, to },
            rank: self.rank,
        };
        self.out.write_all(&index)?;
        let bytes: [u8; FOOTER] = footer.bytes();
        self.out.write_all(&bytes)?;
        Ok(Some((self.out, footer)))
    }

    fn index(&self, base: Timestamp) -> io::Result<Vec<u8>> {
        let mut out = vec![0; HEADER];
        let mut symbols: Vec<(&str, u32)> = self.symbols.iter().map(|(text, id)| (&**text, *id)).collect();
        symbols.sort_unstable();
        let mut sorted = vec![0; symbols.len()];
        symbols.iter().enumerate().for_each(|(place, (_, id))| sorted[*id as usize] = small(place));
        let symbols = put_strings(&mut out, symbols.iter().map(|(text, _)| text.as_bytes()))?;
        let mut times: Vec<(u32, &[u8])> = self.times.iter().map(|(bytes, id)| (*id, &**bytes)).collect();
        times.sort_unstable();
        let times = put_strings(&mut out, times.iter().map(|(_, bytes)| *bytes))?;

        let mut pairs: Vec<(u32, u32, u32)> = Vec::with_capacity(self.labels.len());
        let mut entries = Vec::with_capacity(self.series.len());
        let (mut labels_from, mut chunks_from) = (0, 0);
        for (number, (labels_to, chunks_to)) in self.series.iter().enumerate() {
            let labels = self.labels[labels_from..*labels_to].iter();
            let labels = labels.map(|(name, value)| (sorted[*name as usize], sorted[*value as usize]));
            pairs.extend(labels.clone().map(|(name, value)| (name, value, small(number))));
            entries.push(entry(labels, &self.chunks[chunks_from..*chunks_to], base));
            (labels_from, chunks_from) = (*labels_to, *chunks_to);
        }
        let series = put_strings(&mut out, entries.iter().map(Vec::as_slice))?;
        drop(entries);
        pairs.sort_unstable();

        let (mut names, mut values, mut postings) = (Vec::new(), Vec::new(), Vec::new());
        for of_name in pairs.chunk_by(|a, b| a.0 == b.0) {
            names.push((of_name[0].0, small(values.len())));
            for of_value in of_name.chunk_by(|a, b| a.1 == b.1) {
                values.push((of_value[0].1, small(postings.len())));
                let mut next = 0;
                for (_, _, series) in of_value {
                    put_u64(&mut postings, u64::from(series - next));
                    next = series + 1;
                }
            }
        }
        let (name_count, value_count) = (small(names.len()), small(values.len()));
        names.push((0, value_count));
        values.push((0, small(postings.len())));
        let mut put_pairs = |pairs: &[(u32, u32)], count| {
            let part = Part { at: position(&out)?, count };
            pairs
                .iter()
                .flat_map(|(a, b)| [*a, *b])
                .for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            io::Result::Ok(part)
        };
        let (names, values) = (put_pairs(&names, name_count)?, put_pairs(&values, value_count)?);
        let postings_part = Part { at: position(&out)?, count: 0 };
        out.extend_from_slice(&postings);
        let replaced = Part { at: position(&out)?, count: small(self.replaced.len()) };
        self.replaced.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        let header =
            Header { symbols, times, series, names, values, postings: postings_part, replaced, base: base.0 };
        out[..HEADER].copy_from_slice(&header.bytes());
        position(&out)?;
        Ok(out)
    }
}

/// Labels and chunks of a series; times and offsets as differences to the chunk before.
fn entry(labels: impl ExactSizeIterator<Item = (u32, u32)>, chunks: &[ChunkRef], base: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(labels.len() * 4 + chunks.len() * 10);
    put_usize(&mut out, labels.len());
    for (name, value) in labels {
        put_u64(&mut out, u64::from(name));
        put_u64(&mut out, u64::from(value));
    }
    put_usize(&mut out, chunks.len());
    let (mut time, mut offset) = (base.0, 0);
    for chunk in chunks {
        put_i64(&mut out, chunk.span.from.0.wrapping_sub(time));
        put_u64(&mut out, chunk.span.to.0.wrapping_sub(chunk.span.from.0).cast_unsigned());
        put_u64(&mut out, u64::from(chunk.count));
        put_u64(&mut out, u64::from(chunk.times));
        put_u64(&mut out, chunk.offset - offset);
        put_u64(&mut out, u64::from(chunk.len));
        (time, offset) = (chunk.span.to.0, chunk.end());
    }
    out
}

fn put_strings<'a>(
    out: &mut Vec<u8>,
    strings: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> io::Result<Part> {
    let part = Part { at: position(out)?, count: small(strings.len()) };
    let mut offset = 0;
    for string in strings.clone() {
        out.extend_from_slice(&small(offset).to_le_bytes());
        offset += string.len();
    }
    out.extend_from_slice(&small(offset).to_le_bytes());
    strings.for_each(|string| out.extend_from_slice(string));
    Ok(part)
}

/// Where the next part of the index begins.
fn position(index: &[u8]) -> io::Result<u32> {
    u32::try_from(index.len())
        .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "the index of a block is larger than 4 GiB"))
}

/// A count that is far below 2^32: [`position`] refuses an index that holds more.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
