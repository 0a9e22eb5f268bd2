//! Reads of what is in a store.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use crate::{
    series::{Labels, Matcher, Select, SelectError, Selected, Selection, TimeSpan, is_stale},
    time::Timestamp,
};

use super::{
    Store,
    block::{Block, BlockError, BlockIndex, ChunkRef, Stretches},
    head::Index,
    postings::matching,
    run::{Body, Piece, Run, assemble, assemble_in, overlap},
};

/// Reads a store, for one query. Each call sees all commits that returned before it, and none in part.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    /// Columns of times that it has lent: series that were scraped together have the same one.
    lent: [OnceLock<Box<[Timestamp]>>; LENT],
}

/// So many columns of times are shared; series that have others get their own.
const LENT: usize = 32;

impl Clone for Reader {
    fn clone(&self) -> Self {
        Self::new(self.store.clone())
    }
}

/// A label set, the pieces of it that are in memory, and the chunks that blocks have of it, by number of the block.
struct Found {
    labels: Labels,
    pieces: Vec<Piece<'static>>,
    stored: Vec<(usize, u32, Vec<ChunkRef>)>,
}

/// A block with its index.
type Indexed = (Arc<Block>, Arc<BlockIndex>);

/// A block that is read, and what was read of it.
struct Opened {
    block: Arc<Block>,
    index: Arc<BlockIndex>,
    stretches: Stretches,
    /// Columns of times by number and length: regular ones of several lengths are one.
    times: HashMap<(u32, u32), Option<Arc<[Timestamp]>>>,
}

impl Reader {
    pub(super) fn new(store: Store) -> Self {
        Self { store, lent: [const { OnceLock::new() }; LENT] }
    }

    /// The same times in a column that is lent, where one has them or there is room for one more.
    fn lend(&self, times: &[Timestamp]) -> Option<&[Timestamp]> {
        let first = times.first()?;
        self.lent.iter().find_map(|column| {
            // What another thread has put there meanwhile is a column like any other.
            let column = column.get_or_init(|| times.into());
            let from = column.binary_search(first).ok()?;
            column.get(from..from + times.len()).filter(|part| *part == times)
        })
    }

    /// The series in memory and the blocks, as they are at one instant.
    fn snapshot(&self, matchers: &[Matcher], span: TimeSpan) -> (Vec<Found>, Vec<Arc<Block>>) {
        let state = self.store.read();
        let found = matching(state.head.index(), matchers).into_iter().filter_map(|slot| {
            let series = state.head.get(slot)?;
            let pieces = series.pieces(span);
            let labels = || series.labels.clone();
            (!pieces.is_empty()).then(|| Found { labels: labels(), pieces, stored: Vec::new() })
        });
        let mut found: Vec<_> = found.collect();
        let blocks = state.blocks.iter().filter(|block| overlap(block.span(), span)).cloned().collect();
        drop(state);
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        (found, blocks)
    }

    /// All series with chunks that overlap the span, sorted, and the blocks in which they are.
    fn find(&self, matchers: &[Matcher], span: TimeSpan) -> Result<(Vec<Found>, Vec<Indexed>), SelectError> {
        let (mut found, blocks) = self.snapshot(matchers, span);
        let mut indexes = Vec::with_capacity(blocks.len());
        for block in blocks {
            let Some(index) = index_of(&block)? else { continue };
            let number = indexes.len();
            let stored = matching(&*index, matchers).into_iter().filter_map(|series| {
                let mut chunks = index.chunks(series);
                chunks.retain(|chunk| overlap(chunk.span, span));
                (!chunks.is_empty()).then_some((series, chunks))
            });
            let stored: Vec<_> = stored.collect();
            if !stored.is_empty() {
                found = join(found, stored, &index, number);
                indexes.push((block, index));
            }
        }
        Ok((found, indexes))
    }

    /// Label sets that all matchers of one of the sets accept and that have chunks in the span, sorted.
    pub fn series(&self, sets: &[&[Matcher]], span: TimeSpan) -> Result<Vec<Labels>, SelectError> {
        let mut labels = BTreeSet::new();
        for set in sets {
            labels.extend(self.find(set, span)?.0.into_iter().map(|found| found.labels));
        }
        Ok(labels.into_iter().collect())
    }

