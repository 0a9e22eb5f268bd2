//! What a target's pages said before: series by their text, so that a steady page costs no label.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    series::{FamilyKind, Format},
    tsdb::SeriesRef,
};

/// A series text of the last pages.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) text: Arc<str>,
    /// How the text was read, to read it again.
    pub(super) format: Format,
    pub(super) kind: Option<FamilyKind>,
    /// `None`: relabelling drops it, or the store has not been asked yet.
    pub(super) series: Option<SeriesRef>,
    pub(super) is_dropped: bool,
    /// The scrape that brought it last.
    last: u64,
    /// The scrape from which on its disappearance ends the series; 0: none yet.
    tracked: u64,
    /// Its place in the last page.
    place: usize,
}

/// Which of the series texts of a page were there before.
#[derive(Debug)]
pub(super) struct Cache {
    seen: Vec<Option<Seen>>,
    free: Vec<usize>,
    by_text: HashMap<Arc<str>, usize>,
    /// Those of the last page and of this one, in their order.
    before: Vec<usize>,
    now: Vec<usize>,
    /// Where in `before` the next sample of the page is expected.
    next: usize,
    /// Counts scrapes from 2: the one before the first is not the 0 of what is not tracked.
    scrape: u64,
    /// How many series this scrape tracks.
    tracked: usize,
    /// How many texts there were after the last good scrape.
    settled: usize,
}

/// A text in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    New,
    Dropped(usize),
    Known(usize),
    /// The page has it for a second time.
    Again(usize),
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            free: Vec::new(),
            by_text: HashMap::new(),
            before: Vec::new(),
            now: Vec::new(),
            next: 0,
            scrape: 2,
            tracked: 0,
            settled: 0,
        }
    }
}

impl Cache {
    /// The text that the next sample of a page may have.
    pub(super) fn guess(&self, format: Format) -> &str {
        let expected = self.before.get(self.next).and_then(|index| self.seen.get(*index)?.as_ref());
        // What the one format lets pass, the other may refuse.
        expected.filter(|seen| seen.format == format).map_or("", |seen| &seen.text)
    }

    /// Looks a text up and notes that this page has it.
    pub(super) fn find(&mut self, text: &str) -> Lookup {
        let expected = self.before.get(self.next).copied().filter(|index| {
            self.seen.get(*index).and_then(Option::as_ref).is_some_and(|seen| &*seen.text == text)
        });
        let Some(index) = expected.or_else(|| self.by_text.get(text).copied()) else { return Lookup::New };
        let scrape = self.scrape;
        let Some(seen) = self.seen.get_mut(index).and_then(Option::as_mut) else { return Lookup::New };
        // The page goes on from here as it did the last time.
        if self.before.get(seen.place) == Some(&index) {
            self.next = seen.place + 1;
        }
        if seen.last == scrape {
            return if seen.is_dropped { Lookup::Dropped(index) } else { Lookup::Again(index) };
        }
        seen.last = scrape;
        self.now.push(index);
        if seen.is_dropped { Lookup::Dropped(index) } else { Lookup::Known(index) }
    }

