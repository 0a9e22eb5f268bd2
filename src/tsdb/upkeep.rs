//! What is done from time to time: blocks are cut and merged, the log is trimmed, retention is applied.

use std::{collections::BTreeSet, sync::Arc};

use crate::time::Timestamp;

use super::{
    Maintained, Options, Store, StoreError,
    block::{Block, merge},
    folder::set_aside,
    log::{Files, Kept, checkpoint_path, write_checkpoint},
};

/// A log smaller than this is not worth a checkpoint.
const SMALL_LOG: u64 = 1 << 20;

/// Blocks are merged while their indexes are together not larger than this: the merged one is made in memory.
const MAX_MERGED_INDEX: u64 = 4 << 20;

/// After an error, blocks are left alone for so many milliseconds: on a full disk they would be written in vain each
/// second.
const RETRY: i64 = 30_000;

/// State of the upkeep.
#[derive(Debug)]
pub(super) struct Upkeep {
    last_block: u64,
    /// What is older has left memory.
    pub(super) cut_until: Option<i64>,
    /// Why blocks could not be cut or merged, and when that is tried again.
    failed: Option<(Timestamp, StoreError)>,
    /// Blocks whose damaged chunks were told of.
    told: BTreeSet<u64>,
}

impl Upkeep {
    pub(super) fn new(last_block: u64) -> Self {
        Self { last_block, cut_until: None, failed: None, told: BTreeSet::new() }
    }

    /// Has blocks written under numbers of their own. Where one fails, those before it are removed and the numbers are
    /// free again: what stays of a file is written over the next time.
    pub(super) fn write_blocks<T>(
        &mut self,
        of: impl IntoIterator<Item = T>,
        mut write: impl FnMut(u64, T) -> Result<Option<Block>, StoreError>,
    ) -> Result<Vec<Arc<Block>>, StoreError> {
        let mut number = self.last_block;
        let mut written: Vec<Arc<Block>> = Vec::new();
        for one in of {
            number += 1;
            match write(number, one) {
                Ok(block) => written.extend(block.map(Arc::new)),
                Err(error) => {
                    // That they cannot be removed either is no second error.
                    for block in written {
                        drop(block.remove());
                    }
                    return Err(error);
                }
            }
        }
        self.last_block = number;
        Ok(written)
    }
}

impl Store {
    /// Moves what is old enough from memory to disk, merges blocks, trims the log, applies retention. To be called every
    /// second or so with the time of a clock.
    ///
    /// What fails keeps nothing else from being done, and is tried again some seconds later.
    pub fn maintain(&self, now: Timestamp) -> Maintained {
        let mut upkeep = self.upkeep();
        let options = self.options();
        self.intake().set_clock(now);
        let mut maintained = Maintained::default();
        let wait = upkeep.failed.as_ref().map_or(0, |(at, _)| at.0.saturating_sub(now.0));
        if !(1..=RETRY).contains(&wait) {
            let cut = self.cut_due(&mut upkeep, &options, &mut maintained);
            let moved = cut.and_then(|()| self.merge_some(&mut upkeep, &options, &mut maintained));
            upkeep.failed = moved.err().map(|error| (Timestamp(now.0.saturating_add(RETRY)), error));
        }
        maintained.errors.extend(upkeep.failed.iter().map(|(_, error)| error.clone()));
        self.apply_retention(&options, &mut maintained);
        self.set_damaged_aside(&mut upkeep, &mut maintained);
        maintained
    }

    fn cut_due(
        &self,
        upkeep: &mut Upkeep,
        options: &Options,
        maintained: &mut Maintained,
    ) -> Result<(), StoreError> {
        let (reference, ended) = {
            let intake = self.intake();
            (intake.reference(), intake.ended(options.idle_millis))
        };
        let Some(reference) = reference else { return Ok(()) };
        let block = options.block_millis.max(1);
        let due = (reference.0.saturating_sub(block / 2)).div_euclid(block).saturating_mul(block);
        let is_due = upkeep.cut_until.is_none_or(|before| before < due);
        let samples = self.read().head.samples();
        let is_full = samples > options.max_head_samples;
        let until = match (is_due, is_full) {
            (_, true) => Timestamp(due.max(reference.0.saturating_sub(options.idle_millis.max(0)))),
            (true, false) => Timestamp(due),
            (false, false) => Timestamp(i64::MIN),
        };
        let ended = if ended.len() > options.max_ended_series { ended } else { Vec::new() };
        if !is_due && !is_full && ended.is_empty() {
            return self.trim_log();
        }
        let cut = self.cut(upkeep, options, until, &ended)?;
        maintained.blocks_cut += cut;
        maintained.series_dropped += self.drop_ended(options);
        if is_due {
            upkeep.cut_until = Some(due);
        }
        if cut > 0 { self.checkpoint() } else { self.trim_log() }
    }