    /// Label names of such series, sorted. Without a set, those of all series in memory and of all in blocks that
    /// overlap the span.
    pub fn label_names(&self, sets: &[&[Matcher]], span: TimeSpan) -> Result<Vec<String>, SelectError> {
        let mut names = BTreeSet::new();
        for labels in self.series(sets, span)? {
            names.extend(labels.iter().map(|(name, _)| name.to_owned()));
        }
        if sets.is_empty() {
            let in_memory = |index: &Index, is_seen: &dyn Fn(&[u32]) -> bool| {
                let seen = index.names().filter(|(_, values)| values.values().any(|slots| is_seen(slots)));
                seen.map(|(name, _)| name.to_string()).collect()
            };
            let in_block = |index: &BlockIndex| index.names().map(str::to_owned).collect();
            self.texts(span, in_memory, in_block, &mut names)?;
        }
        Ok(names.into_iter().collect())
    }

    /// Values of a label of such series, sorted. Without a set, those of all series in memory and of all in blocks that
    /// overlap the span.
    pub fn label_values(
        &self,
        name: &str,
        sets: &[&[Matcher]],
        span: TimeSpan,
    ) -> Result<Vec<String>, SelectError> {
        let mut values = BTreeSet::new();
        for labels in self.series(sets, span)? {
            values.extend(labels.get(name).map(str::to_owned));
        }
        if sets.is_empty() {
            let in_memory = |index: &Index, is_seen: &dyn Fn(&[u32]) -> bool| {
                let seen = index.values(name).into_iter().flatten().filter(|(_, slots)| is_seen(slots));
                seen.map(|(value, _)| value.to_string()).collect()
            };
            let in_block = |index: &BlockIndex| index.values(name).map(str::to_owned).collect();
            self.texts(span, in_memory, in_block, &mut values)?;
        }
        Ok(values.into_iter().collect())
    }

    /// Adds what is found in the index of the memory, where some series have samples in the span, and in the indexes of
    /// the blocks that overlap it, one after the other.
    fn texts(
        &self,
        span: TimeSpan,
        in_memory: impl Fn(&Index, &dyn Fn(&[u32]) -> bool) -> Vec<String>,
        in_block: impl Fn(&BlockIndex) -> Vec<String>,
        texts: &mut BTreeSet<String>,
    ) -> Result<(), SelectError> {
        let state = self.store.read();
        let is_seen = |slots: &[u32]| {
            slots.iter().any(|slot| state.head.get(*slot).is_some_and(|series| series.overlaps(span)))
        };
        texts.extend(in_memory(state.head.index(), &is_seen));
        let blocks = state.blocks.clone();
        drop(state);
        for block in blocks.iter().filter(|block| overlap(block.span(), span)) {
            if let Some(index) = index_of(block)? {
                texts.extend(in_block(&index));
            }
        }
        Ok(())
    }
}

/// As the store is at each question; of several that belong together, ask one [`Reader`].
impl Select for Store {
    fn select(&self, matchers: &[Matcher], span: TimeSpan) -> Result<Selection<'_>, SelectError> {
        let reader = self.reader();
        let own = |series: Selected<'_>| Selected {
            labels: series.labels,
            times: Cow::Owned(series.times.into_owned()),
            values: Cow::Owned(series.values.into_owned()),
        };
        let owned: Vec<_> = reader.select(matchers, span)?.map(own).collect();
        Ok(Box::new(owned.into_iter()))
    }
}

impl Select for Reader {
    fn select(&self, matchers: &[Matcher], span: TimeSpan) -> Result<Selection<'_>, SelectError> {
        let (found, indexes) = self.find(matchers, span)?;
        let mut chunks: Vec<Vec<ChunkRef>> = vec![Vec::new(); indexes.len()];
        for (number, _, of_series) in found.iter().flat_map(|found| &found.stored) {
            chunks[*number].extend_from_slice(of_series);
        }
        let mut opened = Vec::with_capacity(indexes.len());
        for ((block, index), chunks) in indexes.into_iter().zip(chunks) {
            let stretches = block.read(chunks).map_err(|error| unreadable(&block, &error))?;
            opened.push(Opened { block, index, stretches, times: HashMap::new() });
        }
        let found = found.into_iter();
        Ok(Box::new(Reading { reader: self, span, found, opened, scratch: Vec::new() }))
    }
}

/// A selection whose series are unpacked when their turn comes.
struct Reading<'a> {
    reader: &'a Reader,
    span: TimeSpan,
    found: std::vec::IntoIter<Found>,
    opened: Vec<Opened>,
    /// A column of times that was used before.
    scratch: Vec<Timestamp>,
}

