//! Which samples are accepted, and their way into log and memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    series::{Labels, TimeSpan, is_stale},
    time::Timestamp,
};

use super::{
    Committed, Options, Rejection, SeriesRef, StoreError,
    log::{Log, Logged, RecordWriter},
    state::State,
};

/// How far before the caller's clock a sample may be without being taken for one of a clock that is wrong; Prometheus
/// refuses what is farther when it scrapes.
const AHEAD: i64 = 10 * 60_000;

/// Bytes of the names and values of a series' labels.
const MAX_LABELS: usize = 1 << 20;

/// A record of the log is ended at about this many bytes.
const RECORD: usize = 4 << 20;

/// Where a series stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    /// Time and bits of the last sample in order.
    pub(crate) last: Option<(Timestamp, u64)>,
    /// Time of the newest sample, or of the newest of the store when the series was made.
    pub(crate) newest: Timestamp,
    /// The log file that defines the series, and the bits of the last value there.
    file: u64,
    logged: u64,
}

/// A slot and the series in it.
#[derive(Debug, Default)]
struct Track {
    generation: u32,
    series: Option<(Labels, Position)>,
}

/// Hears of samples that were taken, in their order.
pub type Hear = Arc<dyn Fn(Vec<(Labels, Timestamp, f64)>) + Send + Sync>;

/// Who hears of them.
#[derive(Clone)]
pub(crate) struct Tap(pub(crate) Hear);

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

/// All that decides on samples; whoever holds it is the only writer.
#[derive(Debug)]
pub(crate) struct Intake {
    ids: HashMap<Labels, u32>,
    tracks: Vec<Track>,
    pub(crate) log: Option<Log>,
    record: RecordWriter,
    records: Vec<u8>,
    /// Time of the newest sample of all.
    pub(crate) newest: Option<Timestamp>,
    /// What the caller last said the time was.
    pub(crate) clock: Option<Timestamp>,
    pub(crate) appended: u64,
    pub(crate) rejected: u64,
    pub(crate) tap: Option<Tap>,
}

/// What becomes of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    InOrder,
    Late,
    /// It is there already.
    Same,
    Rejected(Rejection),
}

/// Bounds of what is accepted, for the samples of one commit.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// The oldest time for a sample that is not late.
    valid_from: Option<i64>,
    /// The oldest time for a late one; none is accepted without.
    late_from: Option<i64>,
    /// Times after it are of a clock that was wrong.
    ahead: Option<i64>,
}

impl Bounds {
    /// Prometheus' rules (`memSeries.appendable` in `tsdb/head_append.go`), and one more: where the last sample of a
    /// series is ahead of the clock, samples of now are accepted as late ones, so that a clock that was ahead for a
    /// while does not lock the series until its time has come again.
    fn judge(self, last: Option<(Timestamp, u64)>, at: Timestamp, value: f64) -> Verdict {
        let is_valid = self.valid_from.is_none_or(|from| at.0 >= from);
        if is_valid {
            match last {
                None => return Verdict::InOrder,
                Some((last, _)) if at > last => return Verdict::InOrder,
                Some((last, bits)) if at == last => {
                    let existing = f64::from_bits(bits);
                    let duplicate = Verdict::Rejected(Rejection::Duplicate { existing, new: value });
                    return if bits == value.to_bits() { Verdict::Same } else { duplicate };
                }
                Some((last, _)) if self.ahead.is_some_and(|ahead| last.0 > ahead && at.0 <= ahead) => {
                    return Verdict::Late;
                }
                Some(_) => {}
            }
        }
        match self.late_from {
            Some(from) if at.0 >= from => Verdict::Late,
            None if is_valid => Verdict::Rejected(Rejection::OutOfOrder),
            _ => Verdict::Rejected(Rejection::TooOld),
        }
    }
}