    /// Takes series out of memory that have ended and left all their samples.
    fn drop_ended(&self, options: &Options) -> usize {
        let mut intake = self.intake();
        let mut slots = intake.ended(options.idle_millis);
        let mut state = self.write();
        slots.retain(|slot| state.head.get(*slot).is_some_and(super::head::Series::is_empty));
        state.head.remove(&slots);
        intake.remove(&slots);
        slots.len()
    }

    /// Writes a checkpoint if the log has become long beside the last one.
    fn trim_log(&self) -> Result<(), StoreError> {
        let sizes = self.intake().log.as_ref().map(super::log::Log::sizes);
        match sizes {
            Some((log, checkpoint)) if log > SMALL_LOG.max(checkpoint.saturating_mul(2)) => self.checkpoint(),
            _ => Ok(()),
        }
    }

    /// Writes all that is in memory to a file; the log files before it go.
    pub(super) fn checkpoint(&self) -> Result<(), StoreError> {
        let Some(folder) = self.shared().folder.as_ref().map(super::folder::Folder::log) else {
            return Ok(());
        };
        let (number, snapshot) = {
            let mut intake = self.intake();
            let Some(number) = intake.log.as_mut().map(super::log::Log::rotate) else {
                return Ok(());
            };
            let state = self.read();
            let kept = state.head.series().filter_map(|(slot, series)| {
                let position = intake.position(slot)?;
                let has_been = position.last.is_some() || !series.is_empty();
                has_been.then(|| Kept {
                    labels: series.labels.clone(),
                    last: position.last.map(|(at, bits)| (at, f64::from_bits(bits))),
                    newest: position.newest,
                    in_order: series.in_order.sealed(),
                    late: series.late.sealed(),
                })
            });
            (number, kept.flat_map(Kept::parts).collect::<Vec<_>>())
        };
        let path = checkpoint_path(&folder, number);
        write_checkpoint(&path, &snapshot)?;
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        Files::list(&folder)?.remove_before(number)?;
        if let Some(log) = &mut self.intake().log {
            log.set_checkpoint(bytes);
        }
        Ok(())
    }

    /// Merges one group of blocks, if there is one that should be.
    fn merge_some(
        &self,
        upkeep: &mut Upkeep,
        options: &Options,
        maintained: &mut Maintained,
    ) -> Result<(), StoreError> {
        let Some(cut_until) = upkeep.cut_until else { return Ok(()) };
        let blocks = self.read().blocks.clone();
        let Some(group) = group_to_merge(&blocks, options, cut_until) else { return Ok(()) };
        maintained.blocks_merged += group.len();
        self.rewrite(upkeep, &group)
    }

    /// Puts one block in the place of others; deleted samples are left out.
    pub(super) fn rewrite(&self, upkeep: &mut Upkeep, group: &[Arc<Block>]) -> Result<(), StoreError> {
        let Some(rank) = group.iter().map(|block| block.footer().rank).min() else { return Ok(()) };
        let replaced = group.iter().map(|block| block.number()).collect();
        let folder = self.shared().folder.as_ref().map(super::folder::Folder::blocks);
        let mut damaged = 0;
        let written = upkeep.write_blocks([replaced], |number, replaced| {
            Block::write(folder.as_deref(), number, rank, replaced, &self.shared().indexes, |writer| {
                damaged = merge(group, writer)?;
                Ok(())
            })
        });
        let merged = match written {
            Ok(merged) => merged,
            Err(error) => {
                // A block whose index cannot be read is set aside, so that the others can be merged the next time.
                group.iter().filter(|block| block.index().is_err()).for_each(|block| block.set_damaged());
                return Err(error);
            }
        };
        for merged in &merged {
            merged.add_damaged_chunks(damaged);
        }
        self.write().exchange(merged, group);
        group.iter().try_for_each(|block| block.remove())
    }

