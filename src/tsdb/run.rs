//! Samples of one series, and how pieces from several places become one run of them.

use std::sync::Arc;

use crate::{series::TimeSpan, time::Timestamp};

use super::codec::{Chunk, Cursor, decode_values};

/// Samples in order of time; both columns are equally long.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Run {
    pub(crate) times: Vec<Timestamp>,
    pub(crate) values: Vec<f64>,
}

impl Run {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(crate) fn push(&mut self, at: Timestamp, value: f64) {
        self.times.push(at);
        self.values.push(value);
    }

    /// Inserts a sample in its place; `false` where there is one at its time.
    pub(crate) fn insert(&mut self, at: Timestamp, value: f64) -> bool {
        if self.times.last().is_none_or(|last| *last < at) {
            self.push(at, value);
            return true;
        }
        let Err(place) = self.times.binary_search(&at) else { return false };
        self.times.insert(place, at);
        self.values.insert(place, value);
        true
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
    }

    /// Keeps what is in the span.
    pub(crate) fn keep(&mut self, span: TimeSpan) {
        let to = self.times.partition_point(|time| *time <= span.to);
        self.times.truncate(to);
        self.values.truncate(to);
        let from = self.times.partition_point(|time| *time < span.from);
        self.times.drain(..from);
        self.values.drain(..from);
    }

    /// Removes what is in the span; says how much that was.
    pub(crate) fn remove(&mut self, span: TimeSpan) -> usize {
        let from = self.times.partition_point(|time| *time < span.from);
        let to = self.times.partition_point(|time| *time <= span.to).max(from);
        self.times.drain(from..to);
        self.values.drain(from..to);
        to - from
    }

    /// The first and the last time.
    pub(crate) fn span(&self) -> Option<TimeSpan> {
        Some(TimeSpan { from: *self.times.first()?, to: *self.times.last()? })
    }
}

/// Whether two spans have an instant in common.
pub(crate) fn overlap(a: TimeSpan, b: TimeSpan) -> bool {
    a.from <= b.to && b.from <= a.to
}

/// Some samples of a series, from one place.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) span: TimeSpan,
    /// Of two samples at one time the one with the lower rank is taken.
    pub(crate) rank: u64,
    pub(crate) body: Body<'a>,
}

#[derive(Debug)]
pub(crate) enum Body<'a> {
    Run(Run),
    Chunk(Arc<Chunk>),
    /// Times that series of a block share, values as they are in its file.
    Stored {
        times: Arc<[Timestamp]>,
        values: &'a [u8],
    },
}

impl Piece<'_> {
    /// Appends its samples. Of one that is damaged there are none: it is for the caller to say so.
    fn decode(&self, out: &mut Run) -> Result<(), Damaged> {
        let before = out.len();
        let done = match &self.body {
            Body::Run(run) => {
                out.times.extend_from_slice(&run.times);
                out.values.extend_from_slice(&run.values);
                Some(())
            }
            Body::Chunk(chunk) => chunk.decode(&mut out.times, &mut out.values),
            Body::Stored { times, values } => {
                out.times.extend_from_slice(times);
                decode_values(&mut Cursor::new(values), times.len(), &mut out.values)
            }
        };
        if done.is_none() || out.times.len() != out.values.len() {
            out.times.truncate(before);
            out.values.truncate(before);
            return Err(Damaged);
        }
        Ok(())
    }

    fn count(&self) -> usize {
        match &self.body {
            Body::Run(run) => run.len(),
            Body::Chunk(chunk) => chunk.count as usize,
            Body::Stored { times, .. } => times.len(),
        }
    }
}

/// Bytes that are no samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// One run of all the pieces, and how many of them were damaged and left out.
pub(crate) fn assemble(pieces: Vec<Piece<'_>>) -> (Run, usize) {
    assemble_in(Vec::new(), pieces)
}