impl Intake {
    pub(crate) fn new(log: Option<Log>) -> Self {
        Self {
            ids: HashMap::new(),
            tracks: Vec::new(),
            log,
            record: RecordWriter::default(),
            records: Vec::new(),
            newest: None,
            clock: None,
            appended: 0,
            rejected: 0,
            tap: None,
        }
    }

    /// The newest time that is no mistake: that of the newest sample, or of the clock where the sample is far ahead.
    pub(crate) fn reference(&self) -> Option<Timestamp> {
        let newest = self.newest?;
        let ahead_of = |clock: &Timestamp| newest.0 > clock.0.saturating_add(AHEAD);
        Some(self.clock.filter(ahead_of).unwrap_or(newest))
    }

    fn bounds(&self, options: &Options) -> Bounds {
        let reference = self.reference();
        let before = |millis: i64| reference.map(|reference| reference.0.saturating_sub(millis.max(0)));
        let window = options.out_of_order_window_millis;
        let late_from = if window > 0 { before(window).or(Some(i64::MIN)) } else { None };
        let ahead = self.clock.map(|clock| clock.0.saturating_add(AHEAD));
        Bounds { valid_from: before(options.in_order_lag_millis), late_from, ahead }
    }

    /// The series with these labels, made where it is not there yet.
    pub(crate) fn ensure(&mut self, labels: &Labels, state: &RwLock<State>) -> SeriesRef {
        let slot = if let Some(slot) = self.ids.get(labels) {
            *slot
        } else {
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            let (slot, labels) = state.head.insert(labels);
            self.adopt(slot, labels)
        };
        SeriesRef { slot, generation: self.tracks[slot as usize].generation }
    }

    /// Notes a series that was put into a slot.
    pub(crate) fn adopt(&mut self, slot: u32, labels: Labels) -> u32 {
        while self.tracks.len() <= slot as usize {
            self.tracks.push(Track::default());
        }
        let newest = self.reference().unwrap_or(Timestamp(i64::MIN));
        let position = Position { last: None, newest, file: 0, logged: 0 };
        self.ids.insert(labels.clone(), slot);
        self.tracks[slot as usize].series = Some((labels, position));
        slot
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        self.ids.get(labels).copied()
    }

    pub(crate) fn position(&self, slot: u32) -> Option<Position> {
        Some(self.tracks.get(slot as usize)?.series.as_ref()?.1)
    }

    /// Notes a sample that was accepted before, when it is read back.
    pub(crate) fn advance(&mut self, slot: u32, at: Timestamp, value: f64, is_late: bool) {
        if let Some((_, position)) =
            self.tracks.get_mut(slot as usize).and_then(|track| track.series.as_mut())
        {
            position.newest = position.newest.max(at);
            if !is_late {
                position.last = Some((at, value.to_bits()));
            }
        }
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
    }

    /// Sets where a series stands, when it is read back.
    pub(crate) fn set_position(&mut self, slot: u32, last: Option<(Timestamp, f64)>, newest: Timestamp) {
        if let Some((_, position)) =
            self.tracks.get_mut(slot as usize).and_then(|track| track.series.as_mut())
        {
            position.last = last.map(|(at, value)| (at, value.to_bits()));
            position.newest = newest;
        }
        self.newest = self.newest.max(last.map(|(at, _)| at)).max(Some(newest));
    }

    /// Slots of the series that will get no more samples, as far as one can tell.
    pub(crate) fn ended(&self, idle_millis: i64) -> Vec<u32> {
        let Some(reference) = self.reference() else { return Vec::new() };
        let idle_since = reference.0.saturating_sub(idle_millis.max(0));
        let has_ended = |track: &Track| {
            track.series.as_ref().is_some_and(|(_, position)| {
                position.newest.0 < idle_since
                    || position.last.is_some_and(|(_, bits)| is_stale(f64::from_bits(bits)))
            })
        };
        let ended = self.tracks.iter().enumerate().filter(|(_, track)| has_ended(track));
        ended.map(|(slot, _)| u32::try_from(slot).unwrap_or(u32::MAX)).collect()
    }