    /// Adds a text that [`Cache::find`] did not know.
    pub(super) fn add(
        &mut self,
        text: &str,
        format: Format,
        kind: Option<FamilyKind>,
        is_dropped: bool,
    ) -> usize {
        let text: Arc<str> = text.into();
        let seen = Seen {
            text: Arc::clone(&text),
            format,
            kind,
            series: None,
            is_dropped,
            last: self.scrape,
            tracked: 0,
            place: usize::MAX,
        };
        let index = if let Some(index) = self.free.pop() {
            self.seen[index] = Some(seen);
            index
        } else {
            self.seen.push(Some(seen));
            self.seen.len() - 1
        };
        self.by_text.insert(text, index);
        self.now.push(index);
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&Seen> {
        self.seen.get(index)?.as_ref()
    }

    pub(super) fn set_series(&mut self, index: usize, series: SeriesRef) {
        if let Some(seen) = self.seen.get_mut(index).and_then(Option::as_mut) {
            seen.series = Some(series);
        }
    }

    /// From now on the text counts as read in this format.
    pub(super) fn set_format(&mut self, index: usize, format: Format) {
        if let Some(seen) = self.seen.get_mut(index).and_then(Option::as_mut) {
            seen.format = format;
        }
    }

    /// From this scrape on, the series ends when a page lacks it.
    pub(super) fn track(&mut self, index: usize) {
        let scrape = self.scrape;
        if let Some(seen) = self.seen.get_mut(index).and_then(Option::as_mut) {
            self.tracked += usize::from(seen.tracked != scrape);
            seen.tracked = scrape;
        }
    }

    /// Forgets a text.
    pub(super) fn remove(&mut self, index: usize) {
        if let Some(seen) = self.seen.get_mut(index).and_then(Option::take) {
            self.by_text.remove(&seen.text);
            self.free.push(index);
        }
    }

    /// How many texts this page has brought so far.
    pub(super) fn here(&self) -> usize {
        self.now.len()
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.by_text.len()
    }

    /// The series that the last scrape had, and this one does not. Two texts may name one series.
    pub(super) fn gone(&self) -> Vec<SeriesRef> {
        // Most pages are as the last one.
        if self.tracked == self.now.len() && self.now == self.before {
            return Vec::new();
        }
        let (last, scrape) = (self.scrape - 1, self.scrape);
        let seen = || self.before.iter().chain(&self.now).filter_map(|index| self.get(*index));
        let gone: Vec<SeriesRef> =
            seen().filter(|seen| seen.tracked == last).filter_map(|seen| seen.series).collect();
        if gone.is_empty() {
            return gone;
        }
        let here: HashSet<SeriesRef> =
            seen().filter(|seen| seen.tracked == scrape).filter_map(|seen| seen.series).collect();
        let mut once = HashSet::new();
        gone.into_iter().filter(|series| !here.contains(series) && once.insert(*series)).collect()
    }

    /// The texts whose series go on after the last scrape.
    pub(super) fn alive(&self) -> Vec<usize> {
        let last = self.scrape - 1;
        let is_alive = |index: &usize| self.get(*index).is_some_and(|seen| seen.tracked == last);
        self.before.iter().copied().filter(is_alive).collect()
    }

    /// Ends a scrape. After a good one, what its page lacks is forgotten; after a bad one the order of the last good page
    /// is still expected.
    pub(super) fn end(&mut self, is_good: bool) {
        let all_are_here = self.now.len() == self.len();
        if !all_are_here && (is_good || self.len() > self.settled * 2 + 1000) {
            let scrape = self.scrape;
            for index in 0..self.seen.len() {
                if self.seen[index].as_ref().is_some_and(|seen| seen.last != scrape) {
                    self.remove(index);
                }
            }
        }
        if is_good {
            self.settled = self.len();
            if self.before != self.now {
                std::mem::swap(&mut self.before, &mut self.now);
                for (place, index) in self.before.iter().enumerate() {
                    if let Some(seen) = self.seen.get_mut(*index).and_then(Option::as_mut) {
                        seen.place = place;
                    }
                }
                self.shrink();
            }
        }
        self.now.clear();
        self.next = 0;
        self.tracked = 0;
        self.scrape += 1;
    }

    /// Gives the room back that a page of unusual size took.
    fn shrink(&mut self) {
        if self.seen.len() < 1024 || self.len() * 4 > self.seen.len() {
            return;
        }
        let mut kept = Vec::with_capacity(self.len());
        let mut moved = vec![usize::MAX; self.seen.len()];
        for (index, seen) in std::mem::take(&mut self.seen).into_iter().enumerate() {
            if let Some(one) = &seen {
                moved[index] = kept.len();
                self.by_text.insert(Arc::clone(&one.text), kept.len());
                kept.push(seen);
            }
        }
        self.seen = kept;
        self.free = Vec::new();
        self.by_text.shrink_to_fit();
        for index in &mut self.before {
            *index = moved.get(*index).copied().unwrap_or(usize::MAX);
        }
        self.before.shrink_to_fit();
        self.now = Vec::new();
    }
}