/// As [`assemble`], with a column of times that was used before.
pub(crate) fn assemble_in(mut times: Vec<Timestamp>, mut pieces: Vec<Piece<'_>>) -> (Run, usize) {
    pieces.sort_by_key(|piece| (piece.span.from, piece.rank));
    let count = pieces.iter().map(Piece::count).sum();
    times.clear();
    times.reserve(count);
    let mut run = Run { times, values: Vec::with_capacity(count) };
    let mut damaged = 0;
    if pieces.is_sorted_by(|a, b| a.span.to < b.span.from) {
        for piece in &pieces {
            damaged += usize::from(piece.decode(&mut run).is_err());
        }
        return (run, damaged);
    }
    let mut samples: Vec<(Timestamp, u64, f64)> = Vec::with_capacity(count);
    for piece in &pieces {
        run.clear();
        damaged += usize::from(piece.decode(&mut run).is_err());
        samples.extend(run.times.iter().zip(&run.values).map(|(at, value)| (*at, piece.rank, *value)));
    }
    samples.sort_by_key(|(at, rank, _)| (*at, *rank));
    samples.dedup_by_key(|(at, _, _)| *at);
    run.clear();
    for (at, _, value) in samples {
        run.push(at, value);
    }
    (run, damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(samples: &[(i64, f64)]) -> Run {
        let mut run = Run::default();
        for (at, value) in samples {
            run.push(Timestamp(*at), *value);
        }
        run
    }

    fn span(from: i64, to: i64) -> TimeSpan {
        TimeSpan { from: Timestamp(from), to: Timestamp(to) }
    }

    #[track_caller]
    fn check(pieces: &[(u64, &[(i64, f64)])], expect: &[(i64, f64)]) {
        let piece = |(rank, samples): &(u64, &[(i64, f64)])| {
            let run = run(samples);
            Piece { span: run.span().unwrap(), rank: *rank, body: Body::Run(run) }
        };
        assert_eq!(assemble(pieces.iter().map(piece).collect()), (run(expect), 0));
    }

    #[test]
    fn pieces_become_one_run() {
        check(&[], &[]);
        check(&[(1, &[(1, 1.0), (2, 2.0)])], &[(1, 1.0), (2, 2.0)]);
        check(&[(1, &[(5, 5.0)]), (2, &[(1, 1.0), (2, 2.0)])], &[(1, 1.0), (2, 2.0), (5, 5.0)]);
        check(&[(1, &[(1, 1.0), (5, 5.0)]), (2, &[(3, 3.0)])], &[(1, 1.0), (3, 3.0), (5, 5.0)]);
        check(&[(2, &[(1, 2.0), (3, 2.0)]), (1, &[(3, 1.0)])], &[(1, 2.0), (3, 1.0)]);
        check(&[(1, &[(3, 1.0)]), (1, &[(3, 1.0)]), (0, &[(3, 0.0), (4, 0.0)])], &[(3, 0.0), (4, 0.0)]);
    }

    #[test]
    fn a_damaged_piece_is_left_out() {
        let times: Arc<[Timestamp]> = [Timestamp(5), Timestamp(6)].into();
        let stored = Piece { span: span(5, 6), rank: 0, body: Body::Stored { times, values: &[0xff] } };
        let good = Piece { span: span(1, 1), rank: 0, body: Body::Run(run(&[(1, 1.0)])) };
        assert_eq!(assemble(vec![stored, good]), (run(&[(1, 1.0)]), 1));
    }

    #[test]
    fn runs_are_cut() {
        let cut = |from, to| {
            let (mut kept, mut left) =
                (run(&[(1, 1.0), (3, 3.0), (5, 5.0)]), run(&[(1, 1.0), (3, 3.0), (5, 5.0)]));
            kept.keep(span(from, to));
            left.remove(span(from, to));
            (kept.times.iter().map(|at| at.0).collect(), left.times.iter().map(|at| at.0).collect())
        };
        let expect = |kept: &[i64], left: &[i64]| (kept.to_vec(), left.to_vec());
        assert_eq!(cut(0, 9), expect(&[1, 3, 5], &[]));
        assert_eq!(cut(2, 3), expect(&[3], &[1, 5]));
        assert_eq!(cut(4, 4), expect(&[], &[1, 3, 5]));
        assert_eq!(cut(4, 2), expect(&[], &[1, 3, 5]));
    }

    #[test]
    fn a_late_sample_is_inserted_in_its_place() {
        let mut late = run(&[(1, 1.0), (5, 5.0)]);
        assert!(late.insert(Timestamp(3), 3.0));
        assert!(!late.insert(Timestamp(3), 4.0));
        assert!(late.insert(Timestamp(6), 6.0));
        assert_eq!(late, run(&[(1, 1.0), (3, 3.0), (5, 5.0), (6, 6.0)]));
    }
}