    /// Takes series out; references to them are stale from now on.
    pub(crate) fn remove(&mut self, slots: &[u32]) {
        for slot in slots {
            if let Some(track) = self.tracks.get_mut(*slot as usize)
                && let Some((labels, _)) = track.series.take()
            {
                track.generation = track.generation.wrapping_add(1);
                self.ids.remove(&labels);
            }
        }
    }

    /// The slot of a reference that is not stale.
    pub(crate) fn slot(&self, series: SeriesRef) -> Option<u32> {
        let track = self.tracks.get(series.slot as usize)?;
        (track.generation == series.generation && track.series.is_some()).then_some(series.slot)
    }

    /// Judges samples, writes the accepted ones to the log, then puts them into memory. Where the log cannot be
    /// written nothing is changed.
    pub(crate) fn commit(
        &mut self,
        state: &RwLock<State>,
        options: &Options,
        samples: impl ExactSizeIterator<Item = (Option<u32>, Timestamp, f64)>,
    ) -> Result<Committed, StoreError> {
        let bounds = self.bounds(options);
        let file = self.log.as_ref().map(Log::number);
        let mut committed = Committed::default();
        let mut accepted: Vec<Logged> = Vec::with_capacity(samples.len());
        let mut before: Vec<Position> = Vec::with_capacity(samples.len());
        self.records.clear();
        for (index, (slot, at, value)) in samples.enumerate() {
            let track =
                slot.and_then(|slot| Some((slot, self.tracks.get_mut(slot as usize)?.series.as_mut()?)));
            let Some((slot, (labels, position))) = track else {
                committed.rejected.push((index, Rejection::StaleSeries));
                continue;
            };
            let is_late = match bounds.judge(position.last, at, value) {
                Verdict::InOrder => false,
                Verdict::Late => true,
                Verdict::Same => {
                    committed.appended += 1;
                    continue;
                }
                Verdict::Rejected(rejection) => {
                    committed.rejected.push((index, rejection));
                    continue;
                }
            };
            if Some(position.file) != file && text_len(labels) > MAX_LABELS {
                committed.rejected.push((index, Rejection::LabelsTooLong));
                continue;
            }
            let sample = Logged { slot, at, value, is_late };
            before.push(*position);
            accepted.push(sample);
            position.newest = position.newest.max(at);
            if !is_late {
                position.last = Some((at, value.to_bits()));
            }
            if let Some(file) = file {
                if position.file != file {
                    self.record.define(slot, labels);
                    (position.file, position.logged) = (file, 0);
                }
                self.record.sample(sample, position.logged);
                position.logged = value.to_bits();
                if self.record.len() >= RECORD {
                    self.record.finish(&mut self.records);
                }
            }
        }
        self.record.finish(&mut self.records);
        if let Some(log) = self.log.as_mut().filter(|_| !accepted.is_empty())
            && let Err(error) = log.append(&self.records)
        {
            for (sample, before) in accepted.iter().zip(before).rev() {
                if let Some((_, position)) = &mut self.tracks[sample.slot as usize].series {
                    *position = before;
                }
            }
            return Err(error);
        }
        if self.records.capacity() > 2 * RECORD {
            self.records = Vec::new();
        }
        committed.appended += accepted.len();
        self.appended += accepted.len() as u64;
        self.rejected += committed.rejected.len() as u64;
        if let Some(Tap(tap)) = self.tap.as_ref().filter(|_| !accepted.is_empty()) {
            let labels = |slot: u32| Some(self.tracks.get(slot as usize)?.series.as_ref()?.0.clone());
            let sample = |sample: &Logged| Some((labels(sample.slot)?, sample.at, sample.value));
            tap(accepted.iter().filter_map(sample).collect());
        }
        if let Some(newest) = accepted.iter().map(|sample| sample.at).max() {
            self.newest = Some(self.newest.map_or(newest, |before| before.max(newest)));
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            for Logged { slot, at, value, is_late } in accepted {
                state.head.append(slot, at, value, is_late);
            }
        }
        Ok(committed)
    }

