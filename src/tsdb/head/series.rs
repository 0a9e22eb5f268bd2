//! A series in memory: chunks, an open tail, and what came late.

use std::sync::Arc;

use crate::{
    series::{Labels, TimeSpan},
    time::Timestamp,
    tsdb::{
        codec::Chunk,
        run::{Body, Piece, Run, overlap},
    },
};

/// Samples that stay raw; then they become a chunk.
pub(crate) const TAIL: usize = 64;

/// Ranks of what is in memory: after all blocks, and what came late after what came in order.
const IN_ORDER: u64 = u64::MAX - 1;
const LATE: u64 = u64::MAX;

/// Chunks of one series and the samples that are in none yet.
#[derive(Debug, Default)]
pub(crate) struct Strand {
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) tail: Run,
}

impl Strand {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    pub(crate) fn samples(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.count)).sum::<u64>() + self.tail.len() as u64
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() + usize::from(!self.tail.is_empty())
    }

    /// Makes a chunk of the tail.
    pub(crate) fn seal(&mut self) {
        if let Some(chunk) = Chunk::encode(&self.tail.times, &self.tail.values) {
            self.chunks.push(Arc::new(chunk));
        }
        // Most series get as many samples again.
        self.tail.clear();
    }

    /// Its chunks, with one made of the tail.
    pub(crate) fn sealed(&self) -> Vec<Arc<Chunk>> {
        let tail = Chunk::encode(&self.tail.times, &self.tail.values).map(Arc::new);
        self.chunks.iter().cloned().chain(tail).collect()
    }

    fn spans(&self) -> impl Iterator<Item = TimeSpan> {
        self.chunks.iter().map(|chunk| chunk.span()).chain(self.tail.span())
    }

    /// Appends the pieces that overlap the span.
    fn pieces(&self, span: TimeSpan, rank: u64, out: &mut Vec<Piece<'static>>) {
        for chunk in self.chunks.iter().filter(|chunk| overlap(chunk.span(), span)) {
            out.push(Piece { span: chunk.span(), rank, body: Body::Chunk(chunk.clone()) });
        }
        if let Some(tail) = self.tail.span().filter(|tail| overlap(*tail, span)) {
            out.push(Piece { span: tail, rank, body: Body::Run(self.tail.clone()) });
        }
    }

    /// Removes samples; says how many.
    fn remove(&mut self, span: TimeSpan) -> usize {
        let mut removed = 0;
        self.chunks.retain_mut(|chunk| {
            if !overlap(chunk.span(), span) {
                return true;
            }
            let mut run = Run::default();
            if chunk.decode(&mut run.times, &mut run.values).is_none() {
                return true;
            }
            removed += run.remove(span);
            match Chunk::encode(&run.times, &run.values) {
                Some(left) => *chunk = Arc::new(left),
                None => return false,
            }
            true
        });
        removed + self.tail.remove(span)
    }
}

/// A series with what it has in memory.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Times ascend from chunk to chunk and to the tail.
    pub(crate) in_order: Strand,
    /// Samples that came after newer ones; chunks may overlap.
    pub(crate) late: Strand,
}

impl Series {
    pub(super) fn new(labels: Labels) -> Self {
        Self { labels, in_order: Strand::default(), late: Strand::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty() && self.late.is_empty()
    }

    pub(crate) fn samples(&self) -> u64 {
        self.in_order.samples() + self.late.samples()
    }

    /// Appends a sample that is newer than all in order; a chunk does not go over a multiple of `boundary`, so that
    /// blocks are cut between chunks.
    pub(super) fn append(&mut self, at: Timestamp, value: f64, boundary: i64) {
        let Strand { tail, .. } = &mut self.in_order;
        if let Some(first) = tail.times.first()
            && (tail.len() >= TAIL || first.0.div_euclid(boundary) != at.0.div_euclid(boundary))
        {
            self.in_order.seal();
        }
        self.in_order.tail.push(at, value);
    }

    /// Takes a sample that is older than others; `false` where there is a late one at its time.
    pub(super) fn insert_late(&mut self, at: Timestamp, value: f64) -> bool {
        let is_new = self.late.tail.insert(at, value);
        if self.late.tail.len() >= TAIL {
            self.late.seal();
        }
        is_new
    }

    /// Spans of its chunks and tails.
    pub(crate) fn spans(&self) -> impl Iterator<Item = TimeSpan> {
        self.in_order.spans().chain(self.late.spans())
    }

    pub(crate) fn overlaps(&self, span: TimeSpan) -> bool {
        self.spans().any(|part| overlap(part, span))
    }

    /// What there is in the span, and around it.
    pub(crate) fn pieces(&self, span: TimeSpan) -> Vec<Piece<'static>> {
        let mut pieces = Vec::new();
        self.in_order.pieces(span, IN_ORDER, &mut pieces);
        self.late.pieces(span, LATE, &mut pieces);
        pieces
    }

    /// Removes samples; says how many.
    pub(crate) fn remove(&mut self, span: TimeSpan) -> usize {
        self.in_order.remove(span) + self.late.remove(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsdb::run::assemble;

    fn all() -> TimeSpan {
        TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) }
    }

    fn times(series: &Series) -> Vec<i64> {
        assemble(series.pieces(all())).0.times.iter().map(|at| at.0).collect()
    }

    #[test]
    fn tails_become_chunks_that_end_at_boundaries() {
        let mut series = Series::new(Labels::default());
        (0..200).for_each(|i| series.append(Timestamp(i), 0.0, 150));
        let lens: Vec<_> = series.in_order.chunks.iter().map(|chunk| chunk.count).collect();
        assert_eq!((&lens[..], series.in_order.tail.len()), (&[64, 64, 22][..], 50));
        assert_eq!(times(&series), (0..200).collect::<Vec<_>>());
        let mut before_zero = Series::new(Labels::default());
        (-3..3).for_each(|i| before_zero.append(Timestamp(i), 0.0, 150));
        assert_eq!(before_zero.in_order.chunks.len(), 1);
    }

    #[test]
    fn late_samples_are_read_in_their_places() {
        let mut series = Series::new(Labels::default());
        (0..100).for_each(|i| series.append(Timestamp(i * 10), 1.0, 1 << 40));
        (0..100).rev().for_each(|i| assert!(series.insert_late(Timestamp(i * 10 + 5), 2.0)));
        assert!(series.insert_late(Timestamp(990), 3.0));
        assert_eq!(times(&series), (0..200).map(|i| i * 5).collect::<Vec<_>>());
        let (run, _) = assemble(series.pieces(all()));
        assert_eq!((run.values[198], run.values[199]), (1.0, 2.0));
    }

    #[test]
    fn samples_are_removed_from_chunks_and_tails() {
        let mut series = Series::new(Labels::default());
        (0..100).for_each(|i| series.append(Timestamp(i), 1.0, 1 << 40));
        let span = |from, to| TimeSpan { from: Timestamp(from), to: Timestamp(to) };
        assert_eq!((series.remove(span(10, 79)), series.remove(span(10, 79))), (70, 0));
        assert_eq!(times(&series), (0..10).chain(80..100).collect::<Vec<_>>());
        assert_eq!(series.remove(all()), 30);
        assert!(series.is_empty());
    }
}
