//! Several blocks become one: each series once, overlapping samples joined, deleted ones left out.

use std::{
    cmp::Ordering,
    io::{self, Write},
    sync::Arc,
};

use crate::tsdb::run::{Body, Piece, assemble};

use super::{Block, BlockError, BlockIndex, BlockWriter, ChunkRef};

/// Chunks with fewer samples than this are joined with those next to them.
const SMALL: u32 = 240;

/// A block, and the series that is next.
struct Source<'a> {
    block: &'a Block,
    index: Arc<BlockIndex>,
    next: u32,
}

/// Writes all that is in the blocks, but what was deleted. Says how many chunks were damaged and left out.
pub(crate) fn merge<W: Write>(blocks: &[Arc<Block>], writer: &mut BlockWriter<W>) -> io::Result<usize> {
    let mut sources = Vec::with_capacity(blocks.len());
    for block in blocks {
        let index = block.index().map_err(|error| match error {
            BlockError::Io(error) => error,
            damaged => io::Error::new(io::ErrorKind::InvalidData, damaged.to_string()),
        })?;
        sources.push(Source { block, index, next: 0 });
    }
    let mut damaged = 0;
    while let Some((first, others)) = least(&sources) {
        let index = sources[first].index.clone();
        writer.series(index.label_texts(sources[first].next));
        let group: Vec<usize> = std::iter::once(first).chain(others).collect();
        damaged += merge_series(&sources, &group, writer)?;
        for place in group {
            sources[place].next += 1;
        }
    }
    Ok(damaged)
}

/// The source whose next series comes first, and the others that have the same one.
fn least(sources: &[Source<'_>]) -> Option<(usize, Vec<usize>)> {
    let mut least: Option<(usize, Vec<usize>)> = None;
    for (place, source) in sources.iter().enumerate() {
        if source.next >= source.index.series() {
            continue;
        }
        let order = match &least {
            None => Ordering::Less,
            Some((first, _)) => {
                source.index.compare_to(source.next, &sources[*first].index, sources[*first].next)
            }
        };
        match (order, &mut least) {
            (Ordering::Equal, Some((_, others))) => others.push(place),
            (Ordering::Less, least) => *least = Some((place, Vec::new())),
            _ => {}
        }
    }
    least
}

fn merge_series<W: Write>(
    sources: &[Source<'_>],
    group: &[usize],
    writer: &mut BlockWriter<W>,
) -> io::Result<usize> {
    let mut damaged = 0;
    let mut chunks: Vec<(&Source<'_>, ChunkRef)> = Vec::new();
    let mut has_deletions = false;
    for place in group {
        let source = &sources[*place];
        has_deletions |= !source.block.tombstones().of(source.next).is_empty();
        chunks.extend(source.index.chunks(source.next).into_iter().map(|chunk| (source, chunk)));
    }
    chunks.sort_by_key(|(source, chunk)| (chunk.span.from, source.block.footer().rank));
    let is_disjoint = chunks.is_sorted_by(|a, b| a.1.span.to < b.1.span.from);
    let has_small = chunks.len() > 1 && chunks.iter().any(|(_, chunk)| chunk.count < SMALL);
    if is_disjoint && !has_small && !has_deletions {
        for (source, chunk) in &chunks {
            let stretches = source.block.read(vec![*chunk])?;
            match (source.index.times_bytes(chunk.times), stretches.values(chunk)) {
                (Some(times), Some(values)) => writer.chunk(chunk.span, chunk.count, times, values)?,
                _ => damaged += 1,
            }
        }
        return Ok(damaged);
    }
    let mut pieces = Vec::with_capacity(chunks.len());
    for (source, chunk) in &chunks {
        let stretches = source.block.read(vec![*chunk])?;
        let times = source.index.times(chunk.times, chunk.count);
        let (Some(times), Some(values)) = (times, stretches.values(chunk)) else {
            damaged += 1;
            continue;
        };
        let rank = source.block.footer().rank;
        let (mut run, damage) =
            assemble(vec![Piece { span: chunk.span, rank, body: Body::Stored { times, values } }]);
        damaged += damage;
        for span in source.block.tombstones().of(source.next) {
            run.remove(*span);
        }
        if let Some(span) = run.span() {
            pieces.push(Piece { span, rank, body: Body::Run(run) });
        }
    }
    let (run, _) = assemble(pieces);
    writer.run(&run)?;
    Ok(damaged)
}