    /// Writes to the log that samples in a span are removed.
    pub(crate) fn log_deletion(&mut self, slots: &[u32], span: TimeSpan) -> Result<(), StoreError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let file = log.number();
        let mut defined = Vec::new();
        for slot in slots {
            if let Some((labels, position)) =
                self.tracks.get(*slot as usize).and_then(|track| track.series.as_ref())
                && position.file != file
            {
                self.record.define(*slot, labels);
                defined.push(*slot);
            }
        }
        self.records.clear();
        self.record.finish_deletion(slots, span, &mut self.records);
        log.append(&self.records)?;
        for slot in defined {
            if let Some((_, position)) = &mut self.tracks[slot as usize].series {
                (position.file, position.logged) = (file, 0);
            }
        }
        Ok(())
    }
}

fn text_len(labels: &Labels) -> usize {
    labels.iter().map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: Bounds, last: Option<(i64, f64)>, sample: (i64, f64), expect: Verdict) {
        let last = last.map(|(at, value)| (Timestamp(at), value.to_bits()));
        assert_eq!(bounds.judge(last, Timestamp(sample.0), sample.1), expect);
    }

    #[test]
    fn samples_are_judged_as_prometheus_does() {
        use Verdict::{InOrder, Late, Rejected, Same};
        let refused = |rejection| Rejected(rejection);
        let strict = Bounds { valid_from: Some(100), late_from: None, ahead: None };
        check(strict, None, (100, 1.0), InOrder);
        check(strict, None, (99, 1.0), refused(Rejection::TooOld));
        check(strict, Some((150, 1.0)), (151, 1.0), InOrder);
        check(strict, Some((150, 1.0)), (150, 1.0), Same);
        check(
            strict,
            Some((150, 0.0)),
            (150, -0.0),
            refused(Rejection::Duplicate { existing: 0.0, new: -0.0 }),
        );
        check(strict, Some((150, 1.0)), (149, 1.0), refused(Rejection::OutOfOrder));
        check(strict, Some((150, 1.0)), (99, 1.0), refused(Rejection::TooOld));
        let window = Bounds { valid_from: Some(100), late_from: Some(140), ahead: None };
        check(window, Some((150, 1.0)), (140, 1.0), Late);
        check(window, Some((150, 1.0)), (139, 1.0), refused(Rejection::TooOld));
        check(window, None, (120, 1.0), InOrder);
        check(window, None, (99, 1.0), refused(Rejection::TooOld));
        let wide = Bounds { valid_from: Some(100), late_from: Some(20), ahead: None };
        check(wide, None, (50, 1.0), Late);
        check(wide, Some((60, 1.0)), (70, 1.0), Late);
        let empty = Bounds { valid_from: None, late_from: None, ahead: None };
        check(empty, None, (i64::MIN, 1.0), InOrder);
    }

    #[test]
    fn a_clock_that_was_ahead_locks_no_series() {
        use Verdict::{InOrder, Late, Rejected};
        let bounds = Bounds { valid_from: Some(100), late_from: None, ahead: Some(200) };
        check(bounds, Some((9000, 1.0)), (180, 1.0), Late);
        check(bounds, Some((9000, 1.0)), (99, 1.0), Rejected(Rejection::TooOld));
        check(bounds, Some((9000, 1.0)), (8000, 1.0), Rejected(Rejection::OutOfOrder));
        check(bounds, Some((9000, 1.0)), (9001, 1.0), InOrder);
        check(bounds, Some((190, 1.0)), (180, 1.0), Rejected(Rejection::OutOfOrder));
    }
}
