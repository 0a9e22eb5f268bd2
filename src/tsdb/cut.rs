//! Moves samples from memory into blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    series::{Labels, TimeSpan},
    time::Timestamp,
};

use super::{
    Options, Store, StoreError,
    block::Block,
    codec::Chunk,
    head::Strand,
    run::{Body, Piece, Run, assemble, overlap},
    upkeep::Upkeep,
};

/// More blocks than this are not written at once: late samples of many days go into blocks of a day.
const MAX_BLOCKS: usize = 24;

/// What leaves memory of one series.
struct Leaving {
    slot: u32,
    labels: Labels,
    in_order: Vec<Arc<Chunk>>,
    late: Vec<Arc<Chunk>>,
}

impl Store {
    /// Writes chunks that end before `until`, and all those of the `ended` series, to blocks, one for each span of the
    /// grid that has some; then they leave memory. Says how many blocks there are.
    pub(super) fn cut(
        &self,
        upkeep: &mut Upkeep,
        options: &Options,
        until: Timestamp,
        ended: &[u32],
    ) -> Result<usize, StoreError> {
        let mut leaving = self.leaving(until, ended);
        if leaving.is_empty() {
            return Ok(0);
        }
        leaving.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut grid = options.block_millis.max(1);
        let mut cells = cells(&leaving, grid);
        if cells.len() > MAX_BLOCKS {
            grid = options.max_block_millis.max(grid);
            cells = self::cells(&leaving, grid);
        }
        let blocks = upkeep.write_blocks(cells, |number, (cell, members)| {
            let from = cell.saturating_mul(grid);
            let span = TimeSpan { from: Timestamp(from), to: Timestamp(from.saturating_add(grid - 1)) };
            self.write_block(number, &leaving, &members, span)
        })?;
        let count = blocks.len();
        let mut state = self.write();
        state.exchange(blocks, &[]);
        for Leaving { slot, in_order, late, .. } in leaving {
            if let Some(series) = state.head.get_mut(slot) {
                take(&mut series.in_order, &in_order);
                take(&mut series.late, &late);
            }
        }
        state.head.recount();
        Ok(count)
    }

    /// What has to leave memory. Its tails become chunks, so that what comes meanwhile can be told from it.
    fn leaving(&self, until: Timestamp, ended: &[u32]) -> Vec<Leaving> {
        let ended: BTreeSet<u32> = ended.iter().copied().collect();
        let mut state = self.write();
        let slots: Vec<u32> = state.head.index().slots().to_vec();
        let mut leaving = Vec::new();
        for slot in slots {
            let Some(series) = state.head.get_mut(slot) else { continue };
            let has_ended = ended.contains(&slot);
            for strand in [&mut series.in_order, &mut series.late] {
                let is_old = |to: &Timestamp| *to < until;
                if !strand.tail.is_empty() && (has_ended || strand.tail.times.last().is_some_and(is_old)) {
                    // It gets few samples more, or none: it keeps no room for them.
                    strand.seal();
                    strand.tail = Run::default();
                }
            }
            let leaves = |chunk: &&Arc<Chunk>| has_ended || chunk.to < until;
            let in_order: Vec<_> = series.in_order.chunks.iter().filter(leaves).cloned().collect();
            let late: Vec<_> = series.late.chunks.iter().filter(leaves).cloned().collect();
            if !in_order.is_empty() || !late.is_empty() {
                leaving.push(Leaving { slot, labels: series.labels.clone(), in_order, late });
            }
        }
        leaving
    }

    fn write_block(
        &self,
        number: u64,
        leaving: &[Leaving],
        members: &[usize],
        span: TimeSpan,
    ) -> Result<Option<Block>, StoreError> {
        let folder = self.shared().folder.as_ref().map(super::folder::Folder::blocks);
        Block::write(folder.as_deref(), number, number, Vec::new(), &self.shared().indexes, |writer| {
            for series in members.iter().map(|member| &leaving[*member]) {
                let piece = |(rank, chunk): (u64, &Arc<Chunk>)| {
                    overlap(chunk.span(), span).then(|| Piece {
                        span: chunk.span(),
                        rank,
                        body: Body::Chunk(chunk.clone()),
                    })
                };
                let in_order = series.in_order.iter().map(|chunk| (0, chunk));
                let late = series.late.iter().map(|chunk| (1, chunk));
                let (mut run, _) = assemble(in_order.chain(late).filter_map(piece).collect());
                run.keep(span);
                writer.series(series.labels.iter());
                writer.run(&run)?;
            }
            Ok(())
        })
    }
}

/// Spans of the grid that have samples, and the series that have some there.
fn cells(leaving: &[Leaving], grid: i64) -> BTreeMap<i64, Vec<usize>> {
    let mut cells: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let mut add = |at: Timestamp, member: usize| {
        let members = cells.entry(at.0.div_euclid(grid)).or_default();
        if members.last() != Some(&member) {
            members.push(member);
        }
    };
    for (member, series) in leaving.iter().enumerate() {
        for chunk in series.in_order.iter().chain(&series.late) {
            if chunk.from.0.div_euclid(grid) == chunk.to.0.div_euclid(grid) {
                add(chunk.from, member);
                continue;
            }
            let mut run = Run::default();
            if chunk.decode(&mut run.times, &mut run.values).is_some() {
                run.times.iter().for_each(|at| add(*at, member));
            }
        }
    }
    cells
}

/// Takes chunks out of a strand.
fn take(strand: &mut Strand, taken: &[Arc<Chunk>]) {
    strand.chunks.retain(|chunk| !taken.iter().any(|other| Arc::ptr_eq(chunk, other)));
    strand.chunks.shrink_to_fit();
}