impl<'a> Reading<'a> {
    fn unpack(&mut self, found: Found) -> Option<Selected<'a>> {
        let Found { labels, mut pieces, stored } = found;
        // Times first: they are shared, and changed nowhere while the pieces refer to the rest.
        for (number, _, chunks) in &stored {
            let Opened { index, times, .. } = &mut self.opened[*number];
            for chunk in chunks {
                let key = (chunk.times, chunk.count);
                times.entry(key).or_insert_with(|| index.times(chunk.times, chunk.count));
            }
        }
        for (number, series, chunks) in &stored {
            self.opened[*number].pieces(*series, chunks, &mut pieces);
        }
        let (mut run, _) = assemble_in(std::mem::take(&mut self.scratch), pieces);
        run.keep(self.span);
        let Run { times, values } = run;
        let lent = self.reader.lend(&times);
        let (times, unused) = match lent {
            Some(lent) => (Cow::Borrowed(lent), times),
            None => (Cow::Owned(times), Vec::new()),
        };
        self.scratch = unused;
        let is_there = values.iter().any(|value| !is_stale(*value));
        is_there.then_some(Selected { labels, times, values: Cow::Owned(values) })
    }
}

impl<'a> Iterator for Reading<'a> {
    type Item = Selected<'a>;

    fn next(&mut self) -> Option<Selected<'a>> {
        while let Some(found) = self.found.next() {
            if let Some(selected) = self.unpack(found) {
                return Some(selected);
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.found.len()))
    }
}

impl Opened {
    /// Appends the chunks of a series, without what was deleted.
    fn pieces<'a>(&'a self, series: u32, chunks: &[ChunkRef], out: &mut Vec<Piece<'a>>) {
        let tombstones = self.block.tombstones();
        let deleted = tombstones.of(series);
        let rank = self.block.footer().rank;
        for chunk in chunks {
            let times = self.times.get(&(chunk.times, chunk.count)).cloned().flatten();
            let (Some(times), Some(values)) = (times, self.stretches.values(chunk)) else {
                self.block.add_damaged_chunks(1);
                continue;
            };
            let piece = Piece { span: chunk.span, rank, body: Body::Stored { times, values } };
            if deleted.iter().all(|span| !overlap(*span, chunk.span)) {
                out.push(piece);
                continue;
            }
            let (mut run, _) = assemble(vec![piece]);
            for span in deleted {
                run.remove(*span);
            }
            if let Some(span) = run.span() {
                out.push(Piece { span, rank, body: Body::Run(run) });
            }
        }
    }
}

/// The index of a block; none of one that turns out to be damaged, which is noted.
fn index_of(block: &Block) -> Result<Option<Arc<BlockIndex>>, SelectError> {
    match block.index() {
        Ok(index) => Ok(Some(index)),
        Err(BlockError::Io(error)) => Err(unreadable(block, &error)),
        Err(BlockError::Damaged(_) | BlockError::Version(_)) => {
            block.set_damaged();
            Ok(None)
        }
    }
}

fn unreadable(block: &Block, error: &std::io::Error) -> SelectError {
    let name = block.path().map_or_else(|| "a block".to_owned(), |path| path.display().to_string());
    SelectError(format!("cannot read {name}: {error}"))
}

/// Adds what a block has to what was found before; both are sorted by labels.
fn join(
    found: Vec<Found>,
    stored: Vec<(u32, Vec<ChunkRef>)>,
    index: &BlockIndex,
    number: usize,
) -> Vec<Found> {
    let mut joined = Vec::with_capacity(found.len().max(stored.len()));
    let mut found = found.into_iter().peekable();
    let mut texts: HashMap<u32, Arc<str>> = HashMap::new();
    for (series, chunks) in stored {
        let mut same = None;
        while let Some(next) = found.peek() {
            match index.compare(series, &next.labels) {
                Ordering::Less => break,
                Ordering::Equal => {
                    same = found.next();
                    break;
                }
                Ordering::Greater => joined.extend(found.next()),
            }
        }
        let mut entry = same.unwrap_or_else(|| {
            let labels = index.labels(series).filter_map(|(name, value)| {
                let mut text = |symbol| match texts.get(&symbol) {
                    Some(text) => Some(text.clone()),
                    None => Some(texts.entry(symbol).or_insert(index.text(symbol)?.into()).clone()),
                };
                Some((text(name)?, text(value)?))
            });
            Found { labels: labels.collect(), pieces: Vec::new(), stored: Vec::new() }
        });
        entry.stored.push((number, series, chunks));
        joined.push(entry);
    }
    joined.extend(found);
    joined
}
