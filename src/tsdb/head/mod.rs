//! What is in memory.
//!
//! Owns: series by slot, the index of their labels, their chunks and tails.
//! Must not know: files; which samples are accepted.
//! Invariants: a slot's generation grows each time a series leaves it; a series without samples is not seen by readers.
//! Start reading at: [`Head`].

mod index;
mod series;

use crate::{series::Labels, time::Timestamp};

pub(crate) use index::Index;
pub(crate) use series::{Series, Strand};

/// Series by slot.
#[derive(Debug)]
pub(crate) struct Head {
    slots: Vec<Option<Box<Series>>>,
    free: Vec<u32>,
    index: Index,
    /// About how many samples there are.
    samples: u64,
    /// Chunks do not go over multiples of this many milliseconds.
    boundary: i64,
}

impl Head {
    pub(crate) fn new(boundary: i64) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: Index::default(),
            samples: 0,
            boundary: boundary.max(1),
        }
    }

    /// Adds a series that is not there yet: its slot, and its labels with shared texts.
    pub(crate) fn insert(&mut self, labels: &Labels) -> (u32, Labels) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 series fit in memory")
        });
        let labels = self.index.insert(labels, slot);
        self.slots[slot as usize] = Some(Box::new(Series::new(labels.clone())));
        (slot, labels)
    }

    /// Takes series out.
    pub(crate) fn remove(&mut self, slots: &[u32]) {
        let taken = slots.iter().filter_map(|slot| {
            let series = self.slots.get_mut(*slot as usize)?.take()?;
            self.free.push(*slot);
            Some((*slot, series.labels))
        });
        let taken: Vec<_> = taken.collect();
        self.index.remove(&taken);
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Series> {
        self.slots.get(slot as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Series> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// Series with their slots, in the order of these.
    pub(crate) fn series(&self) -> impl Iterator<Item = (u32, &Series)> {
        self.index.slots().iter().filter_map(|slot| Some((*slot, self.get(*slot)?)))
    }

    /// How many samples there are; what was taken out since the last [`Head::recount`] counts still.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    pub(crate) fn recount(&mut self) {
        self.samples = self.series().map(|(_, series)| series.samples()).sum();
    }

    /// How many series there is room for, and in how many entries of the index.
    #[cfg(test)]
    pub(crate) fn room(&self) -> (usize, usize) {
        (
            self.slots.len(),
            self.index.names().flat_map(|(_, values)| values.values()).map(Vec::capacity).sum(),
        )
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.index.slots().len()
    }

    /// Appends a sample that was accepted before; `false` where a late one is there already.
    pub(crate) fn append(&mut self, slot: u32, at: Timestamp, value: f64, is_late: bool) -> bool {
        let boundary = self.boundary;
        self.samples += 1;
        match self.get_mut(slot) {
            None => false,
            Some(series) if is_late => series.insert_late(at, value),
            Some(series) => {
                series.append(at, value, boundary);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let mut head = Head::new(1000);
        let labels = |value: &str| Labels::new([("x", value)]).unwrap();
        let (a, _) = head.insert(&labels("a"));
        let (b, _) = head.insert(&labels("b"));
        assert!(head.append(a, Timestamp(1), 1.0, false));
        head.remove(&[a]);
        assert!(!head.append(a, Timestamp(2), 1.0, false));
        let (c, _) = head.insert(&labels("c"));
        assert_eq!((a, b, c), (0, 1, 0));
        let shown: Vec<_> = head.series().map(|(slot, series)| format!("{slot}{}", series.labels)).collect();
        assert_eq!(shown, ["0{x=\"c\"}", "1{x=\"b\"}"]);
    }
}
