//! The way of samples into log and memory.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    series::{Labels, TimeSpan, is_stale},
    time::Timestamp,
};

use super::{
    Committed, Options, Rejection, SeriesRef, StoreError,
    bounds::{Bounds, Verdict},
    head::Series,
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
    /// What the clock said when a sample of it came last, or that sample's time if it is later.
    heard: Timestamp,
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
    clock: Option<Timestamp>,
    /// The first that it said, or what it said when it went back behind that.
    opened: Timestamp,
    /// Why the last write to the log failed, if it did.
    pub(crate) failing: Option<StoreError>,
    pub(crate) appended: u64,
    pub(crate) rejected: u64,
    pub(crate) tap: Option<Tap>,
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
            opened: Timestamp(i64::MAX),
            failing: None,
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

    pub(crate) fn set_clock(&mut self, now: Timestamp) {
        self.clock = Some(now);
        self.opened = self.opened.min(now);
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
        let heard = self.clock.map_or(newest, |clock| clock.max(newest));
        let position = Position { last: None, newest, heard, file: 0, logged: 0 };
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
            position.heard = position.heard.max(at);
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
            (position.newest, position.heard) = (newest, newest);
        }
        self.newest = self.newest.max(last.map(|(at, _)| at)).max(Some(newest));
    }

    /// Slots of the series that will get no more samples, as far as one can tell: time goes on where no sample comes,
    /// and those that were brought back are waited for from the opening on.
    pub(crate) fn ended(&self, idle_millis: i64) -> Vec<u32> {
        let Some(now) = self.reference().max(self.clock) else { return Vec::new() };
        let idle_since = now.0.saturating_sub(idle_millis.max(0));
        let has_ended = |track: &Track| {
            track.series.as_ref().is_some_and(|(_, position)| {
                let is_idle = position.heard.0 < idle_since && self.opened.0 < idle_since;
                is_idle || position.last.is_some_and(|(_, bits)| is_stale(f64::from_bits(bits)))
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

    /// How many series there are, and how many there is room for.
    #[cfg(test)]
    pub(crate) fn room(&self) -> (usize, usize) {
        (self.ids.len(), self.tracks.len())
    }

    /// The slot of a reference that is not stale.
    pub(crate) fn slot(&self, series: SeriesRef) -> Option<u32> {
        let track = self.tracks.get(series.slot as usize)?;
        (track.generation == series.generation && track.series.is_some()).then_some(series.slot)
    }

    /// Takes those of the series out that were made for a sample and have got none.
    fn remove_unborn(&mut self, mut slots: Vec<u32>, state: &RwLock<State>) {
        slots.retain(|slot| self.position(*slot).is_some_and(|position| position.last.is_none()));
        if slots.is_empty() {
            return;
        }
        let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| state.head.get(*slot).is_some_and(Series::is_empty));
        state.head.remove(&slots);
        self.remove(&slots);
    }

    /// Judges samples, writes the accepted ones to the log, then puts them into memory. Where the log cannot be
    /// written nothing is changed. Series that are left without any sample are gone.
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
        let mut unborn: Vec<u32> = Vec::new();
        let mut framed = Ok(());
        let clock = self.clock;
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
                    position.heard = position.heard.max(clock.unwrap_or(at));
                    committed.appended += 1;
                    continue;
                }
                Verdict::Rejected(rejection) => {
                    unborn.extend(position.last.is_none().then_some(slot));
                    committed.rejected.push((index, rejection));
                    continue;
                }
            };
            if Some(position.file) != file && text_len(labels) > MAX_LABELS {
                unborn.extend(position.last.is_none().then_some(slot));
                committed.rejected.push((index, Rejection::LabelsTooLong));
                continue;
            }
            let sample = Logged { slot, at, value, is_late };
            before.push(*position);
            accepted.push(sample);
            position.newest = position.newest.max(at);
            position.heard = position.heard.max(at).max(clock.unwrap_or(at));
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
                    framed = framed.and(self.record.finish(&mut self.records));
                }
            }
        }
        framed = framed.and(self.record.finish(&mut self.records));
        let written = if accepted.is_empty() { Ok(()) } else { self.append(framed) };
        if let Err(error) = written {
            unborn.extend(accepted.iter().map(|sample| sample.slot));
            for (sample, before) in accepted.iter().zip(before).rev() {
                if let Some((_, position)) = &mut self.tracks[sample.slot as usize].series {
                    *position = before;
                }
            }
            self.remove_unborn(unborn, state);
            return Err(error);
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
        self.remove_unborn(unborn, state);
        Ok(committed)
    }

    /// Hands the records to the log; that this failed is known until it succeeds again.
    fn append(&mut self, framed: io::Result<()>) -> Result<(), StoreError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let framed = framed.map_err(|source| StoreError::io("write", "a record of the log", source));
        let appended = framed.and_then(|()| log.append(&self.records));
        self.failing = appended.as_ref().err().cloned();
        if self.records.capacity() > 2 * RECORD {
            self.records = Vec::new();
        }
        appended
    }

    /// Writes to the log that samples in a span are removed.
    pub(crate) fn log_deletion(&mut self, slots: &[u32], span: TimeSpan) -> Result<(), StoreError> {
        let Some(file) = self.log.as_ref().map(Log::number) else { return Ok(()) };
        let mut defined = Vec::new();
        let mut framed = Ok(());
        self.records.clear();
        for slot in slots {
            if let Some((labels, position)) =
                self.tracks.get(*slot as usize).and_then(|track| track.series.as_ref())
                && position.file != file
            {
                self.record.define(*slot, labels);
                defined.push(*slot);
            }
            self.record.delete(*slot);
            if self.record.len() >= RECORD {
                framed = framed.and(self.record.finish_deletion(span, &mut self.records));
            }
        }
        framed = framed.and(self.record.finish_deletion(span, &mut self.records));
        self.append(framed)?;
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
