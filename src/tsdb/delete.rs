//! Deletes samples: at once in memory, by tombstones in blocks.

use std::collections::BTreeSet;

use crate::series::{Labels, Matcher, TimeSpan};

use super::{Store, StoreError, block::BlockError, postings::matching, run::overlap};

impl Store {
    /// Removes the samples in a span of the series that all matchers accept; says how many series had some there.
    pub fn delete(&self, matchers: &[Matcher], span: TimeSpan) -> Result<usize, StoreError> {
        let _upkeep = self.upkeep();
        let mut touched: BTreeSet<Labels> = BTreeSet::new();
        self.delete_from_memory(matchers, span, &mut touched)?;
        let blocks = self.read().blocks.clone();
        for block in blocks.iter().filter(|block| overlap(block.span(), span)) {
            let index = match block.index() {
                Ok(index) => index,
                Err(BlockError::Io(source)) => {
                    return Err(StoreError::io("read", block.path().unwrap_or("a block".as_ref()), source));
                }
                Err(BlockError::Damaged(_) | BlockError::Version(_)) => {
                    block.set_damaged();
                    continue;
                }
            };
            let mut tombstones = (*block.tombstones()).clone();
            for series in matching(&*index, matchers) {
                if index.chunks(series).iter().any(|chunk| overlap(chunk.span, span)) {
                    tombstones.add(series, span);
                    touched.insert(index.label_texts(series).collect());
                }
            }
            if tombstones != *block.tombstones() {
                block.set_tombstones(tombstones)?;
            }
        }
        Ok(touched.len())
    }

    fn delete_from_memory(
        &self,
        matchers: &[Matcher],
        span: TimeSpan,
        touched: &mut BTreeSet<Labels>,
    ) -> Result<(), StoreError> {
        let mut intake = self.intake();
        let slots: Vec<u32> = {
            let state = self.read();
            let found = matching(state.head.index(), matchers).into_iter();
            found.filter(|slot| state.head.get(*slot).is_some_and(|series| series.overlaps(span))).collect()
        };
        if slots.is_empty() {
            return Ok(());
        }
        intake.log_deletion(&slots, span)?;
        let mut state = self.write();
        for slot in slots {
            if let Some(series) = state.head.get_mut(slot)
                && series.remove(span) > 0
            {
                touched.insert(series.labels.clone());
            }
        }
        Ok(())
    }

    /// Frees the room that deleted samples take in blocks.
    pub fn clean_tombstones(&self) -> Result<(), StoreError> {
        let mut upkeep = self.upkeep();
        let blocks = self.read().blocks.clone();
        for block in blocks.iter().filter(|block| !block.tombstones().is_empty()) {
            self.rewrite(&mut upkeep, std::slice::from_ref(block))?;
        }
        Ok(())
    }
}