    /// Removes blocks that are too old beside the newest one, as Prometheus does (`BeyondTimeRetention` in `tsdb/db.go`):
    /// a sample or a clock that is ahead for a while is no reason. The newest block counts as not newer than the clock.
    fn apply_retention(&self, options: &Options, maintained: &mut Maintained) {
        let (reference, log_bytes) = {
            let intake = self.intake();
            let sizes = intake.log.as_ref().map(super::log::Log::sizes);
            (intake.reference(), sizes.map_or(0, |(log, checkpoint)| log + checkpoint))
        };
        let blocks = self.read().blocks.clone();
        let Some(newest) = blocks.iter().map(|block| block.span().to).max() else { return };
        let newest = reference.map_or(newest, |reference| reference.min(newest));
        let keep = options.retention_millis.filter(|keep| *keep > 0);
        let oldest = keep.map(|keep| newest.0.saturating_sub(keep));
        let mut by_age: Vec<_> = blocks.iter().collect();
        by_age.sort_by_key(|block| block.span().to);
        let mut bytes = log_bytes + blocks.iter().map(|block| block.size()).sum::<u64>();
        let mut dropped: Vec<Arc<Block>> = Vec::new();
        for block in by_age {
            let is_old = oldest.is_some_and(|oldest| block.span().to.0 <= oldest);
            let is_too_much = options.retention_bytes.is_some_and(|limit| limit > 0 && bytes > limit);
            if !is_old && !is_too_much {
                break;
            }
            bytes -= block.size();
            dropped.push(block.clone());
        }
        if dropped.is_empty() {
            return;
        }
        self.write().exchange(None, &dropped);
        maintained.blocks_dropped += dropped.len();
        maintained.errors.extend(dropped.iter().filter_map(|block| block.remove().err()));
    }

    /// Takes blocks out that a reader found to be damaged.
    fn set_damaged_aside(&self, upkeep: &mut Upkeep, maintained: &mut Maintained) {
        let blocks = self.read().blocks.clone();
        for block in blocks.iter() {
            let chunks = block.damaged_chunks();
            if chunks > 0 && upkeep.told.insert(block.number()) {
                let name =
                    block.path().map_or_else(|| "a block".to_owned(), |path| path.display().to_string());
                maintained
                    .set_aside
                    .push(format!("chunks of {name} are damaged, their samples are left out"));
            }
        }
        let damaged: Vec<_> = blocks.iter().filter(|block| block.is_damaged()).cloned().collect();
        if damaged.is_empty() {
            return;
        }
        self.write().exchange(None, &damaged);
        for block in damaged {
            block.forget();
            match block.path().map(|path| set_aside(path, "its index cannot be read")) {
                Some(Ok(sentence)) => maintained.set_aside.push(sentence),
                Some(Err(error)) => maintained.errors.push(error),
                None => {}
            }
        }
    }
}

/// Blocks that lie within one span of a coarser grid and should be one.
fn group_to_merge(blocks: &[Arc<Block>], options: &Options, cut_until: i64) -> Option<Vec<Arc<Block>>> {
    let small = options.block_millis.max(1);
    let tenth = options.retention_millis.map_or(i64::MAX, |keep| keep / 10);
    let largest = options.max_block_millis.min(tenth).max(small);
    let grids = [1, 4, 12, 36, 108].map(|times: i64| small.saturating_mul(times));
    for grid in grids.into_iter().filter(|grid| *grid <= largest) {
        let mut cells: Vec<(i64, &Arc<Block>)> = blocks
            .iter()
            .filter_map(|block| {
                let cell = block.span().from.0.div_euclid(grid);
                let is_within = block.span().to.0.div_euclid(grid) == cell;
                let is_past = cell.checked_add(1)?.checked_mul(grid)? <= cut_until;
                (is_within && is_past).then_some((cell, block))
            })
            .collect();
        cells.sort_by_key(|(cell, block)| (*cell, block.footer().rank));
        for of_cell in cells.chunk_by(|a, b| a.0 == b.0) {
            let mut group: Vec<Arc<Block>> = Vec::new();
            let mut index_bytes = 0;
            for (_, block) in of_cell {
                index_bytes += block.index_size();
                if index_bytes > MAX_MERGED_INDEX {
                    if group.len() > 1 {
                        break;
                    }
                    group.clear();
                    index_bytes = block.index_size();
                }
                group.push(Arc::clone(block));
            }
            if group.len() > 1 {
                return Some(group);
            }
        }
    }
    None
}
